/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of the role takes requests and answers at once what needs no hash;
 * the rest becomes a job. Hashing threads take jobs, and between two jobs, or
 * while there is none, send the delayed answers that are due. One lock guards
 * everything but the credentials, which have LMDB's; it is never held while
 * hashing, on the disk or sending.
 */
#include "auth/service.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/auth.h"
#include "auth/credentials.h"
#include "auth/queue.h"
#include "auth/remembered.h"
#include "auth/remote.h"
#include "auth/scram_keeper.h"
#include "auth/second_factor.h"
#include "auth/web_sessions.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/random.h"
#include "crypto/password.h"
#include "crypto/totp.h"
#include "proto/saslprep.h"
#include "proto/scram.h"

enum {
	QUEUE_MAX = 512,
	QUEUE_ADDRESS_MAX = 64,
	DELAYED_MAX = 4096,
	THREADS_MAX = 64,
	ACCOUNT_MAX = 320,
	REMOTE_NAMES_MAX = 48 * 1024,
	TICK_MS = 30 * 1000,
	DECOY_BYTES = 24,
	/* A page of password_list: a JSON text that fits one packet. */
	LIST_PAGE_BYTES = 48 * 1024,
};

/* A login to check or a password to set; afterwards, the answer that waits. */
struct job {
	struct list_node place;
	struct role_peer *peer; /* held */
	uint64_t id;
	bool is_setting;
	char account_bytes[ACCOUNT_MAX];
	size_t account_len; /* 0: an account that cannot exist */
	struct secret password;
	struct secret code; /* of a second factor; empty: none was given */
	struct peer_key key;
	bool is_exempt;
	bool is_web;	/* begins a session of the administration page */
	uint32_t flags; /* to be set */
	struct msg_login_answered answer;
	int64_t session_s; /* when such a session began, real time */
	struct buf token;  /* and its token */
	int64_t due_ms;
};

struct counters {
	uint64_t granted;
	uint64_t remembered;
	uint64_t failed;
	uint64_t blocked;
	uint64_t busy;
};

struct auth_service {
	struct credentials *credentials;
	struct remote_passwords *remote;
	struct second_factors *factors;
	struct buf decoy; /* a hash that no password gives, for unknown users */
	struct scram_keeper scram;
	bool allows_scram; /* atomic */
	pthread_t threads[THREADS_MAX];
	size_t thread_count;
	pthread_mutex_t lock;
	/* All below under the lock. */
	pthread_cond_t work;
	bool is_stopping;
	struct attempt_limits limits;
	struct queue queue;
	struct list delayed; /* of struct job, by due_ms */
	size_t delayed_count;
	struct attempts attempts;
	struct remembered remembered;
	uint64_t changes; /* of credentials, to know an answer from before one */
	struct counters counters;
};

static struct str job_account(const struct job *job)
{
	return str_make(job->account_bytes, job->account_len);
}

static struct job *job_new(struct role_peer *peer, uint64_t id, struct str account,
			   struct str password)
{
	struct job *job = calloc(1, sizeof(*job));

	CHECK(job != NULL);
	role_peer_hold(peer);
	job->peer = peer;
	job->id = id;
	buf_init(&job->token, WEB_TOKEN_TEXT);
	/* What is too long cannot be right: it is hashed like any unknown user. */
	if (secret_set(&job->password, password) && account.len <= sizeof(job->account_bytes)) {
		job->account_len = account.len;
		if (account.len > 0)
			memcpy(job->account_bytes, account.ptr, account.len);
	}
	return job;
}

static void job_free(struct job *job)
{
	role_peer_release(&job->peer);
	buf_wipe(&job->token);
	explicit_bzero(job, sizeof(*job));
	free(job);
}

static void web_login_answer(const struct job *job)
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

static void login_answer(struct job *job)
{
	if (job->is_web) {
		web_login_answer(job);
		job_free(job);
		return;
	}
	role_peer_answer(job->peer, MSG_login_answered, job->id, &job->answer);
	job_free(job);
}

/* ---- delayed answers ---- */

/* With the lock held. False when too many wait; then the caller answers at once. */
static bool delay_put(struct auth_service *service, struct job *job, int64_t due_ms)
{
	struct list_node *after = &service->delayed.anchor;

	if (service->delayed_count >= DELAYED_MAX)
		return false;
	job->due_ms = due_ms;
	while (after->previous != &service->delayed.anchor &&
	       list_entry(after->previous, struct job, place)->due_ms > due_ms)
		after = after->previous;
	list_insert(after, &job->place);
	service->delayed_count++;
	return true;
}

static struct job *delayed_first(struct auth_service *service)
{
	return list_is_empty(&service->delayed)
		       ? NULL
		       : list_entry(service->delayed.anchor.next, struct job, place);
}

/* With the lock held, which is given up for the sending. True when one was sent. */
static bool delayed_send_due(struct auth_service *service)
{
	struct job *first = delayed_first(service);

	if (first == NULL || first->due_ms > clock_mono_ms())
		return false;
	list_remove(&first->place);
	service->delayed_count--;
	pthread_mutex_unlock(&service->lock);
	login_answer(first);
	pthread_mutex_lock(&service->lock);
	return true;
}

/* With the lock held: sleeps until there is work or an answer is due. */
static void work_await(struct auth_service *service)
{
	const struct job *first = delayed_first(service);

	if (first == NULL) {
		pthread_cond_wait(&service->work, &service->lock);
		return;
	}
	struct timespec due = {.tv_sec = first->due_ms / 1000,
			       .tv_nsec = first->due_ms % 1000 * 1000000};
	(void)pthread_cond_timedwait(&service->work, &service->lock, &due);
}

/* ---- verifiers of SCRAM ---- */

static bool scram_is_allowed(struct auth_service *service)
{
	return __atomic_load_n(&service->allows_scram, __ATOMIC_ACQUIRE);
}

/* False for a password that SCRAM cannot carry: no text, or prohibited characters in it. */
static bool verifier_compute(struct auth_service *service, struct str account, struct str password,
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

/* After one was kept: AllowScram may have become 0 while it was made. */
static void verifiers_recheck(struct auth_service *service)
{
	if (!scram_is_allowed(service))
		(void)!credentials_verifiers_drop(service->credentials);
}

/*
 * After a right password: the verifier that was not kept so far. One that cannot be
 * kept costs nobody his login.
 */
static void verifier_catch_up(struct auth_service *service, struct str account,
			      struct str password, struct str hash)
{
	CLEANUP_SCRAM_VERIFIER struct scram_verifier verifier = {0};

	if (!scram_is_allowed(service) ||
	    (credentials_verifier_get(service->credentials, account, &verifier) == FAULT_NONE &&
	     verifier.iterations == SCRAM_ITERATIONS))
		return;
	if (verifier_compute(service, account, password, &verifier))
		(void)!credentials_verifier_put(service->credentials, account, hash, &verifier);
	verifiers_recheck(service);
}

/* ---- checking a login ---- */

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

/* The password was right: whether the page is open to the account; begins its session. */
static void web_login_verify(struct auth_service *service, struct job *job)
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
		verifier_catch_up(service, job_account(job), secret_reveal(&job->password),
				  credential.hash);
		if (job->is_web)
			web_login_verify(service, job);
	}
	buf_wipe(&hash);
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
	if (job->answer.verdict == LOGIN_NO_ROLE || job->answer.verdict == LOGIN_NEEDS_CODE)
		return 0;
	service->counters.failed++;
	job->answer.flags = 0;
	if (job->is_exempt)
		return 0;
	return attempts_fail(&service->attempts, &service->limits, &job->key, clock_mono_ms());
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
	uint32_t wait_s = job->is_exempt
				  ? 0
				  : attempts_blocked_s(&service->attempts, &service->limits,
						       &job->key, clock_mono_ms());

	if (wait_s == 0)
		return false;
	service->counters.blocked++;
	*answer_out = (struct msg_login_answered){.verdict = LOGIN_BLOCKED, .wait_s = wait_s};
	return true;
}

/* With the lock held, which is given up for the work. */
static void login_run(struct auth_service *service, struct job *job)
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
		is_delayed = delay_ms > 0 && delay_put(service, job, clock_mono_ms() + delay_ms);
	}
	if (is_delayed)
		return;
	pthread_mutex_unlock(&service->lock);
	login_answer(job);
	pthread_mutex_lock(&service->lock);
}

/* ---- setting a password ---- */

static enum fault credential_change(struct auth_service *service, const struct job *job)
{
	struct buf hash = BUF_INIT(PASSWORD_HASH_MAX);
	CLEANUP_SCRAM_VERIFIER struct scram_verifier verifier;
	struct str password = secret_reveal(&job->password);

	if (str_is_empty(password))
		return credentials_remove(service->credentials, job_account(job));
	enum fault fault = password_hash(password, &hash);
	if (fault == FAULT_NONE) {
		struct credential credential = {.flags = job->flags, .hash = buf_str(&hash)};
		bool is_kept = scram_is_allowed(service) &&
			       verifier_compute(service, job_account(job), password, &verifier);
		fault = credentials_put(service->credentials, job_account(job), &credential,
					is_kept ? &verifier : NULL);
		if (is_kept)
			verifiers_recheck(service);
	}
	buf_wipe(&hash);
	return fault;
}

/* With the lock held, which is given up for the work. */
static void setting_run(struct auth_service *service, struct job *job)
{
	pthread_mutex_unlock(&service->lock);
	enum fault fault = credential_change(service, job);
	pthread_mutex_lock(&service->lock);
	service->changes++;
	remembered_forget(&service->remembered, job_account(job));
	pthread_mutex_unlock(&service->lock);
	role_peer_done(job->peer, job->id, fault, STR(""));
	job_free(job);
	pthread_mutex_lock(&service->lock);
}

static void *jobs_run(void *argument)
{
	struct auth_service *service = argument;

	pthread_mutex_lock(&service->lock);
	while (!service->is_stopping) {
		if (delayed_send_due(service))
			continue;
		struct list_node *place = queue_take(&service->queue);
		if (place == NULL) {
			work_await(service);
			continue;
		}
		struct job *job = list_entry(place, struct job, place);
		if (job->is_setting)
			setting_run(service, job);
		else
			login_run(service, job);
	}
	pthread_mutex_unlock(&service->lock);
	return NULL;
}

/* ---- the loop of the role ---- */

/* There is no room for the job: says so. */
static void job_refuse(struct job *job)
{
	if (job->is_setting) {
		role_peer_done(job->peer, job->id, FAULT_BUSY, STR(""));
		job_free(job);
	} else {
		job->answer = (struct msg_login_answered){.fault = FAULT_BUSY};
		login_answer(job);
	}
}

/*
 * With the lock held: queues the job. The job that has to be refused, once the
 * lock is free: this one, one that had to give way, or NULL.
 */
static struct job *job_queue(struct auth_service *service, struct job *job)
{
	struct list_node *displaced;
	bool is_queued = queue_put(&service->queue, &job->key, &job->place, &displaced);

	if (is_queued)
		pthread_cond_signal(&service->work);
	if (is_queued && displaced == NULL)
		return NULL;
	service->counters.busy++;
	return is_queued ? list_entry(displaced, struct job, place) : job;
}

/* With the lock held: true, with the answer filled in, when no hash is needed. */
static bool login_is_known(struct auth_service *service, struct job *job)
{
	if (login_is_blocked(service, job, &job->answer))
		return true;
	if (!remembered_check(&service->remembered, job_account(job),
			      secret_reveal(&job->password), clock_mono_ms(), &job->answer.flags))
		return false;
	service->counters.remembered++;
	job->answer.verdict = LOGIN_GRANTED;
	return true;
}

/* Answers at once what needs no hash, and queues the rest. */
static void job_begin(struct auth_service *service, struct job *job, struct str from)
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
		login_answer(job);
	else if (refused != NULL)
		job_refuse(refused);
}

static void login_request(struct auth_service *service, struct role_peer *peer, uint64_t id,
			  const struct msg_login_check *check)
{
	job_begin(service, job_new(peer, id, check->account, check->password), check->address);
}

/* ---- sessions of the administration page ---- */

static void web_login_request(struct auth_service *service, struct role_peer *peer, uint64_t id,
			      const struct msg_web_login *login)
{
	struct job *job = job_new(peer, id, login->account, login->password);

	/* What is too long is wrong as surely as one blank is. */
	if (!secret_set(&job->code, login->code))
		CHECK(secret_set(&job->code, STR(" ")));
	job->is_web = true;
	job_begin(service, job, login->address);
}

static void web_session_request(struct auth_service *service, struct role_peer *peer, uint64_t id,
				const struct msg_web_session_wanted *wanted)
{
	struct msg_web_session_given given = {.verdict = LOGIN_GRANTED};
	struct web_session session;

	given.fault = web_session_use(service->credentials, wanted->token, clock_real_s(), &session);
	if (given.fault == FAULT_NONE) {
		given.flags = session.flags;
		given.account = str_make(session.account, session.account_len);
		given.created_s = (uint64_t)session.created_s;
		given.ends_s = (uint64_t)session.ends_s;
	}
	role_peer_answer(peer, MSG_web_session_given, id, &given);
}

/* ---- SCRAM and certificates: no hash to wait for, so the loop answers by itself ---- */

/* A job for the answer; NULL after a refusal that needs no look at what was asked. */
static struct job *quick_job(struct auth_service *service, struct role_peer *peer, uint64_t id,
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
	login_answer(job);
	return NULL;
}

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

static void scram_begin_request(struct auth_service *service, struct role_peer *peer, uint64_t id,
				const struct msg_scram_begin *begin)
{
	struct buf challenge = BUF_INIT(SCRAM_MESSAGE_MAX), seal = BUF_INIT(SCRAM_SEAL_BYTES);
	CLEANUP_SCRAM_VERIFIER struct scram_verifier room;
	const struct scram_verifier *verifier;
	struct job *job = quick_job(service, peer, id, begin->account, begin->address,
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
	login_answer(job);
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

/* Counts an outcome that needed no hashing thread, and answers it, refusals after their delay. */
static void outcome_answer(struct auth_service *service, struct job *job)
{
	pthread_mutex_lock(&service->lock);
	uint32_t delay_ms = login_settle(service, job);
	bool is_delayed = delay_ms > 0 && delay_put(service, job, clock_mono_ms() + delay_ms);
	if (is_delayed)
		pthread_cond_signal(&service->work);
	pthread_mutex_unlock(&service->lock);
	if (!is_delayed)
		login_answer(job);
}

static void scram_finish_request(struct auth_service *service, struct role_peer *peer, uint64_t id,
				 const struct msg_scram_finish *finish)
{
	struct scram_attempt attempt = {.account = finish->account,
					.first = finish->first,
					.challenge = finish->challenge,
					.seal = finish->seal,
					.last = finish->last,
					.binding = finish->binding};
	struct buf message = BUF_INIT(SCRAM_MESSAGE_MAX);
	struct job *job = quick_job(service, peer, id, finish->account, finish->address,
				    scram_is_allowed(service));

	if (job == NULL)
		return;
	job->answer.fault = scram_attempt_check(service, &attempt, &job->answer, &message);
	/* Only what is answered at once may borrow the buffer. */
	if (job->answer.fault == FAULT_NONE && job->answer.verdict == LOGIN_GRANTED)
		job->answer.message = buf_str(&message);
	outcome_answer(service, job);
	buf_done(&message);
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
	answer->verdict = (credential.flags & LOGIN_FLAG_DISABLED) != 0 ? LOGIN_DISABLED
									 : LOGIN_GRANTED;
	return FAULT_NONE;
}

static void certificate_request(struct auth_service *service, struct role_peer *peer, uint64_t id,
				const struct msg_certificate_login *login)
{
	struct job *job = quick_job(service, peer, id, login->account, login->address, true);

	if (job == NULL)
		return;
	if (login->found == LOGIN_GRANTED)
		job->answer.fault = certificate_check(service, login->account, &job->answer);
	else if (login->found == LOGIN_UNKNOWN_USER || login->found == LOGIN_WRONG_IDENTITY)
		job->answer.verdict = login->found;
	else
		job->answer.fault = FAULT_INVALID;
	outcome_answer(service, job);
}

/* ---- requests ---- */

static void setting_request(struct auth_service *service, struct role_peer *peer, uint64_t id,
			    const struct msg_password_set *set)
{
	if (str_is_empty(set->account) || set->account.len > ACCOUNT_MAX) {
		role_peer_done(peer, id, FAULT_INVALID, STR("not a name of an account"));
		return;
	}
	if (set->password.len > SECRET_MAX) {
		role_peer_done(peer, id, FAULT_TOO_LARGE, STR("the password is too long"));
		return;
	}
	struct job *job = job_new(peer, id, set->account, set->password);
	job->is_setting = true;
	job->flags = set->flags;
	pthread_mutex_lock(&service->lock);
	struct job *refused = job_queue(service, job);
	pthread_mutex_unlock(&service->lock);
	if (refused != NULL)
		job_refuse(refused);
}

/* A login that is remembered has the flags of its time. */
static void flags_request(struct auth_service *service, struct role_peer *peer, uint64_t id,
			  const struct msg_login_flags_set *set)
{
	enum fault fault =
		credentials_flags_set(service->credentials, set->account, set->flags, set->mask);

	pthread_mutex_lock(&service->lock);
	service->changes++;
	remembered_forget(&service->remembered, set->account);
	pthread_mutex_unlock(&service->lock);
	role_peer_done(peer, id, fault, STR(""));
}

/* Accounts hold no character that JSON would have to escape but `"` and `\`. */
static void json_append_account(struct buf *json, struct str account)
{
	for (size_t i = 0; i < account.len; i++) {
		if (account.ptr[i] == '"' || account.ptr[i] == '\\')
			buf_append_char(json, '\\');
		if (ascii_is_control(account.ptr[i]))
			buf_printf(json, "\\u%04x", (unsigned char)account.ptr[i]);
		else
			buf_append_char(json, account.ptr[i]);
	}
}

struct list_page {
	struct buf json;
	struct auth_service *service;
	enum fault fault;
};

/* False when the page is full: whoever asks goes on behind the last account he got. */
static bool list_append_account(void *context, struct str account, uint32_t flags)
{
	struct list_page *page = context;
	struct buf *json = &page->json;
	bool has_factor;

	if (json->len >= LIST_PAGE_BYTES)
		return false;
	buf_append_c(json, json->data[json->len - 1] == '[' ? "{\"account\":\"" : ",{\"account\":\"");
	json_append_account(json, account);
	page->fault = second_factor_is_on(page->service->factors, account, &has_factor);
	buf_printf(json, "\",\"admin\":%s,\"auditor\":%s,\"disabled\":%s,\"totp\":%s}",
		   (flags & LOGIN_FLAG_ADMIN) != 0 ? "true" : "false",
		   (flags & LOGIN_FLAG_AUDITOR) != 0 ? "true" : "false",
		   (flags & LOGIN_FLAG_DISABLED) != 0 ? "true" : "false",
		   has_factor ? "true" : "false");
	return page->fault == FAULT_NONE;
}

static void list_request(struct auth_service *service, struct role_peer *peer, uint64_t id,
			 const struct msg_password_list *list)
{
	struct list_page page = {.json = BUF_INIT(MESSAGE_INLINE_MAX), .service = service};

	buf_append_char(&page.json, '[');
	enum fault fault =
		credentials_walk(service->credentials, list->after, list_append_account, &page);
	buf_append_char(&page.json, ']');
	if (fault == FAULT_NONE)
		fault = page.json.failed ? FAULT_TOO_LARGE : page.fault;
	role_peer_done(peer, id, fault, fault == FAULT_NONE ? buf_str(&page.json) : STR(""));
	buf_done(&page.json);
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

static void factor_begin_request(struct auth_service *service, struct role_peer *peer, uint64_t id,
				 const struct msg_second_factor_begin *begin)
{
	struct buf text = BUF_INIT(2 * TOTP_SECRET_BYTES);
	enum fault fault = factor_begin(service, begin->account, &text);

	role_peer_done(peer, id, fault, buf_str(&text));
	buf_wipe(&text);
}

static void factor_confirm_request(struct auth_service *service, struct role_peer *peer,
				   uint64_t id, const struct msg_second_factor_confirm *confirm)
{
	role_peer_done(peer, id,
		       second_factor_confirm(service->factors, confirm->account, confirm->code,
					     clock_real_s()),
		       STR(""));
}

/* ---- passwords for other servers ---- */

static void remote_set_request(struct auth_service *service, struct role_peer *peer, uint64_t id,
			       const struct msg_remote_password_set *set)
{
	role_peer_done(peer, id, remote_password_set(service->remote, set->name, set->password),
		       STR(""));
}

static void remote_list_request(struct auth_service *service, struct role_peer *peer, uint64_t id)
{
	struct buf names = BUF_INIT(REMOTE_NAMES_MAX);
	enum fault fault = remote_password_names(service->remote, &names);

	role_peer_done(peer, id, names.failed ? FAULT_TOO_LARGE : fault, buf_str(&names));
	buf_done(&names);
}

static void remote_get_request(struct auth_service *service, struct role_peer *peer, uint64_t id,
			       const struct msg_remote_password_wanted *wanted)
{
	struct secret password CLEANUP_SECRET = {0};
	struct msg_remote_password_given given = {
		.fault = remote_password_get(service->remote, wanted->name, &password)};

	given.password = secret_reveal(&password);
	role_peer_answer(peer, MSG_remote_password_given, id, &given);
}

static void request_take(struct role_server *server, struct role_peer *peer, struct packet *packet)
{
	struct auth_service *service = server->role_data;
	uint64_t id = packet->header.id;

	switch (packet->header.kind) {
	case MSG_login_check:
		login_request(service, peer, id, &packet->message.login_check);
		break;
	case MSG_certificate_login:
		certificate_request(service, peer, id, &packet->message.certificate_login);
		break;
	case MSG_scram_begin:
		scram_begin_request(service, peer, id, &packet->message.scram_begin);
		break;
	case MSG_scram_finish:
		scram_finish_request(service, peer, id, &packet->message.scram_finish);
		break;
	case MSG_web_login:
		web_login_request(service, peer, id, &packet->message.web_login);
		break;
	case MSG_web_session_wanted:
		web_session_request(service, peer, id, &packet->message.web_session_wanted);
		break;
	case MSG_web_session_end:
		role_peer_done(peer, id,
			       web_session_end(service->credentials,
					       packet->message.web_session_end.token),
			       STR(""));
		break;
	case MSG_password_set:
		setting_request(service, peer, id, &packet->message.password_set);
		break;
	case MSG_login_flags_set:
		flags_request(service, peer, id, &packet->message.login_flags_set);
		break;
	case MSG_password_list:
		list_request(service, peer, id, &packet->message.password_list);
		break;
	case MSG_second_factor_begin:
		factor_begin_request(service, peer, id, &packet->message.second_factor_begin);
		break;
	case MSG_second_factor_confirm:
		factor_confirm_request(service, peer, id, &packet->message.second_factor_confirm);
		break;
	case MSG_second_factor_off:
		role_peer_done(peer, id,
			       second_factor_off(service->factors,
						 packet->message.second_factor_off.account),
			       STR(""));
		break;
	case MSG_remote_password_set:
		remote_set_request(service, peer, id, &packet->message.remote_password_set);
		break;
	case MSG_remote_password_list:
		remote_list_request(service, peer, id);
		break;
	case MSG_remote_password_wanted:
		remote_get_request(service, peer, id, &packet->message.remote_password_wanted);
		break;
	default:
		break;
	}
}

static void parent_message_ignore(struct role_server *server, struct packet *packet)
{
}

static void status_append(struct role_server *server, struct buf *json)
{
	struct auth_service *service = server->role_data;

	pthread_mutex_lock(&service->lock);
	const struct counters *counters = &service->counters;
	buf_printf(json,
		   ",\"threads\":%zu,\"queued\":%zu,\"delayed\":%zu,\"granted\":%llu,"
		   "\"remembered\":%llu,\"failed\":%llu,\"blocked\":%llu,\"busy\":%llu",
		   service->thread_count, service->queue.count, service->delayed_count,
		   (unsigned long long)counters->granted,
		   (unsigned long long)counters->remembered, (unsigned long long)counters->failed,
		   (unsigned long long)counters->blocked, (unsigned long long)counters->busy);
	pthread_mutex_unlock(&service->lock);
}

static void tick_expire(struct role_server *server)
{
	struct auth_service *service = server->role_data;

	pthread_mutex_lock(&service->lock);
	remembered_expire(&service->remembered, clock_mono_ms());
	pthread_mutex_unlock(&service->lock);
	web_sessions_expire(service->credentials, clock_real_s());
}

const struct role_server_ops auth_ops = {
	.parent_message = parent_message_ignore,
	.request = request_take,
	.status = status_append,
	.tick = tick_expire,
	.tick_ms = TICK_MS,
};

/* ---- life ---- */

static enum fault decoy_make(struct buf *decoy)
{
	char nobodys[DECOY_BYTES];

	random_bytes(nobodys, sizeof(nobodys));
	enum fault fault = password_hash(str_make(nobodys, sizeof(nobodys)), decoy);
	explicit_bzero(nobodys, sizeof(nobodys));
	return fault;
}

static size_t threads_wanted(size_t threads)
{
	if (threads == 0) {
		long cores = sysconf(_SC_NPROCESSORS_ONLN);
		threads = cores > 0 ? (size_t)cores : 1;
	}
	return threads < THREADS_MAX ? threads : THREADS_MAX;
}

static void locks_init(struct auth_service *service)
{
	pthread_condattr_t monotonic;

	CHECK(pthread_mutex_init(&service->lock, NULL) == 0);
	CHECK(pthread_condattr_init(&monotonic) == 0);
	CHECK(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&service->work, &monotonic) == 0);
	pthread_condattr_destroy(&monotonic);
}

enum fault auth_service_new(const char *folder, size_t threads, struct auth_service **service_out)
{
	struct credentials *credentials;
	struct buf decoy = BUF_INIT(PASSWORD_HASH_MAX);
	enum fault fault = credentials_open(folder, &credentials);

	if (fault != FAULT_NONE)
		return fault;
	struct remote_passwords *remote = NULL;
	fault = remote_passwords_open(folder, credentials, &remote);
	if (fault == FAULT_NONE)
		fault = decoy_make(&decoy);
	if (fault != FAULT_NONE) {
		remote_passwords_close(&remote);
		credentials_close(&credentials);
		buf_done(&decoy);
		return fault;
	}
	struct auth_service *service = calloc(1, sizeof(*service));
	CHECK(service != NULL);
	service->credentials = credentials;
	service->remote = remote;
	service->factors = second_factors_new(credentials, remote_passwords_key(remote));
	scram_keeper_init(&service->scram, credentials_salt_key(credentials));
	service->decoy = decoy;
	service->limits = attempt_limits_default;
	locks_init(service);
	queue_init(&service->queue, QUEUE_MAX, QUEUE_ADDRESS_MAX);
	list_init(&service->delayed);
	attempts_init(&service->attempts);
	remembered_init(&service->remembered);
	for (size_t wanted = threads_wanted(threads); service->thread_count < wanted;)
		CHECK(pthread_create(&service->threads[service->thread_count++], NULL, jobs_run,
				     service) == 0);
	*service_out = service;
	return FAULT_NONE;
}

static void jobs_drop(struct auth_service *service)
{
	struct list_node *place;

	while ((place = queue_take(&service->queue)) != NULL ||
	       (place = list_take_first(&service->delayed)) != NULL)
		job_free(list_entry(place, struct job, place));
}

void auth_service_free(struct auth_service **service)
{
	struct auth_service *freed = *service;

	*service = NULL;
	if (freed == NULL)
		return;
	pthread_mutex_lock(&freed->lock);
	freed->is_stopping = true;
	pthread_cond_broadcast(&freed->work);
	pthread_mutex_unlock(&freed->lock);
	for (size_t i = 0; i < freed->thread_count; i++)
		CHECK(pthread_join(freed->threads[i], NULL) == 0);
	jobs_drop(freed);
	attempts_done(&freed->attempts);
	remembered_done(&freed->remembered);
	second_factors_free(&freed->factors);
	remote_passwords_close(&freed->remote);
	credentials_close(&freed->credentials);
	scram_keeper_done(&freed->scram);
	buf_done(&freed->decoy);
	pthread_cond_destroy(&freed->work);
	pthread_mutex_destroy(&freed->lock);
	free(freed);
}

void auth_service_set_limits(struct auth_service *service, const struct attempt_limits *limits)
{
	pthread_mutex_lock(&service->lock);
	service->limits = *limits;
	pthread_mutex_unlock(&service->lock);
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
