/* Says something a while after it was loaded. */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/workqueue.h>

static void say(struct work_struct *work)
{
	pr_info("later: said later\n");
}

static DECLARE_DELAYED_WORK(later, say);

static int __init later_init(void)
{
	schedule_delayed_work(&later, msecs_to_jiffies(1500));
	return 0;
}

static void __exit later_exit(void)
{
	cancel_delayed_work_sync(&later);
}

module_init(later_init);
module_exit(later_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
