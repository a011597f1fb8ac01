/* Whose init_module does not return. */
#include <linux/kernel.h>
#include <linux/module.h>

static unsigned long turns;

static int __init endless_init(void)
{
	for (;;)
		WRITE_ONCE(turns, turns + 1);
	return 0;
}

static void __exit endless_exit(void) {}

module_init(endless_init);
module_exit(endless_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
