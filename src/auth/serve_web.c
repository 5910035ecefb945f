/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/serve.h"
#include "auth/web_sessions.h"
#include "base/clock.h"
#include "base/encode.h"
#include "crypto/password.h"
#include "crypto/totp.h"

/* ---- logging in ---- */

/* True, with the answer filled in, when the account has used up its attempts. */
static bool account_is_blocked(struct auth_service *service, struct job *job)
{
	pthread_mutex_lock(&service->lock);
	uint32_t wait_s = login_account_blocked_s(service, job);
	service->counters.blocked += wait_s > 0;
	pthread_mutex_unlock(&service->lock);
	if (wait_s == 0)
		return false;
	job->answer.verdict = LOGIN_ACCOUNT_BLOCKED;
	job->answer.wait_s = wait_s;
	return true;
}

/* The verdict on the code beside a right password. */
static enum fault code_verify(struct auth_service *service, struct job *job)
{
	struct str code = secret_reveal(&job->code);
	uint32_t *verdict_out = &job->answer.verdict;
	bool is_on;
	enum fault fault = second_factor_is_on(service->factors, job_account(job), &is_on);

	*verdict_out = LOGIN_GRANTED;
	if (fault != FAULT_NONE || !is_on)
		return fault;
	if (str_is_empty(code)) {
		*verdict_out = LOGIN_NEEDS_CODE;
		return FAULT_NONE;
	}
	/* Not even a right one is looked at: it would tell whoever guesses that it was. */
	if (account_is_blocked(service, job))
		return FAULT_NONE;
	fault = second_factor_spend(service->factors, job_account(job), code, clock_real_s());
	if (fault != FAULT_DENIED)
		return fault;
	*verdict_out = LOGIN_WRONG_CODE;
	return FAULT_NONE;
}

void web_login_verify(struct auth_service *service, struct job *job, struct str hash)
{
	struct msg_login_answered *answer = &job->answer;
	struct web_session_owner owner = {
		.account = job_account(job), .hash = hash, .address = buf_str(&job->address)};

	if ((answer->flags & (LOGIN_FLAG_ADMIN | LOGIN_FLAG_AUDITOR)) == 0) {
		answer->verdict = LOGIN_NO_ROLE;
		return;
	}
	answer->fault = code_verify(service, job);
	if (answer->fault != FAULT_NONE || answer->verdict != LOGIN_GRANTED)
		return;
	job->session_s = clock_real_s();
	answer->fault =
		web_session_begin(service->credentials, &owner, job->session_s, &job->token);
}

void web_login_answer(const struct job *job)
{
	const struct msg_login_answered *answer = &job->answer;
	bool has_begun = answer->fault == FAULT_NONE && answer->verdict == LOGIN_GRANTED &&
			 !job->is_proof;
	struct msg_web_session_given given = {.fault = answer->fault,
					      .verdict = answer->verdict,
					      .flags = answer->flags,
					      .wait_s = answer->wait_s,
					      .account = job_account(job),
					      .token = buf_str(&job->token)};

	if (has_begun) {
		given.created_s = (uint64_t)job->session_s;
		given.ends_s = (uint64_t)job->session_s + WEB_IDLE_S;
	}
	role_peer_answer(job->peer, MSG_web_session_given, job->id, &given);
}

void serve_web_login(struct auth_service *service, struct role_peer *peer, uint64_t id,
		     const struct msg_web_login *login)
{
	struct job *job = job_new(peer, id, login->account, login->password);

	/* What is too long is wrong as surely as one blank is. */
	if (!secret_set(&job->code, login->code))
		CHECK(secret_set(&job->code, STR(" ")));
	job->is_web = true;
	buf_append_str(&job->address, login->address);
	login_begin(service, job, login->address);
}

void serve_web_proof(struct auth_service *service, struct role_peer *peer, uint64_t id,
		     const struct msg_web_proof *proof)
{
	struct job *job = job_new(peer, id, proof->account, proof->password);

	job->is_web = job->is_proof = true;
	if (account_is_blocked(service, job))
		job_answer(job);
	else
		login_begin(service, job, proof->address);
}

/* ---- sessions ---- */

void serve_web_session(struct auth_service *service, struct role_peer *peer, uint64_t id,
		       const struct msg_web_session_wanted *wanted)
{
	struct msg_web_session_given given = {.verdict = LOGIN_GRANTED};
	struct web_session session;

	pthread_mutex_lock(&service->sessions);
	given.fault =
		web_session_use(service->credentials, wanted->token, clock_real_s(), &session);
	pthread_mutex_unlock(&service->sessions);
	if (given.fault == FAULT_NONE) {
		given.flags = session.flags;
		given.account = str_make(session.account, session.account_len);
		given.created_s = (uint64_t)session.created_s;
		given.ends_s = (uint64_t)session.ends_s;
	}
	role_peer_answer(peer, MSG_web_session_given, id, &given);
}

static enum fault sessions_end(struct auth_service *service, struct str account,
			       struct str kept_name)
{
	pthread_mutex_lock(&service->sessions);
	enum fault fault = web_sessions_end(service->credentials, account, kept_name);
	pthread_mutex_unlock(&service->sessions);
	return fault;
}

void serve_web_sessions_end(struct auth_service *service, struct role_peer *peer, uint64_t id,
			    const struct msg_web_sessions_end *end)
{
	role_peer_done(peer, id, sessions_end(service, end->account, end->session), STR(""));
}

/* ---- what an account's login is ---- */

static void session_append(void *context, const struct web_session_row *row)
{
	struct buf *json = context;

	/* An address is digits, letters, points and colons. */
	buf_printf(json,
		   "%s{\"name\":\"%.*s\",\"address\":\"%.*s\",\"created\":%lld,\"used\":%lld,\"ends\":%lld}",
		   json->data[json->len - 1] == '[' ? "" : ",", WEB_NAME_TEXT, row->name,
		   STR_ARG(row->address), (long long)row->created_s, (long long)row->used_s,
		   (long long)row->ends_s);
}

void serve_login_wanted(struct auth_service *service, struct role_peer *peer, uint64_t id,
			const struct msg_login_wanted *wanted)
{
	struct buf json = BUF_INIT(MESSAGE_INLINE_MAX), hash = BUF_INIT(PASSWORD_HASH_MAX);
	struct credential credential = {0};
	int64_t since_s = 0;
	bool is_on = false;
	enum fault fault =
		credentials_get(service->credentials, wanted->account, &hash, &credential);

	buf_wipe(&hash);
	if (fault == FAULT_NONE)
		fault = second_factor_read(service->factors, wanted->account, &is_on, &since_s);
	buf_printf(&json, "{\"flags\":%u,\"totp\":%s,\"totp_since\":%lld,\"sessions\":[",
		   credential.flags, is_on ? "true" : "false", (long long)since_s);
	if (fault == FAULT_NONE)
		fault = web_sessions_walk(service->credentials, wanted->account, clock_real_s(),
					  session_append, &json);
	buf_append_c(&json, "]}");
	if (fault == FAULT_NONE && json.failed)
		fault = FAULT_TOO_LARGE;
	role_peer_done(peer, id, fault, fault == FAULT_NONE ? buf_str(&json) : STR(""));
	buf_done(&json);
}

/* ---- second factors ---- */

/* Only who has a password and a role: nobody else is ever asked for a code. */
static enum fault factor_begin(struct auth_service *service, struct str account, struct buf *text)
{
	struct buf hash = BUF_INIT(PASSWORD_HASH_MAX), secret = BUF_INIT(TOTP_SECRET_BYTES + 1);
	struct credential credential;
	enum fault fault = credentials_get(service->credentials, account, &hash, &credential);

	if (fault == FAULT_NONE &&
	    (credential.flags & (LOGIN_FLAG_ADMIN | LOGIN_FLAG_AUDITOR)) == 0)
		fault = FAULT_DENIED;
	if (fault == FAULT_NONE)
		fault = second_factor_begin(service->factors, account, &secret);
	if (fault == FAULT_NONE)
		base32_encode(text, buf_str(&secret));
	buf_wipe(&hash);
	buf_wipe(&secret);
	return fault;
}

void serve_factor_begin(struct auth_service *service, struct role_peer *peer, uint64_t id,
			const struct msg_second_factor_begin *begin)
{
	struct buf text = BUF_INIT(2 * TOTP_SECRET_BYTES);
	enum fault fault = factor_begin(service, begin->account, &text);

	role_peer_done(peer, id, fault, buf_str(&text));
	buf_wipe(&text);
}

void serve_factor_confirm(struct auth_service *service, struct role_peer *peer, uint64_t id,
			  const struct msg_second_factor_confirm *confirm)
{
	enum fault fault = second_factor_confirm(service->factors, confirm->account, confirm->code,
						 clock_real_s());

	if (fault == FAULT_NONE)
		fault = sessions_end(service, confirm->account, confirm->session);
	role_peer_done(peer, id, fault, STR(""));
}

void serve_factor_off(struct auth_service *service, struct role_peer *peer, uint64_t id,
		      const struct msg_second_factor_off *off)
{
	enum fault fault = second_factor_off(service->factors, off->account);

	if (fault == FAULT_NONE)
		fault = sessions_end(service, off->account, off->session);
	role_peer_done(peer, id, fault, STR(""));
}
