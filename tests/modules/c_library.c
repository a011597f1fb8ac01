/* What kernel code in C calls: memory, lists, strings, printing, work, completions, mutexes. Each returns 0 or the line. */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#define CHECK(condition) do { if (!(condition)) return __LINE__; } while (0)

int check_memory(void);
int check_lists(void);
int check_strings(void);
int check_printing(void);
int check_work(void);
int check_mutex(void);
int check_time(void);
int show_all(struct seq_file *file, void *data);
int free_twice(void);

int check_memory(void)
{
	unsigned char *bytes = kmalloc(100, GFP_KERNEL), *more;
	unsigned long *zeros;
	unsigned int n;

	CHECK(bytes && ((unsigned long)bytes & 15) == 0 && ksize(bytes) >= 100);
	memset(bytes, 0xa5, 100);
	more = krealloc(bytes, 1000, GFP_KERNEL);
	CHECK(more);
	for (n = 0; n < 100; n++)
		CHECK(more[n] == 0xa5);
	kfree(more);
	/* The same memory, most likely: it must be cleared. */
	zeros = kcalloc(125, sizeof(*zeros), GFP_ATOMIC);
	CHECK(zeros);
	for (n = 0; n < 125; n++)
		CHECK(!zeros[n]);
	kfree(zeros);
	CHECK(!kmalloc_array(1UL << 40, 1UL << 40, GFP_KERNEL));
	CHECK(!kmalloc(1UL << 50, GFP_KERNEL));
	CHECK(kmalloc(0, GFP_KERNEL) == ZERO_SIZE_PTR);
	kfree(ZERO_SIZE_PTR);
	kfree(NULL);
	return 0;
}

int free_twice(void)
{
	void *memory = kmalloc(32, GFP_KERNEL);

	kfree(memory);
	kfree(memory);
	return 0;
}

struct element {
	int number;
	struct list_head link;
};

int check_lists(void)
{
	LIST_HEAD(head);
	LIST_HEAD(other);
	struct element elements[5], *element, *following;
	int n, digits = 0;

	CHECK(list_empty(&head));
	CHECK(!list_first_entry_or_null(&head, struct element, link));
	for (n = 0; n < 5; n++) {
		elements[n].number = n;
		if (n & 1)
			list_add(&elements[n].link, &head);
		else
			list_add_tail(&elements[n].link, &head);
	}
	list_for_each_entry(element, &head, link)
		digits = 10 * digits + element->number;
	CHECK(digits == 31024);
	digits = 0;
	list_for_each_entry_reverse(element, &head, link)
		digits = 10 * digits + element->number;
	CHECK(digits == 42013);
	list_for_each_entry_safe(element, following, &head, link) {
		if (element->number & 1)
			list_del(&element->link);
	}
	CHECK(elements[1].link.next == LIST_POISON1);
	CHECK(list_first_entry(&head, struct element, link) == &elements[0]);
	CHECK(list_last_entry(&head, struct element, link) == &elements[4]);
	list_move(&elements[4].link, &other);
	list_splice_init(&head, &other);
	CHECK(list_empty(&head));
	digits = 0;
	list_for_each_entry(element, &other, link)
		digits = 10 * digits + element->number;
	CHECK(digits == 24);
	list_del_init(&elements[2].link);
	CHECK(list_empty(&elements[2].link) && list_is_last(&elements[4].link, &other));
	return 0;
}

int check_strings(void)
{
	char room[8], *copy;

	CHECK(!strcmp("abc", "abc") && strcmp("abc", "abd") < 0 && strcmp("b", "abc") > 0);
	CHECK(!strncmp("abcx", "abcy", 3) && strncmp("abcx", "abcy", 4) < 0 && !strncmp("a", "a", 9));
	CHECK(strscpy(room, "seven..", sizeof(room)) == 7 && !strcmp(room, "seven.."));
	CHECK(strscpy(room, "eight...", sizeof(room)) == -E2BIG && !strcmp(room, "eight.."));
	CHECK(strchr(room, 'g') == room + 2 && !strchr(room, 'x') && strchr(room, 0) == room + 7);
	CHECK(strstr(room, "ght") == room + 2 && !strstr(room, "ghost"));
	copy = kstrdup(room, GFP_KERNEL);
	CHECK(copy && copy != room && !strcmp(copy, room));
	kfree(copy);
	return 0;
}

int check_printing(void)
{
	char room[64];
	gfp_t flags = GFP_KERNEL | __GFP_ZERO;
	unsigned char bytes[] = { 1, 0xfe, 3 };

	CHECK(snprintf(room, sizeof(room), "%d %s %c", -3, "and", 'x') == 8 && !strcmp(room, "-3 and x"));
	CHECK(snprintf(room, 4, "%d", 12345) == 5 && !strcmp(room, "123"));
	CHECK(scnprintf(room, 4, "%d", 12345) == 3 && !strcmp(room, "123"));
	CHECK(scnprintf(room, 0, "%d", 12345) == 0);
	/* More arguments than there are registers. */
	snprintf(room, sizeof(room), "%d%d%d%d%d%d%d%d%d%d", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
	CHECK(!strcmp(room, "12345678910"));
	snprintf(room, sizeof(room), "%pGg", &flags);
	CHECK(!strcmp(room, "GFP_KERNEL|__GFP_ZERO"));
	snprintf(room, sizeof(room), "%ps", check_printing);
	CHECK(!strcmp(room, "check_printing [c_library]"));
	snprintf(room, sizeof(room), "%pS", (char *)check_printing + 8);
	CHECK(strstr(room, "check_printing+0x8/0x") == room);
	snprintf(room, sizeof(room), "%ps", _printk);
	CHECK(!strcmp(room, "_printk"));
	snprintf(room, sizeof(room), "%pe %*ph", ERR_PTR(-EBUSY), 3, bytes);
	CHECK(!strcmp(room, "-EBUSY 01 fe 03"));
	snprintf(room, sizeof(room), "%px", (void *)0xc0ffee);
	CHECK(!strcmp(room, "0000000000c0ffee"));
	return 0;
}

int show_all(struct seq_file *file, void *data)
{
	seq_printf(file, "%s=%d,%d,%d,%d,%d,%d,%d\n", "numbers", 1, 2, 3, 4, 5, 6, 7);
	seq_puts(file, "a string");
	seq_putc(file, '!');
	return seq_write(file, "bytes...", 5);
}

static volatile int done;
static DECLARE_COMPLETION(begun);
static DECLARE_COMPLETION(may_end);

static void count(struct work_struct *work)
{
	done++;
}

static void wait_for_leave(struct work_struct *work)
{
	complete(&begun);
	wait_for_completion(&may_end);
	done++;
}

static void again(struct work_struct *work)
{
	done++;
	schedule_delayed_work(to_delayed_work(work), 1);
}

static DECLARE_WORK(counting, count);
static DECLARE_WORK(waiting, wait_for_leave);
static DECLARE_DELAYED_WORK(later, count);
static DECLARE_DELAYED_WORK(for_ever, again);

int check_work(void)
{
	unsigned long start;

	done = 0;
	CHECK(!flush_work(&counting));
	CHECK(schedule_work(&counting));
	flush_work(&counting);
	CHECK(done == 1);

	/* Twice at the same time: the second one waits for the first. */
	CHECK(schedule_work(&waiting));
	wait_for_completion(&begun);
	CHECK(!work_pending(&waiting) && schedule_work(&waiting) && !schedule_work(&waiting));
	msleep(2);
	CHECK(done == 1 && work_pending(&waiting) && !completion_done(&begun));
	complete(&may_end);
	wait_for_completion(&begun);
	CHECK(done == 2);
	complete_all(&may_end);
	flush_work(&waiting);	/* Whether it was still busy depends on the other CPUs. */
	CHECK(done == 3);
	reinit_completion(&may_end);

	start = jiffies;
	CHECK(schedule_delayed_work(&later, 3) && !schedule_delayed_work(&later, 3));
	CHECK(delayed_work_pending(&later));
	flush_work(&later.work);
	CHECK(done == 4 && time_after_eq(jiffies, start + 2));
	CHECK(schedule_delayed_work(&later, 10000) && cancel_delayed_work_sync(&later));
	CHECK(!cancel_delayed_work_sync(&later) && !delayed_work_pending(&later) && done == 4);
	CHECK(schedule_delayed_work(&later, 10000) && mod_delayed_work_system(&later, 1));
	flush_work(&later.work);
	CHECK(done == 5);
	CHECK(schedule_delayed_work(&later, 10000));
	flush_delayed_work(&later);
	CHECK(done == 6);

	/* One that schedules itself ends when it is told to. */
	CHECK(schedule_delayed_work(&for_ever, 1));
	while (done < 9)
		msleep(1);
	cancel_delayed_work_sync(&for_ever);
	done = 0;
	msleep(20);
	CHECK(!done && !delayed_work_pending(&for_ever));

	CHECK(!try_wait_for_completion(&may_end) && !wait_for_completion_timeout(&may_end, 1));
	complete(&may_end);
	CHECK(wait_for_completion_timeout(&may_end, 100));
	complete(&may_end);
	CHECK(try_wait_for_completion(&may_end) && !try_wait_for_completion(&may_end));
	return 0;
}

static DEFINE_MUTEX(mutex);
static int inside, most;

static void enter(struct work_struct *work)
{
	int n;

	for (n = 0; n < 5; n++) {
		mutex_lock(&mutex);
		inside++;
		if (inside > most)
			most = inside;
		msleep(1);
		inside--;
		mutex_unlock(&mutex);
		yield();
	}
	done++;
}

static DECLARE_WORK(first, enter);
static DECLARE_WORK(second, enter);

int check_mutex(void)
{
	done = 0;
	most = 0;
	CHECK(!mutex_is_locked(&mutex) && mutex_trylock(&mutex) && !mutex_trylock(&mutex));
	schedule_work(&first);
	schedule_work(&second);
	msleep(3);
	CHECK(!most && mutex_is_locked(&mutex));
	mutex_unlock(&mutex);
	flush_work(&first);
	flush_work(&second);
	CHECK(done == 2 && most == 1 && !inside);
	return 0;
}

int check_time(void)
{
	unsigned long start = jiffies;
	int leaps;

	msleep(20);
	CHECK(time_after(jiffies, start + 3) && time_before(start, jiffies));
	CHECK(msecs_to_jiffies(1000) == HZ && msecs_to_jiffies(1) == 1 && jiffies_to_msecs(HZ) == 1000);
	start = jiffies;
	mdelay(9);
	/* The time of a busy host passes in leaps, and the clock's interrupt comes after one. */
	for (leaps = 0; leaps < 1000 && jiffies == start; leaps++)
		mdelay(1);
	CHECK(jiffies - start >= 1);
	return 0;
}

static int __init library_init(void)
{
	return 0;
}

static void __exit library_exit(void)
{
}

module_init(library_init);
module_exit(library_exit);
MODULE_LICENSE("MIT OR Apache-2.0");
