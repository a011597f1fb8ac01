/* A and B of the matrix in C. In Rust the same functions are in kernel/src/matrix/subjects. */
#include "matrix.h"

static unsigned long own = A_OWN;
static unsigned long b_own = B_OWN;

/* How A reaches B. */

noinline unsigned long b_local(unsigned long one)
{
	barrier();
	return READ_ONCE(b_own) + CHECK(0, 1, one);
}

noinline void a_local(struct seen *seen)
{
	SEEN(seen, b_local(ARGUMENT(1)));
}

noinline unsigned long b_pointer(unsigned long one)
{
	barrier();
	return READ_ONCE(b_own) + CHECK(0, 1, one);
}

noinline void a_pointer(struct seen *seen)
{
	unsigned long (*volatile pointer)(unsigned long) = b_pointer;

	SEEN(seen, pointer(ARGUMENT(1)));
}

noinline unsigned long b_no_toc(unsigned long one)
{
	barrier();
	return one ^ B_OWN;
}

noinline void a_no_toc(struct seen *seen)
{
	SEEN(seen, b_no_toc(ARGUMENT(1)));
}

MATRIX_MODULE();
