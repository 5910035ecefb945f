/* SPDX-License-Identifier: Apache-2.0 */
#include "session/peer.h"

#include <stdlib.h>

#include "base/clock.h"
#include "session/front.h"
#include "session/names.h"

enum { SAID_MAX = 64 };

/* ---- the row ---- */

static void row_choose(struct session *session, struct str names)
{
	struct partner_query query = {.direction = PARTNER_IN,
				      .service = session->service->id,
				      .address = session->peer.sin6_addr.s6_addr,
				      .names = names,
				      .now_s = clock_real_s()};

	session->partner = partner_find(session->snapshot->config, &query);
}

/* Runs in the thread of the names. */
static void session_told(void *context, const struct asker_answer *answer)
{
	struct session *session = context;
	struct str found;

	session->names_fault = names_read(answer, &found);
	if (session->names_fault == FAULT_NONE)
		session->names = str_dup_c(found);
	__atomic_store_n(&session->has_names, true, __ATOMIC_RELEASE);
	task_wake(&session->task);
}

static void nameless_log(struct session *session)
{
	if (!front_refusal_is_news(session->front, session, clock_mono_ms()))
		return;
	log_printf(session_log(session), LOG_WARNING,
		   "%s: the name of %s is not known (%s): no row of TlsPolicy by name holds for it",
		   service_name(session->service->id), session->peer_text,
		   fault_text(session->names_fault));
}

bool session_is_named(struct session *session)
{
	if (session->names_ticket == 0)
		return true;
	if (!__atomic_load_n(&session->has_names, __ATOMIC_ACQUIRE))
		return false;
	session->names_ticket = 0;
	if (session->names_fault == FAULT_NONE)
		row_choose(session, str_from_c(session->names));
	else if (session->names_fault != FAULT_NOT_FOUND)
		nameless_log(session);
	return true;
}

void peer_begin(struct session *session)
{
	const uint8_t *address = session->peer.sin6_addr.s6_addr;

	row_choose(session, STR(""));
	/* A network goes before a name: with a row of that kind there is nothing to ask. */
	if (session->is_own || session->partner != NULL || !names_are_worth_asking(address) ||
	    !partner_wants_names(session->snapshot->config, session->service->id, clock_real_s()))
		return;
	session->names_ticket = names_ask(session->front->names, address, NAMES_PATIENCE_MS,
					  session_told, session);
	if (session->names_ticket == 0) {
		session->names_fault = FAULT_BUSY;
		nameless_log(session);
	}
}

void peer_end(struct session *session)
{
	asker_cancel(session->front->names, session->names_ticket);
	free(session->names);
}

/* ---- failed handshakes ---- */

/* A line that waits for a name. */
struct failure_line {
	const struct log *log;
	struct buf head; /* "TLS: 192.0.2.26" */
	struct buf said; /* how the peer called itself, escaped */
	struct buf rest;
};

/* "TLS: 192.0.2.26 (mx.old.example, EHLO mail) offered at most ..." */
static void line_write(struct failure_line *failure, struct str names)
{
	struct str name = str_cut(&names, ' ');
	struct log_line line;

	log_line_begin(&line, failure->log, LOG_SECURITY);
	buf_append_str(&line.text, buf_str(&failure->head));
	if (name.len > 0 || failure->said.len > 0) {
		buf_append_c(&line.text, " (");
		log_line_word(&line, name);
		buf_append_c(&line.text, name.len > 0 && failure->said.len > 0 ? ", " : "");
		buf_append_str(&line.text, buf_str(&failure->said));
		buf_append_char(&line.text, ')');
	}
	buf_append_str(&line.text, buf_str(&failure->rest));
	log_line_end(&line);
	buf_done(&failure->head);
	buf_done(&failure->said);
	buf_done(&failure->rest);
	free(failure);
}

/* Runs in the thread of the names. */
static void line_told(void *context, const struct asker_answer *answer)
{
	struct str found;

	line_write(context, names_read(answer, &found) == FAULT_NONE ? found : STR(""));
}

static struct failure_line *line_make(struct session *session)
{
	struct failure_line *failure = calloc(1, sizeof(*failure));
	struct buf whole = BUF_INIT(LOG_LINE_MAX);

	CHECK(failure != NULL);
	*failure = (struct failure_line){.log = session_log(session),
					 .head = BUF_INIT(LOG_LINE_MAX),
					 .said = BUF_INIT(LOG_LINE_MAX),
					 .rest = BUF_INIT(LOG_LINE_MAX)};
	buf_printf(&failure->head, "TLS: %s", session->peer_text);
	tls_failure_append(&whole, session->stream.transport_state,
			   str_from_c(session->peer_text), STR(""));
	buf_append_str(&failure->rest, str_from(buf_str(&whole), failure->head.len));
	if (session->peer_said != NULL) {
		buf_append_c(&failure->said, "EHLO ");
		text_append_word(&failure->said,
				 str_sub(str_from_c(session->peer_said), 0, SAID_MAX));
	}
	buf_done(&whole);
	return failure;
}

void peer_failure_log(struct session *session)
{
	const uint8_t *address = session->peer.sin6_addr.s6_addr;

	/* What the server finds out about itself it tells elsewhere. */
	if (session->is_own)
		return;
	struct failure_line *line = line_make(session);

	if (session->has_names || !names_are_worth_asking(address) ||
	    names_ask(session->front->names, address, NAMES_PATIENCE_MS, line_told, line) == 0)
		line_write(line, str_from_c(session->names));
}
