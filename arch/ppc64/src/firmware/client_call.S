// The Open Firmware client call: from little-endian, 64-bit code into big-endian, 32-bit firmware and back.
//
// open_firmware_client_call(arguments: r3, entry: r4) -> r3
//
// Registers
//   on entry : r3 = address of the argument cells (big-endian, below 4 GiB), r4 = the firmware's client entry,
//              LR = return address, interrupts off
//   at call  : r3 unchanged, LR = .Lfirmware_returns, MSR = as before without SF and LE
//   on exit  : r3 = what the firmware answers, sign-extended from 32 bits; r1, r2, r13 to r31, CR, MSR as on entry
//   free     : r0, r4 to r12, CTR, XER
//   The firmware preserves r1 (its low half), and may change everything else: IEEE 1275's PowerPC binding, 6.3.2,
//   lists what it promises, but that list says nothing of the upper halves.
//
// Frame
//   r1 + {FRAME_SIZE}  caller's frame: LR at {LR_SAVE}, CR at {CR_SAVE}
//   r1 + {MSR_SAVE}    MSR
//   r1 + {GPR13}       r13 … r31
//   r1 + {GPR2}        r2
//   r1 + 0             header

    .section .text.notrace, "ax"
    .globl open_firmware_client_call
    .type  open_firmware_client_call, @function
open_firmware_client_call:
    .cfi_startproc
    mflr  %r0
    mfcr  %r12
    std   %r0, {LR_SAVE}(%r1)
    stw   %r12, {CR_SAVE}(%r1)
    .cfi_offset lr, {LR_SAVE}
    stdu  %r1, -{FRAME_SIZE}(%r1)
    .cfi_def_cfa_offset {FRAME_SIZE}
    std   %r2, {GPR2}(%r1)
    .irp n, 13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    std   %r\n, {GPR13}+8*(\n-13)(%r1)
    .endr
    mfmsr %r11
    std   %r11, {MSR_SAVE}(%r1)

    lis   %r12, .Lfirmware_returns@ha
    addi  %r12, %r12, .Lfirmware_returns@l
    mtlr  %r12
    mtsrr0 %r4
    clrldi %r11, %r11, 1                // MSR[SF], the highest bit
    clrrdi %r11, %r11, 1                // MSR[LE], the lowest bit
    mtsrr1 %r11
    rfid

.Lfirmware_returns:
    to_little_endian .Lfirmware_done

.Lfirmware_done:
    clrldi %r1, %r1, 32                 // every stack is below 4 GiB; the upper half is the firmware's
    ld    %r11, {MSR_SAVE}(%r1)
    mtmsrd %r11
    isync
    .irp n, 13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld    %r\n, {GPR13}+8*(\n-13)(%r1)
    .endr
    ld    %r2, {GPR2}(%r1)
    extsw %r3, %r3
    addi  %r1, %r1, {FRAME_SIZE}
    .cfi_def_cfa_offset 0
    ld    %r0, {LR_SAVE}(%r1)
    lwz   %r12, {CR_SAVE}(%r1)
    mtlr  %r0
    mtcr  %r12
    blr
    .cfi_endproc
    .size open_firmware_client_call, . - open_firmware_client_call
