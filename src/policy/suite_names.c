/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/suite_names.h"

/* Lists of names are written as words with single blanks between them. */

#define CBC_SHA "DES_CBC_SHA 3DES_EDE_CBC_SHA AES_128_CBC_SHA AES_256_CBC_SHA "
#define CBC_SHA_EC "NULL_SHA RC4_128_SHA 3DES_EDE_CBC_SHA AES_128_CBC_SHA AES_256_CBC_SHA"
#define CBC_OTHER "CAMELLIA_128_CBC_SHA CAMELLIA_256_CBC_SHA SEED_CBC_SHA "
#define CBC_SHA2 \
	"AES_128_CBC_SHA256 AES_256_CBC_SHA256 CAMELLIA_128_CBC_SHA256 CAMELLIA_256_CBC_SHA256 "
#define CBC_SHA2_EC \
	" AES_128_CBC_SHA256 AES_256_CBC_SHA384 CAMELLIA_128_CBC_SHA256 CAMELLIA_256_CBC_SHA384 "
#define ARIA_CBC "ARIA_128_CBC_SHA256 ARIA_256_CBC_SHA384 "
#define GCM                                                                              \
	"AES_128_GCM_SHA256 AES_256_GCM_SHA384 ARIA_128_GCM_SHA256 ARIA_256_GCM_SHA384 " \
	"CAMELLIA_128_GCM_SHA256 CAMELLIA_256_GCM_SHA384"
#define CCM " AES_128_CCM AES_256_CCM AES_128_CCM_8 AES_256_CCM_8"
#define CHACHA " CHACHA20_POLY1305_SHA256"
#define STATIC_DH CBC_SHA CBC_OTHER CBC_SHA2 ARIA_CBC GCM
#define PSK_COMMON CBC_SHA_EC CBC_SHA2_EC ARIA_CBC GCM " NULL_SHA256 NULL_SHA384" CHACHA

/* The registry before TLS 1.3: TLS_<key exchange>_WITH_<each of these>. */
static const struct {
	const char *key_exchange;
	const char *ciphers;
} registry[] = {
	{"NULL", "NULL_NULL"},
	{"RSA",
	 "NULL_MD5 NULL_SHA NULL_SHA256 RC4_128_MD5 RC4_128_SHA IDEA_CBC_SHA " STATIC_DH CCM},
	{"RSA_EXPORT", "RC4_40_MD5 RC2_CBC_40_MD5 DES40_CBC_SHA"},
	{"RSA_EXPORT1024", "DES_CBC_SHA RC4_56_SHA RC4_56_MD5 RC2_CBC_56_MD5"},
	{"DH_DSS", STATIC_DH},
	{"DH_RSA", STATIC_DH},
	{"DHE_DSS", "RC4_128_SHA " STATIC_DH},
	{"DHE_RSA", STATIC_DH CCM CHACHA},
	{"DH_anon", "RC4_128_MD5 " STATIC_DH},
	{"DH_DSS_EXPORT", "DES40_CBC_SHA"},
	{"DH_RSA_EXPORT", "DES40_CBC_SHA"},
	{"DHE_DSS_EXPORT", "DES40_CBC_SHA"},
	{"DHE_RSA_EXPORT", "DES40_CBC_SHA"},
	{"DHE_DSS_EXPORT1024", "DES_CBC_SHA RC4_56_SHA"},
	{"DH_anon_EXPORT", "RC4_40_MD5 DES40_CBC_SHA"},
	{"ECDH_ECDSA", CBC_SHA_EC CBC_SHA2_EC ARIA_CBC GCM},
	{"ECDH_RSA", CBC_SHA_EC CBC_SHA2_EC ARIA_CBC GCM},
	{"ECDHE_ECDSA", CBC_SHA_EC CBC_SHA2_EC ARIA_CBC GCM CCM CHACHA},
	{"ECDHE_RSA", CBC_SHA_EC CBC_SHA2_EC ARIA_CBC GCM CHACHA},
	{"ECDH_anon", CBC_SHA_EC},
	{"PSK", PSK_COMMON CCM},
	{"DHE_PSK", PSK_COMMON " AES_128_CCM AES_256_CCM"},
	{"PSK_DHE", "AES_128_CCM_8 AES_256_CCM_8"},
	{"RSA_PSK", PSK_COMMON},
	{"ECDHE_PSK", PSK_COMMON " AES_128_CCM_8_SHA256 AES_128_CCM_SHA256"},
	{"SRP_SHA", "3DES_EDE_CBC_SHA AES_128_CBC_SHA AES_256_CBC_SHA"},
	{"SRP_SHA_RSA", "3DES_EDE_CBC_SHA AES_128_CBC_SHA AES_256_CBC_SHA"},
	{"SRP_SHA_DSS", "3DES_EDE_CBC_SHA AES_128_CBC_SHA AES_256_CBC_SHA"},
	{"KRB5", "DES_CBC_SHA 3DES_EDE_CBC_SHA RC4_128_SHA IDEA_CBC_SHA DES_CBC_MD5 "
		 "3DES_EDE_CBC_MD5 RC4_128_MD5 IDEA_CBC_MD5"},
	{"KRB5_EXPORT", "DES_CBC_40_SHA RC2_CBC_40_SHA RC4_40_SHA DES_CBC_40_MD5 RC2_CBC_40_MD5 "
			"RC4_40_MD5"},
	{"ECCPWD", "AES_128_GCM_SHA256 AES_256_GCM_SHA384 AES_128_CCM_SHA256 AES_256_CCM_SHA384"},
	{"GOSTR341094", "28147_CNT_IMIT NULL_GOSTR3411"},
	{"GOSTR341001", "28147_CNT_IMIT NULL_GOSTR3411"},
	{"GOSTR341112_256", "KUZNYECHIK_CTR_OMAC MAGMA_CTR_OMAC 28147_CNT_IMIT"},
};

static const char tls13_names[] =
	"TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256 "
	"TLS_AES_128_CCM_SHA256 TLS_AES_128_CCM_8_SHA256 TLS_SM4_GCM_SM3 TLS_SM4_CCM_SM3 "
	"TLS_SHA256_SHA256 TLS_SHA384_SHA384 TLS_AEGIS_256_SHA512 TLS_AEGIS_128L_SHA256";

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
	return words_have(tls13_names, name, true);
}

bool suite_name_is_iana(struct str name)
{
	size_t with = str_find_nocase(name, STR("_WITH_"));

	if (with == STR_NONE || !str_has_prefix_nocase(name, STR("TLS_")) || with < 4)
		return suite_name_is_tls13(name);
	struct str key_exchange = str_sub(name, 4, with - 4);
	struct str cipher = str_from(name, with + 6);
	for (size_t i = 0; i < sizeof(registry) / sizeof(registry[0]); i++) {
		if (str_equals_nocase(key_exchange, str_from_c(registry[i].key_exchange)))
			return words_have(registry[i].ciphers, cipher, true);
	}
	return false;
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
	words_offer(tls13_names, nearest);
	words_offer(historical_names, nearest);
}
