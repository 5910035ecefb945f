/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/staple_job.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/condition.h"
#include "tls/certificate_facts.h"
#include "tls/ocsp.h"
#include "tls/staples.h"
#include "tls/web_client.h"

enum { JOBS_MAX = 256, WHY_MAX = 2048, URL_MAX = 1024, LOOK_MS = 60 * 1000 };
enum { CONNECT_S = 15, REQUEST_S = 30, STATUS_GOOD = 200 };

struct staple_item {
	unsigned char id[TLS_STAPLE_ID_BYTES];
	uint64_t generation; /* the last that named it */
	char *name;
	struct tls_certificate *certificate;
	bool must_staple;
	int64_t due_s; /* when to ask */
	unsigned failures; /* in a row */
	enum tls_ocsp_state state; /* as said last */
	int64_t until_s; /* of the answer that is stapled; 0: none */
	bool said_run_out;
};

struct staple_job {
	struct staple_job_options options;
	pthread_t thread;
	pthread_mutex_t lock;
	struct condition changed;
	bool is_ending; /* under the lock */
	size_t count;
	struct staple_item items[JOBS_MAX];
};

static void item_done(struct staple_item *item)
{
	free(item->name);
	tls_certificate_unref(&item->certificate);
}

static struct staple_item *item_find(struct staple_job *job, const unsigned char *id)
{
	for (size_t i = 0; i < job->count; i++)
		if (memcmp(job->items[i].id, id, TLS_STAPLE_ID_BYTES) == 0)
			return &job->items[i];
	return NULL;
}

/* ---- what is said ---- */

static const char *rest_words(const struct staple_item *item)
{
	if (item->until_s > clock_real_s())
		return "the answer before it is stapled until its time";
	return item->must_staple ? "clients refuse the certificate, which must be stapled"
				 : "nothing is stapled";
}

static void say_failure(const struct staple_job *job, const struct staple_item *item,
			struct str why)
{
	bool is_grave = item->must_staple && item->until_s <= clock_real_s();

	log_printf(job->options.log, is_grave ? LOG_ERROR : LOG_WARNING,
		   "certificate %s: its OCSP responder gives no answer: %.*s; %s", item->name,
		   STR_ARG(why), rest_words(item));
}

static void say_answer(const struct staple_job *job, const struct staple_item *item,
		       const struct tls_ocsp_answer *answer)
{
	struct buf date = BUF_INIT(64);

	if (answer->state == TLS_OCSP_REVOKED) {
		clock_append_iso_date(&date, answer->revoked_s);
		log_printf(job->options.log, LOG_ERROR,
			   "certificate %s: its CA revoked it on %.*s; clients that look refuse it: get a "
			   "new one, with a new key if the old one got into other hands",
			   item->name, STR_ARG(buf_str(&date)));
	} else if (answer->state == TLS_OCSP_UNKNOWN)
		log_printf(job->options.log, LOG_WARNING,
			   "certificate %s: its OCSP responder does not know it; ask the CA", item->name);
	else if (item->state != TLS_OCSP_NONE)
		log_printf(job->options.log, LOG_WARNING,
			   "certificate %s: its OCSP responder answers again", item->name);
	buf_done(&date);
}

/* ---- one certificate ---- */

/* What is known while the lock is not held. */
struct inquiry {
	unsigned char id[TLS_STAPLE_ID_BYTES];
	struct tls_certificate *certificate;
	enum tls_ocsp_state state;
	struct tls_ocsp_answer answer; /* of GOOD, REVOKED, UNKNOWN */
	struct buf response;
	struct buf why;
};

static bool ending(void *context)
{
	return staple_job_is_ending(context);
}

static enum fault resolve(void *context, struct str host, struct buf *addresses, struct buf *why)
{
	const struct staple_job *job = context;

	return job->options.resolve(job->options.context, host, addresses, why);
}

/* Appends what the responder at `url` says to a request. Blocks. */
static enum fault responder_ask(struct staple_job *job, struct str url, struct str body,
				struct inquiry *inquiry)
{
	struct web_client_parts parts = {.resolve = resolve,
					 .is_ending = ending,
					 .context = job,
					 .connect_s = CONNECT_S,
					 .all_s = REQUEST_S};
	struct web_request request = {.method = WEB_POST,
				      .url = url,
				      .content_type = "application/ocsp-request",
				      .body = body};
	struct web_client *web = NULL;
	long status = 0;
	enum fault fault = web_client_new(&parts, &inquiry->why, &web);

	buf_printf(&inquiry->why, "%.*s: ", STR_ARG(url));
	if (fault == FAULT_NONE)
		fault = web_client_do(web, &request, &inquiry->response, &status, &inquiry->why);
	if (fault == FAULT_NONE && status != STATUS_GOOD) {
		buf_printf(&inquiry->why, "it answers with the status %ld", status);
		fault = FAULT_UNAVAILABLE;
	}
	web_client_free(&web);
	return fault;
}

static void response_judge(struct inquiry *inquiry)
{
	bool is_usable = tls_ocsp_check(inquiry->certificate, buf_str(&inquiry->response),
					clock_real_s(), &inquiry->answer,
					&inquiry->why) == FAULT_NONE;

	inquiry->state = is_usable ? inquiry->answer.state : TLS_OCSP_UNUSABLE;
}

/* Blocks; without the lock. */
static void inquiry_make(struct staple_job *job, struct inquiry *inquiry)
{
	struct buf url = BUF_INIT(URL_MAX), request = BUF_INIT(TLS_OCSP_REQUEST_MAX);

	inquiry->state = TLS_OCSP_UNREACHABLE;
	(void)tls_certificate_append_responder(inquiry->certificate, &url);
	if (tls_ocsp_request(inquiry->certificate, &request) != FAULT_NONE)
		buf_append_c(&inquiry->why, "the issuer's certificate is not in the chain; put it behind "
					    "the leaf");
	else if (responder_ask(job, buf_str(&url), buf_str(&request), inquiry) == FAULT_NONE)
		response_judge(inquiry);
	buf_done(&url);
	buf_done(&request);
}

static void item_tell(const struct staple_job *job, const struct staple_item *item,
		      struct str response, struct str text)
{
	struct msg_staple_given given = {.certificate = str_make(item->id, sizeof(item->id)),
					 .state = item->state,
					 .until_s = (uint64_t)item->until_s,
					 .response = response,
					 .text = text};

	job->options.tell(job->options.context, &given);
}

/* An answer that holds: it is stapled when it is a good one. */
static void item_answered(struct staple_job *job, struct staple_item *item,
			  const struct inquiry *inquiry)
{
	bool is_good = inquiry->state == TLS_OCSP_GOOD;

	if (item->state != inquiry->state)
		say_answer(job, item, &inquiry->answer);
	item->state = inquiry->state;
	item->failures = 0;
	item->said_run_out = false;
	item->until_s = is_good ? inquiry->answer.next_update_s : 0;
	item->due_s = tls_ocsp_next_s(clock_real_s(), inquiry->answer.next_update_s, 0);
	item_tell(job, item, is_good ? buf_str(&inquiry->response) : STR(""), STR(""));
}

/* What was stapled goes on; told is why there is nothing newer. */
static void item_failed(struct staple_job *job, struct staple_item *item,
			const struct inquiry *inquiry)
{
	bool has_run_out = item->until_s != 0 && item->until_s <= clock_real_s();

	if (item->state != inquiry->state || (has_run_out && !item->said_run_out))
		say_failure(job, item, buf_str(&inquiry->why));
	item->said_run_out = has_run_out;
	item->state = inquiry->state;
	item->failures++;
	item->due_s = tls_ocsp_next_s(clock_real_s(), 0, item->failures);
	item_tell(job, item, STR(""), buf_str(&inquiry->why));
}

static void inquiry_end(struct staple_job *job, struct inquiry *inquiry)
{
	struct staple_item *item = item_find(job, inquiry->id);

	/* It may have been forgotten meanwhile, and what was given up is no failure. */
	if (item != NULL && !job->is_ending) {
		if (inquiry->state == TLS_OCSP_UNREACHABLE || inquiry->state == TLS_OCSP_UNUSABLE)
			item_failed(job, item, inquiry);
		else
			item_answered(job, item, inquiry);
	}
	tls_certificate_unref(&inquiry->certificate);
	buf_done(&inquiry->response);
	buf_done(&inquiry->why);
}

/* ---- the thread ---- */

static struct staple_item *item_due(struct staple_job *job, int64_t now_s)
{
	for (size_t i = 0; i < job->count; i++)
		if (job->items[i].due_s <= now_s)
			return &job->items[i];
	return NULL;
}

static void *job_run(void *argument)
{
	struct staple_job *job = argument;

	pthread_mutex_lock(&job->lock);
	while (!job->is_ending) {
		struct staple_item *item = item_due(job, clock_real_s());
		if (item == NULL) {
			/* A clock that is set is noticed; none is due earlier. */
			(void)condition_wait_until(&job->changed, &job->lock,
						   clock_mono_ms() + LOOK_MS);
			continue;
		}
		struct inquiry inquiry = {.certificate = tls_certificate_ref(item->certificate),
					  .response = BUF_INIT(TLS_OCSP_RESPONSE_MAX),
					  .why = BUF_INIT(WHY_MAX)};
		memcpy(inquiry.id, item->id, sizeof(inquiry.id));
		pthread_mutex_unlock(&job->lock);
		inquiry_make(job, &inquiry);
		pthread_mutex_lock(&job->lock);
		inquiry_end(job, &inquiry);
	}
	pthread_mutex_unlock(&job->lock);
	return NULL;
}

struct staple_job *staple_job_new(const struct staple_job_options *options)
{
	struct staple_job *job = calloc(1, sizeof(*job));

	CHECK(job != NULL && pthread_mutex_init(&job->lock, NULL) == 0);
	condition_init(&job->changed);
	job->options = *options;
	CHECK(pthread_create(&job->thread, NULL, job_run, job) == 0);
	return job;
}

void staple_job_free(struct staple_job **job)
{
	struct staple_job *self = *job;

	*job = NULL;
	if (self == NULL)
		return;
	pthread_mutex_lock(&self->lock);
	self->is_ending = true;
	condition_signal(&self->changed);
	pthread_mutex_unlock(&self->lock);
	pthread_join(self->thread, NULL);
	for (size_t i = 0; i < self->count; i++)
		item_done(&self->items[i]);
	condition_done(&self->changed);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

bool staple_job_is_ending(struct staple_job *job)
{
	pthread_mutex_lock(&job->lock);
	bool is_ending = job->is_ending;
	pthread_mutex_unlock(&job->lock);
	return is_ending;
}

/* ---- which certificates ---- */

/* Takes the certificate over unless it names nobody to ask. */
static void item_add(struct staple_job *job, uint64_t generation, struct str name,
		     struct tls_certificate **certificate)
{
	unsigned char id[TLS_STAPLE_ID_BYTES];
	struct buf url = BUF_INIT(URL_MAX);

	if (!tls_certificate_fingerprint(*certificate, id))
		return;
	struct staple_item *item = item_find(job, id);
	if (item != NULL) {
		item->generation = generation;
	} else if (job->count < JOBS_MAX && tls_certificate_append_responder(*certificate, &url)) {
		item = &job->items[job->count++];
		*item = (struct staple_item){.generation = generation,
					     .name = str_dup_c(name),
					     .certificate = *certificate,
					     .must_staple = tls_certificate_must_staple(*certificate)};
		memcpy(item->id, id, sizeof(id));
		*certificate = NULL;
	}
	buf_done(&url);
}

void staple_job_add(struct staple_job *job, uint64_t generation, struct str name, struct str chain)
{
	struct tls_certificate *certificate = NULL;
	struct buf why = BUF_INIT(WHY_MAX);

	if (tls_certificate_parse(chain, &why, &certificate) == FAULT_NONE) {
		pthread_mutex_lock(&job->lock);
		item_add(job, generation, name, &certificate);
		pthread_mutex_unlock(&job->lock);
	}
	tls_certificate_unref(&certificate);
	buf_done(&why);
}

void staple_job_settle(struct staple_job *job, uint64_t generation)
{
	pthread_mutex_lock(&job->lock);
	for (size_t i = job->count; i-- > 0;)
		if (job->items[i].generation != generation) {
			item_done(&job->items[i]);
			job->items[i] = job->items[--job->count];
		}
	condition_signal(&job->changed);
	pthread_mutex_unlock(&job->lock);
}
