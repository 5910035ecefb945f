/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/user_certificate.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/log.h"
#include "tls/connection.h"
#include "tls/distrust.h"

enum { SUBJECT_MAX = 256, TEXT_MAX = 16 * 1024 };

/* ---- why not ---- */

static const char *error_words(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_REVOKED:
		return "it was revoked";
	case X509_V_ERR_CRL_HAS_EXPIRED:
		return "the revocation list of its issuer is out of date; put a new one into sslca/clients";
	default:
		break;
	}
	switch (tls_distrust_of(error)) {
	case TLS_DISTRUST_EXPIRED:
		return "it has expired";
	case TLS_DISTRUST_NOT_YET:
		return "it is not valid yet";
	case TLS_DISTRUST_SELF_SIGNED:
		return "it is signed by itself, and does not stand in sslca/clients";
	case TLS_DISTRUST_UNKNOWN_CA:
		return "its issuer does not stand in sslca/clients";
	case TLS_DISTRUST_WEAK:
		return "a key or a signature in its chain is too weak";
	case TLS_DISTRUST_PURPOSE:
		return "it is not made for clients";
	case TLS_DISTRUST_SIGNATURE:
		return "a signature in its chain does not verify";
	default:
		return X509_verify_cert_error_string(error);
	}
}

static void refuse(struct tls_user_certificate *certificate, const char *why)
{
	certificate->is_good = false;
	snprintf(certificate->why, sizeof(certificate->why), "%s", why);
}

/* The days that go by between the first handshake and a resumption. */
static int date_error(const X509 *shown)
{
	if (X509_cmp_current_time(X509_get0_notAfter(shown)) <= 0)
		return X509_V_ERR_CERT_HAS_EXPIRED;
	if (X509_cmp_current_time(X509_get0_notBefore(shown)) >= 0)
		return X509_V_ERR_CERT_NOT_YET_VALID;
	return X509_V_OK;
}

/* ---- whom ---- */

static void name_take(struct tls_user_certificate *certificate, const GENERAL_NAME *name)
{
	if (name->type != GEN_EMAIL || certificate->name_count == TLS_USER_NAMES_MAX)
		return;
	struct str text = str_make(ASN1_STRING_get0_data(name->d.rfc822Name),
				   (size_t)ASN1_STRING_length(name->d.rfc822Name));
	/* Nobody's address is empty, holds a NUL or is longer. */
	if (!str_is_empty(text) &&
	    str_copy_c(text, certificate->names[certificate->name_count], TLS_USER_NAME_MAX + 1))
		certificate->name_count++;
}

static void names_take(struct tls_user_certificate *certificate, const X509 *shown)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(shown, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		name_take(certificate, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
	if (certificate->name_count == 0)
		refuse(certificate, "it names no mail address (subjectAltName, rfc822Name)");
}

void tls_user_certificate_read(const struct tls_connection *connection,
			       struct tls_user_certificate *certificate_out)
{
	const X509 *shown =
		connection->is_done ? SSL_get0_peer_certificate(connection->ssl) : NULL;

	*certificate_out = (struct tls_user_certificate){.is_presented = shown != NULL};
	if (shown == NULL)
		return;
	int error = (int)SSL_get_verify_result(connection->ssl);
	if (error == X509_V_OK)
		error = date_error(shown);
	certificate_out->is_good = error == X509_V_OK;
	if (error == X509_V_OK)
		names_take(certificate_out, shown);
	else
		refuse(certificate_out, error_words(error));
}

void tls_user_certificate_append(struct buf *to, const struct tls_connection *connection,
				 const struct tls_user_certificate *certificate,
				 struct str address)
{
	const X509 *shown = SSL_get0_peer_certificate(connection->ssl);
	struct buf subject = BUF_INIT(TEXT_MAX);

	buf_printf(to, "TLS: %.*s showed a certificate (", STR_ARG(address));
	tls_name_append(&subject, X509_get_subject_name(shown));
	text_append_phrase(to, str_sub(buf_str(&subject), 0, SUBJECT_MAX));
	buf_printf(to, ") that logs nobody in: %s", certificate->why);
	buf_done(&subject);
}
