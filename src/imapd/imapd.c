/* SPDX-License-Identifier: Apache-2.0 */
#include "imapd/imapd.h"

#include "imapd/append.h"
#include "imapd/change.h"
#include "imapd/fetch.h"
#include "imapd/gather.h"
#include "imapd/mailboxes.h"
#include "imapd/search.h"
#include "imapd/selected.h"
#include "proto/imap_write.h"

enum {
	/* RFC 3501 section 5.4: at least 30 minutes. */
	IDLE_AFTER_LOGIN_MS = 31 * 60 * 1000,
	IDLE_BEFORE_LOGIN_MS = 60 * 1000,
};

enum {
	IN_NOT_AUTHENTICATED = 1u << IMAPD_NOT_AUTHENTICATED,
	IN_AUTHENTICATED = 1u << IMAPD_AUTHENTICATED | 1u << IMAPD_SELECTED,
	IN_SELECTED = 1u << IMAPD_SELECTED,
	IN_ANY = (1u << IMAPD_STATE_COUNT) - 1,
};

void imapd_state_set(struct session *session, enum imapd_state state)
{
	imapd_of(session)->state = state;
}

enum command_step imapd_resume_by(struct session *session,
				  enum command_step (*resume)(struct session *session))
{
	imapd_of(session)->resume = resume;
	return COMMAND_MORE;
}

void job_done(struct job *job)
{
	uid_set_done(&job->uids);
	uid_set_done(&job->changed);
	if (job->has_content)
		mail_content_close(&job->content);
	buf_done(&job->text);
	buf_done(&job->numbers);
	*job = (struct job){0};
}

/* ---- commands in any state ---- */

static enum command_step cmd_capability(struct session *session, void *arguments)
{
	struct buf *out = session_out(session);

	buf_append_c(out, "* ");
	reply_append_capabilities(session, out);
	buf_append_c(out, "\r\n");
	return selected_finish(session, true, "Capabilities listed");
}

/* NOOP and CHECK: what others changed is told. */
static enum command_step cmd_noop(struct session *session, void *arguments)
{
	return selected_finish(session, true, "Done");
}

static enum command_step cmd_logout(struct session *session, void *arguments)
{
	selected_leave(session, true);
	reply_untagged(session, "BYE Until next time");
	reply_ok(session, "Logged out");
	return COMMAND_END;
}

/* RFC 2971: who we are; who the client says it is helps nobody here. */
static enum command_step cmd_id(struct session *session, void *arguments)
{
	reply_untagged(session, "ID (\"name\" \"Postern\" \"version\" \"%s\")", POSTERN_VERSION);
	return selected_finish(session, true, "Identified");
}

/* ---- before login ---- */

static enum command_step cmd_starttls(struct session *session, void *arguments)
{
	if (!session_may_starttls(session))
		return reply_bad(session, "STARTTLS is not available here");
	reply_ok(session, "Begin TLS now");
	return COMMAND_STARTTLS;
}

static enum command_step cmd_login(struct session *session, void *arguments)
{
	const struct imap_command *command = arguments;

	return session_login_password(session, "LOGIN", command->login.user,
				      command->login.password);
}

static enum command_step cmd_authenticate(struct session *session, void *arguments)
{
	const struct imap_command *command = arguments;
	struct str initial = command->authenticate.initial;
	enum sasl_mechanism mechanism;

	if (!session_may_login(session))
		return session_refuse(session, REFUSAL_PLAIN_LOGIN, session->command);
	if (!session_mechanism_find(session, command->authenticate.mechanism, &mechanism))
		return reply_no(session, "[CANNOT] That mechanism is not available");
	return session_login_sasl(session, mechanism, initial.ptr != NULL, initial);
}

static enum command_step imapd_login_done(struct session *session,
					  enum login_outcome_kind outcome)
{
	struct buf text = BUF_INIT(1000);

	switch (outcome) {
	case LOGIN_ACCEPTED:
		break;
	case LOGIN_REFUSED:
		reply_no(session, "[AUTHENTICATIONFAILED] Wrong user name or password");
		return reply_mistake_count(session);
	case LOGIN_BLOCKED_ADDRESS:
		return reply_no(session, "[LIMIT] Too many failed logins from your address, "
					 "try again later");
	case LOGIN_TEMPORARY:
		return reply_no(session, "[UNAVAILABLE] Logins cannot be checked now");
	case LOGIN_CANCELLED:
		return reply_bad(session, "Authentication cancelled");
	case LOGIN_MALFORMED:
		return reply_bad(session, "That is not what the mechanism wants");
	}
	imapd_state_set(session, IMAPD_AUTHENTICATED);
	buf_append_char(&text, '[');
	reply_append_capabilities(session, &text);
	buf_append_str(&text, STR("] Logged in\0"));
	reply_ok(session, text.data);
	buf_done(&text);
	return COMMAND_DONE;
}

static void imapd_challenge(struct session *session, struct str base64)
{
	struct buf *out = session_out(session);

	buf_append_c(out, "+ ");
	buf_append_str(out, base64);
	buf_append_c(out, "\r\n");
}

/* ---- after login ---- */

static enum command_step cmd_enable(struct session *session, void *arguments)
{
	const struct imap_command *command = arguments;
	bool is_condstore = false;

	for (size_t i = 0; i < command->enable.count; i++)
		is_condstore |= str_equals_nocase(command->enable.items[i], STR("CONDSTORE"));
	reply_untagged(session, is_condstore ? "ENABLED CONDSTORE" : "ENABLED");
	if (is_condstore)
		selected_condstore_begin(session);
	return selected_finish(session, true, "Enabled");
}

/* Tells what changed, then waits on. */
static enum command_step idle_resume(struct session *session)
{
	switch (selected_sync(session, true)) {
	case SYNC_GONE:
		return selected_gone(session);
	case SYNC_MORE:
		return imapd_resume_by(session, idle_resume);
	case SYNC_DONE:
		break;
	}
	sequence_trim(&imapd_of(session)->selected.sequence);
	return COMMAND_LINE;
}

static enum command_step cmd_idle(struct session *session, void *arguments)
{
	imapd_of(session)->is_idling = true;
	session_feed_watch(session, session->user.account);
	buf_append_c(session_out(session), "+ idling\r\n");
	return idle_resume(session);
}

static enum command_step imapd_woken(struct session *session)
{
	session_feed_take(session);
	return imapd_of(session)->is_idling ? idle_resume(session) : COMMAND_LINE;
}

/* The line behind IDLE, or the end of an APPEND. */
static enum command_step imapd_line(struct session *session, struct str line)
{
	struct imapd *imapd = imapd_of(session);

	if (!imapd->is_idling)
		return append_line(session, line);
	imapd->is_idling = false;
	session_feed_unwatch(session);
	if (!str_equals_nocase(line, STR("DONE")))
		return reply_bad(session, "DONE was expected");
	return selected_finish(session, true, "Idle ended");
}

static enum command_step imapd_more(struct session *session)
{
	return imapd_of(session)->resume(session);
}

#define ROW(verb, in_states, command_flags, function)                                              \
	[IMAP_##verb] = {.name = STR_INIT(#verb), .states = (in_states),                           \
			 .flags = (command_flags), .run = (function), .more = imapd_more}

/* The state tells who has logged in; so a command out of place is refused for its state. */
static const struct command imapd_commands[IMAP_VERB_COUNT] = {
	ROW(CAPABILITY, IN_ANY, 0, cmd_capability),
	ROW(NOOP, IN_ANY, 0, cmd_noop),
	ROW(LOGOUT, IN_ANY, 0, cmd_logout),
	ROW(ID, IN_ANY, 0, cmd_id),
	ROW(STARTTLS, IN_NOT_AUTHENTICATED, COMMAND_NOT_IN_TLS | COMMAND_ENDS_GROUP, cmd_starttls),
	ROW(AUTHENTICATE, IN_NOT_AUTHENTICATED, COMMAND_TLS_IF_REQUIRED, cmd_authenticate),
	ROW(LOGIN, IN_NOT_AUTHENTICATED, COMMAND_TLS_IF_REQUIRED, cmd_login),
	ROW(ENABLE, IN_AUTHENTICATED, COMMAND_NEEDS_LOGIN, cmd_enable),
	ROW(SELECT, IN_AUTHENTICATED, COMMAND_NEEDS_LOGIN, cmd_select),
	ROW(EXAMINE, IN_AUTHENTICATED, COMMAND_NEEDS_LOGIN, cmd_select),
	ROW(CREATE, IN_AUTHENTICATED, COMMAND_NEEDS_LOGIN, cmd_create),
	ROW(DELETE, IN_AUTHENTICATED, COMMAND_NEEDS_LOGIN, cmd_delete),
	ROW(RENAME, IN_AUTHENTICATED, COMMAND_NEEDS_LOGIN, cmd_rename),
	ROW(SUBSCRIBE, IN_AUTHENTICATED, COMMAND_NEEDS_LOGIN, cmd_subscribe),
	ROW(UNSUBSCRIBE, IN_AUTHENTICATED, COMMAND_NEEDS_LOGIN, cmd_subscribe),
	ROW(LIST, IN_AUTHENTICATED, COMMAND_NEEDS_LOGIN, cmd_list),
	ROW(LSUB, IN_AUTHENTICATED, COMMAND_NEEDS_LOGIN, cmd_list),
	ROW(NAMESPACE, IN_AUTHENTICATED, COMMAND_NEEDS_LOGIN, cmd_namespace),
	ROW(STATUS, IN_AUTHENTICATED, COMMAND_NEEDS_LOGIN, cmd_mailbox_status),
	ROW(APPEND, IN_AUTHENTICATED, COMMAND_NEEDS_LOGIN, cmd_append),
	ROW(IDLE, IN_AUTHENTICATED, COMMAND_NEEDS_LOGIN, cmd_idle),
	ROW(CHECK, IN_SELECTED, COMMAND_NEEDS_LOGIN, cmd_noop),
	ROW(CLOSE, IN_SELECTED, COMMAND_NEEDS_LOGIN, cmd_close),
	ROW(UNSELECT, IN_SELECTED, COMMAND_NEEDS_LOGIN, cmd_close),
	ROW(EXPUNGE, IN_SELECTED, COMMAND_NEEDS_LOGIN, cmd_expunge),
	ROW(SEARCH, IN_SELECTED, COMMAND_NEEDS_LOGIN, cmd_search),
	ROW(FETCH, IN_SELECTED, COMMAND_NEEDS_LOGIN, cmd_fetch),
	ROW(STORE, IN_SELECTED, COMMAND_NEEDS_LOGIN, cmd_store),
	ROW(COPY, IN_SELECTED, COMMAND_NEEDS_LOGIN, cmd_copy),
	ROW(MOVE, IN_SELECTED, COMMAND_NEEDS_LOGIN, cmd_copy),
};

#undef ROW

/* ---- the protocol ---- */

static enum command_step imapd_greet(struct session *session)
{
	struct buf *out = session_out(session);

	/* RFC 3501 section 6.2.1: after STARTTLS the client speaks first. */
	if (session->tls_started_here)
		return COMMAND_DONE;
	buf_append_c(out, "* OK [");
	reply_append_capabilities(session, out);
	buf_append_c(out, "] ");
	buf_append_str(out, session_hostname(session));
	buf_append_c(out, " Postern is ready\r\n");
	return COMMAND_DONE;
}

static struct str without_line_end(struct str text)
{
	if (text.len > 0 && text.ptr[text.len - 1] == '\n')
		text.len--;
	if (text.len > 0 && text.ptr[text.len - 1] == '\r')
		text.len--;
	return text;
}

static enum command_step imapd_execute(struct session *session, struct str text)
{
	struct imapd *imapd = imapd_of(session);
	struct imap_command *command = arena_new(&session->arena, struct imap_command);
	bool is_literal_refused = imapd->is_literal_refused;

	CHECK(command != NULL);
	job_done(&imapd->job);
	imapd->is_literal_refused = false;
	bool is_good = imap_command_parse(&session->arena, without_line_end(text), command);
	imapd->command = command;
	imapd->tag = command->tag;
	if (is_literal_refused)
		return reply_no(session, "[LIMIT] The literal is larger than the server allows");
	if (!is_good)
		return reply_bad(session, command->error);
	return command_run(session, &imapd_commands[command->verb], imapd->state, command);
}

static void imapd_refuse(struct session *session, enum refusal refusal,
			 const struct command *command)
{
	static const struct {
		const char *word; /* NULL: BYE */
		const char *code;
	} rows[REFUSAL_COUNT] = {
		[REFUSAL_LINE_TOO_LONG] = {"BAD", "[LIMIT] "},
		[REFUSAL_STATE] = {"BAD", ""},
		[REFUSAL_NEEDS_LOGIN] = {"BAD", ""},
		[REFUSAL_LOGGED_IN] = {"BAD", ""},
		[REFUSAL_NEEDS_TLS] = {"NO", "[PRIVACYREQUIRED] "},
		[REFUSAL_IN_TLS] = {"BAD", ""},
		[REFUSAL_PLAIN_LOGIN] = {"NO", "[PRIVACYREQUIRED] "},
	};
	const char *text = refusal_text(refusal);
	struct str tag = command == NULL ? STR("*") : imapd_of(session)->tag;

	if (rows[refusal].word == NULL)
		reply_untagged(session, "BYE %c%s", ascii_upper(text[0]), text + 1);
	else
		buf_printf(session_out(session), "%.*s %s %s%c%s\r\n", STR_ARG(tag),
			   rows[refusal].word, rows[refusal].code, ascii_upper(text[0]),
			   text + 1);
}

static void imapd_end(struct session *session)
{
	struct imapd *imapd = imapd_of(session);

	job_done(&imapd->job);
	sequence_done(&imapd->selected.sequence);
}

const struct protocol imapd_protocol = {
	.name = STR_INIT("IMAP"),
	.state_size = sizeof(struct imapd),
	.input_max = GATHER_INPUT_MAX,
	.idle_before_login_ms = IDLE_BEFORE_LOGIN_MS,
	.idle_after_login_ms = IDLE_AFTER_LOGIN_MS,
	.greet = imapd_greet,
	.gather = imapd_gather,
	.execute = imapd_execute,
	.line = imapd_line,
	.woken = imapd_woken,
	.challenge = imapd_challenge,
	.login_done = imapd_login_done,
	.refuse = imapd_refuse,
	.end = imapd_end,
};
