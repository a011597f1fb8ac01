/* Must not load: thread-local storage, which this kernel does not have. */
#include <linux/kernel.h>
#include <linux/module.h>

static unsigned long offset __used;
__asm__(".reloc offset, R_PPC64_TPREL64, somewhere");

static int __init bad_init(void)
{
	return 0;
}

static void __exit bad_exit(void)
{
}

module_init(bad_init);
module_exit(bad_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
