/* A of the matrix in C, in an object that has neither B nor C: it calls through a stub and restores its own TOC. */
#include "matrix.h"

static unsigned long own = A_OWN;

unsigned long b_local(unsigned long one);

noinline void a_local(struct seen *seen)
{
	SEEN(seen, b_local(ARGUMENT(1)));
}

MATRIX_MODULE();
