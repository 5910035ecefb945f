/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/queue.h"

#include <stdlib.h>

struct lane {
	struct list_node node;
	struct peer_key key;
	struct list jobs; /* never empty between calls */
	size_t count;
};

void queue_init(struct queue *queue, size_t max, size_t lane_max)
{
	*queue = (struct queue){.max = max, .lane_max = lane_max};
	list_init(&queue->lanes);
}

static struct lane *lane_find(struct queue *queue, const struct peer_key *key)
{
	list_each(node, next, &queue->lanes) {
		struct lane *lane = list_entry(node, struct lane, node);
		if (memcmp(&lane->key, key, sizeof(*key)) == 0)
			return lane;
	}
	return NULL;
}

static struct lane *lane_new(struct queue *queue, const struct peer_key *key)
{
	struct lane *lane = calloc(1, sizeof(*lane));

	CHECK(lane != NULL);
	lane->key = *key;
	list_init(&lane->jobs);
	list_append(&queue->lanes, &lane->node);
	return lane;
}

static struct lane *lane_longest(struct queue *queue)
{
	struct lane *longest = NULL;

	list_each(node, next, &queue->lanes) {
		struct lane *lane = list_entry(node, struct lane, node);
		if (longest == NULL || lane->count > longest->count)
			longest = lane;
	}
	return longest;
}

/* Takes a job from whoever has more than `count` and one; NULL when nobody has. */
static struct list_node *displace(struct queue *queue, size_t count)
{
	struct lane *longest = lane_longest(queue);

	if (longest == NULL || longest->count <= count + 1)
		return NULL;
	struct list_node *last = longest->jobs.anchor.previous;
	list_remove(last);
	longest->count--;
	queue->count--;
	return last;
}

bool queue_put(struct queue *queue, const struct peer_key *key, struct list_node *job,
	       struct list_node **displaced_out)
{
	struct lane *lane = lane_find(queue, key);
	size_t count = lane == NULL ? 0 : lane->count;

	*displaced_out = NULL;
	if (count >= queue->lane_max)
		return false;
	if (queue->count >= queue->max) {
		*displaced_out = displace(queue, count);
		if (*displaced_out == NULL)
			return false;
	}
	if (lane == NULL)
		lane = lane_new(queue, key);
	list_append(&lane->jobs, job);
	lane->count++;
	queue->count++;
	return true;
}

struct list_node *queue_take(struct queue *queue)
{
	struct list_node *first = list_take_first(&queue->lanes);

	if (first == NULL)
		return NULL;
	struct lane *lane = list_entry(first, struct lane, node);
	struct list_node *job = list_take_first(&lane->jobs);
	queue->count--;
	if (--lane->count > 0)
		list_append(&queue->lanes, &lane->node);
	else
		free(lane);
	return job;
}

void queue_drop(struct queue *queue, const struct peer_key *key, struct list_node *job)
{
	struct lane *lane = lane_find(queue, key);

	CHECK(lane != NULL);
	list_remove(job);
	queue->count--;
	if (--lane->count > 0)
		return;
	list_remove(&lane->node);
	free(lane);
}
