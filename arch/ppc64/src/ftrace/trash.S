// ftrace_trash: an ops that leaves nothing as it was where the contract lets it: for tests.
//
// Registers
//   on entry : as any ops: r3 = site, r4 = parent, r5 = ops, r6 = FtraceRegs, r12 = this address
//   on exit  : r0, r2 to r12, CTR, XER, CR0, CR1, CR5 to CR7 hold rubbish; the ops' own word is one more
//   free     : the same (ELFv2 2.2.2.1; r2 because it was called through its global entry)
// Stack: none is used, but the words of the caller's frame that belong to a callee, its CR and LR save slots, are
// written over.

    .section .text.notrace, "ax"

    .globl ftrace_trash
    .type  ftrace_trash, @function
ftrace_trash:
    .localentry ftrace_trash, 1         // r2 is not kept
    .cfi_startproc
    addi  %r5, %r5, {OPS_DATA}
1:  ldarx %r7, 0, %r5
    addi  %r7, %r7, 1
    stdcx. %r7, 0, %r5
    bne-  1b
    mflr  %r0
    std   %r0, {LR_SAVE}(%r1)
    lis   %r12, 0x5aa5
    ori   %r12, %r12, 0x5aa5
    stw   %r12, {CR_SAVE}(%r1)
    mtcrf 0xc7, %r12
    mtxer %r12
    mtctr %r12
    mr    %r2, %r12
    mr    %r0, %r12
    .irp n, 3,4,5,6,7,8,9,10,11
    addi  %r\n, %r12, \n
    .endr
    blr
    .cfi_endproc
    .size ftrace_trash, . - ftrace_trash
