/* C of the matrix in C: each checks its arguments and answers its own static, plus the number of the first wrong one. */
#include "matrix.h"

static unsigned long c_own = C_OWN;

#define C_ANSWER(wrong) (READ_ONCE(c_own) + (wrong))

unsigned long c_local(unsigned long one)
{
	return C_ANSWER(FIRST_WRONG(one));
}

unsigned long c_pointer(unsigned long one)
{
	return C_ANSWER(FIRST_WRONG(one));
}

unsigned long c_no_toc(unsigned long one)
{
	return C_ANSWER(FIRST_WRONG(one));
}

unsigned long c_integers_8(PARAMETERS_8)
{
	return C_ANSWER(FIRST_WRONG(NAMES_8));
}

unsigned long c_integers_9(PARAMETERS_9)
{
	return C_ANSWER(FIRST_WRONG(NAMES_9));
}

unsigned long c_integers_12(PARAMETERS_12)
{
	return C_ANSWER(FIRST_WRONG(NAMES_12));
}

unsigned long c_u128(u128 one, u128 three)
{
	return C_ANSWER(FIRST_WRONG(one, one >> 64, three, three >> 64));
}

unsigned long c_struct_24(struct three words)
{
	return C_ANSWER(first_wrong(words.words, 3));
}

unsigned long c_struct_96(struct twelve words)
{
	return C_ANSWER(first_wrong(words.words, 12));
}

struct pair c_pair(unsigned long one, unsigned long two)
{
	return (struct pair){ { C_ANSWER(FIRST_WRONG(one, two)), ARGUMENT(2) } };
}

struct three c_hidden_pointer(unsigned long one, unsigned long two)
{
	return (struct three){ { C_ANSWER(FIRST_WRONG(one, two)), ARGUMENT(2), ARGUMENT(3) } };
}

unsigned long c_variadic_3(unsigned long one, ...)
{
	return C_ANSWER(VARIADIC_WRONG(one, 3));
}

unsigned long c_variadic_12(unsigned long one, ...)
{
	return C_ANSWER(VARIADIC_WRONG(one, 12));
}

unsigned long c_leaf(unsigned long one)
{
	volatile unsigned long below_r1[] = { one, one };

	return C_ANSWER(CHECK(CHECK(0, 1, below_r1[0]), 1, below_r1[1]));
}

unsigned long c_non_leaf(unsigned long one, unsigned long two)
{
	one = matrix_passed(one);
	two = matrix_passed(two);
	return C_ANSWER(FIRST_WRONG(one, two));
}

/* What C answers when what it has called, from an r2 of `toc`, has answered `answer`; a wrong answer goes up as it is. */
static __always_inline unsigned long after_call(unsigned long toc, unsigned long answer)
{
	if (toc_pointer() != toc)
		return C_OWN + LOST_TOC;
	return answer == C_OWN ? READ_ONCE(c_own) : answer;
}

/* A C that calls a B, which is patched as well, for each level below its own. */
#define RECURSION(name, next)                                                                                          \
	unsigned long b_##next(unsigned long depth);                                                                   \
	unsigned long c_##name(unsigned long depth)                                                                    \
	{                                                                                                              \
		unsigned long toc = toc_pointer();                                                                     \
		unsigned long deeper = depth ? b_##next(depth - 1) : C_OWN;                                            \
                                                                                                                       \
		return after_call(toc, deeper);                                                                        \
	}

RECURSION(recursion_1, recursion_1)
RECURSION(recursion_10, recursion_10)
RECURSION(recursion_200, recursion_200)
RECURSION(even, odd)
RECURSION(odd, even)

void a_again(struct seen *seen);

/* Calls A again when it runs for the first time. */
unsigned long c_again(unsigned long one)
{
	static int again;
	struct seen seen = {};
	unsigned long toc = toc_pointer();

	if (again++)
		return C_ANSWER(FIRST_WRONG(one));
	a_again(&seen);
	return after_call(toc, seen.own == A_OWN ? seen.result : C_OWN + LOST_TOC) + FIRST_WRONG(one);
}

/*
 * A C that leaves by a jump to a function elsewhere, with the next argument's value for its own: `b stub`, where the stub
 * stores r2 at 24(r1). No compiler makes that of a call to another object. Its r2 is a TOC 4 MiB away, as large objects
 * have several: a return address that is computed from it is one where nobody's code is.
 */
#define SIBLING(name, next)                                                                                            \
	asm(".text\n"                                                                                                  \
	    ".globl c_" #name "\n"                                                                                     \
	    ".type c_" #name ", @function\n"                                                                           \
	    "c_" #name ":\n"                                                                                           \
	    "	addis 2, 12, (.TOC. + 0x400000 - c_" #name ")@ha\n"                                                     \
	    "	addi 2, 2, (.TOC. + 0x400000 - c_" #name ")@l\n"                                                        \
	    "	.localentry c_" #name ", . - c_" #name "\n"                                                            \
	    "	addi 3, 3, 0x10\n"                                                                                     \
	    "	b " #next "\n"                                                                                         \
	    ".size c_" #name ", . - c_" #name "\n")

SIBLING(sibling, matrix_sibling);
SIBLING(chain_1, b_chain_2);
SIBLING(chain_2, b_chain_3);

/* The end of the chain, where the first argument is what the third should be. */
unsigned long c_chain_3(unsigned long one)
{
	return C_ANSWER(one != ARGUMENT(3));
}

MATRIX_MODULE();
