// Exceptions: from the vector to `exception_handler` and back.
//
// Registers
//   on entry : as the interrupted code left them; SRR0 = its next instruction, SRR1 = its MSR; r13 = running thread.
//              MSR = LE, SF, ME; EE, RI, SE, IR, DR off (Power ISA 3.0B, book III, 6.4.3)
//   at call  : r1 = exception frame, r2 = kernel TOC (never the interrupted one: a return helper may have r2 in
//              flux), r3 = exception frame, r13 unchanged, MSR[RI] on, interrupts off
//   on exit  : as on entry, or what the handler wrote into the frame
//   free     : nothing until it is saved; r10, r11, r12 after the scratch stores
//
// Stack, growing down
//   interrupted r1 ->  +--------------------------------+
//                      | red zone, {RED_ZONE} bytes     |  belongs to the interrupted code (ELFv2 2.2.3.4)
//                      +--------------------------------+
//                      | ExceptionFrame                 |  frame.rs
//   handler's r1   ->  +--------------------------------+  back chain = interrupted r1

    .section .text.notrace, "ax"

// Copied to every vector; the immediate of the `li` becomes the vector's offset. At most 0x20 bytes: the
// closest vectors stand that far apart.
    .globl exception_vector_template
exception_vector_template:
    std   %r10, {SCRATCH}+0(%r13)
    std   %r11, {SCRATCH}+8(%r13)
    li    %r10, 0
    ba    exception_entry
    .globl exception_vector_template_end
exception_vector_template_end:

    .globl exception_entry
    .type  exception_entry, @function
exception_entry:
    std   %r12, {SCRATCH}+16(%r13)
    mfcr  %r11
    std   %r11, {SCRATCH}+24(%r13)

    // The frame goes below the red zone, if r1 is inside the thread's stack and leaves room there.
    addi  %r12, %r1, -({RED_ZONE} + {FRAME_SIZE})
    ld    %r11, {STACK_LOW}(%r13)
    addi  %r11, %r11, {HANDLER_ROOM}
    cmpld %r12, %r11
    blt   .Lentry_bad_stack
    ld    %r11, {STACK_HIGH}(%r13)
    cmpld %r1, %r11
    bgt   .Lentry_bad_stack
.Lentry_have_frame:
    rldicr %r12, %r12, 0, 59            // a wild r1 may be unaligned
    std   %r1, {BACK_CHAIN}(%r12)
    std   %r1, {GPR}+8*1(%r12)
    mr    %r1, %r12
    std   %r10, {VECTOR}(%r1)
    std   %r0, {GPR}+8*0(%r1)
    .irp n, 2,3,4,5,6,7,8,9, 13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    std   %r\n, {GPR}+8*\n(%r1)
    .endr
    ld    %r3, {SCRATCH}+0(%r13)
    ld    %r4, {SCRATCH}+8(%r13)
    ld    %r5, {SCRATCH}+16(%r13)
    ld    %r6, {SCRATCH}+24(%r13)
    std   %r3, {GPR}+8*10(%r1)
    std   %r4, {GPR}+8*11(%r1)
    std   %r5, {GPR}+8*12(%r1)
    std   %r6, {CR}(%r1)
    mfsrr0 %r3
    mfsrr1 %r4
    mfctr %r5
    mflr  %r6
    mfxer %r7
    mfdar %r8
    mfdsisr %r9
    std   %r3, {NIP}(%r1)
    std   %r4, {MSR}(%r1)
    std   %r5, {CTR}(%r1)
    std   %r6, {LR}(%r1)
    std   %r7, {XER}(%r1)
    std   %r8, {DAR}(%r1)
    std   %r9, {DSISR}(%r1)

    // What the handler calls is a context of its own for the recursion guard.
    ld    %r3, {TRACE_DEPTH}(%r13)
    std   %r3, {FRAME_TRACE_DEPTH}(%r1)
    li    %r0, 0
    std   %r0, {TRACE_DEPTH}(%r13)

    lis   %r2, .TOC.@ha
    addi  %r2, %r2, .TOC.@l
    li    %r3, {MSR_RI}
    mtmsrd %r3, 1                       // only EE and RI: nothing is in SRR0 and SRR1 any more
    mr    %r3, %r1
    bl    exception_handler

    .globl exception_exit
exception_exit:                         // the handler's return address: an unwinder knows the frame by it
    nop
    li    %r3, 0
    mtmsrd %r3, 1                       // from here SRR0 and SRR1 are live
    stdcx. %r0, 0, %r1                  // the interrupted code's reservation is gone (book II, 4.6.2); the slot is dead
    ld    %r3, {FRAME_TRACE_DEPTH}(%r1)
    std   %r3, {TRACE_DEPTH}(%r13)
    ld    %r3, {NIP}(%r1)
    ld    %r4, {MSR}(%r1)
    ld    %r5, {CTR}(%r1)
    ld    %r6, {LR}(%r1)
    ld    %r7, {XER}(%r1)
    ld    %r8, {CR}(%r1)
    mtsrr0 %r3
    mtsrr1 %r4
    mtctr %r5
    mtlr  %r6
    mtxer %r7
    mtcr  %r8
    ld    %r0, {GPR}+8*0(%r1)
    .irp n, 2,3,4,5,6,7,8,9,10,11,12, 14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld    %r\n, {GPR}+8*\n(%r1)
    .endr
    ld    %r1, {GPR}+8*1(%r1)
    rfid
    .globl exception_exit_end
exception_exit_end:

// r1 is outside the thread's stack or too near its end. The emergency stack serves, from its top, or
// below r1 when r1 is on it already.
.Lentry_bad_stack:
    lis   %r11, {EMERGENCY_STACK}@ha
    addi  %r11, %r11, {EMERGENCY_STACK}@l
    cmpld %r1, %r11
    blt   1f
    addis %r11, %r11, {EMERGENCY_STACK_SIZE}@ha
    addi  %r11, %r11, {EMERGENCY_STACK_SIZE}@l
    cmpld %r1, %r11
    ble   .Lentry_have_frame
    b     2f
1:  addis %r11, %r11, {EMERGENCY_STACK_SIZE}@ha
    addi  %r11, %r11, {EMERGENCY_STACK_SIZE}@l
2:  addi  %r12, %r11, -{FRAME_SIZE}
    b     .Lentry_have_frame
    .size exception_entry, . - exception_entry
