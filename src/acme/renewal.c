/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/renewal.h"

#include <openssl/x509.h>

enum { DAY_S = 24 * 3600 };

int64_t acme_due_s(int64_t not_before_s, int64_t not_after_s, uint32_t renew_days)
{
	int64_t wanted = (int64_t)renew_days * DAY_S;
	int64_t third = not_after_s > not_before_s ? (not_after_s - not_before_s) / 3 : 0;

	return not_after_s - (wanted < third ? wanted : third);
}

/* No public CA hands its root out with the chain; a pair that was made here has nothing else. */
static bool is_of_the_house(const struct tls_certificate *certificate)
{
	const STACK_OF(X509) *chain = tls_certificate_chain(certificate);
	X509 *last = tls_certificate_leaf(certificate);

	if (chain != NULL && sk_X509_num(chain) > 0)
		last = sk_X509_value(chain, sk_X509_num(chain) - 1);
	return X509_NAME_cmp(X509_get_subject_name(last), X509_get_issuer_name(last)) == 0;
}

static bool is_made_for(const struct tls_certificate *certificate,
			const struct acme_certificate *row)
{
	for (size_t i = 0; i < row->domain_count; i++)
		if (tls_certificate_match(certificate, row->domains[i]) == 0)
			return false;
	return (tls_certificate_kind(certificate) == TLS_KEY_RSA) == row->is_rsa &&
	       !is_of_the_house(certificate);
}

int64_t acme_wanted_s(const struct acme_certificate *row, const struct tls_certificate *present,
		      uint32_t renew_days, uint64_t random)
{
	if (present == NULL || !is_made_for(present, row))
		return 0;
	int64_t end = tls_certificate_not_after(present);
	int64_t due = acme_due_s(tls_certificate_not_before(present), end, renew_days);
	int64_t room = (end - due) / 8;
	if (room > ACME_JITTER_MAX_S)
		room = ACME_JITTER_MAX_S;
	return room > 0 ? due + (int64_t)(random % (uint64_t)room) : due;
}

int64_t acme_retry_s(int64_t now_s, unsigned failures, int64_t retry_after_s, uint64_t random)
{
	int64_t pause = ACME_PAUSE_MIN_S;

	for (unsigned i = 1; i < failures && pause < ACME_PAUSE_MAX_S; i++)
		pause *= 2;
	if (pause > ACME_PAUSE_MAX_S)
		pause = ACME_PAUSE_MAX_S;
	pause += (int64_t)(random % (uint64_t)(pause / 4));
	if (retry_after_s > ACME_PAUSE_MAX_S)
		retry_after_s = ACME_PAUSE_MAX_S;
	return now_s + (pause > retry_after_s ? pause : retry_after_s);
}
