/* C of the matrix in C, for the situations in which C is not alone (kernel/src/matrix/company.rs). */
#include <linux/livepatch.h>

#include "matrix.h"

static unsigned long c_own = C_OWN;

/* The kernel's: sleeps until the case lets it go on (kernel/src/situations/gate.rs). */
void wait_at_gate(void);

/* Sleeps before it answers. */
unsigned long c_sleeps(unsigned long one)
{
	wait_at_gate();
	return READ_ONCE(c_own) + CHECK(0, 1, one);
}

/* Meets a trap. */
unsigned long c_faults(unsigned long one)
{
	__builtin_trap();
	return READ_ONCE(c_own) + CHECK(0, 1, one);
}

/* Never comes back. */
unsigned long c_spins(unsigned long one)
{
	for (;;)
		barrier();
	return one;
}

/* Calls the B that it replaces, which answers B_OWN. */
unsigned long c_original(unsigned long one)
{
	unsigned long (*original)(unsigned long) = klp_original("matrix_target", "b_local");
	unsigned long answer = original ? original(one) : 0;

	return READ_ONCE(c_own) + (answer == B_OWN ? 0 : 64) + CHECK(0, 1, one);
}

MATRIX_MODULE();
