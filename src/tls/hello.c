/* SPDX-License-Identifier: Apache-2.0 */
/* ClientHello and alerts: see hello.h. */
#include "tls/hello.h"

#include <openssl/ssl.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "tls/catalog.h"

enum {
	MESSAGE_CLIENT_HELLO = 1,
	MESSAGE_SERVER_HELLO = 2,
	RANDOM_BYTES = 32,
	EXTENSION_SUPPORTED_GROUPS = 10,
	EXTENSION_SIGNATURE_ALGORITHMS = 13,
	EXTENSION_ALPN = 16,
	EXTENSION_SUPPORTED_VERSIONS = 43,
	/* Signals in the list of suites: RFC 5746 section 3.3, RFC 7507 section 4. */
	SUITE_RENEGOTIATION = 0x00ff,
	SUITE_FALLBACK = 0x5600
};

/* ---- the offer ---- */

/* RFC 8701: values that mean nothing, so that nobody gets used to fixed lists. */
static bool is_grease(uint16_t value)
{
	return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

static void version_note(struct tls_offer *offer, uint16_t version)
{
	enum tls_protocol protocol = tls_protocol_from_wire(version);

	/* What is newer than we know, or grease, is no version to speak of. */
	if (protocol == TLS_PROTOCOL_COUNT)
		return;
	offer->versions |= TLS_PROTOCOL_BIT(protocol);
	if (offer->highest == TLS_PROTOCOL_COUNT || protocol > offer->highest)
		offer->highest = protocol;
}

static void suite_note(struct tls_offer *offer, uint16_t suite)
{
	if (suite == SUITE_FALLBACK)
		offer->has_fallback = true;
	else if (suite != SUITE_RENEGOTIATION && !is_grease(suite) &&
		 offer->suite_count < OFFER_SUITES_MAX)
		offer->suites[offer->suite_count++] = suite;
}

/* A list of numbers of two bytes, behind its length. */
static size_t numbers_read(struct cursor *cursor, uint16_t *numbers_out, size_t max)
{
	struct cursor list = cursor_make(cursor_bytes(cursor, cursor_u16(cursor)));
	size_t count = 0;

	while (cursor_left(&list) >= 2) {
		uint16_t number = cursor_u16(&list);
		if (!is_grease(number) && count < max)
			numbers_out[count++] = number;
	}
	if (cursor_left(&list) != 0)
		cursor_fail(cursor);
	return count;
}

static void versions_read(struct tls_offer *offer, struct cursor *cursor)
{
	struct cursor list = cursor_make(cursor_bytes(cursor, cursor_u8(cursor)));

	offer->versions = 0;
	offer->highest = TLS_PROTOCOL_COUNT;
	offer->listed_versions = true;
	while (cursor_left(&list) >= 2)
		version_note(offer, cursor_u16(&list));
}

static void extension_read(struct tls_offer *offer, uint16_t type, struct str body)
{
	struct cursor cursor = cursor_make(body);

	switch (type) {
	case EXTENSION_SUPPORTED_VERSIONS:
		versions_read(offer, &cursor);
		break;
	case EXTENSION_SUPPORTED_GROUPS:
		offer->group_count = numbers_read(&cursor, offer->groups, OFFER_GROUPS_MAX);
		break;
	case EXTENSION_SIGNATURE_ALGORITHMS:
		offer->scheme_count = numbers_read(&cursor, offer->schemes, OFFER_SCHEMES_MAX);
		break;
	case EXTENSION_ALPN:
		offer->asks_challenge = str_equals(body, STR("\x00\x0b\x0a" "acme-tls/1"));
		break;
	default:
		break;
	}
}

static void extensions_read(struct tls_offer *offer, struct cursor *cursor)
{
	/* TLS 1.2 and older may end before (RFC 5246 section 7.4.1.2). */
	if (cursor_left(cursor) == 0)
		return;
	struct cursor list = cursor_make(cursor_bytes(cursor, cursor_u16(cursor)));
	while (cursor_left(&list) > 0) {
		uint16_t type = cursor_u16(&list);
		extension_read(offer, type, cursor_bytes(&list, cursor_u16(&list)));
	}
	if (list.failed)
		cursor_fail(cursor);
}

/* Without a list of versions TLS 1.3 cannot be meant (RFC 8446 section 4.1.2). */
static void legacy_version_read(struct tls_offer *offer, struct cursor *cursor)
{
	offer->legacy_version = cursor_u16(cursor);
	version_note(offer, offer->legacy_version > TLS1_2_VERSION &&
					    offer->legacy_version >> 8 == SSL3_VERSION_MAJOR
				    ? TLS1_2_VERSION
				    : offer->legacy_version);
}

/* RFC 8446 section 4.1.2; RFC 5246 section 7.4.1.2. */
static void hello_read(struct tls_offer *offer, struct cursor *cursor)
{
	if (cursor_u8(cursor) != MESSAGE_CLIENT_HELLO)
		cursor_fail(cursor);
	struct cursor body = cursor_make(cursor_bytes(cursor, cursor_u24(cursor)));
	legacy_version_read(offer, &body);
	(void)cursor_bytes(&body, RANDOM_BYTES);
	(void)cursor_bytes(&body, cursor_u8(&body));
	struct cursor suites = cursor_make(cursor_bytes(&body, cursor_u16(&body)));
	while (cursor_left(&suites) >= 2)
		suite_note(offer, cursor_u16(&suites));
	(void)cursor_bytes(&body, cursor_u8(&body));
	extensions_read(offer, &body);
	if (body.failed)
		cursor_fail(cursor);
}

/* RFC 5246 appendix E.2: suites of three bytes, of which those of SSLv3 and later begin with 0. */
static void sslv2_read(struct tls_offer *offer, struct cursor *cursor)
{
	if (cursor_u8(cursor) != MESSAGE_CLIENT_HELLO)
		cursor_fail(cursor);
	legacy_version_read(offer, cursor);
	uint16_t suites_len = cursor_u16(cursor);
	(void)cursor_u16(cursor);
	(void)cursor_u16(cursor);
	struct cursor suites = cursor_make(cursor_bytes(cursor, suites_len));
	while (cursor_left(&suites) >= 3) {
		uint8_t kind = cursor_u8(&suites);
		uint16_t suite = cursor_u16(&suites);
		if (kind == 0)
			suite_note(offer, suite);
	}
}

bool tls_offer_parse(struct str message, bool is_sslv2, struct tls_offer *offer_out)
{
	struct cursor cursor = cursor_make(message);

	*offer_out = (struct tls_offer){.highest = TLS_PROTOCOL_COUNT, .is_sslv2 = is_sslv2};
	if (is_sslv2)
		sslv2_read(offer_out, &cursor);
	else
		hello_read(offer_out, &cursor);
	return !cursor.failed;
}

/* ---- the answer ---- */

/* RFC 8446 section 4.1.3: the last eight bytes of the random. */
static bool is_sentinel(struct str random)
{
	struct str last = str_from(random, RANDOM_BYTES - 8);

	return str_has_prefix(last, STR("DOWNGRD")) && (last.ptr[7] == 0 || last.ptr[7] == 1);
}

static void answer_extensions_read(struct tls_answer *answer, struct cursor *cursor)
{
	if (cursor_left(cursor) == 0)
		return;
	struct cursor list = cursor_make(cursor_bytes(cursor, cursor_u16(cursor)));
	while (cursor_left(&list) > 0) {
		uint16_t type = cursor_u16(&list);
		struct cursor body = cursor_make(cursor_bytes(&list, cursor_u16(&list)));
		if (type != EXTENSION_SUPPORTED_VERSIONS)
			continue;
		answer->version = cursor_u16(&body);
		if (body.failed)
			cursor_fail(cursor);
	}
	if (list.failed)
		cursor_fail(cursor);
}

/* RFC 8446 section 4.1.3; RFC 5246 section 7.4.1.3. */
bool tls_answer_parse(struct str message, struct tls_answer *answer_out)
{
	struct cursor cursor = cursor_make(message);

	if (cursor_u8(&cursor) != MESSAGE_SERVER_HELLO)
		cursor_fail(&cursor);
	struct cursor body = cursor_make(cursor_bytes(&cursor, cursor_u24(&cursor)));
	answer_out->version = cursor_u16(&body);
	struct str random = cursor_bytes(&body, RANDOM_BYTES);
	answer_out->has_sentinel = !body.failed && is_sentinel(random);
	(void)cursor_bytes(&body, cursor_u8(&body));
	answer_out->suite = cursor_u16(&body);
	(void)cursor_u8(&body);
	answer_out->is_given = !body.failed && !cursor.failed;
	answer_extensions_read(answer_out, &body);
	return !cursor.failed && !body.failed;
}

/* ---- watching a handshake ---- */

void tls_hello_init(struct tls_hello *hello)
{
	*hello = (struct tls_hello){.highest = TLS_PROTOCOL_COUNT,
				    .alert_sent = -1,
				    .alert_received = -1,
				    .warning_received = -1};
}

void tls_hello_rest(struct tls_hello *hello)
{
	free(hello->offer);
	hello->offer = NULL;
}

void tls_hello_note_input(struct tls_hello *hello, const char *bytes, size_t len)
{
	size_t room = sizeof(hello->first) - hello->first_len;

	if (len > room)
		len = room;
	if (len > 0)
		memcpy(hello->first + hello->first_len, bytes, len);
	hello->first_len += len;
}

static void client_hello_seen(struct tls_hello *hello, struct str message, bool is_sslv2)
{
	if (hello->offer == NULL)
		hello->offer = malloc(sizeof(*hello->offer));
	CHECK(hello->offer != NULL);
	(void)tls_offer_parse(message, is_sslv2, hello->offer);
	hello->highest = hello->offer->highest;
	hello->listed_versions = hello->offer->listed_versions;
	hello->asks_challenge = hello->offer->asks_challenge;
}

/* OpenSSL's callback for each message, also those that it is about to refuse. */
static void message_seen(int is_sent, int version, int content_type, const void *bytes, size_t len,
			 SSL *ssl, void *unused)
{
	struct tls_hello *hello = SSL_get_app_data(ssl);
	bool is_sslv2 = version == SSL2_VERSION && content_type == 0;
	const unsigned char *first = bytes;

	if (hello == NULL || is_sent != 0 || len == 0 ||
	    (content_type != SSL3_RT_HANDSHAKE && !is_sslv2))
		return;
	if (first[0] == MESSAGE_CLIENT_HELLO && SSL_is_server(ssl))
		client_hello_seen(hello, str_make(bytes, len), is_sslv2);
	else if (first[0] == MESSAGE_SERVER_HELLO && !SSL_is_server(ssl))
		(void)tls_answer_parse(str_make(bytes, len), &hello->answer);
}

static void alert_seen(const SSL *ssl, int where, int value)
{
	struct tls_hello *hello = SSL_get_app_data(ssl);

	if ((where & SSL_CB_ALERT) == 0 || hello == NULL)
		return;
	/* Level and description; a warning is no failure by itself. */
	bool is_fatal = value >> 8 == SSL3_AL_FATAL;
	if ((where & SSL_CB_WRITE) != 0 && is_fatal)
		hello->alert_sent = value & 0xff;
	else if ((where & SSL_CB_READ) != 0 && is_fatal)
		hello->alert_received = value & 0xff;
	else if ((where & SSL_CB_READ) != 0 && (value & 0xff) != SSL_AD_CLOSE_NOTIFY)
		hello->warning_received = value & 0xff;
}

void tls_hello_watch(SSL_CTX *openssl)
{
	SSL_CTX_set_msg_callback(openssl, message_seen);
	SSL_CTX_set_info_callback(openssl, alert_seen);
}
