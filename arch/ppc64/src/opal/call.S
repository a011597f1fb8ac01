// An OPAL call: from little-endian code into big-endian firmware and back.
//
// opal_call(r3, r4, r5: arguments, token: r6, base: r7, entry: r8) -> r3
//
// Registers
//   on entry : r3 to r5 = the call's arguments, r6 = its number, r7 and r8 as the device tree has them,
//              LR = return address, interrupts off
//   at call  : r3 to r5 unchanged, r0 = number, r2 = OPAL's base, LR = .Lopal_returns,
//              MSR = as before without LE, IR and DR: OPAL knows real addresses only
//   on exit  : r3 = OPAL's status; r1, r2, r13 to r31, CR, MSR as on entry
//   free     : r0, r4 to r12, CTR, XER
//   OPAL keeps r1, r13 and what the ABI says is kept, and has stacks of its own.
//
// Frame
//   r1 + {FRAME_SIZE}  caller's frame: LR at {LR_SAVE}, CR at {CR_SAVE}
//   r1 + {MSR_SAVE}    MSR
//   r1 + {GPR2}        r2
//   r1 + 0             header
//
// Source: skiboot, doc/opal-api: "OPAL call ABI"; ELFv2 2.2.2.

    .section .text.notrace, "ax"
    .globl opal_call
    .type  opal_call, @function
opal_call:
    .cfi_startproc
    mflr  %r0
    mfcr  %r12
    std   %r0, {LR_SAVE}(%r1)
    stw   %r12, {CR_SAVE}(%r1)
    .cfi_offset lr, {LR_SAVE}
    stdu  %r1, -{FRAME_SIZE}(%r1)
    .cfi_def_cfa_offset {FRAME_SIZE}
    std   %r2, {GPR2}(%r1)
    mfmsr %r11
    std   %r11, {MSR_SAVE}(%r1)

    lis   %r12, .Lopal_returns@ha
    addi  %r12, %r12, .Lopal_returns@l
    mtlr  %r12
    li    %r12, {MSR_LE} | {MSR_IR} | {MSR_DR}
    andc  %r11, %r11, %r12
    mr    %r0, %r6
    mr    %r2, %r7
    li    %r12, 0
    mtmsrd %r12, 1                      // only EE and RI: from here SRR0 and SRR1 are live
    mtsrr0 %r8
    mtsrr1 %r11
    rfid

.Lopal_returns:
    to_little_endian .Lopal_done

.Lopal_done:
    ld    %r11, {MSR_SAVE}(%r1)
    mtmsrd %r11
    isync
    ld    %r2, {GPR2}(%r1)
    addi  %r1, %r1, {FRAME_SIZE}
    .cfi_def_cfa_offset 0
    ld    %r0, {LR_SAVE}(%r1)
    lwz   %r12, {CR_SAVE}(%r1)
    mtlr  %r0
    mtcr  %r12
    blr
    .cfi_endproc
    .size opal_call, . - opal_call
