// ftrace_regs_caller: the common trampoline for ops that want every register, or change more than the arguments.
//
// How one gets here: as ftrace_caller (caller.S); the stub's last branch decides which of the two.
//
// Registers
//             | on entry                | at an ops' call                | on exit, NIP unchanged | on exit, NIP changed
//   ----------+-------------------------+--------------------------------+------------------------+----------------------
//   r0        | A's return address      | free                           | LR, as left [2]        | free
//   r1        | A's frame               | FtraceFrame                    | A's frame              | A's frame
//   r2        | B's TOC, or nobody's    | whatever; the ops computes its | as left [2]            | as left [2]
//   r3 - r6   | arguments 1 - 4         | site, parent, ops, FtraceRegs  | as left [2]            | as left [2]
//   r7 - r10  | arguments 5 - 8         | free                           | as left [2]            | as left [2]
//   r11       | hook                    | free                           | free                   | hook
//   r12       | free                    | the ops' global entry          | NIP                    | NIP = C
//   LR        | see caller.S            | here                           | as left [2]            | as left [2]
//   CTR       | free                    | the ops' global entry          | NIP                    | the return design
//   CR, XER   | free but CR2-4          | free but CR2-4                 | as left [2]            | as left [2]
//   r13       | running thread          | the same                       | the same               | the same
//   r14 - r31 | A's                     | A's, but r30 = list, r31 = hook| as left [2]            | as left [2]
//   [2] as the ops left them in FtraceRegs; they start as A's
//
// Stack: as in caller.S; here every field of FtraceRegs is filled, but what gpr has no use for (frame.rs).
//
// Source: as caller.S.
// Cannot: change r1 and r13.

    .section .text.trampoline, "ax"

    .globl ftrace_regs_caller
    .type  ftrace_regs_caller, @function
ftrace_regs_caller:
    .cfi_startproc
    .cfi_register lr, r0
    ld    %r12, {TRACE_DEPTH}(%r13)
    cmpdi %r12, 0
    bne-  .Lftrace_recursion
    std   %r0, {LR_SAVE}(%r1)
    .cfi_offset lr, {LR_SAVE}
    stdu  %r1, -{FRAME_SIZE}(%r1)
    .cfi_def_cfa_offset {FRAME_SIZE}
    std   %r2, {TOC_SAVE}(%r1)
    .irp n, 2,3,4,5,6,7,8,9,10, 14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    std   %r\n, {GPR}+8*\n(%r1)
    .endr
    .cfi_offset r30, {GPR}+8*30-{FRAME_SIZE}
    .cfi_offset r31, {GPR}+8*31-{FRAME_SIZE}
    li    %r12, 1
    std   %r12, {TRACE_DEPTH}(%r13)
    mfctr %r5
    mfxer %r6
    mfcr  %r7
    std   %r0, {LR}(%r1)
    std   %r5, {CTR}(%r1)
    std   %r6, {XER}(%r1)
    std   %r7, {CR}(%r1)
    mr    %r31, %r11
    ld    %r3, {HOOK_SITE}(%r31)
    addi  %r4, %r3, 4
    std   %r4, {NIP}(%r1)
    ld    %r30, {HOOK_OPS}(%r31)

    b     2f
1:  ld    %r3, {HOOK_SITE}(%r31)
    ld    %r4, {LR}(%r1)
    ld    %r5, {OPS_POINTER}(%r30)
    addi  %r6, %r1, {REGS}
    bctrl
    addi  %r30, %r30, {OPS_SIZE}
2:  ld    %r12, {OPS_FUNCTION}(%r30)
    cmpdi %r12, 0
    mtctr %r12
    bne   1b

    li    %r0, 0
    std   %r0, {TRACE_DEPTH}(%r13)
    mr    %r11, %r31
    ld    %r12, {NIP}(%r1)
    ld    %r3, {HOOK_SITE}(%r31)
    addi  %r3, %r3, 4
    cmpd  %r12, %r3
    ld    %r0, {LR}(%r1)
    ld    %r6, {XER}(%r1)
    mtctr %r12
    mtlr  %r0
    .cfi_restore lr
    mtxer %r6
    bne   3f
    ld    %r7, {CR}(%r1)
    mtcr  %r7
    .irp n, 2,3,4,5,6,7,8,9,10, 14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld    %r\n, {GPR}+8*\n(%r1)
    .endr
    addi  %r1, %r1, {FRAME_SIZE}
    .cfi_remember_state
    .cfi_def_cfa_offset 0
    .cfi_restore r30
    .cfi_restore r31
    bctr                                // on in B
    .cfi_restore_state
3:  ld    %r7, {CR}(%r1)
    mtcr  %r7
    ld    %r0, {RETURN_ENTRY}(%r1)
    mtctr %r0
    .irp n, 2,3,4,5,6,7,8,9,10, 14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld    %r\n, {GPR}+8*\n(%r1)
    .endr
    addi  %r1, %r1, {FRAME_SIZE}
    .cfi_def_cfa_offset 0
    .cfi_restore r30
    .cfi_restore r31
    bctr                                // to C, as the return design knows how
    .cfi_endproc
    .size ftrace_regs_caller, . - ftrace_regs_caller
