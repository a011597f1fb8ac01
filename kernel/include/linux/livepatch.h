/* Live patches: the public part of the interface that Linux 6.1 has. The other side is kernel/src/module/c/livepatch.rs. */
#ifndef _LINUX_LIVEPATCH_H
#define _LINUX_LIVEPATCH_H

#include <linux/module.h>
#include <linux/types.h>

/* A function and its replacement; lists of them end with an empty one. */
struct klp_func {
	/* The function's name, in the object. */
	const char *old_name;
	/* What is called in its place; it has the same type. */
	void *new_func;
	/* Which one, counted from 1, where several have the name; 0 where the name is unique. */
	unsigned long old_sympos;
};

struct klp_object;

/* Called around patching and unpatching an object. */
struct klp_callbacks {
	int (*pre_patch)(struct klp_object *object);
	void (*post_patch)(struct klp_object *object);
	void (*pre_unpatch)(struct klp_object *object);
	void (*post_unpatch)(struct klp_object *object);
};

/* The functions of one object: a module, or with no name the kernel. Lists of them end with an empty one. */
struct klp_object {
	const char *name;
	struct klp_func *funcs;
	struct klp_callbacks callbacks;
};

/* A system state that a patch changes. */
struct klp_state {
	unsigned long id;
	unsigned int version;
	void *data;
};

/* A live patch. */
struct klp_patch {
	struct module *mod;
	struct klp_object *objs;
	struct klp_state *states;
	bool replace;
};

int klp_enable_patch(struct klp_patch *patch);

/*
 * Tocsin's own: the function as it was, for a replacement that wants to call it; NULL when it is not patched or there is
 * none. `object` is NULL for the kernel. Linux has nothing like it: its old_func leads back to the replacement.
 */
void *klp_original(const char *object, const char *function);

#endif
