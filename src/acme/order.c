/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/order.h"

#include "acme/certificate.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "tls/certificate.h"

enum {
	ARENA_MAX = 16 << 20,
	/* How long a CA may look at one name, and make the certificate. */
	LOOK_MS = 3 * 60 * 1000,
	ISSUE_MS = 5 * 60 * 1000,
	PAUSE_FIRST_MS = 500,
	PAUSE_MAX_MS = 10 * 1000,
	WANTED_MAX_MS = 60 * 1000,
	TOLD_MAX = 1024,
};

/* An order under way. */
struct run {
	struct acme_world *world;
	const struct acme_order_request *request;
	struct acme_failure *failure;
	struct arena arena;
	struct acme_client client;
	struct acme_got_key account_key;
	struct acme_key account;
	struct acme_got_key pair_key;
	struct acme_got_key challenge_key; /* number 0: not had yet */
	struct acme_order order;
	struct str order_url;
};

static void tell(struct run *run, const char *format, ...) format_printf(2, 3);
static void tell(struct run *run, const char *format, ...)
{
	struct buf text = BUF_INIT(TOLD_MAX);
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	run->world->tell(run->world, buf_str(&text));
	buf_done(&text);
}

static enum fault fail(struct run *run, enum fault fault, const char *words)
{
	buf_append_c(&run->failure->words, words);
	return fault;
}

static struct str url_keep(struct run *run, struct str url)
{
	struct str kept = arena_dup(&run->arena, url);

	CHECK(kept.ptr != NULL);
	return kept;
}

static enum fault key_want(struct run *run, enum acme_key_use use, enum key_kind kind,
			   struct str name, struct acme_got_key *key)
{
	return run->world->key_want(run->world, use, kind, name, key, &run->failure->words);
}

/* ---- waiting ---- */

struct patience {
	int64_t until_ms;
	int64_t pause_ms;
};

static struct patience patience_make(int64_t ms)
{
	return (struct patience){.until_ms = clock_mono_ms() + ms, .pause_ms = PAUSE_FIRST_MS};
}

/* Waits as long as the CA wants, or a little longer each time. */
static enum fault wait_more(struct run *run, struct patience *patience)
{
	int64_t wanted_ms = run->client.answer.retry_after_s * 1000;
	int64_t pause_ms = wanted_ms > 0 ? wanted_ms : patience->pause_ms;
	int64_t most_ms = wanted_ms > 0 ? WANTED_MAX_MS : PAUSE_MAX_MS;

	if (clock_mono_ms() >= patience->until_ms)
		return fail(run, FAULT_UNAVAILABLE, "the CA has not come to an end in time");
	patience->pause_ms *= 2;
	if (!run->world->pause(run->world, pause_ms > most_ms ? most_ms : pause_ms))
		return fail(run, FAULT_UNAVAILABLE, "the server is being stopped");
	return FAULT_NONE;
}

/* ---- beginning ---- */

/* Accounts with different CAs have different keys, or these could compare notes. */
static enum fault account_key_want(struct run *run)
{
	unsigned char digest[SHA256_BYTES];
	struct buf name = BUF_INIT(64);

	sha256(run->request->directory, digest);
	buf_append_c(&name, "account-");
	hex_encode(&name, str_make(digest, 8));
	enum fault fault = key_want(run, ACME_KEY_ACCOUNT, KEY_KIND_ECDSA, buf_str(&name),
				    &run->account_key);
	buf_done(&name);
	if (fault != FAULT_NONE)
		return fault;
	fault = acme_key_init(&run->account, run->world->keys, run->account_key.number,
			      buf_str(&run->account_key.public_key));
	return fault == FAULT_NONE
		       ? FAULT_NONE
		       : fail(run, fault, "the account's key in HOME/acme is not on P-256");
}

static enum fault order_read(struct run *run)
{
	enum fault fault = acme_order_parse(buf_str(&run->client.answer.body), &run->arena,
					    &run->order);

	return fault == FAULT_NONE ? FAULT_NONE
				   : fail(run, fault, "the CA's answer about the order is none");
}

static enum fault order_begin(struct run *run)
{
	struct buf payload = BUF_INIT(ACME_MESSAGE_MAX);

	acme_order_append(&payload, run->request->domains, run->request->domain_count);
	enum fault fault = acme_client_post(&run->client, run->client.directory.new_order,
					    buf_str(&payload));
	buf_done(&payload);
	if (fault != FAULT_NONE)
		return fault;
	if (run->client.answer.location.len == 0)
		return fail(run, FAULT_INVALID, "the CA did not name the order");
	run->order_url = url_keep(run, buf_str(&run->client.answer.location));
	return order_read(run);
}

/* ---- a name ---- */

static enum fault authorization_read(struct run *run, struct str url,
				     struct acme_authorization *authorization)
{
	static const struct str types[] = {[ACME_HTTP_01] = STR_INIT("http-01"),
					   [ACME_TLS_ALPN_01] = STR_INIT("tls-alpn-01")};
	enum fault fault = acme_client_post(&run->client, url, STR(""));

	if (fault != FAULT_NONE)
		return fault;
	fault = acme_authorization_parse(buf_str(&run->client.answer.body),
					 types[run->request->challenge], &run->arena,
					 authorization);
	return fault == FAULT_NONE
		       ? FAULT_NONE
		       : fail(run, fault, "the CA's answer about a name is none");
}

static enum fault challenge_certificate(struct run *run, struct str domain,
					struct str authorization, struct buf *chain)
{
	enum fault fault = FAULT_NONE;

	if (run->challenge_key.number == 0)
		fault = key_want(run, ACME_KEY_CHALLENGE, KEY_KIND_ECDSA, run->request->name,
				 &run->challenge_key);
	if (fault != FAULT_NONE)
		return fault;
	struct acme_signer signer = {.source = run->world->keys,
				     .number = run->challenge_key.number,
				     .public_key = buf_str(&run->challenge_key.public_key)};
	fault = acme_challenge_certificate(&signer, domain, authorization, chain);
	return fault == FAULT_NONE ? FAULT_NONE
				   : fail(run, fault, "the challenge's certificate cannot be made");
}

static enum fault challenge_show(struct run *run, const struct acme_authorization *authorization)
{
	struct buf answer = BUF_INIT(ACME_TOKEN_MAX + ACME_THUMBPRINT_MAX);
	struct buf chain = BUF_INIT(ACME_CERTIFICATE_MAX);
	enum fault fault = FAULT_NONE;

	acme_authorization_append(&run->account, authorization->token, &answer);
	if (run->request->challenge == ACME_TLS_ALPN_01)
		fault = challenge_certificate(run, authorization->domain, buf_str(&answer), &chain);
	struct acme_shown shown = {.domain = authorization->domain,
				   .token = authorization->token,
				   .authorization = buf_str(&answer),
				   .chain = buf_str(&chain),
				   .key = run->challenge_key.number};
	if (fault == FAULT_NONE)
		fault = run->world->challenge_show(run->world, &shown, &run->failure->words);
	buf_done(&answer);
	buf_done(&chain);
	return fault;
}

static void challenge_take_back(struct run *run)
{
	struct acme_shown nothing = {.key = 0};
	struct buf why = BUF_INIT(1024);

	/* A front that does not hear it will not have the next one either. */
	(void)!run->world->challenge_show(run->world, &nothing, &why);
	buf_done(&why);
}

/* The CA's word on a name. */
static enum fault authorization_settle(struct run *run,
				       const struct acme_authorization *authorization)
{
	struct buf *words = &run->failure->words;

	if (authorization->status == ACME_STATUS_VALID)
		return FAULT_NONE;
	run->failure->is_refusal = true;
	text_append_word(words, authorization->domain);
	buf_append_c(words, ": ");
	if (str_is_empty(authorization->problem.type))
		buf_append_c(words, "the CA does not take this server for the name's");
	else
		acme_problem_explain(&authorization->problem, words);
	return FAULT_DENIED;
}

/* Tells the CA to look and waits for its word. */
static enum fault challenge_look(struct run *run, struct str url,
				 struct acme_authorization *authorization)
{
	struct patience patience = patience_make(LOOK_MS);
	enum fault fault =
		acme_client_post(&run->client, authorization->challenge_url, STR("{}"));

	/* Whoever asks at once is told to come again in some seconds. */
	run->client.answer.retry_after_s = 0;
	if (fault == FAULT_NONE)
		fault = wait_more(run, &patience);
	while (fault == FAULT_NONE) {
		fault = authorization_read(run, url, authorization);
		if (fault != FAULT_NONE)
			return fault;
		if (authorization->status != ACME_STATUS_PENDING)
			return authorization_settle(run, authorization);
		fault = wait_more(run, &patience);
	}
	return fault;
}

static enum fault name_show(struct run *run, struct str url)
{
	struct acme_authorization *authorization =
		arena_new(&run->arena, struct acme_authorization);

	CHECK(authorization != NULL);
	enum fault fault = authorization_read(run, url, authorization);
	if (fault != FAULT_NONE)
		return fault;
	/* Shown not long ago. */
	if (authorization->status != ACME_STATUS_PENDING)
		return authorization_settle(run, authorization);
	if (!authorization->has_challenge)
		return fail(run, FAULT_UNSUPPORTED,
			    "the CA does not offer this kind of Challenge; choose the other");
	tell(run, "showing that %.*s is ours", STR_ARG(authorization->domain));
	fault = challenge_show(run, authorization);
	if (fault == FAULT_NONE)
		fault = challenge_look(run, url, authorization);
	challenge_take_back(run);
	return fault;
}

static enum fault names_show(struct run *run)
{
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; i < run->order.authorization_count && fault == FAULT_NONE; i++)
		fault = name_show(run, run->order.authorizations[i]);
	return fault;
}

/* ---- the certificate ---- */

static enum fault order_ask(struct run *run)
{
	enum fault fault = acme_client_post(&run->client, run->order_url, STR(""));

	return fault == FAULT_NONE ? order_read(run) : fault;
}

static enum fault order_refused(struct run *run)
{
	run->failure->is_refusal = true;
	if (str_is_empty(run->order.problem.type))
		return fail(run, FAULT_DENIED, "the CA has given the order up");
	acme_problem_explain(&run->order.problem, &run->failure->words);
	return FAULT_DENIED;
}

/* Waits until the order has left a state behind. */
static enum fault order_await(struct run *run, enum acme_status passing)
{
	struct patience patience = patience_make(ISSUE_MS);
	enum fault fault = FAULT_NONE;

	while (fault == FAULT_NONE && run->order.status == passing) {
		fault = wait_more(run, &patience);
		if (fault == FAULT_NONE)
			fault = order_ask(run);
	}
	if (fault == FAULT_NONE && run->order.status == ACME_STATUS_INVALID)
		return order_refused(run);
	return fault;
}

static enum fault finalize(struct run *run)
{
	const struct acme_order_request *request = run->request;
	struct buf der = BUF_INIT(ACME_CERTIFICATE_MAX), payload = BUF_INIT(ACME_MESSAGE_MAX);
	struct acme_signer signer = {.source = run->world->keys,
				     .number = run->pair_key.number,
				     .public_key = buf_str(&run->pair_key.public_key)};
	enum fault fault =
		acme_certificate_request(&signer, request->domains, request->domain_count, &der);

	if (fault != FAULT_NONE)
		fail(run, fault, "the request for the certificate cannot be made");
	else {
		acme_finalize_append(&payload, buf_str(&der));
		fault = acme_client_post(&run->client, run->order.finalize, buf_str(&payload));
	}
	if (fault == FAULT_NONE)
		fault = order_read(run);
	buf_done(&der);
	buf_done(&payload);
	return fault;
}

static bool key_fits(const struct run *run, const struct tls_certificate *certificate)
{
	unsigned char id[TLS_KEY_ID_BYTES];

	sha256(buf_str(&run->pair_key.public_key), id);
	return memcmp(id, tls_certificate_key_id(certificate), sizeof(id)) == 0;
}

/* Nobody but the CA could be wrong here; but what is wrong must not be served. */
static enum fault chain_check(struct run *run, struct str chain)
{
	struct tls_certificate *certificate = NULL;
	struct buf *words = &run->failure->words;
	enum fault fault = tls_certificate_parse(chain, words, &certificate);

	if (fault != FAULT_NONE)
		return fault;
	if (!key_fits(run, certificate)) {
		buf_append_c(words, "the CA's certificate is for another key");
		fault = FAULT_INVALID;
	}
	for (size_t i = 0; i < run->request->domain_count && fault == FAULT_NONE; i++)
		if (tls_certificate_match(certificate, run->request->domains[i]) == 0) {
			buf_printf(words, "the CA's certificate is not for %.*s",
				   STR_ARG(run->request->domains[i]));
			fault = FAULT_INVALID;
		}
	tls_certificate_unref(&certificate);
	return fault;
}

static enum fault chain_take(struct run *run)
{
	if (str_is_empty(run->order.certificate))
		return fail(run, FAULT_INVALID, "the CA does not say where the certificate is");
	enum fault fault = acme_client_post(&run->client, run->order.certificate, STR(""));
	if (fault == FAULT_NONE)
		fault = chain_check(run, buf_str(&run->client.answer.body));
	if (fault != FAULT_NONE)
		return fault;
	tell(run, "the certificate is there; putting it in force");
	return run->world->pair_give(run->world, run->request->name,
				     buf_str(&run->client.answer.body), &run->failure->words);
}

/* ---- the whole ---- */

static enum fault enter(struct run *run)
{
	const struct acme_order_request *request = run->request;
	enum fault fault = account_key_want(run);

	if (fault == FAULT_NONE)
		fault = acme_client_open(&run->client, request->directory);
	if (fault == FAULT_NONE)
		fault = acme_client_enter(&run->client, request->contact, request->agree_terms);
	if (fault == FAULT_NONE)
		fault = key_want(run, request->keeps_key ? ACME_KEY_KEPT : ACME_KEY_NEW,
				 request->is_rsa ? KEY_KIND_RSA : KEY_KIND_ECDSA, request->name,
				 &run->pair_key);
	return fault;
}

static enum fault carry_out(struct run *run)
{
	tell(run, "asking %.*s for a certificate", STR_ARG(run->request->directory));
	enum fault fault = enter(run);
	if (fault == FAULT_NONE)
		fault = order_begin(run);
	if (fault == FAULT_NONE)
		fault = names_show(run);
	if (fault == FAULT_NONE)
		fault = order_ask(run);
	if (fault == FAULT_NONE)
		fault = order_await(run, ACME_STATUS_PENDING);
	if (fault == FAULT_NONE && run->order.status == ACME_STATUS_READY) {
		tell(run, "the CA is satisfied; asking for the certificate itself");
		fault = finalize(run);
	}
	if (fault == FAULT_NONE)
		fault = order_await(run, ACME_STATUS_PROCESSING);
	return fault == FAULT_NONE ? chain_take(run) : fault;
}

static void got_key_init(struct acme_got_key *key)
{
	*key = (struct acme_got_key){.public_key = BUF_INIT(KEY_PEM_MAX)};
}

enum fault acme_order_run(struct acme_world *world, const struct acme_order_request *request,
			  struct acme_failure *failure)
{
	struct run run = {.world = world, .request = request, .failure = failure};

	arena_init(&run.arena, ARENA_MAX);
	got_key_init(&run.account_key);
	got_key_init(&run.pair_key);
	got_key_init(&run.challenge_key);
	acme_client_init(&run.client, world->web, &run.account, &run.arena, failure);
	enum fault fault = carry_out(&run);
	acme_client_done(&run.client);
	buf_done(&run.account_key.public_key);
	buf_done(&run.pair_key.public_key);
	buf_done(&run.challenge_key.public_key);
	arena_rewind(&run.arena);
	return fault;
}
