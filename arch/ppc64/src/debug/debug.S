// The few instructions that a debugger inside the kernel needs: stops, and accesses that may fail.
//
// Registers
//   on entry : as a call; debugger_load: r3 = address; debugger_store: r3 = address, r4 = a byte
//   on exit  : debugger_load: r3 = the byte, or -1; debugger_store: r3 = 0, or -1
//   free     : r3
//
// No frame. The exception that a trap or an access takes finds its instruction by the symbol: the handler of a stop goes on
// behind the trap, and that of an access goes on at debugger_fault.
//
// Source: ELFv2 2.2.2.1; Power ISA 3.0B, book I, 3.3.11 (`trap`).

    .section .text.notrace, "ax"

    .macro function name
    .globl \name
    .type  \name, @function
\name:
    .cfi_startproc
    .endm

    .macro end name
    .cfi_endproc
    .size  \name, . - \name
    .endm

// The caller stops, if there is a debugger.
    function debugger_stop
    trap
    blr
    end debugger_stop

// The caller's CPU stands still until who stops all CPUs lets it go.
    function debugger_stand_by
    trap
    blr
    end debugger_stand_by

    function debugger_load
    lbz   %r3, 0(%r3)
    blr
    end debugger_load

    function debugger_store
    stb   %r4, 0(%r3)
    li    %r3, 0
    blr
    end debugger_store

    function debugger_fault
    li    %r3, -1
    blr
    end debugger_fault
