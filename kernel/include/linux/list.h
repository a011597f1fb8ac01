/* Lists whose links are part of their elements: a ring through the elements and a head that is none. */
#ifndef _LINUX_LIST_H
#define _LINUX_LIST_H

#include <linux/container_of.h>
#include <linux/types.h>

#define LIST_HEAD_INIT(name) { &(name), &(name) }
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)

/* What a link that was taken out leads to: nothing is mapped there. */
#define LIST_POISON1 ((struct list_head *)0x100)
#define LIST_POISON2 ((struct list_head *)0x122)

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->prev = list;
	list->next = list;
}

/* Makes `link` the one between two that follow each other. */
static inline void __list_insert(struct list_head *link, struct list_head *before, struct list_head *after)
{
	link->prev = before;
	link->next = after;
	before->next = link;
	after->prev = link;
}

/* Joins two, and leaves out what is between them. */
static inline void __list_join(struct list_head *before, struct list_head *after)
{
	before->next = after;
	after->prev = before;
}

/* In front of all others. */
static inline void list_add(struct list_head *link, struct list_head *head)
{
	__list_insert(link, head, head->next);
}

/* Behind all others. */
static inline void list_add_tail(struct list_head *link, struct list_head *head)
{
	__list_insert(link, head->prev, head);
}

static inline void list_del(struct list_head *link)
{
	__list_join(link->prev, link->next);
	link->next = LIST_POISON1;
	link->prev = LIST_POISON2;
}

/* Takes it out; it can be asked, afterwards, whether it is in a list. */
static inline void list_del_init(struct list_head *link)
{
	__list_join(link->prev, link->next);
	INIT_LIST_HEAD(link);
}

static inline void list_move(struct list_head *link, struct list_head *head)
{
	__list_join(link->prev, link->next);
	list_add(link, head);
}

static inline void list_move_tail(struct list_head *link, struct list_head *head)
{
	__list_join(link->prev, link->next);
	list_add_tail(link, head);
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

static inline bool list_is_last(const struct list_head *link, const struct list_head *head)
{
	return link->next == head;
}

/* Puts all of `list` in front of `head`'s elements; `list` is empty afterwards. */
static inline void list_splice_init(struct list_head *list, struct list_head *head)
{
	struct list_head *first = list->next, *last = list->prev;

	if (first == list)
		return;
	__list_join(last, head->next);
	__list_join(head, first);
	INIT_LIST_HEAD(list);
}

/* The element that a link is the member of. */
#define list_entry(link, type, member) container_of(link, type, member)
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_last_entry(head, type, member) list_entry((head)->prev, type, member)
#define list_first_entry_or_null(head, type, member) \
	(list_empty(head) ? NULL : list_first_entry(head, type, member))
#define list_next_entry(element, member) list_entry((element)->member.next, __typeof__(*(element)), member)
#define list_prev_entry(element, member) list_entry((element)->member.prev, __typeof__(*(element)), member)

#define list_for_each(link, head) for ((link) = (head)->next; (link) != (head); (link) = (link)->next)
#define list_for_each_safe(link, following, head)                                           \
	for ((link) = (head)->next, (following) = (link)->next; (link) != (head);           \
	     (link) = (following), (following) = (link)->next)

#define list_for_each_entry(element, head, member)                                          \
	for ((element) = list_first_entry(head, __typeof__(*(element)), member);            \
	     &(element)->member != (head); (element) = list_next_entry(element, member))
#define list_for_each_entry_reverse(element, head, member)                                  \
	for ((element) = list_last_entry(head, __typeof__(*(element)), member);             \
	     &(element)->member != (head); (element) = list_prev_entry(element, member))
/* The body may take the element out. */
#define list_for_each_entry_safe(element, following, head, member)                          \
	for ((element) = list_first_entry(head, __typeof__(*(element)), member),            \
	     (following) = list_next_entry(element, member);                                \
	     &(element)->member != (head);                                                  \
	     (element) = (following), (following) = list_next_entry(following, member))

#endif
