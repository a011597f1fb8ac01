// livepatch-stack: a second stack for each thread, which grows up from the base of its first one.
//
// Call site
//   A:  bl   B              ; B is local: no nop behind, nobody saved r2
//   B:  …site…              ; a hook sends the call to klp_enter_livepatch_stack, with NIP = C
//
// Registers
//             | on entry             | at C's global entry            | behind C's return    | on return to A
//   ----------+----------------------+--------------------------------+----------------------+--------------------
//   r1        | A's frame            | A's frame                      | A's frame            | A's frame
//   r2        | A's TOC              | A's TOC, C sets its            | C's TOC              | A's TOC
//   r3 - r10  | arguments            | arguments                      | C's result in r3, r4 | C's result
//   r12       | C's global entry     | C's global entry               | free                 | free
//   LR        | A's return address   | klp_return_helper_livepatch_…  | any                  | A's return address
//   CTR       | free                 | C's global entry               | free                 | free
//   r0, r11   | free                 | free                           | free                 | free
//   r13 - r31 | A's                  | A's                            | A's                  | A's
//
// Stack
//   A's frame: untouched.
//   stack_high ->        +----------------------------+
//                        | frames, growing down       |
//                        :                            :   nothing but the marker stands between the two
//   livepatch_sp      -> +----------------------------+
//                        | -8:  marker                |
//                        | -16: A's return address    |
//                        | -24: A's TOC               |
//                        +----------------------------+
//   stack_low ->         | older records              |
//
// Source: Linux 4.7 and later; ELFv2 2.2.2.1.
// Cannot:
//   - say that a call of C has not returned once C has left by a jump to another patched function: a transition that moves the
//     thread then lets one call go through half of a patch (kernel/src/livepatch/left_by_jump_tests.rs);
//   - give A's 24(r1) back after a sibling call from C through a stub that stores r2: callers in another object break;
//   - show A to who walks the back chains: A's return address is on a stack that nobody walks;
//   - see that it meets the C stack before the marker is gone.

    .section .text.trampoline, "ax"

    .globl klp_enter_livepatch_stack
    .type  klp_enter_livepatch_stack, @function
klp_enter_livepatch_stack:
    .cfi_startproc
    ld    %r11, {LIVEPATCH_SP}(%r13)
    addi  %r11, %r11, {RECORD_SIZE}
    std   %r11, {LIVEPATCH_SP}(%r13)    // first the pointer: an interrupt must not write over the record
    .globl klp_livepatch_stack_pushed
klp_livepatch_stack_pushed:             // an unwinder leaves the record out from here to the call: LR is A's until then
    std   %r2, {RECORD_TOC}-{RECORD_SIZE}(%r11)
    mflr  %r0
    std   %r0, {RECORD_RETURN}-{RECORD_SIZE}(%r11)
    lis   %r0, {MARKER}@h
    ori   %r0, %r0, {MARKER}@l
    std   %r0, {RECORD_MARKER}-{RECORD_SIZE}(%r11)
    mtctr %r12
    bctrl                               // the call and C's return are a pair for the processor's link stack

    .globl klp_return_helper_livepatch_stack
klp_return_helper_livepatch_stack:
    .cfi_undefined lr                   // A's return address is in the newest record
    ld    %r11, {LIVEPATCH_SP}(%r13)
    ld    %r12, {RECORD_MARKER}-{RECORD_SIZE}(%r11)
    lis   %r0, {MARKER}@h
    ori   %r0, %r0, {MARKER}@l
    tdne  %r12, %r0
    ld    %r0, {RECORD_RETURN}-{RECORD_SIZE}(%r11)
    ld    %r2, {RECORD_TOC}-{RECORD_SIZE}(%r11)
    addi  %r11, %r11, -{RECORD_SIZE}
    std   %r11, {LIVEPATCH_SP}(%r13)    // last the pointer
    .cfi_register lr, r0                // the record is given back
    mtlr  %r0
    .cfi_same_value lr
    blr
    .cfi_endproc
    .size klp_enter_livepatch_stack, . - klp_enter_livepatch_stack
