/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/smtpd.h"

#include <stdlib.h>

#include "smtpd/delivery.h"

enum {
	INPUT_MAX = 64 * 1024,
	/* RFC 5321 section 4.5.3.2.7 wants at least five minutes from a server. */
	IDLE_MS = 5 * 60 * 1000
};

enum {
	IN_START = 1u << SMTPD_START,
	IN_READY = 1u << SMTPD_READY,
	IN_MAIL = 1u << SMTPD_MAIL,
	IN_RCPT = 1u << SMTPD_RCPT,
	IN_CHUNKS = 1u << SMTPD_CHUNKS,
	IN_ANY = (1u << SMTPD_STATE_COUNT) - 1
};

bool smtpd_has_users(const struct session *session)
{
	return session->service->id != SERVICE_SMTP;
}

static void smtpd_state_set(struct session *session, enum smtpd_state state)
{
	smtpd_of(session)->state = state;
}

/* Forgets the message at hand; greeted stays greeted. */
static void transaction_reset(struct session *session)
{
	struct smtpd *smtpd = smtpd_of(session);

	envelope_reset(&smtpd->envelope);
	body_drop(&session->body);
	smtpd->chunk_refusal = NULL;
	if (smtpd->state != SMTPD_START)
		smtpd_state_set(session, SMTPD_READY);
}

static void say(struct session *session, int code, const char *enhanced, const char *text)
{
	smtp_reply(session_out(session), code, enhanced, str_from_c(text));
}

static void status_say(struct session *session, const struct smtp_status *status)
{
	say(session, status->code, status->enhanced, status->text);
}

static void refusal_say(struct session *session, enum refusal refusal,
			const struct command *command)
{
	static const struct smtp_status rows[REFUSAL_COUNT] = {
		[REFUSAL_IDLE_TOO_LONG] = {421, "4.4.2", "Idle for too long, closing"},
		[REFUSAL_TOO_SLOW] = {421, "4.4.2", "The transfer is too slow, closing"},
		[REFUSAL_LINE_TOO_LONG] = {500, "5.5.6", "Command line too long"},
		[REFUSAL_TOO_MANY_CONNECTIONS] = {421, "4.7.0",
						  "Too many connections from your address"},
		[REFUSAL_SERVICE_FULL] = {421, "4.3.2", "Too many connections, try later"},
		[REFUSAL_TOO_MANY_COMMANDS] = {421, "4.7.0",
					       "Too many commands without a login or a message"},
		[REFUSAL_TOO_MANY_ERRORS] = {421, "4.7.0", "Too many errors, closing"},
		[REFUSAL_STOPPING] = {421, "4.3.2", "The server is shutting down"},
		[REFUSAL_STATE] = {503, "5.5.1", "Bad sequence of commands"},
		[REFUSAL_NEEDS_LOGIN] = {530, "5.7.0", "Authentication required"},
		[REFUSAL_LOGGED_IN] = {503, "5.5.1", "Already authenticated"},
		[REFUSAL_NEEDS_TLS] = {530, "5.7.0", "Must issue a STARTTLS command first"},
		[REFUSAL_IN_TLS] = {503, "5.5.1", "TLS is active already"},
		[REFUSAL_PIPELINED] = {503, "5.5.1",
				       "Nothing may be sent behind this command, closing"},
		[REFUSAL_PLAIN_LOGIN] = {538, "5.7.11", "Encryption required for authentication"},
	};

	CHECK(refusal < REFUSAL_COUNT && rows[refusal].code != 0);
	status_say(session, &rows[refusal]);
}

/* After a reply that blames the peer: too many of them end the session. */
static enum command_step mistake_count(struct session *session)
{
	if (!session_error_count(session))
		return COMMAND_DONE;
	return session_refuse(session, REFUSAL_TOO_MANY_ERRORS, NULL);
}

static enum command_step smtpd_greet(struct session *session)
{
	struct smtpd *smtpd = smtpd_of(session);

	if (session->tls_started_here) {
		/* RFC 3207 section 4.2: what was said in the clear is forgotten. */
		transaction_reset(session);
		session->peer_said = NULL;
		free(smtpd->helo);
		smtpd->helo = NULL;
		smtpd->is_extended = false;
		smtpd_state_set(session, SMTPD_START);
		return COMMAND_DONE;
	}
	struct buf text = BUF_INIT(SMTP_LINE_MAX);
	buf_printf(&text, "%.*s ESMTP Postern", STR_ARG(session_hostname(session)));
	smtp_reply(session_out(session), 220, NULL, buf_str(&text));
	buf_done(&text);
	return COMMAND_DONE;
}

static bool may_offer_login(const struct session *session)
{
	return smtpd_has_users(session) && session->user.account == 0 && session_may_login(session);
}

static void extensions_append(struct session *session, struct buf *to)
{
	buf_printf(to, "\nPIPELINING\nSIZE %llu\n8BITMIME\nCHUNKING",
		   (unsigned long long)session->limits->message_bytes);
	if (session_may_starttls(session) && session->user.account == 0)
		buf_append_str(to, STR("\nSTARTTLS"));
	if (may_offer_login(session)) {
		buf_append_str(to, STR("\nAUTH"));
		sasl_append_mechanisms(to, session_mechanisms(session), STR(" "), STR(""));
	}
	buf_append_str(to, STR("\nENHANCEDSTATUSCODES\nDSN\nSMTPUTF8"));
}

/* HELO and EHLO begin anew (RFC 5321 section 4.1.4). */
static enum command_step hello(struct session *session, struct str name, bool is_extended)
{
	struct smtpd *smtpd = smtpd_of(session);
	struct buf text = BUF_INIT(2048);

	transaction_reset(session);
	smtpd_state_set(session, SMTPD_READY);
	smtpd->is_extended = is_extended;
	free(smtpd->helo);
	session->peer_said = smtpd->helo = str_dup_c(name);
	buf_append_str(&text, session_hostname(session));
	if (is_extended)
		extensions_append(session, &text);
	smtp_reply(session_out(session), 250, NULL, buf_str(&text));
	buf_done(&text);
	return COMMAND_DONE;
}

static enum command_step cmd_helo(struct session *session, void *arguments)
{
	const struct smtp_command *command = arguments;

	return hello(session, command->text, false);
}

static enum command_step cmd_ehlo(struct session *session, void *arguments)
{
	const struct smtp_command *command = arguments;

	return hello(session, command->text, true);
}

static enum command_step mail_more(struct session *session)
{
	const struct smtp_mail *mail = smtpd_of(session)->mail;

	/* A row of TlsPolicy by name may demand something of this MAIL. */
	if (!session_is_named(session))
		return COMMAND_WAIT;

	if (smtpd_has_users(session) && session->user.account == 0) {
		refusal_say(session, REFUSAL_NEEDS_LOGIN, NULL);
		return mistake_count(session);
	}
	struct smtp_status not_enough;
	if (envelope_floor_refuses(session, mail->path.address.text, &not_enough) ||
	    envelope_partner_refuses(session, &mail->path.address, &not_enough)) {
		status_say(session, &not_enough);
		return mistake_count(session);
	}
	const struct smtp_status *refusal =
		envelope_sender_set(session, &smtpd_of(session)->envelope, mail);
	if (refusal != NULL) {
		envelope_reject_log(session, mail->path.address.text, refusal);
		status_say(session, refusal);
		return refusal->code >= 500 ? mistake_count(session) : COMMAND_DONE;
	}
	smtpd_state_set(session, SMTPD_MAIL);
	say(session, 250, "2.1.0", "OK");
	return COMMAND_DONE;
}

static enum command_step cmd_mail(struct session *session, void *arguments)
{
	smtpd_of(session)->mail = &((const struct smtp_command *)arguments)->mail;
	return mail_more(session);
}

static enum command_step cmd_rcpt(struct session *session, void *arguments)
{
	const struct smtp_rcpt *rcpt = &((const struct smtp_command *)arguments)->rcpt;
	const struct smtp_status *refusal =
		envelope_recipient_add(session, &smtpd_of(session)->envelope, rcpt);

	if (refusal != NULL) {
		status_say(session, refusal);
		return refusal->code >= 500 ? mistake_count(session) : COMMAND_DONE;
	}
	smtpd_state_set(session, SMTPD_RCPT);
	say(session, 250, "2.1.5", "OK");
	return COMMAND_DONE;
}

static enum command_step cmd_data(struct session *session, void *arguments)
{
	delivery_begin(session, smtpd_of(session)->queue_id);
	body_expect_data(&session->body);
	say(session, 354, NULL, "End data with <CR><LF>.<CR><LF>");
	return COMMAND_BODY;
}

static enum command_step message_end(struct session *session)
{
	struct smtpd *smtpd = smtpd_of(session);

	if (delivery_finish(session, smtpd->queue_id))
		smtpd->talk_count = 0;
	transaction_reset(session);
	return COMMAND_DONE;
}

/*
 * Bare line ends are how a second message is smuggled past another server
 * (CVE-2023-51764): what stands behind such a message is not heard.
 */
static enum command_step data_more(struct session *session)
{
	smtp_body_end(&session->body.smtp);
	bool is_clean = smtp_body_is_clean(&session->body.smtp);

	message_end(session);
	return is_clean ? COMMAND_DONE : COMMAND_END;
}

/* Why a chunk is not wanted; its bytes come all the same, for nothing (RFC 3030 section 2). */
static const struct smtp_status *chunk_refusal(const struct session *session)
{
	static const struct smtp_status sequence = {503, "5.5.1", "Bad sequence of commands"};
	static const struct smtp_status no_tls = {530, "5.7.0",
						  "Must issue a STARTTLS command first"};
	const struct smtpd *smtpd = smtpd_of(session);

	if (session->service->require_tls && !session->tls.is_active)
		return &no_tls;
	return smtpd->state == SMTPD_RCPT || smtpd->state == SMTPD_CHUNKS ? NULL : &sequence;
}

static enum command_step cmd_bdat(struct session *session, void *arguments)
{
	const struct smtp_bdat *bdat = &((const struct smtp_command *)arguments)->bdat;
	struct smtpd *smtpd = smtpd_of(session);

	smtpd->chunk_is_last = bdat->is_last;
	smtpd->chunk_refusal = chunk_refusal(session);
	if (smtpd->chunk_refusal != NULL && bdat->size_bytes > session->limits->message_bytes) {
		status_say(session, smtpd->chunk_refusal);
		return COMMAND_END;
	}
	if (smtpd->chunk_refusal != NULL) {
		body_begin(&session->body, 0);
	} else if (smtpd->state == SMTPD_RCPT) {
		delivery_begin(session, smtpd->queue_id);
		smtpd_state_set(session, SMTPD_CHUNKS);
	}
	body_expect_chunk(&session->body, bdat->size_bytes);
	return COMMAND_BODY;
}

static enum command_step bdat_more(struct session *session)
{
	struct smtpd *smtpd = smtpd_of(session);

	if (smtpd->chunk_refusal != NULL) {
		status_say(session, smtpd->chunk_refusal);
		smtpd->chunk_refusal = NULL;
		body_drop(&session->body);
		return mistake_count(session);
	}
	/* What cannot be accepted any more is refused at once; later chunks are out of sequence. */
	if (smtpd->chunk_is_last || session->body.spool.is_too_large)
		return message_end(session);
	say(session, 250, "2.0.0", "OK");
	return COMMAND_DONE;
}

static enum command_step cmd_rset(struct session *session, void *arguments)
{
	transaction_reset(session);
	say(session, 250, "2.0.0", "OK");
	return COMMAND_DONE;
}

static enum command_step cmd_noop(struct session *session, void *arguments)
{
	say(session, 250, "2.0.0", "OK");
	return COMMAND_DONE;
}

static enum command_step cmd_quit(struct session *session, void *arguments)
{
	say(session, 221, "2.0.0", "Bye");
	return COMMAND_END;
}

/* RFC 5321 section 7.3: neither yes nor no. */
static enum command_step cmd_vrfy(struct session *session, void *arguments)
{
	say(session, 252, "2.5.0", "Cannot verify, but will accept mail and try");
	return COMMAND_DONE;
}

static enum command_step cmd_expn(struct session *session, void *arguments)
{
	say(session, 502, "5.5.1", "Lists are not expanded");
	return mistake_count(session);
}

static enum command_step cmd_help(struct session *session, void *arguments)
{
	say(session, 214, "2.0.0", "See RFC 5321");
	return COMMAND_DONE;
}

static enum command_step cmd_auth(struct session *session, void *arguments)
{
	const struct smtp_auth *auth = &((const struct smtp_command *)arguments)->auth;
	enum sasl_mechanism mechanism;

	if (!smtpd_has_users(session)) {
		say(session, 502, "5.5.1", "Users log in at the submission port");
		return mistake_count(session);
	}
	if (!session_may_login(session)) {
		refusal_say(session, REFUSAL_PLAIN_LOGIN, NULL);
		return mistake_count(session);
	}
	if (!session_mechanism_find(session, auth->mechanism, &mechanism)) {
		say(session, 504, "5.5.4", "Mechanism not available");
		return mistake_count(session);
	}
	return session_login_sasl(session, mechanism, auth->has_initial, auth->initial);
}

static enum command_step cmd_starttls(struct session *session, void *arguments)
{
	if (!session_may_starttls(session)) {
		say(session, 502, "5.5.1", "STARTTLS is not available here");
		return mistake_count(session);
	}
	say(session, 220, "2.0.0", "Ready to start TLS");
	return COMMAND_STARTTLS;
}

static void challenge_say(struct session *session, struct str base64)
{
	buf_printf(session_out(session), "334 %.*s\r\n", STR_ARG(base64));
}

static enum command_step login_say(struct session *session, enum login_outcome_kind outcome)
{
	static const struct smtp_status rows[] = {
		[LOGIN_ACCEPTED] = {235, "2.7.0", "Authentication successful"},
		[LOGIN_REFUSED] = {535, "5.7.8", "Wrong user name or password"},
		[LOGIN_BLOCKED_ADDRESS] = {454, "4.7.0",
					   "Too many failed logins from your address, try later"},
		[LOGIN_TEMPORARY] = {454, "4.7.0", "Temporary authentication failure"},
		[LOGIN_CANCELLED] = {501, "5.7.0", "Authentication cancelled"},
		[LOGIN_MALFORMED] = {501, "5.5.2", "Cannot decode the response"},
	};

	status_say(session, &rows[outcome]);
	return rows[outcome].code >= 500 ? mistake_count(session) : COMMAND_DONE;
}

#define ROW(verb, in_states, command_flags, ...)   \
	[SMTP_##verb] = {.name = STR_INIT(#verb),  \
			 .states = (in_states),    \
			 .flags = (command_flags), \
			 __VA_ARGS__}

static const struct command smtpd_commands[SMTP_VERB_COUNT] = {
	ROW(HELO, IN_ANY, 0, .run = cmd_helo),
	ROW(EHLO, IN_ANY, 0, .run = cmd_ehlo),
	ROW(MAIL, IN_READY, COMMAND_TLS_IF_REQUIRED, .run = cmd_mail, .more = mail_more),
	ROW(RCPT, IN_MAIL | IN_RCPT, COMMAND_TLS_IF_REQUIRED, .run = cmd_rcpt),
	ROW(DATA, IN_RCPT, COMMAND_TLS_IF_REQUIRED | COMMAND_ENDS_GROUP, .run = cmd_data,
	    .more = data_more),
	/* Its preconditions are in chunk_refusal: what it announces must be read anyhow. */
	ROW(BDAT, IN_ANY, 0, .run = cmd_bdat, .more = bdat_more),
	ROW(RSET, IN_ANY, 0, .run = cmd_rset),
	ROW(NOOP, IN_ANY, 0, .run = cmd_noop),
	ROW(QUIT, IN_ANY, 0, .run = cmd_quit),
	ROW(VRFY, IN_ANY, COMMAND_TLS_IF_REQUIRED, .run = cmd_vrfy),
	ROW(EXPN, IN_ANY, COMMAND_TLS_IF_REQUIRED, .run = cmd_expn),
	ROW(HELP, IN_ANY, COMMAND_TLS_IF_REQUIRED, .run = cmd_help),
	/* RFC 4954 section 4: once, and not within a mail transaction. */
	ROW(AUTH, IN_READY, COMMAND_NOT_AFTER_LOGIN | COMMAND_TLS_IF_REQUIRED | COMMAND_ENDS_GROUP,
	    .run = cmd_auth),
	/* Not after AUTH: who logged in in the clear may be another than who begins TLS. */
	ROW(STARTTLS, IN_START | IN_READY | IN_MAIL | IN_RCPT,
	    COMMAND_NOT_IN_TLS | COMMAND_NOT_AFTER_LOGIN | COMMAND_ENDS_GROUP, .run = cmd_starttls),
};

#undef ROW

/* A browser that was talked into sending us a form: what follows is an attacker's. */
static bool is_http(struct str line)
{
	return str_has_prefix(line, STR("GET ")) || str_has_prefix(line, STR("POST ")) ||
	       str_has_prefix(line, STR("PUT ")) || str_has_prefix(line, STR("HEAD ")) ||
	       str_has_prefix(line, STR("OPTIONS ")) || str_has_prefix(line, STR("CONNECT "));
}

static enum command_step parse_error_say(struct session *session, enum smtp_verb verb,
					 struct str line, enum smtp_error error)
{
	status_say(session, smtp_error_status(error));
	/* How many bytes follow a broken BDAT nobody knows; they must not become commands. */
	if (verb == SMTP_BDAT || (verb == SMTP_VERB_COUNT && is_http(line)))
		return COMMAND_END;
	return mistake_count(session);
}

/* A stranger may send mail after mail, but not talk without end. */
static bool is_talk(enum smtp_verb verb)
{
	return verb != SMTP_MAIL && verb != SMTP_RCPT && verb != SMTP_DATA && verb != SMTP_BDAT &&
	       verb != SMTP_QUIT;
}

static bool talk_is_over(struct session *session, enum smtp_verb verb)
{
	struct smtpd *smtpd = smtpd_of(session);

	return is_talk(verb) && session->user.account == 0 &&
	       ++smtpd->talk_count > session->limits->commands_before_login;
}

static enum command_step smtpd_execute(struct session *session, struct str line)
{
	struct smtp_command *command = arena_new(&session->arena, struct smtp_command);
	enum smtp_error error = SMTP_ERROR_BARE_LINE_END;

	CHECK(command != NULL);
	command->verb = SMTP_VERB_COUNT;
	if (line.len >= 2 && str_equals(str_from(line, line.len - 2), STR("\r\n")))
		error = smtp_command_parse(str_sub(line, 0, line.len - 2), command);
	if (error != SMTP_ERROR_NONE)
		return parse_error_say(session, command->verb, line, error);
	if (talk_is_over(session, command->verb))
		return session_refuse(session, REFUSAL_TOO_MANY_COMMANDS, NULL);
	return command_run(session, &smtpd_commands[command->verb], smtpd_of(session)->state,
			   command);
}

static void smtpd_end(struct session *session)
{
	struct smtpd *smtpd = smtpd_of(session);

	envelope_reset(&smtpd->envelope);
	free(smtpd->helo);
	smtpd->helo = NULL;
}

const struct protocol smtpd_protocol = {
	.name = STR_INIT("SMTP"),
	.state_size = sizeof(struct smtpd),
	.input_max = INPUT_MAX,
	.idle_before_login_ms = IDLE_MS,
	.idle_after_login_ms = IDLE_MS,
	.greet = smtpd_greet,
	.execute = smtpd_execute,
	.challenge = challenge_say,
	.login_done = login_say,
	.refuse = refusal_say,
	.end = smtpd_end,
};
