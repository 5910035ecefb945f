/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/session.h"

#include "base/encode.h"
#include "base/log.h"

enum { COMMAND_MAX = 4 * SECRET_MAX, SHOWN_MAX = 256 };

static void stage_set(struct fetch_session *session, enum fetch_session_stage stage)
{
	session->stage = stage;
}

void fetch_session_init(struct fetch_session *session, const struct fetch_session_parts *parts)
{
	*session = (struct fetch_session){.may_clear = parts->may_clear,
					  .message_bytes = parts->message_bytes,
					  .max_messages = parts->max_messages,
					  .max_bytes = parts->max_bytes,
					  .min_bytes_per_s = parts->min_bytes_per_s};
	pop3_client_init(&session->client, &parts->client);
	fetch_listing_init(&session->listing);
	spool_init(&session->spool, 0);
	if (!secret_set(&session->user, parts->user) ||
	    !secret_set(&session->password, parts->password))
		outbound_fail(&session->client.outbound, OUTBOUND_REFUSED,
			      "is not logged in to: user or password is too long");
}

static void secrets_wipe(struct fetch_session *session)
{
	secret_wipe(&session->user);
	secret_wipe(&session->password);
}

void fetch_session_done(struct fetch_session *session)
{
	secrets_wipe(session);
	pop3_client_done(&session->client);
	fetch_listing_done(&session->listing);
	spool_done(&session->spool);
}

void fetch_session_expire(struct fetch_session *session)
{
	pop3_client_expire(&session->client);
}

void fetch_session_stop(struct fetch_session *session)
{
	session->is_stopping = true;
}

/* ---- failing ---- */

static void refused(struct fetch_session *session, const char *what)
{
	struct outbound *outbound = &session->client.outbound;

	outbound_fail(outbound, OUTBOUND_REFUSED, "%s: -ERR ", what);
	text_append_phrase(&outbound->why, str_sub(session->client.reply.text, 0, SHOWN_MAX));
}

/* ---- login ---- */

/* A line end in it would be a command of its own. */
static bool is_one_line(struct str text)
{
	return str_find_char(text, '\r') == STR_NONE && str_find_char(text, '\n') == STR_NONE &&
	       str_find_char(text, '\0') == STR_NONE;
}

static void secret_say(struct fetch_session *session, const char *verb, struct str text)
{
	struct buf command = BUF_INIT(COMMAND_MAX);

	buf_append_c(&command, verb);
	buf_append_str(&command, text);
	CHECK(!command.failed);
	pop3_client_say(&session->client, buf_str(&command), false);
	buf_wipe(&command);
}

/* RFC 5034, for servers that have nothing else. */
static void plain_say(struct fetch_session *session)
{
	struct buf message = BUF_INIT(COMMAND_MAX), text = BUF_INIT(COMMAND_MAX);

	buf_append_char(&message, '\0');
	buf_append_str(&message, secret_reveal(&session->user));
	buf_append_char(&message, '\0');
	buf_append_str(&message, secret_reveal(&session->password));
	base64_encode(&text, buf_str(&message));
	secret_say(session, "AUTH PLAIN ", buf_str(&text));
	buf_wipe(&message);
	buf_wipe(&text);
}

static void login_begin(struct fetch_session *session)
{
	struct outbound *outbound = &session->client.outbound;
	unsigned capabilities = session->client.capabilities;

	if (!outbound_facts(outbound).is_active && !session->may_clear)
		outbound_fail(outbound, OUTBOUND_NO_TLS,
			      "is not logged in to: it gave no TLS, and a password is not sent in "
			      "the clear");
	else if (!is_one_line(secret_reveal(&session->user)) ||
		 !is_one_line(secret_reveal(&session->password)))
		outbound_fail(outbound, OUTBOUND_REFUSED,
			      "is not logged in to: user or password has a line end in it");
	else if (pop3_capabilities_has(capabilities, POP3_CAPABILITY_SASL) &&
		 !pop3_capabilities_has(capabilities, POP3_CAPABILITY_USER)) {
		plain_say(session);
		stage_set(session, FETCH_SESSION_PASSWORD);
	} else {
		secret_say(session, "USER ", secret_reveal(&session->user));
		stage_set(session, FETCH_SESSION_USER);
	}
}

static void login_refused(struct fetch_session *session)
{
	session->is_login_refused = true;
	refused(session, "refuses the login");
}

static void user_take(struct fetch_session *session)
{
	if (!session->client.reply.is_ok) {
		login_refused(session);
		return;
	}
	secret_say(session, "PASS ", secret_reveal(&session->password));
	stage_set(session, FETCH_SESSION_PASSWORD);
}

static void password_take(struct fetch_session *session)
{
	secrets_wipe(session);
	if (!session->client.reply.is_ok) {
		login_refused(session);
		return;
	}
	pop3_client_say_long(&session->client, STR("UIDL"), session->min_bytes_per_s);
	stage_set(session, FETCH_SESSION_UIDL);
}

/* ---- lists ---- */

static void list_reply_take(struct fetch_session *session)
{
	if (session->client.reply.is_ok)
		return;
	refused(session, session->stage == FETCH_SESSION_UIDL
				 ? "has no UIDL, without which nobody can tell what was fetched before, so "
				   "that nothing is"
				 : "does not list its messages");
}

static void list_bytes_take(struct fetch_session *session)
{
	bool is_uidl = session->stage == FETCH_SESSION_UIDL;
	struct str rest = session->client.bytes;
	enum fetch_listing_state state = is_uidl ? fetch_listing_uidl(&session->listing, &rest)
						 : fetch_listing_sizes(&session->listing, &rest);

	pop3_client_take(&session->client, session->client.bytes.len - rest.len,
			 state == FETCH_LISTING_DONE);
	if (state == FETCH_LISTING_BROKEN) {
		outbound_fail(&session->client.outbound, OUTBOUND_NONSENSE, "%s",
			      session->listing.why);
		return;
	}
	if (state == FETCH_LISTING_MORE)
		return;
	if (is_uidl)
		pop3_client_say_long(&session->client, STR("LIST"), session->min_bytes_per_s);
	stage_set(session, is_uidl ? FETCH_SESSION_SIZES : FETCH_SESSION_CHOOSING);
}

/* ---- messages ---- */

static void message_say(struct fetch_session *session, const char *verb, bool is_long)
{
	struct buf command = BUF_INIT(64);

	buf_printf(&command, "%s %u", verb, session->message->number);
	if (is_long)
		pop3_client_say_long(&session->client, buf_str(&command),
				     session->min_bytes_per_s);
	else
		pop3_client_say(&session->client, buf_str(&command), false);
	buf_done(&command);
}

static void delete_begin(struct fetch_session *session)
{
	message_say(session, "DELE", false);
	stage_set(session, FETCH_SESSION_DELE);
}

static void retrieve_begin(struct fetch_session *session)
{
	spool_init(&session->spool, session->message_bytes);
	pop3_body_init(&session->body);
	message_say(session, "RETR", true);
	stage_set(session, FETCH_SESSION_RETR);
}

/* True when no more is fetched in this session; what is here already is deleted all the same. */
static bool is_full(const struct fetch_session *session, const struct fetch_message *message)
{
	if (session->fetched >= session->max_messages)
		return true;
	/* One message always comes, or it would never do. */
	return session->fetched > 0 && (session->fetched_bytes >= session->max_bytes ||
					message->bytes > session->max_bytes - session->fetched_bytes);
}

static void quit_begin(struct fetch_session *session)
{
	pop3_client_say(&session->client, STR("QUIT"), false);
	stage_set(session, FETCH_SESSION_QUIT);
}

/* Begins with the next message that something is to be done with; true when it is to be told. */
static bool next_begin(struct fetch_session *session)
{
	while (session->at < session->listing.count && !session->is_stopping) {
		session->message = &session->listing.messages[session->at++];
		switch (session->message->action) {
		case FETCH_ACTION_LEAVE:
			break;
		case FETCH_ACTION_REFUSE:
			return true;
		case FETCH_ACTION_DELETE:
			delete_begin(session);
			return false;
		case FETCH_ACTION_RETRIEVE:
			if (is_full(session, session->message))
				break;
			retrieve_begin(session);
			return false;
		}
	}
	quit_begin(session);
	return false;
}

static void retr_take(struct fetch_session *session)
{
	/* Another session may have deleted it: servers of today allow that. */
	stage_set(session, session->client.reply.is_ok ? FETCH_SESSION_BODY : FETCH_SESSION_NEXT);
}

/* False when the message is larger than it may be. */
static bool body_bytes_take(struct fetch_session *session)
{
	struct str rest = session->client.bytes, run;

	while ((run = pop3_body_step(&session->body, &rest)).len > 0)
		spool_append(&session->spool, run);
	pop3_client_take(&session->client, session->client.bytes.len - rest.len,
			 session->body.is_done);
	if (session->body.is_done && !session->spool.is_too_large) {
		session->fetched++;
		session->fetched_bytes += session->spool.size_bytes;
		stage_set(session, FETCH_SESSION_SETTLING);
	}
	return !session->spool.is_too_large;
}

void fetch_session_settle(struct fetch_session *session, bool is_deleted)
{
	CHECK(session->stage == FETCH_SESSION_SETTLING);
	spool_done(&session->spool);
	if (is_deleted)
		delete_begin(session);
	else
		stage_set(session, FETCH_SESSION_NEXT);
}

static void dele_take(struct fetch_session *session)
{
	/* What it does not delete now is deleted by a later session. */
	session->message->is_deleted = session->client.reply.is_ok;
	session->deleted += session->client.reply.is_ok;
	stage_set(session, FETCH_SESSION_NEXT);
}

/* ---- going on ---- */

static void reply_take(struct fetch_session *session)
{
	switch (session->stage) {
	case FETCH_SESSION_USER:
		user_take(session);
		break;
	case FETCH_SESSION_PASSWORD:
		password_take(session);
		break;
	case FETCH_SESSION_UIDL:
	case FETCH_SESSION_SIZES:
		list_reply_take(session);
		break;
	case FETCH_SESSION_RETR:
		retr_take(session);
		break;
	case FETCH_SESSION_DELE:
		dele_take(session);
		break;
	case FETCH_SESSION_QUIT:
		session->is_farewell_kept = session->client.reply.is_ok;
		stage_set(session, FETCH_SESSION_ENDED);
		break;
	default:
		CHECK(!"a stage that waits for an answer");
	}
}

/* What the runner has to know, or to do; false when there is nothing of the kind. */
static bool must_tell(struct fetch_session *session, enum fetch_session_step *step_out)
{
	switch (session->stage) {
	case FETCH_SESSION_CHOOSING:
		stage_set(session, FETCH_SESSION_NEXT);
		*step_out = FETCH_SESSION_LISTED;
		return true;
	case FETCH_SESSION_NEXT:
		*step_out = FETCH_SESSION_REFUSED;
		return next_begin(session);
	case FETCH_SESSION_SETTLING:
		*step_out = FETCH_SESSION_MESSAGE;
		return true;
	case FETCH_SESSION_ENDED:
		*step_out = FETCH_SESSION_OVER;
		return true;
	default:
		return false;
	}
}

/* True while the visit goes on; false when it must wait, or something is to be told. */
static bool client_step(struct fetch_session *session, enum fetch_session_step *step_out)
{
	*step_out = FETCH_SESSION_FAILED;
	switch (pop3_client_step(&session->client)) {
	case OUTBOUND_WAIT_INPUT:
		*step_out = FETCH_SESSION_WAIT_INPUT;
		return false;
	case OUTBOUND_WAIT_OUTPUT:
		*step_out = FETCH_SESSION_WAIT_OUTPUT;
		return false;
	case OUTBOUND_READY:
		login_begin(session);
		return true;
	case OUTBOUND_REPLY:
		reply_take(session);
		return true;
	case OUTBOUND_BYTES:
		if (session->stage != FETCH_SESSION_BODY)
			list_bytes_take(session);
		else if (!body_bytes_take(session)) {
			outbound_fail(&session->client.outbound, OUTBOUND_NONSENSE,
				      "sent message %u, which is larger than it may be and than it was "
				      "said to be",
				      session->message->number);
			*step_out = FETCH_SESSION_REFUSED;
			return false;
		}
		return true;
	default:
		return false;
	}
}

enum fetch_session_step fetch_session_step(struct fetch_session *session)
{
	enum fetch_session_step step;

	while (outbound_is_whole(&session->client.outbound)) {
		if (must_tell(session, &step))
			return step;
		if (!client_step(session, &step))
			return step;
	}
	return FETCH_SESSION_FAILED;
}
