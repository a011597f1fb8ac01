/* A in another object than B: it reaches klp_target's functions through a stub and restores its own TOC. */
#include <linux/kernel.h>
#include <linux/module.h>

static unsigned long a_value = 0xaaaa000000000002;

unsigned long target_plain(unsigned long x);

noinline unsigned long call_from_outside(unsigned long x, unsigned long *result)
{
	*result = target_plain(x);
	return READ_ONCE(a_value);
}

static int __init caller_init(void)
{
	return 0;
}

static void __exit caller_exit(void)
{
}

module_init(caller_init);
module_exit(caller_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
