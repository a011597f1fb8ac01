/*
 * What a module says about itself, and the parameters that it takes: `insmod FILE name=value`, and the files below
 * /sys/module/NAME/parameters. The other side is kernel/src/module/parameters.rs.
 */
#ifndef _LINUX_MODULEPARAM_H
#define _LINUX_MODULEPARAM_H

#include <linux/compiler.h>
#include <linux/types.h>

/* One string of .modinfo; the loader reads them as bytes, so there must be no gaps. */
#define __MODULE_INFO_NAME(line) __modinfo_##line
#define __MODULE_INFO(line, text)                    \
	static const char __MODULE_INFO_NAME(line)[] \
		__used __section(".modinfo") __attribute__((aligned(1))) = text
#define MODULE_INFO(key, value) __MODULE_INFO_AT(__COUNTER__, #key "=" value)
#define __MODULE_INFO_AT(line, text) __MODULE_INFO(line, text)

/* A parameter, as the loader finds it in section __param. The kinds are those of kernel/core/src/module/parameter.rs. */
struct kernel_param {
	const char *name;
	/* The name of the kind of each element. */
	const char *kind;
	/* The variable, or the first element of it. */
	void *value;
	/* Bytes of an element; those of the whole room for a string. */
	unsigned int size;
	/* How many elements there are; 0: one, which is no array. */
	unsigned int capacity;
	/* Where the number of elements that were given goes, or NULL. */
	unsigned int *count;
	/* The mode of its file in the tree; 0: it has none. */
	unsigned int mode;
	unsigned int reserved;
};

#define __module_param(name_, kind_, value_, size_, capacity_, count_, mode_)                  \
	static const struct kernel_param __param_##name_                                       \
		__used __section("__param") __attribute__((aligned(sizeof(void *)))) = {       \
			.name = #name_, .kind = kind_, .value = value_, .size = size_,         \
			.capacity = capacity_, .count = count_, .mode = mode_,                 \
	};                                                                                     \
	MODULE_INFO(parmtype, #name_ ":" kind_)

/* The types of variables that parameters of a kind have; the compiler compares. */
typedef unsigned char __param_type_byte;
typedef short __param_type_short;
typedef unsigned short __param_type_ushort;
typedef int __param_type_int;
typedef unsigned int __param_type_uint;
typedef unsigned int __param_type_hexint;
typedef long __param_type_long;
typedef unsigned long __param_type_ulong;
typedef unsigned long long __param_type_ullong;
typedef char *__param_type_charp;
typedef bool __param_type_bool;
typedef bool __param_type_invbool;

#define __param_check(name, variable, type)                                            \
	static inline __param_type_##type *__always_unused __check_param_##name(void)  \
	{                                                                              \
		return &(variable);                                                    \
	}

/* module_param(variable, type, mode): byte, short, ushort, int, uint, hexint, long, ulong, ullong, charp, bool, invbool. */
#define module_param(name, type, mode) module_param_named(name, name, type, mode)
/* The same, where the variable is called otherwise than the parameter. */
#define module_param_named(name, variable, type, mode)  \
	__param_check(name, variable, type)             \
	__module_param(name, #type, &(variable), sizeof(variable), 0, NULL, mode)
/* An array, given as values with commas between them; how many goes to *count, unless that is NULL. */
#define module_param_array(name, type, count, mode)     \
	__param_check(name, (name)[0], type)            \
	__module_param(name, #type, &(name)[0], sizeof((name)[0]), sizeof(name) / sizeof((name)[0]), count, mode)
/* A string that is copied to an array of so many bytes. */
#define module_param_string(name, string, length, mode) \
	__module_param(name, "string", string, length, 0, NULL, mode)
#define MODULE_PARM_DESC(name, text) MODULE_INFO(parm, #name ":" text)

#endif
