/* The running thread. */
#ifndef _LINUX_SCHED_H
#define _LINUX_SCHED_H

#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

/* Lets others run. */
void yield(void);
#define schedule() yield()
static inline int cond_resched(void)
{
	yield();
	return 0;
}
/* Sleeps so many ticks; 0, which is what is left of them. */
long schedule_timeout_uninterruptible(long ticks);
#define schedule_timeout_interruptible(ticks) schedule_timeout_uninterruptible(ticks)

#endif
