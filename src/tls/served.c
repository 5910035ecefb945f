/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/served.h"

/* Where a default fits as well as another, the default is taken: it is there already. */
int tls_served_rank(const struct tls_served *one, struct str host)
{
	int match = str_is_empty(host) ? 0 : tls_certificate_match(one->certificate, host);

	return match > 0 ? 2 * match + one->is_default : 0;
}

bool tls_served_is_default(int best)
{
	return best == 0 || best % 2 == 1;
}

bool tls_served_is_chosen(const struct tls_served *one, struct str host, int best)
{
	if (tls_served_is_default(best))
		return one->is_default;
	return !one->is_default && tls_served_rank(one, host) == best;
}
