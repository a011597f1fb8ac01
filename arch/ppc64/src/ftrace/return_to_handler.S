// return_to_handler: where a function returns to when the graph tracer wants to see it return.
//
// The ops `ftrace_graph_caller` has put A's return address on the thread's graph stack and this address in its place. With a
// live patch on the same hook, the return design takes this address for A's, and comes here when it is done.
//
// Call site
//   A:  bl   B              ; B is hooked; LR becomes return_to_handler before B, or C, begins
//
// Registers
//             | on entry               | at the upcall            | on exit
//   ----------+------------------------+--------------------------+------------------------
//   r1        | A's frame              | this frame               | A's frame
//   r2        | A's TOC, or nobody's   | the same                 | as on entry
//   r3 - r10  | the result [1]         | free                     | the result
//   LR        | free                   | here                     | A's return address
//   r12, CTR  | free                   | the upcall's global entry| free
//   r0, r11, CR0, 1, 5 - 7 | free      | free                     | free
//   r13 - r31 | A's                    | A's                      | A's
//   [1] C uses r3 and r4; the compiler's own conventions inside one object may use all eight
//
// Stack
//   A's r1 -> +------------------------------+
//             | r3 … r10                     |  32 … 95
//             | header: TOC save = r2        |
//   r1     -> +------------------------------+  A's r1 - {FRAME_SIZE}
//
// Source: ELFv2 2.2.2.1, 2.2.3.
// Cannot: see a return that is no return: a thread that is ended leaves its records behind, with the thread.

    .section .text.trampoline, "ax"

    .type  return_to_handler, @function
    .cfi_startproc
    .cfi_undefined lr                   // A's return address is on the graph stack only
    nop                                 // a return address minus 1 must still be in this procedure
    .globl return_to_handler
return_to_handler:
    stdu  %r1, -{FRAME_SIZE}(%r1)
    .cfi_def_cfa_offset {FRAME_SIZE}
    std   %r2, {TOC_SAVE}(%r1)
    .irp n, 3,4,5,6,7,8,9,10
    std   %r\n, {RESULT}+8*(\n-3)(%r1)
    .endr
    lis   %r12, ftrace_return_to_handler@ha
    addi  %r12, %r12, ftrace_return_to_handler@l
    mtctr %r12
    bctrl                               // answers A's return address
    .cfi_register lr, r3
    mtlr  %r3
    .cfi_same_value lr
    .irp n, 3,4,5,6,7,8,9,10
    ld    %r\n, {RESULT}+8*(\n-3)(%r1)
    .endr
    ld    %r2, {TOC_SAVE}(%r1)
    addi  %r1, %r1, {FRAME_SIZE}
    .cfi_def_cfa_offset 0
    blr
    .cfi_endproc
    .size return_to_handler, . - return_to_handler
