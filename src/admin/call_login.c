/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/call.h"

#include "admin/login.h"
#include "admin/openapi.h"
#include "auth/web_sessions.h"
#include "base/clock.h"

enum { HISTORY_S = 24 * 3600 };

/* ---- logins ---- */

/*
 * False: the call was answered. Answers to guesses are delayed, so whoever guesses from one address
 * takes the places of that address; when all are taken, whoever has many gives way to who has few.
 */
static bool login_enter(struct admin *admin, struct call *call)
{
	static const char busy[] = "too many logins are being checked; try again";
	struct list_node *displaced;
	uint8_t whole[16];

	peer_key_parse(asked_of(call)->peer, &call->address, whole);
	bool is_in = queue_put(&admin->logins, &call->address, &call->login_place, &displaced);
	if (displaced != NULL)
		call_error(admin, list_entry(displaced, struct call, login_place), 503, "busy", busy);
	if (!is_in)
		call_error(admin, call, 503, "busy", busy);
	return is_in;
}

void call_login_begin(struct admin *admin, struct call *call)
{
	const struct msg_api_asked *asked = asked_of(call);
	struct answer answer;
	struct login login;

	if (!login_enter(admin, call))
		return;
	answer_init(&answer);
	if (!login_read(asked->body, &login, &answer)) {
		call_answer(admin, call, &answer);
		return;
	}
	answer_done(&answer);
	CHECK(str_copy_c(str_from_c(login.account), call->account, sizeof(call->account)));
	struct msg_web_login ask = {.account = str_from_c(login.account),
				    .password = secret_reveal(&login.password),
				    .code = str_from_c(login.code),
				    .address = asked->peer};
	call_auth_ask(admin, call, CALL_LOGIN, MSG_web_login, &ask);
	login_wipe(&login);
}

/* A session that the client had before ends with a new login: nothing of it lives on. */
static void former_session_end(struct admin *admin, struct str token)
{
	struct msg_web_session_end end = {.token = token};

	if (!str_is_empty(token) && admin->auth.fd >= 0)
		(void)!channel_send(&admin->auth, MSG_web_session_end, 0, &end);
}

void call_login_end(struct admin *admin, struct call *call,
		      const struct msg_web_session_given *given)
{
	struct answer answer;

	answer_init(&answer);
	login_answer(&answer, given);
	login_log(admin->options.log, given, str_from_c(call->account), asked_of(call)->peer);
	if (given->fault == FAULT_NONE && given->verdict == LOGIN_GRANTED)
		former_session_end(admin, asked_of(call)->token);
	call_answer(admin, call, &answer);
}

static void history_answer(struct admin *admin, struct call *call, struct answer *answer)
{
	int64_t now_s = clock_real_s(), since_s = now_s - HISTORY_S, step_s = 0;
	const char *wrong = samples_query_read(asked_of(call)->query, &since_s, &step_s);

	if (wrong != NULL)
		answer_error(answer, 400, "invalid", wrong, "a whole number of seconds is wanted");
	else if (admin->samples == NULL)
		answer_error(answer, 503, "unavailable", NULL, "no counters are kept; error.log says why");
	else
		samples_append(admin->samples, since_s, step_s, now_s, &answer->body);
}

static void own_answer(struct admin *admin, struct call *call,
		       const struct msg_web_session_given *given)
{
	struct msg_web_session_end end = {.token = asked_of(call)->token};
	struct answer answer;

	if (call->match.route->own == OWN_LOGOUT) {
		call_auth_ask(admin, call, CALL_LOGOUT, MSG_web_session_end, &end);
		return;
	}
	answer_init(&answer);
	if (call->match.route->own == OWN_OPENAPI)
		openapi_append(&answer.body);
	else if (call->match.route->own == OWN_HISTORY)
		history_answer(admin, call, &answer);
	else
		session_answer(&answer, given, asked_of(call)->token);
	call_answer(admin, call, &answer);
}

/* ---- changes that want the password once more: whoever finds an open page may not make them ---- */

static const char *proof_name(const struct route *route)
{
	for (const struct route_parameter *at = route->parameters; at->name != NULL; at++)
		if (at->target == TARGET_PROOF)
			return at->name;
	return NULL;
}

static void proof_begin(struct admin *admin, struct call *call)
{
	struct secret password CLEANUP_SECRET = {0};
	struct answer answer;

	answer_init(&answer);
	if (!proof_read(asked_of(call)->body, proof_name(call->match.route), &password, &answer)) {
		call_answer(admin, call, &answer);
		return;
	}
	answer_done(&answer);
	struct msg_web_proof proof = {.account = call->match.account,
				      .password = secret_reveal(&password),
				      .address = asked_of(call)->peer};
	call_auth_ask(admin, call, CALL_PROOF, MSG_web_proof, &proof);
}

void call_proof_end(struct admin *admin, struct call *call,
		      const struct msg_web_session_given *given)
{
	struct answer answer;

	if (given->fault == FAULT_NONE && given->verdict == LOGIN_GRANTED) {
		call_command_queue(admin, call);
		return;
	}
	answer_init(&answer);
	proof_refuse(&answer, given, proof_name(call->match.route));
	login_log(admin->options.log, given, call->match.account, asked_of(call)->peer);
	call_answer(admin, call, &answer);
}

/* ---- sessions ---- */

static enum turn_kind turn_kind_of(const struct route *route)
{
	return route->is_stream			? TURN_STREAM
	       : route->limit_s > ERRAND_STANDARD_S ? TURN_LONG
						    : TURN_SHORT;
}

/* The session is known: whether it may, and then the command. */
static void session_go_on(struct admin *admin, struct call *call,
			  const struct msg_web_session_given *given)
{
	const struct route *route = call->match.route;
	const struct guard_refusal *refusal =
		guard_session_check(asked_of(call), route, given->flags);

	CHECK(str_copy_c(given->account, call->account, sizeof(call->account)));
	call->turn = (struct turn){.kind = turn_kind_of(route),
				   .is_auditor = (given->flags & LOGIN_FLAG_ADMIN) == 0,
				   .account = str_from_c(call->account)};
	web_session_append_name(&call->session, asked_of(call)->token);
	call->match.account = str_from_c(call->account);
	call->match.session = buf_str(&call->session);
	if (refusal != NULL)
		call_refuse(admin, call, refusal);
	else if (route->own != OWN_NONE)
		own_answer(admin, call, given);
	else if (proof_name(route) != NULL)
		proof_begin(admin, call);
	else if (route->takes_upload)
		call_upload_begin(admin, call);
	else
		call_command_queue(admin, call);
}

void call_session_given(struct admin *admin, struct call *call,
			  const struct msg_web_session_given *given)
{
	struct answer answer;

	if (given->fault == FAULT_NONE) {
		session_go_on(admin, call, given);
		return;
	}
	answer_init(&answer);
	if (given->fault == FAULT_NOT_FOUND)
		session_missing_answer(&answer);
	else
		answer_error(&answer, 503, "unavailable", NULL,
			     "sessions cannot be checked now; try again");
	call_answer(admin, call, &answer);
}

void call_logout_end(struct admin *admin, struct call *call)
{
	struct answer answer;

	answer_init(&answer);
	session_end_answer(&answer);
	call_answer(admin, call, &answer);
}

