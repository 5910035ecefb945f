/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/assets.h"

#include "httpd/assets_table.h"

bool asset_find(struct str path, struct asset *out)
{
	for (size_t i = 0; i < assets_table_count; i++)
		if (str_equals(assets_table[i].path, path)) {
			*out = assets_table[i];
			return true;
		}
	return false;
}
