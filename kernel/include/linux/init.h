/* Where a module begins and ends. */
#ifndef _LINUX_INIT_H
#define _LINUX_INIT_H

#include <linux/compiler.h>

/* Everything stays for as long as the module does. */
#define __init
#define __exit
#define __initdata

/* The loader knows these two names; the check is that the function has the right type. */
#define module_init(function)                                       \
	static inline int (*__check_init(void))(void) { return function; } \
	int init_module(void) __attribute__((alias(#function)))
#define module_exit(function)                                         \
	static inline void (*__check_exit(void))(void) { return function; } \
	void cleanup_module(void) __attribute__((alias(#function)))

int init_module(void);
void cleanup_module(void);

#endif
