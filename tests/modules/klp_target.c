/*
 * A and B: the functions whose calls live patches redirect, in a module that is not the kernel.
 *
 * `call_…` is A: it calls B locally, without a TOC restore behind the call, and then reads its own static through r2. Each
 * returns that static's value when its TOC is right and stores what B returned; the tests' cases compare both.
 */
#include <linux/kernel.h>
#include <linux/module.h>

/* What A reads after the call. A's TOC leads to 0xa…, C's (klp_patch.c) to 0xc…. */
static unsigned long a_value = 0xaaaa000000000001;
/* What B reads. */
static unsigned long b_value = 0xbbbb000000000001;

struct large {
	unsigned long words[12];
};

/* The variants of B. */

noinline unsigned long target_plain(unsigned long x)
{
	barrier();
	return READ_ONCE(b_value) + x;
}

noinline unsigned long target_ten(unsigned long a, unsigned long b, unsigned long c, unsigned long d,
				  unsigned long e, unsigned long f, unsigned long g, unsigned long h,
				  unsigned long i, unsigned long j)
{
	barrier();
	return READ_ONCE(b_value) + a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j;
}

noinline unsigned long target_large(struct large large)
{
	unsigned long sum = READ_ONCE(b_value);

	for (unsigned int n = 0; n < ARRAY_SIZE(large.words); n++)
		sum += (n + 1) * large.words[n];
	return sum;
}

noinline unsigned long target_variadic(unsigned int count, ...)
{
	__builtin_va_list list;
	unsigned long sum = READ_ONCE(b_value);

	__builtin_va_start(list, count);
	for (unsigned int n = 0; n < count; n++)
		sum += (n + 1) * __builtin_va_arg(list, unsigned long);
	__builtin_va_end(list);
	return sum;
}

/* The variants of A. What B returned goes to *result; A returns what it then reads of its own. */

noinline unsigned long call_plain(unsigned long x, unsigned long *result)
{
	*result = target_plain(x);
	return READ_ONCE(a_value);
}

noinline unsigned long call_ten(unsigned long x, unsigned long *result)
{
	*result = target_ten(x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, x + 7, x + 8, x + 9);
	return READ_ONCE(a_value);
}

noinline unsigned long call_large(unsigned long x, unsigned long *result)
{
	struct large large;

	for (unsigned int n = 0; n < ARRAY_SIZE(large.words); n++)
		large.words[n] = x + n;
	*result = target_large(large);
	return READ_ONCE(a_value);
}

noinline unsigned long call_variadic(unsigned long x, unsigned long *result)
{
	*result = target_variadic(3, x, x + 1, x + 2);
	return READ_ONCE(a_value);
}

/* Is in the module while `function` runs, and reads its own when it is back. */
noinline unsigned long call_back(void (*function)(void))
{
	function();
	return READ_ONCE(a_value);
}

static int __init target_init(void)
{
	return 0;
}

static void __exit target_exit(void)
{
}

module_init(target_init);
module_exit(target_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
MODULE_DESCRIPTION("Functions for live patches to replace");
