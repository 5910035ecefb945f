/* SPDX-License-Identifier: Apache-2.0 */
/* Why a handshake of ours with a server failed: see failure_client.h. */
#include "tls/failure_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "tls/catalog.h"
#include "tls/failure_parts.h"
#include "tls/shown.h"

/* ---- the tables ---- */

static const struct tls_failure_row failures[TLS_CLIENT_FAILURE_COUNT] = {
#define X(id, what, cure) {what, cure},
	TLS_CLIENT_FAILURE_TABLE(X)
#undef X
};

static const struct tls_server_alert_row alerts[] = {
#define X(number, meaning, cure) {number, meaning, cure},
	TLS_SERVER_ALERT_TABLE(X)
#undef X
};

const struct tls_failure_row *tls_client_failure_row(enum tls_client_failure failure)
{
	CHECK(failure < TLS_CLIENT_FAILURE_COUNT);
	return &failures[failure];
}

size_t tls_server_alert_count(void)
{
	return sizeof(alerts) / sizeof(alerts[0]);
}

const struct tls_server_alert_row *tls_server_alert_at(size_t index)
{
	CHECK(index < tls_server_alert_count());
	return &alerts[index];
}

static const struct tls_server_alert_row *server_alert_row(int alert)
{
	for (size_t i = 0; i < tls_server_alert_count(); i++) {
		if (alerts[i].alert == alert)
			return &alerts[i];
	}
	return NULL;
}

/* ---- which kind it was ---- */

/* What OpenSSL found. */
static const struct {
	int reason;
	enum tls_client_failure failure;
} known_reasons[] = {
	{SSL_R_UNSUPPORTED_PROTOCOL, TLS_CLIENT_FAILURE_VERSION},
	{SSL_R_WRONG_SSL_VERSION, TLS_CLIENT_FAILURE_VERSION},
	{SSL_R_BAD_PROTOCOL_VERSION_NUMBER, TLS_CLIENT_FAILURE_VERSION},
	{SSL_R_VERSION_TOO_LOW, TLS_CLIENT_FAILURE_VERSION},
	{SSL_R_INAPPROPRIATE_FALLBACK, TLS_CLIENT_FAILURE_DOWNGRADE},
	{SSL_R_UNKNOWN_CIPHER_RETURNED, TLS_CLIENT_FAILURE_SUITE},
	{SSL_R_WRONG_CIPHER_RETURNED, TLS_CLIENT_FAILURE_SUITE},
	{SSL_R_DH_KEY_TOO_SMALL, TLS_CLIENT_FAILURE_DH_SMALL},
	{SSL_R_BAD_DH_VALUE, TLS_CLIENT_FAILURE_DH_WEAK},
	{SSL_R_BAD_KEY_SHARE, TLS_CLIENT_FAILURE_GROUP},
	{SSL_R_WRONG_CURVE, TLS_CLIENT_FAILURE_GROUP},
	{SSL_R_UNABLE_TO_FIND_ECDH_PARAMETERS, TLS_CLIENT_FAILURE_GROUP},
	{SSL_R_WRONG_SIGNATURE_TYPE, TLS_CLIENT_FAILURE_SIGNATURE},
	{SSL_R_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED, TLS_CLIENT_FAILURE_SIGNATURE},
	{SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, TLS_CLIENT_FAILURE_SIGNATURE},
	{SSL_R_UNKNOWN_DIGEST, TLS_CLIENT_FAILURE_SIGNATURE},
	{SSL_R_CERTIFICATE_VERIFY_FAILED, TLS_CLIENT_FAILURE_CERTIFICATE},
	{SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, TLS_CLIENT_FAILURE_RENEGOTIATION},
	{SSL_R_UNEXPECTED_EOF_WHILE_READING, TLS_CLIENT_FAILURE_CLOSED},
	{SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, TLS_CLIENT_FAILURE_RECORD},
	{SSL_R_DIGEST_CHECK_FAILED, TLS_CLIENT_FAILURE_FINISHED},
	{SSL_R_UNEXPECTED_MESSAGE, TLS_CLIENT_FAILURE_UNEXPECTED},
	{SSL_R_UNEXPECTED_RECORD, TLS_CLIENT_FAILURE_UNEXPECTED},
	{SSL_R_APP_DATA_IN_HANDSHAKE, TLS_CLIENT_FAILURE_UNEXPECTED},
	{SSL_R_CCS_RECEIVED_EARLY, TLS_CLIENT_FAILURE_UNEXPECTED},
	{SSL_R_WRONG_VERSION_NUMBER, TLS_CLIENT_FAILURE_MALFORMED},
	{SSL_R_PACKET_LENGTH_TOO_LONG, TLS_CLIENT_FAILURE_MALFORMED},
	{SSL_R_DATA_LENGTH_TOO_LONG, TLS_CLIENT_FAILURE_MALFORMED},
	{SSL_R_ENCRYPTED_LENGTH_TOO_LONG, TLS_CLIENT_FAILURE_MALFORMED},
	{SSL_R_RECORD_LENGTH_MISMATCH, TLS_CLIENT_FAILURE_MALFORMED},
	{SSL_R_LENGTH_MISMATCH, TLS_CLIENT_FAILURE_MALFORMED},
	{SSL_R_LENGTH_TOO_SHORT, TLS_CLIENT_FAILURE_MALFORMED},
	{SSL_R_LENGTH_TOO_LONG, TLS_CLIENT_FAILURE_MALFORMED},
	{SSL_R_BAD_LENGTH, TLS_CLIENT_FAILURE_MALFORMED},
	{SSL_R_BAD_EXTENSION, TLS_CLIENT_FAILURE_MALFORMED},
	{SSL_R_UNSOLICITED_EXTENSION, TLS_CLIENT_FAILURE_MALFORMED},
	{SSL_R_BAD_ECPOINT, TLS_CLIENT_FAILURE_MALFORMED},
	{SSL_R_BAD_RECORD_TYPE, TLS_CLIENT_FAILURE_MALFORMED},
	{SSL_R_BAD_CHANGE_CIPHER_SPEC, TLS_CLIENT_FAILURE_MALFORMED},
	{SSL_R_EXCESSIVE_MESSAGE_SIZE, TLS_CLIENT_FAILURE_MALFORMED},
	{SSL_R_CERT_LENGTH_MISMATCH, TLS_CLIENT_FAILURE_MALFORMED},
};

static enum tls_client_failure reason_failure(int reason)
{
	for (size_t i = 0; i < sizeof(known_reasons) / sizeof(known_reasons[0]); i++) {
		if (known_reasons[i].reason == reason)
			return known_reasons[i].failure;
	}
	return TLS_CLIENT_FAILURE_OTHER;
}

enum tls_client_failure tls_client_failure(const struct tls_connection *self)
{
	const struct tls_hello *hello = &self->hello;
	bool has_spoken = hello->first_len > 0;

	if (has_spoken && !tls_began_as_tls(hello))
		return TLS_CLIENT_FAILURE_NOT_TLS;
	if (self->is_expired)
		return has_spoken ? TLS_CLIENT_FAILURE_TIMEOUT : TLS_CLIENT_FAILURE_TIMEOUT_SILENT;
	if (ERR_GET_LIB(self->error) == ERR_LIB_SSL) {
		enum tls_client_failure failure = reason_failure(ERR_GET_REASON(self->error));
		return failure == TLS_CLIENT_FAILURE_CLOSED && !has_spoken
			       ? TLS_CLIENT_FAILURE_SILENT
			       : failure;
	}
	if (self->error != 0)
		return TLS_CLIENT_FAILURE_OTHER;
	if (self->system_error != 0)
		return TLS_CLIENT_FAILURE_BROKEN;
	return has_spoken ? TLS_CLIENT_FAILURE_CLOSED : TLS_CLIENT_FAILURE_SILENT;
}

/* ---- the parts that a handshake supplies ---- */

static const struct tls_words *words_of(const struct tls_connection *self)
{
	return tls_context_words(self->context);
}

/* Appends who demands something: like tls_source_append, but without a line it is no default. */
static void demander_append(struct buf *to, const struct tls_words *words,
			    const struct finding_place *place)
{
	finding_place_append(to, place);
	if (place->line > 0)
		buf_printf(to, " (%.*s:%d)", STR_ARG(words->file_name), place->line);
}

static void append_version(struct buf *to, const struct tls_connection *self)
{
	uint16_t wire = self->hello.answer.version;
	enum tls_protocol version = tls_protocol_from_wire(wire);

	if (!self->hello.answer.is_given)
		buf_append_c(to, "another version");
	else if (version == TLS_PROTOCOL_COUNT)
		buf_printf(to, "a version that is not known here (0x%04x)", wire);
	else
		buf_append_c(to, tls_protocol_name(version));
}

/* True when it is the demand that leaves out what the server wants, not the policy. */
static bool is_by_demand(const struct tls_connection *self)
{
	const struct tls_demand *demand = &self->client->demand;
	enum tls_protocol own = tls_protocols_min(words_of(self)->protocols);
	enum tls_protocol answered = tls_protocol_from_wire(self->hello.answer.version);

	if (demand->min <= own)
		return false;
	return !self->hello.answer.is_given ||
	       (answered < TLS_PROTOCOL_COUNT && answered >= own);
}

static void append_protocols_by(struct buf *to, const struct tls_connection *self)
{
	const struct tls_words *words = words_of(self);
	enum tls_protocol answered = tls_protocol_from_wire(self->hello.answer.version);

	if (is_by_demand(self))
		demander_append(to, words, &self->client->demand.min_source);
	else if (answered < TLS_PROTOCOL_COUNT &&
		 tls_protocols_has(words->floor.refused, answered))
		tls_source_append(to, words, &words->floor.source, "TlsFloor");
	else
		tls_source_append(to, words, &words->protocols_source, "ClientTlsProtocols");
}

static void append_protocols(struct buf *to, const struct tls_connection *self)
{
	enum tls_protocol min = self->client->demand.min;

	tls_protocols_append(to, words_of(self)->protocols & ~(TLS_PROTOCOL_BIT(min) - 1));
}

static void append_suite(struct buf *to, const struct tls_connection *self)
{
	tls_suite_append(to, self, self->hello.answer.suite);
}

static void append_ciphers_by(struct buf *to, const struct tls_connection *self)
{
	const struct tls_demand *demand = &self->client->demand;

	if (demand->suites != NULL)
		demander_append(to, words_of(self), &demand->suites_source);
	else
		tls_source_append(to, words_of(self), &words_of(self)->ciphers_source,
				  "ClientTlsCiphers");
}

static void append_groups_by(struct buf *to, const struct tls_connection *self)
{
	tls_source_append(to, words_of(self), &words_of(self)->groups_source,
			  "EnableEphemeralECDH");
}

static void append_dh_bits(struct buf *to, const struct tls_connection *self)
{
	buf_printf(to, "%d", self->hello.answer.dh_bits);
}

static void append_dh_by(struct buf *to, const struct tls_connection *self)
{
	tls_source_append(to, words_of(self), &words_of(self)->dhe_source, "EphemeralDHKeySize");
}

static void append_dh_min(struct buf *to, const struct tls_connection *self)
{
	buf_printf(to, "%d", words_of(self)->dhe_bits);
}

static void append_host(struct buf *to, const struct tls_connection *self)
{
	text_append_word(to, str_from_c(self->client->host));
}

static void append_distrust(struct buf *to, const struct tls_connection *self)
{
	tls_verdict_append(to, self, self->client->verdict.why);
}

static void append_distrust_cure(struct buf *to, const struct tls_connection *self)
{
	buf_append_c(to, tls_distrust_row(self->client->verdict.why)->cure);
}

static void append_demanded_by(struct buf *to, const struct tls_connection *self)
{
	const struct tls_proof *unmet = self->client->verdict.unmet;

	if (unmet != NULL)
		demander_append(to, words_of(self), &unmet->source);
}

static void append_demanded(struct buf *to, const struct tls_connection *self)
{
	const struct tls_proof *unmet = self->client->verdict.unmet;

	if (unmet != NULL)
		buf_append_c(to, tls_level_name(unmet->kind));
}

/* ---- the parts that a certificate supplies ---- */

static X509 *leaf_of(const struct tls_connection *self)
{
	return sk_X509_value(self->client->shown, 0);
}

static X509 *culprit_of(const struct tls_connection *self)
{
	X509 *culprit = self->client->culprit;

	return culprit == NULL ? leaf_of(self) : culprit;
}

static void append_name(struct buf *to, const X509_NAME *name)
{
	struct buf text = BUF_INIT(16 * 1024);

	tls_name_append(&text, name);
	text_append_phrase(to, str_sub(buf_str(&text), 0, 256));
	buf_done(&text);
}

static void append_whose(struct buf *to, const struct tls_connection *self)
{
	X509 *culprit = culprit_of(self);

	if (X509_cmp(culprit, leaf_of(self)) == 0) {
		buf_append_c(to, "its certificate");
		return;
	}
	buf_append_c(to, "a certificate in its chain, ");
	append_name(to, X509_get_subject_name(culprit));
	buf_append_char(to, ',');
}

static void append_issuer(struct buf *to, const struct tls_connection *self)
{
	append_name(to, X509_get_issuer_name(culprit_of(self)));
}

static void append_not_before(struct buf *to, const struct tls_connection *self)
{
	clock_append_iso_date(to, tls_time_seconds(X509_get0_notBefore(culprit_of(self))));
}

static void append_not_after(struct buf *to, const struct tls_connection *self)
{
	clock_append_iso_date(to, tls_time_seconds(X509_get0_notAfter(culprit_of(self))));
}

static void append_names(struct buf *to, const struct tls_connection *self)
{
	struct tls_shown shown;

	tls_client_shown(self, 0, &shown);
	if (shown.names.len == 0)
		buf_append_c(to, "no name at all");
	text_append_phrase(to, str_sub(buf_str(&shown.names), 0, 256));
	tls_shown_done(&shown);
}

static void append_wanted(struct buf *to, const struct tls_connection *self)
{
	const struct tls_proof *unmet = self->client->verdict.unmet;

	if (unmet == NULL || unmet->kind != TLS_LEVEL_VERIFY) {
		append_host(to, self);
		return;
	}
	for (size_t i = 0; i < unmet->name_count; i++) {
		buf_append_c(to, i == 0 ? "" : " or ");
		text_append_word(to, unmet->names[i]);
	}
}

static void append_key(struct buf *to, const struct tls_connection *self)
{
	unsigned char pin[DEMAND_PIN_BYTES];

	tls_key_pin(leaf_of(self), pin);
	base64_encode(to, str_make(pin, sizeof(pin)));
}

static void append_x509(struct buf *to, const struct tls_connection *self)
{
	buf_append_c(to, X509_verify_cert_error_string(self->client->verdict.chain_error));
}

static const struct failure_part certificate_parts[] = {
	{"whose", append_whose},	   {"issuer", append_issuer},
	{"not_before", append_not_before}, {"not_after", append_not_after},
	{"names", append_names},	   {"wanted", append_wanted},
	{"key", append_key},		   {"openssl", append_x509},
};

static const struct failure_part parts[] = {
	{"version", append_version},
	{"protocols_by", append_protocols_by},
	{"protocols", append_protocols},
	{"suite", append_suite},
	{"ciphers_by", append_ciphers_by},
	{"groups_by", append_groups_by},
	{"groups", tls_own_groups_append},
	{"dh_bits", append_dh_bits},
	{"dh_by", append_dh_by},
	{"dh_min", append_dh_min},
	{"host", append_host},
	{"distrust", append_distrust},
	{"distrust_cure", append_distrust_cure},
	{"demanded_by", append_demanded_by},
	{"demanded", append_demanded},
	{"first", tls_first_append},
	{"system", tls_system_append},
	{"openssl", tls_openssl_append},
};

void tls_verdict_append(struct buf *to, const struct tls_connection *connection,
			enum tls_distrust distrust)
{
	if (tls_client_shown_count(connection) == 0)
		return;
	tls_parts_append(to, connection, tls_distrust_row(distrust)->what, certificate_parts,
			 sizeof(certificate_parts) / sizeof(certificate_parts[0]));
}

/* ---- the line ---- */

static void append_filled(struct buf *to, const struct tls_connection *self, const char *text)
{
	tls_parts_append(to, self, text, parts, sizeof(parts) / sizeof(parts[0]));
}

static void append_filled_cure(struct buf *to, const struct tls_connection *self, const char *cure)
{
	struct buf text = BUF_INIT(4096);

	append_filled(&text, self, cure);
	buf_append_char(&text, '\0');
	tls_cure_append(to, text.data);
	buf_done(&text);
}

static void append_server_alert(struct buf *to, const struct tls_connection *self, int alert)
{
	const struct tls_alert_row *common = tls_alert_row(alert);
	const struct tls_server_alert_row *row = server_alert_row(alert);

	if (common == NULL) {
		buf_printf(to, "refused with alert %d", alert);
		return;
	}
	buf_append_c(to, "refused: ");
	append_filled(to, self, row == NULL ? common->meaning : row->meaning);
	buf_printf(to, " (alert %d, %s)", alert, common->name);
	tls_cure_append(to, row == NULL ? common->cure : row->cure);
}

/* OpenSSL sends an alert behind a peer that has gone, too. */
static bool is_heard(enum tls_client_failure failure)
{
	return failure != TLS_CLIENT_FAILURE_SILENT && failure != TLS_CLIENT_FAILURE_CLOSED &&
	       failure != TLS_CLIENT_FAILURE_BROKEN;
}

static void append_failure(struct buf *to, const struct tls_connection *self)
{
	enum tls_client_failure failure = tls_client_failure(self);
	const struct tls_failure_row *row = tls_client_failure_row(failure);

	append_filled(to, self, row->what);
	append_filled_cure(to, self, row->cure);
	if (is_heard(failure))
		tls_alert_sent_append(to, self->hello.alert_sent);
}

void tls_client_reason_append(struct buf *to, const struct tls_connection *connection)
{
	const struct tls_hello *hello = &connection->hello;

	if (hello->alert_received >= 0)
		append_server_alert(to, connection, hello->alert_received);
	else if (hello->warning_received >= 0)
		append_server_alert(to, connection, hello->warning_received);
	else
		append_failure(to, connection);
}

void tls_client_line_begin(struct buf *to, struct str address, struct str name)
{
	buf_append_c(to, "TLS to ");
	text_append_word(to, address);
	if (!str_is_empty(name)) {
		buf_append_c(to, " (");
		text_append_word(to, name);
		buf_append_char(to, ')');
	}
	buf_append_c(to, ": ");
}

void tls_client_failure_append(struct buf *to, const struct tls_connection *connection,
			       struct str address, struct str name)
{
	tls_client_line_begin(to, address, name);
	tls_client_reason_append(to, connection);
}

void tls_nothing_append(struct buf *to, const struct tls_words *words,
			const struct tls_demand *demand)
{
	if (demand->level == TLS_LEVEL_NONE) {
		buf_append_c(to, "TLS is not wanted: ");
		demander_append(to, words, &demand->level_source);
		buf_append_c(to, " says none");
		return;
	}
	if (demand->min > tls_protocols_max(words->protocols)) {
		demander_append(to, words, &demand->min_source);
		buf_printf(to, " demands %s or newer, and ", tls_protocol_name(demand->min));
		tls_source_append(to, words, &words->protocols_source, "ClientTlsProtocols");
		buf_append_c(to, " offers ");
		tls_protocols_append(to, words->protocols);
		return;
	}
	buf_append_c(to, "no suite is left to offer: ");
	if (demand->suites != NULL) {
		demander_append(to, words, &demand->suites_source);
		buf_append_c(to, " admits none of those that ");
	}
	tls_source_append(to, words, &words->ciphers_source, "ClientTlsCiphers");
	buf_append_c(to, demand->suites != NULL ? " names" : " leaves nothing without DHE");
}
