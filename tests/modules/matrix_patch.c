/* C of the matrix in C: each checks its arguments and answers its own static, plus the number of the first wrong one. */
#include "matrix.h"

static unsigned long c_own = C_OWN;

unsigned long c_local(unsigned long one)
{
	return READ_ONCE(c_own) + CHECK(0, 1, one);
}

unsigned long c_pointer(unsigned long one)
{
	return READ_ONCE(c_own) + CHECK(0, 1, one);
}

unsigned long c_no_toc(unsigned long one)
{
	return READ_ONCE(c_own) + CHECK(0, 1, one);
}

MATRIX_MODULE();
