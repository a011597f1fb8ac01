/* Waiting until somebody says that something is done. The other side is kernel/src/module/c/completion.rs. */
#ifndef _LINUX_COMPLETION_H
#define _LINUX_COMPLETION_H

#include <linux/types.h>

struct completion {
	/* How many may still pass without waiting; all ones: everybody. */
	unsigned int done;
};

#define COMPLETION_INITIALIZER(name) { 0 }
#define DECLARE_COMPLETION(name) struct completion name = COMPLETION_INITIALIZER(name)
#define DECLARE_COMPLETION_ONSTACK(name) DECLARE_COMPLETION(name)

static inline void init_completion(struct completion *completion)
{
	completion->done = 0;
}

static inline void reinit_completion(struct completion *completion)
{
	completion->done = 0;
}

/* Lets one pass, of those who wait or the next who comes. */
void complete(struct completion *completion);
/* Lets everybody pass from now on. */
void complete_all(struct completion *completion);
void wait_for_completion(struct completion *completion);
/* Waits so many ticks at most; 0 when they have passed in vain, otherwise what was left, at least 1. */
unsigned long wait_for_completion_timeout(struct completion *completion, unsigned long ticks);
/* Passes if that takes no waiting. */
bool try_wait_for_completion(struct completion *completion);
/* Whether one could pass. */
bool completion_done(struct completion *completion);

#endif
