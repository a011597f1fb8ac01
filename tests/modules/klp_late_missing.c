/* Refers to what klp_target has not. */
#include <linux/livepatch.h>
#include <linux/module.h>

unsigned long nothing(void) KLP_SYMBOL(klp_target, nothing_of_the_kind, 0);
unsigned long call_nothing(void);

unsigned long call_nothing(void)
{
	return 1 + nothing();
}

static int __init missing_init(void)
{
	return 0;
}

static void __exit missing_exit(void)
{
}

module_init(missing_init);
module_exit(missing_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
MODULE_INFO(livepatch, "Y");
