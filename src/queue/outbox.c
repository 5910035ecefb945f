/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/outbox.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"

enum { BUCKETS = 16384 };

/* The jobs of a sender to a destination, and its turn among the others. */
struct outbox_sender {
	struct list_node in_bucket;
	struct list_node turn; /* linked while it has ready jobs */
	struct outbox_destination *destination;
	struct list ready;
	uint64_t jobs; /* in any state */
	struct str name;
};

struct outbox_destination {
	struct list_node in_bucket;
	struct list_node turn; /* linked while it has ready jobs */
	struct list senders;   /* with ready jobs, by turns */
	uint64_t jobs;	       /* in any state */
	unsigned connections;
	unsigned allowed;
	int64_t rest_until_s;
	struct outbox_failure failure; /* for which it rests */
	struct str name;
};

struct outbox {
	struct outbox_limits limits;
	struct hash_key hash_key;
	struct list destinations[BUCKETS];
	struct list senders[BUCKETS];
	struct list entries[BUCKETS]; /* jobs, by the number of their entry */
	struct list turns; /* destinations with ready jobs */
	struct outbox_job **heap; /* waiting, the earliest first */
	size_t heap_count;
	size_t heap_capacity;
	struct list taken; /* jobs */
	struct list idle;  /* connections, the longest idle first */
	struct outbox_counts counts;
};

/* ---- names ---- */

static struct str name_keep(struct str name)
{
	return str_make(str_dup_c(name), name.len);
}

static void name_free(struct str name)
{
	free((char *)(uintptr_t)name.ptr);
}

static struct list *bucket_of(struct outbox *outbox, struct list *table, struct str name)
{
	char lower[256];
	size_t len = name.len < sizeof(lower) ? name.len : sizeof(lower);

	for (size_t i = 0; i < len; i++)
		lower[i] = ascii_lower(name.ptr[i]);
	return &table[hash_keyed(&outbox->hash_key, str_make(lower, len)) % BUCKETS];
}

static struct outbox_destination *destination_get(struct outbox *outbox, struct str name)
{
	struct list *bucket = bucket_of(outbox, outbox->destinations, name);

	list_each(node, following, bucket)
	{
		struct outbox_destination *found =
			list_entry(node, struct outbox_destination, in_bucket);
		if (str_equals_nocase(found->name, name))
			return found;
	}
	struct outbox_destination *made = calloc(1, sizeof(*made));
	CHECK(made != NULL);
	made->name = name_keep(name);
	made->allowed = 1;
	list_init(&made->senders);
	list_append(bucket, &made->in_bucket);
	outbox->counts.destinations++;
	return made;
}

static struct outbox_sender *sender_get(struct outbox *outbox,
					struct outbox_destination *destination, struct str name)
{
	struct list *bucket = bucket_of(outbox, outbox->senders, name);

	list_each(node, following, bucket)
	{
		struct outbox_sender *found = list_entry(node, struct outbox_sender, in_bucket);
		if (found->destination == destination && str_equals_nocase(found->name, name))
			return found;
	}
	struct outbox_sender *made = calloc(1, sizeof(*made));
	CHECK(made != NULL);
	made->name = name_keep(name);
	made->destination = destination;
	list_init(&made->ready);
	list_append(bucket, &made->in_bucket);
	return made;
}

static void destination_free(struct outbox_destination *destination)
{
	list_remove(&destination->in_bucket);
	name_free(destination->name);
	name_free(destination->failure.reason);
	free(destination);
}

/* One that rests is kept for its reason, as long as it has jobs or connections. */
static void destination_drop_unused(struct outbox *outbox, struct outbox_destination *destination)
{
	if (destination->jobs > 0 || destination->connections > 0)
		return;
	destination_free(destination);
	outbox->counts.destinations--;
}

static void job_free(struct outbox *outbox, struct outbox_job *job)
{
	struct outbox_sender *sender = job->sender;
	struct outbox_destination *destination = job->destination;

	list_remove(&job->in_entry);
	free(job);
	destination->jobs--;
	if (--sender->jobs == 0) {
		list_remove(&sender->in_bucket);
		name_free(sender->name);
		free(sender);
	}
	destination_drop_unused(outbox, destination);
}

/* ---- waiting ---- */

/* Of the same time, the older entry comes first. */
static bool is_earlier(const struct outbox_job *one, const struct outbox_job *other)
{
	return one->due_s != other->due_s ? one->due_s < other->due_s : one->entry < other->entry;
}

static void heap_put(struct outbox *outbox, size_t at, struct outbox_job *job)
{
	outbox->heap[at] = job;
	job->heap_at = (uint32_t)at + 1;
}

static void heap_rise(struct outbox *outbox, size_t at)
{
	struct outbox_job *job = outbox->heap[at];

	while (at > 0 && is_earlier(job, outbox->heap[(at - 1) / 2])) {
		heap_put(outbox, at, outbox->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_put(outbox, at, job);
}

static void heap_sink(struct outbox *outbox, size_t at)
{
	struct outbox_job *job = outbox->heap[at];

	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= outbox->heap_count)
			break;
		if (child + 1 < outbox->heap_count &&
		    is_earlier(outbox->heap[child + 1], outbox->heap[child]))
			child++;
		if (!is_earlier(outbox->heap[child], job))
			break;
		heap_put(outbox, at, outbox->heap[child]);
		at = child;
	}
	heap_put(outbox, at, job);
}

static void heap_add(struct outbox *outbox, struct outbox_job *job)
{
	if (outbox->heap_count == outbox->heap_capacity) {
		outbox->heap_capacity = outbox->heap_capacity * 2 + 64;
		outbox->heap =
			reallocarray(outbox->heap, outbox->heap_capacity, sizeof(*outbox->heap));
		CHECK(outbox->heap != NULL);
	}
	heap_put(outbox, outbox->heap_count++, job);
	heap_rise(outbox, outbox->heap_count - 1);
	outbox->counts.waiting++;
}

static void heap_remove(struct outbox *outbox, struct outbox_job *job)
{
	size_t at = job->heap_at - 1;
	struct outbox_job *last = outbox->heap[--outbox->heap_count];

	job->heap_at = 0;
	outbox->counts.waiting--;
	if (last == job)
		return;
	heap_put(outbox, at, last);
	heap_rise(outbox, at);
	heap_sink(outbox, last->heap_at - 1);
}

/* ---- ready ---- */

static void ready_add(struct outbox *outbox, struct outbox_job *job)
{
	struct outbox_sender *sender = job->sender;

	list_append(&sender->ready, &job->line);
	if (!list_node_is_linked(&sender->turn))
		list_append(&job->destination->senders, &sender->turn);
	if (!list_node_is_linked(&job->destination->turn))
		list_append(&outbox->turns, &job->destination->turn);
	outbox->counts.ready++;
}

/* Takes a job out of its sender's line, and out of the turns who has no other. */
static void ready_remove(struct outbox *outbox, struct outbox_job *job)
{
	struct outbox_sender *sender = job->sender;
	struct outbox_destination *destination = job->destination;

	list_remove(&job->line);
	outbox->counts.ready--;
	if (list_is_empty(&sender->ready) && list_node_is_linked(&sender->turn))
		list_remove(&sender->turn);
	if (list_is_empty(&destination->senders) && list_node_is_linked(&destination->turn))
		list_remove(&destination->turn);
}

/* Takes the first job of the sender whose turn it is. */
static struct outbox_job *ready_take(struct outbox *outbox, struct outbox_destination *destination)
{
	struct outbox_sender *sender =
		list_entry(destination->senders.anchor.next, struct outbox_sender, turn);
	struct outbox_job *job = list_entry(sender->ready.anchor.next, struct outbox_job, line);

	ready_remove(outbox, job);
	if (list_node_is_linked(&sender->turn)) {
		list_remove(&sender->turn);
		list_append(&destination->senders, &sender->turn);
	}
	outbox->counts.taken++;
	job->is_taken = true;
	list_append(&outbox->taken, &job->line);
	return job;
}

static void taken_forget(struct outbox *outbox, struct outbox_job *job)
{
	CHECK(job->is_taken);
	list_remove(&job->line);
	job->is_taken = false;
	outbox->counts.taken--;
}

/* ---- the whole ---- */

struct outbox *outbox_new(struct outbox_limits limits)
{
	struct outbox *outbox = calloc(1, sizeof(*outbox));

	CHECK(outbox != NULL);
	outbox->limits = limits;
	hash_key_init(&outbox->hash_key);
	list_init(&outbox->turns);
	list_init(&outbox->taken);
	list_init(&outbox->idle);
	for (size_t i = 0; i < BUCKETS; i++) {
		list_init(&outbox->destinations[i]);
		list_init(&outbox->senders[i]);
		list_init(&outbox->entries[i]);
	}
	return outbox;
}

void outbox_free(struct outbox **outbox)
{
	struct outbox *old = *outbox;
	struct list_node *node;

	*outbox = NULL;
	outbox_advance(old, INT64_MAX);
	while (!list_is_empty(&old->turns))
		(void)ready_take(old, list_entry(old->turns.anchor.next, struct outbox_destination,
						 turn));
	while ((node = list_take_first(&old->taken)) != NULL)
		job_free(old, list_entry(node, struct outbox_job, line));
	/* Those that connections still stand to. */
	for (size_t i = 0; i < BUCKETS; i++)
		while (!list_is_empty(&old->destinations[i]))
			destination_free(list_entry(old->destinations[i].anchor.next,
						    struct outbox_destination, in_bucket));
	free(old->heap);
	free(old);
}

void outbox_limits_set(struct outbox *outbox, struct outbox_limits limits)
{
	outbox->limits = limits;
}

static struct outbox_job *job_make(const uint32_t *recipients, uint32_t count)
{
	struct outbox_job *job = calloc(1, sizeof(*job) + count * sizeof(job->recipients[0]));

	CHECK(job != NULL && count > 0);
	job->recipient_count = count;
	memcpy(job->recipients, recipients, count * sizeof(job->recipients[0]));
	return job;
}

/* Numbers follow upon each other, so no hash spreads them better. */
static struct list *entry_bucket(struct outbox *outbox, uint64_t entry)
{
	return &outbox->entries[entry % BUCKETS];
}

void outbox_add(struct outbox *outbox, uint64_t entry, struct str destination, struct str sender,
		const uint32_t *recipients, uint32_t recipient_count, int64_t due_s)
{
	struct outbox_job *job = job_make(recipients, recipient_count);

	job->entry = entry;
	job->due_s = due_s;
	job->destination = destination_get(outbox, destination);
	job->sender = sender_get(outbox, job->destination, sender);
	job->destination->jobs++;
	job->sender->jobs++;
	list_append(entry_bucket(outbox, entry), &job->in_entry);
	heap_add(outbox, job);
}

int64_t outbox_advance(struct outbox *outbox, int64_t now_s)
{
	while (outbox->heap_count > 0 && outbox->heap[0]->due_s <= now_s) {
		struct outbox_job *job = outbox->heap[0];
		heap_remove(outbox, job);
		ready_add(outbox, job);
	}
	return outbox->heap_count > 0 ? outbox->heap[0]->due_s : INT64_MAX;
}

/* The last quarter of the places is for destinations that have none. */
static bool may_connect(const struct outbox *outbox, const struct outbox_destination *destination)
{
	unsigned shared = outbox->limits.connections - outbox->limits.connections / 4;

	return destination->connections == 0 ||
	       (destination->connections < destination->allowed &&
		outbox->counts.connections < shared);
}

struct outbox_job *outbox_take(struct outbox *outbox)
{
	if (outbox->counts.connections >= outbox->limits.connections)
		return NULL;
	list_each(node, following, &outbox->turns)
	{
		struct outbox_destination *destination =
			list_entry(node, struct outbox_destination, turn);
		if (!may_connect(outbox, destination))
			continue;
		destination->connections++;
		outbox->counts.connections++;
		struct outbox_job *job = ready_take(outbox, destination);
		if (list_node_is_linked(&destination->turn)) {
			list_remove(&destination->turn);
			list_append(&outbox->turns, &destination->turn);
		}
		return job;
	}
	return NULL;
}

struct outbox_job *outbox_take_next(struct outbox *outbox, struct outbox_destination *destination)
{
	return list_is_empty(&destination->senders) ? NULL : ready_take(outbox, destination);
}

/* ---- idle connections ---- */

void outbox_idle_begin(struct outbox *outbox, struct outbox_idle *idle,
		       struct outbox_destination *destination)
{
	idle->destination = destination;
	idle->job = NULL;
	list_append(&outbox->idle, &idle->node);
}

struct outbox_job *outbox_idle_end(struct outbox *outbox, struct outbox_idle *idle)
{
	struct outbox_job *job = idle->job;

	if (list_node_is_linked(&idle->node))
		list_remove(&idle->node);
	idle->job = NULL;
	return job;
}

struct outbox_idle *outbox_idle_give(struct outbox *outbox)
{
	list_each(node, following, &outbox->idle)
	{
		struct outbox_idle *idle = list_entry(node, struct outbox_idle, node);
		if (list_is_empty(&idle->destination->senders))
			continue;
		list_remove(&idle->node);
		idle->job = ready_take(outbox, idle->destination);
		return idle;
	}
	return NULL;
}

struct outbox_idle *outbox_idle_dismiss(struct outbox *outbox)
{
	if (list_is_empty(&outbox->idle))
		return NULL;
	struct outbox_idle *idle =
		list_entry(outbox->idle.anchor.next, struct outbox_idle, node);
	list_remove(&idle->node);
	return idle;
}

bool outbox_is_full(const struct outbox *outbox)
{
	if (outbox->counts.connections < outbox->limits.connections)
		return false;
	/* So many as have connections are passed over at most. */
	for (const struct list_node *node = outbox->turns.anchor.next;
	     node != &outbox->turns.anchor; node = node->next)
		if (list_entry(node, struct outbox_destination, turn)->connections == 0)
			return true;
	return false;
}

/* ---- jobs that come back ---- */

void outbox_done(struct outbox *outbox, struct outbox_job *job)
{
	taken_forget(outbox, job);
	job_free(outbox, job);
}

void outbox_again(struct outbox *outbox, struct outbox_job *job, const uint32_t *recipients,
		  uint32_t recipient_count, int64_t due_s)
{
	CHECK(recipient_count > 0 && recipient_count <= job->recipient_count);
	taken_forget(outbox, job);
	memmove(job->recipients, recipients, recipient_count * sizeof(recipients[0]));
	job->recipient_count = recipient_count;
	job->due_s = due_s;
	heap_add(outbox, job);
}

void outbox_succeeded(struct outbox *outbox, struct outbox_destination *destination)
{
	destination->rest_until_s = 0;
	if (destination->allowed < outbox->limits.destination_connections)
		destination->allowed++;
}

void outbox_failed(struct outbox *outbox, struct outbox_destination *destination,
		   const struct outbox_failure *failure, int64_t rest_until_s)
{
	struct str kept = name_keep(failure->reason);

	name_free(destination->failure.reason);
	destination->failure = (struct outbox_failure){kept, failure->is_tls};
	destination->rest_until_s = rest_until_s;
	destination->allowed = destination->allowed > 1 ? destination->allowed / 2 : 1;
}

void outbox_rests_end(struct outbox *outbox)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		list_each(node, following, &outbox->destinations[i])
		{
			list_entry(node, struct outbox_destination, in_bucket)->rest_until_s = 0;
		}
	}
}

struct outbox_failure outbox_rest(const struct outbox_destination *destination, int64_t now_s)
{
	return now_s < destination->rest_until_s ? destination->failure
						 : (struct outbox_failure){.is_tls = false};
}

void outbox_closed(struct outbox *outbox, struct outbox_destination *destination)
{
	CHECK(destination->connections > 0);
	destination->connections--;
	outbox->counts.connections--;
	destination_drop_unused(outbox, destination);
}

bool outbox_forget(struct outbox *outbox, uint64_t entry)
{
	bool is_whole = true;

	list_each(node, following, entry_bucket(outbox, entry))
	{
		struct outbox_job *job = list_entry(node, struct outbox_job, in_entry);
		if (job->entry != entry)
			continue;
		if (job->is_taken) {
			is_whole = false;
			continue;
		}
		if (job->heap_at > 0)
			heap_remove(outbox, job);
		else
			ready_remove(outbox, job);
		job_free(outbox, job);
	}
	return is_whole;
}

struct str outbox_destination_name(const struct outbox_destination *destination)
{
	return destination->name;
}

struct outbox_counts outbox_counts(const struct outbox *outbox)
{
	return outbox->counts;
}
