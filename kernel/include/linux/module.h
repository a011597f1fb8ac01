/* What makes a C file a module. KBUILD_MODNAME and TOCSIN_BUILD_ID come from `cargo xtask module`. */
#ifndef _LINUX_MODULE_H
#define _LINUX_MODULE_H

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/types.h>

#ifndef KBUILD_MODNAME
#error "build modules with `cargo xtask module FILE`: KBUILD_MODNAME is not defined"
#endif
#ifndef TOCSIN_BUILD_ID
#error "build modules with `cargo xtask module FILE`: TOCSIN_BUILD_ID is not defined"
#endif

/* One string of .modinfo; the loader reads them as bytes, so there must be no gaps. */
#define __MODULE_INFO_NAME(line) __modinfo_##line
#define __MODULE_INFO(line, text)                    \
	static const char __MODULE_INFO_NAME(line)[] \
		__used __section(".modinfo") __attribute__((aligned(1))) = text
#define MODULE_INFO(key, value) __MODULE_INFO_AT(__COUNTER__, #key "=" value)
#define __MODULE_INFO_AT(line, text) __MODULE_INFO(line, text)

#define MODULE_LICENSE(text) MODULE_INFO(license, text)
#define MODULE_AUTHOR(text) MODULE_INFO(author, text)
#define MODULE_DESCRIPTION(text) MODULE_INFO(description, text)
#define MODULE_VERSION(text) MODULE_INFO(version, text)
#define MODULE_ALIAS(text) MODULE_INFO(alias, text)

/* Global symbols are there for all other modules. */
#define EXPORT_SYMBOL(symbol) extern __typeof__(symbol) symbol
#define EXPORT_SYMBOL_GPL(symbol) extern __typeof__(symbol) symbol

/* What a module is called, for those who are handed it. */
struct module {
	const char *name;
};

static struct module __this_module __maybe_unused = { .name = KBUILD_MODNAME };
#define THIS_MODULE (&__this_module)

__MODULE_INFO_AT(__COUNTER__, "name=" KBUILD_MODNAME);
__MODULE_INFO_AT(__COUNTER__, "build_id=" TOCSIN_BUILD_ID);

#endif
