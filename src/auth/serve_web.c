/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/serve.h"
#include "auth/web_sessions.h"
#include "base/clock.h"
#include "base/encode.h"
#include "crypto/password.h"
#include "crypto/totp.h"

/* ---- logging in ---- */

/* The verdict on the code beside a right password. */
static enum fault code_verify(struct auth_service *service, const struct job *job,
			      uint32_t *verdict_out)
{
	struct str code = secret_reveal(&job->code);
	bool is_on;
	enum fault fault = second_factor_is_on(service->factors, job_account(job), &is_on);

	*verdict_out = LOGIN_GRANTED;
	if (fault != FAULT_NONE || !is_on)
		return fault;
	if (str_is_empty(code)) {
		*verdict_out = LOGIN_NEEDS_CODE;
		return FAULT_NONE;
	}
	fault = second_factor_spend(service->factors, job_account(job), code, clock_real_s());
	if (fault != FAULT_DENIED)
		return fault;
	*verdict_out = LOGIN_WRONG_CODE;
	return FAULT_NONE;
}

void web_login_verify(struct auth_service *service, struct job *job)
{
	struct msg_login_answered *answer = &job->answer;

	if ((answer->flags & (LOGIN_FLAG_ADMIN | LOGIN_FLAG_AUDITOR)) == 0) {
		answer->verdict = LOGIN_NO_ROLE;
		return;
	}
	answer->fault = code_verify(service, job, &answer->verdict);
	if (answer->fault != FAULT_NONE || answer->verdict != LOGIN_GRANTED)
		return;
	job->session_s = clock_real_s();
	answer->fault = web_session_begin(service->credentials, job_account(job), job->session_s,
					  &job->token);
}

void web_login_answer(const struct job *job)
{
	const struct msg_login_answered *answer = &job->answer;
	bool is_granted = answer->fault == FAULT_NONE && answer->verdict == LOGIN_GRANTED;
	struct msg_web_session_given given = {.fault = answer->fault,
					      .verdict = answer->verdict,
					      .flags = answer->flags,
					      .wait_s = answer->wait_s,
					      .account = job_account(job),
					      .token = buf_str(&job->token)};

	if (is_granted) {
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
	login_begin(service, job, login->address);
}

void serve_web_session(struct auth_service *service, struct role_peer *peer, uint64_t id,
		       const struct msg_web_session_wanted *wanted)
{
	struct msg_web_session_given given = {.verdict = LOGIN_GRANTED};
	struct web_session session;

	given.fault =
		web_session_use(service->credentials, wanted->token, clock_real_s(), &session);
	if (given.fault == FAULT_NONE) {
		given.flags = session.flags;
		given.account = str_make(session.account, session.account_len);
		given.created_s = (uint64_t)session.created_s;
		given.ends_s = (uint64_t)session.ends_s;
	}
	role_peer_answer(peer, MSG_web_session_given, id, &given);
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
	role_peer_done(peer, id,
		       second_factor_confirm(service->factors, confirm->account, confirm->code,
					     clock_real_s()),
		       STR(""));
}
