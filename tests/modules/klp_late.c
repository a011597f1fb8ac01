/* A live patch whose replacement uses what klp_target keeps to itself, and that may be loaded before klp_target is. */
#include <linux/kernel.h>
#include <linux/livepatch.h>
#include <linux/module.h>

extern unsigned long target_value KLP_SYMBOL(klp_target, b_value, 0);
unsigned long target_plus(unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e,
			  unsigned long f, unsigned long g, unsigned long h, unsigned long i, unsigned long j)
	KLP_SYMBOL(klp_target, target_ten, 1);
extern char kernel_printk[] KLP_SYMBOL(vmlinux, _printk, 0);

/* An address in data, with something added. */
static unsigned long *value_address = &target_value;
static unsigned long *behind_value = &target_value + 1;
static char *printk_address = kernel_printk;

static noinline unsigned long livepatch_plain(unsigned long x)
{
	if (READ_ONCE(behind_value) != READ_ONCE(value_address) + 1 || READ_ONCE(printk_address) != (char *)_printk)
		return 0;
	return target_plus(x, 0, 0, 0, 0, 0, 0, 0, 0, 0) + 10 * READ_ONCE(target_value);
}

static struct klp_func funcs[] = {
	{ .old_name = "target_plain", .new_func = livepatch_plain },
	{}
};

static struct klp_object objs[] = { { .name = "klp_target", .funcs = funcs }, {} };
static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objs };

static int __init late_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit late_exit(void)
{
}

module_init(late_init);
module_exit(late_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
MODULE_INFO(livepatch, "Y");
