/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/challenge.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/secret.h"
#include "tls/certificate.h"
#include "tls/hello.h"
#include "tls/provider.h"

struct tls_challenges {
	pthread_mutex_t lock;
	/* All below under the lock; empty texts: there is none. */
	char domain[CHALLENGE_TEXT_MAX];
	char token[CHALLENGE_TEXT_MAX];
	char authorization[CHALLENGE_TEXT_MAX];
	struct tls_certificate *certificate; /* NULL: not for TLS */
	EVP_PKEY *handle;
};

struct tls_challenges *tls_challenges_new(void)
{
	struct tls_challenges *self = calloc(1, sizeof(*self));

	CHECK(self != NULL && pthread_mutex_init(&self->lock, NULL) == 0);
	return self;
}

static void challenge_drop(struct tls_challenges *self)
{
	tls_certificate_unref(&self->certificate);
	EVP_PKEY_free(self->handle);
	self->handle = NULL;
	self->domain[0] = self->token[0] = self->authorization[0] = '\0';
}

void tls_challenges_free(struct tls_challenges **challenges)
{
	struct tls_challenges *self = *challenges;

	*challenges = NULL;
	if (self == NULL)
		return;
	challenge_drop(self);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

/* Both are the caller's then. */
static enum fault certificate_make(const struct tls_challenge_parts *parts,
				   struct tls_certificate **certificate_out, EVP_PKEY **handle_out)
{
	struct buf why = BUF_INIT(1024);
	enum fault fault = tls_certificate_parse(parts->chain, &why, certificate_out);

	buf_done(&why);
	if (fault != FAULT_NONE)
		return FAULT_INVALID;
	*handle_out = tls_key_handle_new(X509_get0_pubkey(tls_certificate_leaf(*certificate_out)),
					 parts->keys, parts->key);
	if (*handle_out != NULL)
		return FAULT_NONE;
	tls_certificate_unref(certificate_out);
	return FAULT_INVALID;
}

static bool texts_set(struct tls_challenges *self, const struct tls_challenge_parts *parts)
{
	return str_copy_c(parts->domain, self->domain, sizeof(self->domain)) &&
	       str_copy_c(parts->token, self->token, sizeof(self->token)) &&
	       str_copy_c(parts->authorization, self->authorization,
			  sizeof(self->authorization));
}

enum fault tls_challenges_set(struct tls_challenges *challenges,
			      const struct tls_challenge_parts *parts)
{
	struct tls_certificate *certificate = NULL;
	EVP_PKEY *handle = NULL;
	enum fault fault = str_is_empty(parts->chain)
				   ? FAULT_NONE
				   : certificate_make(parts, &certificate, &handle);

	if (fault != FAULT_NONE)
		return fault;
	pthread_mutex_lock(&challenges->lock);
	challenge_drop(challenges);
	challenges->certificate = certificate;
	challenges->handle = handle;
	if (!texts_set(challenges, parts)) {
		challenge_drop(challenges);
		fault = FAULT_INVALID;
	}
	pthread_mutex_unlock(&challenges->lock);
	return fault;
}

void tls_challenges_clear(struct tls_challenges *challenges)
{
	pthread_mutex_lock(&challenges->lock);
	challenge_drop(challenges);
	pthread_mutex_unlock(&challenges->lock);
}

bool tls_challenges_answer(struct tls_challenges *challenges, struct str token, struct buf *to)
{
	pthread_mutex_lock(&challenges->lock);
	bool is_known = challenges->token[0] != '\0' &&
			secret_equals(token, str_from_c(challenges->token));
	if (is_known)
		buf_append_c(to, challenges->authorization);
	pthread_mutex_unlock(&challenges->lock);
	return is_known;
}

/* ---- acme-tls/1 ---- */

/* With the lock held. */
static bool is_for(const struct tls_challenges *self, SSL *ssl)
{
	struct str host = str_from_c(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));

	return self->certificate != NULL && str_equals_nocase(host, str_from_c(self->domain));
}

static bool certificate_use(struct tls_challenges *self, SSL *ssl)
{
	bool is_used = false;

	pthread_mutex_lock(&self->lock);
	if (is_for(self, ssl)) {
		SSL_certs_clear(ssl);
		is_used = SSL_use_cert_and_key(ssl, tls_certificate_leaf(self->certificate),
					       self->handle, NULL, 1) == 1;
	}
	pthread_mutex_unlock(&self->lock);
	ERR_clear_error();
	return is_used;
}

enum challenge_choice tls_challenges_choose(struct tls_challenges *challenges, SSL *ssl)
{
	struct tls_hello *hello = SSL_get_app_data(ssl);

	if (hello == NULL || !hello->asks_challenge)
		return CHALLENGE_NOT_ASKED;
	/* No ticket: nobody is to come back with a session that showed this certificate. */
	SSL_set_options(ssl, SSL_OP_NO_TICKET);
	(void)SSL_set_num_tickets(ssl, 0);
	hello->gets_challenge = certificate_use(challenges, ssl);
	/* Up to TLS 1.2 the protocol is chosen behind the certificate, and refuses then. */
	return hello->gets_challenge || SSL_version(ssl) < TLS1_3_VERSION ? CHALLENGE_SETTLED
									  : CHALLENGE_GONE;
}

/* In TLS 1.3 the protocol is chosen before the certificate. */
static bool may_answer(struct tls_challenges *self, SSL *ssl, const struct tls_hello *hello)
{
	if (SSL_version(ssl) < TLS1_3_VERSION)
		return hello->gets_challenge;
	pthread_mutex_lock(&self->lock);
	bool is_good = is_for(self, ssl) && SSL_session_reused(ssl) == 0;
	pthread_mutex_unlock(&self->lock);
	return is_good;
}

/* OpenSSL's callback. Other protocols are left unanswered, as if there were no ALPN here. */
static int protocol_choose(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_len,
			   const unsigned char *offered, unsigned offered_len, void *challenges)
{
	const struct tls_hello *hello = SSL_get_app_data(ssl);

	if (hello == NULL || !hello->asks_challenge)
		return SSL_TLSEXT_ERR_NOACK;
	if (!may_answer(challenges, ssl, hello))
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*chosen = offered + 1;
	*chosen_len = offered[0];
	return SSL_TLSEXT_ERR_OK;
}

void tls_challenges_attach(struct tls_challenges *challenges, SSL_CTX *openssl)
{
	SSL_CTX_set_alpn_select_cb(openssl, protocol_choose, challenges);
}
