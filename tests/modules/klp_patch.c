/* C: a live patch of klp_target's functions, with a TOC and a static of its own. */
#include <linux/kernel.h>
#include <linux/livepatch.h>
#include <linux/module.h>

static unsigned long c_value = 0xcccc000000000001;

struct large {
	unsigned long words[12];
};

/*
 * Without a TOC r2 is one more register that a function may use and need not keep. Here it does: who believes in its TOC
 * afterwards reads near c_value.
 */
#ifdef __PCREL__
#define USE_R2() __asm__ volatile("mr 2,%0" : : "r"(&c_value) : "r2")
#else
#define USE_R2() do { } while (0)
#endif

static noinline unsigned long livepatch_plain(unsigned long x)
{
	barrier();
	USE_R2();
	return READ_ONCE(c_value) + x;
}

static noinline unsigned long livepatch_ten(unsigned long a, unsigned long b, unsigned long c, unsigned long d,
					    unsigned long e, unsigned long f, unsigned long g, unsigned long h,
					    unsigned long i, unsigned long j)
{
	barrier();
	return READ_ONCE(c_value) + a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j;
}

static noinline unsigned long livepatch_large(struct large large)
{
	unsigned long sum = READ_ONCE(c_value);

	for (unsigned int n = 0; n < ARRAY_SIZE(large.words); n++)
		sum += (n + 1) * large.words[n];
	return sum;
}

static noinline unsigned long livepatch_variadic(unsigned int count, ...)
{
	__builtin_va_list list;
	unsigned long sum = READ_ONCE(c_value);

	__builtin_va_start(list, count);
	for (unsigned int n = 0; n < count; n++)
		sum += (n + 1) * __builtin_va_arg(list, unsigned long);
	__builtin_va_end(list);
	return sum;
}

static struct klp_func funcs[] = {
	{ .old_name = "target_plain", .new_func = livepatch_plain },
	{ .old_name = "target_ten", .new_func = livepatch_ten },
	{ .old_name = "target_large", .new_func = livepatch_large },
	{ .old_name = "target_variadic", .new_func = livepatch_variadic },
	{}
};

static struct klp_object objs[] = {
	{ .name = "klp_target", .funcs = funcs },
	{}
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int __init livepatch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit livepatch_exit(void)
{
}

module_init(livepatch_init);
module_exit(livepatch_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
MODULE_INFO(livepatch, "Y");
