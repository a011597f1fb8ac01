/* C: a live patch of ledger.c's functions. One of them has a fault of its own. */
#include <linux/kernel.h>
#include <linux/livepatch.h>
#include <linux/module.h>

struct account {
	unsigned long balance;
	struct account *next;
};

/* What C reads through its TOC; see the end. */
extern unsigned long ledger_least;

static noinline unsigned long livepatch_fee(unsigned long amount)
{
	unsigned long hundreds = amount / 100;

	return hundreds < READ_ONCE(ledger_least) ? READ_ONCE(ledger_least) : hundreds;
}

/* The fault: nobody says that there is a next account. */
static noinline unsigned long livepatch_refund(struct account *account)
{
	barrier();
	return account->balance + READ_ONCE(account->next->balance);
}

static struct klp_func funcs[] = {
	{ .old_name = "ledger_fee", .new_func = livepatch_fee },
	{ .old_name = "ledger_refund", .new_func = livepatch_refund },
	{}
};

static struct klp_object objs[] = {
	{ .name = "ledger", .funcs = funcs },
	{}
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int __init ledger_patch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit ledger_patch_exit(void)
{
}

/* The last one comes first in memory, as far from the TOC pointer as ledger.c's rate from A's. */
unsigned long ledger_least = 2;

module_init(ledger_patch_init);
module_exit(ledger_patch_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
MODULE_INFO(livepatch, "Y");
