/* A live patch of a kernel function in C: it says on the log that it was called. */
#include <linux/kernel.h>
#include <linux/livepatch.h>
#include <linux/module.h>

/* C's own static, which C reaches through its own TOC. */
static unsigned long own = 0xc0c0;

/* C: what runs when somebody calls B. It has B's signature. */
static unsigned long replacement(unsigned long argument)
{
	pr_info("patch_in_c: called with %lu\n", argument);
	return READ_ONCE(own) + argument;
}

static struct klp_func funcs[] = {
	{ .old_name = "kernel::situations::local::b_reads_its_static", .new_func = replacement },
	{}
};

/* An object without a name is the kernel. */
static struct klp_object objs[] = { { .funcs = funcs }, {} };
static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objs };

static int __init patch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit patch_exit(void) {}

module_init(patch_init);
module_exit(patch_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
MODULE_INFO(livepatch, "Y");
