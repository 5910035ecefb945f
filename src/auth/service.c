/* SPDX-License-Identifier: Apache-2.0 */
/* What arrives, and the life of the service; the work is in serve_*.c (auth/serve.h). */
#include "auth/service.h"

#include <stdlib.h>
#include <unistd.h>

#include "auth/serve.h"
#include "auth/web_sessions.h"
#include "base/clock.h"
#include "base/random.h"
#include "crypto/password.h"

enum {
	QUEUE_MAX = 512,
	QUEUE_ADDRESS_MAX = 64,
	TICK_MS = 30 * 1000,
	DECOY_BYTES = 24,
};

static void request_take(struct role_server *server, struct role_peer *peer, struct packet *packet)
{
	struct auth_service *service = server->role_data;
	uint64_t id = packet->header.id;

	switch (packet->header.kind) {
	case MSG_login_check:
		serve_login_check(service, peer, id, &packet->message.login_check);
		break;
	case MSG_certificate_login:
		serve_certificate_login(service, peer, id, &packet->message.certificate_login);
		break;
	case MSG_scram_begin:
		serve_scram_begin(service, peer, id, &packet->message.scram_begin);
		break;
	case MSG_scram_finish:
		serve_scram_finish(service, peer, id, &packet->message.scram_finish);
		break;
	case MSG_web_login:
		serve_web_login(service, peer, id, &packet->message.web_login);
		break;
	case MSG_web_session_wanted:
		serve_web_session(service, peer, id, &packet->message.web_session_wanted);
		break;
	case MSG_web_proof:
		serve_web_proof(service, peer, id, &packet->message.web_proof);
		break;
	case MSG_web_sessions_end:
		serve_web_sessions_end(service, peer, id, &packet->message.web_sessions_end);
		break;
	case MSG_login_wanted:
		serve_login_wanted(service, peer, id, &packet->message.login_wanted);
		break;
	case MSG_web_session_end:
		role_peer_done(peer, id,
			       web_session_end(service->credentials,
					       packet->message.web_session_end.token),
			       STR(""));
		break;
	case MSG_password_set:
		serve_password_set(service, peer, id, &packet->message.password_set);
		break;
	case MSG_login_flags_set:
		serve_flags_set(service, peer, id, &packet->message.login_flags_set);
		break;
	case MSG_password_list:
		serve_password_list(service, peer, id, &packet->message.password_list);
		break;
	case MSG_second_factor_begin:
		serve_factor_begin(service, peer, id, &packet->message.second_factor_begin);
		break;
	case MSG_second_factor_confirm:
		serve_factor_confirm(service, peer, id, &packet->message.second_factor_confirm);
		break;
	case MSG_second_factor_off:
		serve_factor_off(service, peer, id, &packet->message.second_factor_off);
		break;
	case MSG_remote_password_set:
		serve_remote_set(service, peer, id, &packet->message.remote_password_set);
		break;
	case MSG_remote_password_list:
		serve_remote_list(service, peer, id);
		break;
	case MSG_remote_password_wanted:
		serve_remote_get(service, peer, id, &packet->message.remote_password_wanted);
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
	CHECK(pthread_mutex_init(&service->lock, NULL) == 0);
	CHECK(pthread_mutex_init(&service->sessions, NULL) == 0);
	condition_init(&service->work);
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
	attempts_init(&service->account_attempts);
	remembered_init(&service->remembered);
	for (size_t wanted = threads_wanted(threads); service->thread_count < wanted;)
		CHECK(pthread_create(&service->threads[service->thread_count++], NULL, jobs_run,
				     service) == 0);
	*service_out = service;
	return FAULT_NONE;
}

void auth_service_free(struct auth_service **service)
{
	struct auth_service *freed = *service;

	*service = NULL;
	if (freed == NULL)
		return;
	pthread_mutex_lock(&freed->lock);
	freed->is_stopping = true;
	condition_broadcast(&freed->work);
	pthread_mutex_unlock(&freed->lock);
	for (size_t i = 0; i < freed->thread_count; i++)
		CHECK(pthread_join(freed->threads[i], NULL) == 0);
	jobs_drop(freed);
	attempts_done(&freed->attempts);
	attempts_done(&freed->account_attempts);
	remembered_done(&freed->remembered);
	second_factors_free(&freed->factors);
	remote_passwords_close(&freed->remote);
	credentials_close(&freed->credentials);
	scram_keeper_done(&freed->scram);
	buf_done(&freed->decoy);
	condition_done(&freed->work);
	pthread_mutex_destroy(&freed->lock);
	pthread_mutex_destroy(&freed->sessions);
	free(freed);
}

void auth_service_set_limits(struct auth_service *service, const struct attempt_limits *limits)
{
	pthread_mutex_lock(&service->lock);
	service->limits = *limits;
	pthread_mutex_unlock(&service->lock);
}
