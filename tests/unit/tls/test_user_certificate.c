/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of tls/user_anchors and tls/user_certificate, with a CA of OpenSSL's own functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "fixture.h"
#include "tls/user_certificate.h"

enum { DAY = 86400 };

struct issue {
	const char *names; /* as openssl.cnf writes a subjectAltName; NULL: none */
	const char *usage; /* extended; NULL: none */
	long not_before;   /* seconds from now */
	long not_after;
};

static const struct issue GOOD = {"email:anna@example.org", "clientAuth", -DAY, DAY};

static EVP_PKEY *key; /* of everybody */

static void extension_add(X509 *to, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, to, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(to, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static X509 *certificate_make(const char *name, X509 *issuer, const struct issue *issue)
{
	static long serial = 100;
	X509 *made = X509_new();

	X509_set_version(made, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(made, X509_get_subject_name(issuer == NULL ? made : issuer));
	X509_gmtime_adj(X509_getm_notBefore(made), issue->not_before);
	X509_gmtime_adj(X509_getm_notAfter(made), issue->not_after);
	X509_set_pubkey(made, key);
	extension_add(made, made, NID_basic_constraints,
		      issuer == NULL ? "critical,CA:TRUE" : "CA:FALSE");
	if (issue->names != NULL)
		extension_add(made, made, NID_subject_alt_name, issue->names);
	if (issue->usage != NULL)
		extension_add(made, made, NID_ext_key_usage, issue->usage);
	assert_true(X509_sign(made, key, EVP_sha256()) > 0);
	return made;
}

static void append_pem(struct buf *to, X509 *certificate, X509_CRL *list)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;

	if (certificate != NULL)
		PEM_write_bio_X509(bio, certificate);
	if (list != NULL)
		PEM_write_bio_X509_CRL(bio, list);
	size_t len = (size_t)BIO_get_mem_data(bio, &text);
	buf_append(to, text, len);
	BIO_free(bio);
}

static X509_CRL *list_make(X509 *issuer, X509 *revoked, long next_update)
{
	X509_CRL *list = X509_CRL_new();
	ASN1_TIME *now = X509_gmtime_adj(NULL, -DAY), *next = X509_gmtime_adj(NULL, next_update);

	X509_CRL_set_version(list, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer));
	X509_CRL_set1_lastUpdate(list, now);
	X509_CRL_set1_nextUpdate(list, next);
	if (revoked != NULL) {
		X509_REVOKED *entry = X509_REVOKED_new();
		X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked));
		X509_REVOKED_set_revocationDate(entry, now);
		X509_CRL_add0_revoked(list, entry);
	}
	assert_true(X509_CRL_sign(list, key, EVP_sha256()) > 0);
	ASN1_TIME_free(now);
	ASN1_TIME_free(next);
	return list;
}

/* A context that judges by the PEM text. */
static struct tls_context *listener_make(const struct buf *pem)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_identity identity = {world.ec, KEY_EC, true};
	struct buf why = BUF_INIT(1024);
	struct tls_user_anchors *anchors;
	struct tls_context *context;

	assert_int_equal(tls_user_anchors_parse(buf_str(pem), &why, &anchors), FAULT_NONE);
	struct tls_context_parts parts = {.policy = &policy,
					  .identities = &identity,
					  .identity_count = 1,
					  .keys = &world.source.source,
					  .user_anchors = anchors,
					  .file_name = STR("mailserver.cfg")};
	assert_int_equal(tls_context_new(&parts, &why, &context), FAULT_NONE);
	tls_user_anchors_unref(&anchors);
	buf_done(&why);
	return context;
}

static void client_show(SSL_CTX *client, X509 *certificate)
{
	if (certificate != NULL)
		assert_int_equal(SSL_CTX_use_cert_and_key(client, certificate, key, NULL, 1), 1);
}

/* Both versions must agree; the caller looks at the outcome. */
static struct tls_user_certificate shown(struct tls_context *context, X509 *certificate)
{
	struct tls_user_certificate outcome[2];

	for (int i = 0; i < 2; i++) {
		int version = i == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
		SSL_CTX *client = client_make(version, version);
		struct handshake shake;
		client_show(client, certificate);
		handshake_run(&shake, context, client, NULL, NULL);
		assert_true(handshake_is_good(&shake));
		assert_true(handshake_talk(&shake));
		tls_user_certificate_read(shake.server, &outcome[i]);
		assert_int_equal(shake.facts.has_user, outcome[i].is_good);
		handshake_done(&shake);
		SSL_CTX_free(client);
	}
	assert_int_equal(outcome[0].is_good, outcome[1].is_good);
	assert_string_equal(outcome[0].why, outcome[1].why);
	return outcome[1];
}

struct folder {
	X509 *root;
	struct buf pem;
	struct tls_context *context;
};

static void folder_make(struct folder *folder, X509_CRL *list)
{
	static const struct issue root = {NULL, NULL, -DAY, DAY};

	if (folder->root == NULL)
		folder->root = certificate_make("users", NULL, &root);
	folder->pem = BUF_INIT(TLS_USER_ANCHORS_MAX);
	append_pem(&folder->pem, folder->root, list);
	folder->context = listener_make(&folder->pem);
}

static void folder_done(struct folder *folder)
{
	X509_free(folder->root);
	buf_done(&folder->pem);
	tls_context_unref(&folder->context);
}

static void test_good_and_none(void **state)
{
	struct folder folder = {0};

	folder_make(&folder, NULL);
	X509 *anna = certificate_make("anna", folder.root, &GOOD);
	struct tls_user_certificate outcome = shown(folder.context, anna);
	assert_true(outcome.is_presented && outcome.is_good);
	assert_int_equal(outcome.name_count, 1);
	assert_string_equal(outcome.names[0], "anna@example.org");
	outcome = shown(folder.context, NULL);
	assert_false(outcome.is_presented || outcome.is_good);
	/* A listener that does not ask sees none. */
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_context *other = context_make(&policy, WITH_EC, NULL);
	outcome = shown(other, anna);
	assert_false(outcome.is_presented || outcome.is_good);
	tls_context_unref(&other);
	X509_free(anna);
	folder_done(&folder);
}

static void test_bad(void **state)
{
	static const struct {
		struct issue issue;
		const char *why;
	} cases[] = {
		{{"email:a@b.example", "clientAuth", -2 * DAY, -DAY}, "it has expired"},
		{{"email:a@b.example", "clientAuth", DAY, 2 * DAY}, "it is not valid yet"},
		{{"email:a@b.example", "serverAuth", -DAY, DAY}, "it is not made for clients"},
		{{NULL, NULL, -DAY, DAY},
		 "it names no mail address (subjectAltName, rfc822Name)"},
		{{"DNS:b.example,URI:mailto:a@b.example", NULL, -DAY, DAY},
		 "it names no mail address (subjectAltName, rfc822Name)"},
	};
	struct folder folder = {0};

	folder_make(&folder, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		X509 *made = certificate_make("x", folder.root, &cases[i].issue);
		struct tls_user_certificate outcome = shown(folder.context, made);
		assert_true(outcome.is_presented && !outcome.is_good);
		assert_string_equal(outcome.why, cases[i].why);
		X509_free(made);
	}
	folder_done(&folder);
}

static void test_names(void **state)
{
	struct folder folder = {0};
	struct issue issue = GOOD;

	folder_make(&folder, NULL);
	issue.names = "DNS:x.example,email:one@x.example,email:two@x.example";
	issue.usage = NULL;
	X509 *made = certificate_make("x", folder.root, &issue);
	struct tls_user_certificate outcome = shown(folder.context, made);
	assert_true(outcome.is_good);
	assert_int_equal(outcome.name_count, 2);
	assert_string_equal(outcome.names[0], "one@x.example");
	assert_string_equal(outcome.names[1], "two@x.example");
	X509_free(made);
	issue.names = "email:1@x,email:2@x,email:3@x,email:4@x,email:5@x,email:6@x,email:7@x,email:8@x,"
		      "email:9@x";
	made = certificate_make("x", folder.root, &issue);
	assert_int_equal(shown(folder.context, made).name_count, TLS_USER_NAMES_MAX);
	X509_free(made);
	folder_done(&folder);
}

/* A NUL within a name would let "anna@example.org\0.evil.example" be anna. */
static void test_names_that_are_none(void **state)
{
	struct folder folder = {0};
	struct issue issue = {NULL, NULL, -DAY, DAY};
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();

	folder_make(&folder, NULL);
	X509 *made = certificate_make("x", folder.root, &issue);
	ASN1_STRING_set(text, "anna@example.org\0.evil.example", 30);
	GENERAL_NAME_set0_value(name, GEN_EMAIL, text);
	sk_GENERAL_NAME_push(names, name);
	assert_int_equal(X509_add1_ext_i2d(made, NID_subject_alt_name, names, 0, 0), 1);
	assert_true(X509_sign(made, key, EVP_sha256()) > 0);
	assert_false(shown(folder.context, made).is_good);
	GENERAL_NAMES_free(names);
	X509_free(made);
	folder_done(&folder);
}

static void test_foreign_and_pinned(void **state)
{
	struct folder folder = {0}, other = {0};

	folder_make(&folder, NULL);
	X509 *anna = certificate_make("anna", folder.root, &GOOD);
	other.root = certificate_make("others", NULL, &GOOD);
	folder_make(&other, NULL);
	assert_string_equal(shown(other.context, anna).why,
			    "its issuer does not stand in sslca/clients");
	/* The user's own certificate, put there by hand. */
	struct folder pinned = {.pem = BUF_INIT(TLS_USER_ANCHORS_MAX)};
	append_pem(&pinned.pem, anna, NULL);
	pinned.context = listener_make(&pinned.pem);
	assert_true(shown(pinned.context, anna).is_good);
	X509_free(anna);
	folder_done(&pinned);
	folder_done(&other);
	folder_done(&folder);
}

static void test_revoked(void **state)
{
	static const struct issue root = {NULL, NULL, -DAY, DAY};
	struct folder folder = {.root = certificate_make("users", NULL, &root)};
	X509 *anna = certificate_make("anna", folder.root, &GOOD);
	X509 *bert = certificate_make("bert", folder.root, &GOOD);
	X509_CRL *list = list_make(folder.root, anna, DAY);

	folder_make(&folder, list);
	assert_string_equal(shown(folder.context, anna).why, "it was revoked");
	assert_true(shown(folder.context, bert).is_good);
	buf_done(&folder.pem);
	tls_context_unref(&folder.context);
	X509_CRL_free(list);
	list = list_make(folder.root, NULL, -60);
	folder_make(&folder, list);
	assert_false(shown(folder.context, bert).is_good);
	X509_CRL_free(list);
	X509_free(anna);
	X509_free(bert);
	folder_done(&folder);
}

/* A list of one issuer says nothing of another's certificates. */
static void test_issuer_without_list(void **state)
{
	static const struct issue root = {NULL, NULL, -DAY, DAY};
	X509 *listed = certificate_make("listed", NULL, &root);
	X509_CRL *list = list_make(listed, NULL, DAY);
	struct folder folder = {0};

	folder_make(&folder, list);
	X509 *anna = certificate_make("anna", folder.root, &GOOD);
	assert_true(shown(folder.context, anna).is_good);
	X509_free(anna);
	X509_CRL_free(list);
	X509_free(listed);
	folder_done(&folder);
}

/* The session of a first handshake at `before`, taken up at `after`: resumed or not, and good or not. */
static void resume_expect(struct tls_context *before, struct tls_context *after, X509 *certificate,
			  bool is_resumed, bool is_good)
{
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		SSL_CTX *client = client_make(version, version);
		struct handshake shake;
		client_show(client, certificate);
		handshake_run(&shake, before, client, NULL, NULL);
		assert_true(handshake_talk(&shake));
		SSL_SESSION *session = handshake_session(&shake);
		handshake_done(&shake);
		assert_non_null(session);
		handshake_run(&shake, after, client, NULL, session);
		assert_true(handshake_is_good(&shake));
		assert_int_equal(shake.facts.is_resumed, is_resumed);
		assert_int_equal(shake.facts.has_user, is_good);
		handshake_done(&shake);
		SSL_SESSION_free(session);
		SSL_CTX_free(client);
	}
}

static void test_resumed(void **state)
{
	static const struct issue short_lived = {"email:a@b.example", NULL, -DAY, 2};
	struct folder folder = {0};

	folder_make(&folder, NULL);
	X509 *anna = certificate_make("anna", folder.root, &GOOD);
	X509 *brief = certificate_make("brief", folder.root, &short_lived);
	X509 *nobody = certificate_make("x", folder.root, &(struct issue){NULL, NULL, -DAY, DAY});
	resume_expect(folder.context, folder.context, anna, true, true);
	resume_expect(folder.context, folder.context, nobody, true, false);
	resume_expect(folder.context, folder.context, NULL, true, false);
	/* It was good at the first handshake, and is not any more. */
	SSL_CTX *client = client_make(TLS1_3_VERSION, TLS1_3_VERSION);
	struct handshake shake;
	client_show(client, brief);
	handshake_run(&shake, folder.context, client, NULL, NULL);
	assert_true(shake.facts.has_user && handshake_talk(&shake));
	SSL_SESSION *session = handshake_session(&shake);
	while (X509_cmp_current_time(X509_get0_notAfter(brief)) > 0)
		usleep(50 * 1000);
	tls_connection_facts(shake.server, &shake.facts);
	assert_false(shake.facts.has_user);
	handshake_done(&shake);
	handshake_run(&shake, folder.context, client, NULL, session);
	assert_true(shake.facts.is_resumed && !shake.facts.has_user);
	handshake_done(&shake);
	SSL_SESSION_free(session);
	SSL_CTX_free(client);
	X509_free(anna);
	X509_free(brief);
	X509_free(nobody);
	folder_done(&folder);
}

static void test_damaged_files(void **state)
{
	struct buf why = BUF_INIT(1024);
	struct tls_user_anchors *anchors = NULL;

	assert_int_equal(tls_user_anchors_parse(STR("-----BEGIN CERTIFICATE-----\nAAAA\n"
						    "-----END CERTIFICATE-----\n"),
						&why, &anchors),
			 FAULT_INVALID);
	assert_true(str_equals(buf_str(&why), STR("certificate number 1 is damaged")));
	buf_reset(&why);
	assert_int_equal(tls_user_anchors_parse(STR("-----BEGIN X509 CRL-----\nAAAA\n"
						    "-----END X509 CRL-----\n"),
						&why, &anchors),
			 FAULT_INVALID);
	assert_true(str_equals(buf_str(&why), STR("revocation list number 1 is damaged")));
	assert_null(anchors);
	assert_int_equal(tls_user_anchors_parse(STR(""), &why, &anchors), FAULT_NONE);
	assert_int_equal(tls_user_anchors_count(anchors), 0);
	tls_user_anchors_unref(&anchors);
	buf_reset(&why);
	struct buf pem = BUF_INIT(100);
	assert_int_equal(tls_user_anchors_load("/nowhere/at/all", &pem, &why), FAULT_NONE);
	assert_int_equal(pem.len, 0);
	buf_done(&pem);
	buf_done(&why);
}

/* What a stranger calls himself does not forge a line. */
static void test_words(void **state)
{
	struct folder folder = {0};
	struct buf words = BUF_INIT(4096);
	struct tls_user_certificate outcome;
	SSL_CTX *client = client_make(TLS1_3_VERSION, TLS1_3_VERSION);
	struct handshake shake;

	folder_make(&folder, NULL);
	X509 *made = certificate_make("a\nb", folder.root, &(struct issue){NULL, NULL, -DAY, DAY});
	client_show(client, made);
	handshake_run(&shake, folder.context, client, NULL, NULL);
	tls_user_certificate_read(shake.server, &outcome);
	tls_user_certificate_append(&words, shake.server, &outcome, STR("192.0.2.26"));
	assert_true(str_equals(
		buf_str(&words),
		STR("TLS: 192.0.2.26 showed a certificate (CN=a\\0Ab) that logs nobody in: it names "
		    "no mail address (subjectAltName, rfc822Name)")));
	handshake_done(&shake);
	SSL_CTX_free(client);
	X509_free(made);
	buf_done(&words);
	folder_done(&folder);
}

static int all_make(void **state)
{
	key = EVP_EC_gen("P-256");
	return key == NULL ? 1 : world_make(state);
}

static int all_drop(void **state)
{
	EVP_PKEY_free(key);
	return world_drop(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_and_none),	  cmocka_unit_test(test_bad),
		cmocka_unit_test(test_names),		  cmocka_unit_test(test_names_that_are_none),
		cmocka_unit_test(test_foreign_and_pinned), cmocka_unit_test(test_revoked),
		cmocka_unit_test(test_issuer_without_list), cmocka_unit_test(test_resumed),
		cmocka_unit_test(test_damaged_files),	  cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, all_make, all_drop);
}
