/* An intrusive doubly linked list.  The list does not own its entries. */
#ifndef PG2UNE_BASE_LIST_H
#define PG2UNE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct pgt_list {
	struct pgt_list *next, *prev;
};

#define PGT_CONTAINER(ptr, type, member)                                                 \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define PGT_LIST_FOREACH(it, head)                                                       \
	for ((it) = (head)->next; (it) != (head); (it) = (it)->next)

static inline void
pgt_list_init(struct pgt_list *head)
{
	head->next = head->prev = head;
}

static inline bool
pgt_list_empty(const struct pgt_list *head)
{
	return head->next == head;
}

static inline void
pgt_list_append(struct pgt_list *head, struct pgt_list *entry)
{
	entry->prev = head->prev;
	entry->next = head;
	head->prev->next = entry;
	head->prev = entry;
}

static inline void
pgt_list_remove(struct pgt_list *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	pgt_list_init(entry);
}

#endif
