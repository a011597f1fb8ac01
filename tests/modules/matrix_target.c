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

/* What A hands to B, and what it gets back. */

#define B_ANSWER(wrong) (READ_ONCE(b_own) + (wrong))

noinline unsigned long b_integers_8(PARAMETERS_8)
{
	return B_ANSWER(FIRST_WRONG(NAMES_8));
}

noinline void a_integers_8(struct seen *seen)
{
	SEEN(seen, b_integers_8(VALUES_8));
}

noinline unsigned long b_integers_9(PARAMETERS_9)
{
	return B_ANSWER(FIRST_WRONG(NAMES_9));
}

noinline void a_integers_9(struct seen *seen)
{
	SEEN(seen, b_integers_9(VALUES_9));
}

noinline unsigned long b_integers_12(PARAMETERS_12)
{
	return B_ANSWER(FIRST_WRONG(NAMES_12));
}

noinline void a_integers_12(struct seen *seen)
{
	SEEN(seen, b_integers_12(VALUES_12));
}

noinline unsigned long b_u128(u128 one, u128 three)
{
	return B_ANSWER(FIRST_WRONG(one, one >> 64, three, three >> 64));
}

noinline void a_u128(struct seen *seen)
{
	SEEN(seen, b_u128(ARGUMENT(1) | (u128)ARGUMENT(2) << 64, ARGUMENT(3) | (u128)ARGUMENT(4) << 64));
}

noinline unsigned long b_struct_24(struct three words)
{
	return B_ANSWER(first_wrong(words.words, 3));
}

noinline void a_struct_24(struct seen *seen)
{
	SEEN(seen, b_struct_24((struct three){ { ARGUMENT(1), ARGUMENT(2), ARGUMENT(3) } }));
}

noinline unsigned long b_struct_96(struct twelve words)
{
	return B_ANSWER(first_wrong(words.words, 12));
}

noinline void a_struct_96(struct seen *seen)
{
	SEEN(seen, b_struct_96((struct twelve){ { VALUES_12 } }));
}

/* The first word of what a function returned; nothing that anybody answers, if another is not as it should be. */
#define LED_BY(words, second, third) ((second) == ARGUMENT(2) && (third) == ARGUMENT(3) ? (words)[0] : ~C_OWN)

noinline struct pair b_pair(unsigned long one, unsigned long two)
{
	return (struct pair){ { B_ANSWER(FIRST_WRONG(one, two)), ARGUMENT(2) } };
}

noinline void a_pair(struct seen *seen)
{
	struct pair pair = b_pair(ARGUMENT(1), ARGUMENT(2));

	SEEN(seen, LED_BY(pair.words, pair.words[1], ARGUMENT(3)));
}

noinline struct three b_hidden_pointer(unsigned long one, unsigned long two)
{
	return (struct three){ { B_ANSWER(FIRST_WRONG(one, two)), ARGUMENT(2), ARGUMENT(3) } };
}

noinline void a_hidden_pointer(struct seen *seen)
{
	struct three three = b_hidden_pointer(ARGUMENT(1), ARGUMENT(2));

	SEEN(seen, LED_BY(three.words, three.words[1], three.words[2]));
}

noinline unsigned long b_variadic_3(unsigned long one, ...)
{
	return B_ANSWER(VARIADIC_WRONG(one, 3));
}

noinline void a_variadic_3(struct seen *seen)
{
	SEEN(seen, b_variadic_3(VALUES_4));
}

noinline unsigned long b_variadic_12(unsigned long one, ...)
{
	return B_ANSWER(VARIADIC_WRONG(one, 12));
}

noinline void a_variadic_12(struct seen *seen)
{
	SEEN(seen, b_variadic_12(VALUES_12, ARGUMENT(13)));
}

/* What B does; what its C does instead. */

noinline unsigned long b_leaf(unsigned long one)
{
	volatile unsigned long below_r1[] = { one, one };

	return B_ANSWER(CHECK(CHECK(0, 1, below_r1[0]), 1, below_r1[1]));
}

noinline void a_leaf(struct seen *seen)
{
	SEEN(seen, b_leaf(ARGUMENT(1)));
}

noinline unsigned long b_non_leaf(unsigned long one, unsigned long two)
{
	one = matrix_passed(one);
	two = matrix_passed(two);
	return B_ANSWER(FIRST_WRONG(one, two));
}

noinline void a_non_leaf(struct seen *seen)
{
	SEEN(seen, b_non_leaf(ARGUMENT(1), ARGUMENT(2)));
}

/* A B that calls the next for each level below its own. */
#define RECURSION(name, next)                                                                                          \
	unsigned long b_##next(unsigned long depth);                                                                   \
	noinline unsigned long b_##name(unsigned long depth)                                                           \
	{                                                                                                              \
		unsigned long deeper = depth ? b_##next(depth - 1) : B_OWN;                                            \
                                                                                                                       \
		return B_ANSWER(deeper != B_OWN);                                                                      \
	}

/* The A that calls this B once. */
#define A_CALLS(name, value)                                                                                           \
	noinline void a_##name(struct seen *seen)                                                                      \
	{                                                                                                              \
		SEEN(seen, b_##name(value));                                                                           \
	}

RECURSION(recursion_1, recursion_1)
A_CALLS(recursion_1, 1)
RECURSION(recursion_10, recursion_10)
A_CALLS(recursion_10, 10)
RECURSION(recursion_200, recursion_200)
A_CALLS(recursion_200, 200)
RECURSION(even, odd)
RECURSION(odd, even)
A_CALLS(even, 10)

/* A B whose C does something that needs no more than one argument. */
#define PLAIN(name)                                                                                                    \
	noinline unsigned long b_##name(unsigned long one)                                                             \
	{                                                                                                              \
		barrier();                                                                                             \
		return B_ANSWER(CHECK(0, 1, one));                                                                     \
	}

PLAIN(again)
A_CALLS(again, ARGUMENT(1))
PLAIN(sibling)
A_CALLS(sibling, ARGUMENT(1))
PLAIN(chain_1)
PLAIN(chain_2)
PLAIN(chain_3)
A_CALLS(chain_1, ARGUMENT(1))

MATRIX_MODULE();
