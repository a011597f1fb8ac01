/* Must not load: it calls what nobody defines. */
#include <linux/kernel.h>
#include <linux/module.h>

void nobody_defines_this(void);

noinline void calls_nobody(void)
{
	nobody_defines_this();
}

static int __init bad_init(void)
{
	return 0;
}

static void __exit bad_exit(void)
{
}

module_init(bad_init);
module_exit(bad_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
