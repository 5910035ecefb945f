/* SPDX-License-Identifier: Apache-2.0 */
#include "pop3d/pop3d.h"

#include <stdlib.h>

#include "pop3d/maildrop.h"
#include "proto/pop3.h"

enum {
	INPUT_MAX = 16 * 1024,
	IDLE_BEFORE_LOGIN_MS = 3 * 60 * 1000,
	/* What one call of a `more` makes. */
	PIECE_BYTES = 32 * 1024,
	LIST_LINES = 1000
};

/* The UPDATE state is QUIT itself. */
enum pop3d_state { POP3D_AUTHORIZATION, POP3D_TRANSACTION };

enum { IN_AUTHORIZATION = 1u << POP3D_AUTHORIZATION, IN_TRANSACTION = 1u << POP3D_TRANSACTION };

struct pop3d {
	enum pop3d_state state;
	char *user; /* named by USER, waits for PASS; owned */
	struct maildrop drop;

	/* LIST and UIDL on their way out. */
	size_t listed;

	/* RETR and TOP on their way out. */
	bool is_sending;
	struct mail_content content;
	struct str parts[2]; /* what is left of prefix and body */
	struct pop3_encoder encoder;
};

static struct pop3d *pop3d_of(const struct session *session)
{
	return session->state;
}

static void pop3d_state_set(struct session *session, enum pop3d_state state)
{
	pop3d_of(session)->state = state;
}

static enum command_step say(struct session *session, const char *text)
{
	buf_append_c(session_out(session), text);
	buf_append_str(session_out(session), STR("\r\n"));
	return COMMAND_DONE;
}

static void refusal_say(struct session *session, enum refusal refusal,
			const struct command *command)
{
	static const char *const rows[REFUSAL_COUNT] = {
		/* RFC 1939 section 3: an idle session is closed without a word. */
		[REFUSAL_IDLE_TOO_LONG] = NULL,
		[REFUSAL_TOO_SLOW] = NULL,
		[REFUSAL_LINE_TOO_LONG] = "-ERR Command line too long",
		[REFUSAL_TOO_MANY_CONNECTIONS] =
			"-ERR [SYS/TEMP] Too many connections from your address",
		[REFUSAL_SERVICE_FULL] = "-ERR [SYS/TEMP] Too many connections, try later",
		[REFUSAL_TOO_MANY_COMMANDS] = "-ERR Too many commands without a login",
		[REFUSAL_TOO_MANY_ERRORS] = "-ERR Too many errors",
		[REFUSAL_STOPPING] = "-ERR [SYS/TEMP] The server is shutting down",
		[REFUSAL_STATE] = "-ERR The command is not possible in this state",
		[REFUSAL_NEEDS_LOGIN] = "-ERR Log in first",
		[REFUSAL_LOGGED_IN] = "-ERR Logged in already",
		[REFUSAL_NEEDS_TLS] = "-ERR Begin TLS with STLS first",
		[REFUSAL_IN_TLS] = "-ERR TLS is active already",
		[REFUSAL_PIPELINED] = "-ERR Nothing may be sent behind this command",
		[REFUSAL_PLAIN_LOGIN] = "-ERR Logins need TLS: begin with STLS",
	};

	CHECK(refusal < REFUSAL_COUNT);
	if (rows[refusal] != NULL)
		say(session, rows[refusal]);
}

static enum command_step mistake_count(struct session *session)
{
	if (!session_error_count(session))
		return COMMAND_DONE;
	return session_refuse(session, REFUSAL_TOO_MANY_ERRORS, NULL);
}

static enum command_step mistake_say(struct session *session, const char *text)
{
	say(session, text);
	return mistake_count(session);
}

static enum command_step pop3d_greet(struct session *session)
{
	struct pop3d *pop3d = pop3d_of(session);

	if (session->tls_started_here) {
		/* What was said in the clear is forgotten. */
		free(pop3d->user);
		pop3d->user = NULL;
		return COMMAND_DONE;
	}
	buf_printf(session_out(session), "+OK %.*s POP3 Postern\r\n",
		   STR_ARG(session_hostname(session)));
	return COMMAND_DONE;
}

/* ---- AUTHORIZATION ---- */

static enum command_step cmd_capa(struct session *session, void *arguments)
{
	struct buf *out = session_out(session);

	buf_append_str(out, STR("+OK Capability list follows\r\n"
				"TOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"
				"EXPIRE NEVER\r\n"));
	if (session_may_login(session)) {
		buf_append_str(out, STR("USER\r\nSASL"));
		sasl_append_mechanisms(out, session_mechanisms(session), STR(" "), STR(""));
		buf_append_str(out, STR("\r\n"));
	}
	if (session_may_starttls(session))
		buf_append_str(out, STR("STLS\r\n"));
	buf_append_str(out, STR("IMPLEMENTATION Postern\r\n.\r\n"));
	return COMMAND_DONE;
}

static enum command_step cmd_stls(struct session *session, void *arguments)
{
	if (!session_may_starttls(session))
		return mistake_say(session, "-ERR STLS is not available here");
	say(session, "+OK Begin TLS");
	return COMMAND_STARTTLS;
}

static enum command_step cmd_user(struct session *session, void *arguments)
{
	const struct pop3_command *command = arguments;
	struct pop3d *pop3d = pop3d_of(session);

	if (!session_may_login(session)) {
		refusal_say(session, REFUSAL_PLAIN_LOGIN, NULL);
		return mistake_count(session);
	}
	free(pop3d->user);
	pop3d->user = str_dup_c(command->text);
	/* Whether there is such a user is told by PASS, for all alike. */
	return say(session, "+OK");
}

static enum command_step cmd_pass(struct session *session, void *arguments)
{
	const struct pop3_command *command = arguments;
	struct pop3d *pop3d = pop3d_of(session);

	if (pop3d->user == NULL)
		return mistake_say(session, "-ERR Say USER first");
	enum command_step step =
		session_login_password(session, "USER", str_from_c(pop3d->user), command->text);
	free(pop3d->user);
	pop3d->user = NULL;
	return step;
}

static enum command_step cmd_auth(struct session *session, void *arguments)
{
	const struct pop3_command *command = arguments;
	enum sasl_mechanism mechanism;

	if (!session_may_login(session)) {
		refusal_say(session, REFUSAL_PLAIN_LOGIN, NULL);
		return mistake_count(session);
	}
	/* Old clients ask for the list so; newer ones read CAPA. */
	if (str_is_empty(command->text)) {
		struct buf *out = session_out(session);
		buf_append_str(out, STR("+OK\r\n"));
		sasl_append_mechanisms(out, session_mechanisms(session), STR(""), STR("\r\n"));
		return say(session, ".");
	}
	if (!session_mechanism_find(session, command->text, &mechanism))
		return mistake_say(session, "-ERR Mechanism not available");
	return session_login_sasl(session, mechanism, command->has_initial, command->initial);
}

static void challenge_say(struct session *session, struct str base64)
{
	buf_printf(session_out(session), "+ %.*s\r\n", STR_ARG(base64));
}

static enum command_step maildrop_enter(struct session *session)
{
	struct pop3d *pop3d = pop3d_of(session);

	if (maildrop_open(session_store(session), session->user.account, &pop3d->drop) !=
	    FAULT_NONE) {
		say(session, "-ERR [SYS/TEMP] The mailbox cannot be opened now");
		return COMMAND_END;
	}
	pop3d_state_set(session, POP3D_TRANSACTION);
	buf_printf(session_out(session), "+OK %zu messages, %llu octets\r\n",
		   pop3d->drop.left_count, (unsigned long long)pop3d->drop.left_bytes);
	return COMMAND_DONE;
}

static enum command_step login_say(struct session *session, enum login_outcome_kind outcome)
{
	switch (outcome) {
	case LOGIN_ACCEPTED:
		return maildrop_enter(session);
	case LOGIN_REFUSED:
		return mistake_say(session, "-ERR [AUTH] Wrong user name or password");
	case LOGIN_BLOCKED_ADDRESS:
		return say(session,
			   "-ERR [SYS/TEMP] Too many failed logins from your address, try later");
	case LOGIN_TEMPORARY:
		return say(session, "-ERR [SYS/TEMP] Logins are not possible now");
	case LOGIN_CANCELLED:
		return say(session, "-ERR Cancelled");
	case LOGIN_MALFORMED:
		break;
	}
	return mistake_say(session, "-ERR Cannot decode the response");
}

/* ---- TRANSACTION ---- */

static enum command_step cmd_stat(struct session *session, void *arguments)
{
	const struct maildrop *drop = &pop3d_of(session)->drop;

	buf_printf(session_out(session), "+OK %zu %llu\r\n", drop->left_count,
		   (unsigned long long)drop->left_bytes);
	return COMMAND_DONE;
}

static void size_row_append(struct buf *to, const struct maildrop *drop, size_t number)
{
	buf_printf(to, "%zu %llu\r\n", number,
		   (unsigned long long)drop->messages[number - 1].size_bytes);
}

/* A UID never names another message while UIDVALIDITY stands (RFC 1939 section 7). */
static void uid_row_append(struct buf *to, const struct maildrop *drop, size_t number)
{
	buf_printf(to, "%zu %08x%08x\r\n", number, (unsigned)drop->uidvalidity,
		   (unsigned)drop->messages[number - 1].uid);
}

typedef void row_append(struct buf *to, const struct maildrop *drop, size_t number);

static enum command_step rows_say(struct session *session, const struct pop3_command *command,
				  row_append *append)
{
	struct pop3d *pop3d = pop3d_of(session);

	if (command->number == 0) {
		pop3d->listed = 0;
		say(session, "+OK");
		return COMMAND_MORE;
	}
	if (maildrop_get(&pop3d->drop, command->number) == NULL)
		return mistake_say(session, "-ERR No such message");
	buf_append_str(session_out(session), STR("+OK "));
	append(session_out(session), &pop3d->drop, command->number);
	return COMMAND_DONE;
}

static enum command_step rows_more(struct session *session, row_append *append)
{
	struct pop3d *pop3d = pop3d_of(session);

	for (int i = 0; i < LIST_LINES && pop3d->listed < pop3d->drop.count; i++)
		if (!pop3d->drop.messages[pop3d->listed++].is_deleted)
			append(session_out(session), &pop3d->drop, pop3d->listed);
	if (pop3d->listed < pop3d->drop.count)
		return COMMAND_MORE;
	return say(session, ".");
}

static enum command_step cmd_list(struct session *session, void *arguments)
{
	return rows_say(session, arguments, size_row_append);
}

static enum command_step list_more(struct session *session)
{
	return rows_more(session, size_row_append);
}

static enum command_step cmd_uidl(struct session *session, void *arguments)
{
	return rows_say(session, arguments, uid_row_append);
}

static enum command_step uidl_more(struct session *session)
{
	return rows_more(session, uid_row_append);
}

static enum fault content_open(struct session *session, const struct maildrop_message *message)
{
	struct view *view CLEANUP_VIEW = NULL;
	struct pop3d *pop3d = pop3d_of(session);

	enum fault fault = view_open(session_store(session), &view);
	if (fault == FAULT_NONE)
		fault = mail_content_open(view, session->user.account, message->message,
					  &pop3d->content);
	if (fault != FAULT_NONE)
		return fault;
	pop3d->is_sending = true;
	pop3d->parts[0] = pop3d->content.prefix;
	pop3d->parts[1] = pop3d->content.body;
	return FAULT_NONE;
}

static void content_close(struct pop3d *pop3d)
{
	if (pop3d->is_sending)
		mail_content_close(&pop3d->content);
	pop3d->is_sending = false;
}

static enum command_step send_begin(struct session *session, uint32_t number)
{
	const struct maildrop_message *message = maildrop_get(&pop3d_of(session)->drop, number);

	if (message == NULL)
		return mistake_say(session, "-ERR No such message");
	enum fault fault = content_open(session, message);
	if (fault == FAULT_NOT_FOUND)
		return say(session, "-ERR Another session has deleted this message");
	if (fault != FAULT_NONE) {
		log_printf(session_log(session), LOG_ERROR,
			   "POP3: message %llu of account %llu cannot be read: %s",
			   (unsigned long long)message->message,
			   (unsigned long long)session->user.account, fault_text(fault));
		return say(session, "-ERR [SYS/TEMP] The message cannot be read now");
	}
	buf_printf(session_out(session), "+OK %llu octets\r\n",
		   (unsigned long long)message->size_bytes);
	return COMMAND_MORE;
}

static enum command_step cmd_retr(struct session *session, void *arguments)
{
	const struct pop3_command *command = arguments;

	pop3_encoder_init(&pop3d_of(session)->encoder);
	return send_begin(session, command->number);
}

static enum command_step cmd_top(struct session *session, void *arguments)
{
	const struct pop3_command *command = arguments;

	pop3_encoder_init_top(&pop3d_of(session)->encoder, command->lines);
	return send_begin(session, command->number);
}

/* Encodes the next piece of the message; false when nothing is left to send. */
static bool piece_send(struct pop3d *pop3d, struct buf *out)
{
	struct str *part = pop3d->parts[0].len > 0 ? &pop3d->parts[0] : &pop3d->parts[1];
	struct str piece = str_sub(*part, 0, PIECE_BYTES);
	struct str run;

	if (part->len == 0 || pop3d->encoder.is_full)
		return false;
	*part = str_from(*part, piece.len);
	while ((run = pop3_encoder_step(&pop3d->encoder, &piece)).len > 0)
		buf_append_str(out, run);
	return true;
}

static enum command_step send_more(struct session *session)
{
	struct pop3d *pop3d = pop3d_of(session);

	if (piece_send(pop3d, session_out(session)))
		return COMMAND_MORE;
	buf_append_str(session_out(session), pop3_encoder_end(&pop3d->encoder));
	content_close(pop3d);
	return COMMAND_DONE;
}

static enum command_step cmd_dele(struct session *session, void *arguments)
{
	const struct pop3_command *command = arguments;
	struct maildrop *drop = &pop3d_of(session)->drop;
	struct maildrop_message *message = maildrop_get(drop, command->number);

	if (message == NULL)
		return mistake_say(session, "-ERR No such message");
	maildrop_delete(drop, message);
	return say(session, "+OK");
}

static enum command_step cmd_noop(struct session *session, void *arguments)
{
	return say(session, "+OK");
}

static enum command_step cmd_rset(struct session *session, void *arguments)
{
	maildrop_reset(&pop3d_of(session)->drop);
	return say(session, "+OK");
}

static enum command_step cmd_quit(struct session *session, void *arguments)
{
	struct pop3d *pop3d = pop3d_of(session);

	if (maildrop_commit(session_store(session), &pop3d->drop) != FAULT_NONE)
		say(session, "-ERR [SYS/TEMP] Some deleted messages were not removed");
	else
		say(session, "+OK Bye");
	return COMMAND_END;
}

#define ROW(verb, in_states, command_flags, ...)   \
	[POP3_##verb] = {.name = STR_INIT(#verb),  \
			 .states = (in_states),    \
			 .flags = (command_flags), \
			 __VA_ARGS__}

static const struct command pop3d_commands[POP3_VERB_COUNT] = {
	ROW(USER, IN_AUTHORIZATION, COMMAND_TLS_IF_REQUIRED, .run = cmd_user),
	ROW(PASS, IN_AUTHORIZATION, COMMAND_TLS_IF_REQUIRED, .run = cmd_pass),
	ROW(AUTH, IN_AUTHORIZATION, COMMAND_TLS_IF_REQUIRED, .run = cmd_auth),
	ROW(CAPA, IN_AUTHORIZATION | IN_TRANSACTION, 0, .run = cmd_capa),
	ROW(STLS, IN_AUTHORIZATION, COMMAND_NOT_IN_TLS | COMMAND_ENDS_GROUP, .run = cmd_stls),
	ROW(STAT, IN_TRANSACTION, 0, .run = cmd_stat),
	ROW(LIST, IN_TRANSACTION, 0, .run = cmd_list, .more = list_more),
	ROW(UIDL, IN_TRANSACTION, 0, .run = cmd_uidl, .more = uidl_more),
	ROW(RETR, IN_TRANSACTION, 0, .run = cmd_retr, .more = send_more),
	ROW(TOP, IN_TRANSACTION, 0, .run = cmd_top, .more = send_more),
	ROW(DELE, IN_TRANSACTION, 0, .run = cmd_dele),
	ROW(NOOP, IN_TRANSACTION, 0, .run = cmd_noop),
	ROW(RSET, IN_TRANSACTION, 0, .run = cmd_rset),
	ROW(QUIT, IN_AUTHORIZATION | IN_TRANSACTION, 0, .run = cmd_quit),
};

#undef ROW

static struct str line_end_cut(struct str line)
{
	if (line.len > 0 && line.ptr[line.len - 1] == '\n')
		line.len--;
	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

static enum command_step pop3d_execute(struct session *session, struct str line)
{
	struct pop3_command *command = arena_new(&session->arena, struct pop3_command);

	CHECK(command != NULL);
	enum pop3_error error = pop3_command_parse(line_end_cut(line), command);
	if (error != POP3_ERROR_NONE) {
		buf_printf(session_out(session), "-ERR %s\r\n", pop3_error_text(error));
		return mistake_count(session);
	}
	return command_run(session, &pop3d_commands[command->verb], pop3d_of(session)->state,
			   command);
}

static void pop3d_end(struct session *session)
{
	struct pop3d *pop3d = pop3d_of(session);

	content_close(pop3d);
	maildrop_close(&pop3d->drop);
	free(pop3d->user);
	pop3d->user = NULL;
}

const struct protocol pop3d_protocol = {
	.name = STR_INIT("POP3"),
	.state_size = sizeof(struct pop3d),
	.input_max = INPUT_MAX,
	.idle_before_login_ms = IDLE_BEFORE_LOGIN_MS,
	.greet = pop3d_greet,
	.execute = pop3d_execute,
	.challenge = challenge_say,
	.login_done = login_say,
	.refuse = refusal_say,
	.end = pop3d_end,
};
