/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/client.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/list.h"
#include "crypto/digest.h"
#include "tls/connection.h"
#include "tls/failure_client.h"

enum { SUITES_TEXT_MAX = 32 * 1024 };

/* ---- the certificate ---- */

void tls_key_pin(X509 *certificate, unsigned char pin_out[DEMAND_PIN_BYTES])
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);

	CHECK(len > 0);
	sha256(str_make(der, (size_t)len), pin_out);
	OPENSSL_free(der);
}

static struct str without_final_dot(struct str host)
{
	return host.len > 0 && host.ptr[host.len - 1] == '.' ? str_sub(host, 0, host.len - 1)
							      : host;
}

/* RFC 6125 section 6, without the common name, which RFC 9525 does away with. */
static bool has_name(X509 *leaf, struct str name)
{
	const unsigned flags =
		X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
	char host[TLS_HOST_MAX];

	/* A name that begins with a dot would mean any host below to OpenSSL. */
	if (!str_copy_c(without_final_dot(name), host, sizeof(host)) || host[0] == '\0' ||
	    host[0] == '.')
		return false;
	/* -2: it is no address. */
	int as_address = X509_check_ip_asc(leaf, host, 0);
	if (as_address != -2)
		return as_address == 1;
	return X509_check_host(leaf, host, 0, flags, NULL) == 1;
}

static bool proves_name(X509 *leaf, const struct tls_proof *proof)
{
	for (size_t i = 0; i < proof->name_count; i++) {
		if (has_name(leaf, proof->names[i]))
			return true;
	}
	return false;
}

static bool proves_key(X509 *leaf, const struct tls_proof *proof)
{
	unsigned char pin[DEMAND_PIN_BYTES];

	tls_key_pin(leaf, pin);
	for (size_t i = 0; i < proof->pin_count; i++) {
		if (memcmp(proof->pins[i], pin, sizeof(pin)) == 0)
			return true;
	}
	return false;
}

/* What a certificate lacks of one proof; NONE when it gives it. */
static enum tls_distrust proof_lacks(const struct tls_verdict *verdict, X509 *leaf,
				     const struct tls_proof *proof)
{
	if (proof->kind == TLS_LEVEL_PIN)
		return proves_key(leaf, proof) ? TLS_DISTRUST_NONE : TLS_DISTRUST_PIN_CHANGED;
	if (verdict->chain != TLS_DISTRUST_NONE)
		return verdict->chain;
	return proves_name(leaf, proof) ? TLS_DISTRUST_NONE : TLS_DISTRUST_WRONG_NAME;
}

static void demand_judge(struct tls_client *client, X509 *leaf)
{
	struct tls_verdict *verdict = &client->verdict;

	for (size_t i = 0; i < client->demand.proof_count; i++) {
		const struct tls_proof *proof = &client->demand.proofs[i];
		enum tls_distrust lacks = proof_lacks(verdict, leaf, proof);
		if (lacks == TLS_DISTRUST_NONE)
			continue;
		verdict->unmet = proof;
		verdict->why = lacks;
		return;
	}
}

/* What OpenSSL is told, which chooses the alert by it. */
static int refusal_error(const struct tls_verdict *verdict)
{
	switch (verdict->why) {
	case TLS_DISTRUST_WRONG_NAME:
		return X509_V_ERR_HOSTNAME_MISMATCH;
	case TLS_DISTRUST_PIN_CHANGED:
		return X509_V_ERR_CERT_REJECTED;
	default:
		return verdict->chain_error;
	}
}

static void chain_judge(struct tls_client *client, X509_STORE_CTX *chain)
{
	struct tls_verdict *verdict = &client->verdict;
	bool is_good = X509_verify_cert(chain) == 1;
	X509 *culprit = X509_STORE_CTX_get_current_cert(chain);

	verdict->is_given = true;
	verdict->chain_error = X509_STORE_CTX_get_error(chain);
	if (!is_good && verdict->chain_error == X509_V_OK)
		verdict->chain_error = X509_V_ERR_UNSPECIFIED;
	verdict->chain = tls_distrust_of(verdict->chain_error);
	if (is_good || culprit == NULL)
		return;
	CHECK(X509_up_ref(culprit) == 1);
	client->culprit = culprit;
}

/* OpenSSL's callback in place of its own verification: 1 goes on, 0 ends the handshake. */
static int certificate_judge(X509_STORE_CTX *chain, void *unused)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_connection *self =
		list_entry(SSL_get_app_data(ssl), struct tls_connection, hello);
	struct tls_client *client = self->client;
	X509 *leaf = X509_STORE_CTX_get0_cert(chain);

	/* Renegotiation is off, so it comes once. */
	CHECK(client != NULL && client->shown == NULL && leaf != NULL);
	client->shown = X509_chain_up_ref(X509_STORE_CTX_get0_untrusted(chain));
	chain_judge(client, chain);
	client->verdict.has_name = has_name(leaf, str_from_c(client->host));
	demand_judge(client, leaf);
	bool is_met = client->verdict.unmet == NULL;
	X509_STORE_CTX_set_error(chain, is_met ? X509_V_OK : refusal_error(&client->verdict));
	return is_met;
}

void tls_client_prepare(SSL_CTX *openssl, const struct tls_anchors *anchors)
{
	SSL_CTX_set_verify(openssl, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(openssl, certificate_judge, NULL);
	if (anchors != NULL)
		SSL_CTX_set1_cert_store(openssl, tls_anchors_openssl(anchors));
	SSL_CTX_set_session_cache_mode(openssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(openssl, SSL_OP_NO_TICKET);
}

const struct tls_verdict *tls_client_verdict(const struct tls_connection *connection)
{
	CHECK(connection->client != NULL);
	return &connection->client->verdict;
}

enum tls_distrust tls_verdict_result(const struct tls_verdict *verdict)
{
	if (verdict->chain != TLS_DISTRUST_NONE)
		return verdict->chain;
	return verdict->has_name ? TLS_DISTRUST_NONE : TLS_DISTRUST_WRONG_NAME;
}

/* ---- the demand ---- */

/* What a connection goes on to offer. */
struct offer {
	SSL *ssl;
	const struct tls_demand *demand;
	const struct tls_words *words;
	enum tls_protocol min;
	enum tls_protocol max;
	struct buf suites;   /* for SSL_set_cipher_list */
	struct buf suites13; /* for SSL_set_ciphersuites */
	struct buf groups;
};

static void item_append(struct buf *to, const char *name)
{
	buf_append_c(to, to->len == 0 ? "" : ":");
	buf_append_c(to, name);
}

static bool suite_is_offered(const struct offer *offer, const SSL_CIPHER *suite)
{
	if (offer->demand->without_dhe && SSL_CIPHER_get_kx_nid(suite) == NID_kx_dhe)
		return false;
	return demand_admits_suite(offer->demand, SSL_CIPHER_get_protocol_id(suite));
}

static void suites_narrow(struct offer *offer)
{
	STACK_OF(SSL_CIPHER) *own = SSL_get_ciphers(offer->ssl);

	for (int i = 0; i < sk_SSL_CIPHER_num(own); i++) {
		const SSL_CIPHER *suite = sk_SSL_CIPHER_value(own, i);
		bool is_13 = SSL_CIPHER_get_kx_nid(suite) == NID_kx_any;
		if (suite_is_offered(offer, suite))
			item_append(is_13 ? &offer->suites13 : &offer->suites,
				    SSL_CIPHER_get_name(suite));
	}
	/* OpenSSL would kill every handshake where a version is on without a suite. */
	if (offer->suites13.len == 0 && offer->max == TLS_PROTOCOL_1_3)
		offer->max = TLS_PROTOCOL_1_2;
	if (offer->suites.len == 0 && offer->min < TLS_PROTOCOL_1_3)
		offer->min = TLS_PROTOCOL_1_3;
}

static void groups_narrow(struct offer *offer)
{
	for (size_t i = 0; i < offer->words->group_count; i++) {
		const struct tls_group *group = offer->words->groups[i];
		if ((offer->demand->without_hybrid && group->kind == TLS_GROUP_HYBRID) ||
		    (offer->demand->without_dhe && group->kind == TLS_GROUP_FF))
			continue;
		item_append(&offer->groups, group->name);
	}
	/* TLS 1.3 always agrees on a group. */
	if (offer->groups.len == 0 && offer->max == TLS_PROTOCOL_1_3)
		offer->max = TLS_PROTOCOL_1_2;
}

static bool text_set(struct buf *text, SSL *ssl, int (*set)(SSL *ssl, const char *text))
{
	if (text->len == 0)
		return true;
	buf_append_char(text, '\0');
	CHECK(!text->failed);
	return set(ssl, text->data) == 1;
}

static int groups_set(SSL *ssl, const char *text)
{
	return (int)SSL_set1_groups_list(ssl, text);
}

static bool offer_apply(struct offer *offer)
{
	SSL *ssl = offer->ssl;

	if (offer->demand->legacy_renegotiation)
		SSL_set_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT);
	return SSL_set_min_proto_version(ssl, tls_protocol_wire(offer->min)) == 1 &&
	       SSL_set_max_proto_version(ssl, tls_protocol_wire(offer->max)) == 1 &&
	       text_set(&offer->suites, ssl, SSL_set_cipher_list) &&
	       (offer->suites13.len > 0 || SSL_set_ciphersuites(ssl, "") == 1) &&
	       text_set(&offer->suites13, ssl, SSL_set_ciphersuites) &&
	       text_set(&offer->groups, ssl, groups_set);
}

/* A level that no proof stands behind would be met by anything: it means the host itself. */
static void name_demand(struct tls_demand *demand, struct str host)
{
	struct tls_proof proof = {.kind = TLS_LEVEL_VERIFY,
				  .names = {host},
				  .name_count = 1,
				  .source = demand->level_source};

	CHECK(demand->level != TLS_LEVEL_PIN || demand_proof(demand, TLS_LEVEL_PIN) != NULL);
	if (demand->level == TLS_LEVEL_VERIFY && demand_proof(demand, TLS_LEVEL_VERIFY) == NULL)
		demand_prove(demand, &proof);
}

/* True when there is something left to offer, which the connection then offers. */
static bool demand_apply(struct tls_connection *self, struct buf *why)
{
	const struct tls_words *words = tls_context_words(self->context);
	const struct tls_demand *demand = &self->client->demand;
	struct offer offer = {
		.ssl = self->ssl,
		.demand = demand,
		.words = words,
		.min = tls_protocols_min(words->protocols),
		.max = tls_protocols_max(words->protocols),
		.suites = BUF_INIT(SUITES_TEXT_MAX),
		.suites13 = BUF_INIT(SUITES_TEXT_MAX),
		.groups = BUF_INIT(SUITES_TEXT_MAX),
	};

	if (demand->min > offer.min)
		offer.min = demand->min;
	suites_narrow(&offer);
	groups_narrow(&offer);
	bool is_left = demand->level > TLS_LEVEL_NONE && offer.min <= offer.max;
	if (!is_left)
		tls_nothing_append(why, words, demand);
	else
		CHECK(offer_apply(&offer));
	buf_done(&offer.suites);
	buf_done(&offer.suites13);
	buf_done(&offer.groups);
	return is_left;
}

/* SNI names hosts, never addresses (RFC 6066 section 3). */
static bool host_set(struct tls_connection *self, struct str host)
{
	struct tls_client *client = self->client;

	if (!str_copy_c(without_final_dot(host), client->host, sizeof(client->host)))
		return false;
	ASN1_OCTET_STRING *address = a2i_IPADDRESS(client->host);
	bool is_name = address == NULL && client->host[0] != '\0';
	ASN1_OCTET_STRING_free(address);
	return !is_name || SSL_set_tlsext_host_name(self->ssl, client->host) == 1;
}

enum fault tls_client_new(const struct tls_client_parts *parts, struct buf *why,
			  struct tls_connection **out)
{
	struct tls_connection *self = tls_connection_make(parts->context, parts->fd, true);

	self->client = calloc(1, sizeof(*self->client));
	CHECK(self->client != NULL);
	self->client->demand = *parts->demand;
	if (!host_set(self, parts->host)) {
		buf_append_c(why, "the name of the host is too long");
		tls_connection_free(&self);
		return FAULT_INVALID;
	}
	name_demand(&self->client->demand, str_from_c(self->client->host));
	if (!demand_apply(self, why)) {
		tls_connection_free(&self);
		return FAULT_INVALID;
	}
	*out = self;
	return FAULT_NONE;
}

void tls_client_free(struct tls_client **client)
{
	struct tls_client *self = *client;

	*client = NULL;
	if (self == NULL)
		return;
	sk_X509_pop_free(self->shown, X509_free);
	X509_free(self->culprit);
	free(self);
}

const char *tls_client_dh_name(const struct tls_connection *connection)
{
	struct tls_client *client = connection->client;
	struct buf text = BUF_INIT(TLS_GROUP_NAME_MAX);
	char name[TLS_GROUP_NAME_MAX];
	EVP_PKEY *key = NULL;
	size_t len = 0;

	if (client->group[0] != '\0' || SSL_get_peer_tmp_key(connection->ssl, &key) != 1)
		return client->group;
	if (EVP_PKEY_get_group_name(key, name, sizeof(name), &len) == 1)
		buf_append_c(&text, name);
	else
		buf_printf(&text, "dh%d", EVP_PKEY_get_bits(key));
	CHECK(str_copy_c(buf_str(&text), client->group, sizeof(client->group)));
	EVP_PKEY_free(key);
	buf_done(&text);
	return client->group;
}
