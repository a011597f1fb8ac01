// The machine state in which the kernel's first code runs, on every CPU.
//
// kernel_msr
//   Registers
//     on exit : r11 = MSR with 64-bit mode, machine checks and recoverable on, interrupts off, the rest as it is. It has to be set by rfid:
//               only that sets MSR[ME], and for a hypervisor only (Power ISA 3.0B, book III, 4.3.1).
//     free    : r11, r12

    .macro kernel_msr
    mfmsr %r11
    li    %r12, 1
    rldicr %r12, %r12, 63, 0
    or    %r11, %r11, %r12
    lis   %r12, {MSR_EE}@h
    ori   %r12, %r12, {MSR_EE}@l
    andc  %r11, %r11, %r12
    ori   %r11, %r11, {MSR_ME} | {MSR_RI}
    .endm
