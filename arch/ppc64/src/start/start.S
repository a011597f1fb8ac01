// The first instructions of the image.
//
// Firmware enters at `_start`, in its own byte order:
//
//   firmware        | byte order, mode   | r3           | r4           | r5
//   ----------------+--------------------+--------------+--------------+---------------------------
//   VOF, SLOF       | big-endian, 32-bit | initrd base  | initrd size  | Open Firmware client entry
//   skiboot         | big-endian, 64-bit | device tree  | 0            | 0
//   flat tree       | either, 64-bit     | device tree  | 0            | 0
//
// (All but the last: measured; flat tree: the "Device Tree Blob entry" that kexec uses too.) VOF and SLOF have loaded the
// segments where they are linked to be. skiboot leaves the file as it is, somewhere in memory, and enters it there.
//
// Registers
//   on entry : r3, r4, r5 as above; nothing else is known, not even LR
//   at call  : r3, r4, r5 unchanged, r1 = top of the boot thread's stack, r12 = CTR = boot_main's global entry,
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

    to_little_endian .Lstart_little_endian

.Lstart_little_endian:
    kernel_msr
    bcl   20, 31, .+4
.Lstart_here:
    mflr  %r10
    addi  %r12, %r10, .Lstart_state - .Lstart_here
    mtsrr0 %r12
    mtsrr1 %r11
    rfid

.Lstart_state:
    addi  %r10, %r10, _start - .Lstart_here // where `_start` is, and where it should be
    lis   %r11, _start@ha
    addi  %r11, %r11, _start@l
    cmpld %r10, %r11
    beq   .Lstart_in_place

    // The file as it is: r10 = its header, r6 = program header, r7 = how many more there are, r8 = size of one.
    addis %r10, %r10, -({FIRST_SEGMENT} >> 16)
    lwz   %r11, 0(%r10)
    lis   %r12, {ELF_MAGIC}@h
    ori   %r12, %r12, {ELF_MAGIC}@l
    cmplw %r11, %r12
    bne   .Lstart_nowhere
    ld    %r6, {E_PHOFF}(%r10)
    add   %r6, %r6, %r10
    lhz   %r7, {E_PHNUM}(%r10)
    lhz   %r8, {E_PHENTSIZE}(%r10)
.Lstart_segment:
    lwz   %r11, {P_TYPE}(%r6)
    cmplwi %r11, {PT_LOAD}
    bne   .Lstart_next_segment
    ld    %r11, {P_OFFSET}(%r6)
    add   %r11, %r11, %r10
    ld    %r12, {P_VADDR}(%r6)
    ld    %r9, {P_FILESZ}(%r6)
    addi  %r9, %r9, 7                   // behind a segment's last byte there is room for a doubleword: sections are aligned
    srdi. %r9, %r9, 3
    beq   .Lstart_next_segment
    mtctr %r9
1:  ld    %r0, 0(%r11)
    std   %r0, 0(%r12)
    dcbst 0, %r12
    addi  %r11, %r11, 8
    addi  %r12, %r12, 8
    bdnz  1b
    sync
    ld    %r12, {P_VADDR}(%r6)
    mtctr %r9
2:  icbi  0, %r12
    addi  %r12, %r12, 8
    bdnz  2b
.Lstart_next_segment:
    add   %r6, %r6, %r8
    addi  %r7, %r7, -1
    cmpdi %r7, 0
    bgt   .Lstart_segment
    sync
    isync
    lis   %r11, .Lstart_in_place@ha
    addi  %r11, %r11, .Lstart_in_place@l
    mtctr %r11
    bctr

.Lstart_in_place:
    lis   %r11, __bss_start@ha          // every kernel address is below 2^31: two instructions
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
    lis   %r12, boot_main@ha            // at its global entry, as assembly calls all of Rust: upcalls.rs
    addi  %r12, %r12, boot_main@l
    mtctr %r12
    bctrl
.Lstart_nowhere:
    trap                                // boot_main never returns; or this is neither in place nor a file in memory
    .cfi_endproc
    .size _start, . - _start
