/* Live patches: the public part of the interface that Linux 6.1 has. The other side is kernel/src/module/c/livepatch.rs. */
#ifndef _LINUX_LIVEPATCH_H
#define _LINUX_LIVEPATCH_H

#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/types.h>
#include <linux/workqueue.h>

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
	/* Set by the kernel for the callbacks: the module, or NULL for the kernel. */
	struct module *mod;
};

/* A system state that a patch changes; lists of them end with an empty one. */
struct klp_state {
	unsigned long id;
	/* A patch must know every state of those that are there, at least in their version. */
	unsigned int version;
	/* The callbacks' own. */
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

/* The patch's own state of this id, or NULL. */
struct klp_state *klp_get_state(struct klp_patch *patch, unsigned long id);
/* For callbacks: the state of this id of the youngest patch below the one that comes or goes, or NULL. */
struct klp_state *klp_get_prev_state(unsigned long id);

/*
 * Shadow variables: data of a patch that belongs to somebody else's object, found by the object's address and a number.
 * The other side is kernel/src/module/c/shadow.rs.
 */

/* Fills the data of a new one; with anything but 0 there is none. */
typedef int (*klp_shadow_ctor_t)(void *obj, void *shadow_data, void *ctor_data);
/* Called before one goes. */
typedef void (*klp_shadow_dtor_t)(void *obj, void *shadow_data);

void *klp_shadow_get(void *obj, unsigned long id);
/* NULL, and a warning in the log, if it is there already. */
void *klp_shadow_alloc(void *obj, unsigned long id, size_t size, gfp_t gfp_flags, klp_shadow_ctor_t ctor,
		       void *ctor_data);
void *klp_shadow_get_or_alloc(void *obj, unsigned long id, size_t size, gfp_t gfp_flags, klp_shadow_ctor_t ctor,
			      void *ctor_data);
void klp_shadow_free(void *obj, unsigned long id, klp_shadow_dtor_t dtor);
/* Of all objects. */
void klp_shadow_free_all(unsigned long id, klp_shadow_dtor_t dtor);

/*
 * Tocsin's own: behind a declaration of something in an object that may come later, local symbols included; `position` is 0,
 * or which one it is of those with the name. `cargo xtask module` gives the symbol the name .klp.sym.OBJECT.NAME,POSITION.
 * It is there as long as the object is; only calls and addresses in data can refer to it.
 */
#define KLP_SYMBOL(object, name, position) __asm__("klp.sym." #object "." #name "." #position)

/*
 * Tocsin's own: the function as it was, for a replacement that wants to call it; NULL when it is not patched or there is
 * none. `object` is NULL for the kernel. Linux has nothing like it: its old_func leads back to the replacement.
 */
void *klp_original(const char *object, const char *function);

#endif
