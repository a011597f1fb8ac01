// Threads: leaving one for another, and the first instructions of a new one.

    .section .text.notrace, "ax"

// thread_switch(from: r3, to: r4)
//
// Registers
//   on entry : r3 = head of the running thread (= r13), r4 = head of the thread to run, LR = return address,
//              interrupts off
//   on exit  : as a call that preserves what ELFv2 2.2.2.1 says, but on the other thread, r13 = its head
//   free     : r0, r3 to r12, CTR, XER
//
// Frame (SwitchFrame), saved_stack_pointer of a thread that does not run points to its lowest byte
//   r1 + {FRAME_SIZE}  caller's frame: LR at {LR_SAVE}, CR at {CR_SAVE}
//   r1 + {GPR14}       r14 … r31
//   r1 + 0             header: TOC save = r2
    .globl thread_switch
    .type  thread_switch, @function
thread_switch:
    .cfi_startproc
    mflr  %r0
    mfcr  %r12
    std   %r0, {LR_SAVE}(%r1)
    stw   %r12, {CR_SAVE}(%r1)
    .cfi_offset lr, {LR_SAVE}
    stdu  %r1, -{FRAME_SIZE}(%r1)
    .cfi_def_cfa_offset {FRAME_SIZE}
    std   %r2, {TOC_SAVE}(%r1)
    .irp n, 14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    std   %r\n, {GPR14}+8*(\n-14)(%r1)
    .endr
    std   %r1, {SAVED_STACK_POINTER}(%r3)

    mr    %r13, %r4
    ld    %r1, {SAVED_STACK_POINTER}(%r4)
    ld    %r2, {TOC_SAVE}(%r1)
    .irp n, 14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld    %r\n, {GPR14}+8*(\n-14)(%r1)
    .endr
    addi  %r1, %r1, {FRAME_SIZE}
    .cfi_def_cfa_offset 0
    ld    %r0, {LR_SAVE}(%r1)
    lwz   %r12, {CR_SAVE}(%r1)
    mtlr  %r0
    mtcr  %r12
    blr
    .cfi_endproc
    .size thread_switch, . - thread_switch

// Where thread_switch returns to on a new thread.
//
// Registers
//   on entry : r14 = global entry of the thread's main function, r15 = its argument, r1 = the outermost frame
//   at call  : r12 = CTR = r14, r3 = r15
//   on exit  : never
    .globl thread_start
    .type  thread_start, @function
thread_start:
    .cfi_startproc
    .cfi_undefined lr                   // the outermost frame
    mr    %r3, %r15
    mr    %r12, %r14
    mtctr %r14
    bctrl
    trap                                // a thread's main function never returns
    .cfi_endproc
    .size thread_start, . - thread_start
