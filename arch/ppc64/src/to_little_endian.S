// For code that is entered in big-endian mode, by firmware or by a loader.
//
// to_little_endian target
//   goes on at `target` in little-endian, 64-bit mode, the rest of MSR as it is. Big-endian words, bytes reversed by hand.
//
// Registers
//   on entry : nothing is expected
//   on exit  : r10 = address of `target`, r11 = the new MSR
//   free     : r10, r11, r12, LR, SRR0, SRR1
//
// Source: Power ISA 3.0B, I.1.6: instructions are 4-byte words, byte by byte reversed in the other order.

    .macro to_little_endian target
    .long 0xa600607d                    // mfmsr  r11
    .long 0x05009f42                    // bcl    20,31,.+4
.Lhere_\@:
    .long 0xa602487d                    // mflr   r10
    // addi r10,r10,distance: opcode and registers as one reversed halfword, then the reversed distance
    .byte 0x39, 0x4a
    .byte (\target - .Lhere_\@) >> 8, (\target - .Lhere_\@) & 0xff
    .long 0xa6035a7d                    // mtsrr0 r10
    .long 0x01006b61                    // ori    r11,r11,1       MSR[LE]
    .long 0x01008039                    // li     r12,1
    .long 0x06f88c79                    // sldi   r12,r12,63      MSR[SF]
    .long 0x78636b7d                    // or     r11,r11,r12
    .long 0xa6037b7d                    // mtsrr1 r11
    .long 0x2400004c                    // rfid
    .endm
