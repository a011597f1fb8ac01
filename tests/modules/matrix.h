/* What the players of the matrix share. The Rust side of the same facts is kernel/src/matrix/subjects/mod.rs. */
#ifndef MATRIX_H
#define MATRIX_H

#include <linux/kernel.h>
#include <linux/module.h>

/* What every A reads of its own after the call, every B answers, and every C answers when its arguments were right. */
#define A_OWN 0x0a00000000000001ul
#define B_OWN 0x0b00000000000000ul
#define C_OWN 0x0c00000000000000ul

/* The value of argument `number`, counted from 1 in doublewords. */
#define ARGUMENT(number) (0x0a500000ul + (number) * 0x10)

/* What A has seen when the call came back. */
struct seen {
	unsigned long result;
	unsigned long own;
	unsigned long toc;
};

/* Ends every A: notes what the call returned, and what A reads of its own through r2. */
#define SEEN(seen, call)                                                                                               \
	do {                                                                                                           \
		unsigned long result_ = (call);                                                                        \
		(seen)->result = result_;                                                                              \
		(seen)->own = READ_ONCE(own);                                                                          \
		asm volatile("mr %0,2" : "=r"((seen)->toc));                                                           \
	} while (0)

/* The number of the argument if it is not as it should be and no earlier one was wrong. */
#define CHECK(wrong, number, value)                                                                                    \
	((wrong) ? (wrong) : (value) != ARGUMENT(number) ? (unsigned long)(number) : 0)

#define MATRIX_MODULE()                                                                                                \
	static int __init matrix_init(void)                                                                            \
	{                                                                                                              \
		return 0;                                                                                              \
	}                                                                                                              \
	static void __exit matrix_exit(void)                                                                           \
	{                                                                                                              \
	}                                                                                                              \
	module_init(matrix_init);                                                                                      \
	module_exit(matrix_exit);                                                                                      \
	MODULE_LICENSE("MIT OR Apache-2.0")

#endif
