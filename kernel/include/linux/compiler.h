/* What is said to the compiler rather than to the machine. */
#ifndef _LINUX_COMPILER_H
#define _LINUX_COMPILER_H

#define noinline __attribute__((noinline))
#define __always_inline inline __attribute__((always_inline))
#define notrace __attribute__((no_instrument_function))
#define __always_unused __attribute__((unused))
#define __maybe_unused __attribute__((unused))
#define __used __attribute__((used))
#define __section(name) __attribute__((section(name)))
#define __printf(index, first) __attribute__((__format__(__printf__, index, first)))
#define __must_check __attribute__((warn_unused_result))
#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

#define READ_ONCE(variable) (*(const volatile __typeof__(variable) *)&(variable))
#define WRITE_ONCE(variable, value) (*(volatile __typeof__(variable) *)&(variable) = (value))
#define barrier() __asm__ volatile("" ::: "memory")

#endif
