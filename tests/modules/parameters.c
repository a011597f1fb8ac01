/* A parameter of every kind. */
#include <linux/module.h>

static unsigned char a_byte = 1;
static short a_short = -2;
static unsigned short a_ushort = 3;
static int an_int = -4;
static unsigned int a_uint = 5;
static unsigned int a_hexint = 6;
static long a_long = -7;
static unsigned long a_ulong = 8;
static unsigned long long a_ullong = 9;
static bool a_bool;
static bool inverted;
static char *a_charp = "as built";
static char *nothing;
static int an_array[4] = { 1, 2, 3, 4 };
static unsigned int array_count;
static char *texts[2];
static char string[8] = "seven..";
static int hidden = 10;

module_param(a_byte, byte, 0444);
module_param(a_short, short, 0444);
module_param(a_ushort, ushort, 0444);
module_param(an_int, int, 0644);
module_param(a_uint, uint, 0444);
module_param(a_hexint, hexint, 0444);
module_param(a_long, long, 0444);
module_param(a_ulong, ulong, 0444);
module_param(a_ullong, ullong, 0444);
module_param(a_bool, bool, S_IRUGO | S_IWUSR);
module_param(inverted, invbool, 0444);
module_param(a_charp, charp, 0644);
module_param(nothing, charp, 0444);
module_param_array(an_array, int, &array_count, 0644);
module_param_array(texts, charp, NULL, 0644);
module_param_string(string, string, sizeof(string), 0644);
module_param_named(other_name, hidden, int, 0);
MODULE_PARM_DESC(an_int, "an integer");

/* Whether C sees in its variables what it has to see for `an_int`, the array, and the strings. */
int parameters_are(int integer, unsigned int count, int last, const char *text);

int parameters_are(int integer, unsigned int count, int last, const char *text)
{
	const char *found = READ_ONCE(a_charp);

	while (*found && *found == *text) {
		found++;
		text++;
	}
	return READ_ONCE(an_int) == integer && READ_ONCE(array_count) == count &&
	       (!count || READ_ONCE(an_array[count - 1]) == last) && *found == *text;
}

static int __init parameters_init(void)
{
	return 0;
}

static void __exit parameters_exit(void)
{
}

module_init(parameters_init);
module_exit(parameters_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
