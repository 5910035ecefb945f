/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/trust.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>

#include "crypto/library.h"
#include "tls/anchors.h"
#include "tls/certificate_facts.h"

enum { NOTES_MAX = 4096 };

struct tls_trust {
	struct tls_anchors *own;
	X509_STORE *system;
};

struct tls_trust *tls_trust_new(const char *own_roots_folder)
{
	struct tls_trust *trust = calloc(1, sizeof(*trust));
	struct buf notes = BUF_INIT(NOTES_MAX);

	CHECK(trust != NULL);
	trust->own = tls_anchors_new();
	trust->system = X509_STORE_new();
	CHECK(trust->system != NULL);
	/* What is no certificate vouches for nobody. */
	tls_anchors_load(trust->own, own_roots_folder, &notes);
	buf_done(&notes);
	(void)X509_STORE_set_default_paths_ex(trust->system, crypto_library(), NULL);
	ERR_clear_error();
	return trust;
}

void tls_trust_free(struct tls_trust **trust)
{
	if (*trust == NULL)
		return;
	tls_anchors_unref(&(*trust)->own);
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

static bool ends_with_root(const struct tls_certificate *certificate)
{
	const STACK_OF(X509) *chain = tls_certificate_chain(certificate);
	const X509 *last = sk_X509_num(chain) > 0 ? sk_X509_value(chain, sk_X509_num(chain) - 1)
						  : tls_certificate_leaf(certificate);

	return X509_NAME_cmp(X509_get_subject_name(last), X509_get_issuer_name(last)) == 0;
}

enum tls_trust_verdict tls_trust_judge(const struct tls_trust *trust,
				       const struct tls_certificate *certificate)
{
	if (store_vouches(tls_anchors_openssl(trust->own), certificate))
		return TLS_TRUST_HOUSE;
	if (store_vouches(trust->system, certificate))
		return TLS_TRUST_PUBLIC;
	return ends_with_root(certificate) ? TLS_TRUST_OWN_ROOT : TLS_TRUST_OPEN;
}

bool tls_trust_is_public(const struct tls_trust *trust, const struct tls_certificate *certificate)
{
	return tls_trust_judge(trust, certificate) == TLS_TRUST_PUBLIC;
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
