// Waiting for an interrupt, and taking it.
//
// Interrupts are taken between the label `…_window` and the `mtmsrd` behind it, and whoever is interrupted there can go on at
// the label as well: a system reset that hits the processor at the first instruction of a vector has put its own address over
// where the interrupt came from, and needs to know it.

    .section .text.notrace, "ax"

// idle_cede(): by the hypervisor
//
// Registers
//   on entry : LR = return address, interrupts off
//   on exit  : interrupts off
//   free     : what a call may change: the hypervisor changes r0, r3 to r12, CTR, XER, CR0, CR1, CR5 to CR7
//
// Source: PAPR, 14.5.4.2 "H_CEDE": returns with MSR[EE] on.
    .globl idle_cede
    .type  idle_cede, @function
idle_cede:
    .cfi_startproc
    li    %r3, {CEDE}
    sc    1
    .globl idle_cede_window
idle_cede_window:
    nop
    li    %r0, {MSR_RI}
    mtmsrd %r0, 1                       // only EE and RI
    blr
    .cfi_endproc
    .size idle_cede, . - idle_cede

// idle_stop(): where there is no hypervisor
//
// Registers
//   on entry : LR = return address, interrupts off
//   on exit  : interrupts off
//   free     : r0
//
// Source: Power ISA 3.0B, book III, 3.3.2 "stop", with PSSCR as `hypervisor::prepare_cpu` leaves it: only waits, until an
// interrupt is pending, whether or not interrupts are taken.
    .globl idle_stop
    .type  idle_stop, @function
idle_stop:
    .cfi_startproc
    .long 0x4c0002e4                    // stop: the assembler does not know it for POWER8
    li    %r0, {MSR_RI}
    ori   %r0, %r0, {MSR_EE}
    mtmsrd %r0, 1
    .globl idle_stop_window
idle_stop_window:
    nop
    li    %r0, {MSR_RI}
    mtmsrd %r0, 1
    blr
    .cfi_endproc
    .size idle_stop, . - idle_stop
