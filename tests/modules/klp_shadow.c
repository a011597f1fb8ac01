/* Shadow variables from C. Each check returns 0 or the line. */
#include <linux/kernel.h>
#include <linux/livepatch.h>
#include <linux/module.h>

#define CHECK(condition) do { if (!(condition)) return __LINE__; } while (0)

#define ID 0x70c51
#define OTHER_ID 0x70c52

int check_shadow(void);

static int constructed, destroyed;
static unsigned long last_destroyed;

static int construct(void *obj, void *shadow_data, void *ctor_data)
{
	unsigned long *data = shadow_data;

	constructed++;
	if (data[0] || data[3] || !obj)
		return -EEXIST;
	if (!ctor_data)
		return -EINVAL;
	data[0] = *(unsigned long *)ctor_data;
	return 0;
}

static void destroy(void *obj, void *shadow_data)
{
	destroyed++;
	last_destroyed = *(unsigned long *)shadow_data;
}

int check_shadow(void)
{
	int objects[3];
	unsigned long value = 7, *data, *same;
	int n;

	constructed = 0;
	destroyed = 0;
	CHECK(!klp_shadow_get(&objects[0], ID));
	data = klp_shadow_alloc(&objects[0], ID, 4 * sizeof(*data), GFP_KERNEL, construct, &value);
	CHECK(data && data[0] == 7 && constructed == 1);
	CHECK(klp_shadow_get(&objects[0], ID) == data);
	CHECK(!klp_shadow_get(&objects[0], OTHER_ID) && !klp_shadow_get(&objects[1], ID));
	/* It is there already: no constructor, and the value stays. */
	value = 8;
	CHECK(!klp_shadow_alloc(&objects[0], ID, 4 * sizeof(*data), GFP_KERNEL, construct, &value));
	same = klp_shadow_get_or_alloc(&objects[0], ID, 4 * sizeof(*data), GFP_KERNEL, construct, &value);
	CHECK(same == data && data[0] == 7 && constructed == 1);
	/* A constructor that refuses. */
	CHECK(!klp_shadow_alloc(&objects[1], ID, 4 * sizeof(*data), GFP_KERNEL, construct, NULL));
	CHECK(!klp_shadow_get_or_alloc(&objects[1], ID, 4 * sizeof(*data), GFP_KERNEL, construct, NULL));
	CHECK(!klp_shadow_get(&objects[1], ID) && constructed == 3);
	/* More than there is memory. */
	CHECK(!klp_shadow_alloc(&objects[1], ID, 1UL << 40, GFP_KERNEL, NULL, NULL));
	/* Without a constructor it is zeros. */
	data = klp_shadow_alloc(&objects[0], OTHER_ID, 1, GFP_NOWAIT, NULL, NULL);
	CHECK(data && !*(char *)data);
	klp_shadow_free(&objects[1], ID, destroy);
	CHECK(!destroyed);
	klp_shadow_free(&objects[0], ID, destroy);
	CHECK(destroyed == 1 && last_destroyed == 7 && !klp_shadow_get(&objects[0], ID));
	CHECK(klp_shadow_get(&objects[0], OTHER_ID) == data);
	/* Of all objects, and of this number only. */
	for (n = 0; n < 3; n++)
		CHECK(klp_shadow_get_or_alloc(&objects[n], ID, 4 * sizeof(*data), GFP_KERNEL, construct, &value));
	klp_shadow_free_all(ID, destroy);
	CHECK(destroyed == 4 && last_destroyed == 8);
	for (n = 0; n < 3; n++)
		CHECK(!klp_shadow_get(&objects[n], ID));
	CHECK(klp_shadow_get(&objects[0], OTHER_ID) == data);
	klp_shadow_free(&objects[0], OTHER_ID, NULL);
	CHECK(!klp_shadow_get(&objects[0], OTHER_ID));
	return 0;
}

static int __init shadow_init(void)
{
	return 0;
}

static void __exit shadow_exit(void)
{
}

module_init(shadow_init);
module_exit(shadow_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
