/* Every way of calling, and every way of reaching data, that gcc has in the small and the medium model. */
#define INFO(key, text, line) \
	static const char info##line[] __attribute__((section(".modinfo"), used, aligned(1))) = key "=" text
INFO("name", "calls", 1);
INFO("license", "GPL", 2);
INFO("build_id", "000102030405060708090a0b0c0d0e0f10111213", 3);

extern long other_value;
extern long other(long);
extern void variadic(const char *, ...);
extern long maybe(void) __attribute__((weak));
extern long maybe_value __attribute__((weak));

static long secret = 42;
static long zeros[100];
long shared = 7;

__attribute__((noinline)) static long local(long x) { return secret + x; }
__attribute__((noinline)) long leaf(long x) { return x * 2; }
__attribute__((noinline)) static long leaf_local(long x) { return x ^ zeros[x]; }

long calls(long x)
{
	secret = x;
	zeros[3] = x;
	return local(x) + leaf(x) + leaf_local(x) + other(x) + other_value + shared;
}

long strings(int x)
{
	switch (x) {
	case 0: variadic("zero"); return 1;
	case 1: variadic("one"); return 7;
	case 2: return other(1);
	case 3: variadic("three"); return 8;
	case 4: return secret;
	case 5: variadic("five"); return 3;
	default: return 0;
	}
}

long (*const table[])(long) = { leaf, local, calls, other };
long *pointers[] = { &shared, &secret, &other_value, &zeros[50], &maybe_value };
long through_pointer(int i) { return table[i](i) + *pointers[i]; }

int init_module(void) { return 0; }
void cleanup_module(void) { secret = 0; }
