/* SPDX-License-Identifier: Apache-2.0 */
#include "session/login.h"

#include <stdlib.h>

#include "proto/address.h"
#include "proto/saslprep.h"
#include "session/login_scram.h"
#include "session/session_internal.h"
#include "store/directory.h"

/* In one session. */
enum { FAILED_LOGINS_MAX = 3 };

static void login_wake_session(void *context)
{
	struct session *session = context;

	task_wake(&session->task);
}

void login_drop(struct session *session)
{
	asker_cancel(session->front->auth, session->login_ticket);
	session->login_ticket = 0;
	if (session->sasl != NULL) {
		sasl_wipe(session->sasl);
		free(session->sasl);
		session->sasl = NULL;
	}
	login_scram_free(&session->login_scram);
	free(session->login_name);
	session->login_name = NULL;
}

/* ---- the outcome ---- */

static void log_granted(const struct session *session)
{
	struct log_line line;

	log_line_begin(&line, session_log(session), LOG_AUDIT);
	log_line_text(&line, "%.*s: User ", STR_ARG(session->protocol->name));
	log_line_word(&line, str_from_c(session->user.name));
	log_line_text(&line, " authenticated from IP address %s by %s", session->peer_text,
		      session->login_method);
	log_line_end(&line);
}

/*
 * The forms that fail2ban's kerio filter knows, where it knows one. Each
 * failure is one line, for a filter counts lines.
 */
static void log_refused(const struct session *session, enum login_verdict verdict)
{
	struct str protocol = session->protocol->name;
	struct str name = str_from_c(session->login_name);
	struct log_line line;

	log_line_begin(&line, session_log(session), LOG_SECURITY);
	if (verdict == LOGIN_UNKNOWN_USER) {
		log_line_text(&line, "%.*s: User ", STR_ARG(protocol));
		log_line_word(&line, name);
		log_line_text(&line, " doesn't exist. Attempt from IP address %s.",
			      session->peer_text);
	} else if (str_equals(protocol, STR("SMTP"))) {
		log_line_text(&line, "Failed SMTP login from %s with SASL method %s.",
			      session->peer_text, session->login_method);
	} else {
		log_line_text(&line, "%.*s: Invalid password for user ", STR_ARG(protocol));
		log_line_word(&line, name);
		log_line_text(&line, ". Attempt from IP address %s", session->peer_text);
	}
	log_line_end(&line);
}

/* Auth knows the name; the store must know the account behind it. */
static enum fault user_find(const struct session *session, struct user *user_out)
{
	CLEANUP_VIEW struct view *view = NULL;
	enum fault fault = view_open(session->front->store, &view);

	return fault == FAULT_NONE
		       ? directory_user_find(view, str_from_c(session->login_name), user_out)
		       : fault;
}

static bool user_set(struct session *session, uint32_t flags)
{
	struct user user;

	if (user_find(session, &user) != FAULT_NONE)
		return false;
	session->user = (struct session_user){.account = user.account,
					      .name = str_dup_c(user.address),
					      .is_admin = (flags & LOGIN_FLAG_ADMIN) != 0};
	return true;
}

/* The login is right: who it is stands in the session from here on. */
static enum login_outcome_kind login_grant(struct session *session, uint32_t flags)
{
	if (!user_set(session, flags))
		return LOGIN_TEMPORARY;
	front_show(session->front, session);
	metric_add(session_metrics(session), session->service->id, METRIC_LOGINS, 1);
	log_granted(session);
	return LOGIN_ACCEPTED;
}

static const char *reason_text(enum login_verdict verdict)
{
	switch (verdict) {
	case LOGIN_NO_VERIFIER:
		return "no verifier is kept for the account; one is made when its password is set, or at "
		       "its next login by PLAIN or LOGIN";
	case LOGIN_WRONG_BINDING:
		return "the password is right, but the channel binding is that of another connection; "
		       "somebody may stand between";
	case LOGIN_WRONG_IDENTITY:
		return "the certificate is another user's";
	default:
		return NULL;
	}
}

/* What a line of security.log has no room for, and an administrator wants to know. */
static void log_reason(const struct session *session, enum login_verdict verdict)
{
	struct log_line line;

	if (reason_text(verdict) == NULL)
		return;
	log_line_begin(&line, session_log(session), LOG_WARNING);
	log_line_text(&line, "%s: %s: a login of ", service_name(session->service->id),
		      session->peer_text);
	log_line_word(&line, str_from_c(session->login_name));
	log_line_text(&line, " by %s was refused: %s", session->login_method,
		      reason_text(verdict));
	log_line_end(&line);
}

static enum login_outcome_kind outcome_of(struct session *session,
					  const struct login_answer *answer)
{
	if (answer->fault != FAULT_NONE) {
		log_printf(session_log(session), LOG_ERROR, "%s: a login could not be checked: %s",
			   service_name(session->service->id), fault_text(answer->fault));
		return LOGIN_TEMPORARY;
	}
	if (answer->verdict == LOGIN_GRANTED)
		return login_grant(session, answer->flags);
	metric_add(session_metrics(session), session->service->id, METRIC_LOGINS_FAILED, 1);
	log_refused(session, answer->verdict);
	log_reason(session, answer->verdict);
	return answer->verdict == LOGIN_BLOCKED ? LOGIN_BLOCKED_ADDRESS : LOGIN_REFUSED;
}

/* ---- asking ---- */

/* Whoever guesses has to connect anew, where the limits per address see him. */
static bool is_failed_too_often(struct session *session, enum login_outcome_kind outcome)
{
	return (outcome == LOGIN_REFUSED || outcome == LOGIN_MALFORMED) &&
	       ++session->failed_logins >= FAILED_LOGINS_MAX;
}

static enum command_step login_end(struct session *session, enum login_outcome_kind outcome)
{
	login_drop(session);
	enum command_step step = session->protocol->login_done(session, outcome);
	return is_failed_too_often(session, outcome) && step == COMMAND_DONE
		       ? session_refuse(session, REFUSAL_TOO_MANY_ERRORS, NULL)
		       : step;
}

/*
 * The form in which accounts are known; a name that is no address is asked as it
 * is and found unknown, and so is one that is too long for any account.
 */
static void append_account(struct buf *to, struct str name)
{
	struct buf prepared = BUF_INIT(SASL_USER_MAX);

	if (saslprep(&prepared, name))
		name = buf_str(&prepared);
	if (!address_append_account(to, name))
		buf_append_str(to, str_sub(name, 0, SASL_USER_MAX));
	buf_done(&prepared);
}

/* The same, on the heap; the caller frees. */
static char *account_of(struct str name)
{
	struct buf account = BUF_INIT(SASL_USER_MAX);

	append_account(&account, name);
	char *text = str_dup_c(
		str_sub(buf_str(&account), 0, str_find_char(buf_str(&account), '\0')));
	buf_done(&account);
	return text;
}

static void login_name_set(struct session *session, struct str name)
{
	free(session->login_name);
	session->login_name = account_of(name);
}

/* We cannot tell: not the peer's fault, but for texts beyond reason. */
static enum command_step login_fail(struct session *session, enum fault fault)
{
	log_printf(session_log(session), LOG_ERROR, "%s: a login could not be checked: %s",
		   service_name(session->service->id), fault_text(fault));
	return login_end(session, fault == FAULT_TOO_LARGE ? LOGIN_MALFORMED : LOGIN_TEMPORARY);
}

/* Asks auth, for the account of login_name_set. */
static enum command_step login_ask(struct session *session, struct login_question *question)
{
	question->account = str_from_c(session->login_name);
	question->scram.account = question->account;
	question->address = str_from_c(session->peer_text);
	enum fault fault = auth_client_ask(session->front->auth, question, login_wake_session,
					   session, &session->login_ticket);
	if (fault == FAULT_NONE)
		return COMMAND_WAIT;
	session->login_ticket = 0;
	return login_fail(session, fault);
}

static enum command_step password_ask(struct session *session, struct str name,
				      struct str password)
{
	struct login_question question = {.kind = LOGIN_BY_PASSWORD, .password = password};

	login_name_set(session, name);
	return login_ask(session, &question);
}

enum command_step session_login_password(struct session *session, const char *method,
					 struct str name, struct str password)
{
	if (!session_may_login(session))
		return session_refuse(session, REFUSAL_PLAIN_LOGIN, session->command);
	session->login_method = method;
	return password_ask(session, name, password);
}

/* ---- SCRAM ---- */

static enum command_step scram_first_ask(struct session *session)
{
	struct buf name = BUF_INIT(SASL_USER_MAX);
	struct login_question question = {0};
	enum login_outcome_kind outcome;

	session->login_scram = login_scram_new();
	bool is_good = login_scram_first(session, sasl_message(session->sasl), &name, &question,
					 &outcome);
	if (is_good)
		login_name_set(session, buf_str(&name));
	buf_done(&name);
	return is_good ? login_ask(session, &question) : login_end(session, outcome);
}

static enum command_step scram_last_ask(struct session *session)
{
	struct login_question question = {0};

	if (!login_scram_last(session, sasl_message(session->sasl), &question))
		return login_end(session, LOGIN_MALFORMED);
	return login_ask(session, &question);
}

static enum command_step scram_challenge(struct session *session,
					 const struct login_answer *answer)
{
	sasl_answer(session->sasl, str_make(answer->message, answer->message_len));
	session->protocol->challenge(session, session->sasl->challenge);
	return COMMAND_LINE;
}

/* ---- by certificate ---- */

/* With an empty name the certificate's first counts. False: the name is not one of the certificate's. */
static bool certificate_name_find(struct session *session,
				  const struct tls_user_certificate *certificate,
				  struct str wanted)
{
	bool is_found = false;

	login_name_set(session, str_is_empty(wanted) ? str_from_c(certificate->names[0]) : wanted);
	for (size_t i = 0; i < certificate->name_count && !is_found; i++) {
		char *account = account_of(str_from_c(certificate->names[i]));
		is_found = strcmp(account, session->login_name) == 0;
		free(account);
	}
	return is_found;
}

static enum fault certificate_judge(struct session *session,
				    const struct tls_user_certificate *certificate,
				    enum login_verdict *verdict_out)
{
	struct user user;

	if (!certificate_name_find(session, certificate, sasl_user(session->sasl))) {
		*verdict_out = LOGIN_WRONG_IDENTITY;
		return FAULT_NONE;
	}
	enum fault fault = user_find(session, &user);
	if (fault != FAULT_NONE && fault != FAULT_NOT_FOUND)
		return fault;
	*verdict_out = fault == FAULT_NONE ? LOGIN_GRANTED : LOGIN_UNKNOWN_USER;
	return FAULT_NONE;
}

static enum command_step certificate_ask(struct session *session)
{
	struct login_question question = {.kind = LOGIN_BY_CERTIFICATE};
	struct tls_user_certificate certificate;

	/* It was good at the handshake; since then it may have expired. */
	tls_user_certificate_read(session->stream.transport_state, &certificate);
	if (!certificate.is_good || certificate.name_count == 0) {
		session->tls.has_user = false;
		session_certificate_log(session, &certificate);
		return login_end(session, LOGIN_REFUSED);
	}
	enum fault fault = certificate_judge(session, &certificate, &question.found);
	if (fault != FAULT_NONE)
		return login_fail(session, fault);
	return login_ask(session, &question);
}

/* ---- steps of an exchange ---- */

/* The user of the password is asked for; the exchange is over. */
static enum command_step sasl_password_ask(struct session *session)
{
	struct sasl *sasl = session->sasl;

	session->sasl = NULL;
	enum command_step next =
		password_ask(session, sasl_user(sasl), secret_reveal(&sasl->password));
	sasl_wipe(sasl);
	free(sasl);
	return next;
}

static enum command_step sasl_done(struct session *session)
{
	if (session->sasl->mechanism == SASL_EXTERNAL)
		return certificate_ask(session);
	if (sasl_is_scram(session->sasl->mechanism))
		return login_end(session, login_grant(session, session->login_scram->flags));
	return sasl_password_ask(session);
}

static enum command_step sasl_step_apply(struct session *session, enum sasl_step step)
{
	struct sasl *sasl = session->sasl;

	switch (step) {
	case SASL_CHALLENGE:
		session->protocol->challenge(session, sasl->challenge);
		return COMMAND_LINE;
	case SASL_MESSAGE:
		return session->login_scram == NULL ? scram_first_ask(session)
						    : scram_last_ask(session);
	case SASL_DONE:
		return sasl_done(session);
	case SASL_CANCELLED:
		return login_end(session, LOGIN_CANCELLED);
	case SASL_INVALID:
		break;
	}
	return login_end(session, LOGIN_MALFORMED);
}

enum command_step session_login_sasl(struct session *session, enum sasl_mechanism mechanism,
				     bool has_initial, struct str initial)
{
	if (!session_may_login(session))
		return session_refuse(session, REFUSAL_PLAIN_LOGIN, session->command);
	session->login_method = sasl_mechanism_name(mechanism);
	session->sasl = calloc(1, sizeof(*session->sasl));
	CHECK(session->sasl != NULL);
	return sasl_step_apply(session, sasl_begin(session->sasl, mechanism, has_initial, initial));
}

enum command_step login_line(struct session *session, struct str line)
{
	return sasl_step_apply(session, sasl_respond(session->sasl, line));
}

/* Auth's part in a SCRAM exchange that is not refused: the peer has to hear it. */
static bool scram_goes_on(struct session *session, const struct login_answer *answer)
{
	if (session->login_scram == NULL || answer->fault != FAULT_NONE)
		return false;
	if (answer->verdict == LOGIN_CONTINUES)
		login_scram_keep(session->login_scram, answer);
	session->login_scram->flags = answer->flags;
	return answer->verdict == LOGIN_CONTINUES || answer->verdict == LOGIN_GRANTED;
}

bool login_answered(struct session *session, enum command_step *step_out)
{
	struct login_answer answer;

	if (!auth_client_take(session->front->auth, session->login_ticket, &answer))
		return false;
	session->login_ticket = 0;
	*step_out = scram_goes_on(session, &answer)
			    ? scram_challenge(session, &answer)
			    : login_end(session, outcome_of(session, &answer));
	return true;
}
