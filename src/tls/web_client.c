/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/web_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/library.h"
#include "tls/context.h"

enum { ADDRESSES_MAX = 4096, FIELD_MAX = 256 };

struct web_client {
	struct web_client_parts parts;
	struct tls_context *context; /* whose policy governs curl's; NULL without one */
	CURL *curl;
	char reason[CURL_ERROR_SIZE];
};

/* What a request is about while curl works on it. */
struct transfer {
	struct web_client *client;
	const struct web_request *request;
	struct buf *body;
	struct curl_slist *addresses; /* of its host */
	struct curl_slist *fields;
};

/* ---- set-up ---- */

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

/* Ours comes first: it decides that openssl.cnf is not read. */
static void library_start(void)
{
	(void)crypto_library();
	CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

/* curl's callback before a connection: its context becomes one of ours. */
static CURLcode context_govern(CURL *curl, void *openssl, void *user)
{
	struct web_client *client = user;
	struct buf why = BUF_INIT(1024);
	int64_t now_s = clock_real_s();
	enum fault fault = tls_context_govern(tls_context_at(client->context, now_s),
					      tls_policy_at(client->parts.policy, now_s), openssl,
					      &why);

	if (fault == FAULT_NONE)
		SSL_CTX_set1_cert_store(openssl, tls_anchors_openssl(client->parts.anchors));
	buf_done(&why);
	return fault == FAULT_NONE ? CURLE_OK : CURLE_SSL_CIPHER;
}

static int progress(void *user, curl_off_t to_come, curl_off_t come, curl_off_t to_go,
		    curl_off_t gone)
{
	const struct web_client *client = user;

	return client->parts.is_ending(client->parts.context) ? 1 : 0;
}

#define SET(option, value) CHECK(curl_easy_setopt(client->curl, option, value) == CURLE_OK)

static void tls_prepare(struct web_client *client)
{
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_CAINFO, NULL);
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_SSL_CTX_FUNCTION, context_govern);
	SET(CURLOPT_SSL_CTX_DATA, client);
}

static void curl_prepare(struct web_client *client)
{
	SET(CURLOPT_PROTOCOLS_STR, client->parts.policy == NULL ? "http" : "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT, client->parts.connect_s);
	SET(CURLOPT_TIMEOUT, client->parts.all_s);
	SET(CURLOPT_USERAGENT, "Postern/" POSTERN_VERSION);
	SET(CURLOPT_ERRORBUFFER, client->reason);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, progress);
	SET(CURLOPT_XFERINFODATA, client);
	if (client->parts.policy != NULL)
		tls_prepare(client);
}

static enum fault context_make(struct web_client *client, struct buf *why)
{
	struct tls_context_parts context = {.policy = client->parts.policy,
					    .anchors = client->parts.anchors};
	enum fault fault = tls_context_new(&context, why, &client->context);

	if (fault == FAULT_NONE)
		client->parts.anchors = tls_anchors_ref(client->parts.anchors);
	return fault;
}

enum fault web_client_new(const struct web_client_parts *parts, struct buf *why,
			  struct web_client **out)
{
	struct web_client *client = calloc(1, sizeof(*client));
	enum fault fault = FAULT_NONE;

	CHECK(client != NULL && pthread_once(&library_once, library_start) == 0);
	client->parts = *parts;
	if (parts->policy != NULL)
		fault = context_make(client, why);
	if (fault != FAULT_NONE) {
		free(client);
		return fault;
	}
	client->curl = curl_easy_init();
	CHECK(client->curl != NULL);
	curl_prepare(client);
	*out = client;
	return FAULT_NONE;
}

void web_client_free(struct web_client **client)
{
	struct web_client *self = *client;

	*client = NULL;
	if (self == NULL)
		return;
	curl_easy_cleanup(self->curl);
	if (self->context != NULL) {
		tls_context_unref(&self->context);
		tls_anchors_unref(&self->parts.anchors);
	}
	free(self);
}

/* ---- the host of a request ---- */

static bool is_address(const char *host)
{
	struct in_addr four;

	return host[0] == '[' || inet_pton(AF_INET, host, &four) == 1;
}

/* "HOST:PORT:ADDRESS,ADDRESS", so that curl asks nobody; nothing for an address. */
static enum fault host_resolve(struct transfer *transfer, const char *host, const char *port,
			       struct buf *why)
{
	const struct web_client_parts *parts = &transfer->client->parts;
	struct buf addresses = BUF_INIT(ADDRESSES_MAX), line = BUF_INIT(2 * ADDRESSES_MAX);
	enum fault fault = FAULT_NONE;

	if (!is_address(host))
		fault = parts->resolve(parts->context, str_from_c(host), &addresses, why);
	if (fault == FAULT_NONE && addresses.len > 0) {
		buf_printf(&line, "%s:%s:%.*s", host, port, STR_ARG(buf_str(&addresses)));
		buf_append_char(&line, '\0');
		transfer->addresses = curl_slist_append(NULL, line.data);
		CHECK(transfer->addresses != NULL);
	}
	buf_done(&addresses);
	buf_done(&line);
	return fault;
}

static enum fault url_resolve(struct transfer *transfer, const char *url, struct buf *why)
{
	CURLU *parsed = curl_url();
	char *host = NULL, *port = NULL;
	enum fault fault = FAULT_INVALID;

	CHECK(parsed != NULL);
	if (curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
		fault = host_resolve(transfer, host, port, why);
	else
		buf_append_c(why, "it is no address of a page");
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parsed);
	return fault;
}

/* ---- a request ---- */

/* Less than was given ends the transfer. */
static size_t body_take(char *bytes, size_t size, size_t count, void *user)
{
	struct transfer *transfer = user;

	buf_append(transfer->body, bytes, size * count);
	return transfer->body->failed ? 0 : size * count;
}

static size_t field_take(char *bytes, size_t size, size_t count, void *user)
{
	const struct web_request *request = ((struct transfer *)user)->request;
	struct str value = str_make(bytes, size * count), name = str_cut(&value, ':');

	if (request->field_take != NULL)
		request->field_take(request->context, name, str_trim(value));
	return size * count;
}

static void method_set(struct web_client *client, const struct web_request *request)
{
	SET(CURLOPT_HTTPGET, 1L);
	if (request->method == WEB_HEAD)
		SET(CURLOPT_NOBODY, 1L);
	if (request->method != WEB_POST)
		return;
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
	SET(CURLOPT_COPYPOSTFIELDS, request->body.ptr);
}

static void fields_make(struct transfer *transfer)
{
	struct buf field = BUF_INIT(FIELD_MAX);

	if (transfer->request->content_type == NULL)
		return;
	buf_printf(&field, "Content-Type: %s", transfer->request->content_type);
	buf_append_char(&field, '\0');
	CHECK(!field.failed);
	transfer->fields = curl_slist_append(NULL, field.data);
	CHECK(transfer->fields != NULL);
	buf_done(&field);
}

static void transfer_prepare(struct transfer *transfer, const char *url)
{
	struct web_client *client = transfer->client;

	fields_make(transfer);
	method_set(client, transfer->request);
	SET(CURLOPT_URL, url);
	SET(CURLOPT_RESOLVE, transfer->addresses);
	SET(CURLOPT_HTTPHEADER, transfer->fields);
	SET(CURLOPT_WRITEFUNCTION, body_take);
	SET(CURLOPT_WRITEDATA, transfer);
	SET(CURLOPT_HEADERFUNCTION, field_take);
	SET(CURLOPT_HEADERDATA, transfer);
	client->reason[0] = '\0';
}

static enum fault transfer_run(struct transfer *transfer, long *status_out, struct buf *why)
{
	struct web_client *client = transfer->client;
	CURLcode code = curl_easy_perform(client->curl);

	ERR_clear_error();
	if (code == CURLE_OK) {
		CHECK(curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, status_out) ==
		      CURLE_OK);
		return FAULT_NONE;
	}
	text_append_phrase(why, transfer->body->failed	    ? STR("the answer is too long")
				: client->reason[0] == '\0' ? str_from_c(curl_easy_strerror(code))
							    : str_from_c(client->reason));
	return FAULT_UNAVAILABLE;
}

/* The lists are the transfer's, and curl keeps its pointers to them. */
static void transfer_done(struct transfer *transfer)
{
	struct web_client *client = transfer->client;

	SET(CURLOPT_RESOLVE, NULL);
	SET(CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(transfer->addresses);
	curl_slist_free_all(transfer->fields);
}

enum fault web_client_do(struct web_client *client, const struct web_request *request,
			 struct buf *body, long *status_out, struct buf *why)
{
	struct transfer transfer = {.client = client, .request = request, .body = body};
	char *url = str_dup_c(request->url);
	enum fault fault = url_resolve(&transfer, url, why);

	if (fault == FAULT_NONE) {
		transfer_prepare(&transfer, url);
		fault = transfer_run(&transfer, status_out, why);
		transfer_done(&transfer);
	}
	free(url);
	return fault == FAULT_NONE ? FAULT_NONE : FAULT_UNAVAILABLE;
}
