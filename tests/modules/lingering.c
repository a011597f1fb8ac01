/* Whose cleanup_module lets somebody in: the kernel must not free what a thread will come back to. */
#include <linux/kernel.h>
#include <linux/module.h>

/* Called by cleanup_module, if set. */
void (*at_exit)(void);
static unsigned long a_value = 0xaaaa000000000004;

/* Is in the module while `function` runs, and reads its own when it is back. */
noinline unsigned long call_back(void (*function)(void))
{
	function();
	return READ_ONCE(a_value);
}

static int __init lingering_init(void)
{
	return 0;
}

static void __exit lingering_exit(void)
{
	if (at_exit)
		at_exit();
}

module_init(lingering_init);
module_exit(lingering_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
