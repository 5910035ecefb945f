/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/sender.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/condition.h"
#include "base/cursor.h"
#include "mailq/delivery.h"
#include "mailq/here.h"
#include "mailq/signing.h"
#include "mailq/way.h"
#include "queue/owed.h"
#include "store/feed.h"
#include "store/queue.h"

enum {
	/* The lease is the machine's: a new process of it goes on where the last one ended. */
	NODE = 1,
	LEASE_S = 60,
	LEASE_RENEW_S = 20,
	LOOK_MS = 1000,
	/* A destination that could not be reached is left alone for so long at most. */
	REST_S = 60,
	BATCH = 1000, /* entries that are read in one view */
};

/* An order to look at an entry anew. */
struct order {
	struct list_node node;
	uint64_t entry;
};

struct sender {
	struct mailq *mailq;
	struct store *store;
	struct feed *feed;
	pthread_t thread;
	pthread_t feed_thread;
	bool is_started;
	pthread_mutex_t lock; /* over all below */
	struct condition wake;
	bool is_stopping;
	bool is_told; /* of something to do, since the last look */
	struct outbox *outbox;
	int64_t rest_s; /* of a destination that could not be reached */
	struct list orders;
	struct sender_lease lease;
	bool has_lease;
	int64_t lease_renewed_s;
	uint64_t last_entry; /* the highest that was read */
	struct client_contexts *contexts; /* of the last look; the thread's alone */
	struct owed here;    /* here.h; of the thread alone, not under the lock */
};

/* ---- entries into the outbox ---- */

/* Recipients of an entry that go the same way. */
struct way {
	char name[WAY_NAME_MAX];
	uint32_t recipients[QUEUE_RECIPIENTS_MAX];
	uint32_t count;
	int64_t due_s; /* the earliest */
};

static void way_flush(struct sender *sender, const struct queue_entry *entry, struct way *way)
{
	struct str who = str_is_empty(entry->envelope.user) ? entry->envelope.sender
							    : entry->envelope.user;

	if (way->count > 0)
		outbox_add(sender->outbox, entry->number, str_from_c(way->name), who,
			   way->recipients, way->count, way->due_s);
	way->count = 0;
}

static void way_add(struct sender *sender, const struct queue_entry *entry, struct way *way,
		    const struct queue_recipient *recipient, const struct config *config)
{
	char name[WAY_NAME_MAX];

	if (recipient->is_held || recipient->is_delivered ||
	    !way_name(config, entry->envelope.sender, recipient->address, name))
		return;
	if (way->count > 0 && (way->count >= config->queue.message_recipients || strcasecmp(way->name, name) != 0 ||
			       way->due_s != recipient->next_s))
		way_flush(sender, entry, way);
	if (way->count == 0) {
		memcpy(way->name, name, sizeof(name));
		way->due_s = recipient->next_s;
	}
	way->recipients[way->count++] = recipient->number;
}

/* Puts an entry into the outbox; true when some of its recipients are delivered already. */
static bool entry_add(struct sender *sender, struct view *view, const struct queue_entry *entry,
		      const struct config *config)
{
	struct queue_recipient recipient;
	struct way *way = calloc(1, sizeof(*way));
	bool has_delivered = false;

	CHECK(way != NULL);
	for (uint32_t from = 0; queue_recipient_next(view, entry->number, from, &recipient);
	     from = recipient.number + 1) {
		has_delivered |= recipient.is_delivered;
		way_add(sender, entry, way, &recipient, config);
	}
	way_flush(sender, entry, way);
	free(way);
	return has_delivered;
}

/* Reads entries that are new; false when there may be more. */
static bool entries_read(struct sender *sender, const struct config *config)
{
	struct view *view CLEANUP_VIEW = NULL;
	struct queue_entry entry;
	size_t count = 0;

	if (view_open(sender->store, &view) != FAULT_NONE)
		return true;
	pthread_mutex_lock(&sender->lock);
	while (count < BATCH && queue_next(view, sender->last_entry, &entry)) {
		sender->last_entry = entry.number;
		if (entry_add(sender, view, &entry, config))
			owed_add(&sender->here, entry.number);
		count++;
	}
	pthread_mutex_unlock(&sender->lock);
	return count < BATCH;
}


/* ---- orders ---- */

/* There is something to do. Under the lock. */
static void wake(struct sender *sender)
{
	sender->is_told = true;
	condition_signal(&sender->wake);
}

void sender_ordered(struct sender *sender, uint64_t entry)
{
	struct order *order = calloc(1, sizeof(*order));

	CHECK(order != NULL);
	order->entry = entry;
	pthread_mutex_lock(&sender->lock);
	list_append(&sender->orders, &order->node);
	wake(sender);
	pthread_mutex_unlock(&sender->lock);
}

void queue_ordered(struct mailq *mailq, struct role_peer *peer, struct packet *packet)
{
	struct cursor from = cursor_make(packet->message.queue_ordered.entries);

	while (mailq->sender != NULL && cursor_left(&from) >= sizeof(uint64_t))
		sender_ordered(mailq->sender, cursor_u64(&from));
	role_peer_done(peer, packet->header.id, FAULT_NONE, STR(""));
}

/*
 * Looks at an entry anew; false while one of its jobs is taken, or the store cannot be
 * read. Under the lock.
 */
static bool order_carry_out(struct sender *sender, uint64_t number, const struct config *config)
{
	struct view *view CLEANUP_VIEW = NULL;
	struct queue_entry entry;

	if (view_open(sender->store, &view) != FAULT_NONE ||
	    !outbox_forget(sender->outbox, number))
		return false;
	if (queue_get(view, number, &entry) == FAULT_NONE &&
	    entry_add(sender, view, &entry, config))
		owed_again(&sender->here, number);
	return true;
}

static void orders_take(struct sender *sender, const struct config *config)
{
	pthread_mutex_lock(&sender->lock);
	/* Who orders does not want to hear of an attempt before his order. */
	if (!list_is_empty(&sender->orders))
		outbox_rests_end(sender->outbox);
	list_each(node, following, &sender->orders)
	{
		struct order *order = list_entry(node, struct order, node);
		/* What was not read yet is read as it is. */
		if (order->entry > sender->last_entry ||
		    order_carry_out(sender, order->entry, config)) {
			list_remove(node);
			free(order);
		}
	}
	pthread_mutex_unlock(&sender->lock);
}

/* ---- the lease ---- */

static bool lease_hold(struct sender *sender)
{
	int64_t now_s = clock_real_s();
	uint64_t epoch;

	if (sender->has_lease && now_s - sender->lease_renewed_s < LEASE_RENEW_S &&
	    now_s >= sender->lease_renewed_s)
		return true;
	enum fault fault =
		queue_lease_take(sender->store, sender->lease.owner, LEASE_S, &epoch);
	if (fault == FAULT_NONE) {
		pthread_mutex_lock(&sender->lock);
		sender->lease.epoch = epoch;
		pthread_mutex_unlock(&sender->lock);
		sender->lease_renewed_s = now_s;
	}
	/* Without the store nothing is settled anyway; the lease is good until its end. */
	sender->has_lease = fault == FAULT_NONE ||
			    (sender->has_lease && now_s - sender->lease_renewed_s < LEASE_S);
	return sender->has_lease;
}

/* ---- the threads ---- */

/* Nothing new goes out at the end of the process: only what is on its way. Under the lock. */
static bool may_take(const struct sender *sender)
{
	return !sender->is_stopping && !mailq_is_stopping(sender->mailq);
}

/* False when there was none. Under the lock. */
static bool idle_tell(struct outbox_idle *idle)
{
	if (idle != NULL)
		task_wake(list_entry(idle, struct sender_idle, outbox)->task);
	return idle != NULL;
}

/* Lets the connections go that have nothing to send. Under the lock. */
static void idle_dismiss(struct sender *sender)
{
	while (idle_tell(outbox_idle_dismiss(sender->outbox)))
		;
}

static void deliveries_start(struct sender *sender)
{
	struct outbox_job *job;

	pthread_mutex_lock(&sender->lock);
	outbox_advance(sender->outbox, clock_real_s());
	while (may_take(sender) && idle_tell(outbox_idle_give(sender->outbox)))
		;
	while (may_take(sender) && (job = outbox_take(sender->outbox)) != NULL)
		delivery_start(sender, job);
	/* The place of one is given to another destination; its end leads here again. */
	if (outbox_is_full(sender->outbox))
		(void)idle_tell(outbox_idle_dismiss(sender->outbox));
	if (!may_take(sender))
		idle_dismiss(sender);
	pthread_mutex_unlock(&sender->lock);
}

/* Of a long queue the first go out while the others are still being read. */
static void entries_take(struct sender *sender, const struct config *config)
{
	while (!entries_read(sender, config))
		deliveries_start(sender);
}

static void limits_take(struct sender *sender, const struct config_queue *queue)
{
	pthread_mutex_lock(&sender->lock);
	sender->rest_s = queue->first_retry_s < REST_S ? queue->first_retry_s : REST_S;
	outbox_limits_set(sender->outbox, (struct outbox_limits){
						  .connections = queue->connections,
						  .destination_connections =
							  queue->destination_connections});
	pthread_mutex_unlock(&sender->lock);
}

/* With another configuration it is another question whether a destination can be reached. */
static void contexts_look(struct sender *sender, struct client_contexts *contexts)
{
	if (sender->contexts == contexts)
		return;
	client_contexts_unref(&sender->contexts);
	sender->contexts = client_contexts_ref(contexts);
	pthread_mutex_lock(&sender->lock);
	outbox_rests_end(sender->outbox);
	/* Nothing more goes over a connection that was made under the former one. */
	idle_dismiss(sender);
	pthread_mutex_unlock(&sender->lock);
}

static void look(struct sender *sender)
{
	struct config *config = mailq_config_get(sender->mailq);
	struct client_contexts *contexts = mailq_contexts_get(sender->mailq);
	struct dkim_table *dkim = signings_table_get(sender->mailq->signings);

	/*
	 * Without contexts the TLS policy was never taken, and without the table nobody knows
	 * what is to be signed: nothing goes out.
	 */
	if (config != NULL && contexts != NULL && dkim != NULL && lease_hold(sender)) {
		contexts_look(sender, contexts);
		limits_take(sender, &config->queue);
		entries_take(sender, config);
		orders_take(sender, config);
		deliveries_start(sender);
		owed_take(&sender->here, clock_mono_ms(), here_settle, sender);
	}
	dkim_table_unref(&dkim);
	client_contexts_unref(&contexts);
	config_unref(&config);
}

/* Waits until there is something to do; false at the end. */
static bool look_wait(struct sender *sender)
{
	pthread_mutex_lock(&sender->lock);
	/* An order that has to wait for a job does so here as well. */
	if (!sender->is_stopping && !sender->is_told)
		(void)condition_wait_until(&sender->wake, &sender->lock, clock_mono_ms() + LOOK_MS);
	sender->is_told = false;
	bool goes_on = !sender->is_stopping;
	pthread_mutex_unlock(&sender->lock);
	return goes_on;
}

static void jobs_count(struct sender *sender)
{
	pthread_mutex_lock(&sender->lock);
	struct outbox_counts counts = outbox_counts(sender->outbox);
	pthread_mutex_unlock(&sender->lock);
	counts_queued_set(sender->mailq->counts, counts.waiting + counts.ready + counts.taken);
}

static void *sender_run(void *argument)
{
	struct sender *sender = argument;

	while (look_wait(sender)) {
		look(sender);
		jobs_count(sender);
	}
	return NULL;
}

static void told(struct sender *sender)
{
	pthread_mutex_lock(&sender->lock);
	wake(sender);
	pthread_mutex_unlock(&sender->lock);
}

static void *feed_run(void *argument)
{
	struct sender *sender = argument;
	struct feed_notice notice;

	while (feed_next(sender->feed, &notice))
		if (notice.sequence == 0 || notice.account == ACCOUNT_QUEUE)
			told(sender);
	return NULL;
}

struct sender *sender_new(struct mailq *mailq, struct store *store)
{
	struct sender *sender = calloc(1, sizeof(*sender));

	CHECK(sender != NULL && pthread_mutex_init(&sender->lock, NULL) == 0);
	condition_init(&sender->wake);
	sender->mailq = mailq;
	sender->store = store;
	sender->feed = feed_new(store);
	sender->outbox = outbox_new((struct outbox_limits){1, 1});
	list_init(&sender->orders);
	owed_init(&sender->here);
	sender->lease.owner = NODE;
	return sender;
}

void sender_start(struct sender *sender)
{
	CHECK(pthread_create(&sender->thread, NULL, sender_run, sender) == 0);
	CHECK(pthread_create(&sender->feed_thread, NULL, feed_run, sender) == 0);
	sender->is_started = true;
}

void sender_changed(struct sender *sender)
{
	told(sender);
}

void sender_stop(struct sender *sender)
{
	if (!sender->is_started)
		return;
	pthread_mutex_lock(&sender->lock);
	sender->is_stopping = true;
	condition_signal(&sender->wake);
	pthread_mutex_unlock(&sender->lock);
	feed_stop(sender->feed);
	pthread_join(sender->thread, NULL);
	pthread_join(sender->feed_thread, NULL);
	sender->is_started = false;
}

void sender_free(struct sender **sender)
{
	struct sender *old = *sender;
	struct list_node *node;

	*sender = NULL;
	while ((node = list_take_first(&old->orders)) != NULL)
		free(list_entry(node, struct order, node));
	owed_done(&old->here);
	client_contexts_unref(&old->contexts);
	outbox_free(&old->outbox);
	feed_free(&old->feed);
	condition_done(&old->wake);
	pthread_mutex_destroy(&old->lock);
	free(old);
}

void sender_status(struct sender *sender, struct buf *json)
{
	pthread_mutex_lock(&sender->lock);
	struct outbox_counts counts = outbox_counts(sender->outbox);
	pthread_mutex_unlock(&sender->lock);
	buf_printf(json,
		   ",\"queue\":{\"waiting\":%llu,\"ready\":%llu,\"sending\":%llu,"
		   "\"connections\":%u,\"destinations\":%u}",
		   (unsigned long long)counts.waiting, (unsigned long long)counts.ready,
		   (unsigned long long)counts.taken, counts.connections, counts.destinations);
}

void sender_append_prometheus(struct sender *sender, struct buf *to)
{
	pthread_mutex_lock(&sender->lock);
	struct outbox_counts counts = outbox_counts(sender->outbox);
	pthread_mutex_unlock(&sender->lock);
	buf_printf(to,
		   "# HELP postern_queue_jobs Messages in the queue, each once for every destination.\n"
		   "# TYPE postern_queue_jobs gauge\n"
		   "postern_queue_jobs{state=\"waiting\"} %llu\n"
		   "postern_queue_jobs{state=\"ready\"} %llu\n"
		   "postern_queue_jobs{state=\"sending\"} %llu\n",
		   (unsigned long long)counts.waiting, (unsigned long long)counts.ready,
		   (unsigned long long)counts.taken);
	buf_printf(to,
		   "# TYPE postern_queue_connections gauge\npostern_queue_connections %u\n"
		   "# TYPE postern_queue_destinations gauge\npostern_queue_destinations %u\n",
		   counts.connections, counts.destinations);
}

/* ---- for deliveries ---- */

struct mailq *sender_mailq(const struct sender *sender)
{
	return sender->mailq;
}

struct store *sender_store(const struct sender *sender)
{
	return sender->store;
}

struct sender_lease sender_lease(struct sender *sender)
{
	pthread_mutex_lock(&sender->lock);
	struct sender_lease lease = sender->lease;
	pthread_mutex_unlock(&sender->lock);
	return lease;
}

struct outbox_job *sender_take_next(struct sender *sender, struct outbox_destination *destination)
{
	pthread_mutex_lock(&sender->lock);
	struct outbox_job *job =
		may_take(sender) ? outbox_take_next(sender->outbox, destination) : NULL;
	pthread_mutex_unlock(&sender->lock);
	return job;
}

struct outbox_job *sender_idle_begin(struct sender *sender, struct outbox_destination *destination,
				     struct sender_idle *idle)
{
	pthread_mutex_lock(&sender->lock);
	bool may = may_take(sender);
	struct outbox_job *job = may ? outbox_take_next(sender->outbox, destination) : NULL;
	if (job == NULL)
		outbox_idle_begin(sender->outbox, &idle->outbox, destination);
	/* It is not kept up for more than a look. */
	if (!may)
		wake(sender);
	pthread_mutex_unlock(&sender->lock);
	return job;
}

struct outbox_job *sender_idle_end(struct sender *sender, struct sender_idle *idle)
{
	pthread_mutex_lock(&sender->lock);
	struct outbox_job *job = outbox_idle_end(sender->outbox, &idle->outbox);
	pthread_mutex_unlock(&sender->lock);
	return job;
}

/* An order may have waited for this job. Under the lock. */
static void orders_wake(struct sender *sender)
{
	if (!list_is_empty(&sender->orders))
		wake(sender);
}

void sender_job_done(struct sender *sender, struct outbox_job *job)
{
	pthread_mutex_lock(&sender->lock);
	outbox_done(sender->outbox, job);
	orders_wake(sender);
	pthread_mutex_unlock(&sender->lock);
}

void sender_job_again(struct sender *sender, struct outbox_job *job, const uint32_t *recipients,
		      uint32_t count, int64_t due_s)
{
	pthread_mutex_lock(&sender->lock);
	outbox_again(sender->outbox, job, recipients, count, due_s);
	orders_wake(sender);
	pthread_mutex_unlock(&sender->lock);
}

void sender_succeeded(struct sender *sender, struct outbox_destination *destination)
{
	pthread_mutex_lock(&sender->lock);
	outbox_succeeded(sender->outbox, destination);
	/* It may have more connections now. */
	wake(sender);
	pthread_mutex_unlock(&sender->lock);
}

void sender_failed(struct sender *sender, struct outbox_destination *destination,
		   const struct outbox_failure *failure)
{
	pthread_mutex_lock(&sender->lock);
	outbox_failed(sender->outbox, destination, failure, clock_real_s() + sender->rest_s);
	pthread_mutex_unlock(&sender->lock);
}

bool sender_rest_append(struct sender *sender, const struct outbox_destination *destination,
			struct buf *to)
{
	pthread_mutex_lock(&sender->lock);
	struct outbox_failure failure = outbox_rest(destination, clock_real_s());
	buf_append_str(to, failure.reason);
	pthread_mutex_unlock(&sender->lock);
	return failure.is_tls;
}

void sender_closed(struct sender *sender, struct outbox_destination *destination)
{
	pthread_mutex_lock(&sender->lock);
	outbox_closed(sender->outbox, destination);
	wake(sender);
	pthread_mutex_unlock(&sender->lock);
}
