/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/binding.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "crypto/library.h"
#include "tls/connection.h"

enum { EXPORTER_BYTES = 32 };

static bool has_exporter(const SSL *ssl)
{
	return SSL_version(ssl) >= TLS1_3_VERSION;
}

static bool has_unique(SSL *ssl)
{
	return SSL_version(ssl) <= TLS1_2_VERSION && SSL_get_extms_support(ssl) == 1;
}

/*
 * A resumed session does not say which certificate its first handshake showed; of several
 * it may have been another than this one.
 */
static bool has_end_point(const struct tls_connection *self)
{
	return SSL_session_reused(self->ssl) == 0 ||
	       tls_context_identity_count(self->context) == 1;
}

static bool exporter_append(SSL *ssl, struct buf *to)
{
	static const struct str label = STR_INIT("EXPORTER-Channel-Binding");
	unsigned char bytes[EXPORTER_BYTES];

	if (SSL_export_keying_material(ssl, bytes, sizeof(bytes), label.ptr, label.len, NULL, 0,
				       1) != 1)
		return false;
	buf_append(to, bytes, sizeof(bytes));
	return true;
}

/* The first Finished of the handshake: the client's, or the server's where it resumes. */
static bool unique_append(SSL *ssl, struct buf *to)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	size_t len = SSL_session_reused(ssl) == 1 ? SSL_get_finished(ssl, bytes, sizeof(bytes))
						  : SSL_get_peer_finished(ssl, bytes, sizeof(bytes));

	if (len == 0 || len > sizeof(bytes))
		return false;
	buf_append(to, bytes, len);
	return true;
}

/* RFC 5929 section 4.1: the digest of the certificate's signature, SHA-256 in place of MD5 and SHA-1. */
static EVP_MD *end_point_digest(X509 *certificate)
{
	int nid = NID_undef;

	if (X509_get_signature_info(certificate, &nid, NULL, NULL, NULL) != 1 || nid == NID_undef)
		return NULL;
	if (nid == NID_md5 || nid == NID_sha1)
		nid = NID_sha256;
	return EVP_MD_fetch(crypto_library(), OBJ_nid2sn(nid), NULL);
}

static bool end_point_append(SSL *ssl, struct buf *to)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	X509 *certificate = SSL_get_certificate(ssl);
	EVP_MD *digest = certificate == NULL ? NULL : end_point_digest(certificate);

	if (digest == NULL || X509_digest(certificate, digest, bytes, &len) != 1)
		len = 0;
	EVP_MD_free(digest);
	buf_append(to, bytes, len);
	return len > 0;
}

bool tls_connection_has_binding(const struct tls_connection *connection)
{
	return connection->is_done && (has_exporter(connection->ssl) ||
				       has_unique(connection->ssl) || has_end_point(connection));
}

bool tls_connection_binding(const struct tls_connection *connection, struct str name,
			    struct buf *to)
{
	SSL *ssl = connection->ssl;
	bool is_given = false;

	if (!connection->is_done)
		return false;
	if (str_equals(name, STR("tls-exporter")))
		is_given = has_exporter(ssl) && exporter_append(ssl, to);
	else if (str_equals(name, STR("tls-unique")))
		is_given = has_unique(ssl) && unique_append(ssl, to);
	else if (str_equals(name, STR("tls-server-end-point")))
		is_given = has_end_point(connection) && end_point_append(ssl, to);
	ERR_clear_error();
	return is_given;
}
