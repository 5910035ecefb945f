/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the auth service among themselves (auth/service.h is what others see): its state,
 * its jobs, and for each message of the role the function that serves it. A subject a file:
 * serve_login.c, serve_scram.c, serve_web.c, serve_directory.c.
 *
 * The loop of the role takes requests and answers at once what needs no hash;
 * the rest becomes a job. Hashing threads take jobs, and between two jobs, or
 * while there is none, send the delayed answers that are due. One lock guards
 * everything but the credentials, which have LMDB's; it is never held while
 * hashing, on the disk or sending.
 */
#ifndef POSTERN_AUTH_SERVE_H
#define POSTERN_AUTH_SERVE_H

#include <pthread.h>

#include "auth/auth.h"
#include "auth/credentials.h"
#include "auth/queue.h"
#include "auth/remembered.h"
#include "auth/remote.h"
#include "auth/scram_keeper.h"
#include "auth/second_factor.h"
#include "auth/service.h"
#include "base/condition.h"
#include "base/secret.h"

enum { ACCOUNT_MAX = 320, THREADS_MAX = 64 };

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
	bool is_web;	/* about a session of the administration page */
	bool is_proof;	/* of one that lives: nothing begins */
	struct buf address; /* the peer's, as text, where a session begins */
	uint32_t flags;	    /* to be set */
	struct buf session; /* the name of the one that goes on under the new password */
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
	/* Over passwords with the sessions that are bound to them; taken without the other lock. */
	pthread_mutex_t sessions;
	pthread_mutex_t lock;
	/* All below under the lock. */
	struct condition work;
	bool is_stopping;
	struct attempt_limits limits;
	struct queue queue;
	struct list delayed; /* of struct job, by due_ms */
	size_t delayed_count;
	struct attempts attempts;
	struct attempts account_attempts; /* by who is past the password or within a session */
	struct remembered remembered;
	uint64_t changes; /* of credentials, to know an answer from before one */
	struct counters counters;
};

/* ---- jobs.c ---- */

/* Holds `peer` and keeps copies of the texts. */
struct job *job_new(struct role_peer *peer, uint64_t id, struct str account, struct str password);
struct str job_account(const struct job *job);

/* Sends the job's answer, that of a login, and frees the job. Without the lock. */
void job_answer(struct job *job);

/* Answers that there was no room for it, and frees it. Without the lock. */
void job_refuse(struct job *job);

/* Wipes and frees a job without an answer. */
void job_free(struct job *job);

/*
 * With the lock held: queues the job. The job that has to be refused, once the
 * lock is free: this one, one that had to give way, or NULL.
 */
struct job *job_queue(struct auth_service *service, struct job *job);

/* With the lock held: has the job answered then. False when too many wait; then the caller answers.
 */
bool job_delay(struct auth_service *service, struct job *job, int64_t due_ms);

/* A hashing thread; its argument is the service. */
void *jobs_run(void *argument);

/* Frees what nobody has answered; the threads have ended. */
void jobs_drop(struct auth_service *service);

/* ---- serve_login.c ---- */

void serve_login_check(struct auth_service *service, struct role_peer *peer, uint64_t id,
		       const struct msg_login_check *check);
void serve_certificate_login(struct auth_service *service, struct role_peer *peer, uint64_t id,
			     const struct msg_certificate_login *login);

/*
 * Failed attempts are counted by the account, too, for whoever can make them is past its password, or
 * within a session of it: a stranger cannot lock anybody out. No address is exempt.
 * With the lock held: how many seconds it is locked; 0: it is not.
 */
uint32_t login_account_blocked_s(struct auth_service *service, const struct job *job);

/* Answers at once what needs no hash, and queues the rest; `from` is the peer's address. */
void login_begin(struct auth_service *service, struct job *job, struct str from);

/*
 * A job for what needs no hash at all; NULL, answered, after a refusal that needs no look at what
 * was asked: the address is refused, or the way to log in is not allowed.
 */
struct job *login_quick_new(struct auth_service *service, struct role_peer *peer, uint64_t id,
			    struct str account, struct str address, bool is_allowed);

/* Counts the outcome of a quick one, and answers it, refusals after their delay. */
void login_quick_answer(struct auth_service *service, struct job *job);

/* A thread's part: with the lock held, which is given up for the work. */
void login_run(struct auth_service *service, struct job *job);

/* ---- serve_scram.c ---- */

void serve_scram_begin(struct auth_service *service, struct role_peer *peer, uint64_t id,
		       const struct msg_scram_begin *begin);
void serve_scram_finish(struct auth_service *service, struct role_peer *peer, uint64_t id,
			const struct msg_scram_finish *finish);

/* Server/AllowScram, as it is now. */
bool scram_is_allowed(struct auth_service *service);

/* False for a password that SCRAM cannot carry: no text, or prohibited characters in it. */
bool scram_verifier_compute(struct auth_service *service, struct str account, struct str password,
			    struct scram_verifier *verifier_out);

/* After one was kept: AllowScram may have become 0 while it was made. */
void scram_verifiers_recheck(struct auth_service *service);

/*
 * After a right password: keeps the verifier that was not kept so far. One that cannot be
 * kept costs nobody his login.
 */
void scram_verifier_catch_up(struct auth_service *service, struct str account, struct str password,
			     struct str hash);

/* ---- serve_web.c: sessions of the administration page, second factors ---- */

/* Answers login_wanted. */
void serve_login_wanted(struct auth_service *service, struct role_peer *peer, uint64_t id,
			const struct msg_login_wanted *wanted);
void serve_web_login(struct auth_service *service, struct role_peer *peer, uint64_t id,
		     const struct msg_web_login *login);
void serve_web_session(struct auth_service *service, struct role_peer *peer, uint64_t id,
		       const struct msg_web_session_wanted *wanted);
void serve_web_proof(struct auth_service *service, struct role_peer *peer, uint64_t id,
		     const struct msg_web_proof *proof);
void serve_web_sessions_end(struct auth_service *service, struct role_peer *peer, uint64_t id,
			    const struct msg_web_sessions_end *end);
void serve_factor_begin(struct auth_service *service, struct role_peer *peer, uint64_t id,
			const struct msg_second_factor_begin *begin);
void serve_factor_confirm(struct auth_service *service, struct role_peer *peer, uint64_t id,
			  const struct msg_second_factor_confirm *confirm);
void serve_factor_off(struct auth_service *service, struct role_peer *peer, uint64_t id,
		      const struct msg_second_factor_off *off);

/*
 * The password was right, of which `hash` is kept: whether the page is open to the account; begins its
 * session.
 */
void web_login_verify(struct auth_service *service, struct job *job, struct str hash);
void web_login_answer(const struct job *job);

/* ---- serve_directory.c: passwords and flags of users, passwords for other servers ---- */

void serve_password_set(struct auth_service *service, struct role_peer *peer, uint64_t id,
			const struct msg_password_set *set);
void serve_flags_set(struct auth_service *service, struct role_peer *peer, uint64_t id,
		     const struct msg_login_flags_set *set);
void serve_password_list(struct auth_service *service, struct role_peer *peer, uint64_t id,
			 const struct msg_password_list *list);
void serve_remote_set(struct auth_service *service, struct role_peer *peer, uint64_t id,
		      const struct msg_remote_password_set *set);
void serve_remote_list(struct auth_service *service, struct role_peer *peer, uint64_t id);
void serve_remote_get(struct auth_service *service, struct role_peer *peer, uint64_t id,
		      const struct msg_remote_password_wanted *wanted);

/* A thread's part of serve_password_set: with the lock held, which is given up for the work. */
void password_set_run(struct auth_service *service, struct job *job);

#endif
