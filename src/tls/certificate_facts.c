/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/certificate_facts.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/log.h"
#include "tls/connection.h"

/* TLS feature status_request (RFC 6066 section 1.1). */
enum { FEATURE_STATUS_REQUEST = 5, URL_MAX = 1000 };

static void append_common_name(const X509_NAME *name, struct buf *to)
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	unsigned char *text = NULL;
	int len = at < 0 ? -1
			 : ASN1_STRING_to_UTF8(
				   &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));

	if (len < 0) {
		buf_append_c(to, "(no name)");
		return;
	}
	text_append_phrase(to, str_make(text, (size_t)len));
	OPENSSL_free(text);
}

void tls_certificate_append_subject(const struct tls_certificate *certificate, struct buf *to)
{
	append_common_name(X509_get_subject_name(tls_certificate_leaf(certificate)), to);
}

void tls_certificate_append_issuer(const struct tls_certificate *certificate, struct buf *to)
{
	append_common_name(X509_get_issuer_name(tls_certificate_leaf(certificate)), to);
}

size_t tls_certificate_link_count(const struct tls_certificate *certificate)
{
	const STACK_OF(X509) *chain = tls_certificate_chain(certificate);

	return 1 + (chain == NULL ? 0 : (size_t)sk_X509_num(chain));
}

static X509 *link_at(const struct tls_certificate *certificate, size_t index)
{
	CHECK(index < tls_certificate_link_count(certificate));
	return index == 0 ? tls_certificate_leaf(certificate)
			  : sk_X509_value(tls_certificate_chain(certificate), (int)index - 1);
}

int64_t tls_certificate_append_link(const struct tls_certificate *certificate, size_t index,
				    struct buf *subject, struct buf *issuer)
{
	const X509 *link = link_at(certificate, index);

	append_common_name(X509_get_subject_name(link), subject);
	append_common_name(X509_get_issuer_name(link), issuer);
	return tls_time_seconds(X509_get0_notAfter(link));
}

const char *tls_key_kind_name(enum tls_key_kind kind)
{
	return kind == TLS_KEY_RSA ? "RSA" : "ECDSA";
}

bool tls_fingerprint(const X509 *certificate, unsigned char fingerprint_out[TLS_KEY_ID_BYTES])
{
	return X509_digest(certificate, EVP_sha256(), fingerprint_out, NULL) == 1;
}

bool tls_certificate_fingerprint(const struct tls_certificate *certificate,
				 unsigned char fingerprint_out[TLS_KEY_ID_BYTES])
{
	return tls_fingerprint(tls_certificate_leaf(certificate), fingerprint_out);
}

bool tls_certificate_has_scts(const struct tls_certificate *certificate)
{
	return X509_get_ext_by_NID(tls_certificate_leaf(certificate), NID_ct_precert_scts, -1) >= 0;
}

bool tls_certificate_must_staple(const struct tls_certificate *certificate)
{
	TLS_FEATURE *features =
		X509_get_ext_d2i(tls_certificate_leaf(certificate), NID_tlsfeature, NULL, NULL);
	bool must = false;

	for (int i = 0; features != NULL && i < sk_ASN1_INTEGER_num(features); i++)
		must |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) ==
			FEATURE_STATUS_REQUEST;
	TLS_FEATURE_free(features);
	ERR_clear_error();
	return must;
}

static bool is_http_url(struct str url)
{
	for (size_t i = 0; i < url.len; i++)
		if (ascii_is_control(url.ptr[i]) || url.ptr[i] == ' ')
			return false;
	return url.len < URL_MAX && str_has_prefix_nocase(url, STR("http://"));
}

bool tls_certificate_append_responder(const struct tls_certificate *certificate, struct buf *url)
{
	STACK_OF(OPENSSL_STRING) *urls = X509_get1_ocsp(tls_certificate_leaf(certificate));
	bool is_found = false;

	for (int i = 0; i < sk_OPENSSL_STRING_num(urls) && !is_found; i++) {
		struct str one = str_from_c(sk_OPENSSL_STRING_value(urls, i));
		is_found = is_http_url(one);
		if (is_found)
			buf_append_str(url, one);
	}
	X509_email_free(urls);
	ERR_clear_error();
	return is_found;
}

X509 *tls_certificate_issuer(const struct tls_certificate *certificate)
{
	const STACK_OF(X509) *chain = tls_certificate_chain(certificate);
	X509 *found = NULL;

	for (int i = 0; i < sk_X509_num(chain) && found == NULL; i++)
		if (X509_check_issued(sk_X509_value(chain, i), tls_certificate_leaf(certificate)) ==
		    X509_V_OK)
			found = sk_X509_value(chain, i);
	ERR_clear_error();
	return found;
}

void tls_certificate_append_pem(const struct tls_certificate *certificate, struct buf *to)
{
	const STACK_OF(X509) *chain = tls_certificate_chain(certificate);
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes = NULL;

	CHECK(bio != NULL && PEM_write_bio_X509(bio, tls_certificate_leaf(certificate)) == 1);
	for (int i = 0; i < sk_X509_num(chain); i++)
		CHECK(PEM_write_bio_X509(bio, sk_X509_value(chain, i)) == 1);
	long len = BIO_get_mem_data(bio, &bytes);
	buf_append(to, bytes, len > 0 ? (size_t)len : 0);
	BIO_free(bio);
}
