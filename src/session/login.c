/* SPDX-License-Identifier: Apache-2.0 */
#include "session/login.h"

#include <stdlib.h>

#include "proto/address.h"
#include "session/session_internal.h"
#include "store/directory.h"

static void login_wake_session(void *context)
{
	struct session *session = context;

	task_wake(&session->task);
}

void login_drop(struct session *session)
{
	auth_client_cancel(session->front->auth, session->login_ticket);
	session->login_ticket = 0;
	if (session->sasl != NULL) {
		sasl_wipe(session->sasl);
		free(session->sasl);
		session->sasl = NULL;
	}
	free(session->login_name);
	session->login_name = NULL;
}

static enum command_step login_end(struct session *session, enum login_outcome_kind outcome)
{
	login_drop(session);
	return session->protocol->login_done(session, outcome);
}

/*
 * The form in which accounts are known; a name that is no address is asked as it
 * is and found unknown, and so is one that is too long for any account.
 */
static void append_account(struct buf *to, struct str name)
{
	if (!address_append_account(to, name))
		buf_append_str(to, str_sub(name, 0, SASL_USER_MAX));
}

static enum command_step login_ask(struct session *session, struct str name, struct str password)
{
	struct buf account = BUF_INIT(SASL_USER_MAX);

	append_account(&account, name);
	free(session->login_name);
	session->login_name = str_dup_c(str_sub(buf_str(&account), 0,
						str_find_char(buf_str(&account), '\0')));
	struct login_question question = {.account = buf_str(&account),
					  .password = password,
					  .address = str_from_c(session->peer_text)};
	enum fault fault = auth_client_ask(session->front->auth, &question, login_wake_session,
					   session, &session->login_ticket);
	buf_done(&account);
	if (fault == FAULT_NONE)
		return COMMAND_WAIT;
	session->login_ticket = 0;
	log_printf(session_log(session), LOG_ERROR, "%s: a login could not be checked: %s",
		   service_name(session->service->id), fault_text(fault));
	return login_end(session, fault == FAULT_TOO_LARGE ? LOGIN_MALFORMED : LOGIN_TEMPORARY);
}

enum command_step session_login_password(struct session *session, const char *method,
					 struct str name, struct str password)
{
	if (!session_may_login(session))
		return session_refuse(session, REFUSAL_PLAIN_LOGIN, session->command);
	session->login_method = method;
	return login_ask(session, name, password);
}

static enum command_step sasl_step_apply(struct session *session, enum sasl_step step)
{
	struct sasl *sasl = session->sasl;

	switch (step) {
	case SASL_CHALLENGE:
		session->protocol->challenge(session, sasl->challenge);
		return COMMAND_LINE;
	case SASL_DONE: {
		enum command_step next =
			login_ask(session, sasl_user(sasl), secret_reveal(&sasl->password));
		if (session->sasl != NULL) {
			sasl_wipe(session->sasl);
			free(session->sasl);
			session->sasl = NULL;
		}
		return next;
	}
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

/* ---- the outcome ---- */

static void log_granted(const struct session *session)
{
	struct log_line line;

	log_line_begin(&line, session_log(session), LOG_AUDIT);
	log_line_text(&line, "%.*s: User ", STR_ARG(session->protocol->name));
	log_line_word(&line, str_from_c(session->user.name));
	log_line_text(&line, " authenticated from IP address %s", session->peer_text);
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
static bool user_set(struct session *session, uint32_t flags)
{
	CLEANUP_VIEW struct view *view = NULL;
	struct user user;

	if (view_open(session->front->store, &view) != FAULT_NONE ||
	    directory_user_find(view, str_from_c(session->login_name), &user) != FAULT_NONE)
		return false;
	session->user = (struct session_user){.account = user.account,
					      .name = str_dup_c(user.address),
					      .is_admin = (flags & LOGIN_FLAG_ADMIN) != 0};
	return true;
}

static enum login_outcome_kind outcome_of(struct session *session,
					  const struct login_answer *answer)
{
	if (answer->fault != FAULT_NONE) {
		log_printf(session_log(session), LOG_ERROR, "%s: a login could not be checked: %s",
			   service_name(session->service->id), fault_text(answer->fault));
		return LOGIN_TEMPORARY;
	}
	if (answer->verdict == LOGIN_GRANTED) {
		if (!user_set(session, answer->flags))
			return LOGIN_TEMPORARY;
		metric_add(session_metrics(session), session->service->id, METRIC_LOGINS, 1);
		log_granted(session);
		return LOGIN_ACCEPTED;
	}
	metric_add(session_metrics(session), session->service->id, METRIC_LOGINS_FAILED, 1);
	log_refused(session, answer->verdict);
	return answer->verdict == LOGIN_BLOCKED ? LOGIN_BLOCKED_ADDRESS : LOGIN_REFUSED;
}

bool login_answered(struct session *session, enum command_step *step_out)
{
	struct login_answer answer;

	if (!auth_client_take(session->front->auth, session->login_ticket, &answer))
		return false;
	session->login_ticket = 0;
	*step_out = login_end(session, outcome_of(session, &answer));
	return true;
}
