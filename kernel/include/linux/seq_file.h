/* Files whose content is made when they are read. The other side is kernel/src/module/c/seq_file.rs. */
#ifndef _LINUX_SEQ_FILE_H
#define _LINUX_SEQ_FILE_H

#include <linux/compiler.h>
#include <linux/types.h>

/* Where the content of such a file goes while it is made. Only the kernel knows what it is. */
struct seq_file;

__printf(2, 3) void seq_printf(struct seq_file *file, const char *format, ...);
void seq_puts(struct seq_file *file, const char *string);
void seq_putc(struct seq_file *file, char character);
/* 0, since there is always room. */
int seq_write(struct seq_file *file, const void *bytes, size_t size);

#endif
