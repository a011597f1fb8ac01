/* Must not stay: its init_module fails. */
#include <linux/kernel.h>
#include <linux/module.h>

static int __init bad_init(void)
{
	pr_info("%s: there is no such device\n", THIS_MODULE->name);
	return -ENODEV;
}

static void __exit bad_exit(void)
{
}

module_init(bad_init);
module_exit(bad_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
