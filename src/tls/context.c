/* SPDX-License-Identifier: Apache-2.0 */
/* One listener's or client's OpenSSL context: see context.h. */
#include "tls/context.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/dh.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "base/check.h"
#include "crypto/digest.h"
#include "crypto/library.h"
#include "tls/client.h"
#include "tls/hello.h"
#include "tls/provider.h"
#include "tls/served.h"

enum {
	/*
	 * 112 bits: no RSA below 2048, no SHA-1 certificates (rule 5: never the
	 * administrator's business).
	 */
	SECURITY_LEVEL = 2,
	/* What OpenSSL counts a DH group of 1024 bits as. */
	DH_1024_SECURITY_BITS = 80,
	/* A client uses one at a time; each costs the handshake a seal and a packet. */
	TLS13_TICKETS = 1,
};

/* An identity with its handle, which sessions share. */
struct context_identity {
	struct tls_certificate *certificate;
	EVP_PKEY *handle;
	bool is_default;
};

typedef int (*security_answer)(const SSL *, const SSL_CTX *, int, int, int, void *, void *);

struct tls_context {
	int references; /* atomic */
	SSL_CTX *openssl;
	security_answer default_answer; /* OpenSSL's own */
	enum tls_direction direction;
	tls_protocols protocols;
	int dhe_bits;
	bool relaxed[TLS_RELAXED_COUNT];
	struct tls_challenges *challenges; /* NULL: not here */
	struct tls_tickets *own_tickets; /* NULL when they are shared */
	struct tls_context *later;	 /* from `later_at_s` on; NULL: never another */
	int64_t later_at_s;
	struct tls_words words;
	struct buf texts; /* behind `words` */
	struct tls_certificates certificates;
	size_t identity_count;
	struct context_identity identities[];
};

/* ---- the security level, and what the policy relaxes ---- */

/*
 * SSL_SECOP_VERSION: OpenSSL 3 thinks TLS 1.0 and 1.1 below level 1; the list of
 * protocols is the administrator's word on it.
 */
static bool admits_version(const struct tls_context *self, int version)
{
	return version >= TLS1_VERSION && version <= TLS1_1_VERSION &&
	       tls_protocols_has(self->protocols,
				 (enum tls_protocol)(TLS_PROTOCOL_1_0 + version - TLS1_VERSION));
}

/*
 * TLS 1.0 and 1.1 sign with SHA-1 and MD5+SHA-1 and know nothing else. The
 * version is the negotiated one: before that, and in TLS 1.2, the answer is no,
 * or SHA-1 would come back into TLS 1.2 too.
 */
static bool admits_digest(const struct tls_context *self, const SSL *ssl, int nid)
{
	return self->relaxed[TLS_RELAXED_SIGNATURES] && ssl != NULL &&
	       SSL_version(ssl) <= TLS1_1_VERSION && (nid == NID_sha1 || nid == NID_md5_sha1);
}

static bool admits_dh(const struct tls_context *self, int bits)
{
	return self->relaxed[TLS_RELAXED_DH_1024] && bits >= DH_1024_SECURITY_BITS;
}

/* A client's EphemeralDHKeySize is the smallest group that it takes (rule 9). */
static bool dh_is_too_small(const struct tls_context *self, const SSL *ssl, EVP_PKEY *key)
{
	struct tls_hello *hello = ssl == NULL ? NULL : SSL_get_app_data(ssl);

	if (self->direction != TLS_CLIENT || hello == NULL || key == NULL)
		return false;
	hello->answer.dh_bits = EVP_PKEY_get_bits(key);
	return hello->answer.dh_bits < self->dhe_bits;
}

/* OpenSSL's callback: 1 admits, 0 refuses. `with` is our context. */
static int security_answer_of(const SSL *ssl, const SSL_CTX *openssl, int question, int bits,
			      int nid, void *other, void *with)
{
	const struct tls_context *self = with;

	switch (question) {
	case SSL_SECOP_VERSION:
		if (admits_version(self, nid))
			return 1;
		break;
	case SSL_SECOP_SIGALG_SUPPORTED:
	case SSL_SECOP_SIGALG_SHARED:
	case SSL_SECOP_SIGALG_CHECK:
		if (admits_digest(self, ssl, nid))
			return 1;
		break;
	case SSL_SECOP_TMP_DH:
		if (dh_is_too_small(self, ssl, other))
			return 0;
		if (admits_dh(self, bits))
			return 1;
		break;
	default:
		break;
	}
	return self->default_answer(ssl, openssl, question, bits, nid, other, with);
}

static void security_set(struct tls_context *self, SSL_CTX *openssl)
{
	SSL_CTX_set_security_level(openssl, SECURITY_LEVEL);
	if (self->default_answer == NULL)
		self->default_answer = SSL_CTX_get_security_callback(openssl);
	SSL_CTX_set0_security_ex_data(openssl, self);
	SSL_CTX_set_security_callback(openssl, security_answer_of);
}

/* ---- protocols, suites, groups, options ---- */

static bool protocols_set(SSL_CTX *openssl, const struct tls_policy *policy)
{
	static const uint64_t no_flags[TLS_PROTOCOL_COUNT] = {
		[TLS_PROTOCOL_1_0] = SSL_OP_NO_TLSv1,
		[TLS_PROTOCOL_1_1] = SSL_OP_NO_TLSv1_1,
		[TLS_PROTOCOL_1_2] = SSL_OP_NO_TLSv1_2,
		[TLS_PROTOCOL_1_3] = SSL_OP_NO_TLSv1_3,
	};
	enum tls_protocol max = policy->max;

	/* With 1.3 on and no suite for it, OpenSSL would kill every handshake, 1.2 too. */
	if (max == TLS_PROTOCOL_1_3 && policy->suite13_count == 0)
		max = TLS_PROTOCOL_1_2;
	for (enum tls_protocol p = TLS_PROTOCOL_1_0; p < TLS_PROTOCOL_COUNT; p++) {
		if (tls_protocols_has(policy->holes, p))
			SSL_CTX_set_options(openssl, no_flags[p]);
	}
	return policy->min <= max &&
	       SSL_CTX_set_min_proto_version(openssl, tls_protocol_wire(policy->min)) == 1 &&
	       SSL_CTX_set_max_proto_version(openssl, tls_protocol_wire(max)) == 1;
}

static void options_set(SSL_CTX *openssl, const struct tls_policy *policy)
{
	uint64_t options =
		SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_ENABLE_MIDDLEBOX_COMPAT;

	if (policy->server_preference)
		options |= SSL_OP_CIPHER_SERVER_PREFERENCE;
	if (!policy->empty_fragments)
		options |= SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS;
	if (!policy->session_tickets)
		options |= SSL_OP_NO_TICKET;
	SSL_CTX_clear_options(openssl, ~UINT64_C(0));
	SSL_CTX_set_options(openssl, options);
	SSL_CTX_clear_mode(openssl, ~0L);
	SSL_CTX_set_mode(openssl, SSL_MODE_AUTO_RETRY | SSL_MODE_RELEASE_BUFFERS |
					  SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* A record's head and body come in one system call. */
	SSL_CTX_set_read_ahead(openssl, 1);
}

/* OpenSSL's own three stand in a fresh context; they go even where none is wanted. */
static bool suites_set(SSL_CTX *openssl, const struct tls_policy *policy)
{
	return SSL_CTX_set_ciphersuites(openssl, policy->suites13_string.len == 0
							 ? ""
							 : policy->suites13_string.ptr) == 1 &&
	       (policy->cipher_string.len == 0 ||
		SSL_CTX_set_cipher_list(openssl, policy->cipher_string.ptr) == 1);
}

static bool groups_set(SSL_CTX *openssl, const struct tls_policy *policy)
{
	return policy->groups_string.len == 0 ||
	       SSL_CTX_set1_groups_list(openssl, policy->groups_string.ptr) == 1;
}

/* ---- finite-field groups of TLS 1.2 and older ---- */

/* RFC 2409 section 6.2: the Second Oakley Group, for an explicit 1024. */
static OSSL_PARAM *dh_params_oakley(void)
{
	BIGNUM *prime = BN_get_rfc2409_prime_1024(NULL), *generator = BN_new();
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;

	if (prime != NULL && generator != NULL && builder != NULL &&
	    BN_set_word(generator, 2) == 1 &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_FFC_P, prime) == 1 &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_FFC_G, generator) == 1)
		params = OSSL_PARAM_BLD_to_param(builder);
	OSSL_PARAM_BLD_free(builder);
	BN_free(generator);
	BN_free(prime);
	return params;
}

/* RFC 7919, by name. */
static OSSL_PARAM *dh_params_named(const char *name)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;

	if (builder != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, name, 0) == 1)
		params = OSSL_PARAM_BLD_to_param(builder);
	OSSL_PARAM_BLD_free(builder);
	return params;
}

static EVP_PKEY *dh_group_new(int bits)
{
	OSSL_PARAM *params = bits == 1024   ? dh_params_oakley()
			     : bits == 2048 ? dh_params_named("ffdhe2048")
					    : dh_params_named("ffdhe4096");
	EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(crypto_library(), "DH", NULL);
	EVP_PKEY *group = NULL;

	if (params == NULL || maker == NULL || EVP_PKEY_fromdata_init(maker) != 1 ||
	    EVP_PKEY_fromdata(maker, &group, EVP_PKEY_KEY_PARAMETERS, params) != 1)
		group = NULL;
	EVP_PKEY_CTX_free(maker);
	OSSL_PARAM_free(params);
	return group;
}

static bool dh_set(SSL_CTX *openssl, const struct tls_policy *policy)
{
	SSL_CTX_set_dh_auto(openssl, 0);
	if (policy->direction == TLS_CLIENT || policy->dhe_bits == 0)
		return true;
	EVP_PKEY *group = dh_group_new(policy->dhe_bits);
	if (group != NULL && SSL_CTX_set0_tmp_dh_pkey(openssl, group) == 1)
		return true;
	EVP_PKEY_free(group);
	return false;
}

/* ---- sessions ---- */

static void session_id_context_set(const struct tls_context *self, const struct tls_policy *policy,
				   const struct tls_user_anchors *user_anchors)
{
	unsigned char digest[SHA256_BYTES];
	struct sha256 sha;

	_Static_assert(SHA256_BYTES <= SSL_MAX_SID_CTX_LENGTH, "it has to fit");
	sha256_init(&sha);
	sha256_update_framed(&sha, policy->text);
	for (size_t i = 0; i < self->identity_count; i++)
		sha256_update_framed(
			&sha, str_make(tls_certificate_digest(self->identities[i].certificate),
				       SHA256_BYTES));
	if (user_anchors != NULL)
		sha256_update_framed(
			&sha, str_make(tls_user_anchors_digest(user_anchors), SHA256_BYTES));
	sha256_final(&sha, digest);
	CHECK(SSL_CTX_set_session_id_context(self->openssl, digest, sizeof(digest)) == 1);
}

/*
 * Sessions are resumed by ticket only: a cache would be this process's own, and
 * the next connection of the peer may well come to another front.
 */
static void sessions_set(struct tls_context *self, const struct tls_context_parts *parts)
{
	const struct tls_policy *policy = parts->policy;
	struct tls_tickets *tickets = parts->tickets;
	SSL_CTX *openssl = self->openssl;

	SSL_CTX_set_session_cache_mode(openssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(openssl, TICKET_LIFETIME_S);
	CHECK(SSL_CTX_set_num_tickets(openssl, policy->session_tickets ? TLS13_TICKETS : 0) == 1);
	session_id_context_set(self, policy, parts->user_anchors);
	if (tickets == NULL)
		tickets = self->own_tickets = tls_tickets_new();
	tls_tickets_attach(tickets, openssl);
}

/* ---- certificates ---- */

/* The words for what OpenSSL says of a certificate; its own where there are none better. */
static void append_refusal(struct buf *why)
{
	unsigned long error = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(error);

	switch (ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0) {
	case SSL_R_EE_KEY_TOO_SMALL:
		buf_append_c(why, "its key is too short (RSA needs 2048 bits)");
		break;
	case SSL_R_CA_KEY_TOO_SMALL:
		buf_append_c(why, "a key in its chain is too short (RSA needs 2048 bits)");
		break;
	case SSL_R_CA_MD_TOO_WEAK:
		buf_append_c(why, "it is signed with MD5 or SHA-1");
		break;
	default:
		buf_printf(why, "OpenSSL does not take it (%s)",
			   reason == NULL ? "no reason" : reason);
	}
	ERR_clear_error();
}

static bool identity_add(struct tls_context *self, const struct tls_identity *identity,
			 struct key_source *keys, struct buf *why)
{
	struct context_identity *added = &self->identities[self->identity_count];
	EVP_PKEY *public_key = X509_get0_pubkey(tls_certificate_leaf(identity->certificate));

	added->handle = tls_key_handle_new(public_key, keys, identity->key);
	if (added->handle == NULL) {
		buf_append_c(why, "the kind of its key is not supported");
		return false;
	}
	added->certificate = tls_certificate_ref(identity->certificate);
	added->is_default = identity->is_default;
	self->identity_count++;
	if (!identity->is_default)
		return true;
	if (SSL_CTX_use_cert_and_key(self->openssl, tls_certificate_leaf(added->certificate),
				     added->handle, tls_certificate_chain(added->certificate),
				     1) != 1) {
		append_refusal(why);
		return false;
	}
	if (tls_certificate_kind(added->certificate) == TLS_KEY_RSA)
		self->certificates.has_rsa = true;
	else
		self->certificates.has_ecdsa = true;
	return true;
}

static struct tls_served served_of(const struct context_identity *identity)
{
	return (struct tls_served){identity->certificate, identity->is_default};
}

static int identities_best(const struct tls_context *self, struct str host)
{
	int best = 0;

	for (size_t i = 0; i < self->identity_count; i++) {
		struct tls_served served = served_of(&self->identities[i]);
		int rank = tls_served_rank(&served, host);
		if (rank > best)
			best = rank;
	}
	return best;
}

/*
 * OpenSSL's callback before it chooses a certificate: puts those for the name the
 * peer asked for (SNI, RFC 6066 section 3) in place of the defaults. Of one name
 * there may be an RSA and an ECDSA pair; OpenSSL picks by what the peer can.
 * Never SSL_set_SSL_CTX: the policy is the listener's, whatever the name.
 */
static int identities_choose(SSL *ssl, void *context)
{
	const struct tls_context *self = context;
	struct str host = str_from_c(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
	enum challenge_choice choice = self->challenges == NULL
					       ? CHALLENGE_NOT_ASKED
					       : tls_challenges_choose(self->challenges, ssl);

	if (choice != CHALLENGE_NOT_ASKED)
		return choice == CHALLENGE_SETTLED;
	int best = identities_best(self, host);

	if (tls_served_is_default(best))
		return 1;
	SSL_certs_clear(ssl);
	for (size_t i = 0; i < self->identity_count; i++) {
		const struct context_identity *identity = &self->identities[i];
		struct tls_served served = served_of(identity);
		if (tls_served_is_chosen(&served, host, best) &&
		    SSL_use_cert_and_key(ssl, tls_certificate_leaf(identity->certificate),
					 identity->handle,
					 tls_certificate_chain(identity->certificate), 1) != 1)
			return 0;
	}
	return 1;
}

static bool identities_set(struct tls_context *self, const struct tls_context_parts *parts,
			   struct buf *why)
{
	bool has_named = false;

	for (size_t i = 0; i < parts->identity_count; i++) {
		if (!identity_add(self, &parts->identities[i], parts->keys, why))
			return false;
		has_named |= !parts->identities[i].is_default;
	}
	self->challenges = parts->challenges;
	if (parts->challenges != NULL)
		tls_challenges_attach(parts->challenges, self->openssl);
	if (has_named || parts->challenges != NULL)
		SSL_CTX_set_cert_cb(self->openssl, identities_choose, self);
	return true;
}

/* ---- the whole ---- */

static struct str text_keep(struct buf *texts, struct str text)
{
	size_t at = texts->len;

	buf_append_str(texts, text);
	CHECK(!texts->failed);
	/* The room was reserved at once, so nothing moves. */
	return str_make(texts->data + at, text.len);
}

static void words_keep(struct tls_context *self, const struct tls_context_parts *parts)
{
	const struct tls_policy *policy = parts->policy;
	struct tls_words *words = &self->words;

	buf_init(&self->texts, 64 * 1024);
	CHECK(buf_reserve(&self->texts, 16 * 1024) != NULL);
	*words = (struct tls_words){
		.protocols = policy->protocols,
		.protocols_source = policy->protocols_source,
		.ciphers_source = policy->ciphers_source,
		.floor = policy->floor,
		.groups_source = policy->groups_source,
		.group_count = policy->group_count,
		.dhe_bits = policy->dhe_bits,
		.dhe_source = policy->dhe_source,
	};
	for (size_t i = 0; i < policy->group_count; i++)
		CHECK(policy->groups[i] != NULL);
	memcpy(words->groups, policy->groups, sizeof(words->groups));
	struct str *const texts[] = {
		&words->protocols_source.table,
		&words->protocols_source.variable,
		&words->ciphers_source.table,
		&words->ciphers_source.variable,
		&words->floor.source.table,
		&words->floor.source.variable,
		&words->groups_source.table,
		&words->groups_source.variable,
		&words->dhe_source.table,
		&words->dhe_source.variable,
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = text_keep(&self->texts, str_sub(*texts[i], 0, 1024));
	words->file_name = text_keep(&self->texts, str_sub(parts->file_name, 0, 1024));
	words->table = text_keep(&self->texts, str_sub(policy->table, 0, 1024));
}

static bool policy_apply(struct tls_context *self, SSL_CTX *openssl,
			 const struct tls_policy *policy, struct buf *why)
{
	security_set(self, openssl);
	options_set(openssl, policy);
	if (!protocols_set(openssl, policy))
		buf_append_c(why, "OpenSSL does not take the protocols");
	else if (!suites_set(openssl, policy))
		buf_append_c(why, "OpenSSL does not take the cipher suites");
	else if (!groups_set(openssl, policy))
		buf_append_c(why, "OpenSSL does not take the groups");
	else if (!dh_set(openssl, policy))
		buf_printf(why, "OpenSSL does not take a DH group of %d bits", policy->dhe_bits);
	else
		return true;
	ERR_clear_error();
	return false;
}

static void context_free(struct tls_context *self)
{
	tls_context_unref(&self->later);
	SSL_CTX_free(self->openssl);
	for (size_t i = 0; i < self->identity_count; i++) {
		EVP_PKEY_free(self->identities[i].handle);
		tls_certificate_unref(&self->identities[i].certificate);
	}
	tls_tickets_free(&self->own_tickets);
	buf_done(&self->texts);
	free(self);
}

/* Of the policy from the floor's day on; a later policy has none behind it. */
static bool later_make(struct tls_context *self, const struct tls_context_parts *parts,
		       struct buf *why)
{
	struct tls_context_parts later = *parts;

	if (parts->policy->later == NULL)
		return true;
	CHECK(parts->policy->later->later == NULL);
	later.policy = parts->policy->later;
	self->later_at_s = parts->policy->later_at_s;
	return tls_context_new(&later, why, &self->later) == FAULT_NONE;
}

enum fault tls_context_new(const struct tls_context_parts *parts, struct buf *why,
			   struct tls_context **out)
{
	const struct tls_policy *policy = parts->policy;

	CHECK(parts->identity_count <= TLS_IDENTITIES_MAX);
	struct tls_context *self =
		calloc(1, sizeof(*self) + parts->identity_count * sizeof(self->identities[0]));
	CHECK(self != NULL);
	self->references = 1;
	self->direction = policy->direction;
	self->protocols = policy->protocols;
	self->dhe_bits = policy->dhe_bits;
	memcpy(self->relaxed, policy->relaxed, sizeof(self->relaxed));
	words_keep(self, parts);
	self->openssl = SSL_CTX_new_ex(crypto_library(), NULL,
				       policy->direction == TLS_CLIENT ? TLS_client_method()
								       : TLS_server_method());
	CHECK(self->openssl != NULL);
	if (!policy_apply(self, self->openssl, policy, why) || !identities_set(self, parts, why)) {
		context_free(self);
		return FAULT_INVALID;
	}
	tls_hello_watch(self->openssl);
	if (policy->direction == TLS_LISTENER) {
		sessions_set(self, parts);
		if (parts->user_anchors != NULL)
			tls_user_anchors_attach(parts->user_anchors, self->openssl);
	} else
		tls_client_prepare(self->openssl, parts->anchors);
	if (parts->staples != NULL)
		tls_staples_attach(parts->staples, self->openssl);
	if (!later_make(self, parts, why)) {
		context_free(self);
		return FAULT_INVALID;
	}
	*out = self;
	return FAULT_NONE;
}

enum fault tls_context_govern(struct tls_context *context, const struct tls_policy *policy,
			      SSL_CTX *openssl, struct buf *why)
{
	bool is_good = policy_apply(context, openssl, policy, why);

	/* Others wait for the socket while what they want is in OpenSSL's buffer already. */
	SSL_CTX_set_read_ahead(openssl, 0);
	return is_good ? FAULT_NONE : FAULT_INVALID;
}

struct tls_context *tls_context_at(struct tls_context *context, int64_t real_s)
{
	return context->later != NULL && real_s >= context->later_at_s ? context->later : context;
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
	__atomic_add_fetch(&context->references, 1, __ATOMIC_RELAXED);
	return context;
}

void tls_context_unref(struct tls_context **context)
{
	struct tls_context *self = *context;

	*context = NULL;
	if (self != NULL && __atomic_sub_fetch(&self->references, 1, __ATOMIC_ACQ_REL) == 0)
		context_free(self);
}

struct tls_certificates tls_context_certificates(const struct tls_context *context)
{
	return context->certificates;
}

size_t tls_context_identity_count(const struct tls_context *context)
{
	return context->identity_count;
}

SSL_CTX *tls_context_openssl(const struct tls_context *context)
{
	return context->openssl;
}

const char *tls_context_dh_name(const struct tls_context *context)
{
	switch (context->dhe_bits) {
	case 0:
		return "";
	case 1024:
		return "modp1024";
	case 2048:
		return "ffdhe2048";
	default:
		return "ffdhe4096";
	}
}

const struct tls_words *tls_context_words(const struct tls_context *context)
{
	return &context->words;
}
