/* Letting time pass. */
#ifndef _LINUX_DELAY_H
#define _LINUX_DELAY_H

/* Sleeps at least so many milliseconds. */
void msleep(unsigned int milliseconds);

#endif
