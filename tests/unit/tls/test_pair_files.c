/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people put into sslcert/: a table of files that are not what they should
 * be, each with the words that must be said of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "crypto/library.h"
#include "fixture.h"
#include "tls/certificate_facts.h"
#include "tls/pem.h"

enum { FILE_MAX = 16 << 20, DAY_S = 24 * 3600 };

/* Both files of a pair, begun as the good EC pair of the fixture. */
struct files {
	struct buf chain;
	struct buf key;
};

static struct str ec_chain(void)
{
	return buf_str(&world.ec_pem.chain);
}

static struct str ec_key(void)
{
	return buf_str(&world.ec_pem.key);
}

static void put(struct buf *to, struct str text)
{
	buf_reset(to);
	buf_append_str(to, text);
}

/* The leaf alone, without the root behind it. */
static struct str first_block(struct str pem)
{
	struct str end = STR("-----END CERTIFICATE-----\n");

	return str_sub(pem, 0, str_find(pem, end) + end.len);
}

static struct str second_block(struct str pem)
{
	return str_from(pem, first_block(pem).len);
}

/* ---- what is done to the files ---- */

static void make_good(struct files *files)
{
	(void)files;
}

static void make_empty(struct files *files)
{
	buf_reset(&files->chain);
}

static void make_cut(struct files *files)
{
	buf_truncate(&files->chain, 400);
}

static void make_cut_in_issuer(struct files *files)
{
	buf_truncate(&files->chain, files->chain.len - 100);
}

static void make_damaged(struct files *files)
{
	memset(files->chain.data + 100, '!', 20);
}

static void make_der(struct files *files)
{
	unsigned char *der = NULL;
	int len = i2d_X509(tls_certificate_leaf(world.ec), &der);

	put(&files->chain, str_make(der, (size_t)len));
	OPENSSL_free(der);
}

static void make_key_der(struct files *files)
{
	BIO *bio = BIO_new_mem_buf(files->key.data, (int)files->key.len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	unsigned char *der = NULL;
	int len = i2d_PrivateKey(key, &der);

	put(&files->key, str_make(der, (size_t)len));
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	BIO_free(bio);
}

static void make_pkcs12(struct files *files)
{
	BIO *bio = BIO_new_mem_buf(files->key.data, (int)files->key.len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	PKCS12 *made = PKCS12_create("secret", "name", key, tls_certificate_leaf(world.ec), NULL, 0,
				     0, 0, 0, 0);
	unsigned char *der = NULL;
	int len = i2d_PKCS12(made, &der);

	put(&files->chain, str_make(der, (size_t)len));
	OPENSSL_free(der);
	PKCS12_free(made);
	EVP_PKEY_free(key);
	BIO_free(bio);
}

static void make_passphrase(struct files *files)
{
	BIO *bio = BIO_new_mem_buf(files->key.data, (int)files->key.len), *out = BIO_new(BIO_s_mem());
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	char *bytes;

	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_128_cbc(), "secret", 6,
						       NULL, NULL),
			 1);
	long len = BIO_get_mem_data(out, &bytes);
	put(&files->key, str_make(bytes, (size_t)len));
	EVP_PKEY_free(key);
	BIO_free(bio);
	BIO_free(out);
}

static void make_root_first(struct files *files)
{
	put(&files->chain, second_block(ec_chain()));
	buf_append_str(&files->chain, first_block(ec_chain()));
}

static void make_leaf_twice(struct files *files)
{
	put(&files->chain, first_block(ec_chain()));
	buf_append_str(&files->chain, ec_chain());
}

static void make_many(struct files *files, int count)
{
	buf_reset(&files->chain);
	for (int i = 0; i < count; i++)
		buf_append_str(&files->chain, first_block(ec_chain()));
}

static void make_seventeen(struct files *files)
{
	make_many(files, 17);
}

static void make_hundred(struct files *files)
{
	make_many(files, 100);
}

static void make_ten_megabytes(struct files *files)
{
	while (files->chain.len < 10 << 20)
		buf_append_str(&files->chain, ec_chain());
}

static void make_key_in_chain(struct files *files)
{
	buf_append_str(&files->chain, ec_key());
}

static void make_crlf(struct files *files)
{
	buf_reset(&files->chain);
	for (struct str rest = ec_chain(); rest.ptr != NULL && rest.len > 0;) {
		buf_append_str(&files->chain, str_cut(&rest, '\n'));
		buf_append_c(&files->chain, "\r\n");
	}
}

static void make_bom(struct files *files)
{
	put(&files->chain, STR("\xef\xbb\xbf"));
	buf_append_str(&files->chain, ec_chain());
	put(&files->key, STR("\xef\xbb\xbf"));
	buf_append_str(&files->key, ec_key());
}

static void make_utf16(struct files *files)
{
	put(&files->chain, STR("\xff\xfe"));
	for (size_t i = 0; i < ec_chain().len; i++) {
		buf_append_char(&files->chain, ec_chain().ptr[i]);
		buf_append_char(&files->chain, '\0');
	}
}

static void make_text_around(struct files *files)
{
	put(&files->chain, STR("Bag Attributes\n    friendlyName: mail\nsubject=CN = mail\n"));
	buf_append_str(&files->chain, first_block(ec_chain()));
	buf_append_c(&files->chain, "\n# the issuer\n");
	buf_append_str(&files->chain, second_block(ec_chain()));
	buf_append_c(&files->chain, "\nthat is all\n");
}

static void make_exchanged(struct files *files)
{
	put(&files->chain, ec_key());
	put(&files->key, ec_chain());
}

static void make_request(struct files *files)
{
	put(&files->chain, STR("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"
			       "-----END CERTIFICATE REQUEST-----\n"));
}

static void make_pkcs7(struct files *files)
{
	put(&files->chain, STR("-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n"));
}

static void make_other_key(struct files *files)
{
	put(&files->key, buf_str(&world.rsa_pem.key));
}

static void make_openssh(struct files *files)
{
	put(&files->key, STR("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n"
			     "-----END OPENSSH PRIVATE KEY-----\n"));
}

static void make_public_key(struct files *files)
{
	put(&files->key, STR("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
}

static void make_key_cut(struct files *files)
{
	buf_truncate(&files->key, 60);
}

static void make_key_empty(struct files *files)
{
	buf_reset(&files->key);
}

/* ---- the table ---- */

struct malformed {
	const char *name;
	void (*make)(struct files *files);
	const char *file;  /* that is named */
	const char *words; /* NULL: nothing is to be said */
	bool is_usable;
};

static const struct malformed table[] = {
	{"good", make_good, NULL, NULL, true},
	{"empty", make_empty, "mail.crt", "it is empty", false},
	{"cut off", make_cut, "mail.crt", "certificate number 1 in it is cut off", false},
	{"cut off later", make_cut_in_issuer, "mail.crt", "certificate number 2 in it is cut off",
	 false},
	{"damaged", make_damaged, "mail.crt", "certificate number 1 in it is damaged", false},
	{"DER", make_der, "mail.crt", "binary form (DER)", false},
	{"key in DER", make_key_der, "mail.key", "binary form (DER)", false},
	{"PKCS#12", make_pkcs12, "mail.crt", "it is a PKCS#12 file; `postern cert import", false},
	{"passphrase", make_passphrase, "mail.key", "protected by a passphrase", false},
	{"root first", make_root_first, "mail.key", "but to number 2; put that first", false},
	{"leaf twice", make_leaf_twice, "mail.crt", "number 2 is the one before it once more", true},
	{"17 certificates", make_seventeen, "mail.crt", "more than 16 certificates", false},
	{"100 certificates", make_hundred, "mail.crt", "it has more than", false},
	{"10 MB", make_ten_megabytes, "mail.crt", "more than 60 KiB", false},
	{"key in the chain", make_key_in_chain, "mail.crt", "a private key stands in it too", true},
	{"CRLF", make_crlf, NULL, NULL, true},
	{"BOM", make_bom, NULL, NULL, true},
	{"UTF-16", make_utf16, "mail.crt", "UTF-16", false},
	{"text around", make_text_around, NULL, NULL, true},
	{"exchanged", make_exchanged, "mail.crt", "are the two files exchanged?", false},
	{"exchanged, the key", make_exchanged, "mail.key", "are the two files exchanged?", false},
	{"request", make_request, "mail.crt", "it holds a request (CSR)", false},
	{"PKCS#7", make_pkcs7, "mail.crt", "PKCS#7", false},
	{"other key", make_other_key, "mail.key", "does not belong to the certificate", false},
	{"OpenSSH", make_openssh, "mail.key", "a key of OpenSSH", false},
	{"public key", make_public_key, "mail.key", "the private one is needed", false},
	{"key cut off", make_key_cut, "mail.key", "it is cut off", false},
	{"key empty", make_key_empty, "mail.key", "it is empty", false},
};

static void files_make(struct files *files, const struct malformed *row)
{
	*files = (struct files){BUF_INIT(FILE_MAX), BUF_INIT(FILE_MAX)};
	buf_append_str(&files->chain, ec_chain());
	buf_append_str(&files->key, ec_key());
	row->make(files);
	assert_false(files->chain.failed || files->key.failed);
}

static void files_done(struct files *files)
{
	buf_done(&files->chain);
	buf_done(&files->key);
}

static bool is_said(const struct findings *findings, const struct malformed *row)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];
		if (str_equals(finding->place.table, str_from_c(row->file)) &&
		    str_find(finding->text, str_from_c(row->words)) != STR_NONE)
			return true;
	}
	return false;
}

static void assert_row(const struct malformed *row)
{
	struct files files;
	struct findings findings;

	findings_init(&findings);
	files_make(&files, row);
	bool is_usable = tls_pair_check(buf_str(&files.chain), buf_str(&files.key), "mail", STR(""),
					clock_real_s(), &findings);
	bool is_good = row->words == NULL ? findings.count == 0 : is_said(&findings, row);
	if (!is_good || is_usable != row->is_usable) {
		for (size_t i = 0; i < findings.count; i++)
			print_error("%.*s: %.*s\n", STR_ARG(findings.items[i].place.table),
				    STR_ARG(findings.items[i].text));
		fail_msg("%s: %s", row->name, row->words == NULL ? "usable" : row->words);
	}
	files_done(&files);
	findings_done(&findings);
}

static void test_every_malformed_pair_is_told_in_words(void **state)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_row(&table[i]);
}

/* ---- kinds of keys ---- */

static struct buf key_pem(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct buf pem = BUF_INIT(TLS_PEM_MAX);
	char *bytes;

	assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	long len = BIO_get_mem_data(bio, &bytes);
	buf_append(&pem, bytes, (size_t)len);
	BIO_free(bio);
	return pem;
}

/* Both as a key and as the key of a certificate. */
static void assert_kind_refused(EVP_PKEY *key, const EVP_MD *digest, const char *words)
{
	X509 *made = X509_new();
	struct buf pem = key_pem(key), why = BUF_INIT(1024);
	struct tls_certificate *certificate = NULL;
	struct key_ring *ring = key_ring_new();
	unsigned char id[KEY_ID_BYTES];
	char *bytes;

	assert_int_equal(key_ring_add(ring, 1, 1, buf_str(&pem), id, &why), FAULT_UNSUPPORTED);
	assert_true(str_find(buf_str(&why), str_from_c(words)) != STR_NONE);
	buf_reset(&why);
	BIO *bio = BIO_new(BIO_s_mem());
	X509_gmtime_adj(X509_getm_notBefore(made), -DAY_S);
	X509_gmtime_adj(X509_getm_notAfter(made), DAY_S);
	assert_int_equal(X509_set_pubkey(made, key), 1);
	assert_true(X509_sign(made, key, digest) > 0);
	assert_int_equal(PEM_write_bio_X509(bio, made), 1);
	long len = BIO_get_mem_data(bio, &bytes);
	assert_int_equal(tls_certificate_parse(str_make(bytes, (size_t)len), &why, &certificate),
			 FAULT_UNSUPPORTED);
	assert_true(str_find(buf_str(&why), str_from_c(words)) != STR_NONE);
	BIO_free(bio);
	X509_free(made);
	buf_done(&pem);
	buf_done(&why);
	key_ring_free(&ring);
	EVP_PKEY_free(key);
}

static EVP_PKEY *rsa_pss_make(void)
{
	EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	EVP_PKEY *key = NULL;

	assert_int_equal(EVP_PKEY_keygen_init(maker), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(maker, 2048), 1);
	assert_int_equal(EVP_PKEY_keygen(maker, &key), 1);
	EVP_PKEY_CTX_free(maker);
	return key;
}

static void test_kinds_of_keys_that_clients_refuse(void **state)
{
	assert_kind_refused(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL,
			    "Ed25519, which common mail clients do not support; make an ECDSA key");
	assert_kind_refused(EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), NULL, "Ed448");
	assert_kind_refused(rsa_pss_make(), EVP_sha256(), "RSA-PSS");
	assert_kind_refused(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1"), EVP_sha256(),
			    "secp256k1; clients of TLS take P-256");
	assert_kind_refused(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)768), EVP_sha256(),
			    "768 bits");
}

/* ---- what stays of a file ---- */

static void test_only_the_certificates_are_handed_on(void **state)
{
	struct files files;
	struct malformed row = {.make = make_text_around};
	struct buf why = BUF_INIT(1024), pem = BUF_INIT(TLS_PEM_MAX);
	struct tls_certificate *certificate = NULL;

	files_make(&files, &row);
	make_key_in_chain(&files);
	assert_true(pem_has_private_key(buf_str(&files.chain)));
	assert_int_equal(tls_certificate_parse(buf_str(&files.chain), &why, &certificate),
			 FAULT_NONE);
	tls_certificate_append_pem(certificate, &pem);
	assert_true(str_equals(buf_str(&pem), ec_chain()));
	tls_certificate_unref(&certificate);
	buf_done(&pem);
	files_done(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_malformed_pair_is_told_in_words),
		cmocka_unit_test(test_kinds_of_keys_that_clients_refuse),
		cmocka_unit_test(test_only_the_certificates_are_handed_on),
	};

	return cmocka_run_group_tests(tests, world_make, world_drop);
}
