/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/trust.h"

#include <dirent.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>

#include "base/file.h"
#include "crypto/library.h"
#include "tls/certificate_facts.h"

struct tls_trust {
	X509_STORE *own;
	X509_STORE *system;
};

static bool is_roots_file(const char *name)
{
	struct str text = str_from_c(name);

	return str_has_suffix_nocase(text, STR(".crt")) || str_has_suffix_nocase(text, STR(".pem"));
}

static void own_roots_read(X509_STORE *store, const char *folder)
{
	DIR *listing = opendir(folder);
	const struct dirent *entry;

	while (listing != NULL && (entry = readdir(listing)) != NULL)
		if (is_roots_file(entry->d_name)) {
			char *path = path_join(folder, entry->d_name);
			/* What is no root vouches for nobody. */
			(void)X509_STORE_load_file_ex(store, path, crypto_library(), NULL);
			free(path);
		}
	if (listing != NULL)
		closedir(listing);
}

struct tls_trust *tls_trust_new(const char *own_roots_folder)
{
	struct tls_trust *trust = calloc(1, sizeof(*trust));

	CHECK(trust != NULL);
	trust->own = X509_STORE_new();
	trust->system = X509_STORE_new();
	CHECK(trust->own != NULL && trust->system != NULL);
	own_roots_read(trust->own, own_roots_folder);
	(void)X509_STORE_set_default_paths_ex(trust->system, crypto_library(), NULL);
	ERR_clear_error();
	return trust;
}

void tls_trust_free(struct tls_trust **trust)
{
	if (*trust == NULL)
		return;
	X509_STORE_free((*trust)->own);
	X509_STORE_free((*trust)->system);
	free(*trust);
	*trust = NULL;
}

static bool store_vouches(X509_STORE *store, const struct tls_certificate *certificate)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new_ex(crypto_library(), NULL);

	CHECK(context != NULL);
	bool is_good = X509_STORE_CTX_init(context, store, tls_certificate_leaf(certificate),
					   tls_certificate_chain(certificate)) == 1;
	if (is_good) {
		X509_STORE_CTX_set_flags(context, X509_V_FLAG_NO_CHECK_TIME);
		is_good = X509_verify_cert(context) == 1;
	}
	X509_STORE_CTX_free(context);
	ERR_clear_error();
	return is_good;
}

bool tls_trust_is_public(const struct tls_trust *trust, const struct tls_certificate *certificate)
{
	return !store_vouches(trust->own, certificate) && store_vouches(trust->system, certificate);
}

bool tls_trust_check(const struct tls_trust *trust, const struct tls_certificate *certificate,
		     const char *file, struct findings *findings)
{
	bool is_public = tls_trust_is_public(trust, certificate);

	if (is_public && !tls_certificate_has_scts(certificate))
		finding_add(findings, FINDING_WARNING,
			    (struct finding_place){.table = str_from_c(file)},
			    "it comes from a public CA but carries no timestamps of certificate logs "
			    "(SCT, RFC 6962): Chrome may show \"Not secure\"; have it issued anew, or "
			    "put the CA's root into sslca/ if it is your own");
	return is_public;
}
