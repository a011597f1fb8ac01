// caller-frame: no frame of its own; what A needs goes into A's own frame header.
//
// Call site
//   A:  bl   B              ; B is local: no nop behind, nobody saved r2
//   B:  …site…              ; a hook sends the call to klp_enter_caller_frame, with NIP = C
//
// Registers
//             | on entry             | at C's global entry            | the return helper    | on return to A
//   ----------+----------------------+--------------------------------+----------------------+--------------------
//   r1        | A's frame            | A's frame                      | A's frame            | A's frame
//   r2        | A's TOC              | A's TOC, C sets its            | C's TOC              | A's TOC
//   r3 - r10  | arguments            | arguments                      | C's result in r3, r4 | C's result
//   r12       | C's global entry     | C's global entry               | free                 | free
//   LR        | A's return address   | klp_return_helper_caller_frame | any                  | A's return address
//   CTR       | free                 | C's global entry               | free                 | free
//   r0, r11   | free                 | free                           | free                 | free
//   r13 - r31 | A's                  | A's                            | A's                  | A's
//
// Stack: A's frame header, and nothing below it
//   A's r1 + 24: r2 as B found it             | A's own TOC save: live when A called B through a stub
//   A's r1 + 16: the return helper            | where C saves its return address too
//   A's r1 + 12: A's return address - A's TOC | 32 bits; the ABI reserves the word and nobody may use it
//   A's r1 +  8: untouched                    | A's CR save
//   A's r1 +  0: untouched                    | back chain
//
// Source: the discussion of March 2016 on the live-patching list ("reuse the previous stack frame"); ELFv2 2.2.3.1, whose
// 2.2.3.2 forbids writing the reserved word.
// Cannot:
//   - leave A's 24(r1) alone: a caller in another object reloads B's TOC from it and runs on with that;
//   - nest on one frame: a sibling call from C to a second patched function writes over the record, and the helper
//     returns to itself for ever; one through a stub that stores r2 makes the helper jump to a wild address;
//   - take a B without a TOC pointer: r2 may be anything there, further than 32 bits from LR, and the helper jumps wildly;
//   - be unwound along the back chains: A's return address is nowhere on the stack as such.

    .section .text.trampoline, "ax"

    .globl klp_enter_caller_frame
    .type  klp_enter_caller_frame, @function
klp_enter_caller_frame:
    .cfi_startproc
    mflr  %r0
    std   %r2, {TOC_SAVE}(%r1)
    subf  %r0, %r2, %r0
    stw   %r0, {RESERVED}(%r1)
    lis   %r11, klp_return_helper_caller_frame@ha
    addi  %r11, %r11, klp_return_helper_caller_frame@l
    std   %r11, {LR_SAVE}(%r1)
    mtlr  %r11
    mtctr %r12
    bctr
    .cfi_endproc
    .size klp_enter_caller_frame, . - klp_enter_caller_frame

    .globl klp_return_helper_caller_frame
    .type  klp_return_helper_caller_frame, @function
    .cfi_startproc
    .cfi_undefined lr                   // A's return address is nowhere as such
    nop                                 // a return address minus 1 must still be in this procedure
klp_return_helper_caller_frame:
    ld    %r2, {TOC_SAVE}(%r1)
    lwa   %r0, {RESERVED}(%r1)
    add   %r0, %r0, %r2
    .cfi_register lr, r0
    mtlr  %r0
    .cfi_same_value lr
    blr
    .cfi_endproc
    .size klp_return_helper_caller_frame, . - klp_return_helper_caller_frame
