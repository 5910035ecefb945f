/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "session/login.h"
#include "session/peer.h"
#include "session/session_internal.h"

enum {
	HANDSHAKE_MS = 30 * 1000,
	CLOSING_MS = 10 * 1000,
	/* Silence within a message or an answer; RFC 5321 section 4.5.3.2 lets a server wait so long. */
	SILENCE_MS = 5 * 60 * 1000,
	/* How long a peer may take to close after we said goodbye. */
	LINGER_MS = 2 * 1000,
	/* After so long a run others may go first. */
	RUN_MS = 20,
	ERRORS_MAX = 20,
	ARENA_EXTRA = 4 * 1024 * 1024,
};

/* What a phase tells the loop in session_run. */
enum progress { GO_ON, WAIT_INPUT, WAIT_OUTPUT, WAIT_WAKE, FINISH };

static const struct {
	bool ends;
	const char *text;
} refusals[REFUSAL_COUNT] = {
#define X(name, ends, text) {ends, text},
	REFUSAL_TABLE(X)
#undef X
};

const char *refusal_text(enum refusal refusal)
{
	CHECK(refusal < REFUSAL_COUNT);
	return refusals[refusal].text;
}

void session_phase_set(struct session *session, enum session_phase phase)
{
	session->phase = phase;
}

void session_limit_log(const struct session *session, const char *text)
{
	log_printf(session_log(session), LOG_WARNING, "%s: %s: %s",
		   service_name(session->service->id), session->peer_text, text);
}

/* Limits that a peer runs into; that it falls silent or that we stop is no news. */
static bool is_limit(enum refusal refusal)
{
	return refusal == REFUSAL_TOO_SLOW || refusal == REFUSAL_LINE_TOO_LONG ||
	       refusal == REFUSAL_TOO_MANY_COMMANDS || refusal == REFUSAL_TOO_MANY_ERRORS;
}

enum command_step session_refuse(struct session *session, enum refusal refusal,
				 const struct command *command)
{
	if (is_limit(refusal))
		session_limit_log(session, refusal_text(refusal));
	session->protocol->refuse(session, refusal, command);
	return refusals[refusal].ends ? COMMAND_END : COMMAND_DONE;
}

/* ---- what servers call ---- */

struct store *session_store(const struct session *session)
{
	return session->front->store;
}

struct asker *session_admin(const struct session *session)
{
	return session->front->admin;
}

bool session_is_stopping(const struct session *session)
{
	return __atomic_load_n(&session->front->is_stopping, __ATOMIC_ACQUIRE);
}

bool session_challenge_answer(const struct session *session, struct str token, struct buf *to)
{
	return session->front->challenges != NULL &&
	       tls_challenges_answer(session->front->challenges, token, to);
}

const struct log *session_log(const struct session *session)
{
	return session->front->log;
}

struct metrics *session_metrics(const struct session *session)
{
	return session->is_own ? &session->front->own_metrics : &session->front->metrics;
}

struct snapshot *session_snapshot_now(const struct session *session)
{
	return front_snapshot_get(session->front);
}

struct str session_hostname(const struct session *session)
{
	return str_from_c(session->snapshot->hostname);
}

void session_append_tls(const struct session *session, struct buf *to)
{
	tls_facts_append(&session->tls, to);
}

void session_queue_id(struct session *session, char id_out[QUEUE_ID_BYTES])
{
	uint32_t number = __atomic_add_fetch(&session->front->queue_counter, 1, __ATOMIC_RELAXED);

	snprintf(id_out, QUEUE_ID_BYTES, "%08x-%08x", (unsigned)clock_real_s(), (unsigned)number);
}

bool session_may_login(const struct session *session)
{
	return session->tls.is_active || session->service->allow_plain_login;
}

unsigned session_mechanisms(const struct session *session)
{
	const unsigned passwords = SASL_BIT(SASL_PLAIN) | SASL_BIT(SASL_LOGIN);

	if (!session_may_login(session))
		return 0;
	unsigned set = passwords;
	if (session->tls.has_user)
		set |= SASL_BIT(SASL_EXTERNAL);
	if (session->snapshot->config->server.allow_scram)
		set |= SASL_BIT(SASL_SCRAM_SHA_256) |
		       (session->tls.has_binding ? SASL_BIT(SASL_SCRAM_SHA_256_PLUS) : 0);
	return set;
}

bool session_mechanism_find(const struct session *session, struct str name,
			    enum sasl_mechanism *mechanism_out)
{
	enum sasl_mechanism found;

	if (!sasl_mechanism_find(name, &found) ||
	    (session_mechanisms(session) & SASL_BIT(found)) == 0)
		return false;
	*mechanism_out = found;
	return true;
}

bool session_may_starttls(const struct session *session)
{
	return !session->tls.is_active && session->snapshot->tls[session->service->id] != NULL;
}

bool session_error_count(struct session *session)
{
	return ++session->errors > ERRORS_MAX;
}

const struct command *command_find(const struct command *table, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_equals_nocase(table[i].name, name))
			return &table[i];
	return NULL;
}

/* On port 25 nobody logs in, and a peer may send mail after mail. */
static bool has_logins(const struct session *session)
{
	return session->service->id != SERVICE_SMTP && session->service->id != SERVICE_HTTPS;
}

/* The first precondition of the row that does not hold, or REFUSAL_COUNT. */
static enum refusal row_check(const struct session *session, const struct command *row,
			      unsigned state)
{
	bool is_logged_in = session->user.account != 0;

	if ((row->flags & COMMAND_NOT_IN_TLS) != 0 && session->tls.is_active)
		return REFUSAL_IN_TLS;
	if ((row->flags & COMMAND_TLS_IF_REQUIRED) != 0 && !session->tls.is_active &&
	    session->service->require_tls)
		return REFUSAL_NEEDS_TLS;
	if ((row->flags & COMMAND_NEEDS_LOGIN) != 0 && !is_logged_in)
		return REFUSAL_NEEDS_LOGIN;
	if ((row->flags & COMMAND_NOT_AFTER_LOGIN) != 0 && is_logged_in)
		return REFUSAL_LOGGED_IN;
	if ((row->states & 1u << state) == 0)
		return REFUSAL_STATE;
	if ((row->flags & COMMAND_ENDS_GROUP) != 0 && stream_input(&session->stream).len > 0)
		return REFUSAL_PIPELINED;
	return REFUSAL_COUNT;
}

enum command_step command_run(struct session *session, const struct command *row, unsigned state,
			      void *arguments)
{
	enum refusal refusal = row_check(session, row, state);

	if (session->user.account == 0 && has_logins(session) &&
	    ++session->commands_before_login > session->limits->commands_before_login)
		refusal = REFUSAL_TOO_MANY_COMMANDS;
	session->command = row;
	if (refusal != REFUSAL_COUNT && session_error_count(session))
		refusal = REFUSAL_TOO_MANY_ERRORS;
	if (refusal != REFUSAL_COUNT)
		return session_refuse(session, refusal, row);
	return row->run(session, arguments);
}

void session_feed_watch(struct session *session, uint64_t account)
{
	front_watch(session->front, session, account);
}

void session_feed_unwatch(struct session *session)
{
	front_unwatch(session->front, session);
}

bool session_feed_take(struct session *session)
{
	return __atomic_exchange_n(&session->feed_changed, false, __ATOMIC_ACQ_REL);
}

/* ---- the runner ---- */

/* Frees what the finished command used, passwords included, and gives the peer its time anew. */
static void command_finish(struct session *session)
{
	arena_wipe(&session->arena);
	session->command = NULL;
	stream_bulk_end(&session->stream);
}

/* A peer in the midst of a transfer is not idle: it has less time to be silent. */
static void transfer_begin(struct session *session)
{
	int silence_ms = (int)session->limits->idle_seconds * 1000;
	uint32_t rate = session->limits->min_bytes_per_second;

	if (rate < session->body.least_rate)
		rate = session->body.least_rate;
	stream_bulk(&session->stream, silence_ms < SILENCE_MS ? silence_ms : SILENCE_MS, rate);
}

static enum progress step_apply(struct session *session, enum command_step step)
{
	switch (step) {
	case COMMAND_DONE:
		command_finish(session);
		session_phase_set(session, PHASE_COMMAND);
		return GO_ON;
	case COMMAND_MORE:
		session_phase_set(session, PHASE_MORE);
		return GO_ON;
	case COMMAND_BODY:
		transfer_begin(session);
		session_phase_set(session, PHASE_BODY);
		return GO_ON;
	case COMMAND_LINE:
		stream_bulk_end(&session->stream);
		session_phase_set(session, PHASE_LINE);
		return GO_ON;
	case COMMAND_WAIT:
		session_phase_set(session, session->login_ticket != 0 ? PHASE_LOGIN : PHASE_WAIT);
		return WAIT_WAKE;
	case COMMAND_LISTEN:
		session_phase_set(session, PHASE_LISTEN);
		return WAIT_INPUT;
	case COMMAND_FLUSH:
		session_phase_set(session, PHASE_FLUSH);
		return GO_ON;
	case COMMAND_STARTTLS:
		session_phase_set(session, PHASE_STARTTLS);
		return GO_ON;
	case COMMAND_END:
		stream_expect(&session->stream, CLOSING_MS);
		session_phase_set(session, PHASE_CLOSING);
		return GO_ON;
	}
	CHECK(!"a step outside the enum");
	return FINISH;
}

static enum progress progress_of_io(enum io io)
{
	switch (io) {
	case IO_DONE:
		return GO_ON;
	case IO_WANT_INPUT:
		return WAIT_INPUT;
	case IO_WANT_OUTPUT:
		return WAIT_OUTPUT;
	default:
		return FINISH;
	}
}

static bool tls_begin(struct session *session)
{
	struct tls_context *context =
		snapshot_tls(session->snapshot, session->service->id, session->partner);

	if (context == NULL)
		return false;
	struct tls_connection *connection = tls_connection_new(context, session->stream.fd);
	stream_transport_set(&session->stream, &transport_tls, connection);
	stream_expect(&session->stream, HANDSHAKE_MS);
	session_phase_set(session, PHASE_HANDSHAKE);
	return true;
}

/* What the peer offered at most, or what was agreed, as a number; 0: nobody knows. */
static uint16_t version_number(enum tls_protocol protocol)
{
	return protocol == TLS_PROTOCOL_COUNT ? 0 : (uint16_t)tls_protocol_wire(protocol);
}

static void handshake_log_failure(struct session *session)
{
	struct tls_facts facts;

	tls_connection_facts(session->stream.transport_state, &facts);
	struct metric_handshake handshake = {
		.service = session->service->id,
		.result = METRIC_TLS_FAILED,
		.version = version_number(facts.peer_highest),
		.suite_name = "",
		.reason = tls_failure_kind(session->stream.transport_state),
	};
	metric_tls_add(session_metrics(session), &handshake);
	metric_add(session_metrics(session), session->service->id, METRIC_HANDSHAKES_FAILED, 1);
	peer_failure_log(session);
}

/* Servers of mail name the sender in mail.log, once they know him. */
static bool is_mail_service(const struct session *session)
{
	enum service_id id = session->service->id;

	return id == SERVICE_SMTP || id == SERVICE_SUBMISSION || id == SERVICE_SMTPS;
}

/* A session below the floor that is only observed: counted, and one line of log. */
static void floor_observe(struct session *session)
{
	struct log_line line;

	if (session->tls.below_floor == TLS_RUNG_NONE || session->is_own)
		return;
	metric_add(session_metrics(session), session->service->id, METRIC_BELOW_FLOOR, 1);
	if (is_mail_service(session))
		return;
	log_line_begin(&line, session_log(session), LOG_SECURITY);
	tls_floor_append(&line.text, session->stream.transport_state,
			 str_from_c(session->peer_text));
	log_line_text(&line, "; service %s", service_name(session->service->id));
	log_line_end(&line);
}

void session_certificate_log(const struct session *session,
			     const struct tls_user_certificate *certificate)
{
	struct log_line line;

	log_line_begin(&line, session_log(session), LOG_SECURITY);
	tls_user_certificate_append(&line.text, session->stream.transport_state, certificate,
				    str_from_c(session->peer_text));
	log_line_text(&line, "; service %s", service_name(session->service->id));
	log_line_end(&line);
}

/* Who shows a certificate means to log in by it: that it does not serve is told. */
static void certificate_observe(const struct session *session)
{
	struct tls_user_certificate certificate;

	tls_user_certificate_read(session->stream.transport_state, &certificate);
	if (certificate.is_presented && !certificate.is_good)
		session_certificate_log(session, &certificate);
}

static void handshake_count(struct session *session)
{
	struct metric_handshake handshake = {
		.service = session->service->id,
		.result = session->tls.is_resumed ? METRIC_TLS_RESUMED : METRIC_TLS_FULL,
		.version = version_number(session->tls.version),
		.suite = session->tls.suite_id,
		.suite_name = session->tls.suite,
	};

	metric_tls_add(session_metrics(session), &handshake);
	if (session->tls.is_resumed)
		metric_add(session_metrics(session), session->service->id,
			   METRIC_HANDSHAKES_RESUMED, 1);
}

static enum progress phase_handshake(struct session *session)
{
	enum io io = tls_handshake(session->stream.transport_state);

	if (io == IO_CLOSED || io == IO_BROKEN) {
		handshake_log_failure(session);
		session->stream.broken = IO_BROKEN;
		return FINISH;
	}
	if (io != IO_DONE)
		return progress_of_io(io);
	tls_connection_facts(session->stream.transport_state, &session->tls);
	front_show(session->front, session);
	handshake_count(session);
	floor_observe(session);
	certificate_observe(session);
	stream_expect(&session->stream, 0);
	/* RFC 8737 section 3: such a connection is not used for anything else. */
	session_phase_set(session, session->tls.is_challenge ? PHASE_CLOSING : PHASE_GREETING);
	return GO_ON;
}

/* Nothing that was said in the clear counts behind TLS (RFC 3207 section 6, CVE-2011-0411). */
static enum progress phase_starttls(struct session *session)
{
	enum io io = stream_flush(&session->stream);

	if (io != IO_DONE)
		return progress_of_io(io);
	if (!session_is_named(session))
		return WAIT_WAKE;
	stream_input_discard(&session->stream);
	command_finish(session);
	session->tls_started_here = true;
	return tls_begin(session) ? GO_ON : FINISH;
}

/* Here and not when the connection is accepted: whoever is told may wake only what runs. */
static enum progress phase_begin(struct session *session)
{
	peer_begin(session);
	session_phase_set(session, session->service->tls == SERVICE_TLS_IMPLICIT
					   ? PHASE_NAMING
					   : PHASE_GREETING);
	return GO_ON;
}

static enum progress phase_naming(struct session *session)
{
	if (!session_is_named(session))
		return WAIT_WAKE;
	return tls_begin(session) ? GO_ON : FINISH;
}

static enum gather gather_line(const struct session *session, struct str input, size_t *len_out)
{
	size_t limit = session->limits->line_bytes;

	if (session->sasl != NULL && limit < SMTP_AUTH_LINE_MAX)
		limit = SMTP_AUTH_LINE_MAX;
	size_t at = str_find_char(input, '\n');
	*len_out = at == STR_NONE ? input.len : at + 1;
	if (*len_out > limit || (session->line_was_too_long && input.len > 0))
		return GATHER_TOO_LONG;
	return at == STR_NONE ? GATHER_PARTIAL : GATHER_COMMAND;
}

/*
 * The rest of a line that is too long is skipped, however much it is; one refusal
 * is said for all of it. The rest gains the peer no time: a line without end
 * would keep the session for ever.
 */
static enum progress skip_too_long(struct session *session, size_t len)
{
	struct str skipped = str_sub(stream_input(&session->stream), 0, len);
	bool is_first = !session->line_was_too_long;

	session->line_was_too_long = skipped.ptr[skipped.len - 1] != '\n';
	stream_consume(&session->stream, len);
	if (!is_first && session->line_was_too_long)
		return GO_ON;
	if (!is_first)
		return step_apply(session, COMMAND_DONE);
	if (session_error_count(session))
		return step_apply(session, session_refuse(session, REFUSAL_TOO_MANY_ERRORS, NULL));
	return step_apply(session, session_refuse(session, REFUSAL_LINE_TOO_LONG, NULL));
}

/* Copies what was gathered into the arena, where it lives as long as the command. */
static struct str input_take(struct session *session, size_t len)
{
	struct str taken =
		arena_dup(&session->arena, str_sub(stream_input(&session->stream), 0, len));

	CHECK(taken.ptr != NULL);
	explicit_bzero((char *)(uintptr_t)stream_input(&session->stream).ptr, len);
	stream_consume(&session->stream, len);
	return taken;
}

static struct str line_without_end(struct str line)
{
	if (line.len > 0 && line.ptr[line.len - 1] == '\n')
		line.len--;
	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

static enum progress input_wait(struct session *session)
{
	enum io io = stream_flush(&session->stream);

	if (io != IO_DONE)
		return progress_of_io(io);
	return progress_of_io(stream_fill(&session->stream));
}

static bool feed_is_due(const struct session *session)
{
	return session->protocol->woken != NULL &&
	       __atomic_load_n(&session->feed_changed, __ATOMIC_ACQUIRE);
}

static enum progress phase_command(struct session *session)
{
	size_t len = 0;
	struct str input = stream_input(&session->stream);

	if (session_is_stopping(session))
		return step_apply(session, session_refuse(session, REFUSAL_STOPPING, NULL));
	if (input.len == 0)
		return input_wait(session);
	enum gather found = session->protocol->gather == NULL
				    ? gather_line(session, input, &len)
				    : session->protocol->gather(session, input, &len);
	switch (found) {
	case GATHER_PARTIAL:
		return input_wait(session);
	case GATHER_TOO_LONG:
		return skip_too_long(session, len);
	case GATHER_COMMAND:
		return step_apply(session,
				  session->protocol->execute(session, input_take(session, len)));
	case GATHER_END:
		break;
	}
	return step_apply(session, COMMAND_END);
}

static enum progress phase_line(struct session *session)
{
	size_t len = 0;

	if (session_is_stopping(session))
		return step_apply(session, session_refuse(session, REFUSAL_STOPPING, NULL));
	if (session->sasl == NULL && feed_is_due(session))
		return step_apply(session, session->protocol->woken(session));
	struct str input = stream_input(&session->stream);
	enum gather found = gather_line(session, input, &len);
	if (found == GATHER_PARTIAL)
		return input_wait(session);
	if (found == GATHER_TOO_LONG) {
		/* Inside a challenge or IDLE there is no next command to go on with. */
		session_refuse(session, REFUSAL_LINE_TOO_LONG, NULL);
		return step_apply(session, COMMAND_END);
	}
	struct str line = line_without_end(input_take(session, len));
	return step_apply(session, session->sasl != NULL ? login_line(session, line)
							 : session->protocol->line(session, line));
}

static enum progress phase_body(struct session *session)
{
	struct str input = stream_input(&session->stream);
	struct str rest = input;
	bool is_complete = body_take(&session->body, &rest);

	stream_consume(&session->stream, input.len - rest.len);
	if (!is_complete)
		return input_wait(session);
	stream_bulk_end(&session->stream);
	session_phase_set(session, PHASE_MORE);
	return GO_ON;
}

static enum progress phase_more(struct session *session)
{
	CHECK(session->command != NULL && session->command->more != NULL);
	return step_apply(session, session->command->more(session));
}

/* Woken, or the peer did something: it has nothing to say now. */
static enum progress phase_listen(struct session *session)
{
	enum io io = stream_fill(&session->stream);

	if (io == IO_DONE)
		return step_apply(session, COMMAND_END);
	if (io != IO_WANT_INPUT)
		return progress_of_io(io);
	session_phase_set(session, PHASE_MORE);
	return GO_ON;
}

static enum progress phase_flush(struct session *session)
{
	enum io io = stream_flush(&session->stream);

	if (io != IO_DONE)
		return progress_of_io(io);
	stream_bulk_end(&session->stream);
	session_phase_set(session, PHASE_MORE);
	return GO_ON;
}

static enum progress phase_login(struct session *session)
{
	enum command_step step;

	return login_answered(session, &step) ? step_apply(session, step) : WAIT_WAKE;
}

/* Sends our last words, then reads what the peer still sends until it closes too. */
static enum progress phase_closing(struct session *session)
{
	struct stream *stream = &session->stream;
	enum io io = stream_flush(stream);

	if (io != IO_DONE)
		return progress_of_io(io);
	if (!stream->is_shut) {
		stream_shutdown(stream);
		stream_expect(stream, LINGER_MS);
	}
	stream_input_discard(stream);
	io = stream_fill(stream);
	return io == IO_WANT_OUTPUT ? FINISH : progress_of_io(io);
}

static enum progress phase_run(struct session *session)
{
	switch (session->phase) {
	case PHASE_BEGIN:
		return phase_begin(session);
	case PHASE_NAMING:
		return phase_naming(session);
	case PHASE_HANDSHAKE:
		return phase_handshake(session);
	case PHASE_GREETING:
		return step_apply(session, session->protocol->greet(session));
	case PHASE_COMMAND:
		return phase_command(session);
	case PHASE_LINE:
		return phase_line(session);
	case PHASE_MORE:
		return phase_more(session);
	case PHASE_BODY:
		return phase_body(session);
	case PHASE_WAIT:
		session_phase_set(session, PHASE_MORE);
		return GO_ON;
	case PHASE_LISTEN:
		return phase_listen(session);
	case PHASE_FLUSH:
		return phase_flush(session);
	case PHASE_LOGIN:
		return phase_login(session);
	case PHASE_STARTTLS:
		return phase_starttls(session);
	case PHASE_CLOSING:
		return phase_closing(session);
	}
	return FINISH;
}

/* Lets a peer that does not read feel it before more is made for it. */
static enum progress output_drain(struct session *session)
{
	if (!stream_is_full(&session->stream))
		return GO_ON;
	return progress_of_io(stream_flush(&session->stream));
}

/* Closes without a word. */
static void session_cut(struct session *session)
{
	stream_expect(&session->stream, CLOSING_MS);
	session->stream.broken = IO_BROKEN;
	session_phase_set(session, PHASE_CLOSING);
}

/* The peer's time is up: says so if the protocol can be spoken, then closes. */
static void session_expire(struct session *session)
{
	if (session->phase == PHASE_HANDSHAKE) {
		tls_handshake_expire(session->stream.transport_state);
		handshake_log_failure(session);
	}
	if (session->phase == PHASE_HANDSHAKE || session->phase == PHASE_CLOSING ||
	    session->phase == PHASE_STARTTLS) {
		session_cut(session);
		return;
	}
	enum refusal refusal = stream_is_bulk(&session->stream) ? REFUSAL_TOO_SLOW
								: REFUSAL_IDLE_TOO_LONG;
	if (session->phase == PHASE_MORE || session->phase == PHASE_FLUSH ||
	    session->phase == PHASE_LISTEN) {
		/* Words within an answer would be taken for a part of it. */
		session_limit_log(session, refusal_text(refusal));
		session_cut(session);
		return;
	}
	step_apply(session, session_refuse(session, refusal, NULL));
}

static int idle_ms(const struct session *session)
{
	int own = session->user.account != 0 ? session->protocol->idle_after_login_ms
					     : session->protocol->idle_before_login_ms;

	int limit = (int)session->limits->idle_seconds * 1000;

	return own != 0 && own < limit ? own : limit;
}

/* Sets the deadline that fits what the session waits for, and lets go of idle buffers. */
static enum step session_wait(struct session *session, enum progress progress)
{
	struct stream *stream = &session->stream;

	if (progress == WAIT_OUTPUT && !stream_is_bulk(stream) &&
	    session->phase != PHASE_CLOSING && session->phase != PHASE_HANDSHAKE)
		transfer_begin(session);
	if (progress == WAIT_INPUT) {
		if (stream_is_bulk(stream) && session->phase != PHASE_BODY)
			stream_bulk_end(stream);
		if (stream->deadline_ms == 0)
			stream_expect(stream, idle_ms(session));
		stream_rest(stream);
	}
	session->task.deadline_ms = progress == WAIT_WAKE ? 0 : stream->deadline_ms;
	return progress == WAIT_INPUT	 ? STEP_WAIT_INPUT
	       : progress == WAIT_OUTPUT ? STEP_WAIT_OUTPUT
					 : STEP_WAIT_WAKE;
}

static enum step session_run(struct task *task)
{
	struct session *session = list_entry(task, struct session, task);
	int64_t started = clock_mono_ms();

	if (task->is_expired)
		session_expire(session);
	else if (session_is_stopping(session) &&
		 (session->phase == PHASE_HANDSHAKE || session->phase == PHASE_NAMING))
		return STEP_END;
	for (;;) {
		enum progress progress = output_drain(session);
		if (progress == GO_ON)
			progress = phase_run(session);
		if (progress == FINISH)
			return STEP_END;
		if (progress != GO_ON)
			return session_wait(session, progress);
		if (clock_mono_ms() - started >= RUN_MS)
			return STEP_AGAIN;
	}
}

static void session_end(struct task *task)
{
	struct session *session = list_entry(task, struct session, task);
	struct metrics *metrics = session_metrics(session);
	enum service_id service = session->service->id;

	login_drop(session);
	peer_end(session);
	session_feed_unwatch(session);
	if (session->protocol->end != NULL)
		session->protocol->end(session);
	metric_add(metrics, service, METRIC_CONNECTIONS_OPEN, -1);
	metric_add(metrics, service, METRIC_BYTES_IN, (int64_t)session->stream.bytes_in);
	metric_add(metrics, service, METRIC_BYTES_OUT, (int64_t)session->stream.bytes_out);
	stream_done(&session->stream);
	body_drop(&session->body);
	arena_wipe(&session->arena);
	front_leave(session->front, session);
	snapshot_unref(&session->snapshot);
	free(session->user.name);
	free(session->state);
	free(session);
}

static const struct task_ops session_task_ops = {.run = session_run, .end = session_end};

static struct session *session_new(struct front *front, enum service_id service,
				   const struct protocol *protocol, int fd)
{
	struct session *session = calloc(1, sizeof(*session));

	CHECK(session != NULL);
	session->front = front;
	session->protocol = protocol;
	session->snapshot = front_snapshot_get(front);
	session->service = &session->snapshot->config->services[service];
	session->limits = &session->snapshot->config->limits;
	session->state = calloc(1, protocol->state_size == 0 ? 1 : protocol->state_size);
	CHECK(session->state != NULL);
	session->task.ops = &session_task_ops;
	session->task.fd = fd;
	size_t line_max = session->limits->line_bytes + SMTP_AUTH_LINE_MAX;
	stream_init(&session->stream, fd,
		    protocol->input_max < line_max ? line_max : protocol->input_max);
	arena_init(&session->arena, session->stream.in_max * 2 + ARENA_EXTRA);
	body_init(&session->body);
	return session;
}

static void peer_describe(struct session *session, const struct sockaddr_in6 *peer)
{
	socklen_t len = sizeof(session->local);

	session->peer = *peer;
	if (getsockname(session->stream.fd, (struct sockaddr *)&session->local, &len) != 0)
		session->local.sin6_family = AF_INET6;
	if (IN6_IS_ADDR_V4MAPPED(&peer->sin6_addr))
		inet_ntop(AF_INET, &peer->sin6_addr.s6_addr[12], session->peer_text,
			  sizeof(session->peer_text));
	else
		inet_ntop(AF_INET6, &peer->sin6_addr, session->peer_text,
			  sizeof(session->peer_text));
	session->is_own = own_peers_has(&session->front->metrics.shared->own_peers, peer);
	session->is_exempt = session->is_own || config_is_exempt(session->snapshot->config,
								 peer->sin6_addr.s6_addr);
}

/*
 * Answers go out whole, so none has to wait for the peer's word on what went before: tickets of TLS
 * held the first one back for the 40 ms that a peer may take. A socket that is not TCP has no such option.
 */
static void delays_forbid(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void refusal_log(const struct session *session, enum refusal refusal)
{
	if (!front_refusal_is_news(session->front, session, clock_mono_ms()))
		return;
	log_printf(session_log(session), LOG_WARNING, "%s: connection from %s refused: %s",
		   service_name(session->service->id), session->peer_text, refusal_text(refusal));
}

void front_accept(struct front *front, enum service_id service, const struct protocol *protocol,
		  int fd, const struct sockaddr_in6 *peer)
{
	struct session *session = session_new(front, service, protocol, fd);
	enum refusal refusal;

	delays_forbid(fd);
	peer_describe(session, peer);
	struct metrics *metrics = session_metrics(session);
	metric_add(metrics, service, METRIC_CONNECTIONS, 1);
	metric_add(metrics, service, METRIC_CONNECTIONS_OPEN, 1);
	bool is_welcome = front_enter(front, session, &refusal);
	/* A refusal would have to be said inside TLS, which is what a flood wants us to pay for. */
	session_phase_set(session, is_welcome ? PHASE_BEGIN : PHASE_CLOSING);
	if (!is_welcome) {
		metric_add(metrics, service, METRIC_CONNECTIONS_REFUSED, 1);
		refusal_log(session, refusal);
		if (session->service->tls != SERVICE_TLS_IMPLICIT)
			step_apply(session, session_refuse(session, refusal, NULL));
	}
	task_start(front->waiter, &session->task);
}
