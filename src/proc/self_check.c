/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/self_check.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

#include "crypto/library.h"

enum { DIFFERENCES_MAX = 4 * 1024, ROUNDS_MAX = 64, REASON_MAX = 256 };

#define EVERY_SUITE "ALL:COMPLEMENTOFALL"
#define EVERY_SUITE13                                                                              \
	"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:"              \
	"TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256"

/* One context in examination. */
struct subject {
	struct self_check *check;
	const char *service;
	const struct tls_policy *policy;
	struct tls_context *context;
	/* What can be negotiated with the certificates at hand, TLS 1.3 first. */
	const struct suite *suites[SUITE_CATALOG_MAX];
	size_t suite_count;
};

void self_check_init(struct self_check *check)
{
	*check = (struct self_check){.differences = BUF_INIT(DIFFERENCES_MAX)};
}

void self_check_done(struct self_check *check)
{
	buf_done(&check->differences);
}

static void difference_add(const struct subject *subject, const char *format, ...)
	format_printf(2, 3);
static void difference_add(const struct subject *subject, const char *format, ...)
{
	struct buf *to = &subject->check->differences;
	va_list args;

	buf_printf(to, "%s: ", subject->service);
	va_start(args, format);
	buf_vprintf(to, format, args);
	va_end(args);
	buf_append_char(to, '\n');
}

/* ---- a handshake through memory ---- */

struct ends {
	SSL_CTX *client_context;
	SSL *client;
	SSL *server;
	char reason[REASON_MAX]; /* why it failed, in OpenSSL's words */
};

/* Speaks one version and admits whatever there is: level 0, every suite. */
static SSL_CTX *client_context_new(const struct tls_policy *policy, enum tls_protocol version)
{
	SSL_CTX *context = SSL_CTX_new_ex(crypto_library(), NULL, TLS_client_method());
	int wire = tls_protocol_wire(version);

	CHECK(context != NULL);
	SSL_CTX_set_security_level(context, 0);
	CHECK(SSL_CTX_set_min_proto_version(context, wire) == 1 &&
	      SSL_CTX_set_max_proto_version(context, wire) == 1);
	CHECK(SSL_CTX_set_cipher_list(context, EVERY_SUITE) == 1 &&
	      SSL_CTX_set_ciphersuites(context, EVERY_SUITE13) == 1);
	/* Without finite-field groups of its own list it could not follow a policy without curves. */
	if (!str_is_empty(policy->groups_string))
		CHECK(SSL_CTX_set1_groups_list(context, policy->groups_string.ptr) == 1);
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	return context;
}

static void pipe_between(SSL *from, SSL *to)
{
	BIO *pipe = BIO_new(BIO_s_mem());

	CHECK(pipe != NULL && BIO_up_ref(pipe) == 1);
	SSL_set0_wbio(from, pipe);
	SSL_set0_rbio(to, pipe);
}

static void ends_open(struct ends *ends, const struct subject *subject, enum tls_protocol version)
{
	*ends = (struct ends){.client_context = client_context_new(subject->policy, version)};
	ends->client = SSL_new(ends->client_context);
	ends->server = SSL_new(tls_context_openssl(subject->context));
	CHECK(ends->client != NULL && ends->server != NULL);
	pipe_between(ends->client, ends->server);
	pipe_between(ends->server, ends->client);
	SSL_set_connect_state(ends->client);
	SSL_set_accept_state(ends->server);
	subject->check->handshakes++;
}

static void ends_close(struct ends *ends)
{
	SSL_free(ends->client);
	SSL_free(ends->server);
	SSL_CTX_free(ends->client_context);
	ERR_clear_error();
}

/* One step of one end; false when it has failed. */
static bool end_step(struct ends *ends, SSL *end)
{
	ERR_clear_error();
	int result = SSL_do_handshake(end);
	if (result == 1)
		return true;
	int error = SSL_get_error(end, result);
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return true;
	const char *words = ERR_reason_error_string(ERR_peek_error());
	if (ends->reason[0] == '\0')
		snprintf(ends->reason, sizeof(ends->reason), "%s",
			 words == NULL ? "closed" : words);
	return false;
}

/* True when both ends are done. */
static bool ends_shake(struct ends *ends)
{
	for (int i = 0; i < ROUNDS_MAX; i++) {
		bool goes_on = end_step(ends, ends->client) && end_step(ends, ends->server);
		if (!goes_on)
			return false;
		if (SSL_is_init_finished(ends->client) && SSL_is_init_finished(ends->server))
			return true;
	}
	return false;
}

/* ---- what is intended ---- */

static bool suite_fits(const struct suite *suite, enum tls_protocol version)
{
	if (version == TLS_PROTOCOL_1_3)
		return suite->kx == SUITE_KX_TLS13;
	return suite->kx != SUITE_KX_TLS13 && suite->min_protocol <= version;
}

/* The suite that stands first for a version; NULL when none does. */
static const struct suite *suite_first(const struct subject *subject, enum tls_protocol version)
{
	for (size_t i = 0; i < subject->suite_count; i++)
		if (suite_fits(subject->suites[i], version))
			return subject->suites[i];
	return NULL;
}

static bool suite_is_admitted(const struct subject *subject, enum tls_protocol version, uint16_t id)
{
	for (size_t i = 0; i < subject->suite_count; i++)
		if (subject->suites[i]->id == id && suite_fits(subject->suites[i], version))
			return true;
	return false;
}

static bool kind_can_serve(const struct subject *subject, enum tls_protocol version, bool is_rsa)
{
	for (size_t i = 0; i < subject->suite_count; i++) {
		const struct suite *suite = subject->suites[i];
		if (suite_fits(suite, version) &&
		    (suite->auth == SUITE_AUTH_TLS13 ||
		     suite->auth == (is_rsa ? SUITE_AUTH_RSA : SUITE_AUTH_ECDSA)))
			return true;
	}
	return false;
}

/* ---- comparing ---- */

static void suite_compare(const struct subject *subject, enum tls_protocol version, SSL *client)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(client);
	const struct suite *first = suite_first(subject, version);
	uint16_t id = SSL_CIPHER_get_protocol_id(cipher);
	bool is_right = subject->policy->server_preference && first != NULL
				? id == first->id
				: suite_is_admitted(subject, version, id);

	if (!is_right)
		difference_add(subject, "%s came about with the suite %s, where %.*s stands first",
			       tls_protocol_name(version), SSL_CIPHER_standard_name(cipher),
			       STR_ARG(first == NULL ? STR("none") : first->iana_name));
}

static void version_check(const struct subject *subject, enum tls_protocol version)
{
	bool is_admitted = tls_protocols_has(subject->policy->protocols, version);
	const char *name = tls_protocol_name(version);
	struct ends ends;

	ends_open(&ends, subject, version);
	bool is_done = ends_shake(&ends);
	if (is_admitted && !is_done)
		difference_add(subject, "%s is admitted, but its handshake fails: %s", name,
			       ends.reason);
	else if (!is_admitted && is_done)
		difference_add(subject, "%s is not admitted, but its handshake succeeds", name);
	else if (is_done && SSL_version(ends.client) != tls_protocol_wire(version))
		difference_add(subject, "%s was asked for, %s came about", name,
			       SSL_get_version(ends.client));
	else if (is_done)
		suite_compare(subject, version, ends.client);
	ends_close(&ends);
}

static bool shows_rsa(SSL *client)
{
	X509 *leaf = SSL_get0_peer_certificate(client);
	EVP_PKEY *key = leaf == NULL ? NULL : X509_get0_pubkey(leaf);

	return key != NULL && (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"));
}

/* A client that can verify one kind of certificate only must be shown that one. */
static void kind_check(const struct subject *subject, enum tls_protocol version, bool is_rsa)
{
	const char *signatures = is_rsa ? "RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:"
					  "RSA+SHA256:RSA+SHA384:RSA+SHA512:RSA+SHA1"
					: "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ECDSA+SHA1:"
					  "ed25519:ed448";
	struct ends ends;

	if (!kind_can_serve(subject, version, is_rsa))
		return;
	ends_open(&ends, subject, version);
	CHECK(SSL_set1_sigalgs_list(ends.client, signatures) == 1);
	CHECK(SSL_set_cipher_list(ends.client, is_rsa ? "aRSA" : "aECDSA") == 1);
	if (!ends_shake(&ends))
		difference_add(subject, "the %s certificate is not shown to a client that needs it: %s",
			       is_rsa ? "RSA" : "ECDSA", ends.reason);
	else if (shows_rsa(ends.client) != is_rsa)
		difference_add(subject, "a client that needs the %s certificate is shown another one",
			       is_rsa ? "RSA" : "ECDSA");
	ends_close(&ends);
}

static void policy_check(struct self_check *check, const char *service,
			 const struct tls_policy *policy, struct tls_context *context,
			 const struct suite_catalog *catalog)
{
	struct tls_certificates certificates = tls_context_certificates(context);
	struct subject subject = {
		.check = check, .service = service, .policy = policy, .context = context};

	subject.suite_count = tls_policy_negotiable(policy, catalog, certificates, subject.suites);
	for (enum tls_protocol version = TLS_PROTOCOL_1_0; version < TLS_PROTOCOL_COUNT; version++)
		if (tls_protocols_has(catalog->protocols, version))
			version_check(&subject, version);
	if (certificates.has_rsa)
		kind_check(&subject, policy->max, true);
	if (certificates.has_ecdsa)
		kind_check(&subject, policy->max, false);
}

/* What the day of a floor will bring is held to its intention before it comes. */
void self_check_context(struct self_check *check, const char *service,
			const struct tls_policy *policy, struct tls_context *context,
			const struct suite_catalog *catalog)
{
	policy_check(check, service, policy, context, catalog);
	if (policy->later != NULL)
		policy_check(check, service, policy->later,
			     tls_context_at(context, policy->later_at_s), catalog);
}
