/* The names of types that kernel code in C uses. */
#ifndef _LINUX_TYPES_H
#define _LINUX_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* Not the macros of stdbool.h: `bool` is also part of names that macros make. */
typedef _Bool bool;
enum { false, true };

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef s8 __s8;
typedef s16 __s16;
typedef s32 __s32;
typedef s64 __s64;
typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef long ssize_t;
typedef long long loff_t;
typedef unsigned short umode_t;
/* How memory is to be had: linux/gfp.h. */
typedef unsigned int gfp_t;

/* A link of a list, or its head: linux/list.h. */
struct list_head {
	struct list_head *next, *prev;
};

#endif
