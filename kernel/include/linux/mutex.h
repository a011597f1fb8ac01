/* One at a time; the others sleep. The other side is kernel/src/module/c/mutex.rs. */
#ifndef _LINUX_MUTEX_H
#define _LINUX_MUTEX_H

#include <linux/types.h>

struct mutex {
	/* The thread that has it, as an address; 0: nobody. */
	unsigned long owner;
};

#define __MUTEX_INITIALIZER(name) { 0 }
#define DEFINE_MUTEX(name) struct mutex name = __MUTEX_INITIALIZER(name)

static inline void mutex_init(struct mutex *mutex)
{
	mutex->owner = 0;
}

/* Who has it already must not ask for it again: that is a panic. */
void mutex_lock(struct mutex *mutex);
/* 1 if it was free. */
int mutex_trylock(struct mutex *mutex);
/* Who does not have it cannot give it back: that is a panic. */
void mutex_unlock(struct mutex *mutex);
bool mutex_is_locked(struct mutex *mutex);

#endif
