/* The entry of older compilers: `mflr r0; std r0,16(r1); bl _mcount`. gcc 12 makes it no more, so it is written out. */
#include <linux/kernel.h>
#include <linux/module.h>

/* Adds 1 to its argument and the value behind its TOC pointer; three slots at the local entry. */
unsigned long three_slots(unsigned long x);
/* A: calls it locally and then reads its own. */
unsigned long call_three_slots(unsigned long x, unsigned long *result);

unsigned long three_slots_value = 0xbbbb000000000003;
static unsigned long a_value = 0xaaaa000000000003;

__asm__(
"	.pushsection .text,\"ax\",@progbits\n"
"	.balign 16\n"
"	.globl three_slots\n"
"	.type three_slots,@function\n"
"three_slots:\n"
"0:	addis 2,12,(.TOC.-0b)@ha\n"
"	addi 2,2,(.TOC.-0b)@l\n"
"	.localentry three_slots,.-three_slots\n"
"	mflr 0\n"
"	std 0,16(1)\n"
"	bl _mcount\n"
/* The hook must have brought LR back: what is in r0 is the hook's affair. */
"	addis 4,2,three_slots_value@toc@ha\n"
"	ld 4,three_slots_value@toc@l(4)\n"
"	add 3,3,4\n"
"	addi 3,3,1\n"
"	blr\n"
"	.size three_slots,.-three_slots\n"
"	.popsection\n"
);

noinline unsigned long call_three_slots(unsigned long x, unsigned long *result)
{
	*result = three_slots(x);
	return READ_ONCE(a_value);
}

static int __init slots_init(void)
{
	return 0;
}

static void __exit slots_exit(void)
{
}

module_init(slots_init);
module_exit(slots_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
