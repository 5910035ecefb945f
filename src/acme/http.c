/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/http.h"

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/network.h"
#include "crypto/library.h"

enum { ADDRESSES_MAX = 4096 };

struct acme_http {
	struct acme_http_parts parts;
	struct tls_context *context; /* whose policy governs curl's */
	CURL *curl;
	struct curl_slist *fields;
	char reason[CURL_ERROR_SIZE];
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
	struct acme_http *http = user;
	struct buf why = BUF_INIT(1024);
	int64_t now_s = clock_real_s();
	enum fault fault = tls_context_govern(tls_context_at(http->context, now_s),
					      tls_policy_at(http->parts.policy, now_s), openssl,
					      &why);

	if (fault == FAULT_NONE)
		SSL_CTX_set1_cert_store(openssl, tls_anchors_openssl(http->parts.anchors));
	buf_done(&why);
	return fault == FAULT_NONE ? CURLE_OK : CURLE_SSL_CIPHER;
}

static int progress(void *user, curl_off_t to_come, curl_off_t come, curl_off_t to_go,
		    curl_off_t gone)
{
	const struct acme_http *http = user;

	return http->parts.is_ending(http->parts.context) ? 1 : 0;
}

static void curl_prepare(struct acme_http *http)
{
	CURL *curl = http->curl;

	http->fields = curl_slist_append(NULL, "Content-Type: application/jose+json");
	CHECK(http->fields != NULL);
	CHECK(curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_CAINFO, NULL) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, context_govern) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, http) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)ACME_CONNECT_S) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)ACME_REQUEST_S) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_USERAGENT, "Postern/" POSTERN_VERSION) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->reason) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, progress) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_XFERINFODATA, http) == CURLE_OK);
}

enum fault acme_http_new(const struct acme_http_parts *parts, struct buf *why,
			 struct acme_http **out)
{
	struct acme_http *http = calloc(1, sizeof(*http));
	struct tls_context_parts context = {.policy = parts->policy, .anchors = parts->anchors};

	CHECK(http != NULL && pthread_once(&library_once, library_start) == 0);
	http->parts = *parts;
	enum fault fault = tls_context_new(&context, why, &http->context);
	if (fault != FAULT_NONE) {
		free(http);
		return fault;
	}
	http->parts.anchors = tls_anchors_ref(parts->anchors);
	http->curl = curl_easy_init();
	CHECK(http->curl != NULL);
	curl_prepare(http);
	*out = http;
	return FAULT_NONE;
}

void acme_http_free(struct acme_http **http)
{
	struct acme_http *self = *http;

	*http = NULL;
	if (self == NULL)
		return;
	curl_easy_cleanup(self->curl);
	curl_slist_free_all(self->fields);
	tls_context_unref(&self->context);
	tls_anchors_unref(&self->parts.anchors);
	free(self);
}

void acme_answer_init(struct acme_answer *answer)
{
	*answer = (struct acme_answer){.body = BUF_INIT(ACME_MESSAGE_MAX),
				       .nonce = BUF_INIT(ACME_NONCE_MAX),
				       .location = BUF_INIT(ACME_URL_MAX)};
}

void acme_answer_done(struct acme_answer *answer)
{
	buf_done(&answer->body);
	buf_done(&answer->nonce);
	buf_done(&answer->location);
}

/* ---- a request ---- */

/* Less than was given ends the transfer. */
static size_t body_take(char *bytes, size_t size, size_t count, void *user)
{
	struct acme_answer *answer = user;

	buf_append(&answer->body, bytes, size * count);
	return answer->body.failed ? 0 : size * count;
}

/* RFC 8555 section 6.5.1: base64url; it goes into a signed text as it is. */
static void nonce_take(struct acme_answer *answer, struct str value)
{
	buf_reset(&answer->nonce);
	for (size_t i = 0; i < value.len; i++)
		if (!ascii_is_alnum(value.ptr[i]) && value.ptr[i] != '-' && value.ptr[i] != '_')
			return;
	buf_append_str(&answer->nonce, value);
}

static size_t field_take(char *bytes, size_t size, size_t count, void *user)
{
	struct acme_answer *answer = user;
	struct str value = str_make(bytes, size * count), name = str_cut(&value, ':');
	uint64_t seconds;

	value = str_trim(value);
	if (str_equals_nocase(name, STR("Replay-Nonce")))
		nonce_take(answer, value);
	else if (str_equals_nocase(name, STR("Location")) && acme_url_is_good(value)) {
		buf_reset(&answer->location);
		buf_append_str(&answer->location, value);
	} else if (str_equals_nocase(name, STR("Retry-After")) &&
		   str_parse_u64(value, INT32_MAX, &seconds))
		answer->retry_after_s = (int64_t)seconds;
	return size * count;
}

/* "HOST:PORT:ADDRESS,ADDRESS", so that curl asks nobody. Empty for an address. */
static enum fault addresses_append(struct acme_http *http, const char *host, const char *port,
				   struct buf *to, struct buf *why)
{
	struct buf addresses = BUF_INIT(ADDRESSES_MAX);
	struct network network;
	enum fault fault = FAULT_NONE;

	if (host[0] != '[' && !network_parse(str_from_c(host), &network))
		fault = http->parts.resolve(http->parts.context, str_from_c(host), &addresses, why);
	if (fault == FAULT_NONE && addresses.len > 0)
		buf_printf(to, "%s:%s:%.*s", host, port, STR_ARG(buf_str(&addresses)));
	buf_append_char(to, '\0');
	buf_done(&addresses);
	return fault;
}

static enum fault resolve(struct acme_http *http, const char *url, struct buf *to, struct buf *why)
{
	CURLU *parsed = curl_url();
	char *host = NULL, *port = NULL;
	enum fault fault = FAULT_INVALID;

	CHECK(parsed != NULL);
	if (curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
		fault = addresses_append(http, host, port, to, why);
	else
		buf_append_c(why, "it is no address of a page");
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parsed);
	return fault;
}

static void method_set(CURL *curl, enum acme_method method, struct str body)
{
	CHECK(curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L) == CURLE_OK);
	if (method == ACME_HEAD)
		CHECK(curl_easy_setopt(curl, CURLOPT_NOBODY, 1L) == CURLE_OK);
	if (method != ACME_POST)
		return;
	CHECK(curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len) ==
	      CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, body.ptr) == CURLE_OK);
}

static enum fault perform(struct acme_http *http, const char *url, enum acme_method method,
			  struct str body, struct acme_answer *answer)
{
	CURL *curl = http->curl;

	method_set(curl, method, body);
	CHECK(curl_easy_setopt(curl, CURLOPT_HTTPHEADER,
			       method == ACME_POST ? http->fields : NULL) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_take) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, field_take) == CURLE_OK);
	CHECK(curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer) == CURLE_OK);
	http->reason[0] = '\0';
	CURLcode code = curl_easy_perform(curl);
	ERR_clear_error();
	if (code != CURLE_OK && http->reason[0] == '\0')
		(void)snprintf(http->reason, sizeof(http->reason), "%s", curl_easy_strerror(code));
	if (code != CURLE_OK)
		return FAULT_UNAVAILABLE;
	CHECK(curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status) == CURLE_OK);
	return FAULT_NONE;
}

static void answer_reset(struct acme_answer *answer)
{
	answer->status = 0;
	answer->retry_after_s = 0;
	buf_reset(&answer->body);
	buf_reset(&answer->nonce);
	buf_reset(&answer->location);
}

enum fault acme_http_do(struct acme_http *http, enum acme_method method, struct str url,
			struct str body, struct acme_answer *answer, struct buf *why)
{
	struct buf addresses = BUF_INIT(2 * ADDRESSES_MAX);
	struct curl_slist *list = NULL;
	char *terminated = str_dup_c(url);

	answer_reset(answer);
	buf_append_str(why, url);
	buf_append_c(why, ": ");
	enum fault fault = resolve(http, terminated, &addresses, why);
	if (fault == FAULT_NONE) {
		if (addresses.len > 1)
			list = curl_slist_append(NULL, addresses.data);
		CHECK(curl_easy_setopt(http->curl, CURLOPT_RESOLVE, list) == CURLE_OK);
		fault = perform(http, terminated, method, body, answer);
		if (fault != FAULT_NONE)
			text_append_phrase(why, answer->body.failed
							? STR("the answer is too long")
							: str_from_c(http->reason));
		CHECK(curl_easy_setopt(http->curl, CURLOPT_RESOLVE, NULL) == CURLE_OK);
	}
	if (fault == FAULT_NONE)
		buf_reset(why);
	curl_slist_free_all(list);
	buf_done(&addresses);
	free(terminated);
	return fault == FAULT_NONE ? FAULT_NONE : FAULT_UNAVAILABLE;
}
