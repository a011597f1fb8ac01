// The first instructions of the image.
//
// Firmware enters at the lowest loaded address, `_start`, in its own byte order:
//
//   firmware        | byte order, mode   | r3           | r4           | r5
//   ----------------+--------------------+--------------+--------------+---------------------------
//   VOF, SLOF       | big-endian, 32-bit | initrd base  | initrd size  | Open Firmware client entry
//   flat tree       | either, 64-bit     | device tree  | 0            | 0
//
// (VOF and SLOF: measured; flat tree: the "Device Tree Blob entry" that kexec and skiboot use.)
//
// Registers
//   on entry : r3, r4, r5 as above; nothing else is known, not even LR
//   at call  : r3, r4, r5 unchanged, r1 = top of the boot thread's stack, r2 = kernel TOC,
//              r13 = a thread head for the time before threads, MSR = 64-bit, little-endian, machine check and recoverable on, interrupts off
//   on exit  : never
//   free     : everything else
//
// The first word is `tdi 0,r0,0x48`, a trap that never fires, in little-endian order; read in
// big-endian order its bytes are `b .+8`. So a little-endian caller falls through to the branch and
// a big-endian one lands behind it (Power ISA 3.0B, I.1.6: both are 4-byte words, byte by byte reversed).

    .section .text.start, "ax"
    .globl _start
    .type  _start, @function
_start:
    .cfi_startproc
    .cfi_undefined lr                   // the outermost function of the boot thread
    tdi   0, %r0, 0x48                  // big-endian: b .+8
    b     .Lstart_little_endian

    // Big-endian words, bytes reversed by hand. They go to .Lstart_little_endian with MSR[LE] and MSR[SF] set.
    .long 0xa600607d                    // mfmsr  r11
    .long 0x05009f42                    // bcl    20,31,.+4
.Lstart_here:
    .long 0xa602487d                    // mflr   r10
    // addi r10,r10,distance: opcode and registers as one reversed halfword, then the reversed distance
    .byte 0x39, 0x4a
    .byte (.Lstart_little_endian - .Lstart_here) >> 8, (.Lstart_little_endian - .Lstart_here) & 0xff
    .long 0xa6035a7d                    // mtsrr0 r10
    .long 0x01006b61                    // ori    r11,r11,1       MSR[LE]
    .long 0x01008039                    // li     r12,1
    .long 0x06f88c79                    // sldi   r12,r12,63      MSR[SF]
    .long 0x78636b7d                    // or     r11,r11,r12
    .long 0xa6037b7d                    // mtsrr1 r11
    .long 0x2400004c                    // rfid

.Lstart_little_endian:
    mfmsr %r11
    li    %r12, 1
    rldicr %r12, %r12, 63, 0
    or    %r11, %r11, %r12
    lis   %r12, {MSR_EE}@h
    ori   %r12, %r12, {MSR_EE}@l
    andc  %r11, %r11, %r12
    ori   %r11, %r11, {MSR_ME} | {MSR_RI}
    mtmsrd %r11
    isync

    lis   %r2, .TOC.@ha                 // every kernel address is below 2^31: two instructions
    addi  %r2, %r2, .TOC.@l

    lis   %r11, __bss_start@ha
    addi  %r11, %r11, __bss_start@l
    lis   %r12, __bss_end@ha
    addi  %r12, %r12, __bss_end@l
    li    %r0, 0
1:  cmpld %r11, %r12
    bge   2f
    std   %r0, 0(%r11)
    addi  %r11, %r11, 8
    b     1b

2:  lis   %r1, {BOOT_STACK}@ha
    addi  %r1, %r1, {BOOT_STACK}@l
    addis %r1, %r1, {BOOT_STACK_SIZE}@ha
    addi  %r1, %r1, {BOOT_STACK_SIZE}@l
    li    %r0, 0
    stdu  %r0, -{FRAME_HEADER_SIZE}(%r1)    // the outermost frame: back chain 0
    std   %r0, {FRAME_LR_SAVE}(%r1)
    lis   %r13, {BOOT_HEAD}@ha
    addi  %r13, %r13, {BOOT_HEAD}@l
    bl    boot_main
    nop
    trap                                 // boot_main never returns
    .cfi_endproc
    .size _start, . - _start
