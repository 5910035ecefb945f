/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/owed.h"

#include <stdlib.h>

struct owed_entry {
	struct list_node node;
	uint64_t number;
};

void owed_init(struct owed *owed)
{
	*owed = (struct owed){.not_before_ms = 0};
	list_init(&owed->entries);
}

void owed_done(struct owed *owed)
{
	struct list_node *node;

	while ((node = list_take_first(&owed->entries)) != NULL)
		free(list_entry(node, struct owed_entry, node));
}

void owed_add(struct owed *owed, uint64_t entry)
{
	struct owed_entry *made = calloc(1, sizeof(*made));

	CHECK(made != NULL);
	made->number = entry;
	list_append(&owed->entries, &made->node);
}

void owed_again(struct owed *owed, uint64_t entry)
{
	owed->not_before_ms = 0;
	list_each(node, following, &owed->entries)
	{
		if (list_entry(node, struct owed_entry, node)->number == entry)
			return;
	}
	owed_add(owed, entry);
}

void owed_take(struct owed *owed, int64_t now_ms, bool (*pay)(void *context, uint64_t entry),
	       void *context)
{
	struct list_node *node;

	if (now_ms < owed->not_before_ms)
		return;
	while ((node = list_take_first(&owed->entries)) != NULL) {
		struct owed_entry *entry = list_entry(node, struct owed_entry, node);
		if (!pay(context, entry->number)) {
			/* It may be the only one of them that fails. */
			list_append(&owed->entries, node);
			owed->not_before_ms = now_ms + OWED_REST_MS;
			return;
		}
		free(entry);
	}
}
