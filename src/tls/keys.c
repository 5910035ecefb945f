/* SPDX-License-Identifier: Apache-2.0 */
/* The keys role: see keys.h. */
#include "tls/keys.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "crypto/signing_key.h"
#include "tls/tickets.h"

enum {
	JOBS_MAX = 1024,
	TICK_MS = 30 * 1000,
	/* So many wait behind a request, and the helpers take it, however short it is. */
	BACKLOG = 4,
};

/* A request for the helpers; owns its bytes, its file and a reference to the peer. */
struct key_job {
	struct list_node node;
	struct role_peer *peer; /* NULL: of the parent */
	uint64_t id;
	enum message_kind kind;
	struct msg_working_key_wanted wanted; /* of the parent */
	struct channel parent;		      /* whom to answer; borrowed */
	uint32_t key;
	uint32_t argument; /* scheme or version */
	size_t len;
	char bytes[];
};

struct keys {
	struct key_ring *ring;
	struct ticket_ring tickets; /* the loop's own */
	struct signing_key *evidence; /* the loop's own; NULL before it was given */
	size_t waiting;		      /* the loop's own: requests behind the one in hand */
	uint64_t signed_count;	    /* atomic */
	uint64_t helped_count;	      /* the loop's own: requests that helpers took */
	uint64_t premaster_count;   /* atomic */

	pthread_mutex_t lock;
	pthread_cond_t wanted;
	struct list jobs;
	size_t job_count;
	bool is_ending;
	unsigned thread_count;
	pthread_t threads[KEYS_THREADS_MAX];
};

static void sign_answer(struct keys *keys, struct role_peer *peer, uint64_t id, uint32_t key,
			uint32_t scheme, struct str digest)
{
	unsigned char signature[SIGN_SIGNATURE_MAX];
	size_t len = 0;
	enum fault fault = FAULT_DENIED;
	if (key_ring_may_sign(keys->ring, key, peer->channel.peer))
		fault = key_ring_sign(keys->ring, key, scheme, digest, signature, &len);
	struct msg_key_signed answer = {.fault = fault, .signature = str_make(signature, len)};

	__atomic_add_fetch(&keys->signed_count, 1, __ATOMIC_RELAXED);
	role_peer_answer(peer, MSG_key_signed, id, &answer);
}

static void premaster_answer(struct keys *keys, struct role_peer *peer, uint64_t id, uint32_t key,
			     uint32_t version, struct str ciphertext)
{
	unsigned char premaster[PREMASTER_BYTES] = {0};
	enum fault fault = key_ring_premaster(keys->ring, key, version, ciphertext, premaster);
	struct msg_key_premastered answer = {.fault = fault,
					     .premaster = str_make(premaster, sizeof(premaster))};

	__atomic_add_fetch(&keys->premaster_count, 1, __ATOMIC_RELAXED);
	role_peer_answer(peer, MSG_key_premastered, id, &answer);
	explicit_bzero(premaster, sizeof(premaster));
}

static void request_answer(struct keys *keys, struct role_peer *peer, uint64_t id,
			   enum message_kind kind, uint32_t key, uint32_t argument,
			   struct str bytes)
{
	if (kind == MSG_key_sign)
		sign_answer(keys, peer, id, key, argument, bytes);
	else
		premaster_answer(keys, peer, id, key, argument, bytes);
}

/* ---- working keys ---- */

static enum fault working_read(struct keys *keys, const struct msg_working_key_wanted *wanted,
			       struct buf *pem, struct buf *public_key, struct buf *why)
{
	struct working_key working = {.number = wanted->key, .users = wanted->users};
	enum fault fault = fd_read_file(wanted->file, pem);

	if (fault != FAULT_NONE) {
		buf_printf(why, "the key cannot be read: %s", fault_text(fault));
		return fault;
	}
	return key_ring_work(keys->ring, &working, buf_str(pem), public_key, why);
}

/* Whoever is told of the key may rely on the file. */
static enum fault working_make(struct keys *keys, const struct msg_working_key_wanted *wanted,
			       struct buf *pem, struct buf *public_key, struct buf *why)
{
	struct working_key working = {.number = wanted->key, .users = wanted->users};
	enum key_kind kind = wanted->kind == KEY_KIND_RSA ? KEY_KIND_RSA : KEY_KIND_ECDSA;
	enum fault fault = key_ring_make(keys->ring, &working, kind, pem, public_key, why);

	if (fault != FAULT_NONE || wanted->file < 0)
		return fault;
	if (fd_write_all(wanted->file, pem->data, pem->len) && fsync(wanted->file) == 0)
		return FAULT_NONE;
	fault = fault_from_errno(errno);
	buf_printf(why, "the key cannot be written: %s", fault_text(fault));
	key_ring_remove(keys->ring, wanted->key);
	return fault;
}

static void working_answer(struct keys *keys, const struct key_job *job)
{
	const struct msg_working_key_wanted *wanted = &job->wanted;
	struct buf pem = BUF_INIT(KEY_PEM_MAX), public_key = BUF_INIT(KEY_PEM_MAX);
	struct buf why = BUF_INIT(1024);
	struct msg_working_key_given given = {.fault = FAULT_INVALID};

	/* A file that grows while it is read would leave pieces of the key behind. */
	CHECK(buf_reserve(&pem, KEY_PEM_MAX) != NULL);
	if (wanted->key < KEY_WORKING_FIRST || (!wanted->is_new && wanted->file < 0))
		buf_append_c(&why, "no working key can be had so");
	else if (wanted->is_new)
		given.fault = working_make(keys, wanted, &pem, &public_key, &why);
	else
		given.fault = working_read(keys, wanted, &pem, &public_key, &why);
	if (given.fault == FAULT_NONE)
		given.public_key = buf_str(&public_key);
	given.text = buf_str(&why);
	/* A parent that is gone ends this process, too. */
	(void)!channel_send(&job->parent, MSG_working_key_given, job->id, &given);
	buf_wipe(&pem);
	buf_done(&public_key);
	buf_done(&why);
}

/* ---- helpers ---- */

static void job_free(struct key_job *job)
{
	role_peer_release(&job->peer);
	if (job->kind == MSG_working_key_wanted)
		fd_close(&job->wanted.file);
	explicit_bzero(job->bytes, job->len);
	free(job);
}

static struct key_job *job_take(struct keys *keys)
{
	struct list_node *node = NULL;

	pthread_mutex_lock(&keys->lock);
	while (!keys->is_ending && (node = list_take_first(&keys->jobs)) == NULL)
		pthread_cond_wait(&keys->wanted, &keys->lock);
	if (node != NULL)
		keys->job_count--;
	pthread_mutex_unlock(&keys->lock);
	return node == NULL ? NULL : list_entry(node, struct key_job, node);
}

static void *helper_run(void *argument)
{
	struct keys *keys = argument;
	struct key_job *job;

	while ((job = job_take(keys)) != NULL) {
		if (job->kind == MSG_working_key_wanted)
			working_answer(keys, job);
		else
			request_answer(keys, job->peer, job->id, job->kind, job->key,
				       job->argument, str_make(job->bytes, job->len));
		job_free(job);
	}
	return NULL;
}

/*
 * False when the helpers have too much to do already: the loop then does it, which
 * slows the askers down.
 */
static bool job_give(struct keys *keys, struct key_job *job)
{
	bool is_taken;

	pthread_mutex_lock(&keys->lock);
	is_taken = keys->job_count < JOBS_MAX;
	if (is_taken) {
		list_append(&keys->jobs, &job->node);
		keys->job_count++;
		pthread_cond_signal(&keys->wanted);
	}
	pthread_mutex_unlock(&keys->lock);
	return is_taken;
}

static struct key_job *job_new(struct role_peer *peer, uint64_t id, enum message_kind kind,
			       uint32_t key, uint32_t argument, struct str bytes)
{
	struct key_job *job = calloc(1, sizeof(*job) + bytes.len);

	CHECK(job != NULL);
	*job = (struct key_job){.peer = peer,
				.id = id,
				.kind = kind,
				.key = key,
				.argument = argument,
				.len = bytes.len};
	memcpy(job->bytes, bytes.ptr, bytes.len);
	role_peer_hold(peer);
	return job;
}

static void key_request(struct keys *keys, struct role_peer *peer, uint64_t id,
			enum message_kind kind, uint32_t key, uint32_t argument, struct str bytes)
{
	if (keys->thread_count > 0 && bytes.len <= SIGN_SIGNATURE_MAX &&
	    (keys->waiting >= BACKLOG || key_ring_is_slow(keys->ring, key))) {
		struct key_job *job = job_new(peer, id, kind, key, argument, bytes);
		if (job_give(keys, job)) {
			keys->helped_count++;
			return;
		}
		job_free(job);
	}
	request_answer(keys, peer, id, kind, key, argument, bytes);
}

/* Making an RSA key takes as long as hundreds of handshakes. */
static void working_key_request(const struct role_server *server, struct keys *keys,
				struct packet *packet)
{
	struct key_job *job = calloc(1, sizeof(*job));

	CHECK(job != NULL);
	job->kind = MSG_working_key_wanted;
	job->id = packet->header.id;
	job->parent = server->parent;
	job->wanted = packet->message.working_key_wanted;
	job->wanted.file = packet_take_fd(packet);
	if (keys->thread_count > 0 && job_give(keys, job))
		return;
	working_answer(keys, job);
	job_free(job);
}

/* ---- the record of changes ---- */

static void evidence_key_take(struct role_server *server, struct keys *keys, struct str pem)
{
	signing_key_free(&keys->evidence);
	keys->evidence = signing_key_read(pem);
	if (keys->evidence == NULL)
		log_printf(server->log, LOG_ERROR,
			   "evidence.key holds no key on an elliptic curve: exports of evidence.log "
			   "cannot be signed");
}

/* The answer's texts are made in the two buffers. */
static struct msg_evidence_signed evidence_sign(const struct keys *keys, struct str bytes,
						struct buf *signature, struct buf *public_key)
{
	if (keys->evidence == NULL)
		return (struct msg_evidence_signed){.fault = FAULT_UNAVAILABLE};
	signing_key_sign(keys->evidence, bytes, signature);
	signing_key_append_public(keys->evidence, public_key);
	return (struct msg_evidence_signed){.signature = buf_str(signature),
					    .public_key = buf_str(public_key)};
}

static void evidence_answer(const struct keys *keys, struct role_peer *peer, uint64_t id,
			    struct str bytes)
{
	struct buf signature = BUF_INIT(SIGNING_SIGNATURE_MAX);
	struct buf public_key = BUF_INIT(SIGNING_KEY_PEM_MAX);
	struct msg_evidence_signed answer = evidence_sign(keys, bytes, &signature, &public_key);

	role_peer_answer(peer, MSG_evidence_signed, id, &answer);
	buf_done(&signature);
	buf_done(&public_key);
}

static void evidence_answer_parent(struct role_server *server, uint64_t id, struct str bytes)
{
	struct buf signature = BUF_INIT(SIGNING_SIGNATURE_MAX);
	struct buf public_key = BUF_INIT(SIGNING_KEY_PEM_MAX);
	struct msg_evidence_signed answer =
		evidence_sign(server->role_data, bytes, &signature, &public_key);

	if (channel_send(&server->parent, MSG_evidence_signed, id, &answer) != FAULT_NONE)
		log_printf(server->log, LOG_ERROR, "keys: the parent could not be answered");
	buf_done(&signature);
	buf_done(&public_key);
}

/* ---- the role ---- */

static void keys_request(struct role_server *server, struct role_peer *peer, struct packet *packet)
{
	struct keys *keys = server->role_data;
	uint64_t id = packet->header.id;

	keys->waiting = server->waiting;
	switch (packet->header.kind) {
	case MSG_key_sign: {
		const struct msg_key_sign *ask = &packet->message.key_sign;
		key_request(keys, peer, id, MSG_key_sign, ask->key, ask->scheme, ask->bytes);
		break;
	}
	case MSG_key_premaster: {
		const struct msg_key_premaster *ask = &packet->message.key_premaster;
		key_request(keys, peer, id, MSG_key_premaster, ask->key, ask->version,
			    ask->ciphertext);
		break;
	}
	case MSG_evidence_sign:
		evidence_answer(keys, peer, id, packet->message.evidence_sign.bytes);
		break;
	case MSG_ticket_keys_wanted: {
		struct msg_ticket_keys_given given = {
			.keys = str_make(keys->tickets.bytes, sizeof(keys->tickets.bytes))};
		role_peer_answer(peer, MSG_ticket_keys_given, id, &given);
		break;
	}
	default:
		role_peer_done(peer, id, FAULT_INVALID, STR("the keys role does not know this"));
	}
}

static void key_take(struct role_server *server, struct keys *keys, uint64_t id,
		     const struct msg_key_given *given)
{
	unsigned char key_id[KEY_ID_BYTES];
	struct buf text = BUF_INIT(1024);
	enum fault fault = FAULT_NONE;

	/* A generation may end with a message that carries no key. */
	if (given->pem.len > 0)
		fault = key_ring_add(keys->ring, given->generation, given->key, given->pem, key_id,
				     &text);
	if (fault == FAULT_NONE && given->pem.len > 0)
		hex_encode(&text, str_make(key_id, sizeof(key_id)));
	if (given->is_last)
		key_ring_complete(keys->ring, given->generation);
	struct msg_done done = {.fault = fault, .text = buf_str(&text)};
	if (channel_send(&server->parent, MSG_done, id, &done) != FAULT_NONE)
		log_printf(server->log, LOG_ERROR, "keys: the parent could not be answered");
	buf_done(&text);
}

static void keys_parent_message(struct role_server *server, struct packet *packet)
{
	struct keys *keys = server->role_data;

	switch (packet->header.kind) {
	case MSG_key_given:
		key_take(server, keys, packet->header.id, &packet->message.key_given);
		break;
	case MSG_working_key_wanted:
		working_key_request(server, keys, packet);
		break;
	case MSG_working_key_ended:
		if (packet->message.working_key_ended.key >= KEY_WORKING_FIRST)
			key_ring_remove(keys->ring, packet->message.working_key_ended.key);
		break;
	case MSG_evidence_sign:
		evidence_answer_parent(server, packet->header.id,
				       packet->message.evidence_sign.bytes);
		break;
	case MSG_evidence_key_given:
		evidence_key_take(server, keys, packet->message.evidence_key_given.pem);
		break;
	default:
		break;
	}
}

static void keys_status(struct role_server *server, struct buf *json)
{
	struct keys *keys = server->role_data;

	buf_printf(json, ",\"keys\":%zu,\"helped\":%llu,\"signatures\":%llu,\"premasters\":%llu",
		   key_ring_count(keys->ring), (unsigned long long)keys->helped_count,
		   (unsigned long long)__atomic_load_n(&keys->signed_count, __ATOMIC_RELAXED),
		   (unsigned long long)__atomic_load_n(&keys->premaster_count, __ATOMIC_RELAXED));
}

static void keys_tick(struct role_server *server)
{
	struct keys *keys = server->role_data;

	(void)ticket_ring_tick(&keys->tickets, clock_mono_ms());
}

const struct role_server_ops keys_ops = {
	.parent_message = keys_parent_message,
	.request = keys_request,
	.status = keys_status,
	.tick = keys_tick,
	.tick_ms = TICK_MS,
};

struct keys *keys_new(unsigned threads)
{
	struct keys *keys = calloc(1, sizeof(*keys));

	CHECK(keys != NULL);
	if (threads > KEYS_THREADS_MAX)
		threads = KEYS_THREADS_MAX;
	keys->ring = key_ring_new();
	ticket_ring_init(&keys->tickets, clock_mono_ms());
	list_init(&keys->jobs);
	CHECK(pthread_mutex_init(&keys->lock, NULL) == 0);
	CHECK(pthread_cond_init(&keys->wanted, NULL) == 0);
	while (keys->thread_count < threads) {
		CHECK(pthread_create(&keys->threads[keys->thread_count], NULL, helper_run, keys) ==
		      0);
		keys->thread_count++;
	}
	return keys;
}

void keys_free(struct keys **keys)
{
	struct keys *self = *keys;

	if (self == NULL)
		return;
	pthread_mutex_lock(&self->lock);
	self->is_ending = true;
	pthread_cond_broadcast(&self->wanted);
	pthread_mutex_unlock(&self->lock);
	for (unsigned i = 0; i < self->thread_count; i++)
		pthread_join(self->threads[i], NULL);
	list_each(node, next, &self->jobs)
	{
		list_remove(node);
		job_free(list_entry(node, struct key_job, node));
	}
	key_ring_free(&self->ring);
	signing_key_free(&self->evidence);
	ticket_ring_wipe(&self->tickets);
	pthread_cond_destroy(&self->wanted);
	pthread_mutex_destroy(&self->lock);
	free(self);
	*keys = NULL;
}
