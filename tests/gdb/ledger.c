/* What the debugger's tests look at: A, the functions whose calls are patched (ledger_patch.c), and threads that call A. */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/workqueue.h>

struct account {
	unsigned long balance;
	struct account *next;
};

/* What A reads through its TOC; see the end. */
extern unsigned long ledger_rate;

/* B. */
noinline unsigned long ledger_fee(unsigned long amount)
{
	barrier();
	return amount / 100;
}

/* A: 7 for each hundred. */
noinline unsigned long ledger_charge(unsigned long amount)
{
	unsigned long hundreds = ledger_fee(amount);

	return hundreds * READ_ONCE(ledger_rate);
}

/* B of the other call. */
noinline unsigned long ledger_refund(struct account *account)
{
	barrier();
	return account->balance;
}

/* A of the other call. */
noinline unsigned long ledger_close(struct account *account)
{
	unsigned long rest = ledger_refund(account);

	return rest + READ_ONCE(ledger_rate);
}

static void charging(struct work_struct *work)
{
	pr_info("ledger: 500 are charged %lu\n", ledger_charge(500));
}

static void closing(struct work_struct *work)
{
	struct account account = { .balance = 20 };

	pr_info("ledger: the rest is %lu\n", ledger_close(&account));
}

static DECLARE_WORK(charge, charging);
static DECLARE_WORK(charge_again, charging);
static DECLARE_WORK(close, closing);

/* One after the other, each in a thread of its own. */
static int __init ledger_init(void)
{
	struct work_struct *all[] = { &charge, &charge_again, &close };

	for (unsigned int n = 0; n < ARRAY_SIZE(all); n++) {
		schedule_work(all[n]);
		flush_work(all[n]);
	}
	return 0;
}

static void __exit ledger_exit(void)
{
}

/* The last one comes first in memory: at the same distance from C's TOC pointer ledger_patch.c has its own. */
unsigned long ledger_rate = 7;

module_init(ledger_init);
module_exit(ledger_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
