// mini-frame: a frame of 32 bytes between A and C keeps A's TOC; C returns into klp_return_helper, which closes it.
//
// CAUTION, asked for in 2016 ("Where shall we put this warning?"): the frame moves C by 32 bytes away from A's frame. A
// function that finds arguments on the stack, from 96(r1) of A's frame on (more than 8 of them, a struct by value that
// does not fit in registers), reads them 32 bytes too low; a variadic one spills r3 - r10 from 32(r1) on, over 32 bytes of
// the mini frame's missing parameter save area: over A's frame header. Such functions must not be patched under this design.
//
// Call site
//   A:  bl   B              ; B is local: no nop behind, nobody saved r2
//   B:  …site…              ; a hook sends the call to klp_enter_mini_frame, with NIP = C
//
// Registers
//             | on entry             | at C's global entry  | klp_return_helper    | on return to A
//   ----------+----------------------+----------------------+----------------------+--------------------
//   r1        | A's frame            | mini frame           | mini frame           | A's frame
//   r2        | A's TOC              | A's TOC, C sets its  | C's TOC              | A's TOC
//   r3 - r10  | arguments            | arguments            | C's result in r3, r4 | C's result
//   r12       | C's global entry     | C's global entry     | free                 | free
//   LR        | A's return address   | klp_return_helper    | any                  | A's return address
//   CTR       | free                 | C's global entry     | free                 | free
//   r0, r11   | free                 | free                 | free                 | free
//   r13 - r31 | A's                  | A's                  | A's                  | A's
//
// Stack
//   A's r1 -> +-----------------------------+
//             | A's frame                   |  16(r1): A's return address, where any callee of A saves it
//             +-----------------------------+
//             | 24: A's TOC                 |
//             | 16: klp_return_helper       |  where C saves it as well
//             |  8: CR save, reserved       |
//             |  0: back chain to A's frame |
//   C's r1 -> +-----------------------------+  A's r1 - 32
//
// Source: the discussion of March 2016 on the live-patching list ("ftrace with regs for ppc64le", version 8); ELFv2 2.2.3.1.
// Cannot: stack arguments, variadic functions (see above). A sibling call out of C through a stub that stores r2 at
// 24(r1) overwrites A's TOC in the mini frame.

    .section .text.trampoline, "ax"

    .globl klp_enter_mini_frame
    .type  klp_enter_mini_frame, @function
klp_enter_mini_frame:
    .cfi_startproc
    mflr  %r0
    std   %r0, {LR_SAVE}(%r1)
    .cfi_offset lr, {LR_SAVE}
    stdu  %r1, -{FRAME_HEADER_SIZE}(%r1)
    .cfi_def_cfa_offset {FRAME_HEADER_SIZE}
    std   %r2, {TOC_SAVE}(%r1)
    lis   %r11, klp_return_helper@ha
    addi  %r11, %r11, klp_return_helper@l
    std   %r11, {LR_SAVE}(%r1)
    mtlr  %r11
    mtctr %r12
    bctr
    .cfi_endproc
    .size klp_enter_mini_frame, . - klp_enter_mini_frame

    .globl klp_return_helper
    .type  klp_return_helper, @function
    .cfi_startproc
    .cfi_def_cfa_offset {FRAME_HEADER_SIZE}
    .cfi_offset lr, {LR_SAVE}
    nop                                 // a return address minus 1 must still be in this procedure
klp_return_helper:
    ld    %r2, {TOC_SAVE}(%r1)
    addi  %r1, %r1, {FRAME_HEADER_SIZE}
    .cfi_def_cfa_offset 0
    ld    %r0, {LR_SAVE}(%r1)
    mtlr  %r0
    .cfi_restore lr
    blr
    .cfi_endproc
    .size klp_return_helper, . - klp_return_helper
