/* Crashes: its init_module calls a function that calls a function that stores where nothing is. For a debugger. */
#include <linux/kernel.h>
#include <linux/module.h>

noinline void crash_at(unsigned long *where)
{
	barrier();
	WRITE_ONCE(*where, 1);
}

noinline void crash_by(unsigned long offset)
{
	crash_at((unsigned long *)offset);
	barrier();
}

static int __init crash_init(void)
{
	crash_by(8);
	return 0;
}

static void __exit crash_exit(void)
{
}

module_init(crash_init);
module_exit(crash_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
