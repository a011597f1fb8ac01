/* What the players of the matrix share. The Rust side of the same facts is kernel/src/matrix/subjects/mod.rs. */
#ifndef MATRIX_H
#define MATRIX_H

#include <linux/kernel.h>
#include <linux/module.h>

/* What every A reads of its own after the call, every B answers, and every C answers when its arguments were right. */
#define A_OWN 0x0a00000000000001ul
#define B_OWN 0x0b00000000000000ul
#define C_OWN 0x0c00000000000000ul

/* What C adds when it came back from a call to an r2 that was not its own. */
#define LOST_TOC 0x1000ul

/* The value of argument `number`, counted from 1 in doublewords. */
#define ARGUMENT(number) (0x0a500000ul + (number) * 0x10)

/* What A has seen when the call came back. */
struct seen {
	unsigned long result;
	unsigned long own;
	unsigned long toc;
};

/* r2 as it is. */
static __always_inline unsigned long toc_pointer(void)
{
	unsigned long toc;

	asm volatile("mr %0,2" : "=r"(toc));
	return toc;
}

/* Ends every A: notes what the call returned, and what A reads of its own through r2. */
#define SEEN(seen, call)                                                                                               \
	do {                                                                                                           \
		unsigned long result_ = (call);                                                                        \
		(seen)->result = result_;                                                                              \
		(seen)->own = READ_ONCE(own);                                                                          \
		(seen)->toc = toc_pointer();                                                                           \
	} while (0)

/* The number of the argument if it is not as it should be and no earlier one was wrong. */
#define CHECK(wrong, number, value)                                                                                    \
	((wrong) ? (wrong) : (value) != ARGUMENT(number) ? (unsigned long)(number) : 0)

/* The number of the first value that is not as it should be; 0 when all are. */
static __always_inline unsigned long first_wrong(const unsigned long *values, unsigned long count)
{
	unsigned long wrong = 0;

	for (unsigned long number = 1; number <= count; number++)
		wrong = CHECK(wrong, number, values[number - 1]);
	return wrong;
}

#define FIRST_WRONG(...)                                                                                               \
	first_wrong((unsigned long[]){ __VA_ARGS__ }, sizeof((unsigned long[]){ __VA_ARGS__ }) / sizeof(unsigned long))

/* Eight integers and four more: as parameters, by their names, with their values. */
#define PARAMETERS_8                                                                                                   \
	unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e, unsigned long f,          \
		unsigned long g, unsigned long h
#define PARAMETERS_9 PARAMETERS_8, unsigned long i
#define PARAMETERS_12 PARAMETERS_9, unsigned long j, unsigned long k, unsigned long l
#define NAMES_8 a, b, c, d, e, f, g, h
#define NAMES_9 NAMES_8, i
#define NAMES_12 NAMES_9, j, k, l
#define VALUES_4 ARGUMENT(1), ARGUMENT(2), ARGUMENT(3), ARGUMENT(4)
#define VALUES_8 VALUES_4, ARGUMENT(5), ARGUMENT(6), ARGUMENT(7), ARGUMENT(8)
#define VALUES_9 VALUES_8, ARGUMENT(9)
#define VALUES_12 VALUES_9, ARGUMENT(10), ARGUMENT(11), ARGUMENT(12)

/* The values of a variadic function with one named argument and `count` others. */
#define VARIADIC_WRONG(named, count)                                                                                   \
	({                                                                                                             \
		unsigned long values_[(count) + 1];                                                                    \
		__builtin_va_list list_;                                                                               \
		values_[0] = (named);                                                                                  \
		__builtin_va_start(list_, named);                                                                      \
		for (int index_ = 1; index_ <= (count); index_++)                                                      \
			values_[index_] = __builtin_va_arg(list_, unsigned long);                                      \
		__builtin_va_end(list_);                                                                               \
		first_wrong(values_, (count) + 1);                                                                     \
	})

typedef unsigned __int128 u128;

/* Structs of 16, 24 and 96 bytes. */
struct pair {
	unsigned long words[2];
};

struct three {
	unsigned long words[3];
};

struct twelve {
	unsigned long words[12];
};

/* Functions of the kernel, in kernel/src/matrix/subjects/shapes.rs. */
unsigned long matrix_passed(unsigned long value);
unsigned long matrix_sibling(unsigned long one);

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
