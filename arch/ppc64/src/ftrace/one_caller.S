// ftrace_one_caller, ftrace_regs_one_caller: the common trampolines for a hook with one ops, which does not redirect calls.
// No list is gone through, and B always goes on; the rest is as in caller.S and regs_caller.S.
//
// How one gets here: as ftrace_caller (caller.S); the stub's last branch decides which trampoline it is.
//
// Registers
//             | on entry                | at the ops' call               | on exit
//   ----------+-------------------------+--------------------------------+----------------------------------------
//   r0        | A's return address      | free                           | A's return address [2]
//   r1        | A's frame               | FtraceFrame                    | A's frame
//   r2        | B's TOC, or nobody's    | whatever; the ops computes its | as on entry; all: as left
//   r3 - r6   | arguments 1 - 4         | site, parent, ops, FtraceRegs  | arguments 1 - 4 [2]
//   r7 - r10  | arguments 5 - 8         | free                           | arguments 5 - 8 [2]
//   r11       | hook                    | free                           | free
//   r12       | free                    | the ops' global entry          | B, behind the site
//   LR        | see caller.S            | here                           | A's return address [2]
//   CTR       | free                    | the ops' global entry          | B, behind the site
//   CR, XER   | free but CR2-4          | free but CR2-4                 | free but CR2-4; all: as left
//   r13       | running thread          | the same                       | the same
//   r14 - r31 | A's                     | A's                            | A's; all: as left
//   [2] as the ops left them in FtraceRegs
//   all: of ftrace_regs_one_caller, where every register of FtraceRegs is as the ops left it
//
// Stack: as in caller.S. The list of ops, which keeps the ops alive, is in gpr[12] of FtraceRegs, where nobody else has use for
// it; gpr[11] is not written.
//
// Source: as caller.S.
// Cannot: serve an ops that changes NIP, or a second ops.

    .section .text.trampoline, "ax"

// Guards against recursion, and makes the frame. On entry r0 = A's return address.
    .macro open_one_frame
    .cfi_register lr, r0
    ld    %r12, {TRACE_DEPTH}(%r13)
    cmpdi %r12, 0
    bne-  .Lftrace_recursion
    std   %r0, {LR_SAVE}(%r1)
    .cfi_offset lr, {LR_SAVE}
    stdu  %r1, -{FRAME_SIZE}(%r1)
    .cfi_def_cfa_offset {FRAME_SIZE}
    std   %r1, {TRACE_DEPTH}(%r13)
    .endm

// Calls the ops. On entry r11 = hook, r0 = A's return address, which is saved; the arguments are saved.
    .macro call_one_ops
    std   %r0, {LR}(%r1)
    ld    %r3, {HOOK_SITE}(%r11)
    addi  %r12, %r3, 4
    std   %r12, {NIP}(%r1)
    ld    %r12, {HOOK_OPS}(%r11)
    std   %r12, {GPR}+8*12(%r1)
    mr    %r4, %r0
    ld    %r5, {OPS_POINTER}(%r12)
    ld    %r12, {OPS_FUNCTION}(%r12)
    mtctr %r12
    addi  %r6, %r1, {REGS}
    bctrl
    li    %r0, 0
    std   %r0, {TRACE_DEPTH}(%r13)
    ld    %r12, {NIP}(%r1)
    mtctr %r12
    .endm

    .globl ftrace_one_caller
    .type  ftrace_one_caller, @function
ftrace_one_caller:
    .cfi_startproc
    open_one_frame
    std   %r2, {TOC_SAVE}(%r1)
    .irp n, 3,4,5,6,7,8,9,10
    std   %r\n, {GPR}+8*\n(%r1)
    .endr
    call_one_ops
    ld    %r0, {LR}(%r1)
    mtlr  %r0
    .cfi_restore lr
    ld    %r2, {TOC_SAVE}(%r1)
    .irp n, 3,4,5,6,7,8,9,10
    ld    %r\n, {GPR}+8*\n(%r1)
    .endr
    addi  %r1, %r1, {FRAME_SIZE}
    .cfi_def_cfa_offset 0
    bctr                                // on in B
    .cfi_endproc
    .size ftrace_one_caller, . - ftrace_one_caller

    .globl ftrace_regs_one_caller
    .type  ftrace_regs_one_caller, @function
ftrace_regs_one_caller:
    .cfi_startproc
    open_one_frame
    .irp n, 2,3,4,5,6,7,8,9,10, 14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    std   %r\n, {GPR}+8*\n(%r1)
    .endr
    mfctr %r5
    mfxer %r6
    mfcr  %r7
    std   %r5, {CTR}(%r1)
    std   %r6, {XER}(%r1)
    std   %r7, {CR}(%r1)
    call_one_ops
    ld    %r0, {LR}(%r1)
    ld    %r6, {XER}(%r1)
    ld    %r7, {CR}(%r1)
    mtlr  %r0
    .cfi_restore lr
    mtxer %r6
    mtcr  %r7
    .irp n, 2,3,4,5,6,7,8,9,10, 14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld    %r\n, {GPR}+8*\n(%r1)
    .endr
    addi  %r1, %r1, {FRAME_SIZE}
    .cfi_def_cfa_offset 0
    bctr                                // on in B
    .cfi_endproc
    .size ftrace_regs_one_caller, . - ftrace_regs_one_caller
