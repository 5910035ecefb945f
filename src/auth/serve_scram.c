/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/serve.h"
#include "base/clock.h"
#include "crypto/password.h"
#include "proto/saslprep.h"
#include "proto/scram.h"

/* ---- verifiers ---- */

bool scram_is_allowed(struct auth_service *service)
{
	return __atomic_load_n(&service->allows_scram, __ATOMIC_ACQUIRE);
}

bool scram_verifier_compute(struct auth_service *service, struct str account, struct str password,
			    struct scram_verifier *verifier_out)
{
	struct buf prepared = BUF_INIT(SASLPREP_MAX);
	uint8_t salt[SCRAM_SALT_BYTES];
	bool is_possible = saslprep(&prepared, password);

	if (is_possible) {
		scram_keeper_salt(&service->scram, account, salt);
		scram_verifier_make(buf_str(&prepared), salt, SCRAM_ITERATIONS, verifier_out);
	}
	buf_wipe(&prepared);
	return is_possible;
}

void scram_verifiers_recheck(struct auth_service *service)
{
	if (!scram_is_allowed(service))
		(void)!credentials_verifiers_drop(service->credentials);
}

void scram_verifier_catch_up(struct auth_service *service, struct str account, struct str password,
			     struct str hash)
{
	CLEANUP_SCRAM_VERIFIER struct scram_verifier verifier = {0};

	if (!scram_is_allowed(service) ||
	    (credentials_verifier_get(service->credentials, account, &verifier) == FAULT_NONE &&
	     verifier.iterations == SCRAM_ITERATIONS))
		return;
	if (scram_verifier_compute(service, account, password, &verifier))
		(void)!credentials_verifier_put(service->credentials, account, hash, &verifier);
	scram_verifiers_recheck(service);
}

enum fault auth_service_set_scram(struct auth_service *service, bool is_allowed)
{
	bool was_allowed =
		__atomic_exchange_n(&service->allows_scram, is_allowed, __ATOMIC_ACQ_REL);

	if (!is_allowed)
		return credentials_verifiers_drop(service->credentials);
	if (was_allowed)
		return FAULT_NONE;
	/* Whoever is remembered would get no verifier as long as he is. */
	pthread_mutex_lock(&service->lock);
	remembered_done(&service->remembered);
	remembered_init(&service->remembered);
	pthread_mutex_unlock(&service->lock);
	return FAULT_NONE;
}
/* ---- logins: no hash to wait for, so the loop answers by itself ---- */

/* The account's verifier, or NULL; NOT_FOUND is no fault: nobody learns who has none. */
static enum fault verifier_find(struct auth_service *service, struct str account,
				struct scram_verifier *room,
				const struct scram_verifier **verifier_out)
{
	enum fault fault = credentials_verifier_get(service->credentials, account, room);

	if (fault != FAULT_NONE && fault != FAULT_NOT_FOUND)
		return fault;
	*verifier_out = fault == FAULT_NONE ? room : NULL;
	return FAULT_NONE;
}

void serve_scram_begin(struct auth_service *service, struct role_peer *peer, uint64_t id,
		       const struct msg_scram_begin *begin)
{
	struct buf challenge = BUF_INIT(SCRAM_MESSAGE_MAX), seal = BUF_INIT(SCRAM_SEAL_BYTES);
	CLEANUP_SCRAM_VERIFIER struct scram_verifier room;
	const struct scram_verifier *verifier;
	struct job *job = login_quick_new(service, peer, id, begin->account, begin->address,
					  scram_is_allowed(service));

	if (job == NULL)
		return;
	enum fault fault = verifier_find(service, begin->account, &room, &verifier);
	if (fault == FAULT_NONE)
		fault = scram_keeper_begin(&service->scram, begin->account, verifier, begin->first,
					   clock_mono_ms(), &challenge, &seal);
	job->answer = (struct msg_login_answered){.fault = fault, .verdict = LOGIN_CONTINUES};
	if (fault == FAULT_NONE) {
		job->answer.message = buf_str(&challenge);
		job->answer.seal = buf_str(&seal);
	}
	job_answer(job);
	buf_done(&challenge);
	buf_done(&seal);
}

/* What a checked attempt means; the flags count where it is right. */
static enum fault scram_verdict_find(struct auth_service *service, struct str account,
				     enum scram_verdict scram, bool has_verifier,
				     struct msg_login_answered *answer)
{
	struct buf hash = BUF_INIT(PASSWORD_HASH_MAX);
	struct credential credential = {0};
	enum fault fault = credentials_get(service->credentials, account, &hash, &credential);

	buf_wipe(&hash);
	if (fault != FAULT_NONE && fault != FAULT_NOT_FOUND)
		return fault;
	if (fault == FAULT_NOT_FOUND)
		answer->verdict = LOGIN_UNKNOWN_USER;
	else if (!has_verifier)
		answer->verdict = LOGIN_NO_VERIFIER;
	else if (scram == SCRAM_WRONG)
		answer->verdict = LOGIN_WRONG_PASSWORD;
	else if (scram == SCRAM_WRONG_BINDING)
		answer->verdict = LOGIN_WRONG_BINDING;
	else
		answer->verdict = (credential.flags & LOGIN_FLAG_DISABLED) != 0 ? LOGIN_DISABLED
										: LOGIN_GRANTED;
	answer->flags = credential.flags;
	return FAULT_NONE;
}

static enum fault scram_attempt_check(struct auth_service *service,
				      const struct scram_attempt *attempt,
				      struct msg_login_answered *answer, struct buf *message)
{
	CLEANUP_SCRAM_VERIFIER struct scram_verifier room;
	const struct scram_verifier *verifier;
	enum scram_verdict verdict;
	enum fault fault = verifier_find(service, attempt->account, &room, &verifier);

	if (fault == FAULT_NONE)
		fault = scram_keeper_finish(&service->scram, verifier, attempt, clock_mono_ms(),
					    &verdict, message);
	if (fault == FAULT_NONE)
		fault = scram_verdict_find(service, attempt->account, verdict, verifier != NULL,
					   answer);
	return fault;
}

void serve_scram_finish(struct auth_service *service, struct role_peer *peer, uint64_t id,
			const struct msg_scram_finish *finish)
{
	struct scram_attempt attempt = {.account = finish->account,
					.first = finish->first,
					.challenge = finish->challenge,
					.seal = finish->seal,
					.last = finish->last,
					.binding = finish->binding};
	struct buf message = BUF_INIT(SCRAM_MESSAGE_MAX);
	struct job *job = login_quick_new(service, peer, id, finish->account, finish->address,
					  scram_is_allowed(service));

	if (job == NULL)
		return;
	job->answer.fault = scram_attempt_check(service, &attempt, &job->answer, &message);
	/* Only what is answered at once may borrow the buffer. */
	if (job->answer.fault == FAULT_NONE && job->answer.verdict == LOGIN_GRANTED)
		job->answer.message = buf_str(&message);
	login_quick_answer(service, job);
	buf_done(&message);
}
