/* A of the matrix in C, in an object that has neither B nor C: it calls through a stub and restores its own TOC. */
#include "matrix.h"

static unsigned long own = A_OWN;

/* The A that calls this B with the first argument. */
#define A_CALLS(name)                                                                                                  \
	unsigned long b_##name(unsigned long one);                                                                     \
	noinline void a_##name(struct seen *seen)                                                                      \
	{                                                                                                              \
		SEEN(seen, b_##name(ARGUMENT(1)));                                                                     \
	}

A_CALLS(local)
A_CALLS(no_toc)
A_CALLS(sibling)
A_CALLS(chain_1)

unsigned long b_pointer(unsigned long one);

noinline void a_pointer(struct seen *seen)
{
	unsigned long (*volatile pointer)(unsigned long) = b_pointer;

	SEEN(seen, pointer(ARGUMENT(1)));
}

MATRIX_MODULE();
