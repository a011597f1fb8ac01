/* What makes a C file a module. KBUILD_MODNAME and TOCSIN_BUILD_ID come from `cargo xtask module`. */
#ifndef _LINUX_MODULE_H
#define _LINUX_MODULE_H

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/stat.h>
#include <linux/types.h>

#ifndef KBUILD_MODNAME
#error "build modules with `cargo xtask module FILE`: KBUILD_MODNAME is not defined"
#endif
#ifndef TOCSIN_BUILD_ID
#error "build modules with `cargo xtask module FILE`: TOCSIN_BUILD_ID is not defined"
#endif

#define MODULE_LICENSE(text) MODULE_INFO(license, text)
#define MODULE_AUTHOR(text) MODULE_INFO(author, text)
#define MODULE_DESCRIPTION(text) MODULE_INFO(description, text)
#define MODULE_VERSION(text) MODULE_INFO(version, text)
#define MODULE_ALIAS(text) MODULE_INFO(alias, text)
#define MODULE_SOFTDEP(text) MODULE_INFO(softdep, text)

/* Global symbols are there for all other modules. */
#define EXPORT_SYMBOL(symbol) extern __typeof__(symbol) symbol
#define EXPORT_SYMBOL_GPL(symbol) extern __typeof__(symbol) symbol

#define MODULE_NAME_LEN 56

/* Where a module stands in its life. */
enum module_state {
	/* It can be used. */
	MODULE_STATE_LIVE,
	/* Its init function has not returned. */
	MODULE_STATE_COMING,
	/* Its exit function has been called. */
	MODULE_STATE_GOING,
	/* Nobody sees it yet. */
	MODULE_STATE_UNFORMED,
};

/* A module, for those who are handed it. The kernel keeps its state: kernel/src/module/c/module.rs. */
struct module {
	enum module_state state;
	char name[MODULE_NAME_LEN];
};

static struct module __this_module __used = { .state = MODULE_STATE_UNFORMED, .name = KBUILD_MODNAME };
#define THIS_MODULE (&__this_module)

__MODULE_INFO_AT(__COUNTER__, "name=" KBUILD_MODNAME);
__MODULE_INFO_AT(__COUNTER__, "build_id=" TOCSIN_BUILD_ID);

#endif
