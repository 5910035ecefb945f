/* SPDX-License-Identifier: Apache-2.0 */
/* ClientHello and alerts: see hello.h. */
#include "tls/hello.h"

#include <openssl/ssl.h>

#include "base/cursor.h"
#include "tls/catalog.h"

void tls_hello_init(struct tls_hello *hello)
{
	*hello = (struct tls_hello){
		.highest = TLS_PROTOCOL_COUNT, .alert_sent = -1, .alert_received = -1};
}

static void hello_note_version(struct tls_hello *hello, int version)
{
	enum tls_protocol protocol = tls_protocol_from_wire(version);

	/* What is newer than we know, or grease (RFC 8701), is no version to speak of. */
	if (protocol == TLS_PROTOCOL_COUNT)
		return;
	hello->versions |= TLS_PROTOCOL_BIT(protocol);
	if (hello->highest == TLS_PROTOCOL_COUNT || protocol > hello->highest)
		hello->highest = protocol;
}

static bool hello_read_list(struct tls_hello *hello, SSL *ssl)
{
	const unsigned char *bytes;
	size_t len;

	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &bytes, &len) != 1)
		return false;
	struct cursor cursor = cursor_make(str_make(bytes, len));
	struct cursor list = cursor_make(cursor_bytes(&cursor, cursor_u8(&cursor)));
	while (cursor_left(&list) >= 2)
		hello_note_version(hello, cursor_u16(&list));
	return hello->highest != TLS_PROTOCOL_COUNT;
}

static int hello_seen(SSL *ssl, int *alert, void *unused)
{
	struct tls_hello *hello = SSL_get_app_data(ssl);

	if (hello == NULL)
		return SSL_CLIENT_HELLO_SUCCESS;
	hello->listed_versions = hello_read_list(hello, ssl);
	if (!hello->listed_versions) {
		/* Without a list TLS 1.3 cannot be meant (RFC 8446 section 4.1.2). */
		int version = (int)SSL_client_hello_get0_legacy_version(ssl);
		hello_note_version(hello, version > TLS1_2_VERSION ? TLS1_2_VERSION : version);
	}
	return SSL_CLIENT_HELLO_SUCCESS;
}

static void alert_seen(const SSL *ssl, int where, int value)
{
	struct tls_hello *hello = SSL_get_app_data(ssl);

	/* Level and description; close_notify (0) and warnings are no failure. */
	if ((where & SSL_CB_ALERT) == 0 || hello == NULL || value >> 8 != SSL3_AL_FATAL)
		return;
	if ((where & SSL_CB_WRITE) != 0)
		hello->alert_sent = value & 0xff;
	else
		hello->alert_received = value & 0xff;
}

void tls_hello_watch(SSL_CTX *openssl)
{
	SSL_CTX_set_client_hello_cb(openssl, hello_seen, NULL);
	SSL_CTX_set_info_callback(openssl, alert_seen);
}
