// ftrace_caller: the common trampoline for ops that need the arguments only.
//
// How one gets here
//   A:      bl   B                         B:      b  stub        (one-nop site; LR = A's return address)
//   B:      mflr r0 ; [std r0,16(r1) ;]  bl stub+4                (classic sites; r0 = A's return address, LR = site + 4)
//   stub:   mflr r0
//   stub+4: lis  r11,hook@h ; ori r11,r11,hook@l
//           b    ftrace_caller
//
// Registers
//             | on entry                | at an ops' call                | on exit, NIP unchanged | on exit, NIP changed
//   ----------+-------------------------+--------------------------------+------------------------+----------------------
//   r0        | A's return address      | free                           | A's return address     | free
//   r1        | A's frame               | FtraceFrame                    | A's frame              | A's frame
//   r2        | B's TOC, or nobody's [1]| whatever; the ops computes its | as on entry            | as on entry
//   r3        | argument 1              | site                           | argument 1 [2]         | argument 1 [2]
//   r4        | argument 2              | A's return address             | argument 2 [2]         | argument 2 [2]
//   r5        | argument 3              | the ops' own pointer           | argument 3 [2]         | argument 3 [2]
//   r6        | argument 4              | FtraceRegs                     | argument 4 [2]         | argument 4 [2]
//   r7 - r10  | arguments 5 - 8         | free                           | arguments 5 - 8 [2]    | arguments 5 - 8 [2]
//   r11       | hook                    | free                           | hook                   | hook
//   r12       | free                    | the ops' global entry          | NIP                    | NIP = C
//   LR        | see above               | here                           | A's return address [2] | A's return address [2]
//   CTR       | free                    | the ops' global entry          | NIP                    | the return design
//   CR0,1,5-7 | free                    | free                           | free                   | free
//   r13       | running thread          | the same                       | the same               | the same
//   r14 - r31 | A's                     | A's, but r30 = list, r31 = hook| A's                    | A's
//   [1] a callee without TOC can be entered with any r2, so nothing here is reached through r2
//   [2] as the ops left them in FtraceRegs
//
// Stack
//   A's r1 -> +--------------------------+
//             | A's frame: LR save slot  |  16(r1): A's return address, so that back chains find A (ELFv2 2.2.3.1)
//   r1     -> +--------------------------+
//             | FtraceRegs               |  frame.rs
//             | header: TOC save = r2    |
//             +--------------------------+  r1 - {FRAME_SIZE}
//
// Source: ELFv2 2.2.2.1 (what is free at a function's entry), 2.2.3 (frames); the contract of `-mprofile-kernel` for classic sites.
// Cannot: carry an ops that wants more than the arguments; that is ftrace_regs_caller's work.

    .section .text.trampoline, "ax"

    .globl ftrace_caller
    .type  ftrace_caller, @function
ftrace_caller:
    .cfi_startproc
    .cfi_register lr, r0
    ld    %r12, {TRACE_DEPTH}(%r13)
    cmpdi %r12, 0
    bne-  .Lftrace_recursion
    std   %r0, {LR_SAVE}(%r1)
    .cfi_offset lr, {LR_SAVE}
    stdu  %r1, -{FRAME_SIZE}(%r1)
    .cfi_def_cfa_offset {FRAME_SIZE}
    li    %r12, 1
    std   %r12, {TRACE_DEPTH}(%r13)
    std   %r2, {TOC_SAVE}(%r1)
    std   %r3, {GPR}+8*3(%r1)
    std   %r4, {GPR}+8*4(%r1)
    std   %r5, {GPR}+8*5(%r1)
    std   %r6, {GPR}+8*6(%r1)
    std   %r7, {GPR}+8*7(%r1)
    std   %r8, {GPR}+8*8(%r1)
    std   %r9, {GPR}+8*9(%r1)
    std   %r10, {GPR}+8*10(%r1)
    std   %r30, {GPR}+8*30(%r1)
    std   %r31, {GPR}+8*31(%r1)
    .cfi_offset r30, {GPR}+8*30-{FRAME_SIZE}
    .cfi_offset r31, {GPR}+8*31-{FRAME_SIZE}
    std   %r0, {LR}(%r1)
    mr    %r31, %r11
    ld    %r3, {HOOK_SITE}(%r31)
    addi  %r4, %r3, 4
    std   %r4, {NIP}(%r1)
    ld    %r30, {HOOK_OPS}(%r31)

    // Call the ops in order. The list ends with function 0.
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
    mtctr %r12
    ld    %r0, {LR}(%r1)
    mtlr  %r0
    .cfi_restore lr
    ld    %r2, {TOC_SAVE}(%r1)
    ld    %r3, {GPR}+8*3(%r1)
    ld    %r4, {GPR}+8*4(%r1)
    ld    %r5, {GPR}+8*5(%r1)
    ld    %r6, {GPR}+8*6(%r1)
    ld    %r7, {GPR}+8*7(%r1)
    ld    %r8, {GPR}+8*8(%r1)
    ld    %r9, {GPR}+8*9(%r1)
    ld    %r10, {GPR}+8*10(%r1)
    ld    %r30, {GPR}+8*30(%r1)
    ld    %r31, {GPR}+8*31(%r1)
    bne   3f
    addi  %r1, %r1, {FRAME_SIZE}
    .cfi_remember_state
    .cfi_def_cfa_offset 0
    .cfi_restore r30
    .cfi_restore r31
    bctr                                // on in B
    .cfi_restore_state
3:  ld    %r0, {RETURN_ENTRY}(%r1)
    mtctr %r0
    addi  %r1, %r1, {FRAME_SIZE}
    .cfi_def_cfa_offset 0
    .cfi_restore r30
    .cfi_restore r31
    bctr                                // to C, as the return design knows how
    .cfi_endproc
    .size ftrace_caller, . - ftrace_caller

// The thread is inside an ops already, and the ops called a hooked function: on in B without a word, but counted.
// Registers as on entry to ftrace_caller and on its exit with NIP unchanged.
    .globl ftrace_recursion
    .type  ftrace_recursion, @function
ftrace_recursion:
.Lftrace_recursion:
    .cfi_startproc
    .cfi_register lr, r0
    mtlr  %r0
    .cfi_restore lr
    addi  %r11, %r11, {HOOK_MISSED}
1:  ldarx %r12, 0, %r11
    addi  %r12, %r12, 1
    stdcx. %r12, 0, %r11
    bne-  1b
    ld    %r12, {HOOK_SITE}-{HOOK_MISSED}(%r11)
    addi  %r12, %r12, 4
    mtctr %r12
    bctr
    .cfi_endproc
    .size ftrace_recursion, . - ftrace_recursion
