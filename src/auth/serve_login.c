/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/serve.h"
#include "base/clock.h"
#include "crypto/digest.h"
#include "crypto/password.h"

/* Looks the account up and hashes; fills in fault, verdict and flags. */
static void login_verify(struct auth_service *service, struct job *job)
{
	struct buf hash = BUF_INIT(PASSWORD_HASH_MAX);
	struct credential credential = {.hash = buf_str(&service->decoy)};
	bool is_right = false;
	enum fault fault =
		credentials_get(service->credentials, job_account(job), &hash, &credential);
	bool is_known = fault == FAULT_NONE;

	if (is_known || fault == FAULT_NOT_FOUND)
		fault = password_verify(credential.hash, secret_reveal(&job->password), &is_right);
	job->answer = (struct msg_login_answered){.fault = fault, .flags = credential.flags};
	if (!is_known)
		job->answer.verdict = LOGIN_UNKNOWN_USER;
	else if (!is_right)
		job->answer.verdict = LOGIN_WRONG_PASSWORD;
	else if ((credential.flags & LOGIN_FLAG_DISABLED) != 0)
		job->answer.verdict = LOGIN_DISABLED;
	else {
		job->answer.verdict = LOGIN_GRANTED;
		scram_verifier_catch_up(service, job_account(job), secret_reveal(&job->password),
					credential.hash);
		if (job->is_web && !job->is_proof)
			web_login_verify(service, job, credential.hash);
	}
	buf_wipe(&hash);
}

/* As many as an address has, but never more than it has by default: codes are short. */
static struct attempt_limits account_limits(const struct auth_service *service)
{
	struct attempt_limits limits = service->limits;
	uint32_t most = attempt_limits_default.failures_per_address;

	if (limits.failures_per_address == 0 || limits.failures_per_address > most)
		limits.failures_per_address = most;
	return limits;
}

static void account_key(struct str account, struct peer_key *key_out)
{
	unsigned char digest[SHA256_BYTES];

	sha256(account, digest);
	memcpy(key_out->bytes, digest, sizeof(key_out->bytes));
}

uint32_t login_account_blocked_s(struct auth_service *service, const struct job *job)
{
	struct attempt_limits limits = account_limits(service);
	struct peer_key key;

	account_key(job_account(job), &key);
	return attempts_blocked_s(&service->account_attempts, &limits, &key, clock_mono_ms());
}

/* With the lock held: counts it by the account; returns the delay of the answer. */
static uint32_t account_settle(struct auth_service *service, const struct job *job)
{
	bool is_insider = job->answer.verdict == LOGIN_WRONG_CODE || job->is_proof;
	struct attempt_limits limits = account_limits(service);
	struct peer_key key;

	if (!is_insider)
		return 0;
	account_key(job_account(job), &key);
	return attempts_fail(&service->account_attempts, &limits, &key, clock_mono_ms());
}

/* With the lock held: counts the outcome; returns the delay of the answer. */
static uint32_t login_settle(struct auth_service *service, struct job *job)
{
	if (job->answer.fault != FAULT_NONE)
		return 0;
	if (job->answer.verdict == LOGIN_GRANTED) {
		service->counters.granted++;
		return 0;
	}
	/* Whoever knows the password has guessed nothing. */
	if (job->answer.verdict == LOGIN_NO_ROLE || job->answer.verdict == LOGIN_NEEDS_CODE ||
	    job->answer.verdict == LOGIN_ACCOUNT_BLOCKED)
		return 0;
	service->counters.failed++;
	job->answer.flags = 0;
	uint32_t delay_ms = account_settle(service, job);
	if (job->is_exempt)
		return delay_ms;
	uint32_t address_ms =
		attempts_fail(&service->attempts, &service->limits, &job->key, clock_mono_ms());
	return delay_ms > address_ms ? delay_ms : address_ms;
}

/* With the lock held. A password changed meanwhile must not come back as a remembered one. */
static void login_remember(struct auth_service *service, const struct job *job, uint64_t changes)
{
	if (job->answer.fault == FAULT_NONE && job->answer.verdict == LOGIN_GRANTED &&
	    service->changes == changes)
		remembered_add(&service->remembered, job_account(job),
			       secret_reveal(&job->password), job->answer.flags, clock_mono_ms());
}

/* With the lock held: true, with the answer filled in, when the address is refused unheard. */
static bool login_is_blocked(struct auth_service *service, const struct job *job,
			     struct msg_login_answered *answer_out)
{
	uint32_t wait_s = job->is_exempt ? 0
					 : attempts_blocked_s(&service->attempts, &service->limits,
							      &job->key, clock_mono_ms());

	if (wait_s == 0)
		return false;
	service->counters.blocked++;
	*answer_out = (struct msg_login_answered){.verdict = LOGIN_BLOCKED, .wait_s = wait_s};
	return true;
}

void login_run(struct auth_service *service, struct job *job)
{
	uint64_t changes = service->changes;
	bool is_delayed = false;

	/* The address may have used up its attempts while this one waited. */
	if (!login_is_blocked(service, job, &job->answer)) {
		pthread_mutex_unlock(&service->lock);
		login_verify(service, job);
		pthread_mutex_lock(&service->lock);
		uint32_t delay_ms = login_settle(service, job);
		login_remember(service, job, changes);
		secret_wipe(&job->password);
		is_delayed = delay_ms > 0 && job_delay(service, job, clock_mono_ms() + delay_ms);
	}
	if (is_delayed)
		return;
	pthread_mutex_unlock(&service->lock);
	job_answer(job);
	pthread_mutex_lock(&service->lock);
}

/* With the lock held: true, with the answer filled in, when no hash is needed. */
static bool login_is_known(struct auth_service *service, struct job *job)
{
	if (login_is_blocked(service, job, &job->answer))
		return true;
	if (!remembered_check(&service->remembered, job_account(job), secret_reveal(&job->password),
			      clock_mono_ms(), &job->answer.flags))
		return false;
	service->counters.remembered++;
	job->answer.verdict = LOGIN_GRANTED;
	return true;
}

void login_begin(struct auth_service *service, struct job *job, struct str from)
{
	struct job *refused = NULL;
	uint8_t address[16];

	peer_key_parse(from, &job->key, address);
	pthread_mutex_lock(&service->lock);
	job->is_exempt = service->limits.is_exempt != NULL &&
			 service->limits.is_exempt(service->limits.context, address);
	bool is_known = job->is_web ? login_is_blocked(service, job, &job->answer)
				    : login_is_known(service, job);
	if (!is_known)
		refused = job_queue(service, job);
	pthread_mutex_unlock(&service->lock);
	if (is_known)
		job_answer(job);
	else if (refused != NULL)
		job_refuse(refused);
}

void serve_login_check(struct auth_service *service, struct role_peer *peer, uint64_t id,
		       const struct msg_login_check *check)
{
	login_begin(service, job_new(peer, id, check->account, check->password), check->address);
}

/* ---- no hash to wait for: the loop answers by itself ---- */

struct job *login_quick_new(struct auth_service *service, struct role_peer *peer, uint64_t id,
			    struct str account, struct str address, bool is_allowed)
{
	struct job *job = job_new(peer, id, account, STR(""));
	uint8_t whole[16];

	peer_key_parse(address, &job->key, whole);
	pthread_mutex_lock(&service->lock);
	job->is_exempt = service->limits.is_exempt != NULL &&
			 service->limits.is_exempt(service->limits.context, whole);
	bool is_blocked = login_is_blocked(service, job, &job->answer);
	pthread_mutex_unlock(&service->lock);
	if (!is_blocked && !is_allowed)
		job->answer.fault = FAULT_UNSUPPORTED;
	if (!is_blocked && job->answer.fault == FAULT_NONE)
		return job;
	job_answer(job);
	return NULL;
}

void login_quick_answer(struct auth_service *service, struct job *job)
{
	pthread_mutex_lock(&service->lock);
	uint32_t delay_ms = login_settle(service, job);
	bool is_delayed = delay_ms > 0 && job_delay(service, job, clock_mono_ms() + delay_ms);
	if (is_delayed)
		condition_signal(&service->work);
	pthread_mutex_unlock(&service->lock);
	if (!is_delayed)
		job_answer(job);
}

/* An account may have no password at all: then there is nothing against it here. */
static enum fault certificate_check(struct auth_service *service, struct str account,
				    struct msg_login_answered *answer)
{
	struct buf hash = BUF_INIT(PASSWORD_HASH_MAX);
	struct credential credential = {0};
	enum fault fault = credentials_get(service->credentials, account, &hash, &credential);

	buf_wipe(&hash);
	if (fault != FAULT_NONE && fault != FAULT_NOT_FOUND)
		return fault;
	answer->flags = credential.flags;
	answer->verdict =
		(credential.flags & LOGIN_FLAG_DISABLED) != 0 ? LOGIN_DISABLED : LOGIN_GRANTED;
	return FAULT_NONE;
}

void serve_certificate_login(struct auth_service *service, struct role_peer *peer, uint64_t id,
			     const struct msg_certificate_login *login)
{
	struct job *job = login_quick_new(service, peer, id, login->account, login->address, true);

	if (job == NULL)
		return;
	if (login->found == LOGIN_GRANTED)
		job->answer.fault = certificate_check(service, login->account, &job->answer);
	else if (login->found == LOGIN_UNKNOWN_USER || login->found == LOGIN_WRONG_IDENTITY)
		job->answer.verdict = login->found;
	else
		job->answer.fault = FAULT_INVALID;
	login_quick_answer(service, job);
}
