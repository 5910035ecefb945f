/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of our own making: see certificate.h. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/random.h"
#include "crypto/library.h"
#include "tls/certificate.h"
#include "tls/certificate_names.h"
#include "tls/private_key.h"

enum {
	DAY_S = 24 * 3600,
	/* What Apple's and others' clients still take from a private root (825 days at most). */
	LEAF_DAYS = 820,
	ROOT_DAYS = 3650,
	/* Clocks of clients run a little behind. */
	BACKDATE_S = 3600,
	PEM_FILE_MAX = 64 * 1024,
	NAMES_MAX = 64 * 1024,
};

/* The names of a leaf, the subject's first. */
struct hosts {
	const struct str *names;
	size_t count;
};

static bool extension_add(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&context);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	bool is_good = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return is_good;
}

/* 20 octets at most and positive (RFC 5280 section 4.1.2.2); random, so that no two are alike. */
static bool serial_set(X509 *certificate)
{
	unsigned char bytes[16];
	ASN1_INTEGER *serial = NULL;

	random_bytes(bytes, sizeof(bytes));
	bytes[0] = (bytes[0] & 0x7f) | 0x40;
	BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	serial = BN_to_ASN1_INTEGER(number, NULL);
	bool is_good = serial != NULL && X509_set_serialNumber(certificate, serial) == 1;
	ASN1_INTEGER_free(serial);
	BN_free(number);
	return is_good;
}

/* A certificate that still lacks extensions, issuer and signature. */
static X509 *certificate_begin(EVP_PKEY *key, struct str name, int days)
{
	X509 *certificate = X509_new_ex(crypto_library(), NULL);

	if (certificate != NULL && X509_set_version(certificate, X509_VERSION_3) == 1 &&
	    serial_set(certificate) && tls_subject_set(X509_get_subject_name(certificate), name) &&
	    X509_set_pubkey(certificate, key) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(certificate), -BACKDATE_S) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(certificate), (long)days * DAY_S) != NULL)
		return certificate;
	X509_free(certificate);
	return NULL;
}

static X509 *root_make(EVP_PKEY *key, struct str host)
{
	struct buf name = BUF_INIT(512);
	X509 *root;

	buf_append_c(&name, TLS_LOCAL_ROOT_NAME);
	buf_append_str(&name, str_sub(host, 0, 40));
	root = certificate_begin(key, buf_str(&name), ROOT_DAYS);
	buf_done(&name);
	if (root != NULL && X509_set_issuer_name(root, X509_get_subject_name(root)) == 1 &&
	    extension_add(root, root, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	    extension_add(root, root, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	    extension_add(root, root, NID_subject_key_identifier, "hash") &&
	    X509_sign(root, key, EVP_sha256()) > 0)
		return root;
	X509_free(root);
	return NULL;
}

/* The given names, and what this machine calls itself. */
static bool leaf_names_add(X509 *leaf, X509 *root, const struct hosts *hosts)
{
	struct buf names = BUF_INIT(NAMES_MAX);
	bool has_localhost = false;

	for (size_t i = 0; i < hosts->count; i++)
		has_localhost |= str_equals_nocase(hosts->names[i], STR("localhost"));
	tls_names_append(&names, hosts->names, hosts->count);
	buf_append_c(&names, has_localhost ? ",IP:127.0.0.1,IP:::1"
					   : ",DNS:localhost,IP:127.0.0.1,IP:::1");
	buf_append_char(&names, '\0');
	bool is_good =
		!names.failed && extension_add(leaf, root, NID_subject_alt_name, names.data);
	buf_done(&names);
	return is_good;
}

static X509 *leaf_make(EVP_PKEY *key, const struct hosts *hosts, X509 *root, EVP_PKEY *root_key)
{
	bool is_rsa = EVP_PKEY_is_a(key, "RSA") == 1;
	X509 *leaf = certificate_begin(key, hosts->names[0], LEAF_DAYS);

	/* keyEncipherment is for the static RSA suites, which an old policy may still admit. */
	bool is_good = leaf != NULL &&
		       X509_set_issuer_name(leaf, X509_get_subject_name(root)) == 1 &&
		       extension_add(leaf, root, NID_basic_constraints, "critical,CA:FALSE") &&
		       extension_add(leaf, root, NID_key_usage,
				     is_rsa ? "critical,digitalSignature,keyEncipherment"
					    : "critical,digitalSignature") &&
		       extension_add(leaf, root, NID_ext_key_usage, "serverAuth") &&
		       leaf_names_add(leaf, root, hosts) &&
		       extension_add(leaf, root, NID_subject_key_identifier, "hash") &&
		       extension_add(leaf, root, NID_authority_key_identifier, "keyid") &&
		       X509_sign(leaf, root_key, EVP_sha256()) > 0;
	if (is_good)
		return leaf;
	X509_free(leaf);
	return NULL;
}

static bool pair_append(X509 *leaf, X509 *root, EVP_PKEY *key, struct tls_pair *pair)
{
	BIO *chain = BIO_new(BIO_s_mem());
	char *bytes = NULL;
	bool is_good = chain != NULL && PEM_write_bio_X509(chain, leaf) == 1 &&
		       PEM_write_bio_X509(chain, root) == 1 &&
		       tls_private_key_append(key, &pair->key);
	long len = is_good ? BIO_get_mem_data(chain, &bytes) : 0;

	buf_append(&pair->chain, bytes, len > 0 ? (size_t)len : 0);
	BIO_free(chain);
	return is_good && !pair->chain.failed;
}

static bool pair_make(EVP_PKEY *key, const struct hosts *hosts, X509 *root, EVP_PKEY *root_key,
		      struct tls_pair *pair)
{
	X509 *leaf = key == NULL ? NULL : leaf_make(key, hosts, root, root_key);
	bool is_good = leaf != NULL && pair_append(leaf, root, key, pair);

	X509_free(leaf);
	EVP_PKEY_free(key);
	return is_good;
}

void tls_pair_done(struct tls_pair *pair)
{
	buf_done(&pair->chain);
	buf_wipe(&pair->key);
}

enum fault tls_pairs_make_for(const struct str *names, size_t count, struct tls_pair *rsa_out,
			      struct tls_pair *ec_out, struct buf *why)
{
	const struct hosts hosts = {names, count};

	if (!tls_names_check(names, count, why))
		return FAULT_INVALID;
	OSSL_LIB_CTX *library = crypto_library();
	EVP_PKEY *root_key = EVP_PKEY_Q_keygen(library, NULL, "EC", "P-256");
	X509 *root = root_key == NULL ? NULL : root_make(root_key, names[0]);

	buf_init(&rsa_out->chain, PEM_FILE_MAX);
	buf_init(&rsa_out->key, PEM_FILE_MAX);
	buf_init(&ec_out->chain, PEM_FILE_MAX);
	buf_init(&ec_out->key, PEM_FILE_MAX);
	bool is_good = root != NULL &&
		       pair_make(EVP_PKEY_Q_keygen(library, NULL, "RSA", (size_t)2048), &hosts,
				 root, root_key, rsa_out) &&
		       pair_make(EVP_PKEY_Q_keygen(library, NULL, "EC", "P-256"), &hosts, root,
				 root_key, ec_out);
	X509_free(root);
	EVP_PKEY_free(root_key);
	ERR_clear_error();
	if (is_good)
		return FAULT_NONE;
	buf_printf(why, "no certificate can be made for the host name \"%.*s\"", STR_ARG(names[0]));
	tls_pair_done(rsa_out);
	tls_pair_done(ec_out);
	return FAULT_INVALID;
}

enum fault tls_pairs_make(struct str host, struct tls_pair *rsa_out, struct tls_pair *ec_out,
			  struct buf *why)
{
	return tls_pairs_make_for(&host, 1, rsa_out, ec_out, why);
}

enum fault tls_pair_write(const char *folder, const char *name, const struct tls_pair *pair,
			  struct buf *why)
{
	char chain_name[NAME_MAX + 1], key_name[NAME_MAX + 1];

	(void)snprintf(chain_name, sizeof(chain_name), "%s.crt", name);
	(void)snprintf(key_name, sizeof(key_name), "%s.key", name);
	char *chain_path = path_join(folder, chain_name), *key_path = path_join(folder, key_name);
	enum fault fault = file_replace(key_path, buf_str(&pair->key), 0600);

	if (fault == FAULT_NONE)
		fault = file_replace(chain_path, buf_str(&pair->chain), 0644);
	if (fault != FAULT_NONE)
		buf_printf(why, "%s cannot be written: %s", folder, fault_text(fault));
	free(chain_path);
	free(key_path);
	return fault;
}

enum fault tls_pairs_create(const char *folder, struct str host, struct buf *why)
{
	struct tls_pair rsa, ec;
	enum fault fault = tls_pairs_make(host, &rsa, &ec, why);

	if (fault != FAULT_NONE)
		return fault;
	fault = tls_pair_write(folder, "server", &rsa, why);
	if (fault == FAULT_NONE)
		fault = tls_pair_write(folder, "server-ecdsa", &ec, why);
	tls_pair_done(&rsa);
	tls_pair_done(&ec);
	return fault;
}
