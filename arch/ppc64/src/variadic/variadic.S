// _printk: from C's variable arguments to a list in memory.
//
// The language cannot say it before Rust 1.99, and the ABI makes it seven stores: a variadic function's caller reserves room
// for all arguments in its own frame, and who takes them puts those that came in registers where they belong.
//
// Call site (C): printk(format, …)
//
// Registers
//   on entry : r3 = format, r4 - r10 = variable arguments 1 - 7, r1 = the caller's frame
//   on exit  : to `printk` (upcalls.rs), r12 = CTR = its global entry: r3 = format, r4 = the list; LR unchanged, so that it
//              returns to the caller
//   free     : r0, r2, r5 - r12, CTR
//
// Stack: the caller's parameter save area, which begins behind its frame header
//   r1 + {SAVE_AREA} + 0     argument 1, the format: stays in r3
//   r1 + {SAVE_AREA} + 8     r4 …                    <- the list begins here
//   r1 + {SAVE_AREA} + 56    r10
//   r1 + {SAVE_AREA} + 64    arguments 9 and later, which the caller has put there
//
// Source: ELFv2 2.2.3.2 (parameter save area), 2.2.4 (parameter passing, variable arguments).

    .text
    .globl _printk
    .type  _printk, @function
_printk:
    .cfi_startproc
    .localentry _printk, 1              // one entry, and r2 is not kept
    .irp n, 4,5,6,7,8,9,10
    std   %r\n, {SAVE_AREA}+8*(\n-3)(%r1)
    .endr
    addi  %r4, %r1, {SAVE_AREA}+8
    lis   %r12, printk@ha
    addi  %r12, %r12, printk@l
    mtctr %r12
    bctr
    .cfi_endproc
    .size _printk, . - _printk
