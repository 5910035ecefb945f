/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A doubly linked list whose links stand inside the members.
 */
#ifndef POSTERN_BASE_LIST_H
#define POSTERN_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"

struct list_node {
	struct list_node *previous;
	struct list_node *next;
};

/* The ring's anchor; list_init it before use. */
struct list {
	struct list_node anchor;
};

static inline void list_init(struct list *list)
{
	list->anchor.previous = list->anchor.next = &list->anchor;
}

static inline bool list_is_empty(const struct list *list)
{
	return list->anchor.next == &list->anchor;
}

/* A zeroed node is in no list; so is one that was removed. */
static inline bool list_node_is_linked(const struct list_node *node)
{
	return node->next != NULL;
}

/* Links `node` before `at`, a member or the anchor. */
static inline void list_insert(struct list_node *at, struct list_node *node)
{
	CHECK(!list_node_is_linked(node));
	node->previous = at->previous;
	node->next = at;
	at->previous->next = node;
	at->previous = node;
}

static inline void list_append(struct list *list, struct list_node *node)
{
	list_insert(&list->anchor, node);
}

static inline void list_remove(struct list_node *node)
{
	CHECK(list_node_is_linked(node));
	node->previous->next = node->next;
	node->next->previous = node->previous;
	node->previous = node->next = NULL;
}

#define list_entry(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* The first member, removed from the list, or NULL. */
static inline struct list_node *list_take_first(struct list *list)
{
	if (list_is_empty(list))
		return NULL;
	struct list_node *first = list->anchor.next;
	list_remove(first);
	return first;
}

/* Walks the list; the current member may be removed. */
#define list_each(node, following, list)                                       \
	for (struct list_node *node = (list)->anchor.next, *following = node->next;            \
	     node != &(list)->anchor; node = following, following = node->next)

#endif
