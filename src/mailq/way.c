/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/way.h"

#include "proto/address.h"

bool way_name(const struct config *config, struct str sender, struct str recipient,
	      char name[WAY_NAME_MAX])
{
	const struct relay *relay = relay_find(config, sender, recipient);

	if (relay != NULL)
		return str_copy_c(relay->key, name, WAY_NAME_MAX);
	size_t at = str_find_last_char(recipient, '@');
	struct str domain = str_from(recipient, at == STR_NONE ? 0 : at + 1);
	struct buf ascii = BUF_INIT(ADDRESS_DOMAIN_MAX);

	if ((domain.len > 0 && domain.ptr[0] == '[') || !domain_append_ascii(&ascii, domain)) {
		buf_reset(&ascii);
		buf_append_str(&ascii, domain);
	}
	bool is_whole = !ascii.failed && str_copy_c(buf_str(&ascii), name, WAY_NAME_MAX);
	buf_done(&ascii);
	return is_whole;
}
