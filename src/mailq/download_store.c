/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/download_store.h"

#include <stdlib.h>

#include "base/clock.h"
#include "fetch/letter.h"
#include "mailq/mailq.h"

/* How many recipients a Recv line names. */
enum { LOG_OWNERS = 16 };

static struct str source_str(const struct download_store *at)
{
	return str_make(at->source, sizeof(at->source));
}

void download_store_init(struct download_store *at, struct store *store, const struct log *log,
			 const struct config *config, const struct pop3_account *account)
{
	uint64_t limit = config->limits.message_bytes;

	*at = (struct download_store){.store = store,
				      .log = log,
				      .config = config,
				      .account = account,
				      .tls = BUF_INIT(DOWNLOAD_PEER_MAX),
				      .notes = BUF_INIT(DOWNLOAD_NOTES_MAX)};
	if (account->message_bytes > 0 && account->message_bytes < limit)
		limit = account->message_bytes;
	at->rules = (struct fetch_rules){.leaves = account->leaves,
					 .leave_days = account->leave_days,
					 .message_bytes = limit,
					 .now_s = clock_real_s()};
	fetch_source_make(account, at->source);
}

void download_store_done(struct download_store *at)
{
	buf_done(&at->tls);
	buf_done(&at->notes);
}

void download_store_peer_set(struct download_store *at, const struct download_peer *peer)
{
	CHECK(str_copy_c(peer->address, at->address, sizeof(at->address)));
	CHECK(str_copy_c(peer->suite, at->suite, sizeof(at->suite)));
	at->has_tls = !str_is_empty(peer->tls);
	buf_printf(&at->tls, "%s%s%.*s", peer->level, at->has_tls ? " " : "", STR_ARG(peer->tls));
}

/* ---- what is remembered ---- */

/* Changes that go to the store together; their identifiers are copies. */
struct changes {
	struct download_store *at;
	struct fetched *messages;
	size_t count;
	struct arena texts;
	enum fault fault;
};

static void changes_init(struct changes *changes, struct download_store *at)
{
	*changes = (struct changes){
		.at = at, .messages = calloc(FETCHED_CHANGES_MAX, sizeof(struct fetched))};
	CHECK(changes->messages != NULL);
	arena_init(&changes->texts, 2 * FETCHED_CHANGES_MAX * (FETCHED_UIDL_MAX + 64));
}

static void changes_flush(struct changes *changes)
{
	struct fetched_changes request = {.source = source_str(changes->at),
					  .messages = changes->messages,
					  .message_count = changes->count};

	if (changes->count > 0 && changes->fault == FAULT_NONE)
		changes->fault = fetched_change(changes->at->store, &request);
	changes->count = 0;
	arena_rewind(&changes->texts);
}

static void changes_done(struct changes *changes)
{
	changes_flush(changes);
	free(changes->messages);
	arena_rewind(&changes->texts);
}

/* False when there is no room: flush, without a view that is open. */
static bool changes_add(struct changes *changes, const struct fetched *fetched)
{
	struct fetched copy = *fetched;

	if (changes->count == FETCHED_CHANGES_MAX)
		return false;
	copy.uidl = arena_dup(&changes->texts, fetched->uidl);
	CHECK(copy.uidl.ptr != NULL);
	changes->messages[changes->count++] = copy;
	return true;
}

/* Gathers changes behind `*after`, as many as there is room for; false when that was the last. */
static bool memory_gather(struct download_store *at, const struct fetch_listing *listing,
			  struct changes *changes, struct buf *after)
{
	struct view *view CLEANUP_VIEW = NULL;
	struct fetched known, changed;
	struct str from = buf_str(after);

	changes->fault = view_open(at->store, &view);
	if (changes->fault != FAULT_NONE)
		return false;
	while (fetched_next(view, source_str(at), from, &known)) {
		bool is_listed = fetch_listing_find(listing, known.uidl) != NULL;
		if (fetch_memory_changes(&at->rules, &known, is_listed, &changed) &&
		    !changes_add(changes, &changed)) {
			struct buf next = BUF_INIT(FETCHED_UIDL_MAX);
			buf_append_str(&next, from);
			buf_reset(after);
			buf_append_str(after, buf_str(&next));
			buf_done(&next);
			return true;
		}
		from = known.uidl;
	}
	return false;
}

/* What the server lists no more, or again. */
static enum fault memory_update(struct download_store *at, const struct fetch_listing *listing)
{
	struct buf after = BUF_INIT(FETCHED_UIDL_MAX);
	struct changes changes;
	bool has_more;

	changes_init(&changes, at);
	do {
		has_more = memory_gather(at, listing, &changes, &after);
		changes_flush(&changes);
	} while (has_more && changes.fault == FAULT_NONE);
	enum fault fault = changes.fault;
	changes_done(&changes);
	buf_done(&after);
	return fault;
}

static enum fault actions_set(struct download_store *at, struct fetch_listing *listing)
{
	struct view *view CLEANUP_VIEW = NULL;
	enum fault fault = view_open(at->store, &view);

	for (size_t i = 0; i < listing->count && fault == FAULT_NONE; i++) {
		struct fetch_message *message = &listing->messages[i];
		struct fetched known;
		fault = fetched_get(view, source_str(at), message->uidl, &known);
		bool is_known = fault == FAULT_NONE;
		if (fault == FAULT_NOT_FOUND)
			fault = FAULT_NONE;
		message->action =
			fetch_action_of(&at->rules, message, is_known ? &known : NULL);
	}
	return fault;
}

static void unusable_note(struct download_store *at, const struct fetch_listing *listing)
{
	size_t count = 0;

	for (size_t i = 0; i < listing->count; i++)
		count += str_is_empty(listing->messages[i].uidl);
	if (count == 0)
		return;
	buf_printf(&at->notes,
		   "%zu messages have identifiers (UIDL) that cannot be used, and stay there", count);
	log_printf(at->log, LOG_WARNING, "POP3 download %.*s: %.*s", STR_ARG(at->account->name),
		   STR_ARG(buf_str(&at->notes)));
}

bool download_store_choose(struct download_store *at, struct fetch_listing *listing,
			   struct buf *why)
{
	enum fault fault = memory_update(at, listing);

	if (fault == FAULT_NONE)
		fault = actions_set(at, listing);
	unusable_note(at, listing);
	if (fault != FAULT_NONE)
		buf_printf(why, "it cannot be told which messages are new: %s", fault_text(fault));
	return fault == FAULT_NONE;
}

static void left_remember(struct download_store *at, struct str uidl, uint64_t bytes)
{
	struct fetched left = {
		.uidl = uidl, .state = FETCHED_LEFT, .at_s = clock_real_s(), .bytes = bytes};
	struct fetched_changes changes = {
		.source = source_str(at), .messages = &left, .message_count = 1};

	/* What is not remembered now is told once more. */
	(void)!fetched_change(at->store, &changes);
}

/* ---- warnings ---- */

static void message_warn(const struct download_store *at, const struct fetch_message *message,
			 const char *what)
{
	struct log_line line;

	log_line_begin(&line, at->log, LOG_WARNING);
	log_line_text(&line, "POP3 download %.*s: message ", STR_ARG(at->account->name));
	log_line_word(&line, message->uidl);
	log_line_text(&line, " of %.*s %s", STR_ARG(at->account->host), what);
	log_line_end(&line);
}

void download_store_refuse(struct download_store *at, const struct fetch_message *message)
{
	struct buf what = BUF_INIT(512);
	uint64_t limit = at->rules.message_bytes;
	bool was_listed = message->bytes > limit;
	bool is_row = at->account->message_bytes == limit;

	if (was_listed)
		buf_printf(&what, "has %llu bytes", (unsigned long long)message->bytes);
	else
		buf_printf(&what, "is larger than the %llu bytes it was said to have",
			   (unsigned long long)message->bytes);
	buf_printf(&what, ", and no more than %llu are taken (%.*s/%s); it stays there",
		   (unsigned long long)limit, STR_ARG(is_row ? at->account->place.table : STR("Limits")),
		   "MessageBytes");
	buf_append_char(&what, '\0');
	message_warn(at, message, what.data);
	left_remember(at, message->uidl, was_listed ? message->bytes : limit + 1);
	buf_done(&what);
}

/* ---- the lines of mail.log ---- */

static void owners_log(struct log_line *line, const struct fetch_letter *letter)
{
	size_t named = letter->owner_count < LOG_OWNERS ? letter->owner_count : LOG_OWNERS;

	log_line_text(line, ">, To:");
	for (size_t i = 0; i < named; i++) {
		log_line_text(line, " <");
		log_line_word(line, letter->owners[i]);
		log_line_text(line, ">");
	}
	if (named < letter->owner_count)
		log_line_text(line, " and %zu more", letter->owner_count - named);
}

static void received_log(const struct download_store *at, const struct fetch_letter *letter)
{
	struct log_line line;

	log_line_begin(&line, at->log, LOG_MAIL);
	log_line_text(&line, "Recv: Queue-ID: %s, Service: POP3 download, From: <",
		      letter->queue_id);
	log_line_word(&line, buf_str(&letter->sender));
	owners_log(&line, letter);
	log_line_text(&line, ", Size: %llu, Sender-Host: %s%s, Subject: ",
		      (unsigned long long)letter->bytes, at->address,
		      at->has_tls ? ", SSL: yes" : "");
	log_line_phrase(&line, buf_str(&letter->subject));
	log_line_text(&line, ", Msg-Id: <");
	log_line_word(&line, buf_str(&letter->message_id));
	log_line_text(&line, ">, TLS: %.*s, Account: %.*s", STR_ARG(buf_str(&at->tls)),
		      STR_ARG(at->account->name));
	log_line_end(&line);
}

static void delivered_log(const struct download_store *at, const struct fetch_letter *letter,
			  struct str owner)
{
	struct log_line line;

	log_line_begin(&line, at->log, LOG_MAIL);
	log_line_text(&line, "Sent: Queue-ID: %s, Recipient: <", letter->queue_id);
	log_line_word(&line, owner);
	log_line_text(&line, ">, Result: delivered, Status: 2.0.0 , Remote-Host: 127.0.0.1, "
			     "Msg-Id: <");
	log_line_word(&line, buf_str(&letter->message_id));
	log_line_text(&line, ">");
	log_line_end(&line);
}

static void stored_log(struct download_store *at, const struct fetch_letter *letter)
{
	received_log(at, letter);
	for (size_t i = 0; i < letter->owner_count; i++)
		delivered_log(at, letter, letter->owners[i]);
	at->stored++;
	at->stored_bytes += letter->bytes;
}

/* ---- storing ---- */

/* It would fail again: it stays there for good, and does not stand in the way of others. */
static enum download_verdict leave(struct download_store *at, const struct fetch_message *message,
				   const char *what)
{
	message_warn(at, message, what);
	left_remember(at, message->uidl, 0);
	return DOWNLOAD_LEFT;
}

static enum download_verdict fault_judge(struct download_store *at, enum fault fault,
					 const struct fetch_message *message, struct buf *why)
{
	switch (fault) {
	case FAULT_NONE:
	case FAULT_EXISTS:
		return DOWNLOAD_STORED;
	case FAULT_INVALID:
	case FAULT_TOO_LARGE:
		return leave(at, message, "cannot be stored as it is; it stays there");
	case FAULT_OVER_QUOTA:
		message_warn(at, message, "stays there until its recipients' quotas have room");
		return DOWNLOAD_LEFT;
	case FAULT_NOT_FOUND:
		buf_printf(why, "DeliverTo %.*s is nobody here, or has just been removed",
			   STR_ARG(at->account->deliver_to));
		return DOWNLOAD_BROKEN;
	default:
		buf_printf(why, "a message cannot be stored: %s", fault_text(fault));
		return DOWNLOAD_BROKEN;
	}
}

static enum download_verdict judge(struct download_store *at, enum fault fault,
				   const struct fetch_letter *letter,
				   const struct fetch_message *message, struct buf *why)
{
	if (letter->is_looping)
		return leave(at, message, "has passed through too many servers, which is a loop; it "
					  "stays there");
	if (!letter->is_mailbox_amiss)
		return fault_judge(at, fault, message, why);
	buf_printf(why, "the mailbox %.*s of %.*s cannot be had: %s", STR_ARG(at->account->mailbox),
		   STR_ARG(at->account->deliver_to), fault_text(fault));
	return DOWNLOAD_BROKEN;
}

enum download_verdict download_store_message(struct download_store *at,
					     struct fetch_session *session, struct buf *why)
{
	struct fetch_letter_parts parts = {.store = at->store,
					   .account = at->account,
					   .config = at->config,
					   .hostname = mailq_hostname(at->config),
					   .host = pop3_account_host(at->account),
					   .address = str_from_c(at->address),
					   .suite = str_from_c(at->suite),
					   .source = source_str(at),
					   .uidl = session->message->uidl};
	struct fetch_letter letter;

	enum fault fault = fetch_letter_store(&parts, &session->spool, &letter);
	if (fault == FAULT_NONE)
		stored_log(at, &letter);
	enum download_verdict verdict = judge(at, fault, &letter, session->message, why);
	fetch_letter_done(&letter);
	return verdict;
}

/* ---- the end ---- */

/* What the server has deleted for good may come again under the same identifier. */
static void deleted_forget(struct download_store *at, const struct fetch_session *session)
{
	struct changes changes;

	changes_init(&changes, at);
	for (size_t i = 0; i < session->listing.count; i++) {
		const struct fetch_message *message = &session->listing.messages[i];
		struct fetched gone = {.uidl = message->uidl};
		if (!message->is_deleted || changes_add(&changes, &gone))
			continue;
		changes_flush(&changes);
		CHECK(changes_add(&changes, &gone));
	}
	/* What stays remembered is forgotten when the server lists it no more. */
	changes_done(&changes);
}

void download_store_end(struct download_store *at, const struct fetch_session *session,
			const struct fetch_run *run)
{
	struct buf text = BUF_INIT(FETCHED_RUN_MAX);
	struct fetched_changes changes = {.source = source_str(at)};

	if (session != NULL && session->is_farewell_kept && session->deleted > 0)
		deleted_forget(at, session);
	fetch_run_put(&text, run);
	changes.run = buf_str(&text);
	if (text.failed || fetched_change(at->store, &changes) != FAULT_NONE)
		log_printf(at->log, LOG_ERROR,
			   "POP3 download %.*s: how it went cannot be stored; the next process of the "
			   "server asks again at once",
			   STR_ARG(at->account->name));
	buf_done(&text);
}
