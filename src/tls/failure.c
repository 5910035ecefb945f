/* SPDX-License-Identifier: Apache-2.0 */
/* Why a handshake failed, in words: see transport.h. The words themselves are failure.h. */
#include "tls/failure.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#include "base/log.h"
#include "policy/suite_names.h"
#include "tls/connection.h"
#include "tls/failure_client.h"
#include "tls/failure_parts.h"

/* So many of a list are named, the others counted. */
enum { NAMES_SHOWN = 4 };

/* ---- which kind it was ---- */

/* What OpenSSL found. */
static const struct {
	int reason;
	enum tls_failure failure;
} known_reasons[] = {
	{SSL_R_NO_SUITABLE_KEY_SHARE, TLS_FAILURE_GROUPS},
	{SSL_R_NO_SUITABLE_GROUPS, TLS_FAILURE_GROUPS},
	{SSL_R_NO_SHARED_GROUPS, TLS_FAILURE_GROUPS},
	{SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, TLS_FAILURE_SIGNATURES},
	{SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, TLS_FAILURE_SIGNATURES},
	{SSL_R_HTTP_REQUEST, TLS_FAILURE_HTTP},
	{SSL_R_HTTPS_PROXY_REQUEST, TLS_FAILURE_HTTP},
	{SSL_R_WRONG_VERSION_NUMBER, TLS_FAILURE_MALFORMED},
	{SSL_R_PACKET_LENGTH_TOO_LONG, TLS_FAILURE_MALFORMED},
	{SSL_R_DATA_LENGTH_TOO_LONG, TLS_FAILURE_MALFORMED},
	{SSL_R_RECORD_LENGTH_MISMATCH, TLS_FAILURE_MALFORMED},
	{SSL_R_LENGTH_MISMATCH, TLS_FAILURE_MALFORMED},
	{SSL_R_LENGTH_TOO_SHORT, TLS_FAILURE_MALFORMED},
	{SSL_R_LENGTH_TOO_LONG, TLS_FAILURE_MALFORMED},
	{SSL_R_BAD_LENGTH, TLS_FAILURE_MALFORMED},
	{SSL_R_BAD_EXTENSION, TLS_FAILURE_MALFORMED},
	{SSL_R_BAD_KEY_SHARE, TLS_FAILURE_MALFORMED},
	{SSL_R_BAD_ECPOINT, TLS_FAILURE_MALFORMED},
	{SSL_R_BAD_RECORD_TYPE, TLS_FAILURE_MALFORMED},
	{SSL_R_BAD_CHANGE_CIPHER_SPEC, TLS_FAILURE_MALFORMED},
	{SSL_R_INVALID_COMPRESSION_ALGORITHM, TLS_FAILURE_MALFORMED},
	{SSL_R_NO_COMPRESSION_SPECIFIED, TLS_FAILURE_MALFORMED},
	{SSL_R_NO_CIPHERS_SPECIFIED, TLS_FAILURE_MALFORMED},
	{SSL_R_MISSING_SIGALGS_EXTENSION, TLS_FAILURE_MALFORMED},
	{SSL_R_MISSING_SUPPORTED_GROUPS_EXTENSION, TLS_FAILURE_MALFORMED},
	{SSL_R_MISSING_PSK_KEX_MODES_EXTENSION, TLS_FAILURE_MALFORMED},
	{SSL_R_RENEGOTIATION_MISMATCH, TLS_FAILURE_MALFORMED},
	{SSL_R_RENEGOTIATION_ENCODING_ERR, TLS_FAILURE_MALFORMED},
	{SSL_R_EXCESSIVE_MESSAGE_SIZE, TLS_FAILURE_MALFORMED},
	{SSL_R_UNEXPECTED_MESSAGE, TLS_FAILURE_UNEXPECTED},
	{SSL_R_UNEXPECTED_RECORD, TLS_FAILURE_UNEXPECTED},
	{SSL_R_APP_DATA_IN_HANDSHAKE, TLS_FAILURE_UNEXPECTED},
	{SSL_R_UNEXPECTED_EOF_WHILE_READING, TLS_FAILURE_CLOSED},
	{SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, TLS_FAILURE_RECORD},
	{SSL_R_DIGEST_CHECK_FAILED, TLS_FAILURE_FINISHED},
	{SSL_R_INAPPROPRIATE_FALLBACK, TLS_FAILURE_FALLBACK},
};

static bool is_version_failure(int reason)
{
	return reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_VERSION_TOO_LOW ||
	       reason == SSL_R_VERSION_TOO_HIGH || reason == SSL_R_NO_PROTOCOLS_AVAILABLE ||
	       reason == SSL_R_UNKNOWN_PROTOCOL || reason == SSL_R_WRONG_SSL_VERSION ||
	       reason == SSL_R_BAD_PROTOCOL_VERSION_NUMBER;
}

static enum tls_failure version_failure(const struct tls_connection *self)
{
	const struct tls_offer *offer = self->hello.offer;

	if (offer != NULL && offer->is_sslv2 && offer->highest == TLS_PROTOCOL_COUNT)
		return TLS_FAILURE_SSLV2;
	if (self->hello.highest == TLS_PROTOCOL_COUNT)
		return TLS_FAILURE_VERSION_UNKNOWN;
	return self->hello.listed_versions ? TLS_FAILURE_VERSION_LISTED
					   : TLS_FAILURE_VERSION_AT_MOST;
}

static bool offer_has_suite(const struct tls_offer *offer, const SSL_CIPHER *cipher)
{
	for (size_t i = 0; i < offer->suite_count; i++) {
		if (offer->suites[i] == SSL_CIPHER_get_protocol_id(cipher))
			return true;
	}
	return false;
}

static bool offer_has_group(const struct tls_offer *offer, uint16_t id)
{
	for (size_t i = 0; i < offer->group_count; i++) {
		if (offer->groups[i] == id)
			return true;
	}
	/* Who lists no groups takes any. */
	return offer->group_count == 0;
}

/* RFC 8422 section 4 lets a server guess where no groups are listed; OpenSSL does not. */
static bool shares_group(const struct tls_connection *self)
{
	const struct tls_words *words = tls_context_words(self->context);

	for (size_t i = 0; i < words->group_count && self->hello.offer->group_count > 0; i++) {
		if (offer_has_group(self->hello.offer, words->groups[i]->id))
			return true;
	}
	return false;
}

/* What the certificates of this connection can do: by its name it may have others than the defaults. */
struct shown {
	struct tls_certificates kinds;
	uint16_t curve; /* of the ECDSA certificate, as a group's number; 0: of no curve with a number */
};

static uint16_t curve_number(EVP_PKEY *key)
{
	static const struct {
		int nid;
		uint16_t number;
	} curves[] = {
		{NID_X9_62_prime256v1, 0x17}, {NID_secp384r1, 0x18},	   {NID_secp521r1, 0x19},
		{NID_secp256k1, 0x16},	      {NID_secp224r1, 0x15},	   {NID_X9_62_prime192v1, 0x13},
		{NID_brainpoolP256r1, 0x1a},  {NID_brainpoolP384r1, 0x1b}, {NID_brainpoolP512r1, 0x1c},
	};
	char name[64] = "";
	size_t len;

	if (EVP_PKEY_get_group_name(key, name, sizeof(name), &len) != 1)
		return 0;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (curves[i].nid == OBJ_txt2nid(name))
			return curves[i].number;
	}
	return 0;
}

static struct shown certificates_shown(const struct tls_connection *self)
{
	struct shown shown = {0};

	for (long which = SSL_CERT_SET_FIRST; SSL_set_current_cert(self->ssl, which) == 1;
	     which = SSL_CERT_SET_NEXT) {
		EVP_PKEY *key = X509_get0_pubkey(SSL_get_certificate(self->ssl));
		bool is_rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
		shown.kinds.has_rsa |= is_rsa;
		shown.kinds.has_ecdsa |= !is_rsa;
		if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC)
			shown.curve = curve_number(key);
	}
	return shown;
}

/* True for suites that a session of this version could have, with some certificate. */
static bool fits_version(const SSL_CIPHER *cipher, int version)
{
	int auth = SSL_CIPHER_get_auth_nid(cipher);

	if (SSL_CIPHER_get_kx_nid(cipher) == NID_kx_any)
		return version == TLS1_3_VERSION;
	if (version < TLS1_2_VERSION && strcmp(SSL_CIPHER_get_version(cipher), "TLSv1.2") == 0)
		return false;
	return version < TLS1_3_VERSION && (auth == NID_auth_rsa || auth == NID_auth_ecdsa);
}

/* How far a suite gets on the way to being chosen. */
enum suite_progress { NOT_SHARED, SHARED, CERTIFIED, ON_CURVE, WITH_GROUP };

static enum suite_progress suite_progress(const struct tls_connection *self,
					  const SSL_CIPHER *cipher)
{
	const struct tls_offer *offer = self->hello.offer;
	struct shown shown = certificates_shown(self);
	bool is_ecdsa = SSL_CIPHER_get_auth_nid(cipher) == NID_auth_ecdsa;
	bool is_rsa = SSL_CIPHER_get_auth_nid(cipher) == NID_auth_rsa;

	if (!fits_version(cipher, SSL_version(self->ssl)) || !offer_has_suite(offer, cipher))
		return NOT_SHARED;
	if ((is_ecdsa && !shown.kinds.has_ecdsa) || (is_rsa && !shown.kinds.has_rsa))
		return SHARED;
	/* RFC 8422 section 5.1: an ECDSA certificate is of use where the peer lists its curve. */
	if (is_ecdsa && shown.curve != 0 && !offer_has_group(offer, shown.curve))
		return CERTIFIED;
	if (SSL_CIPHER_get_kx_nid(cipher) == NID_kx_ecdhe && !shares_group(self))
		return ON_CURVE;
	return WITH_GROUP;
}

/*
 * "No shared cipher" is OpenSSL's word for five things: a suite may be shared, but not
 * the certificate, its curve, the group or the signature that goes with it.
 */
static enum tls_failure suite_failure(const struct tls_connection *self)
{
	static const enum tls_failure failures[] = {
		[NOT_SHARED] = TLS_FAILURE_SUITES,
		[SHARED] = TLS_FAILURE_CERTIFICATE_KIND,
		[CERTIFIED] = TLS_FAILURE_CERTIFICATE_CURVE,
		[ON_CURVE] = TLS_FAILURE_GROUPS,
		[WITH_GROUP] = TLS_FAILURE_SIGNATURES,
	};
	STACK_OF(SSL_CIPHER) *own = SSL_get_ciphers(self->ssl);
	enum suite_progress furthest = NOT_SHARED;

	for (int i = 0; self->hello.offer != NULL && i < sk_SSL_CIPHER_num(own); i++) {
		enum suite_progress progress = suite_progress(self, sk_SSL_CIPHER_value(own, i));
		if (progress > furthest)
			furthest = progress;
	}
	return failures[furthest];
}

bool tls_began_as_tls(const struct tls_hello *hello)
{
	const unsigned char *first = (const unsigned char *)hello->first;

	if (hello->first_len >= 3 && (first[0] & 0x80) != 0 && first[2] == 1)
		return true;
	return hello->first_len >= 2 && first[0] >= SSL3_RT_CHANGE_CIPHER_SPEC &&
	       first[0] <= SSL3_RT_APPLICATION_DATA && first[1] == SSL3_VERSION_MAJOR;
}

/* What whoever speaks no TLS may have meant, by how he begins. */
static enum tls_failure plain_failure(const struct tls_hello *hello)
{
	static const struct {
		const char *begins;
		enum tls_failure failure;
	} rows[] = {
		{"GET ", TLS_FAILURE_HTTP},	 {"POST ", TLS_FAILURE_HTTP},
		{"HEAD ", TLS_FAILURE_HTTP},	 {"PUT ", TLS_FAILURE_HTTP},
		{"OPTIONS ", TLS_FAILURE_HTTP},	 {"CONNECT ", TLS_FAILURE_HTTP},
		{"PROPFIND ", TLS_FAILURE_HTTP}, {"EHLO", TLS_FAILURE_MAIL},
		{"HELO", TLS_FAILURE_MAIL},	 {"MAIL", TLS_FAILURE_MAIL},
		{"QUIT", TLS_FAILURE_MAIL},	 {"NOOP", TLS_FAILURE_MAIL},
		{"USER ", TLS_FAILURE_MAIL},	 {"CAPA", TLS_FAILURE_MAIL},
		{"AUTH", TLS_FAILURE_MAIL},	 {"STLS", TLS_FAILURE_MAIL},
		{"STARTTLS", TLS_FAILURE_MAIL},
	};
	static const char *const imap[] = {" CAPABILITY", " LOGIN",  " ID ",	     " STARTTLS",
					   " NOOP",	  " LOGOUT", " AUTHENTICATE"};
	struct str first = str_make(hello->first, hello->first_len);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (str_has_prefix_nocase(first, str_from_c(rows[i].begins)))
			return rows[i].failure;
	}
	struct str command = str_from(first, str_find_char(first, ' '));
	for (size_t i = 0; i < sizeof(imap) / sizeof(imap[0]); i++) {
		if (str_has_prefix_nocase(command, str_from_c(imap[i])))
			return TLS_FAILURE_MAIL;
	}
	return TLS_FAILURE_NOT_TLS;
}

static enum tls_failure known_failure(int reason)
{
	for (size_t i = 0; i < sizeof(known_reasons) / sizeof(known_reasons[0]); i++) {
		if (known_reasons[i].reason == reason)
			return known_reasons[i].failure;
	}
	return TLS_FAILURE_OTHER;
}

static enum tls_failure reason_failure(const struct tls_connection *self, int reason)
{
	if (is_version_failure(reason))
		return version_failure(self);
	if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING && self->hello.first_len == 0)
		return TLS_FAILURE_SILENT;
	return reason == SSL_R_NO_SHARED_CIPHER ? suite_failure(self) : known_failure(reason);
}

static enum tls_failure failure_of(const struct tls_connection *self)
{
	const struct tls_hello *hello = &self->hello;

	if (hello->offer == NULL && hello->first_len > 0 && !tls_began_as_tls(hello))
		return plain_failure(hello);
	if (self->is_expired)
		return hello->first_len == 0 ? TLS_FAILURE_TIMEOUT_SILENT : TLS_FAILURE_TIMEOUT;
	if (ERR_GET_LIB(self->error) == ERR_LIB_USER)
		return TLS_FAILURE_KEY;
	if (ERR_GET_LIB(self->error) == ERR_LIB_SSL)
		return reason_failure(self, ERR_GET_REASON(self->error));
	if (self->error != 0)
		return TLS_FAILURE_OTHER;
	if (self->system_error != 0)
		return TLS_FAILURE_BROKEN;
	return hello->first_len == 0 ? TLS_FAILURE_SILENT : TLS_FAILURE_CLOSED;
}

/* ---- the parts that a handshake supplies ---- */

void tls_source_append(struct buf *to, const struct tls_words *words,
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

static void append_highest(struct buf *to, const struct tls_connection *self)
{
	enum tls_protocol highest = self->hello.highest;

	buf_append_c(to, highest == TLS_PROTOCOL_COUNT ? "unknown" : tls_protocol_name(highest));
}

static void append_versions(struct buf *to, const struct tls_connection *self)
{
	tls_protocols_append(to, self->hello.offer->versions);
}

/* True when the list admits what the peer offered, and the floor does not. */
static bool floor_refused(const struct tls_connection *self, const struct tls_words *words)
{
	const struct tls_hello *hello = &self->hello;
	tls_protocols offered = hello->offer == NULL ? 0 : hello->offer->versions;

	/* Who names but one version speaks the older ones too, as far as anybody knows. */
	if (!hello->listed_versions && hello->highest != TLS_PROTOCOL_COUNT)
		offered = (TLS_PROTOCOL_BIT(hello->highest) << 1) - 1;
	return (offered & words->floor.refused) != 0;
}

static void append_protocols_by(struct buf *to, const struct tls_connection *self)
{
	const struct tls_words *words = tls_context_words(self->context);

	if (floor_refused(self, words))
		tls_source_append(to, words, &words->floor.source, "TlsFloor");
	else
		tls_source_append(to, words, &words->protocols_source, "ServerTlsProtocols");
}

static void append_protocols(struct buf *to, const struct tls_connection *self)
{
	tls_protocols_append(to, tls_context_words(self->context)->protocols);
}

static void append_ciphers_by(struct buf *to, const struct tls_connection *self)
{
	const struct tls_words *words = tls_context_words(self->context);

	tls_source_append(to, words, &words->ciphers_source, "ServerTlsCiphers");
}

static void append_groups_by(struct buf *to, const struct tls_connection *self)
{
	const struct tls_words *words = tls_context_words(self->context);

	tls_source_append(to, words, &words->groups_source, "EnableEphemeralECDH");
}

/* Appends "A, B, C, D and 3 more", each by `append_one`; `none` where there is nothing. */
static void append_list(struct buf *to, const struct tls_connection *self, const uint16_t *numbers,
			size_t count, const char *none,
			void (*append_one)(struct buf *to, const struct tls_connection *self,
					   uint16_t number))
{
	if (count == 0)
		buf_append_c(to, none);
	for (size_t i = 0; i < count && i < NAMES_SHOWN; i++) {
		buf_append_c(to, i == 0 ? "" : ", ");
		append_one(to, self, numbers[i]);
	}
	if (count > NAMES_SHOWN)
		buf_printf(to, " and %zu more", count - NAMES_SHOWN);
}

void tls_suite_append(struct buf *to, const struct tls_connection *self, uint16_t number)
{
	const char *name = suite_name_from_number(number);

	if (name != NULL)
		buf_append_c(to, name);
	else
		buf_printf(to, "0x%04x", number);
}

/* RFC 8422, 7919, 8734 and earlier: those a peer may have that this server has not. */
static const struct {
	uint16_t number;
	const char *name;
} further_groups[] = {
	{0x13, "secp192r1"},	    {0x15, "secp224r1"},       {0x16, "secp256k1"},
	{0x1a, "brainpoolP256r1"},  {0x1b, "brainpoolP384r1"}, {0x1c, "brainpoolP512r1"},
	{0x0103, "ffdhe6144"},	    {0x0104, "ffdhe8192"},     {0x11ec, "X25519MLKEM768"},
	{0x6399, "X25519Kyber768"},
};

static void append_group(struct buf *to, const struct tls_connection *self, uint16_t number)
{
	for (size_t i = 0; i < tls_group_count(); i++) {
		if (tls_group_at(i)->id == number) {
			buf_append_c(to, tls_group_at(i)->name);
			return;
		}
	}
	for (size_t i = 0; i < sizeof(further_groups) / sizeof(further_groups[0]); i++) {
		if (further_groups[i].number == number) {
			buf_append_c(to, further_groups[i].name);
			return;
		}
	}
	buf_printf(to, "0x%04x", number);
}

/* RFC 8446 section 4.2.3, and what TLS 1.2 had before. */
static const struct {
	uint16_t number;
	const char *name;
} schemes[] = {
	{0x0101, "rsa_pkcs1_md5"},
	{0x0201, "rsa_pkcs1_sha1"},
	{0x0202, "dsa_sha1"},
	{0x0203, "ecdsa_sha1"},
	{0x0301, "rsa_pkcs1_sha224"},
	{0x0303, "ecdsa_sha224"},
	{0x0401, "rsa_pkcs1_sha256"},
	{0x0403, "ecdsa_secp256r1_sha256"},
	{0x0501, "rsa_pkcs1_sha384"},
	{0x0503, "ecdsa_secp384r1_sha384"},
	{0x0601, "rsa_pkcs1_sha512"},
	{0x0603, "ecdsa_secp521r1_sha512"},
	{0x0804, "rsa_pss_rsae_sha256"},
	{0x0805, "rsa_pss_rsae_sha384"},
	{0x0806, "rsa_pss_rsae_sha512"},
	{0x0807, "ed25519"},
	{0x0808, "ed448"},
	{0x0809, "rsa_pss_pss_sha256"},
	{0x080a, "rsa_pss_pss_sha384"},
	{0x080b, "rsa_pss_pss_sha512"},
};

static void append_scheme(struct buf *to, const struct tls_connection *self, uint16_t number)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (schemes[i].number == number) {
			buf_append_c(to, schemes[i].name);
			return;
		}
	}
	buf_printf(to, "0x%04x", number);
}

static void append_suites(struct buf *to, const struct tls_connection *self)
{
	const struct tls_offer *offer = self->hello.offer;

	append_list(to, self, offer == NULL ? NULL : offer->suites,
		    offer == NULL ? 0 : offer->suite_count, "signals", tls_suite_append);
}

static void append_groups(struct buf *to, const struct tls_connection *self)
{
	const struct tls_offer *offer = self->hello.offer;
	size_t count = offer == NULL ? 0 : offer->group_count;

	buf_append_c(to, count == 0 ? "" : "only ");
	append_list(to, self, count == 0 ? NULL : offer->groups, count, "none at all",
		    append_group);
}

static void append_schemes(struct buf *to, const struct tls_connection *self)
{
	const struct tls_offer *offer = self->hello.offer;
	size_t count = offer == NULL ? 0 : offer->scheme_count;

	buf_append_c(to, count == 0 ? "" : "only ");
	append_list(to, self, count == 0 ? NULL : offer->schemes, count,
		    "naming none (then SHA-1 is meant)", append_scheme);
}

void tls_own_groups_append(struct buf *to, const struct tls_connection *self)
{
	const struct tls_words *words = tls_context_words(self->context);

	for (size_t i = 0; i < words->group_count; i++)
		buf_printf(to, "%s%s", i == 0 ? "" : ", ", words->groups[i]->name);
	if (words->group_count == 0)
		buf_append_c(to, "none");
}

static void append_certificates(struct buf *to, const struct tls_connection *self)
{
	struct tls_certificates certificates = certificates_shown(self).kinds;

	buf_append_c(to, certificates.has_rsa && certificates.has_ecdsa ? "RSA and ECDSA"
			 : certificates.has_rsa				? "RSA only"
			 : certificates.has_ecdsa			? "ECDSA only"
									: "none");
}

static void append_curve(struct buf *to, const struct tls_connection *self)
{
	append_group(to, self, certificates_shown(self).curve);
}

void tls_first_append(struct buf *to, const struct tls_connection *self)
{
	struct str first = str_make(self->hello.first, self->hello.first_len);
	size_t end = str_find_char(first, '\n');

	buf_append_c(to, "it began with ");
	text_append_phrase(to, str_trim(str_sub(first, 0, end == STR_NONE ? first.len : end)));
}

void tls_system_append(struct buf *to, const struct tls_connection *self)
{
	buf_append_c(to, strerror(self->system_error));
}

static void append_fault(struct buf *to, const struct tls_connection *self)
{
	buf_append_c(to, fault_text((enum fault)ERR_GET_REASON(self->error)));
}

void tls_openssl_append(struct buf *to, const struct tls_connection *self)
{
	const char *reason = ERR_reason_error_string(self->error);

	buf_append_c(to, reason == NULL ? "no reason given" : reason);
}

static const struct failure_part parts[] = {
	{"highest", append_highest},
	{"versions", append_versions},
	{"protocols_by", append_protocols_by},
	{"protocols", append_protocols},
	{"ciphers_by", append_ciphers_by},
	{"groups_by", append_groups_by},
	{"suites", append_suites},
	{"groups", append_groups},
	{"schemes", append_schemes},
	{"own_groups", tls_own_groups_append},
	{"certificates", append_certificates},
	{"curve", append_curve},
	{"first", tls_first_append},
	{"system", tls_system_append},
	{"fault", append_fault},
	{"openssl", tls_openssl_append},
};

static void append_part(struct buf *to, const struct tls_connection *self,
			const struct failure_part *all, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++) {
		if (str_equals(name, str_from_c(all[i].name))) {
			all[i].append(to, self);
			return;
		}
	}
	CHECK(!"a part that nobody supplies");
}

void tls_parts_append(struct buf *to, const struct tls_connection *self, const char *text,
		      const struct failure_part *all, size_t count)
{
	for (struct str rest = str_from_c(text); rest.ptr != NULL;) {
		buf_append_str(to, str_cut(&rest, '{'));
		if (rest.ptr != NULL)
			append_part(to, self, all, count, str_cut(&rest, '}'));
	}
}

/* ---- the line ---- */

void tls_cure_append(struct buf *to, const char *cure)
{
	if (cure[0] != '\0')
		buf_printf(to, "; %s", cure);
}

void tls_alert_sent_append(struct buf *to, int alert)
{
	const struct tls_alert_row *row = tls_alert_row(alert);

	if (alert >= 0)
		buf_printf(to, "; answered with alert %d%s%s", alert, row == NULL ? "" : ", ",
			   row == NULL ? "" : row->name);
}

static void append_peer_alert(struct buf *to, int alert)
{
	const struct tls_alert_row *row = tls_alert_row(alert);

	if (row == NULL) {
		buf_printf(to, "refused with alert %d", alert);
		return;
	}
	buf_printf(to, "refused: %s (alert %d, %s)", row->meaning, alert, row->name);
	tls_cure_append(to, row->cure);
}

/* OpenSSL sends an alert behind a peer that has gone, too. */
static bool is_heard(enum tls_failure failure)
{
	return failure != TLS_FAILURE_SILENT && failure != TLS_FAILURE_CLOSED &&
	       failure != TLS_FAILURE_BROKEN;
}

static void append_failure(struct buf *to, const struct tls_connection *self)
{
	enum tls_failure failure = failure_of(self);
	const struct tls_failure_row *row = tls_failure_row(failure);

	tls_parts_append(to, self, row->what, parts, sizeof(parts) / sizeof(parts[0]));
	tls_cure_append(to, row->cure);
	if (is_heard(failure))
		tls_alert_sent_append(to, self->hello.alert_sent);
}

enum tls_failure tls_failure_kind(const struct tls_connection *connection)
{
	const struct tls_hello *hello = &connection->hello;
	bool has_refused = hello->alert_received >= 0 || hello->warning_received >= 0;

	return has_refused ? TLS_FAILURE_COUNT : failure_of(connection);
}

void tls_failure_append(struct buf *to, const struct tls_connection *connection, struct str address,
			struct str name)
{
	const struct tls_hello *hello = &connection->hello;

	if (connection->client != NULL) {
		tls_client_failure_append(to, connection, address, name);
		return;
	}
	buf_append_c(to, "TLS: ");
	text_append_word(to, address);
	if (!str_is_empty(name)) {
		buf_append_c(to, " (");
		text_append_word(to, name);
		buf_append_char(to, ')');
	}
	buf_append_char(to, ' ');
	if (hello->alert_received >= 0)
		append_peer_alert(to, hello->alert_received);
	else if (hello->warning_received >= 0)
		append_peer_alert(to, hello->warning_received);
	else
		append_failure(to, connection);
}

void tls_floor_append(struct buf *to, const struct tls_connection *connection, struct str address)
{
	const struct tls_words *words = tls_context_words(connection->context);

	if (connection->client != NULL)
		tls_client_line_begin(to, address, str_from_c(connection->client->host));
	else {
		buf_append_c(to, "TLS: ");
		text_append_word(to, address);
		buf_append_char(to, ' ');
	}
	buf_printf(to, "negotiated %s, which ", SSL_get_version(connection->ssl));
	tls_source_append(to, words, &words->floor.source, "TlsFloor");
	buf_printf(to, " observes: it wants %s", tls_protocol_name(words->floor.protocol));
}
