/* A live patch of callbacks and one system state alone, in the version VERSION; what its callbacks saw is there to be read. */
#include <linux/kernel.h>
#include <linux/livepatch.h>
#include <linux/module.h>

#define STATE 0x57a7e

/* pre_patch, post_patch, pre_unpatch, post_unpatch */
enum { CALLBACKS = 4 };

/* How often each was called for the kernel, and the version of the state below it then, or 0. */
unsigned int calls[CALLBACKS], below[CALLBACKS];
/* 1 + the state of the module klp_target when each was called for it; 99 when it was not that module. */
unsigned int target[CALLBACKS];

static struct klp_patch patch;

static void note(struct klp_object *object, int which)
{
	struct klp_state *own = klp_get_state(&patch, STATE), *previous = klp_get_prev_state(STATE);

	if (object->mod) {
		target[which] = strcmp(object->mod->name, "klp_target") ? 99 : 1 + object->mod->state;
		return;
	}
	calls[which]++;
	below[which] = previous ? previous->version : 0;
	/* What the first one has left there goes from patch to patch. */
	own->data = previous ? previous->data : &patch;
}

static int pre_patch(struct klp_object *object)
{
	note(object, 0);
	return 0;
}

static void post_patch(struct klp_object *object)
{
	note(object, 1);
}

static void pre_unpatch(struct klp_object *object)
{
	note(object, 2);
}

static void post_unpatch(struct klp_object *object)
{
	note(object, 3);
}

static struct klp_func no_funcs[] = { {} };

#define CALLBACKS_OF_ALL \
	{ .pre_patch = pre_patch, .post_patch = post_patch, .pre_unpatch = pre_unpatch, .post_unpatch = post_unpatch }

static struct klp_object objs[] = {
	{ .funcs = no_funcs, .callbacks = CALLBACKS_OF_ALL },
	{ .name = "klp_target", .funcs = no_funcs, .callbacks = CALLBACKS_OF_ALL },
	{}
};

static struct klp_state states[] = {
	{ .id = STATE, .version = VERSION },
	{}
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
	.states = states,
	.replace = true,
};

static int __init state_init(void)
{
	return klp_get_prev_state(STATE) ? -EBUSY : klp_enable_patch(&patch);
}

static void __exit state_exit(void)
{
}

module_init(state_init);
module_exit(state_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
MODULE_INFO(livepatch, "Y");
