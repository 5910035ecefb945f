/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a certificate or a pair: see certificate.h. */
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "tls/certificate_facts.h"
#include "tls/key_ring.h"
#include "tls/pem.h"

enum { DAY_S = 24 * 3600, RSA_BITS_MIN = 2048, FILE_NAME_MAX = 1024 };

/* Findings of certificates have a file and no line. */
static struct finding_place place_of(const char *file)
{
	return (struct finding_place){.table = str_from_c(file)};
}

static void check_dates(const struct tls_certificate *certificate, const char *file, int64_t now_s,
			struct findings *findings)
{
	struct buf date = BUF_INIT(64);
	int64_t from = tls_certificate_not_before(certificate);
	int64_t until = tls_certificate_not_after(certificate);

	clock_append_iso_date(&date, from > now_s ? from : until);
	if (from > now_s)
		finding_add(findings, FINDING_ERROR, place_of(file),
			    "the certificate is not good before %.*s; check the machine's clock",
			    STR_ARG(buf_str(&date)));
	else if (until < now_s)
		finding_add(findings, FINDING_ERROR, place_of(file),
			    "the certificate expired on %.*s; get a new one",
			    STR_ARG(buf_str(&date)));
	else if (until - now_s < (int64_t)TLS_EXPIRY_WARN_DAYS * DAY_S)
		finding_add(findings, FINDING_WARNING, place_of(file),
			    "the certificate expires on %.*s, in %d days; get a new one",
			    STR_ARG(buf_str(&date)), (int)((until - now_s) / DAY_S));
	buf_done(&date);
}

static void check_key(const struct tls_certificate *certificate, const char *file,
		      struct findings *findings)
{
	if (tls_certificate_kind(certificate) == TLS_KEY_RSA &&
	    tls_certificate_bits(certificate) < RSA_BITS_MIN)
		finding_add(findings, FINDING_ERROR, place_of(file),
			    "its RSA key has %d bits; at least %d are needed, make a new key and "
			    "certificate",
			    tls_certificate_bits(certificate), RSA_BITS_MIN);
}

static bool digest_is_weak(int nid)
{
	return nid == NID_md5 || nid == NID_sha1 || nid == NID_md5_sha1 || nid == NID_md4;
}

/* A root's signature of itself proves nothing and is not looked at by anybody. */
static void check_signature(X509 *certificate, size_t number, const char *file,
			    struct findings *findings)
{
	int digest = NID_undef;

	if (X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) ==
	    0)
		return;
	if (X509_get_signature_info(certificate, &digest, NULL, NULL, NULL) == 1 &&
	    digest_is_weak(digest))
		finding_add(findings, FINDING_ERROR, place_of(file),
			    "certificate number %zu is signed with %s, which OpenSSL refuses; have "
			    "it issued anew",
			    number, OBJ_nid2sn(digest));
}

/* Clients take an expired issuer for an expired certificate. */
static void check_issuer_date(X509 *issuer, int number, const char *file, int64_t now_s,
			      struct findings *findings)
{
	time_t now = (time_t)now_s;

	if (X509_cmp_time(X509_get0_notAfter(issuer), &now) < 0)
		finding_add(findings, FINDING_WARNING, place_of(file),
			    "certificate number %d, an issuer in the chain, has expired; get the "
			    "chain anew from whoever issued the certificate",
			    number);
}

static void check_order(X509 *below, X509 *above, int number, const char *file,
			struct findings *findings)
{
	if (X509_cmp(below, above) == 0)
		finding_add(findings, FINDING_WARNING, place_of(file),
			    "the chain is out of order: certificate number %d is the one before it "
			    "once more; leave it once",
			    number);
	else if (X509_NAME_cmp(X509_get_issuer_name(below), X509_get_subject_name(above)) != 0)
		finding_add(findings, FINDING_WARNING, place_of(file),
			    "the chain is out of order: certificate number %d did not issue "
			    "the one before it; put the leaf first, then each issuer",
			    number);
}

static void check_chain(const struct tls_certificate *certificate, const char *file, int64_t now_s,
			struct findings *findings)
{
	const STACK_OF(X509) *chain = tls_certificate_chain(certificate);
	X509 *below = tls_certificate_leaf(certificate);

	check_signature(below, 1, file, findings);
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *above = sk_X509_value(chain, i);
		check_order(below, above, i + 2, file, findings);
		check_issuer_date(above, i + 2, file, now_s, findings);
		check_signature(above, (size_t)i + 2, file, findings);
		below = above;
	}
}

/* RFC 7633: such a certificate without an answer to staple is refused by clients that know it. */
static void check_staple(const struct tls_certificate *certificate, const char *file,
			 struct findings *findings)
{
	struct buf url = BUF_INIT(2048);

	if (!tls_certificate_must_staple(certificate))
		return;
	if (!tls_certificate_append_responder(certificate, &url))
		finding_add(findings, FINDING_WARNING, place_of(file),
			    "it must be stapled, but names no OCSP responder over plain HTTP: clients "
			    "refuse it; have it issued anew without \"must staple\"");
	else if (tls_certificate_issuer(certificate) == NULL)
		finding_add(findings, FINDING_WARNING, place_of(file),
			    "it must be stapled, but its issuer's certificate is not in the file, so "
			    "that nothing can be asked: put it behind the leaf");
	buf_done(&url);
}

void tls_certificate_check_form(const struct tls_certificate *certificate, const char *file,
				int64_t now_s, struct findings *findings)
{
	check_key(certificate, file, findings);
	check_chain(certificate, file, now_s, findings);
	check_staple(certificate, file, findings);
}

void tls_certificate_check(const struct tls_certificate *certificate, const char *file,
			   struct str host, int64_t now_s, struct findings *findings)
{
	check_dates(certificate, file, now_s, findings);
	tls_certificate_check_form(certificate, file, now_s, findings);
	if (host.len > 0 && tls_certificate_match(certificate, host) == 0)
		finding_add(findings, FINDING_WARNING, place_of(file),
			    "the certificate is not made for %.*s; clients that check names refuse "
			    "it",
			    STR_ARG(host));
}

/* Gives the identity of the key; false with a finding when it cannot be read. */
static bool pair_key_id(struct str key_pem, const char *file, unsigned char id_out[KEY_ID_BYTES],
			struct findings *findings)
{
	struct key_ring *ring = key_ring_new();
	struct buf why = BUF_INIT(1024);
	enum fault fault = key_ring_add(ring, 1, 1, key_pem, id_out, &why);

	if (fault != FAULT_NONE)
		finding_add(findings, FINDING_ERROR, place_of(file), "%.*s",
			    STR_ARG(buf_str(&why)));
	buf_done(&why);
	key_ring_free(&ring);
	return fault == FAULT_NONE;
}

int tls_certificate_number_of_key(const struct tls_certificate *certificate,
				  const unsigned char id[TLS_KEY_ID_BYTES])
{
	const STACK_OF(X509) *chain = tls_certificate_chain(certificate);
	unsigned char other[TLS_KEY_ID_BYTES];

	if (memcmp(id, tls_certificate_key_id(certificate), TLS_KEY_ID_BYTES) == 0)
		return 1;
	for (int i = 0; i < sk_X509_num(chain); i++) {
		tls_key_id(X509_get0_pubkey(sk_X509_value(chain, i)), other);
		if (memcmp(id, other, TLS_KEY_ID_BYTES) == 0)
			return i + 2;
	}
	return 0;
}

static void check_fit(const struct tls_certificate *certificate, const unsigned char *key_id,
		      const char *file, struct findings *findings)
{
	int number = tls_certificate_number_of_key(certificate, key_id);

	if (number > 1)
		finding_add(findings, FINDING_ERROR, place_of(file),
			    "the private key does not belong to the first certificate but to number "
			    "%d; put that first, then its issuers",
			    number);
	else if (number == 0)
		finding_add(findings, FINDING_ERROR, place_of(file),
			    "the private key does not belong to the certificate; one of the two files "
			    "is of another time or name");
}

void tls_chain_check(struct str chain_pem, const char *name, struct str host, int64_t now_s,
		     struct findings *findings, struct tls_certificate **certificate_out)
{
	char file[FILE_NAME_MAX];
	struct buf why = BUF_INIT(1024);

	(void)snprintf(file, sizeof(file), "%s.crt", name);
	*certificate_out = NULL;
	if (tls_certificate_parse(chain_pem, &why, certificate_out) != FAULT_NONE)
		finding_add(findings, FINDING_ERROR, place_of(file), "%.*s",
			    STR_ARG(buf_str(&why)));
	else
		tls_certificate_check(*certificate_out, file, host, now_s, findings);
	if (*certificate_out != NULL && pem_has_private_key(chain_pem))
		finding_add(findings, FINDING_WARNING, place_of(file),
			    "a private key stands in it too, where everybody may read it; delete that part");
	buf_done(&why);
}

bool tls_pair_check(struct str chain_pem, struct str key_pem, const char *name, struct str host,
		    int64_t now_s, struct findings *findings)
{
	struct tls_certificate *certificate = NULL;
	char key_file[FILE_NAME_MAX];
	unsigned char id[KEY_ID_BYTES];
	size_t errors = findings->totals[FINDING_ERROR];

	(void)snprintf(key_file, sizeof(key_file), "%s.key", name);
	tls_chain_check(chain_pem, name, host, now_s, findings, &certificate);
	if (pair_key_id(key_pem, key_file, id, findings) && certificate != NULL)
		check_fit(certificate, id, key_file, findings);
	tls_certificate_unref(&certificate);
	return findings->totals[FINDING_ERROR] == errors;
}
