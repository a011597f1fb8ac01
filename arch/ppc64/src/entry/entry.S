// Exceptions: from the vector to `exception_handler` and back.
//
// Registers
//   on entry : as the interrupted code left them; SRR0 = its next instruction, SRR1 = its MSR, or HSRR0 and HSRR1 for the
//              exceptions that only a hypervisor takes; r13 = running thread.
//              MSR = LE, SF, ME; EE, RI, SE, IR, DR off (Power ISA 3.0B, book III, 6.4.3)
//   at call  : r1 = exception frame, r2 = the interrupted one, which nobody uses (a return helper may have it in flux), r3 =
//              exception frame, r12 = CTR = the handler's global entry, r13 unchanged, MSR = the CPU's `kernel_msr`: translation and RI on, interrupts off
//   on exit  : as on entry, or what the handler wrote into the frame
//   free     : nothing until it is saved; r10, r11, r12 after the scratch stores
//
// Which stack
//   system reset, machine check: the CPU's reset stack, since they may come while r1 is anything and any exception is half saved
//   all others                 : the interrupted one, if r1 is in the thread's stack and leaves {HANDLER_ROOM} bytes; otherwise
//                                the CPU's emergency stack
//   Either of the CPU's stacks is used from its top, or below r1 when r1 is on it already.
//
// Stack, growing down
//   interrupted r1 ->  +--------------------------------+
//                      | red zone, {RED_ZONE} bytes     |  belongs to the interrupted code (ELFv2 2.2.3.4)
//                      +--------------------------------+
//                      | ExceptionFrame                 |  frame.rs
//   handler's r1   ->  +--------------------------------+  back chain = interrupted r1
//
// Until `kernel_msr` is set data is reached by its real address, which is its effective one.
//
// Source: Power ISA 3.0B, book III, 6.2 (which save registers), 6.5 (which exception); ELFv2 2.2.2.1, 2.2.3.
// Cannot: return from a system reset that came while RI was off: the hardware has put its own address over SRR0.

    .section .text.notrace, "ax"

// To who unwinds: register `number` of the interrupted code is at `offset` from r1, r12 or r13. DWARF: DW_CFA_expression,
// DW_OP_breg1, 12 or 13, and the offset as two bytes of a signed LEB128.
    .macro cfi_at_register number, register, offset
    .cfi_escape 0x10, \number, 3, 0x70 + \register, 0x80 | ((\offset) & 0x7f), (\offset) >> 7
    .endm
    .macro cfi_in_frame number, offset
    cfi_at_register \number, 1, \offset
    .endm
    .macro cfi_in_scratch number, offset
    cfi_at_register \number, 13, \offset
    .endm

// An exception's code: its caller is the interrupted code, whose next instruction is in SRR0 or HSRR0, for which DWARF has no
// number.
    .macro cfi_start_exception
    .cfi_startproc
    .cfi_signal_frame
    .cfi_return_column {DWARF_NIP}
    .cfi_undefined {DWARF_NIP}
    .endm

// What is copied to the vectors; the immediate of the `li` becomes the vector's offset, and {BY_HYPERVISOR} more where
// HSRR0 and HSRR1 are the save registers. At most 0x20 bytes: the closest vectors stand that far apart.
    .macro vector_template name, scratch, entry
    .globl \name
\name:
    cfi_start_exception
    std   %r10, \scratch+0(%r13)
    cfi_in_scratch 10, \scratch+0
    std   %r11, \scratch+8(%r13)
    cfi_in_scratch 11, \scratch+8
    li    %r10, 0
    ba    \entry
    .cfi_endproc
    .endm

    vector_template exception_vector_template, {SCRATCH}, exception_entry
    vector_template reset_vector_template, {RESET_SCRATCH}, reset_entry
    vector_template machine_check_vector_template, {MACHINE_CHECK_SCRATCH}, machine_check_entry

// Saves what the templates have not: r12 and CR. Frees r11, r12 and CR.
    .macro save_to_scratch scratch
    cfi_in_scratch 10, \scratch+0
    cfi_in_scratch 11, \scratch+8
    std   %r12, \scratch+16(%r13)
    cfi_in_scratch 12, \scratch+16
    mfcr  %r11
    std   %r11, \scratch+24(%r13)
    .endm

// From the scratch to the frame at r12, which may have come from a wild r1 and be unaligned. Frees r11.
    .macro save_to_frame scratch
    rldicr %r12, %r12, 0, 59
    ld    %r11, \scratch+0(%r13)
    std   %r11, {GPR}+8*10(%r12)
    ld    %r11, \scratch+8(%r13)
    std   %r11, {GPR}+8*11(%r12)
    ld    %r11, \scratch+16(%r13)
    std   %r11, {GPR}+8*12(%r12)
    ld    %r11, \scratch+24(%r13)
    std   %r11, {CR}(%r12)
    .irp n, 10,11,12
    cfi_at_register \n, 12, {GPR}+8*\n
    .endr
    .endm

// r12 = a frame on one of the CPU's own stacks. Frees r11, CR.
    .macro frame_on_stack low, high
    ld    %r11, {CPU}(%r13)
    ld    %r12, \low(%r11)
    cmpld %r1, %r12
    ld    %r12, \high(%r11)
    ble   91f
    cmpld %r1, %r12
    bgt   91f
    addi  %r12, %r1, -{RED_ZONE}
91: addi  %r12, %r12, -{FRAME_SIZE}
    .endm

    .globl exception_entry
    .type  exception_entry, @function
exception_entry:
    cfi_start_exception
    save_to_scratch {SCRATCH}
    ld    %r11, {STACK_LOW}(%r13)
    addi  %r11, %r11, {HANDLER_ROOM} + {RED_ZONE} + {FRAME_SIZE}
    cmpld %r1, %r11                     // not r1 less what is needed: that wraps round below 0
    blt   .Lentry_bad_stack
    ld    %r11, {STACK_HIGH}(%r13)
    cmpld %r1, %r11
    bgt   .Lentry_bad_stack
    addi  %r12, %r1, -({RED_ZONE} + {FRAME_SIZE})
.Lentry_have_frame:
    save_to_frame {SCRATCH}

.Lentry_save:
    std   %r1, {BACK_CHAIN}(%r12)
    std   %r1, {GPR}+8*1(%r12)
    .globl exception_entry_frame
exception_entry_frame:
    mr    %r1, %r12
    // DW_CFA_def_cfa_expression: DW_OP_breg1 0, DW_OP_deref: the back chain is the interrupted r1
    .cfi_escape 0x0f, 3, 0x71, 0, 0x06
    std   %r0, {GPR}+8*0(%r1)
    .irp n, 2,3,4,5,6,7,8,9, 13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    std   %r\n, {GPR}+8*\n(%r1)
    .endr
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    cfi_in_frame \n, {GPR}+8*\n
    .endr
    // How far the records of return designs go, for the unwinder: what the handler calls may write further ones.
    ld    %r3, {RETURN_SP}(%r13)
    std   %r3, {FRAME_RETURN_SP}(%r1)
    ld    %r3, {LIVEPATCH_SP}(%r13)
    std   %r3, {FRAME_LIVEPATCH_SP}(%r1)
    andi. %r11, %r10, {BY_HYPERVISOR}
    clrrdi %r10, %r10, 1
    std   %r10, {VECTOR}(%r1)
    mfsrr0 %r3
    mfsrr1 %r4
    .globl exception_entry_saved
exception_entry_saved:                  // from here on a system reset destroys nothing
    beq   1f
    mfspr %r3, {HSRR0}
    mfspr %r4, {HSRR1}
1:  mfctr %r5
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
    cfi_in_frame {DWARF_NIP}, {NIP}
    cfi_in_frame 65, {LR}
    cfi_in_frame 66, {CTR}

    // What the handler calls is a context of its own for the recursion guard.
    ld    %r3, {TRACE_DEPTH}(%r13)
    std   %r3, {FRAME_TRACE_DEPTH}(%r1)
    li    %r0, 0
    std   %r0, {TRACE_DEPTH}(%r13)

    ld    %r3, {CPU}(%r13)
    ld    %r3, {KERNEL_MSR}(%r3)
    lis   %r4, .Lentry_handle@ha
    addi  %r4, %r4, .Lentry_handle@l
    .globl exception_entry_live
exception_entry_live:                   // up to here
    mtsrr0 %r4
    mtsrr1 %r3
    rfid                                // mtmsrd would leave MSR[ME] off after a machine check (book III, 4.4.2)
.Lentry_handle:
    mr    %r3, %r1
    lis   %r12, exception_handler@ha
    addi  %r12, %r12, exception_handler@l
    mtctr %r12
    bctrl

    .globl exception_exit
exception_exit:                         // the handler's return address: an unwinder knows the frame by it
    nop
    li    %r3, 0
    mtmsrd %r3, 1                       // only EE and RI: SRR0 and SRR1 are about to be live
    stdcx. %r0, 0, %r1                  // the interrupted code's reservation is gone (book II, 4.6.2); the slot is dead
    ld    %r3, {FRAME_TRACE_DEPTH}(%r1)
    std   %r3, {TRACE_DEPTH}(%r13)
    ld    %r3, {NIP}(%r1)
    ld    %r4, {MSR}(%r1)
    ld    %r5, {CTR}(%r1)
    ld    %r6, {LR}(%r1)
    ld    %r7, {XER}(%r1)
    ld    %r8, {CR}(%r1)
    .globl exception_exit_live
exception_exit_live:                    // up to here a system reset has destroyed nothing
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
    .cfi_remember_state
    ld    %r1, {GPR}+8*1(%r1)
    .cfi_def_cfa r1, 0
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,65,66
    .cfi_same_value \n
    .endr
    .cfi_undefined {DWARF_NIP}
    rfid                                // from HSRR0 and HSRR1 as well: a hypervisor's rfid keeps MSR[HV]
    .globl exception_exit_end
exception_exit_end:

.Lentry_bad_stack:
    .irp n, 10,11,12
    cfi_in_scratch \n, {SCRATCH}+8*(\n-10)
    .endr
    frame_on_stack {EMERGENCY_LOW}, {EMERGENCY_HIGH}
    b     .Lentry_have_frame
    .cfi_endproc
    .size exception_entry, . - exception_entry

// Registers, stack: as exception_entry, but for the stack that is used. A CPU that was never started is sent here by the
// monitor's `nmi` too, with r13 = 0: its scratch is below the vectors, and it stays here.
    .globl reset_entry
    .type  reset_entry, @function
reset_entry:
    cfi_start_exception
    save_to_scratch {RESET_SCRATCH}
    cmpdi %r13, 0
    beq   2f
    frame_on_stack {RESET_LOW}, {RESET_HIGH}
    save_to_frame {RESET_SCRATCH}
    b     .Lentry_save
2:  or    %r27, %r27, %r27              // a yield (book II, 3.2)
    b     2b
    .cfi_endproc
    .size reset_entry, . - reset_entry

// Registers, stack: as reset_entry.
    .globl machine_check_entry
    .type  machine_check_entry, @function
machine_check_entry:
    cfi_start_exception
    save_to_scratch {MACHINE_CHECK_SCRATCH}
    frame_on_stack {RESET_LOW}, {RESET_HIGH}
    save_to_frame {MACHINE_CHECK_SCRATCH}
    b     .Lentry_save
    .cfi_endproc
    .size machine_check_entry, . - machine_check_entry
