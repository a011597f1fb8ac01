// The first instructions of every CPU but the boot CPU.
//
// The firmware enters at `secondary_start`, on a CPU that it was asked to start:
//
//   asked by                  | byte order, mode   | r3
//   --------------------------+--------------------+---------------------------------
//   RTAS start-cpu            | big-endian, 64-bit | what it was given: the CPU's server
//   OPAL_START_CPU            | skiboot's, 64-bit  | the CPU's PIR, which is its server
//
// (Measured: MSR is 0x8000000000001000, and 0x9000000000000000 or that with ME.) Translation is off on both.
//
// Registers
//   on entry : r3 as above; nothing else is known, not even LR
//   at call  : r1 = top of the thread's stack, r12 = CTR = secondary_main's global entry, r13 = the head of the CPU's first
//              thread, MSR = 64-bit, little-endian, machine check and recoverable on, interrupts off
//   on exit  : never
//   free     : everything else
//
// The table {START} has {START_COUNT} entries of {START_SIZE} bytes, a server and a thread's head. The head is stored last: an
// entry without one is nobody's. A CPU that is in no entry, which was given up or never asked for, stays here.
//
// Source: PAPR, 7.3.8.2 "start-cpu"; skiboot, doc/opal-api "OPAL_START_CPU"; the first word: start.S.

    .section .text.notrace, "ax"
    .globl secondary_start
    .type  secondary_start, @function
secondary_start:
    .cfi_startproc
    .cfi_undefined lr                   // the outermost function of the CPU's first thread
    tdi   0, %r0, 0x48                  // big-endian: b .+8
    b     .Lsecondary_little_endian

    to_little_endian .Lsecondary_little_endian

.Lsecondary_little_endian:
    kernel_msr
    lis   %r12, .Lsecondary_state@ha
    addi  %r12, %r12, .Lsecondary_state@l
    mtsrr0 %r12
    mtsrr1 %r11
    rfid

.Lsecondary_state:
    li    %r13, 0                       // until there is a head: reset_entry knows such a CPU
    lis   %r4, {START}@ha
    addi  %r4, %r4, {START}@l
    li    %r5, {START_COUNT}
    mtctr %r5
1:  ld    %r5, {START_SERVER}(%r4)
    ld    %r6, {START_HEAD}(%r4)
    cmpld %r5, %r3
    bne   2f
    cmpdi %r6, 0
    bne   3f
2:  addi  %r4, %r4, {START_SIZE}
    bdnz  1b
.Lsecondary_parked:
    or    %r27, %r27, %r27              // a yield (book II, 3.2)
    b     .Lsecondary_parked

3:  isync                               // what the head says is read after the head
    mr    %r13, %r6
    ld    %r1, {STACK_HIGH}(%r13)
    li    %r0, 0
    stdu  %r0, -{FRAME_HEADER_SIZE}(%r1)    // the outermost frame: back chain 0
    std   %r0, {FRAME_LR_SAVE}(%r1)
    lis   %r12, secondary_main@ha       // at its global entry, as assembly calls all of Rust: upcalls.rs
    addi  %r12, %r12, secondary_main@l
    mtctr %r12
    bctrl
    trap                                // secondary_main never returns
    .cfi_endproc
    .size secondary_start, . - secondary_start
