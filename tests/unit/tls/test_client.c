/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our client against servers of OpenSSL's: what it offers, what it takes, what it
 * makes of certificates under each demand, and its words when it fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "config/config.h"
#include "crypto/digest.h"
#include "crypto/library.h"
#include "fixture.h"
#include "tls/catalog.h"
#include "tls/failure_client.h"
#include "tls/hello.h"
#include "tls/shown.h"

#define HOST "mx.example.test"
#define VARIABLE(name, value) "<variable name=\"" name "\">" value "</variable>"

enum { DAY_S = 24 * 3600 };

/* A CA that the tests trust, and what it has signed. */
static struct {
	const struct suite_catalog *catalog;
	struct tls_anchors *anchors;
	EVP_PKEY *ca_key;
	EVP_PKEY *key; /* of all servers but those that need a key of their own */
	EVP_PKEY *short_key;
	X509 *ca;
	X509 *good;
	X509 *expired;
	X509 *future;
	X509 *elsewhere; /* for another host */
	X509 *wildcard;
	X509 *self_signed;
	X509 *stranger; /* from a CA that nobody trusts */
	X509 *short_one;
	X509 *client_only;
	X509 *common_name; /* without a subjectAltName */
} lab;

/* ---- certificates ---- */

static void extension_add(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	CHECK(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

struct wish {
	const char *subject;
	const char *names; /* NULL: no subjectAltName */
	const char *usage; /* NULL: a CA */
	int from_days;
	int until_days;
};

static X509 *make(const struct wish *wish, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
	static long serial = 1;
	X509 *made = X509_new_ex(crypto_library(), NULL);

	CHECK(X509_set_version(made, X509_VERSION_3) == 1);
	ASN1_INTEGER_set(X509_get_serialNumber(made), serial++);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
				   (const unsigned char *)wish->subject, -1, -1, 0);
	if (issuer == NULL)
		issuer = made;
	X509_set_issuer_name(made, X509_get_subject_name(issuer));
	X509_gmtime_adj(X509_getm_notBefore(made), (long)wish->from_days * DAY_S);
	X509_gmtime_adj(X509_getm_notAfter(made), (long)wish->until_days * DAY_S);
	CHECK(X509_set_pubkey(made, key) == 1);
	extension_add(made, issuer, NID_basic_constraints,
		      wish->usage == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (wish->usage != NULL)
		extension_add(made, issuer, NID_ext_key_usage, wish->usage);
	if (wish->names != NULL)
		extension_add(made, issuer, NID_subject_alt_name, wish->names);
	CHECK(X509_sign(made, issuer_key, EVP_sha256()) > 0);
	return made;
}

static EVP_PKEY *key_make(unsigned bits)
{
	return EVP_PKEY_Q_keygen(crypto_library(), NULL, "RSA", (size_t)bits);
}

static X509 *leaf_make(const char *names, int from_days, int until_days)
{
	struct wish wish = {"server", names, "serverAuth", from_days, until_days};

	return make(&wish, lab.key, lab.ca, lab.ca_key);
}

static void trust_make(void)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	size_t count;

	CHECK(PEM_write_bio_X509(bio, lab.ca) == 1);
	long len = BIO_get_mem_data(bio, &pem);
	lab.anchors = tls_anchors_new();
	CHECK(tls_anchors_add(lab.anchors, str_make(pem, (size_t)len), &count) == FAULT_NONE);
	CHECK(count == 1 && tls_anchors_count(lab.anchors) == 1);
	BIO_free(bio);
}

static int lab_make(void **state)
{
	struct wish ca = {"Test CA", NULL, NULL, -10, 100};
	struct wish other_ca = {"Strange CA", NULL, NULL, -10, 100};
	struct wish server = {"server", "DNS:" HOST, "serverAuth", -10, 100};
	struct wish client = {"client", "DNS:" HOST, "clientAuth", -10, 100};
	struct wish bare = {HOST, NULL, "serverAuth", -10, 100};

	lab.catalog = tls_catalog_new();
	lab.ca_key = key_make(2048);
	lab.key = key_make(2048);
	lab.short_key = key_make(1024);
	lab.ca = make(&ca, lab.ca_key, NULL, lab.ca_key);
	lab.good = leaf_make("DNS:" HOST ",IP:192.0.2.25", -10, 100);
	lab.expired = leaf_make("DNS:" HOST, -10, -1);
	lab.future = leaf_make("DNS:" HOST, 1, 100);
	lab.elsewhere = leaf_make("DNS:mail.example.test,DNS:www.example.test", -10, 100);
	lab.wildcard = leaf_make("DNS:*.example.test", -10, 100);
	lab.self_signed = make(&server, lab.key, NULL, lab.key);
	X509 *strange = make(&other_ca, lab.short_key, NULL, lab.short_key);
	lab.stranger = make(&server, lab.key, strange, lab.short_key);
	X509_free(strange);
	lab.short_one = make(&server, lab.short_key, lab.ca, lab.ca_key);
	lab.client_only = make(&client, lab.key, lab.ca, lab.ca_key);
	lab.common_name = make(&bare, lab.key, lab.ca, lab.ca_key);
	trust_make();
	return 0;
}

static int lab_drop(void **state)
{
	X509 *const all[] = {lab.ca,	   lab.good,	    lab.expired,     lab.future,
			     lab.elsewhere, lab.wildcard,   lab.self_signed, lab.stranger,
			     lab.short_one, lab.client_only, lab.common_name};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		X509_free(all[i]);
	EVP_PKEY_free(lab.ca_key);
	EVP_PKEY_free(lab.key);
	EVP_PKEY_free(lab.short_key);
	tls_anchors_unref(&lab.anchors);
	tls_catalog_free(&lab.catalog);
	return 0;
}

/* ---- both ends ---- */

/* A server of any kind: level 0, all suites, DH groups as OpenSSL likes. */
static SSL_CTX *server_make(X509 *certificate, int min_version, int max_version)
{
	SSL_CTX *server = SSL_CTX_new_ex(crypto_library(), NULL, TLS_server_method());

	CHECK(server != NULL);
	SSL_CTX_set_security_level(server, 0);
	CHECK(SSL_CTX_set_cipher_list(server, "ALL:!aNULL") == 1);
	CHECK(SSL_CTX_set_min_proto_version(server, min_version) == 1);
	CHECK(SSL_CTX_set_max_proto_version(server, max_version) == 1);
	CHECK(SSL_CTX_use_certificate(server, certificate) == 1);
	CHECK(SSL_CTX_use_PrivateKey(server, certificate == lab.short_one ? lab.short_key
									  : lab.key) == 1);
	SSL_CTX_set_dh_auto(server, 1);
	return server;
}

/* A client's context of what the file says. */
static struct tls_context *context_of(const char *variables)
{
	struct buf text = BUF_INIT(8192), why = BUF_INIT(1024);
	struct findings findings;
	struct config *config = NULL;
	struct tls_context *context = NULL;

	buf_printf(&text, "<config>\n<table name=\"SmtpSecurity\">\n%s</table></config>",
		   variables);
	findings_init(&findings);
	if (config_parse(buf_str(&text), "mailserver.cfg", lab.catalog, &findings, &config) !=
	    FAULT_NONE)
		for (size_t i = 0; i < findings.count; i++)
			print_error("%.*s\n", STR_ARG(findings.items[i].text));
	assert_non_null(config);
	struct tls_context_parts parts = {.policy = &config->clients[CLIENT_SMTP],
					  .anchors = lab.anchors,
					  .file_name = STR("mailserver.cfg")};
	assert_int_equal(tls_context_new(&parts, &why, &context), FAULT_NONE);
	findings_done(&findings);
	config_unref(&config);
	buf_done(&why);
	buf_done(&text);
	return context;
}

struct meeting {
	struct tls_connection *client;
	SSL *server;
	int fds[2]; /* 0: the client's */
	enum io result;
	int alert; /* that the server got; -1 */
	char sni[TLS_HOST_MAX];
	struct tls_facts facts;
	struct buf words; /* terminated; empty when it went well */
};

static void alert_note(const SSL *ssl, int where, int value)
{
	int *alert = SSL_get_app_data(ssl);

	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL)
		*alert = value & 0xff;
}

static void meeting_note(struct meeting *meeting)
{
	const char *name = SSL_get_servername(meeting->server, TLSEXT_NAMETYPE_host_name);
	CHECK(str_copy_c(str_from_c(name), meeting->sni, sizeof(meeting->sni)));
	tls_connection_facts(meeting->client, &meeting->facts);
	if (meeting->result == IO_DONE)
		return;
	tls_failure_append(&meeting->words, meeting->client, STR("192.0.2.26"), STR(HOST));
	buf_append_char(&meeting->words, '\0');
}

static void meeting_shake(struct meeting *meeting)
{
	for (int round = 0; round < 20; round++) {
		if (meeting->result == IO_WANT_INPUT || meeting->result == IO_WANT_OUTPUT)
			meeting->result = tls_handshake(meeting->client);
		ERR_clear_error();
		if (SSL_do_handshake(meeting->server) != 1 &&
		    SSL_get_error(meeting->server, -1) == SSL_ERROR_SSL)
			(void)shutdown(meeting->fds[1], SHUT_WR);
		ERR_clear_error();
	}
	meeting_note(meeting);
}

/* Both ends, with nothing said; the server's has yet to be given what it reads and writes. */
static void meeting_begin(struct meeting *meeting, struct tls_context *context, SSL_CTX *server,
			  const struct tls_demand *demand, const char *host)
{
	struct buf why = BUF_INIT(1024);

	*meeting = (struct meeting){
		.result = IO_WANT_OUTPUT, .alert = -1, .words = BUF_INIT(16 * 1024)};
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, meeting->fds) == 0);
	struct tls_client_parts parts = {.context = context,
					 .fd = meeting->fds[0],
					 .host = str_from_c(host),
					 .demand = demand};
	if (tls_client_new(&parts, &why, &meeting->client) != FAULT_NONE)
		fail_msg("no client: %.*s", STR_ARG(buf_str(&why)));
	meeting->server = SSL_new(server);
	SSL_set_accept_state(meeting->server);
	CHECK(SSL_set_app_data(meeting->server, &meeting->alert) == 1);
	SSL_set_info_callback(meeting->server, alert_note);
	buf_done(&why);
}

static void meeting_run(struct meeting *meeting, struct tls_context *context, SSL_CTX *server,
			const struct tls_demand *demand, const char *host)
{
	meeting_begin(meeting, context, server, demand, host);
	CHECK(SSL_set_fd(meeting->server, meeting->fds[1]) == 1);
	meeting_shake(meeting);
}

static void meeting_done(struct meeting *meeting)
{
	SSL_free(meeting->server);
	tls_connection_free(&meeting->client);
	close(meeting->fds[0]);
	close(meeting->fds[1]);
	buf_done(&meeting->words);
	ERR_clear_error();
}

static struct tls_proof name_proof(const char *name)
{
	return (struct tls_proof){
		.kind = TLS_LEVEL_VERIFY,
		.names = {str_from_c(name)},
		.name_count = 1,
		.source = {.line = 41, .table = STR("TlsPolicy"), .variable = STR("Level")}};
}

static struct tls_demand verify_demand(const char *name)
{
	struct tls_demand demand = demand_may();
	struct tls_proof proof = name_proof(name);

	demand_prove(&demand, &proof);
	return demand;
}

/* Expects the words to hold each of the parts that `|` separates. */
static void words_expect(const struct meeting *meeting, const char *parts)
{
	for (struct str rest = str_from_c(parts); rest.ptr != NULL;) {
		struct str part = str_cut(&rest, '|');
		if (str_find(str_from_c(meeting->words.data), part) == STR_NONE)
			fail_msg("\"%.*s\" is not in: %s", STR_ARG(part), meeting->words.data);
	}
}

/* ---- what is offered and taken ---- */

/* The words are NULL where the handshake is to succeed with the version. */
static void expect_version(const char *variables, int min, int max, const char *version,
			   const char *words)
{
	struct tls_context *context = context_of(variables);
	SSL_CTX *server = server_make(lab.good, min, max);
	struct tls_demand demand = demand_may();
	struct meeting meeting;

	meeting_run(&meeting, context, server, &demand, HOST);
	if (words == NULL) {
		assert_int_equal(meeting.result, IO_DONE);
		assert_string_equal(meeting.facts.version_name, version);
	} else
		words_expect(&meeting, words);
	meeting_done(&meeting);
	SSL_CTX_free(server);
	tls_context_unref(&context);
}

static void test_versions(void **state)
{
	static const int wires[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};
	static const char *const names[] = {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};

	for (int i = 0; i < 4; i++) {
		expect_version("", wires[i], wires[i], names[i], NULL);
		expect_version("", TLS1_VERSION, wires[i], names[i], NULL);
	}
	for (int i = 0; i < 2; i++)
		expect_version(VARIABLE("ClientTlsProtocols", "TLSv1.2,TLSv1.3"), wires[i],
			       wires[i], NULL,
			       "refused: it speaks none of the versions offered; "
			       "SmtpSecurity/ClientTlsProtocols (mailserver.cfg:3) offers TLSv1.2, "
			       "TLSv1.3 (alert 70, protocol_version); it has to be upgraded");
}

/* Rule 6: of a list with a hole the highest run, not the lowest as OpenSSL would. */
static void test_a_hole_leaves_the_highest_run(void **state)
{
	static const char holed[] = VARIABLE("ClientTlsProtocols", "TLSv1,TLSv1.2,TLSv1.3");

	expect_version(holed, TLS1_VERSION, TLS1_3_VERSION, "TLSv1.3", NULL);
	expect_version(holed, TLS1_VERSION, TLS1_2_VERSION, "TLSv1.2", NULL);
	expect_version(holed, TLS1_VERSION, TLS1_1_VERSION, NULL, "alert 70|TLSv1.2, TLSv1.3");
}

static void test_a_floor_for_clients(void **state)
{
#define FLOOR(mode)                                                                                \
	VARIABLE("TlsFloor", "TLSv1.2") "\n" VARIABLE("TlsFloorMode", mode)
	expect_version(FLOOR("observe"), TLS1_1_VERSION, TLS1_1_VERSION, "TLSv1.1", NULL);
	expect_version(FLOOR("reply"), TLS1_1_VERSION, TLS1_1_VERSION, "TLSv1.1", NULL);
	expect_version(FLOOR("handshake"), TLS1_1_VERSION, TLS1_1_VERSION, NULL,
		       "alert 70|offers TLSv1.2, TLSv1.3");
}

static void expect_suite(const char *variables, const char *server_suites, const char *suite,
			 const char *words)
{
	struct tls_context *context = context_of(variables);
	SSL_CTX *server = server_make(lab.good, TLS1_2_VERSION, TLS1_2_VERSION);
	struct tls_demand demand = demand_may();
	struct meeting meeting;

	CHECK(SSL_CTX_set_cipher_list(server, server_suites) == 1);
	meeting_run(&meeting, context, server, &demand, HOST);
	if (suite != NULL) {
		assert_int_equal(meeting.result, IO_DONE);
		assert_string_equal(meeting.facts.suite, suite);
	} else
		words_expect(&meeting, words);
	meeting_done(&meeting);
	SSL_CTX_free(server);
	tls_context_unref(&context);
}

static void test_suites_and_key_exchanges(void **state)
{
	static const char none[] = "refused: it found nothing acceptable in what was offered|"
				   "alert 40, handshake_failure";

	expect_suite("", "AES128-SHA", "TLS_RSA_WITH_AES_128_CBC_SHA", NULL);
	expect_suite(VARIABLE("ClientTlsCiphers", "ECDHE+AESGCM"), "AES128-SHA", NULL, none);
	expect_suite(VARIABLE("EnableEphemeralDH", "0"), "DHE-RSA-AES128-GCM-SHA256", NULL, none);
	expect_suite(VARIABLE("EnableEphemeralECDH", "0"), "ECDHE-RSA-AES128-GCM-SHA256", NULL,
		     none);
	expect_suite(VARIABLE("EnableEphemeralECDH", "0"),
		     "ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256",
		     "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", NULL);
	expect_suite("", "ADH-AES128-GCM-SHA256:@SECLEVEL=0", NULL, none);
}

/* ---- small DH groups ---- */

/* "1024": the Second Oakley Group; else a group by its name. */
static EVP_PKEY *dh_of(const char *group)
{
	EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(crypto_library(), "DH", NULL);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BIGNUM *p = BN_get_rfc2409_prime_1024(NULL), *g = BN_new();
	EVP_PKEY *made = NULL;

	if (strcmp(group, "1024") == 0)
		CHECK(BN_set_word(g, 2) == 1 && OSSL_PARAM_BLD_push_BN(builder, "p", p) == 1 &&
		      OSSL_PARAM_BLD_push_BN(builder, "g", g) == 1);
	else
		CHECK(OSSL_PARAM_BLD_push_utf8_string(builder, "group", group, 0) == 1);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	CHECK(EVP_PKEY_fromdata_init(maker) == 1 &&
	      EVP_PKEY_fromdata(maker, &made, EVP_PKEY_KEY_PARAMETERS, params) == 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	BN_free(p);
	BN_free(g);
	EVP_PKEY_CTX_free(maker);
	return made;
}

static void dh_meet(struct meeting *meeting, const char *variables, const char *group,
		    const struct tls_demand *demand)
{
	struct tls_context *context = context_of(variables);
	SSL_CTX *server = server_make(lab.good, TLS1_2_VERSION, TLS1_2_VERSION);

	SSL_CTX_set_dh_auto(server, 0);
	CHECK(SSL_CTX_set0_tmp_dh_pkey(server, dh_of(group)) == 1);
	CHECK(SSL_CTX_set_cipher_list(server, "DHE-RSA-AES128-GCM-SHA256:AES128-SHA") == 1);
	SSL_CTX_set_options(server, SSL_OP_CIPHER_SERVER_PREFERENCE);
	meeting_run(meeting, context, server, demand, HOST);
	SSL_CTX_free(server);
	tls_context_unref(&context);
}

static void test_the_smallest_dh_group(void **state)
{
	struct tls_demand demand = demand_may();
	struct meeting meeting;

	dh_meet(&meeting, "", "1024", &demand);
	assert_int_equal(tls_client_failure(meeting.client), TLS_CLIENT_FAILURE_DH_SMALL);
	words_expect(&meeting,
		     "TLS to 192.0.2.26 (mx.example.test): came with a DH group of 1024 bits; "
		     "SmtpSecurity/EphemeralDHKeySize (the default) wants 2048 or more; the next "
		     "attempt offers no DHE; the server needs a larger group; answered with alert "
		     "40, handshake_failure");
	meeting_done(&meeting);
	dh_meet(&meeting, "", "ffdhe2048", &demand);
	assert_int_equal(meeting.result, IO_DONE);
	assert_string_equal(meeting.facts.group, "ffdhe2048");
	meeting_done(&meeting);
	dh_meet(&meeting, VARIABLE("EphemeralDHKeySize", "4096"), "ffdhe2048", &demand);
	words_expect(&meeting, "DH group of 2048 bits; SmtpSecurity/EphemeralDHKeySize "
			       "(mailserver.cfg:3) wants 4096 or more");
	meeting_done(&meeting);
	/* An explicit 1024 is honoured (rule 9). */
	dh_meet(&meeting, VARIABLE("EphemeralDHKeySize", "1024"), "1024", &demand);
	assert_int_equal(meeting.result, IO_DONE);
	assert_string_equal(meeting.facts.group, "dh1024");
	meeting_done(&meeting);
	/* The next attempt. */
	demand.without_dhe = true;
	dh_meet(&meeting, "", "1024", &demand);
	assert_int_equal(meeting.result, IO_DONE);
	assert_string_equal(meeting.facts.suite, "TLS_RSA_WITH_AES_128_CBC_SHA");
	meeting_done(&meeting);
}

/* ---- handshakes that are changed on the way ---- */

/* Changes what goes one way, in its place. */
typedef void (*wire_change)(unsigned char *bytes, size_t len);

struct change {
	wire_change to_server; /* NULL: left alone */
	wire_change to_client;
};

static size_t number_at(const unsigned char *bytes)
{
	return (size_t)bytes[0] << 8 | bytes[1];
}

/* The body of a handshake message that is in the clear and begins a record; NULL: not there. */
static unsigned char *message_find(unsigned char *bytes, size_t len, int type)
{
	enum { RECORD_HEADER = 5, MESSAGE_HEADER = 4 };

	while (len > RECORD_HEADER + MESSAGE_HEADER && bytes[0] == SSL3_RT_HANDSHAKE) {
		size_t record = RECORD_HEADER + number_at(bytes + 3);
		if (bytes[RECORD_HEADER] == type)
			return bytes + RECORD_HEADER + MESSAGE_HEADER;
		CHECK(record <= len);
		bytes += record;
		len -= record;
	}
	return NULL;
}

/* Flips a bit of the client's random, which servers sign along. */
static void random_change(unsigned char *bytes, size_t len)
{
	unsigned char *hello = message_find(bytes, len, SSL3_MT_CLIENT_HELLO);

	if (hello != NULL)
		hello[2] ^= 1;
}

/* Makes every signature that the client admits rsa_pkcs1_sha1 (RFC 8446 section 4.2.3). */
static void schemes_change(unsigned char *bytes, size_t len)
{
	enum { VERSION_AND_RANDOM = 34 };
	unsigned char *at = message_find(bytes, len, SSL3_MT_CLIENT_HELLO);

	if (at == NULL)
		return;
	at += VERSION_AND_RANDOM;
	at += 1 + at[0];	 /* the session */
	at += 2 + number_at(at); /* suites */
	at += 1 + at[0];	 /* compression */
	unsigned char *end = at + 2 + number_at(at);
	for (at += 2; number_at(at) != TLSEXT_TYPE_signature_algorithms;) {
		at += 4 + number_at(at + 2);
		CHECK(at < end);
	}
	for (size_t i = 0; i < number_at(at + 4); i += 2) {
		at[6 + i] = 2;
		at[7 + i] = 1;
	}
}

/* The numbers of a ServerKeyExchange with DHE (RFC 5246 section 7.4.3): p, g, the public one. */
static void dh_change(unsigned char *bytes, size_t len, int which, bool to_one)
{
	unsigned char *at = message_find(bytes, len, SSL3_MT_SERVER_KEY_EXCHANGE);

	if (at == NULL)
		return;
	for (; which > 0; which--)
		at += 2 + number_at(at);
	size_t size = number_at(at);
	if (to_one)
		memset(at + 2, 0, size);
	at[1 + size] ^= 1;
}

static void dh_make_p_even(unsigned char *bytes, size_t len)
{
	dh_change(bytes, len, 0, false);
}

static void dh_make_g_one(unsigned char *bytes, size_t len)
{
	dh_change(bytes, len, 1, true);
}

static void dh_make_public_one(unsigned char *bytes, size_t len)
{
	dh_change(bytes, len, 2, true);
}

/* Carries to the server what the client has said, and back. */
static void relay(const struct meeting *meeting, const struct change *change)
{
	unsigned char bytes[16 * 1024];
	ssize_t got = recv(meeting->fds[1], bytes, sizeof(bytes), MSG_DONTWAIT);

	if (got > 0) {
		if (change->to_server != NULL)
			change->to_server(bytes, (size_t)got);
		CHECK(BIO_write(SSL_get_rbio(meeting->server), bytes, (int)got) == got);
	}
	(void)SSL_do_handshake(meeting->server);
	ERR_clear_error();
	int said = BIO_read(SSL_get_wbio(meeting->server), bytes, sizeof(bytes));
	if (said <= 0)
		return;
	if (change->to_client != NULL)
		change->to_client(bytes, (size_t)said);
	CHECK(send(meeting->fds[1], bytes, (size_t)said, MSG_NOSIGNAL) == said);
}

/* A handshake of TLS 1.2 with the one suite, changed on the way. */
static void changed_run(struct meeting *meeting, const char *suite, const struct change *change)
{
	struct tls_context *context = context_of("");
	SSL_CTX *server = server_make(lab.good, TLS1_2_VERSION, TLS1_2_VERSION);
	struct tls_demand demand = demand_may();

	CHECK(SSL_CTX_set_cipher_list(server, suite) == 1);
	meeting_begin(meeting, context, server, &demand, HOST);
	SSL_set_bio(meeting->server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	for (int round = 0; round < 10; round++) {
		if (meeting->result == IO_WANT_INPUT || meeting->result == IO_WANT_OUTPUT)
			meeting->result = tls_handshake(meeting->client);
		relay(meeting, change);
	}
	meeting_note(meeting);
	SSL_CTX_free(server);
	tls_context_unref(&context);
}

static void expect_changed(const char *suite, const struct change *change,
			   enum tls_client_failure failure, int alert, const char *words)
{
	struct meeting meeting;

	changed_run(&meeting, suite, change);
	assert_int_equal(meeting.result, IO_BROKEN);
	assert_int_equal(tls_client_failure(meeting.client), failure);
	assert_int_equal(meeting.alert, alert);
	words_expect(&meeting, words);
	meeting_done(&meeting);
}

#define ECDHE_SUITE "ECDHE-RSA-AES128-GCM-SHA256"
#define DHE_SUITE "DHE-RSA-AES128-GCM-SHA256"

/* Without a change the way itself does no harm. */
static void test_what_is_only_carried_arrives(void **state)
{
	static const char *const suites[] = {ECDHE_SUITE, DHE_SUITE};
	static const struct change nothing = {NULL, NULL};
	struct meeting meeting;

	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		changed_run(&meeting, suites[i], &nothing);
		assert_int_equal(meeting.result, IO_DONE);
		meeting_done(&meeting);
	}
}

static void test_a_signature_with_sha1_is_not_taken(void **state)
{
	static const struct change change = {.to_server = schemes_change};

	expect_changed(ECDHE_SUITE, &change, TLS_CLIENT_FAILURE_SIGNATURE, SSL_AD_HANDSHAKE_FAILURE,
		       "TLS to 192.0.2.26 (mx.example.test): signed in a way that is too weak for "
		       "TLSv1.2 or was not offered; it has to be upgraded, or needs another "
		       "certificate; answered with alert 40, handshake_failure");
}

static void test_dh_numbers_that_give_the_key_away(void **state)
{
	static const wire_change changes[] = {dh_make_p_even, dh_make_g_one, dh_make_public_one};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct change change = {.to_client = changes[i]};
		expect_changed(DHE_SUITE, &change, TLS_CLIENT_FAILURE_DH_WEAK,
			       SSL_AD_ILLEGAL_PARAMETER,
			       "TLS to 192.0.2.26 (mx.example.test): came with DH numbers "
			       "that cannot be used (bad dh value); the next attempt offers no "
			       "DHE; the server needs another group; answered with alert 47, "
			       "illegal_parameter");
	}
}

/* A signature that does not verify is a failure that no other row names. */
static void test_a_signature_that_does_not_verify(void **state)
{
	static const struct change change = {.to_server = random_change};

	expect_changed(ECDHE_SUITE, &change, TLS_CLIENT_FAILURE_OTHER, SSL_AD_DECRYPT_ERROR,
		       "TLS to 192.0.2.26 (mx.example.test): and this client did not agree: the "
		       "handshake failed (bad signature); `postern tls probe` shows more of what "
		       "it does; answered with alert 51, decrypt_error");
}

/* Takes the server's master secret away between the client's Finished and its own. */
static void secret_spoil(int is_sent, int version, int type, const void *message, size_t len,
			 SSL *ssl, void *unused)
{
	static const unsigned char zeros[SSL_MAX_MASTER_KEY_LENGTH];

	if (is_sent || type != SSL3_RT_HANDSHAKE || len == 0 ||
	    *(const unsigned char *)message != SSL3_MT_FINISHED)
		return;
	CHECK(SSL_SESSION_set1_master_key(SSL_get_session(ssl), zeros, sizeof(zeros)) == 1);
}

static void test_a_finished_that_does_not_verify(void **state)
{
	struct tls_context *context = context_of("");
	SSL_CTX *server = server_make(lab.good, TLS1_2_VERSION, TLS1_2_VERSION);
	struct tls_demand demand = demand_may();
	struct meeting meeting;

	SSL_CTX_set_msg_callback(server, secret_spoil);
	meeting_run(&meeting, context, server, &demand, HOST);
	assert_int_equal(meeting.result, IO_BROKEN);
	assert_int_equal(tls_client_failure(meeting.client), TLS_CLIENT_FAILURE_FINISHED);
	words_expect(&meeting, "TLS to 192.0.2.26 (mx.example.test): sent a Finished that does not "
			       "verify; tampering on the way; answered with alert 51, "
			       "decrypt_error");
	meeting_done(&meeting);
	SSL_CTX_free(server);
	tls_context_unref(&context);
}

/* ---- certificates ---- */

static void expect_certificate(X509 *certificate, const char *host, const char *name,
			       enum tls_distrust result, int alert, const char *words)
{
	struct tls_context *context = context_of("");
	SSL_CTX *server = server_make(certificate, TLS1_2_VERSION, TLS1_3_VERSION);
	struct tls_demand demand = verify_demand(name), lax = demand_may();
	struct meeting meeting;

	meeting_run(&meeting, context, server, &demand, host);
	assert_int_equal(tls_client_verdict(meeting.client)->why, result);
	if (result == TLS_DISTRUST_NONE)
		assert_int_equal(meeting.result, IO_DONE);
	else {
		assert_int_equal(tls_client_failure(meeting.client), TLS_CLIENT_FAILURE_CERTIFICATE);
		words_expect(&meeting, words);
		words_expect(&meeting, "TlsPolicy/Level (mailserver.cfg:41) demands verify");
		assert_int_equal(meeting.alert, alert);
	}
	meeting_done(&meeting);
	/* Where nothing is demanded the session goes on, and the verdict is known. */
	meeting_run(&meeting, context, server, &lax, host);
	assert_int_equal(meeting.result, IO_DONE);
	assert_int_equal(tls_verdict_result(tls_client_verdict(meeting.client)), result);
	meeting_done(&meeting);
	SSL_CTX_free(server);
	tls_context_unref(&context);
}

static void test_what_can_be_wrong_with_a_certificate(void **state)
{
	expect_certificate(lab.good, HOST, HOST, TLS_DISTRUST_NONE, -1, "");
	expect_certificate(lab.wildcard, HOST, HOST, TLS_DISTRUST_NONE, -1, "");
	expect_certificate(lab.good, "192.0.2.25", "192.0.2.25", TLS_DISTRUST_NONE, -1, "");
	expect_certificate(lab.good, HOST ".", "MX.Example.test.", TLS_DISTRUST_NONE, -1, "");
	expect_certificate(lab.expired, HOST, HOST, TLS_DISTRUST_EXPIRED, 45,
			   "its certificate expired on 20|; it has to be renewed");
	expect_certificate(lab.future, HOST, HOST, TLS_DISTRUST_NOT_YET, 42,
			   "its certificate is not good before 20");
	expect_certificate(lab.self_signed, HOST, HOST, TLS_DISTRUST_SELF_SIGNED, 48,
			   "its certificate is signed by itself, and not trusted here");
	expect_certificate(lab.stranger, HOST, HOST, TLS_DISTRUST_UNKNOWN_CA, 48,
			   "its certificate comes from CN=Strange CA, whose certificate is neither "
			   "trusted here nor sent along");
	expect_certificate(lab.elsewhere, HOST, HOST, TLS_DISTRUST_WRONG_NAME, 42,
			   "its certificate is made for mail.example.test, www.example.test, not for "
			   HOST ";");
	expect_certificate(lab.wildcard, "a.b.example.test", "a.b.example.test",
			   TLS_DISTRUST_WRONG_NAME, 42, "made for *.example.test");
	/* To OpenSSL a leading dot would mean any host below. */
	expect_certificate(lab.good, ".example.test", ".example.test", TLS_DISTRUST_WRONG_NAME, 42,
			   "not for .example.test");
	expect_certificate(lab.good, "192.0.2.26", "192.0.2.26", TLS_DISTRUST_WRONG_NAME, 42,
			   "not for 192.0.2.26");
	expect_certificate(lab.common_name, HOST, HOST, TLS_DISTRUST_WRONG_NAME, 42,
			   "made for no name at all");
	expect_certificate(lab.short_one, HOST, HOST, TLS_DISTRUST_WEAK, 42,
			   "its certificate has a key or a signature that is too weak");
	expect_certificate(lab.client_only, HOST, HOST, TLS_DISTRUST_PURPOSE, 43,
			   "its certificate is not made for this purpose");
}

/* The level alone means the host: nothing may pass because nobody named a name. */
static void test_verify_without_a_name_means_the_host(void **state)
{
	struct tls_context *context = context_of("");
	SSL_CTX *good = server_make(lab.good, TLS1_2_VERSION, TLS1_3_VERSION);
	SSL_CTX *wrong = server_make(lab.elsewhere, TLS1_2_VERSION, TLS1_3_VERSION);
	struct tls_demand demand = demand_may();
	struct meeting meeting;

	demand.level = TLS_LEVEL_VERIFY;
	meeting_run(&meeting, context, good, &demand, HOST);
	assert_int_equal(meeting.result, IO_DONE);
	meeting_done(&meeting);
	meeting_run(&meeting, context, wrong, &demand, HOST);
	assert_int_equal(tls_client_verdict(meeting.client)->why, TLS_DISTRUST_WRONG_NAME);
	meeting_done(&meeting);
	SSL_CTX_free(good);
	SSL_CTX_free(wrong);
	tls_context_unref(&context);
}

/* A chain that is whole, and leads to a root that nobody knows. */
static void test_a_root_that_is_not_trusted(void **state)
{
	struct wish wish = {"Other CA", NULL, NULL, -10, 100};
	struct wish server_wish = {"server", "DNS:" HOST, "serverAuth", -10, 100};
	struct tls_context *context = context_of("");
	struct tls_demand demand = demand_may();
	struct meeting meeting;

	X509 *root = make(&wish, lab.ca_key, NULL, lab.ca_key);
	X509 *leaf = make(&server_wish, lab.key, root, lab.ca_key);
	SSL_CTX *server = server_make(leaf, TLS1_2_VERSION, TLS1_3_VERSION);
	CHECK(SSL_CTX_add1_chain_cert(server, root) == 1);
	demand.level = TLS_LEVEL_VERIFY;
	meeting_run(&meeting, context, server, &demand, HOST);
	assert_int_equal(tls_client_verdict(meeting.client)->why, TLS_DISTRUST_UNTRUSTED_ROOT);
	words_expect(&meeting, "its chain ends at CN=Other CA, which is not trusted here");
	meeting_done(&meeting);
	SSL_CTX_free(server);
	X509_free(leaf);
	X509_free(root);
	tls_context_unref(&context);
}

static struct tls_demand pin_demand(const unsigned char pin[DEMAND_PIN_BYTES])
{
	struct tls_demand demand = demand_may();
	struct tls_proof proof = {
		.kind = TLS_LEVEL_PIN,
		.pin_count = 2,
		.source = {.line = 42, .table = STR("TlsPolicy"), .variable = STR("Pins")}};

	memset(proof.pins[0], 7, DEMAND_PIN_BYTES);
	memcpy(proof.pins[1], pin, DEMAND_PIN_BYTES);
	demand_prove(&demand, &proof);
	return demand;
}

static void test_a_pin_needs_no_ca(void **state)
{
	struct tls_context *context = context_of("");
	SSL_CTX *server = server_make(lab.self_signed, TLS1_2_VERSION, TLS1_3_VERSION);
	unsigned char *der = NULL, pin[DEMAND_PIN_BYTES];
	struct meeting meeting;

	int len = i2d_PUBKEY(lab.key, &der);
	sha256(str_make(der, (size_t)len), pin);
	OPENSSL_free(der);
	struct tls_demand demand = pin_demand(pin);
	meeting_run(&meeting, context, server, &demand, HOST);
	assert_int_equal(meeting.result, IO_DONE);
	meeting_done(&meeting);

	/* A name on top of it is a demand of its own. */
	struct tls_proof name = name_proof(HOST);
	demand_prove(&demand, &name);
	meeting_run(&meeting, context, server, &demand, HOST);
	assert_int_equal(tls_client_verdict(meeting.client)->why, TLS_DISTRUST_SELF_SIGNED);
	meeting_done(&meeting);

	pin[0] ^= 1;
	demand = pin_demand(pin);
	meeting_run(&meeting, context, server, &demand, HOST);
	assert_int_equal(tls_client_verdict(meeting.client)->why, TLS_DISTRUST_PIN_CHANGED);
	words_expect(&meeting, "has no certificate that will do: its key is |, which is not pinned; "
			       "TlsPolicy/Pins (mailserver.cfg:42) demands pin; ask whoever runs it");
	assert_int_equal(meeting.alert, 42);
	meeting_done(&meeting);
	SSL_CTX_free(server);
	tls_context_unref(&context);
}

static void test_what_a_server_showed_can_be_told(void **state)
{
	struct tls_context *context = context_of("");
	SSL_CTX *server = server_make(lab.good, TLS1_2_VERSION, TLS1_3_VERSION);
	struct tls_demand demand = demand_may();
	struct tls_shown shown;
	struct meeting meeting;

	CHECK(SSL_CTX_add1_chain_cert(server, lab.ca) == 1);
	meeting_run(&meeting, context, server, &demand, HOST);
	assert_int_equal(tls_client_shown_count(meeting.client), 2);
	tls_client_shown(meeting.client, 0, &shown);
	assert_true(str_equals(buf_str(&shown.subject), STR("CN=server")));
	assert_true(str_equals(buf_str(&shown.issuer), STR("CN=Test CA")));
	assert_true(str_equals(buf_str(&shown.names), STR(HOST ", 192.0.2.25")));
	assert_true(str_equals(buf_str(&shown.key), STR("RSA 2048")));
	assert_true(shown.not_before < shown.not_after);
	tls_shown_done(&shown);
	meeting_done(&meeting);
	SSL_CTX_free(server);
	tls_context_unref(&context);
}

static void test_the_name_is_sent_but_no_address(void **state)
{
	struct tls_context *context = context_of("");
	SSL_CTX *server = server_make(lab.good, TLS1_2_VERSION, TLS1_3_VERSION);
	struct tls_demand demand = demand_may();
	struct meeting meeting;

	meeting_run(&meeting, context, server, &demand, HOST ".");
	assert_string_equal(meeting.sni, HOST);
	meeting_done(&meeting);
	meeting_run(&meeting, context, server, &demand, "192.0.2.25");
	assert_string_equal(meeting.sni, "");
	meeting_done(&meeting);
	meeting_run(&meeting, context, server, &demand, "2001:db8::25");
	assert_string_equal(meeting.sni, "");
	meeting_done(&meeting);
	SSL_CTX_free(server);
	tls_context_unref(&context);
}

/* ---- demands narrow ---- */

static void test_a_demand_raises_the_version(void **state)
{
	struct tls_context *context = context_of("");
	SSL_CTX *server = server_make(lab.good, TLS1_VERSION, TLS1_2_VERSION);
	struct tls_demand demand = demand_may();
	struct meeting meeting;

	demand.min = TLS_PROTOCOL_1_3;
	demand.min_source = (struct finding_place){
		.line = 43, .table = STR("TlsPolicy"), .variable = STR("MinVersion")};
	meeting_run(&meeting, context, server, &demand, HOST);
	words_expect(&meeting, "speaks none of the versions offered; TlsPolicy/MinVersion "
			       "(mailserver.cfg:43) offers TLSv1.3 (alert 70");
	meeting_done(&meeting);
	SSL_CTX_free(server);
	tls_context_unref(&context);
}

static void test_a_demand_narrows_suites(void **state)
{
	static const uint16_t suites[] = {0xc02f, 0x1301};
	struct tls_context *context = context_of("");
	SSL_CTX *server = server_make(lab.good, TLS1_2_VERSION, TLS1_3_VERSION);
	SSL_CTX *old = server_make(lab.good, TLS1_2_VERSION, TLS1_2_VERSION);
	struct tls_demand demand = demand_may();
	struct meeting meeting;

	demand.suites = suites;
	demand.suite_count = 2;
	meeting_run(&meeting, context, server, &demand, HOST);
	assert_string_equal(meeting.facts.suite, "TLS_AES_128_GCM_SHA256");
	meeting_done(&meeting);
	meeting_run(&meeting, context, old, &demand, HOST);
	assert_string_equal(meeting.facts.suite, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
	meeting_done(&meeting);
	/* Only one of TLS 1.2, and TLS 1.3 is not offered any more. */
	demand.suite_count = 1;
	meeting_run(&meeting, context, server, &demand, HOST);
	assert_string_equal(meeting.facts.version_name, "TLSv1.2");
	meeting_done(&meeting);
	SSL_CTX_free(server);
	SSL_CTX_free(old);
	tls_context_unref(&context);
}

static void expect_nothing(const char *variables, const struct tls_demand *demand,
			   const char *words)
{
	struct tls_context *context = context_of(variables);
	struct tls_client_parts parts = {
		.context = context, .fd = -1, .host = STR(HOST), .demand = demand};
	struct tls_connection *client = NULL;
	struct buf why = BUF_INIT(1024);

	assert_int_equal(tls_client_new(&parts, &why, &client), FAULT_INVALID);
	assert_null(client);
	buf_append_char(&why, '\0');
	assert_string_equal(why.data, words);
	buf_done(&why);
	tls_context_unref(&context);
}

static void test_a_demand_that_leaves_nothing(void **state)
{
	static const uint16_t unknown[] = {0x0005};
	struct tls_demand none = demand_may(), newer = demand_may(), odd = demand_may();

	none.level = TLS_LEVEL_NONE;
	none.level_source = (struct finding_place){
		.line = 41, .table = STR("TlsPolicy"), .variable = STR("Level")};
	expect_nothing("", &none, "TLS is not wanted: TlsPolicy/Level (mailserver.cfg:41) says none");
	newer.min = TLS_PROTOCOL_1_3;
	newer.min_source = none.level_source;
	expect_nothing(VARIABLE("ClientTlsProtocols", "TLSv1.2"), &newer,
		       "TlsPolicy/Level (mailserver.cfg:41) demands TLSv1.3 or newer, and "
		       "SmtpSecurity/ClientTlsProtocols (mailserver.cfg:3) offers TLSv1.2");
	odd.suites = unknown;
	odd.suite_count = 1;
	odd.suites_source = none.level_source;
	expect_nothing("", &odd,
		       "no suite is left to offer: TlsPolicy/Level (mailserver.cfg:41) admits none of "
		       "those that SmtpSecurity/ClientTlsCiphers (the default) names");
}

/* A server that lets nobody but TLS 1.3 in: what the client offers stands in its hello. */
static void test_the_hybrid_group_is_first_and_can_be_left_out(void **state)
{
	bool is_known = (lab.catalog->groups & 1) != 0;
	struct tls_context *context = context_of("");
	SSL_CTX *server = server_make(lab.good, TLS1_3_VERSION, TLS1_3_VERSION);
	struct tls_demand demand = demand_may();
	struct meeting meeting;

	CHECK(SSL_CTX_set1_groups_list(server, is_known ? "X25519MLKEM768:X25519" : "X25519") == 1);
	meeting_run(&meeting, context, server, &demand, HOST);
	assert_string_equal(meeting.facts.group, is_known ? "X25519MLKEM768" : "x25519");
	meeting_done(&meeting);
	demand.without_hybrid = true;
	meeting_run(&meeting, context, server, &demand, HOST);
	assert_string_equal(meeting.facts.group, "x25519");
	meeting_done(&meeting);
	SSL_CTX_free(server);
	tls_context_unref(&context);
}

/* ---- nothing is resumed ---- */

/* RFC 5077 section 3.2: the extension asks for a ticket. */
static int ticket_note(SSL *ssl, int *alert, void *asked)
{
	const unsigned char *body;
	size_t len;

	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_session_ticket, &body, &len) == 1)
		*(bool *)asked = true;
	return SSL_CLIENT_HELLO_SUCCESS;
}

static void test_no_session_is_resumed_nor_asked_for(void **state)
{
	struct tls_context *context = context_of("");
	struct tls_demand demand = demand_may();
	struct meeting meeting;
	bool asked = false;

	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		SSL_CTX *server = server_make(lab.good, version, version);
		SSL_CTX_set_client_hello_cb(server, ticket_note, &asked);
		for (int turn = 0; turn < 2; turn++) {
			meeting_run(&meeting, context, server, &demand, HOST);
			assert_int_equal(meeting.result, IO_DONE);
			assert_false(meeting.facts.is_resumed);
			assert_false(asked);
			assert_true(tls_client_verdict(meeting.client)->is_given);
			meeting_done(&meeting);
		}
		SSL_CTX_free(server);
	}
	tls_context_unref(&context);
}

/* ---- raw servers ---- */

static struct buf words_after(struct str sent, bool is_expired)
{
	struct tls_context *context = context_of(VARIABLE("ClientTlsProtocols", "TLSv1.2,TLSv1.3"));
	struct tls_demand demand = demand_may();
	struct buf words = BUF_INIT(16 * 1024), why = BUF_INIT(1024);
	struct tls_connection *client = NULL;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	struct tls_client_parts parts = {
		.context = context, .fd = fds[0], .host = STR(HOST), .demand = &demand};
	assert_int_equal(tls_client_new(&parts, &why, &client), FAULT_NONE);
	assert_int_equal(tls_handshake(client), IO_WANT_INPUT);
	assert_int_equal(write(fds[1], sent.ptr, sent.len), (ssize_t)sent.len);
	if (is_expired) {
		assert_int_equal(tls_handshake(client), IO_WANT_INPUT);
		tls_handshake_expire(client);
	} else {
		(void)shutdown(fds[1], SHUT_WR);
		enum io io = tls_handshake(client);
		assert_true(io == IO_BROKEN || io == IO_CLOSED);
	}
	tls_client_reason_append(&words, client);
	buf_append_char(&words, '\0');
	tls_connection_free(&client);
	close(fds[0]);
	close(fds[1]);
	tls_context_unref(&context);
	buf_done(&why);
	return words;
}

#define ZEROS_16 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define RANDOM ZEROS_16 ZEROS_16
/* A ServerHello in a record: its version, then the suite, no extension. */
#define SERVER_HELLO(version, random, suite)                                                       \
	STR_INIT("\x16\x03\x01\x00\x2a\x02\x00\x00\x26" version random "\x00" suite "\x00")
/* One of TLS 1.2 with safe renegotiation (RFC 5746), and the records behind it. */
#define SAFE_SERVER_HELLO(suite, then)                                                             \
	STR_INIT("\x16\x03\x03\x00\x31\x02\x00\x00\x2d\x03\x03" RANDOM "\x00" suite                \
		 "\x00\x00\x05\xff\x01\x00\x01\x00" then)

static void test_what_servers_do_is_named(void **state)
{
	static const struct {
		struct str sent;
		bool is_expired;
		const char *expected;
	} cases[] = {
		{SERVER_HELLO("\x03\x02", RANDOM, "\xc0\x13"), false,
		 "answered with TLSv1.1; SmtpSecurity/ClientTlsProtocols (mailserver.cfg:3) offers "
		 "TLSv1.2, TLSv1.3; it has to be upgraded; answered with alert 70, "
		 "protocol_version"},
		{SERVER_HELLO("\x03\x00", RANDOM, "\x00\x35"), false,
		 "answered with SSLv3; SmtpSecurity/ClientTlsProtocols (mailserver.cfg:3) offers "
		 "TLSv1.2, TLSv1.3; it has to be upgraded; answered with alert 70, "
		 "protocol_version"},
		{SERVER_HELLO("\x03\x03", ZEROS_16 "\0\0\0\0\0\0\0\0" "DOWNGRD\x01", "\xc0\x2f"),
		 false,
		 "answered with TLSv1.2 and the mark of a server that can do better (RFC 8446 "
		 "section 4.1.3); SmtpSecurity/ClientTlsProtocols (mailserver.cfg:3) offers TLSv1.2, "
		 "TLSv1.3; something on the way changes handshakes, or its own list of versions has "
		 "a hole; answered with alert 47, illegal_parameter"},
		{SERVER_HELLO("\x03\x03", RANDOM, "\x00\x05"), false,
		 "chose the suite TLS_RSA_WITH_RC4_128_SHA, which was not offered; SmtpSecurity/ClientTlsCiphers (the "
		 "default) says what is; a fault in its TLS library; answered with alert 47, "
		 "illegal_parameter"},
		{STR_INIT("220 mx.example.test ESMTP\r\n"), false,
		 "spoke no TLS where TLS was expected (it began with 220 mx.example.test ESMT); the "
		 "port may be one where TLS begins with STARTTLS"},
		{STR_INIT(""), false,
		 "closed the connection when TLS began; its log says why; servers without a "
		 "certificate often do so"},
		{STR_INIT("\x16\x03\x03\x00\x40"), false,
		 "closed the connection in the middle of the handshake; its log says why"},
		{STR_INIT(""), true,
		 "said nothing to the hello until the time for the handshake was over; the port may "
		 "be one where TLS begins with STARTTLS, or a firewall swallows large packets"},
		{STR_INIT("\x16\x03\x03\x00\x40"), true,
		 "did not finish the handshake in time; a slow line, or a firewall that swallows "
		 "large packets"},
		{STR_INIT("\x16\x03\x03\x00\x04\x0b\x00\x00\x00"), false,
		 "sent a message out of turn (unexpected message); a fault in its TLS library; "
		 "answered with alert 10, unexpected_message"},
		{STR_INIT("\x16\x03\x03\x00\x05\x02\x00\x00\x01\x03"), false,
		 "sent a malformed message (length mismatch); a fault in its TLS library; answered "
		 "with alert 50, decode_error"},
		/* No certificate: an empty list of them, and not even that. */
		{SAFE_SERVER_HELLO("\xc0\x2f", "\x16\x03\x03\x00\x07\x0b\x00\x00\x03\x00\x00\x00"),
		 false,
		 "sent a malformed message (length mismatch); a fault in its TLS library; answered "
		 "with alert 50, decode_error"},
		{SAFE_SERVER_HELLO("\xc0\x2f", "\x16\x03\x03\x00\x04\x0e\x00\x00\x00"), false,
		 "sent a message out of turn (unexpected message); a fault in its TLS library; "
		 "answered with alert 10, unexpected_message"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf words = words_after(cases[i].sent, cases[i].is_expired);
		assert_string_equal(words.data, cases[i].expected);
		buf_done(&words);
	}
}

static void test_each_alert_of_a_server_has_words(void **state)
{
	for (size_t i = 0; i < tls_alert_count(); i++) {
		const struct tls_alert_row *row = tls_alert_at(i);
		char record[] = {21, 3, 3, 0, 2, 2, (char)row->alert};
		struct buf number = BUF_INIT(256);
		struct buf words = words_after(str_make(record, sizeof(record)), false);
		buf_printf(&number, "(alert %d, %s); ", row->alert, row->name);
		assert_true(str_has_prefix(str_from_c(words.data), STR("refused: ")));
		assert_true(str_find(str_from_c(words.data), buf_str(&number)) != STR_NONE);
		assert_true(str_find_char(str_from_c(words.data), '{') == STR_NONE);
		buf_done(&number);
		buf_done(&words);
	}
	struct buf words = words_after(STR("\x15\x03\x03\x00\x02\x02\x46"), false);
	assert_string_equal(words.data,
			    "refused: it speaks none of the versions offered; "
			    "SmtpSecurity/ClientTlsProtocols (mailserver.cfg:3) offers TLSv1.2, TLSv1.3 "
			    "(alert 70, protocol_version); it has to be upgraded");
	buf_done(&words);
}

static void test_the_answer_is_parsed_within_its_bounds(void **state)
{
	static const struct str whole =
		STR_INIT("\x02\x00\x00\x2e\x03\x03" RANDOM "\x00\x13\x01\x00\x00\x06\x00\x2b\x00\x02"
			 "\x03\x04");
	struct tls_answer answer = {.is_given = false};

	assert_true(tls_answer_parse(whole, &answer));
	assert_true(answer.is_given);
	assert_int_equal(answer.version, 0x0304);
	assert_int_equal(answer.suite, 0x1301);
	assert_false(answer.has_sentinel);
	for (size_t len = 0; len < whole.len; len++)
		assert_false(tls_answer_parse(str_sub(whole, 0, len), &answer));
}

/* ---- trust ---- */

static void test_trust_is_read_from_files(void **state)
{
	char folder[] = "/tmp/postern-trust-XXXXXX";
	struct buf notes = BUF_INIT(8192);
	struct tls_anchors *anchors = tls_anchors_new();

	assert_non_null(mkdtemp(folder));
	char *good = path_join(folder, "root.crt"), *bad = path_join(folder, "bad.pem");
	char *other = path_join(folder, "notes.txt");
	FILE *file = fopen(good, "w");
	CHECK(PEM_write_X509(file, lab.ca) == 1 && fclose(file) == 0);
	assert_int_equal(file_replace(bad, STR("nothing\n"), 0644), FAULT_NONE);
	assert_int_equal(file_replace(other, STR("nothing\n"), 0644), FAULT_NONE);
	tls_anchors_load(anchors, folder, &notes);
	assert_int_equal(tls_anchors_count(anchors), 1);
	assert_true(str_find(buf_str(&notes), STR("bad.pem holds no certificate")) != STR_NONE);
	assert_true(str_find(buf_str(&notes), STR("notes.txt")) == STR_NONE);
	buf_reset(&notes);
	tls_anchors_load(anchors, "/nonexistent/sslca", &notes);
	assert_int_equal(notes.len, 0);
	assert_int_equal(tls_anchors_add(anchors,
				       STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
				       NULL),
			 FAULT_INVALID);
	unlink(good);
	unlink(bad);
	unlink(other);
	rmdir(folder);
	free(good);
	free(bad);
	free(other);
	tls_anchors_unref(&anchors);
	buf_done(&notes);
}

/* ---- the manual ---- */

static void manual_expect(const struct buf *manual, struct buf *row, const char *format, ...)
	format_printf(3, 4);
static void manual_expect(const struct buf *manual, struct buf *row, const char *format, ...)
{
	va_list args;

	buf_reset(row);
	va_start(args, format);
	buf_vprintf(row, format, args);
	va_end(args);
	if (str_find(buf_str(manual), buf_str(row)) == STR_NONE)
		fail_msg("failures.md lacks: %.*s", STR_ARG(buf_str(row)));
}

static void test_the_manual_has_the_same_words(void **state)
{
	struct buf manual = BUF_INIT(1 << 20), row = BUF_INIT(4096);
	char *path = path_join(MANUAL_FOLDER, "failures.md");

	assert_int_equal(file_read(path, &manual), FAULT_NONE);
	for (int i = 0; i < TLS_CLIENT_FAILURE_COUNT; i++) {
		const struct tls_failure_row *failure =
			tls_client_failure_row((enum tls_client_failure)i);
		manual_expect(&manual, &row, "\n| %s | %s |\n", failure->what, failure->cure);
	}
	for (int i = TLS_DISTRUST_NONE + 1; i < TLS_DISTRUST_COUNT; i++) {
		const struct tls_distrust_row *distrust = tls_distrust_row((enum tls_distrust)i);
		manual_expect(&manual, &row, "\n| `%s` | %s | %s |\n", distrust->name,
			      distrust->what, distrust->cure);
	}
	for (size_t i = 0; i < tls_server_alert_count(); i++) {
		const struct tls_server_alert_row *alert = tls_server_alert_at(i);
		manual_expect(&manual, &row, "\n| %d | `%s` | %s | %s |\n", alert->alert,
			      tls_alert_row(alert->alert)->name, alert->meaning, alert->cure);
	}
	free(path);
	buf_done(&manual);
	buf_done(&row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_a_hole_leaves_the_highest_run),
		cmocka_unit_test(test_a_floor_for_clients),
		cmocka_unit_test(test_suites_and_key_exchanges),
		cmocka_unit_test(test_the_smallest_dh_group),
		cmocka_unit_test(test_what_is_only_carried_arrives),
		cmocka_unit_test(test_a_signature_with_sha1_is_not_taken),
		cmocka_unit_test(test_dh_numbers_that_give_the_key_away),
		cmocka_unit_test(test_a_signature_that_does_not_verify),
		cmocka_unit_test(test_a_finished_that_does_not_verify),
		cmocka_unit_test(test_what_can_be_wrong_with_a_certificate),
		cmocka_unit_test(test_verify_without_a_name_means_the_host),
		cmocka_unit_test(test_a_root_that_is_not_trusted),
		cmocka_unit_test(test_a_pin_needs_no_ca),
		cmocka_unit_test(test_what_a_server_showed_can_be_told),
		cmocka_unit_test(test_the_name_is_sent_but_no_address),
		cmocka_unit_test(test_a_demand_raises_the_version),
		cmocka_unit_test(test_a_demand_narrows_suites),
		cmocka_unit_test(test_a_demand_that_leaves_nothing),
		cmocka_unit_test(test_the_hybrid_group_is_first_and_can_be_left_out),
		cmocka_unit_test(test_no_session_is_resumed_nor_asked_for),
		cmocka_unit_test(test_what_servers_do_is_named),
		cmocka_unit_test(test_each_alert_of_a_server_has_words),
		cmocka_unit_test(test_the_answer_is_parsed_within_its_bounds),
		cmocka_unit_test(test_trust_is_read_from_files),
		cmocka_unit_test(test_the_manual_has_the_same_words),
	};

	return cmocka_run_group_tests(tests, lab_make, lab_drop);
}
