/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/certificate_job.h"

#include <stdlib.h>
#include <unistd.h>

#include "acme/order.h"
#include "acme/renewal.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/random.h"
#include "config/acme.h"
#include "mailq/mailq.h"
#include "tls/anchors.h"

enum {
	/* The parent asks keys, or waits for every front; a stuck one is started again by then. */
	PARENT_ANSWER_MS = 90 * 1000,
	PARENT_PAUSE_MS = 20,
	KEYS_PATIENCE_MS = 10 * 1000,
	NAME_PATIENCE_MS = 20 * 1000,
	/* How often the clock is looked at; certificates live for days. */
	LOOK_MS = 1000,
	/* From so many seconds before the end on a failure is an error, not a warning. */
	URGENT_S = 7 * 24 * 3600,
	ARENA_MAX = 1 << 20,
};

/* A certificate in force, as the parent gave it. */
struct present {
	char *name;
	struct tls_certificate *certificate;
	uint64_t random; /* its own, for the moment of its renewal */
};

struct presents {
	size_t count;
	struct present items[TLS_IDENTITIES_MAX];
};

/* How a row of the list stands; forgotten when the process ends. */
struct standing {
	char name[ACME_NAME_MAX + 1];
	unsigned failures;
	int64_t next_s; /* after a failure; 0: by the certificate alone */
	int64_t told_s; /* what `status` was told last */
};

/* What a command asked for; owns its texts. */
struct wish {
	struct role_peer *peer;
	uint64_t id;
	char *name;
	char *domains;
	char *challenge;
	char *key_type;
};

/* The answer of the parent that the job waits for. */
struct reply {
	uint64_t id; /* 0: none is awaited */
	bool is_there;
	enum fault fault;
	uint32_t key;
	struct buf public_key;
	struct buf text;
};

struct certificate_job {
	struct acme_world world; /* first: it is what order.c hands back */
	struct mailq *mailq;
	struct role_client keys_client;
	struct key_source_remote keys;
	pthread_t thread;

	pthread_mutex_t lock;
	struct condition changed;
	/* All below under the lock. */
	bool is_ending;
	bool has_config;
	struct presents *presents; /* in force */
	struct presents *coming;   /* of the generation that comes */
	size_t wish_count;
	struct wish wishes[CERTIFICATE_WISHES_MAX];
	uint64_t last_id;
	struct reply reply;

	/* The thread's own. */
	struct wish *told; /* whom to tell how far it is; NULL: nobody */
	struct standing standings[ACME_CERTIFICATES_MAX];
};

static const struct log *log_of(const struct certificate_job *job)
{
	return job->mailq->options.log;
}

static bool is_ending(void *context)
{
	struct certificate_job *job = context;

	pthread_mutex_lock(&job->lock);
	bool ends = job->is_ending;
	pthread_mutex_unlock(&job->lock);
	return ends;
}

/* ---- what is in force ---- */

static void presents_drop(struct presents *presents)
{
	while (presents->count > 0) {
		struct present *present = &presents->items[--presents->count];
		free(present->name);
		tls_certificate_unref(&present->certificate);
	}
}

/* Keeps its moment as long as it is the same. */
static uint64_t moment_of(const struct presents *presents, const struct present *fresh)
{
	uint64_t random;

	for (size_t i = 0; i < presents->count; i++)
		if (strcmp(presents->items[i].name, fresh->name) == 0 &&
		    memcmp(tls_certificate_digest(presents->items[i].certificate),
			   tls_certificate_digest(fresh->certificate), 32) == 0)
			return presents->items[i].random;
	random_bytes(&random, sizeof(random));
	return random;
}

static void certificate_given(struct certificate_job *job, const struct msg_certificate_given *given)
{
	struct buf why = BUF_INIT(1024);
	struct present present = {.name = NULL};

	pthread_mutex_lock(&job->lock);
	if (job->coming->count < TLS_IDENTITIES_MAX &&
	    tls_certificate_parse(given->chain, &why, &present.certificate) == FAULT_NONE) {
		present.name = str_dup_c(given->name);
		present.random = moment_of(job->presents, &present);
		job->coming->items[job->coming->count++] = present;
	}
	pthread_mutex_unlock(&job->lock);
	buf_done(&why);
}

void certificate_job_config_changed(struct certificate_job *job)
{
	pthread_mutex_lock(&job->lock);
	struct presents *former = job->presents;
	job->presents = job->coming;
	job->coming = former;
	presents_drop(former);
	job->has_config = true;
	condition_broadcast(&job->changed);
	pthread_mutex_unlock(&job->lock);
}

/* ---- the parent ---- */

static void reply_take(struct certificate_job *job, uint64_t id, uint32_t fault, struct str text,
		       const struct msg_acme_key_given *given)
{
	pthread_mutex_lock(&job->lock);
	if (job->reply.id == id && !job->reply.is_there) {
		job->reply.is_there = true;
		job->reply.fault = fault_from_number(fault);
		buf_append_str(&job->reply.text, text);
		if (given != NULL) {
			job->reply.key = given->key;
			buf_append_str(&job->reply.public_key, given->public_key);
		}
		condition_broadcast(&job->changed);
	}
	pthread_mutex_unlock(&job->lock);
}

bool certificate_job_parent_message(struct certificate_job *job, struct packet *packet)
{
	const union message_any *message = &packet->message;

	switch (packet->header.kind) {
	case MSG_certificate_given:
		certificate_given(job, &message->certificate_given);
		return true;
	case MSG_acme_key_given:
		reply_take(job, packet->header.id, message->acme_key_given.fault,
			   message->acme_key_given.text, &message->acme_key_given);
		return true;
	case MSG_done:
		reply_take(job, packet->header.id, message->done.fault, message->done.text, NULL);
		return true;
	default:
		return false;
	}
}

/* The socket is full only while the parent is busy. */
static enum fault parent_send(struct certificate_job *job, enum message_kind kind, uint64_t id,
			      const void *message)
{
	int64_t until = clock_mono_ms() + PARENT_ANSWER_MS;
	enum fault fault;

	while ((fault = channel_send(&job->mailq->server.parent, kind, id, message)) ==
		       FAULT_BUSY &&
	       clock_mono_ms() < until && !is_ending(job))
		usleep(PARENT_PAUSE_MS * 1000);
	return fault;
}

static uint64_t reply_expect(struct certificate_job *job)
{
	pthread_mutex_lock(&job->lock);
	uint64_t id = job->reply.id = ++job->last_id;
	job->reply.is_there = false;
	buf_reset(&job->reply.public_key);
	buf_reset(&job->reply.text);
	pthread_mutex_unlock(&job->lock);
	return id;
}

/* Waits for the reply; what it says stays until the next is expected. */
static enum fault reply_await(struct certificate_job *job, struct buf *why)
{
	int64_t until_ms = clock_mono_ms() + PARENT_ANSWER_MS;
	enum fault fault = FAULT_UNAVAILABLE;

	pthread_mutex_lock(&job->lock);
	while (!job->reply.is_there && !job->is_ending &&
	       condition_wait_until(&job->changed, &job->lock, until_ms))
		;
	if (job->reply.is_there) {
		fault = job->reply.fault;
		if (fault != FAULT_NONE)
			buf_append_str(why, buf_str(&job->reply.text));
	} else
		buf_append_c(why, "the server's own answer did not come");
	job->reply.id = 0;
	pthread_mutex_unlock(&job->lock);
	return fault;
}

static enum fault parent_ask(struct certificate_job *job, enum message_kind kind,
			     const void *message, struct buf *why)
{
	uint64_t id = reply_expect(job);
	enum fault fault = parent_send(job, kind, id, message);

	if (fault != FAULT_NONE) {
		buf_append_c(why, fault_text(fault));
		return fault;
	}
	return reply_await(job, why);
}

/* ---- the world of an order ---- */

static struct certificate_job *job_of(struct acme_world *world)
{
	return (struct certificate_job *)(void *)world;
}

static enum fault key_want(struct acme_world *world, enum acme_key_use use, enum key_kind kind,
			   struct str name, struct acme_got_key *key, struct buf *why)
{
	struct certificate_job *job = job_of(world);
	struct msg_acme_key_wanted wanted = {.use = (uint8_t)use, .kind = (uint8_t)kind, .name = name};
	enum fault fault = parent_ask(job, MSG_acme_key_wanted, &wanted, why);

	if (fault != FAULT_NONE)
		return fault;
	key->number = job->reply.key;
	buf_append_str(&key->public_key, buf_str(&job->reply.public_key));
	return FAULT_NONE;
}

static enum fault challenge_show(struct acme_world *world, const struct acme_shown *shown,
				 struct buf *why)
{
	struct msg_acme_challenge challenge = {.domain = shown->domain,
					       .token = shown->token,
					       .authorization = shown->authorization,
					       .chain = shown->chain,
					       .key = shown->key};

	return parent_ask(job_of(world), MSG_acme_challenge, &challenge, why);
}

static enum fault pair_give(struct acme_world *world, struct str name, struct str chain,
			    struct buf *why)
{
	struct msg_acme_pair pair = {.name = name, .chain = chain};

	if (chain.len > MESSAGE_INLINE_MAX) {
		buf_append_c(why, "the certificate's chain is too long");
		return FAULT_TOO_LARGE;
	}
	return parent_ask(job_of(world), MSG_acme_pair, &pair, why);
}

static void tell(struct acme_world *world, struct str text)
{
	struct certificate_job *job = job_of(world);
	struct msg_acme_told told = {.text = text};

	if (job->told != NULL)
		role_peer_answer(job->told->peer, MSG_acme_told, job->told->id, &told);
}

static bool pause_for(struct acme_world *world, int64_t ms)
{
	struct certificate_job *job = job_of(world);
	int64_t until_ms = clock_mono_ms() + ms;

	pthread_mutex_lock(&job->lock);
	while (!job->is_ending &&
	       condition_wait_until(&job->changed, &job->lock, until_ms))
		;
	bool goes_on = !job->is_ending;
	pthread_mutex_unlock(&job->lock);
	return goes_on;
}

/* ---- names ---- */

static void name_answered(void *context, struct dns_query *query)
{
	struct certificate_job *job = context;

	pthread_mutex_lock(&job->lock);
	condition_broadcast(&job->changed);
	pthread_mutex_unlock(&job->lock);
}

static const struct dns_answer *answer_await(struct certificate_job *job, struct dns_query *query)
{
	const struct dns_answer *answer;
	int64_t until_ms = clock_mono_ms() + NAME_PATIENCE_MS + LOOK_MS;
	bool is_patient = true;

	pthread_mutex_lock(&job->lock);
	while ((answer = dns_query_answer(query)) == NULL && !job->is_ending && is_patient)
		is_patient = condition_wait_until(&job->changed, &job->lock, until_ms);
	pthread_mutex_unlock(&job->lock);
	return answer;
}

static enum dns_outcome addresses_append(struct certificate_job *job, struct str host,
					 enum dns_type type, struct buf *to)
{
	struct dns_question question = {.name = host,
					.type = type,
					.patience_ms = NAME_PATIENCE_MS,
					.done = name_answered,
					.context = job};
	struct dns_query *query = resolver_ask(job->mailq->resolver, &question);
	const struct dns_answer *answer = answer_await(job, query);
	enum dns_outcome outcome = answer == NULL ? DNS_TIMEOUT : answer->outcome;
	uint8_t address[16];

	for (size_t i = 0; answer != NULL && i < answer->record_count; i++) {
		if (!dns_address_read(answer->records[i], type, address))
			continue;
		buf_append_c(to, to->len == 0 ? "" : ",");
		buf_append_c(to, type == DNS_AAAA ? "[" : "");
		dns_address_append(to, address);
		buf_append_c(to, type == DNS_AAAA ? "]" : "");
	}
	dns_query_free(&query);
	return outcome;
}

static enum fault resolve(void *context, struct str host, struct buf *addresses, struct buf *why)
{
	struct certificate_job *job = context;
	enum dns_outcome four = addresses_append(job, host, DNS_A, addresses);
	enum dns_outcome six = addresses_append(job, host, DNS_AAAA, addresses);

	if (addresses->len > 0)
		return FAULT_NONE;
	buf_printf(why, "DNS gives no address for the host: %s",
		   dns_outcome_name(four == DNS_NO_DATA ? six : four));
	return FAULT_UNAVAILABLE;
}

/* ---- an order ---- */

static struct tls_anchors *anchors_load(void)
{
	struct tls_anchors *anchors = tls_anchors_new();
	struct buf notes = BUF_INIT(64 * 1024);

	/* What is wrong with single files there is told by those who check them. */
	tls_anchors_load(anchors, TLS_ANCHORS_SYSTEM_FILE, &notes);
	tls_anchors_load(anchors, "sslca", &notes);
	buf_done(&notes);
	return anchors;
}

static enum fault order_run(struct certificate_job *job, const struct config *config,
			    const struct acme_order_request *request, struct acme_failure *failure)
{
	struct tls_anchors *anchors = anchors_load();
	/* Client* of the table Security, which governs every client but SMTP's. */
	struct web_client_parts parts = {.policy = &config->clients[CLIENT_POP3],
					 .anchors = anchors,
					 .resolve = resolve,
					 .is_ending = is_ending,
					 .context = job,
					 .connect_s = ACME_CONNECT_S,
					 .all_s = ACME_REQUEST_S};
	struct msg_acme_ended ended = {};
	enum fault fault = web_client_new(&parts, &failure->words, &job->world.web);

	tls_anchors_unref(&anchors);
	if (fault == FAULT_NONE)
		fault = acme_order_run(&job->world, request, failure);
	web_client_free(&job->world.web);
	(void)!parent_send(job, MSG_acme_ended, 0, &ended);
	return fault;
}

static struct acme_order_request request_make(const struct config_acme *acme,
					      const struct acme_certificate *row)
{
	return (struct acme_order_request){.name = row->name,
					   .domains = row->domains,
					   .domain_count = row->domain_count,
					   .is_rsa = row->is_rsa,
					   .keeps_key = acme->key_reuse,
					   .challenge = acme->challenge,
					   .directory = acme->directory,
					   .contact = acme->contact,
					   .agree_terms = acme->agree_terms};
}

/* ---- standings ---- */

/* That of the row; an unused one is taken where there is none. NULL when the table is full. */
static struct standing *standing_of(struct certificate_job *job, struct str name)
{
	for (size_t i = 0; i < ACME_CERTIFICATES_MAX; i++) {
		struct standing *standing = &job->standings[i];
		if (standing->name[0] == '\0' &&
		    !str_copy_c(name, standing->name, sizeof(standing->name)))
			return NULL;
		if (str_equals(str_from_c(standing->name), name))
			return standing;
	}
	return NULL;
}

/* Rows that are gone from the list leave their places to others. */
static void standings_settle(struct certificate_job *job, const struct config_acme *acme)
{
	size_t kept = 0;

	for (size_t i = 0; i < ACME_CERTIFICATES_MAX; i++)
		if (job->standings[i].name[0] != '\0' &&
		    acme_certificate_find(acme, str_from_c(job->standings[i].name)) != NULL)
			job->standings[kept++] = job->standings[i];
	while (kept < ACME_CERTIFICATES_MAX)
		job->standings[kept++] = (struct standing){.name = ""};
}

static void standing_tell(struct certificate_job *job, struct standing *standing, int64_t next_s,
			  struct str text)
{
	struct msg_acme_state state = {.name = str_from_c(standing->name),
				       .failures = standing->failures,
				       .next_s = (uint64_t)next_s,
				       .text = text};

	standing->told_s = next_s;
	(void)!parent_send(job, MSG_acme_state, 0, &state);
}

static bool is_urgent(struct certificate_job *job, struct str name, int64_t now_s)
{
	bool urgent = true;

	pthread_mutex_lock(&job->lock);
	for (size_t i = 0; i < job->presents->count; i++) {
		const struct present *present = &job->presents->items[i];
		if (str_equals(str_from_c(present->name), name))
			urgent = tls_certificate_not_after(present->certificate) - now_s <
				 URGENT_S;
	}
	pthread_mutex_unlock(&job->lock);
	return urgent;
}

static void failure_note(struct certificate_job *job, struct str name,
			 const struct acme_failure *failure)
{
	struct standing *standing = standing_of(job, name);
	int64_t now_s = clock_real_s();
	struct buf when = BUF_INIT(64);
	uint64_t random;

	CHECK(standing != NULL);
	random_bytes(&random, sizeof(random));
	standing->failures++;
	standing->next_s =
		acme_retry_s(now_s, standing->failures, failure->retry_after_s, random);
	clock_append_iso_date(&when, standing->next_s);
	log_printf(log_of(job), is_urgent(job, name, now_s) ? LOG_ERROR : LOG_WARNING,
		   "certificate %.*s was not had from the CA: %.*s; the one in force stays, and it "
		   "is tried again at %.*s",
		   STR_ARG(name), STR_ARG(buf_str(&failure->words)), STR_ARG(buf_str(&when)));
	standing_tell(job, standing, standing->next_s, buf_str(&failure->words));
	buf_done(&when);
}

/* ---- what is due ---- */

/* When the row is asked for next. */
static int64_t row_next_s(struct certificate_job *job, const struct config_acme *acme,
			  const struct acme_certificate *row, const struct standing *standing)
{
	const struct present *found = NULL;

	pthread_mutex_lock(&job->lock);
	for (size_t i = 0; i < job->presents->count; i++)
		if (str_equals(str_from_c(job->presents->items[i].name), row->name))
			found = &job->presents->items[i];
	int64_t wanted = acme_wanted_s(row, found == NULL ? NULL : found->certificate,
				       acme->renew_days, found == NULL ? 0 : found->random);
	pthread_mutex_unlock(&job->lock);
	return wanted > standing->next_s ? wanted : standing->next_s;
}

static void success_note(struct certificate_job *job, const struct config_acme *acme,
			 const struct acme_certificate *row)
{
	struct standing *standing = standing_of(job, row->name);
	int64_t now_s = clock_real_s();

	CHECK(standing != NULL);
	log_printf(log_of(job), LOG_CONFIG, "certificate %.*s was had from %.*s",
		   STR_ARG(row->name), STR_ARG(acme->directory));
	standing->failures = 0;
	standing->next_s = 0;
	/* One that is due again at once is not what was asked for: no CA is to be flooded. */
	if (row_next_s(job, acme, row, standing) <= now_s)
		standing->next_s = now_s + ACME_PAUSE_MIN_S;
	standing_tell(job, standing, row_next_s(job, acme, row, standing), STR(""));
}

static void row_look(struct certificate_job *job, const struct config *config,
		     const struct acme_certificate *row)
{
	struct standing *standing = standing_of(job, row->name);
	struct acme_failure failure;

	CHECK(standing != NULL);
	int64_t next_s = row_next_s(job, &config->acme, row, standing);
	if (next_s > clock_real_s()) {
		if (next_s != standing->told_s)
			standing_tell(job, standing, next_s, STR(""));
		return;
	}
	struct acme_order_request request = request_make(&config->acme, row);
	acme_failure_init(&failure);
	enum fault fault = order_run(job, config, &request, &failure);
	if (fault == FAULT_NONE)
		success_note(job, &config->acme, row);
	else if (!is_ending(job))
		failure_note(job, row->name, &failure);
	acme_failure_done(&failure);
}

static void rows_look(struct certificate_job *job, const struct config *config)
{
	standings_settle(job, &config->acme);
	for (size_t i = 0; i < config->acme.certificate_count && !is_ending(job); i++)
		if (config->acme.agree_terms)
			row_look(job, config, &config->acme.certificates[i]);
}

/* ---- what commands want ---- */

static void wish_done(struct wish *wish)
{
	role_peer_release(&wish->peer);
	free(wish->name);
	free(wish->domains);
	free(wish->challenge);
	free(wish->key_type);
}

void certificate_wanted(struct mailq *mailq, struct role_peer *peer, struct packet *packet)
{
	struct certificate_job *job = mailq->certificate_job;
	const struct msg_acme_wanted *wanted = &packet->message.acme_wanted;

	if (job == NULL) {
		role_peer_done(peer, packet->header.id, FAULT_UNAVAILABLE,
			       STR("certificates are asked for by a running server only"));
		return;
	}
	pthread_mutex_lock(&job->lock);
	bool is_taken = job->wish_count < CERTIFICATE_WISHES_MAX;
	if (is_taken) {
		role_peer_hold(peer);
		job->wishes[job->wish_count++] =
			(struct wish){.peer = peer,
				      .id = packet->header.id,
				      .name = str_dup_c(wanted->name),
				      .domains = str_dup_c(wanted->domains),
				      .challenge = str_dup_c(wanted->challenge),
				      .key_type = str_dup_c(wanted->key_type)};
		condition_broadcast(&job->changed);
	}
	pthread_mutex_unlock(&job->lock);
	if (!is_taken)
		role_peer_done(peer, packet->header.id, FAULT_BUSY,
			       STR("too many certificates are asked for just now"));
}

/* What the wish says in place of the row, and of the table. */
static bool wish_read(const struct wish *wish, struct arena *arena,
		      struct acme_order_request *request, struct buf *why)
{
	if (wish->domains[0] != '\0' &&
	    !acme_domains_read(str_from_c(wish->domains), arena, &request->domains,
			       &request->domain_count, why))
		return false;
	if (!acme_name_is_valid(request->name))
		buf_append_c(why, "the name may hold letters, digits, dots and hyphens");
	else if (request->domain_count == 0)
		buf_printf(why, "mailserver.cfg has no row %s in the list AcmeCertificate; name the "
				"domains", wish->name);
	if (wish->challenge[0] != '\0')
		request->challenge = strcmp(wish->challenge, "tls-alpn-01") == 0 ? ACME_TLS_ALPN_01
										 : ACME_HTTP_01;
	if (wish->key_type[0] != '\0')
		request->is_rsa = strcmp(wish->key_type, "rsa") == 0;
	return why->len == 0;
}

static enum fault wish_order(struct certificate_job *job, const struct config *config,
			     struct wish *wish, struct acme_failure *failure)
{
	struct str name = str_from_c(wish->name);
	const struct acme_certificate *row = acme_certificate_find(&config->acme, name);
	struct acme_certificate none = {.name = name};
	struct acme_order_request request = request_make(&config->acme, row == NULL ? &none : row);
	struct arena arena;
	enum fault fault = FAULT_INVALID;

	arena_init(&arena, ARENA_MAX);
	if (wish_read(wish, &arena, &request, &failure->words)) {
		job->told = wish;
		fault = order_run(job, config, &request, failure);
		job->told = NULL;
	}
	if (fault == FAULT_NONE && row != NULL)
		success_note(job, &config->acme, row);
	arena_rewind(&arena);
	return fault;
}

static void wish_fulfil(struct certificate_job *job, const struct config *config, struct wish *wish)
{
	struct acme_failure failure;

	acme_failure_init(&failure);
	enum fault fault = wish_order(job, config, wish, &failure);
	if (fault == FAULT_NONE &&
	    acme_certificate_find(&config->acme, str_from_c(wish->name)) == NULL)
		buf_printf(&failure.words,
			   "mailserver.cfg has no row %s in the list AcmeCertificate: it is not "
			   "renewed by itself",
			   wish->name);
	role_peer_done(wish->peer, wish->id, fault, buf_str(&failure.words));
	acme_failure_done(&failure);
	wish_done(wish);
}

static bool wish_take(struct certificate_job *job, struct wish *wish)
{
	pthread_mutex_lock(&job->lock);
	bool is_there = job->wish_count > 0 && job->has_config && !job->is_ending;
	if (is_there) {
		*wish = job->wishes[0];
		job->wish_count--;
		memmove(job->wishes, job->wishes + 1, job->wish_count * sizeof(*job->wishes));
	}
	pthread_mutex_unlock(&job->lock);
	return is_there;
}

/* ---- the thread ---- */

/* Until something changes, or it is time to look at the clock; false at the end. */
static bool job_wait(struct certificate_job *job)
{
	pthread_mutex_lock(&job->lock);
	if (!job->is_ending && job->wish_count == 0)
		(void)condition_wait_until(&job->changed, &job->lock, clock_mono_ms() + LOOK_MS);
	bool goes_on = !job->is_ending;
	pthread_mutex_unlock(&job->lock);
	return goes_on;
}

static void *job_run(void *argument)
{
	struct certificate_job *job = argument;
	struct wish wish;

	do {
		struct config *config = mailq_config_get(job->mailq);
		if (config == NULL)
			continue;
		while (wish_take(job, &wish))
			wish_fulfil(job, config, &wish);
		rows_look(job, config);
		config_unref(&config);
	} while (job_wait(job));
	return NULL;
}

struct certificate_job *certificate_job_new(struct mailq *mailq)
{
	struct certificate_job *job = calloc(1, sizeof(*job));

	CHECK(job != NULL);
	job->mailq = mailq;
	job->presents = calloc(1, sizeof(*job->presents));
	job->coming = calloc(1, sizeof(*job->coming));
	CHECK(job->presents != NULL && job->coming != NULL);
	buf_init(&job->reply.public_key, KEY_PEM_MAX);
	buf_init(&job->reply.text, MESSAGE_INLINE_MAX);
	role_client_init(&job->keys_client, mailq->options.connector, ROLE_KEYS, KEYS_PATIENCE_MS);
	key_source_remote_init(&job->keys, &job->keys_client);
	job->world = (struct acme_world){.keys = &job->keys.source,
					 .key_want = key_want,
					 .challenge_show = challenge_show,
					 .pair_give = pair_give,
					 .tell = tell,
					 .pause = pause_for};
	CHECK(pthread_mutex_init(&job->lock, NULL) == 0);
	condition_init(&job->changed);
	CHECK(pthread_create(&job->thread, NULL, job_run, job) == 0);
	return job;
}

void certificate_job_free(struct certificate_job **job)
{
	struct certificate_job *self = *job;

	*job = NULL;
	if (self == NULL)
		return;
	pthread_mutex_lock(&self->lock);
	self->is_ending = true;
	condition_broadcast(&self->changed);
	pthread_mutex_unlock(&self->lock);
	pthread_join(self->thread, NULL);
	while (self->wish_count > 0)
		wish_done(&self->wishes[--self->wish_count]);
	presents_drop(self->presents);
	presents_drop(self->coming);
	free(self->presents);
	free(self->coming);
	buf_done(&self->reply.public_key);
	buf_done(&self->reply.text);
	role_client_done(&self->keys_client);
	condition_done(&self->changed);
	pthread_mutex_destroy(&self->lock);
	free(self);
}
