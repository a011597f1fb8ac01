#include <linux/module.h>
#include <linux/printk.h>

static int mine_init(void)
{
	pr_info("mine: here\n");
	return 0;
}

static void mine_exit(void) {}

module_init(mine_init);
module_exit(mine_exit);
MODULE_LICENSE("GPL");
