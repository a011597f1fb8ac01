/* Work for a thread of the kernel's. The other side is kernel/src/module/c/workqueue.rs. */
#ifndef _LINUX_WORKQUEUE_H
#define _LINUX_WORKQUEUE_H

#include <linux/completion.h>
#include <linux/container_of.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct work_struct;
typedef void (*work_func_t)(struct work_struct *work);

/* The kernel knows a piece of work by its address, and reads its function when it is due. */
struct work_struct {
	work_func_t func;
};

struct delayed_work {
	struct work_struct work;
};

#define __WORK_INITIALIZER(name, function) { .func = (function) }
#define __DELAYED_WORK_INITIALIZER(name, function, flags) { .work = __WORK_INITIALIZER((name).work, function) }
#define DECLARE_WORK(name, function) struct work_struct name = __WORK_INITIALIZER(name, function)
#define DECLARE_DELAYED_WORK(name, function) \
	struct delayed_work name = __DELAYED_WORK_INITIALIZER(name, function, 0)
#define INIT_WORK(work, function) ((work)->func = (function))
#define INIT_DELAYED_WORK(delayed, function) INIT_WORK(&(delayed)->work, function)

static inline struct delayed_work *to_delayed_work(struct work_struct *work)
{
	return container_of(work, struct delayed_work, work);
}

/* Has it done soon; false when it waits for that already. One piece of work is never done twice at the same time. */
bool schedule_work(struct work_struct *work);
/* Waits until it is neither due nor being done; false when it was neither. */
bool flush_work(struct work_struct *work);
/* Takes it back if it has not begun, and waits for its end if it has; true when it was waiting. */
bool cancel_work_sync(struct work_struct *work);

/* The same, so many ticks later. */
bool schedule_delayed_work(struct delayed_work *delayed, unsigned long ticks);
/* Has it done now rather than later, and waits for its end. */
bool flush_delayed_work(struct delayed_work *delayed);
/* Takes it back if it has not begun, without waiting for its end if it has. */
bool cancel_delayed_work(struct delayed_work *delayed);
bool cancel_delayed_work_sync(struct delayed_work *delayed);
/* Changes when it is due; true when it was waiting. */
bool mod_delayed_work_system(struct delayed_work *delayed, unsigned long ticks);
/* Whether it waits to be done. */
bool work_pending(struct work_struct *work);
#define delayed_work_pending(delayed) work_pending(&(delayed)->work)

#endif
