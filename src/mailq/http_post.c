/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/http_post.h"

#include <curl/curl.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "config/network.h"

enum { ADDRESSES_MAX = 4096, STATUS_GOOD = 200 };

/* One under way. */
struct transfer {
	const struct http_post *post;
	CURL *curl;
	struct curl_slist *fields;
	struct curl_slist *addresses;
	struct buf *answer;
	char reason[CURL_ERROR_SIZE];
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

/* OpenSSL has been started by tls/ before, without openssl.cnf; what is fetched comes in the clear. */
static void library_start(void)
{
	CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

/* Less than was given ends the transfer. */
static size_t body_take(char *bytes, size_t size, size_t count, void *user)
{
	struct transfer *transfer = user;

	buf_append(transfer->answer, bytes, size * count);
	return transfer->answer->failed ? 0 : size * count;
}

static int progress(void *user, curl_off_t to_come, curl_off_t come, curl_off_t to_go,
		    curl_off_t gone)
{
	const struct http_post *post = ((struct transfer *)user)->post;

	return post->is_ending(post->context) ? 1 : 0;
}

/* "HOST:PORT:ADDRESS,ADDRESS", so that curl asks nobody; nothing for an address. */
static enum fault host_resolve(struct transfer *transfer, const char *host, const char *port,
			       struct buf *why)
{
	struct buf addresses = BUF_INIT(ADDRESSES_MAX), line = BUF_INIT(2 * ADDRESSES_MAX);
	struct network network;
	enum fault fault = FAULT_NONE;

	if (host[0] != '[' && !network_parse(str_from_c(host), &network))
		fault = transfer->post->resolve(transfer->post->context, str_from_c(host),
						&addresses, why);
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
		buf_append_c(why, "it is no address of HTTP");
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parsed);
	return fault;
}

#define SET(option, value) CHECK(curl_easy_setopt(transfer->curl, option, value) == CURLE_OK)

static void transfer_prepare(struct transfer *transfer, const char *url)
{
	const struct http_post *post = transfer->post;

	SET(CURLOPT_PROTOCOLS_STR, "http");
	SET(CURLOPT_URL, url);
	SET(CURLOPT_RESOLVE, transfer->addresses);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT, (long)HTTP_POST_CONNECT_S);
	SET(CURLOPT_TIMEOUT, (long)HTTP_POST_ALL_S);
	SET(CURLOPT_USERAGENT, "Postern/" POSTERN_VERSION);
	SET(CURLOPT_HTTPHEADER, transfer->fields);
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body.len);
	SET(CURLOPT_COPYPOSTFIELDS, post->body.ptr);
	SET(CURLOPT_WRITEFUNCTION, body_take);
	SET(CURLOPT_WRITEDATA, transfer);
	SET(CURLOPT_ERRORBUFFER, transfer->reason);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, progress);
	SET(CURLOPT_XFERINFODATA, transfer);
}

static enum fault transfer_run(struct transfer *transfer, struct buf *why)
{
	long status = 0;
	CURLcode code = curl_easy_perform(transfer->curl);

	ERR_clear_error();
	CHECK(curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK);
	if (code == CURLE_OK && status == STATUS_GOOD)
		return FAULT_NONE;
	if (transfer->answer->failed)
		buf_append_c(why, "the answer is too long");
	else if (code == CURLE_OK)
		buf_printf(why, "it answers with the status %ld", status);
	else
		text_append_phrase(why, transfer->reason[0] == '\0'
						? str_from_c(curl_easy_strerror(code))
						: str_from_c(transfer->reason));
	return FAULT_UNAVAILABLE;
}

enum fault http_post_do(const struct http_post *post, struct buf *answer, struct buf *why)
{
	struct transfer transfer = {.post = post, .answer = answer};
	struct buf field = BUF_INIT(256);
	char *url = str_dup_c(post->url);

	CHECK(pthread_once(&library_once, library_start) == 0);
	enum fault fault = url_resolve(&transfer, url, why);
	if (fault == FAULT_NONE) {
		buf_printf(&field, "Content-Type: %s", post->content_type);
		buf_append_char(&field, '\0');
		transfer.fields = curl_slist_append(NULL, field.data);
		transfer.curl = curl_easy_init();
		CHECK(transfer.fields != NULL && transfer.curl != NULL);
		transfer_prepare(&transfer, url);
		fault = transfer_run(&transfer, why);
		curl_easy_cleanup(transfer.curl);
	}
	curl_slist_free_all(transfer.fields);
	curl_slist_free_all(transfer.addresses);
	buf_done(&field);
	free(url);
	return fault == FAULT_NONE ? FAULT_NONE : FAULT_UNAVAILABLE;
}
