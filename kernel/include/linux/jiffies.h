/* Time by the kernel's tick. The other side is kernel/src/module/c/jiffies.rs. */
#ifndef _LINUX_JIFFIES_H
#define _LINUX_JIFFIES_H

#include <linux/types.h>

/* Ticks in a second. */
#define HZ 250
#define MSEC_PER_SEC 1000L

/* Ticks since the kernel's start. */
extern unsigned long volatile jiffies;

/* Whether one time comes after the other, also where the count begins anew. */
#define time_after(a, b) ((long)((b) - (a)) < 0)
#define time_before(a, b) time_after(b, a)
#define time_after_eq(a, b) ((long)((a) - (b)) >= 0)
#define time_before_eq(a, b) time_after_eq(b, a)
#define time_is_before_jiffies(a) time_after(jiffies, a)
#define time_is_after_jiffies(a) time_before(jiffies, a)

/* Rounded up, so that no time is shorter than asked for. */
static inline unsigned long msecs_to_jiffies(unsigned int milliseconds)
{
	return ((unsigned long)milliseconds * HZ + MSEC_PER_SEC - 1) / MSEC_PER_SEC;
}

static inline unsigned int jiffies_to_msecs(unsigned long ticks)
{
	return ticks * MSEC_PER_SEC / HZ;
}

#endif
