/* Memory from the kernel's heap. The other side is kernel/src/module/c/slab.rs. */
#ifndef _LINUX_SLAB_H
#define _LINUX_SLAB_H

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/types.h>
#include <linux/workqueue.h>

/* What a request for nothing answers: not NULL, and not to be read. */
#define ZERO_SIZE_PTR ((void *)16)

/* Aligned to 16 bytes, or NULL when there is not so much left. */
void *kmalloc(size_t size, gfp_t flags) __attribute__((malloc, alloc_size(1)));
/* The same, all zeros. */
void *kzalloc(size_t size, gfp_t flags) __attribute__((malloc, alloc_size(1)));
/* Room for `count` elements; NULL also when the product is beyond all numbers. */
void *kmalloc_array(size_t count, size_t size, gfp_t flags) __attribute__((malloc, alloc_size(1, 2)));
void *kcalloc(size_t count, size_t size, gfp_t flags) __attribute__((malloc, alloc_size(1, 2)));
/* Makes it larger or smaller, perhaps elsewhere; on NULL the old one is still there. */
void *krealloc(const void *memory, size_t size, gfp_t flags) __must_check;
/* Gives it back; NULL is nothing. What did not come from here, or is back already, is an error in the log and stays. */
void kfree(const void *memory);
/* How many bytes may be used. */
size_t ksize(const void *memory);
char *kstrdup(const char *string, gfp_t flags);

#endif
