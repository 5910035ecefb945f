/* SPDX-License-Identifier: Apache-2.0 */
/* Why a handshake failed, in words: see transport.h. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#include "base/log.h"
#include "tls/connection.h"

enum { SUITES_NAMED = 4 };

/* ---- who says so ---- */

/* Appends "SmtpSecurity/ServerTlsProtocols (mailserver.cfg:31)"; a default has no line. */
static void append_source(struct buf *to, const struct tls_words *words,
			  const struct finding_place *place, const char *variable)
{
	struct str table = str_is_empty(place->table) ? words->table : place->table;

	buf_append_str(to, table);
	buf_append_char(to, '/');
	if (str_is_empty(place->variable))
		buf_append_c(to, variable);
	else
		buf_append_str(to, place->variable);
	if (place->line > 0)
		buf_printf(to, " (%.*s:%d)", STR_ARG(words->file_name), place->line);
	else
		buf_append_c(to, " (the default)");
}

static void append_protocols(struct buf *to, tls_protocols protocols)
{
	const char *comma = "";

	for (enum tls_protocol p = TLS_PROTOCOL_SSLV3; p < TLS_PROTOCOL_COUNT; p++) {
		if (!tls_protocols_has(protocols, p))
			continue;
		buf_printf(to, "%s%s", comma, tls_protocol_name(p));
		comma = ", ";
	}
}

/* ---- the kinds of failure ---- */

/* True when the list admits what the peer offered, and the floor does not. */
static bool floor_refused(const struct tls_connection *self, const struct tls_words *words)
{
	tls_protocols offered = self->hello.versions;

	/* Who names but one version speaks the older ones too, as far as anybody knows. */
	if (!self->hello.listed_versions && self->hello.highest != TLS_PROTOCOL_COUNT)
		offered = (TLS_PROTOCOL_BIT(self->hello.highest) << 1) - 1;
	return (offered & words->floor.refused) != 0;
}

static void say_version(struct buf *to, const struct tls_connection *self)
{
	const struct tls_words *words = tls_context_words(self->context);

	if (self->hello.highest == TLS_PROTOCOL_COUNT) {
		buf_append_c(to, " offered a version that is not known here");
	} else if (self->hello.listed_versions) {
		buf_append_c(to, " offered ");
		append_protocols(to, self->hello.versions);
	} else {
		buf_printf(to, " offered at most %s", tls_protocol_name(self->hello.highest));
	}
	buf_append_c(to, "; ");
	if (floor_refused(self, words))
		append_source(to, words, &words->floor.source, "TlsFloor");
	else
		append_source(to, words, &words->protocols_source, "ServerTlsProtocols");
	buf_append_c(to, " admits ");
	append_protocols(to, words->protocols);
}

/*
 * Suites that say nothing of encryption: the renegotiation and fallback signals, and
 * grease (RFC 8701).
 */
static bool suite_is_signal(unsigned id)
{
	return id == 0x00ff || id == 0x5600 || ((id & 0x0f0f) == 0x0a0a && id >> 8 == (id & 0xff));
}

static void append_suite(struct buf *to, SSL *ssl, const unsigned char *bytes)
{
	const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, bytes);
	const char *name = cipher == NULL ? NULL : SSL_CIPHER_standard_name(cipher);

	if (name != NULL)
		buf_append_c(to, name);
	else
		buf_printf(to, "0x%02x%02x", bytes[0], bytes[1]);
}

static void say_suites(struct buf *to, const struct tls_connection *self)
{
	const struct tls_words *words = tls_context_words(self->context);
	const unsigned char *bytes = NULL;
	/* Gives the length in bytes, as the list came. */
	long len = (long)SSL_get0_raw_cipherlist(self->ssl, &bytes);
	unsigned count = 0;

	buf_append_c(to, " offered no usable suite, only ");
	for (long i = 0; bytes != NULL && i + 1 < len; i += 2) {
		if (suite_is_signal((unsigned)bytes[i] << 8 | bytes[i + 1]))
			continue;
		if (count < SUITES_NAMED) {
			buf_append_c(to, count == 0 ? "" : ", ");
			append_suite(to, self->ssl, bytes + i);
		}
		count++;
	}
	if (count == 0)
		buf_append_c(to, "signals");
	else if (count > SUITES_NAMED)
		buf_printf(to, " and %u more", count - SUITES_NAMED);
	buf_append_c(to, "; ");
	append_source(to, words, &words->ciphers_source, "ServerTlsCiphers");
	buf_append_c(to, ", with the certificates and groups at hand, admits none of these");
}

/* What a peer means by its alert (RFC 8446 section 6.2, RFC 5246 section 7.2). */
static const struct {
	int alert;
	const char *name;
	const char *meaning;
} peer_alerts[] = {
	{0, "close_notify", "it gave up"},
	{10, "unexpected_message", "it did not expect what it got"},
	{20, "bad_record_mac", "what it got did not decrypt"},
	{40, "handshake_failure", "it found nothing acceptable in what was chosen"},
	{42, "bad_certificate", "it holds the certificate to be damaged"},
	{43, "unsupported_certificate", "it does not support the kind of certificate"},
	{44, "certificate_revoked", "it holds the certificate to be revoked"},
	{45, "certificate_expired", "it holds the certificate to be expired"},
	{46, "certificate_unknown", "it does not accept the certificate"},
	{47, "illegal_parameter", "it holds a value to be wrong"},
	{48, "unknown_ca", "it does not trust whoever issued the certificate"},
	{49, "access_denied", "it does not want to go on"},
	{50, "decode_error", "it could not read what it got"},
	{51, "decrypt_error", "a signature or a key exchange did not verify"},
	{70, "protocol_version", "it does not speak the version that was chosen"},
	{71, "insufficient_security", "it wants stronger algorithms"},
	{80, "internal_error", "it failed inside"},
	{86, "inappropriate_fallback", "it had fallen back to an older version without need"},
	{90, "user_canceled", "its user gave up"},
	{109, "missing_extension", "it misses an extension"},
	{112, "unrecognized_name", "it does not know the name"},
	{116, "certificate_required", "it wants a certificate"},
};

static void say_peer_alert(struct buf *to, int alert)
{
	for (size_t i = 0; i < sizeof(peer_alerts) / sizeof(peer_alerts[0]); i++) {
		if (peer_alerts[i].alert == alert) {
			buf_printf(to, " refused: %s (alert %d, %s)", peer_alerts[i].meaning, alert,
				   peer_alerts[i].name);
			return;
		}
	}
	buf_printf(to, " refused with alert %d", alert);
}

/* What OpenSSL found, and what it means; `text` follows the peer's address. */
static const struct {
	int reason;
	const char *text;
} known_reasons[] = {
	{SSL_R_HTTP_REQUEST, " spoke plain HTTP where TLS was expected"},
	{SSL_R_HTTPS_PROXY_REQUEST, " spoke plain HTTP where TLS was expected"},
	{SSL_R_WRONG_VERSION_NUMBER, " spoke no TLS where TLS was expected"},
	{SSL_R_PACKET_LENGTH_TOO_LONG, " spoke no TLS where TLS was expected"},
	{SSL_R_RECORD_LENGTH_MISMATCH, " spoke no TLS where TLS was expected"},
	{SSL_R_UNEXPECTED_EOF_WHILE_READING,
	 " closed the connection in the middle of the handshake"},
	{SSL_R_NO_SUITABLE_KEY_SHARE, " offered no group for the key exchange that is admitted"},
	{SSL_R_NO_SUITABLE_GROUPS, " offered no group for the key exchange that is admitted"},
	{SSL_R_NO_SHARED_GROUPS, " offered no group for the key exchange that is admitted"},
	{SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
	 " accepts no kind of signature that the certificates can give and that is strong enough "
	 "for "
	 "the version (in TLSv1.2 SHA-1 is refused)"},
	{SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS,
	 " accepts no kind of signature that the certificates can give"},
	{SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC,
	 " sent a record that does not decrypt: wrong keys, or tampering on the way"},
	{SSL_R_DIGEST_CHECK_FAILED, " sent a Finished that does not verify: tampering on the way"},
	{SSL_R_NO_CERTIFICATE_SET, " came while no certificate is loaded"},
	{SSL_R_INAPPROPRIATE_FALLBACK,
	 " had fallen back to an older version though a newer one is possible (RFC 7507)"},
	{SSL_R_LENGTH_MISMATCH, " sent a malformed message"},
	{SSL_R_BAD_EXTENSION, " sent a malformed extension"},
	{SSL_R_UNEXPECTED_MESSAGE, " sent a message out of turn"},
	{SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, " lacks safe renegotiation (RFC 5746)"},
};

static const char *known_reason(int reason)
{
	for (size_t i = 0; i < sizeof(known_reasons) / sizeof(known_reasons[0]); i++) {
		if (known_reasons[i].reason == reason)
			return known_reasons[i].text;
	}
	return NULL;
}

static bool is_version_failure(int reason)
{
	return reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_VERSION_TOO_LOW ||
	       reason == SSL_R_VERSION_TOO_HIGH || reason == SSL_R_NO_PROTOCOLS_AVAILABLE ||
	       reason == SSL_R_UNKNOWN_PROTOCOL || reason == SSL_R_WRONG_SSL_VERSION ||
	       reason == SSL_R_BAD_PROTOCOL_VERSION_NUMBER;
}

static void say_reason(struct buf *to, const struct tls_connection *self)
{
	bool is_ssl = ERR_GET_LIB(self->error) == ERR_LIB_SSL;
	int reason = is_ssl ? ERR_GET_REASON(self->error) : 0;
	const char *words = is_ssl ? known_reason(reason) : NULL;
	const char *openssl = ERR_reason_error_string(self->error);

	if (ERR_GET_LIB(self->error) == ERR_LIB_USER)
		buf_printf(to, " came while the private key could not be used: %s",
			   fault_text((enum fault)ERR_GET_REASON(self->error)));
	else if (is_version_failure(reason))
		say_version(to, self);
	else if (reason == SSL_R_NO_SHARED_CIPHER)
		say_suites(to, self);
	else if (words != NULL)
		buf_append_c(to, words);
	else
		buf_printf(to, " and this server did not agree: the handshake failed (%s)",
			   openssl == NULL ? "no reason given" : openssl);
}

void tls_failure_append(struct buf *to, const struct tls_connection *connection, struct str address,
			struct str name)
{
	buf_append_c(to, "TLS: ");
	text_append_word(to, address);
	if (!str_is_empty(name)) {
		buf_append_c(to, " (");
		text_append_word(to, name);
		buf_append_char(to, ')');
	}
	if (connection->hello.alert_received >= 0)
		say_peer_alert(to, connection->hello.alert_received);
	else if (connection->error != 0)
		say_reason(to, connection);
	else if (connection->system_error != 0)
		buf_printf(to, " broke the connection in the middle of the handshake (%s)",
			   strerror(connection->system_error));
	else
		buf_append_c(to, " closed the connection in the middle of the handshake");
}

void tls_floor_append(struct buf *to, const struct tls_connection *connection, struct str address)
{
	const struct tls_words *words = tls_context_words(connection->context);

	buf_append_c(to, "TLS: ");
	text_append_word(to, address);
	buf_printf(to, " negotiated %s, which ", SSL_get_version(connection->ssl));
	append_source(to, words, &words->floor.source, "TlsFloor");
	buf_printf(to, " observes: it wants %s", tls_protocol_name(words->floor.protocol));
}
