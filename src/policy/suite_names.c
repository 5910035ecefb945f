/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/suite_names.h"

#include "policy/suite_registry.def.h"

static const struct {
	uint16_t number;
	const char *name;
} registry[] = {
#define X(number, name) {number, name},
	SUITE_REGISTRY(X)
#undef X
};

enum { REGISTRY_ROWS = sizeof(registry) / sizeof(registry[0]) };

/* Lists of names are written as words with single blanks between them. */

#define STATIC_NAMES(prefix)                                                                      \
	prefix "-DES-CBC-SHA " prefix "-DES-CBC3-SHA " prefix "-SEED-SHA " prefix                 \
	       "-AES128-SHA " prefix "-AES256-SHA " prefix "-AES128-SHA256 " prefix               \
	       "-AES256-SHA256 " prefix "-AES128-GCM-SHA256 " prefix "-AES256-GCM-SHA384 " prefix \
	       "-CAMELLIA128-SHA " prefix "-CAMELLIA256-SHA "
#define STATIC_NAMES_EC(prefix)                                                     \
	prefix "-NULL-SHA " prefix "-RC4-SHA " prefix "-DES-CBC3-SHA " prefix       \
	       "-AES128-SHA " prefix "-AES256-SHA " prefix "-AES128-SHA256 " prefix \
	       "-AES256-SHA384 " prefix "-AES128-GCM-SHA256 " prefix "-AES256-GCM-SHA384 "

static const char historical_names[] =
	"RC4-MD5 RC4-SHA RC4-64-MD5 RC2-CBC-MD5 IDEA-CBC-MD5 IDEA-CBC-SHA DES-CBC-MD5 DES-CBC-SHA "
	"DES-CBC3-MD5 DES-CBC3-SHA SEED-SHA NULL-MD5 NULL-SHA NULL-SHA256 EXP-RC4-MD5 "
	"EXP-RC2-CBC-MD5 EXP-DES-CBC-SHA EXP-EDH-DSS-DES-CBC-SHA EXP-EDH-RSA-DES-CBC-SHA "
	"EXP-DH-DSS-DES-CBC-SHA EXP-DH-RSA-DES-CBC-SHA EXP-ADH-RC4-MD5 EXP-ADH-DES-CBC-SHA "
	"EXP1024-DES-CBC-SHA EXP1024-RC4-SHA EXP1024-RC4-MD5 EXP1024-RC2-CBC-MD5 "
	"EXP1024-DHE-DSS-DES-CBC-SHA EXP1024-DHE-DSS-RC4-SHA EDH-DSS-DES-CBC-SHA "
	"EDH-DSS-DES-CBC3-SHA EDH-RSA-DES-CBC-SHA EDH-RSA-DES-CBC3-SHA DHE-DSS-DES-CBC3-SHA "
	"DHE-RSA-DES-CBC3-SHA DHE-DSS-RC4-SHA DHE-DSS-SEED-SHA DHE-RSA-SEED-SHA ADH-RC4-MD5 "
	"ADH-DES-CBC-SHA ADH-DES-CBC3-SHA ADH-SEED-SHA AECDH-NULL-SHA AECDH-RC4-SHA "
	"AECDH-DES-CBC3-SHA ECDHE-RSA-NULL-SHA ECDHE-RSA-RC4-SHA ECDHE-RSA-DES-CBC3-SHA "
	"ECDHE-ECDSA-NULL-SHA ECDHE-ECDSA-RC4-SHA ECDHE-ECDSA-DES-CBC3-SHA PSK-RC4-SHA "
	"PSK-3DES-EDE-CBC-SHA DHE-PSK-RC4-SHA DHE-PSK-3DES-EDE-CBC-SHA RSA-PSK-RC4-SHA "
	"RSA-PSK-3DES-EDE-CBC-SHA ECDHE-PSK-RC4-SHA ECDHE-PSK-3DES-EDE-CBC-SHA "
	"SRP-3DES-EDE-CBC-SHA SRP-RSA-3DES-EDE-CBC-SHA SRP-DSS-3DES-EDE-CBC-SHA "
	"GOST94-GOST89-GOST89 GOST2001-GOST89-GOST89 GOST94-NULL-GOST94 GOST2001-NULL-GOST94 "
	"GOST2012-GOST8912-GOST8912 GOST2012-NULL-GOST12 LEGACY-GOST2012-GOST8912-GOST8912 "
	"IANA-GOST2012-GOST8912-GOST8912 GOST2012-MAGMA-MAGMAOMAC "
	"GOST2012-KUZNYECHIK-KUZNYECHIKOMAC KRB5-DES-CBC-SHA KRB5-DES-CBC3-SHA KRB5-RC4-SHA "
	"KRB5-IDEA-CBC-SHA KRB5-DES-CBC-MD5 KRB5-DES-CBC3-MD5 KRB5-RC4-MD5 "
	"KRB5-IDEA-CBC-MD5 " STATIC_NAMES("DH-DSS") STATIC_NAMES("DH-RSA")
		STATIC_NAMES_EC("ECDH-RSA")
			STATIC_NAMES_EC("ECDH-ECDSA") "ECDHE-RSA-CHACHA20-POLY1305-OLD "
						      "ECDHE-ECDSA-CHACHA20-POLY1305-OLD "
						      "DHE-RSA-CHACHA20-POLY1305-OLD";

static const char keywords[] =
	"ALL COMPLEMENTOFALL COMPLEMENTOFDEFAULT LOW MEDIUM HIGH FIPS kRSA kEDH kDHE DH kEECDH "
	"kECDHE ECDH kPSK kRSAPSK kECDHEPSK kDHEPSK kSRP kGOST kGOST18 aRSA aDSS DSS aNULL aECDSA "
	"ECDSA aPSK aGOST01 aGOST12 aGOST aSRP EDH DHE EECDH ECDHE NULL RSA ADH AECDH PSK SRP 3DES "
	"RC4 RC2 IDEA SEED eNULL GOST89 AES128 AES256 AES AESGCM AESCCM AESCCM8 CAMELLIA128 "
	"CAMELLIA256 CAMELLIA CHACHA20 ARIA ARIAGCM ARIA128 ARIA256 CBC MD5 SHA1 SHA GOST94 "
	"GOST89MAC SHA256 SHA384 GOST12 SSLv3 TLSv1 TLSv1.0 TLSv1.2";

static const char historical_keywords[] =
	"EXP EXPORT EXPORT40 EXPORT56 DES SSLv2 kECDHr kECDHe kECDH kDHr kDHd kDH aECDH aDH kKRB5 "
	"aKRB5 KRB5 kFZA aFZA eFZA FZA aGOST94 KRB aFORTEZZA";

static const char anonymous_keywords[] = "aNULL eNULL NULL ADH AECDH COMPLEMENTOFALL";

/* Takes the next word off `*rest`; false at the end. */
static bool word_next(struct str *rest, struct str *word_out)
{
	if (rest->ptr == NULL)
		return false;
	*word_out = str_cut(rest, ' ');
	return true;
}

static bool words_have(const char *words, struct str wanted, bool any_case)
{
	struct str rest = str_from_c(words);
	struct str word;

	while (word_next(&rest, &word)) {
		if (any_case ? str_equals_nocase(word, wanted) : str_equals(word, wanted))
			return !str_is_empty(wanted);
	}
	return false;
}

static void words_offer(const char *words, struct nearest *nearest)
{
	struct str rest = str_from_c(words);
	struct str word;

	while (word_next(&rest, &word))
		nearest_offer(nearest, word);
}

bool suite_name_is_tls13(struct str name)
{
	return str_find_nocase(name, STR("_WITH_")) == STR_NONE && suite_name_is_iana(name);
}

bool suite_name_is_iana(struct str name)
{
	for (size_t i = 0; i < REGISTRY_ROWS; i++) {
		if (str_equals_nocase(name, str_from_c(registry[i].name)))
			return true;
	}
	return false;
}

const char *suite_name_from_number(uint16_t number)
{
	for (size_t i = 0; i < REGISTRY_ROWS; i++) {
		if (registry[i].number == number)
			return registry[i].name;
	}
	return NULL;
}

bool suite_name_is_historical(struct str name)
{
	return words_have(historical_names, name, false);
}

bool cipher_keyword_is_known(struct str name)
{
	return words_have(keywords, name, false);
}

bool cipher_keyword_is_historical(struct str name)
{
	return words_have(historical_keywords, name, false);
}

bool cipher_name_is_anonymous(struct str name)
{
	if (words_have(anonymous_keywords, name, false))
		return true;
	if (suite_name_is_iana(name)) {
		return str_find_nocase(name, STR("_anon_")) != STR_NONE ||
		       str_find_nocase(name, STR("_NULL_")) != STR_NONE;
	}
	return suite_name_is_historical(name) &&
	       (str_has_prefix(name, STR("ADH-")) || str_has_prefix(name, STR("AECDH-")) ||
		str_has_prefix(name, STR("EXP-ADH-")) || str_find(name, STR("NULL-")) != STR_NONE);
}

void suite_names_offer(struct nearest *nearest)
{
	words_offer(keywords, nearest);
	for (size_t i = 0; i < REGISTRY_ROWS; i++) {
		if (suite_name_is_tls13(str_from_c(registry[i].name)))
			nearest_offer(nearest, str_from_c(registry[i].name));
	}
	words_offer(historical_names, nearest);
}
