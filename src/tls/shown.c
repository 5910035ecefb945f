/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/shown.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "tls/connection.h"

enum { SHOWN_TEXT_MAX = 16 * 1024 };

size_t tls_client_shown_count(const struct tls_connection *connection)
{
	CHECK(connection->client != NULL);
	return connection->client->shown == NULL ? 0
						 : (size_t)sk_X509_num(connection->client->shown);
}

static void bio_take(BIO *bio, struct buf *to)
{
	char *text = NULL;
	long len = BIO_get_mem_data(bio, &text);

	buf_append_str(to, str_sub(str_make(text, len > 0 ? (size_t)len : 0), 0, SHOWN_TEXT_MAX / 2));
	BIO_free(bio);
}

void tls_name_append(struct buf *to, const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());

	CHECK(bio != NULL);
	(void)X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
	bio_take(bio, to);
}

static void address_append(struct buf *to, const unsigned char *bytes, size_t len)
{
	char text[INET6_ADDRSTRLEN];

	if ((len == 4 || len == 16) &&
	    inet_ntop(len == 4 ? AF_INET : AF_INET6, bytes, text, sizeof(text)) != NULL)
		buf_append_c(to, text);
}

static void alternative_append(struct buf *to, const GENERAL_NAME *name)
{
	int kind;
	const ASN1_STRING *text = GENERAL_NAME_get0_value(name, &kind);
	size_t len = kind == GEN_DNS || kind == GEN_IPADD ? (size_t)ASN1_STRING_length(text) : 0;
	const unsigned char *bytes = len == 0 ? NULL : ASN1_STRING_get0_data(text);

	if (len == 0 || to->len > SHOWN_TEXT_MAX / 4)
		return;
	buf_append_c(to, to->len == 0 ? "" : ", ");
	if (kind == GEN_DNS)
		buf_append_str(to, str_sub(str_make(bytes, len), 0, TLS_HOST_MAX));
	else
		address_append(to, bytes, len);
}

static void alternatives_append(struct buf *to, X509 *certificate)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		alternative_append(to, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
}

static void key_append(struct buf *to, X509 *certificate)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);
	char group[TLS_GROUP_NAME_MAX];
	size_t len = 0;

	if (key == NULL)
		buf_append_c(to, "unknown");
	else if (EVP_PKEY_is_a(key, "EC") &&
		 EVP_PKEY_get_group_name(key, group, sizeof(group), &len) == 1)
		buf_printf(to, "EC %s", group);
	else
		buf_printf(to, "%s %d", EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
}

void tls_client_shown(const struct tls_connection *connection, size_t index,
		      struct tls_shown *shown_out)
{
	CHECK(index < tls_client_shown_count(connection));
	X509 *certificate = sk_X509_value(connection->client->shown, (int)index);
	*shown_out = (struct tls_shown){
		.subject = BUF_INIT(SHOWN_TEXT_MAX),
		.issuer = BUF_INIT(SHOWN_TEXT_MAX),
		.names = BUF_INIT(SHOWN_TEXT_MAX),
		.key = BUF_INIT(SHOWN_TEXT_MAX),
		.signature = BUF_INIT(SHOWN_TEXT_MAX),
		.not_before = tls_time_seconds(X509_get0_notBefore(certificate)),
		.not_after = tls_time_seconds(X509_get0_notAfter(certificate)),
	};
	tls_name_append(&shown_out->subject, X509_get_subject_name(certificate));
	tls_name_append(&shown_out->issuer, X509_get_issuer_name(certificate));
	alternatives_append(&shown_out->names, certificate);
	key_append(&shown_out->key, certificate);
	buf_append_c(&shown_out->signature, OBJ_nid2sn(X509_get_signature_nid(certificate)));
	tls_key_pin(certificate, shown_out->key_pin);
}

void tls_shown_done(struct tls_shown *shown)
{
	buf_done(&shown->subject);
	buf_done(&shown->issuer);
	buf_done(&shown->names);
	buf_done(&shown->key);
	buf_done(&shown->signature);
}
