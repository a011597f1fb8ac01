/* Must not load: a call into the kernel with no nop behind it that could become the TOC restore. */
#include <linux/kernel.h>
#include <linux/module.h>

__asm__(
"	.pushsection .text,\"ax\",@progbits\n"
"	.balign 16\n"
"	.type calls_without_nop,@function\n"
"calls_without_nop:\n"
"	mflr 0\n"
"	std 0,16(1)\n"
"	stdu 1,-32(1)\n"
"	bl _printk\n"
"	li 3,0\n"
"	addi 1,1,32\n"
"	ld 0,16(1)\n"
"	mtlr 0\n"
"	blr\n"
"	.size calls_without_nop,.-calls_without_nop\n"
"	.popsection\n"
);

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
