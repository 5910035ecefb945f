/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/download.h"

#include <stdlib.h>

#include "base/clock.h"
#include "deliver/route.h"
#include "deliver/source.h"
#include "fetch/session.h"
#include "mailq/download_store.h"
#include "net/dial.h"
#include "tls/failure_client.h"

enum {
	NAME_MAX_BYTES = 512,
	TARGETS_MAX = 2 * ROUTE_ADDRESSES_MAX,
	REASON_MAX = 8 * 1024,
	DEMAND_ARENA_MAX = 64 * 1024,
};

enum stage { STAGE_BEGIN, STAGE_ROUTE, STAGE_DIAL, STAGE_TALK };

struct download {
	struct task task;
	struct downloads *downloads;
	struct download_place *place;
	struct mailq *mailq;
	struct client_contexts *contexts;
	const struct pop3_account *account;
	enum stage stage;
	struct secret password;

	struct route_find *find;
	struct dial_target targets[TARGETS_MAX];
	struct source source;
	struct dial dial;
	bool without_dhe;
	struct arena demand_arena;
	struct tls_demand demand;
	bool has_session;
	struct fetch_session session;
	bool is_tls_noted;
	struct buf tls; /* what was got, for the log */

	struct download_store store;
	uint64_t wanted; /* messages that are to be fetched */
	struct fetch_run run;
	struct buf reason; /* empty: it went well */
};

/* ---- the end ---- */

static void failed(struct download *download, struct str words)
{
	if (download->reason.len == 0)
		buf_append_str(&download->reason, words);
}

static void warning_log(const struct download *download)
{
	log_printf(download->mailq->options.log, LOG_WARNING, "POP3 download %.*s: %.*s",
		   STR_ARG(download->account->name), STR_ARG(buf_str(&download->reason)));
}

/* What was got, once it stands; and the line about a floor that is only observed. */
static void tls_note(struct download *download)
{
	const struct outbound *outbound = &download->session.client.outbound;
	struct tls_facts facts = outbound_facts(outbound);

	if (!facts.is_active || download->is_tls_noted)
		return;
	download->is_tls_noted = true;
	tls_facts_append(&facts, &download->tls);
	if (facts.below_floor == TLS_RUNG_NONE)
		return;
	struct buf address = BUF_INIT(NAME_MAX_BYTES), line = BUF_INIT(LOG_LINE_MAX);

	dns_address_append(&address, dial_target(&download->dial)->address);
	tls_floor_append(&line, outbound->tls, buf_str(&address));
	log_printf(download->mailq->options.log, LOG_SECURITY, "%.*s", STR_ARG(buf_str(&line)));
	buf_done(&line);
	buf_done(&address);
}

/* What went well until something failed counts all the same. */
static void run_count(struct download *download)
{
	struct fetch_run *run = &download->run;

	run->fetched = download->store.stored;
	run->bytes = download->store.stored_bytes;
	if (!download->has_session)
		return;
	tls_note(download);
	run->tls = buf_str(&download->tls);
	const struct fetch_session *session = &download->session;
	run->deleted = session->is_farewell_kept ? session->deleted : 0;
	run->left = session->listing.count - run->deleted;
}

static enum step finish(struct download *download)
{
	bool is_failed = download->reason.len > 0;

	run_count(download);
	if (is_failed)
		warning_log(download);
	download->run.why = is_failed ? buf_str(&download->reason)
				      : buf_str(&download->store.notes);
	downloads_plan(download->downloads, download->place, download->account, is_failed,
		       &download->run);
	download_store_end(&download->store, download->has_session ? &download->session : NULL,
			   &download->run);
	return STEP_END;
}

static void download_end(struct task *task)
{
	struct download *download = list_entry(task, struct download, task);
	struct downloads *downloads = download->downloads;
	struct download_place *place = download->place;

	/* The process ends: nothing was planned. */
	if (download->run.ended_s == 0) {
		failed(download, STR("the server is stopping"));
		download->run.why = buf_str(&download->reason);
		download->run.failures = 1;
	}
	downloads_ended(downloads, place, &download->run);
	if (download->has_session)
		fetch_session_done(&download->session);
	secret_wipe(&download->password);
	dial_done(&download->dial);
	route_find_free(&download->find);
	client_contexts_unref(&download->contexts);
	arena_rewind(&download->demand_arena);
	buf_done(&download->tls);
	buf_done(&download->reason);
	download_store_done(&download->store);
	free(download);
}

/* For whoever asked for the visit; `total` 0: nobody knows. */
static void tell(struct download *download, uint64_t done, uint64_t total, const char *format, ...)
	format_printf(4, 5);
static void tell(struct download *download, uint64_t done, uint64_t total, const char *format, ...)
{
	CLEANUP_BUF struct buf text = BUF_INIT(NAME_MAX_BYTES);
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	struct msg_step_told told = {.done = done, .total = total, .text = buf_str(&text)};
	downloads_told(download->downloads, download->place, &told);
}

/* ---- the way ---- */

static void route_wake(void *context)
{
	struct download *download = context;

	task_wake(&download->task);
}

static void route_begin(struct download *download)
{
	struct route_request request = {.resolver = download->mailq->resolver,
					.domain = download->account->host,
					.is_host = true,
					.wake = route_wake,
					.wake_context = download};

	download->find = route_find_new(&request);
	download->stage = STAGE_ROUTE;
}

static void dial_begin(struct download *download, const struct route_host *host)
{
	size_t count = 0;

	for (; count < host->address_count && count < TARGETS_MAX; count++) {
		memcpy(download->targets[count].address, host->addresses[count], 16);
		download->targets[count].port = download->account->port;
	}
	struct dial_options options = {.targets = download->targets, .target_count = count};

	tell(download, 0, 0, "connecting to %.*s", STR_ARG(download->account->host));
	dial_done(&download->dial);
	source_init(&download->source, client_contexts_config(download->contexts));
	source_apply(&download->source, &options);
	dial_init(&download->dial, &options);
	download->stage = STAGE_DIAL;
}

/* False when it must wait, or cannot go on. */
static bool route_go(struct download *download, enum step *step_out)
{
	const struct route *route = route_find_step(download->find);
	struct buf words = BUF_INIT(REASON_MAX);

	*step_out = STEP_WAIT_WAKE;
	if (route == NULL)
		return false;
	if (route->verdict == ROUTE_FOUND && route->host_count > 0 &&
	    route->hosts[0].address_count > 0) {
		dial_begin(download, &route->hosts[0]);
		return true;
	}
	buf_printf(&words, "%.*s has no address that can be found: %s",
		   STR_ARG(download->account->host), route_verdict_name(route->verdict));
	if (route->why.len > 0)
		buf_printf(&words, " (%.*s)", STR_ARG(buf_str(&route->why)));
	failed(download, buf_str(&words));
	buf_done(&words);
	*step_out = finish(download);
	return false;
}

/* ---- the connection ---- */

static void demand_make(struct download *download, const struct client_rule *rule)
{
	struct tls_demand own = pop3_account_demand(download->account);

	arena_rewind(&download->demand_arena);
	download->demand = rule->row == NULL ? own
					     : demand_join(&rule->demand, &own,
							   &download->demand_arena);
	download->demand.without_dhe |= download->without_dhe;
}

static void session_begin(struct download *download)
{
	const struct config *config = client_contexts_config(download->contexts);
	const struct pop3_account *account = download->account;
	struct client_destination destination = {
		.client = CLIENT_POP3,
		.domain = account->host.ptr[0] == '[' ? STR("") : account->host,
		.host = pop3_account_host(account),
		.address = dial_target(&download->dial)->address};
	struct client_rule rule = client_contexts_rule(download->contexts, &destination);

	demand_make(download, &rule);
	struct fetch_session_parts parts = {
		.client = {.outbound = {.fd = dial_take(&download->dial),
					.context = rule.context,
					.file_name = config->file_name,
					.host = destination.host,
					.demand = &download->demand},
			   .is_implicit = account->tls == POP3_ACCOUNT_IMPLICIT},
		.user = account->user,
		.password = secret_reveal(&download->password),
		.may_clear = account->tls == POP3_ACCOUNT_CLEAR,
		.message_bytes = download->store.rules.message_bytes,
		.max_messages = account->max_messages,
		.max_bytes = account->max_bytes,
		.min_bytes_per_s = config->limits.min_bytes_per_second};
	fetch_session_init(&download->session, &parts);
	download->has_session = true;
	download->stage = STAGE_TALK;
}

static bool dial_go(struct download *download, enum step *step_out)
{
	struct buf words = BUF_INIT(REASON_MAX);

	switch (dial_step(&download->dial, &download->task)) {
	case DIAL_WAIT_INPUT:
		*step_out = STEP_WAIT_INPUT;
		return false;
	case DIAL_CONNECTED:
		session_begin(download);
		return true;
	default:
		buf_printf(&words, "%.*s cannot be reached at port %u: %.*s",
			   STR_ARG(download->account->host), download->account->port,
			   STR_ARG(buf_str(&download->dial.why)));
		failed(download, buf_str(&words));
		buf_done(&words);
		*step_out = finish(download);
		return false;
	}
}

/* ---- the visit ---- */

static void peer_set(struct download *download)
{
	struct tls_facts facts = outbound_facts(&download->session.client.outbound);
	struct download_peer peer = {.level = tls_level_name(download->demand.level),
				     .tls = buf_str(&download->tls),
				     .suite = str_from_c(facts.is_active ? facts.suite : "")};
	struct buf address = BUF_INIT(NAME_MAX_BYTES);

	dns_address_append(&address, dial_target(&download->dial)->address);
	peer.address = buf_str(&address);
	download_store_peer_set(&download->store, &peer);
	buf_done(&address);
}

static bool dh_was_too_small(const struct download *download)
{
	const struct outbound *outbound = &download->session.client.outbound;

	if (outbound->fault != OUTBOUND_TLS || outbound->tls == NULL || download->without_dhe)
		return false;
	enum tls_client_failure failure = tls_client_failure(outbound->tls);
	return failure == TLS_CLIENT_FAILURE_DH_SMALL || failure == TLS_CLIENT_FAILURE_DH_WEAK;
}

static enum step session_failed(struct download *download)
{
	const struct outbound *outbound = &download->session.client.outbound;
	struct buf words = BUF_INIT(REASON_MAX), line = BUF_INIT(LOG_LINE_MAX);
	struct buf address = BUF_INIT(NAME_MAX_BYTES);

	dns_address_append(&address, dial_target(&download->dial)->address);
	if (outbound_append_security(outbound, buf_str(&address), &line))
		log_printf(download->mailq->options.log, LOG_SECURITY, "%.*s",
			   STR_ARG(buf_str(&line)));
	buf_printf(&words, "%.*s [%.*s]:%u %.*s", STR_ARG(download->account->host),
		   STR_ARG(buf_str(&address)), download->account->port,
		   STR_ARG(buf_str(&outbound->why)));
	buf_done(&line);
	buf_done(&address);
	if (dh_was_too_small(download)) {
		download->without_dhe = true;
		fetch_session_done(&download->session);
		download->has_session = false;
		dial_begin(download, &route_find_step(download->find)->hosts[0]);
		buf_done(&words);
		return STEP_AGAIN;
	}
	failed(download, buf_str(&words));
	buf_done(&words);
	return finish(download);
}

/* Stores the message at hand; after a fault that concerns all of them the visit ends in order. */
static void message_take(struct download *download)
{
	struct fetch_session *session = &download->session;
	struct buf why = BUF_INIT(REASON_MAX);
	enum download_verdict verdict = download_store_message(&download->store, session, &why);

	if (verdict == DOWNLOAD_BROKEN) {
		failed(download, buf_str(&why));
		fetch_session_stop(session);
	}
	fetch_session_settle(session, verdict == DOWNLOAD_STORED && !download->account->leaves);
	tell(download, download->store.stored, download->wanted, "%llu of %llu messages",
	     (unsigned long long)download->store.stored, (unsigned long long)download->wanted);
	buf_done(&why);
}

static uint64_t wanted_count(const struct fetch_listing *listing)
{
	uint64_t count = 0;

	for (size_t i = 0; i < listing->count; i++)
		count += listing->messages[i].action == FETCH_ACTION_RETRIEVE;
	return count;
}

static void listed(struct download *download)
{
	struct buf why = BUF_INIT(REASON_MAX);

	tls_note(download);
	peer_set(download);
	if (!download_store_choose(&download->store, &download->session.listing, &why)) {
		failed(download, buf_str(&why));
		fetch_session_stop(&download->session);
	}
	download->wanted = wanted_count(&download->session.listing);
	tell(download, 0, download->wanted, "%llu new messages",
	     (unsigned long long)download->wanted);
	buf_done(&why);
}

static enum step talk_go(struct download *download)
{
	struct fetch_session *session = &download->session;

	if (download->task.is_expired)
		fetch_session_expire(session);
	if (mailq_is_stopping(download->mailq))
		fetch_session_stop(session);
	enum fetch_session_step step = fetch_session_step(session);
	download->task.deadline_ms = session->client.outbound.stream.deadline_ms;
	switch (step) {
	case FETCH_SESSION_WAIT_INPUT:
		return STEP_WAIT_INPUT;
	case FETCH_SESSION_WAIT_OUTPUT:
		return STEP_WAIT_OUTPUT;
	case FETCH_SESSION_LISTED:
		listed(download);
		return STEP_AGAIN;
	case FETCH_SESSION_MESSAGE:
		message_take(download);
		return STEP_AGAIN;
	case FETCH_SESSION_REFUSED:
		download_store_refuse(&download->store, session->message);
		return STEP_AGAIN;
	case FETCH_SESSION_OVER:
		return finish(download);
	default:
		return session_failed(download);
	}
}

/* ---- the task ---- */

/* False when there is nothing to log in with. */
static bool password_get(struct download *download)
{
	struct str name = download->account->password;
	struct buf words = BUF_INIT(REASON_MAX);
	enum fault fault = mailq_remote_password(download->mailq, name, &download->password);

	if (fault != FAULT_NONE) {
		buf_printf(&words, "the password %.*s %s", STR_ARG(name),
			   fault == FAULT_NOT_FOUND ? "is not kept; see `postern remote-password set`"
						    : fault_text(fault));
		failed(download, buf_str(&words));
	}
	buf_done(&words);
	return fault == FAULT_NONE;
}

static enum step download_run(struct task *task)
{
	struct download *download = list_entry(task, struct download, task);
	enum step step;

	if (download->stage == STAGE_BEGIN) {
		download->run.begun_s = clock_real_s();
		if (!password_get(download))
			return finish(download);
		route_begin(download);
	}
	if (download->stage == STAGE_ROUTE && !route_go(download, &step))
		return step;
	if (download->stage == STAGE_DIAL && !dial_go(download, &step))
		return step;
	return talk_go(download);
}

static const struct task_ops download_ops = {.run = download_run, .end = download_end};

void download_start(struct downloads *downloads, struct download_place *place,
		    struct client_contexts *contexts, const struct pop3_account *account)
{
	struct download *download = calloc(1, sizeof(*download));

	CHECK(download != NULL);
	download->task = (struct task){.ops = &download_ops, .fd = -1};
	download->downloads = downloads;
	download->place = place;
	download->mailq = downloads_mailq(downloads);
	download->contexts = client_contexts_ref(contexts);
	download->account = account;
	buf_init(&download->tls, NAME_MAX_BYTES);
	buf_init(&download->reason, REASON_MAX);
	arena_init(&download->demand_arena, DEMAND_ARENA_MAX);
	download_store_init(&download->store, downloads_store(downloads),
			    download->mailq->options.log,
			    client_contexts_config(download->contexts), account);
	dial_init(&download->dial, &(struct dial_options){.targets = download->targets});
	task_start(download->mailq->waiter, &download->task);
}
