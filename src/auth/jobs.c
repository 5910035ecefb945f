/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "auth/serve.h"
#include "auth/web_sessions.h"
#include "base/clock.h"

enum { DELAYED_MAX = 4096 };

struct str job_account(const struct job *job)
{
	return str_make(job->account_bytes, job->account_len);
}

struct job *job_new(struct role_peer *peer, uint64_t id, struct str account, struct str password)
{
	struct job *job = calloc(1, sizeof(*job));

	CHECK(job != NULL);
	role_peer_hold(peer);
	job->peer = peer;
	job->id = id;
	buf_init(&job->token, WEB_TOKEN_TEXT);
	buf_init(&job->address, WEB_ADDRESS_MAX);
	buf_init(&job->session, WEB_NAME_TEXT);
	/* What is too long cannot be right: it is hashed like any unknown user. */
	if (secret_set(&job->password, password) && account.len <= sizeof(job->account_bytes)) {
		job->account_len = account.len;
		if (account.len > 0)
			memcpy(job->account_bytes, account.ptr, account.len);
	}
	return job;
}

void job_free(struct job *job)
{
	role_peer_release(&job->peer);
	buf_wipe(&job->token);
	buf_done(&job->address);
	buf_done(&job->session);
	explicit_bzero(job, sizeof(*job));
	free(job);
}

void job_answer(struct job *job)
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

bool job_delay(struct auth_service *service, struct job *job, int64_t due_ms)
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
	job_answer(first);
	pthread_mutex_lock(&service->lock);
	return true;
}

/* With the lock held: sleeps until there is work or an answer is due. */
static void work_await(struct auth_service *service)
{
	const struct job *first = delayed_first(service);

	if (first == NULL) {
		condition_wait(&service->work, &service->lock);
		return;
	}
	(void)condition_wait_until(&service->work, &service->lock, first->due_ms);
}

void job_refuse(struct job *job)
{
	if (job->is_setting) {
		role_peer_done(job->peer, job->id, FAULT_BUSY, STR(""));
		job_free(job);
	} else {
		job->answer = (struct msg_login_answered){.fault = FAULT_BUSY};
		job_answer(job);
	}
}

struct job *job_queue(struct auth_service *service, struct job *job)
{
	struct list_node *displaced;
	bool is_queued = queue_put(&service->queue, &job->key, &job->place, &displaced);

	if (is_queued)
		condition_signal(&service->work);
	if (is_queued && displaced == NULL)
		return NULL;
	service->counters.busy++;
	return is_queued ? list_entry(displaced, struct job, place) : job;
}
void *jobs_run(void *argument)
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
			password_set_run(service, job);
		else
			login_run(service, job);
	}
	pthread_mutex_unlock(&service->lock);
	return NULL;
}

void jobs_drop(struct auth_service *service)
{
	struct list_node *place;

	while ((place = queue_take(&service->queue)) != NULL ||
	       (place = list_take_first(&service->delayed)) != NULL)
		job_free(list_entry(place, struct job, place));
}
