/* A live patch that does not say that it is one. */
#include <linux/livepatch.h>
#include <linux/module.h>

static struct klp_func funcs[] = { {} };
static struct klp_object objs[] = { { .funcs = funcs }, {} };
static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objs };

static int __init unmarked_init(void)
{
	return klp_enable_patch(&patch);
}

module_init(unmarked_init);
MODULE_LICENSE("MIT OR Apache-2.0");
