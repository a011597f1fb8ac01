/* What nearly every file of kernel code in C includes. */
#ifndef _LINUX_KERNEL_H
#define _LINUX_KERNEL_H

#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/types.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define min(a, b) ({ __typeof__(a) __a = (a); __typeof__(b) __b = (b); __a < __b ? __a : __b; })
#define max(a, b) ({ __typeof__(a) __a = (a); __typeof__(b) __b = (b); __a > __b ? __a : __b; })
#define min_t(type, a, b) min((type)(a), (type)(b))
#define max_t(type, a, b) max((type)(a), (type)(b))
#define clamp(value, low, high) min(max(value, low), high)
#define DIV_ROUND_UP(number, by) (((number) + (by) - 1) / (by))

/* Writes at most `size` bytes with the end; how many there would be without a limit, and without the end. */
__printf(3, 4) int snprintf(char *to, size_t size, const char *format, ...);
/* The same, but how many there are. */
__printf(3, 4) int scnprintf(char *to, size_t size, const char *format, ...);
#define sprintf(to, ...) snprintf(to, 0x7fffffff, __VA_ARGS__)

#endif
