/* Strings. The other side is kernel/src/module/c/string.rs. */
#ifndef _LINUX_STRING_H
#define _LINUX_STRING_H

#include <linux/compiler.h>
#include <linux/types.h>

/* The compiler calls these on its own; compiler_builtins has them. */
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *at, int byte, size_t size);
int memcmp(const void *left, const void *right, size_t size);
size_t strlen(const char *string);

int strcmp(const char *left, const char *right);
int strncmp(const char *left, const char *right, size_t size);
/* Copies with the end, at most `size` bytes; the number of bytes without the end, or -E2BIG when not all went in. */
ssize_t strscpy(char *to, const char *from, size_t size);
char *strchr(const char *string, int character);
char *strstr(const char *string, const char *part);

#endif
