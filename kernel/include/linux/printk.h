/* Printing to the kernel's log. The other side is kernel/src/module/c/printk.rs. */
#ifndef _LINUX_PRINTK_H
#define _LINUX_PRINTK_H

#include <linux/compiler.h>
#include <linux/types.h>

/* A message begins with its level, one character behind a control character. */
#define KERN_SOH "\001"
#define KERN_EMERG KERN_SOH "0"
#define KERN_ALERT KERN_SOH "1"
#define KERN_CRIT KERN_SOH "2"
#define KERN_ERR KERN_SOH "3"
#define KERN_WARNING KERN_SOH "4"
#define KERN_NOTICE KERN_SOH "5"
#define KERN_INFO KERN_SOH "6"
#define KERN_DEBUG KERN_SOH "7"
#define KERN_DEFAULT ""
#define KERN_CONT KERN_SOH "c"

/* Messages of a level below this one go to the console. */
extern int console_loglevel;
#define CONSOLE_LOGLEVEL_SILENT 0
#define CONSOLE_LOGLEVEL_MIN 1
#define CONSOLE_LOGLEVEL_QUIET 4
#define CONSOLE_LOGLEVEL_DEFAULT 7
#define CONSOLE_LOGLEVEL_DEBUG 10
#define CONSOLE_LOGLEVEL_MOTORMOUTH 15

/*
 * %[-+ #0][width][.precision][hh|h|l|ll|z|j|t] with d i u x X o c s p and %%; and behind %p: s, S or B for a symbol, e for
 * an error pointer, x and K for the address as it is, Gg for a gfp_t, and %*ph for bytes.
 */
__printf(1, 2) int _printk(const char *format, ...);
#define printk(...) _printk(__VA_ARGS__)

#ifndef pr_fmt
#define pr_fmt(format) format
#endif
#define pr_emerg(format, ...) _printk(KERN_EMERG pr_fmt(format), ##__VA_ARGS__)
#define pr_alert(format, ...) _printk(KERN_ALERT pr_fmt(format), ##__VA_ARGS__)
#define pr_crit(format, ...) _printk(KERN_CRIT pr_fmt(format), ##__VA_ARGS__)
#define pr_err(format, ...) _printk(KERN_ERR pr_fmt(format), ##__VA_ARGS__)
#define pr_warn(format, ...) _printk(KERN_WARNING pr_fmt(format), ##__VA_ARGS__)
#define pr_notice(format, ...) _printk(KERN_NOTICE pr_fmt(format), ##__VA_ARGS__)
#define pr_info(format, ...) _printk(KERN_INFO pr_fmt(format), ##__VA_ARGS__)
#define pr_debug(format, ...) _printk(KERN_DEBUG pr_fmt(format), ##__VA_ARGS__)

/* Only the first time that it comes by. */
#define printk_once(...)                              \
	do {                                          \
		static bool __printed;                \
		if (!__printed) {                     \
			__printed = true;             \
			_printk(__VA_ARGS__);         \
		}                                     \
	} while (0)
#define pr_warn_once(format, ...) printk_once(KERN_WARNING pr_fmt(format), ##__VA_ARGS__)
#define pr_info_once(format, ...) printk_once(KERN_INFO pr_fmt(format), ##__VA_ARGS__)

#endif
