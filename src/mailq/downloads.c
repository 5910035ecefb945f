/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/downloads.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/condition.h"
#include "base/random.h"
#include "fetch/schedule.h"
#include "mailq/download.h"

enum { LOOK_MS = 1000, VISITS_MAX = 8, WORDS_MAX = 8 * 1024, TOLD_PAUSE_MS = 100 };

/* Somebody who waits for a visit. */
struct asking {
	struct list_node node;
	struct role_peer *peer;
	uint64_t id;
	char name[POP3_ACCOUNT_NAME_MAX + 1];
};

struct download_place {
	struct list_node node;
	unsigned char source[FETCHED_SOURCE_BYTES];
	struct list askings; /* who waits for the visit that runs */
	int64_t told_ms;     /* when they were told how far it is */
	bool is_running;
	bool has_row; /* of the configuration that was looked at last */
	int64_t next_s; /* 0: not by itself */
	uint32_t failures;
};

struct downloads {
	struct mailq *mailq;
	struct store *store;
	pthread_t thread;
	bool is_started;
	pthread_mutex_t lock; /* over all below */
	struct condition wake;
	bool is_stopping;
	bool is_told; /* of something to do, since the last look */
	struct list places;
	struct list askings; /* for visits that have not begun */
	unsigned running;
	uint64_t visits;
	uint64_t fetched;
};

/* ---- those who ask ---- */

static void asking_answer(struct asking *asking, enum fault fault, struct str text)
{
	role_peer_done(asking->peer, asking->id, fault, text);
	role_peer_release(&asking->peer);
	free(asking);
}

static void askings_answer(struct list *askings, enum fault fault, struct str text)
{
	struct list_node *node;

	while ((node = list_take_first(askings)) != NULL)
		asking_answer(list_entry(node, struct asking, node), fault, text);
}

/* There is something to do. Under the lock. */
static void wake(struct downloads *downloads)
{
	downloads->is_told = true;
	condition_signal(&downloads->wake);
}

/* Why a mailbox is not visited; FAULT_NONE where nothing is against it. */
static enum fault request_check(struct mailq *mailq, struct str name)
{
	struct config *config = mailq_config_get(mailq);
	enum fault fault = FAULT_UNAVAILABLE;

	if (config != NULL && mailq->downloads != NULL && !mailq_is_stopping(mailq)) {
		const struct pop3_account *account = pop3_account_find(config, name);
		fault = account == NULL	       ? FAULT_NOT_FOUND
			: !account->is_enabled ? FAULT_DENIED
					       : FAULT_NONE;
	}
	config_unref(&config);
	return fault;
}

void pop3_run_wanted(struct mailq *mailq, struct role_peer *peer, struct packet *packet)
{
	struct str name = packet->message.pop3_run_wanted.name;
	enum fault fault = request_check(mailq, name);
	struct asking *asking = calloc(1, sizeof(*asking));

	CHECK(asking != NULL);
	if (fault == FAULT_NONE && !str_copy_c(name, asking->name, sizeof(asking->name)))
		fault = FAULT_NOT_FOUND;
	if (fault != FAULT_NONE) {
		free(asking);
		role_peer_done(peer, packet->header.id, fault, STR(""));
		return;
	}
	role_peer_hold(peer);
	asking->peer = peer;
	asking->id = packet->header.id;
	pthread_mutex_lock(&mailq->downloads->lock);
	list_append(&mailq->downloads->askings, &asking->node);
	wake(mailq->downloads);
	pthread_mutex_unlock(&mailq->downloads->lock);
}

/* Moves those who ask for the account to the place; true when there are some. Under the lock. */
static bool askings_take(struct downloads *downloads, const struct pop3_account *account,
			 struct download_place *place)
{
	bool has_any = false;

	list_each(node, following, &downloads->askings)
	{
		struct asking *asking = list_entry(node, struct asking, node);
		if (!str_equals_nocase(str_from_c(asking->name), account->name))
			continue;
		list_remove(node);
		list_append(&place->askings, node);
		has_any = true;
	}
	return has_any;
}

static bool is_asked_for(const struct downloads *downloads, const struct pop3_account *account)
{
	list_each(node, following, &downloads->askings)
	{
		const struct asking *asking = list_entry(node, struct asking, node);
		if (str_equals_nocase(str_from_c(asking->name), account->name))
			return true;
	}
	return false;
}

/* Those whose row has gone, or was disabled, while they waited. Under the lock. */
static void askings_check(struct downloads *downloads, const struct config *config)
{
	list_each(node, following, &downloads->askings)
	{
		struct asking *asking = list_entry(node, struct asking, node);
		const struct pop3_account *account =
			pop3_account_find(config, str_from_c(asking->name));
		if (account != NULL && account->is_enabled)
			continue;
		list_remove(node);
		asking_answer(asking, account == NULL ? FAULT_NOT_FOUND : FAULT_DENIED, STR(""));
	}
}

/* ---- places ---- */

static void place_free(struct download_place *place)
{
	askings_answer(&place->askings, FAULT_UNAVAILABLE, STR(""));
	free(place);
}

/* What the last process knew of it. Blocks on the disk at most. */
static void place_load(struct downloads *downloads, const struct pop3_account *account,
		       struct download_place *place)
{
	struct view *view CLEANUP_VIEW = NULL;
	struct fetch_run run = {0};
	int64_t now_s = clock_real_s();

	if (account->interval_s > 0)
		place->next_s = now_s + random_below(account->jitter_s + 1);
	if (view_open(downloads->store, &view) != FAULT_NONE ||
	    !fetch_run_take(fetched_run(view, str_make(place->source, sizeof(place->source))),
			    &run))
		return;
	place->failures = run.failures;
	if (account->interval_s > 0 && run.next_s > now_s)
		place->next_s = run.next_s;
}

/* The place of a row, made if it is new. Under the lock. */
static struct download_place *place_of(struct downloads *downloads,
				       const struct pop3_account *account)
{
	unsigned char source[FETCHED_SOURCE_BYTES];

	fetch_source_make(account, source);
	list_each(node, following, &downloads->places)
	{
		struct download_place *place = list_entry(node, struct download_place, node);
		if (memcmp(place->source, source, sizeof(source)) == 0)
			return place;
	}
	struct download_place *place = calloc(1, sizeof(*place));
	CHECK(place != NULL);
	memcpy(place->source, source, sizeof(source));
	list_init(&place->askings);
	place_load(downloads, account, place);
	list_append(&downloads->places, &place->node);
	return place;
}

/* A row may have been given a shorter pause since the next visit was planned. */
static void place_hasten(const struct pop3_account *account, struct download_place *place,
			 int64_t now_s)
{
	int64_t latest = fetch_schedule_next(account, now_s, place->failures, account->jitter_s);

	if (account->interval_s == 0)
		place->next_s = 0;
	else if (place->next_s == 0 || place->next_s > latest)
		place->next_s = latest;
}

/* ---- looking ---- */

static bool may_start(const struct downloads *downloads)
{
	return downloads->running < VISITS_MAX && !downloads->is_stopping &&
	       !mailq_is_stopping(downloads->mailq);
}

static void account_look(struct downloads *downloads, struct client_contexts *contexts,
			 const struct pop3_account *account, int64_t now_s)
{
	struct download_place *place = place_of(downloads, account);

	place->has_row = true;
	place_hasten(account, place, now_s);
	bool is_due = (place->next_s != 0 && place->next_s <= now_s) ||
		      is_asked_for(downloads, account);
	if (!is_due || !account->is_enabled || place->is_running || !may_start(downloads))
		return;
	(void)askings_take(downloads, account, place);
	place->is_running = true;
	place->told_ms = 0;
	downloads->running++;
	downloads->visits++;
	download_start(downloads, place, contexts, account);
}

/* Places without a row are forgotten; the store keeps what it knows of them. Under the lock. */
static void places_forget(struct downloads *downloads)
{
	list_each(node, following, &downloads->places)
	{
		struct download_place *place = list_entry(node, struct download_place, node);
		if (place->has_row || place->is_running)
			continue;
		list_remove(node);
		place_free(place);
	}
}

static void look(struct downloads *downloads)
{
	struct client_contexts *contexts = mailq_contexts_get(downloads->mailq);

	/* Without contexts the TLS policy was never taken: nothing is visited. */
	if (contexts == NULL)
		return;
	const struct config *config = client_contexts_config(contexts);
	int64_t now_s = clock_real_s();
	pthread_mutex_lock(&downloads->lock);
	list_each(node, following, &downloads->places)
		list_entry(node, struct download_place, node)->has_row = false;
	for (size_t i = 0; i < config->pop3_account_count; i++)
		account_look(downloads, contexts, &config->pop3_accounts[i], now_s);
	places_forget(downloads);
	askings_check(downloads, config);
	pthread_mutex_unlock(&downloads->lock);
	client_contexts_unref(&contexts);
}

/* Waits until there is something to do; false at the end. */
static bool look_wait(struct downloads *downloads)
{
	pthread_mutex_lock(&downloads->lock);
	if (!downloads->is_stopping && !downloads->is_told)
		(void)condition_wait_until(&downloads->wake, &downloads->lock,
					   clock_mono_ms() + LOOK_MS);
	downloads->is_told = false;
	bool goes_on = !downloads->is_stopping;
	pthread_mutex_unlock(&downloads->lock);
	return goes_on;
}

static void *downloads_run(void *argument)
{
	struct downloads *downloads = argument;

	while (look_wait(downloads))
		look(downloads);
	return NULL;
}

struct downloads *downloads_new(struct mailq *mailq, struct store *store)
{
	struct downloads *downloads = calloc(1, sizeof(*downloads));

	CHECK(downloads != NULL && pthread_mutex_init(&downloads->lock, NULL) == 0);
	condition_init(&downloads->wake);
	downloads->mailq = mailq;
	downloads->store = store;
	list_init(&downloads->places);
	list_init(&downloads->askings);
	return downloads;
}

void downloads_start(struct downloads *downloads)
{
	CHECK(pthread_create(&downloads->thread, NULL, downloads_run, downloads) == 0);
	downloads->is_started = true;
}

void downloads_stop(struct downloads *downloads)
{
	if (!downloads->is_started)
		return;
	pthread_mutex_lock(&downloads->lock);
	downloads->is_stopping = true;
	wake(downloads);
	pthread_mutex_unlock(&downloads->lock);
	pthread_join(downloads->thread, NULL);
	downloads->is_started = false;
}

void downloads_free(struct downloads **downloads)
{
	struct downloads *old = *downloads;
	struct list_node *node;

	*downloads = NULL;
	while ((node = list_take_first(&old->places)) != NULL)
		place_free(list_entry(node, struct download_place, node));
	askings_answer(&old->askings, FAULT_UNAVAILABLE, STR(""));
	condition_done(&old->wake);
	pthread_mutex_destroy(&old->lock);
	free(old);
}

void downloads_status(struct downloads *downloads, struct buf *json)
{
	pthread_mutex_lock(&downloads->lock);
	buf_printf(json, ",\"downloads\":{\"running\":%u,\"visits\":%llu,\"fetched\":%llu}",
		   downloads->running, (unsigned long long)downloads->visits,
		   (unsigned long long)downloads->fetched);
	pthread_mutex_unlock(&downloads->lock);
}

/* ---- for visits ---- */

struct mailq *downloads_mailq(const struct downloads *downloads)
{
	return downloads->mailq;
}

struct store *downloads_store(const struct downloads *downloads)
{
	return downloads->store;
}

void downloads_plan(struct downloads *downloads, struct download_place *place,
		    const struct pop3_account *account, bool is_failed, struct fetch_run *run)
{
	pthread_mutex_lock(&downloads->lock);
	place->failures = is_failed ? place->failures + 1 : 0;
	run->ended_s = clock_real_s();
	run->failures = place->failures;
	run->next_s = fetch_schedule_next(account, run->ended_s, place->failures,
					  random_below(UINT32_MAX));
	place->next_s = run->next_s;
	pthread_mutex_unlock(&downloads->lock);
}

static void words_append(struct buf *to, const struct fetch_run *run)
{
	if (run->failures > 0) {
		buf_append_str(to, run->why);
		return;
	}
	buf_printf(to, "fetched %llu, deleted there %llu, left there %llu",
		   (unsigned long long)run->fetched, (unsigned long long)run->deleted,
		   (unsigned long long)run->left);
	if (!str_is_empty(run->why))
		buf_printf(to, "; %.*s", STR_ARG(run->why));
	buf_append_c(to, "; TLS: ");
	buf_append_str(to, str_is_empty(run->tls) ? STR("none") : run->tls);
}

void downloads_told(struct downloads *downloads, struct download_place *place,
		    const struct msg_step_told *told)
{
	int64_t now_ms = clock_mono_ms();

	pthread_mutex_lock(&downloads->lock);
	bool is_due = now_ms - place->told_ms >= TOLD_PAUSE_MS;
	list_each(node, following, &place->askings)
	{
		struct asking *asking = list_entry(node, struct asking, node);
		if (is_due)
			role_peer_answer(asking->peer, MSG_step_told, asking->id, told);
	}
	if (is_due)
		place->told_ms = now_ms;
	pthread_mutex_unlock(&downloads->lock);
}

void downloads_ended(struct downloads *downloads, struct download_place *place,
		     const struct fetch_run *run)
{
	struct buf words = BUF_INIT(WORDS_MAX);

	words_append(&words, run);
	pthread_mutex_lock(&downloads->lock);
	askings_answer(&place->askings, run->failures > 0 ? FAULT_UNAVAILABLE : FAULT_NONE,
		       buf_str(&words));
	place->is_running = false;
	downloads->running--;
	downloads->fetched += run->fetched;
	wake(downloads);
	pthread_mutex_unlock(&downloads->lock);
	buf_done(&words);
}
