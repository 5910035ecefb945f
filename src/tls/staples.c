/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/staples.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tls/certificate_facts.h"
#include "tls/ocsp.h"

struct staple {
	unsigned char id[TLS_STAPLE_ID_BYTES];
	int64_t until_s;
	struct buf response;
};

struct tls_staples {
	pthread_mutex_t lock;
	size_t count;
	struct staple items[TLS_STAPLES_MAX];
};

struct tls_staples *tls_staples_new(void)
{
	struct tls_staples *staples = calloc(1, sizeof(*staples));

	CHECK(staples != NULL && pthread_mutex_init(&staples->lock, NULL) == 0);
	return staples;
}

static void staple_remove(struct tls_staples *staples, size_t at)
{
	buf_done(&staples->items[at].response);
	staples->items[at] = staples->items[--staples->count];
}

void tls_staples_free(struct tls_staples **staples)
{
	if (*staples == NULL)
		return;
	while ((*staples)->count > 0)
		staple_remove(*staples, 0);
	pthread_mutex_destroy(&(*staples)->lock);
	free(*staples);
	*staples = NULL;
}

static struct staple *staple_find(struct tls_staples *staples, const unsigned char *id)
{
	for (size_t i = 0; i < staples->count; i++)
		if (memcmp(staples->items[i].id, id, TLS_STAPLE_ID_BYTES) == 0)
			return &staples->items[i];
	return NULL;
}

void tls_staples_set(struct tls_staples *staples, const unsigned char id[TLS_STAPLE_ID_BYTES],
		     struct str response, int64_t until_s, int64_t now_s)
{
	pthread_mutex_lock(&staples->lock);
	struct staple *old = staple_find(staples, id);
	if (old != NULL)
		staple_remove(staples, (size_t)(old - staples->items));
	for (size_t i = staples->count; i-- > 0;)
		if (staples->items[i].until_s <= now_s)
			staple_remove(staples, i);
	if (response.len > 0 && until_s > now_s && staples->count < TLS_STAPLES_MAX) {
		struct staple *fresh = &staples->items[staples->count++];
		*fresh = (struct staple){.until_s = until_s,
					 .response = BUF_INIT(TLS_OCSP_RESPONSE_MAX)};
		memcpy(fresh->id, id, TLS_STAPLE_ID_BYTES);
		buf_append_str(&fresh->response, response);
	}
	pthread_mutex_unlock(&staples->lock);
}

bool tls_staples_get(struct tls_staples *staples, const unsigned char id[TLS_STAPLE_ID_BYTES],
		     int64_t now_s, struct buf *response)
{
	pthread_mutex_lock(&staples->lock);
	const struct staple *found = staple_find(staples, id);
	bool holds = found != NULL && found->until_s > now_s;
	if (holds)
		buf_append_str(response, buf_str(&found->response));
	pthread_mutex_unlock(&staples->lock);
	return holds && !response->failed;
}

/*
 * OpenSSL's callback when a client asks for the state of the certificate, which has
 * been chosen then. Having none is no fault.
 */
static int staple_give(SSL *ssl, void *context)
{
	X509 *leaf = SSL_get_certificate(ssl);
	unsigned char id[TLS_STAPLE_ID_BYTES];
	struct buf response = BUF_INIT(TLS_OCSP_RESPONSE_MAX);
	int result = SSL_TLSEXT_ERR_NOACK;

	if (leaf != NULL && tls_fingerprint(leaf, id) &&
	    tls_staples_get(context, id, clock_real_s(), &response)) {
		/* OpenSSL frees it. */
		unsigned char *copy = OPENSSL_memdup(response.data, response.len);
		if (copy != NULL &&
		    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)response.len) == 1)
			result = SSL_TLSEXT_ERR_OK;
	}
	buf_done(&response);
	return result;
}

void tls_staples_attach(struct tls_staples *staples, SSL_CTX *openssl)
{
	SSL_CTX_set_tlsext_status_cb(openssl, staple_give);
	SSL_CTX_set_tlsext_status_arg(openssl, staples);
}
