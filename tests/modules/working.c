/* Whose work is always in the middle of something, until cleanup_module ends it. */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/workqueue.h>

static DECLARE_COMPLETION(begun);
static bool must_end;

static void work_on(struct work_struct *work)
{
	complete(&begun);
	while (!READ_ONCE(must_end))
		msleep(5);
}

static DECLARE_WORK(endless, work_on);

static int __init working_init(void)
{
	schedule_work(&endless);
	wait_for_completion(&begun);
	return 0;
}

static void __exit working_exit(void)
{
	WRITE_ONCE(must_end, true);
	flush_work(&endless);
}

module_init(working_init);
module_exit(working_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
