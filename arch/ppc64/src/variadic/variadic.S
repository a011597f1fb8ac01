// Functions of C with variable arguments, each from the arguments to a list in memory: `_printk`, `seq_printf`, `snprintf`,
// `scnprintf`.
//
// The language cannot say it before Rust 1.99, and the ABI makes it a few stores: a variadic function's caller reserves room
// for all arguments in its own frame, and who takes them puts those that came in registers where they belong.
//
// Call site (C): name(fixed arguments…, variable arguments…); the last fixed one is the format
//
// Registers, with F fixed arguments
//   on entry : r3 … = the fixed arguments, r(3+F) - r10 = the first variable arguments, r1 = the caller's frame
//   on exit  : to the function of upcalls.rs, r12 = CTR = its global entry: r3 … = the fixed arguments, r(3+F) = the list;
//              LR unchanged, so that it returns to the caller
//   free     : r0, r2, r5 - r12, CTR
//
// Stack: the caller's parameter save area, which begins behind its frame header
//   r1 + {SAVE_AREA} + 0      argument 1
//   r1 + {SAVE_AREA} + 8F     the first variable argument    <- the list begins here
//   r1 + {SAVE_AREA} + 56     r10
//   r1 + {SAVE_AREA} + 64     arguments 9 and later, which the caller has put there
//
// Source: ELFv2 2.2.3.2 (parameter save area), 2.2.4 (parameter passing, variable arguments).

    .text

    .macro variadic name, fixed, upcall, registers:vararg
    .globl \name
    .type  \name, @function
\name:
    .cfi_startproc
    .localentry \name, 1                // one entry, and r2 is not kept
    .irp n, \registers
    std   %r\n, {SAVE_AREA}+8*(\n-3)(%r1)
    .endr
    addi  3+\fixed, %r1, {SAVE_AREA}+8*\fixed
    lis   %r12, \upcall@ha
    addi  %r12, %r12, \upcall@l
    mtctr %r12
    bctr
    .cfi_endproc
    .size \name, . - \name
    .endm

    variadic _printk, 1, printk, 4,5,6,7,8,9,10
    variadic seq_printf, 2, seq_print_list, 5,6,7,8,9,10
    variadic snprintf, 3, snprint_list, 6,7,8,9,10
    variadic scnprintf, 3, scnprint_list, 6,7,8,9,10
    .purgem variadic
