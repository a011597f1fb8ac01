/* Letting time pass. */
#ifndef _LINUX_DELAY_H
#define _LINUX_DELAY_H

#include <linux/jiffies.h>

/* Sleeps at least so many milliseconds. */
void msleep(unsigned int milliseconds);
/* The same, in seconds. */
static inline void ssleep(unsigned int seconds)
{
	msleep(seconds * 1000);
}
/* Sleeps at least the smaller of two numbers of microseconds. */
void usleep_range(unsigned long least, unsigned long most);
/* Waits without sleeping. */
void udelay(unsigned long microseconds);
void mdelay(unsigned long milliseconds);

#endif
