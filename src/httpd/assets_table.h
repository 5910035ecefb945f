/* SPDX-License-Identifier: Apache-2.0 */
/* What embed.py writes and assets.c searches. */
#ifndef POSTERN_HTTPD_ASSETS_TABLE_H
#define POSTERN_HTTPD_ASSETS_TABLE_H

#include "httpd/assets.h"

extern const struct asset assets_table[];
extern const size_t assets_table_count;

#endif
