/* SPDX-License-Identifier: Apache-2.0 */
/* admin/schemas.json, which embed_text.py puts into the binary. */
#ifndef POSTERN_ADMIN_SCHEMAS_H
#define POSTERN_ADMIN_SCHEMAS_H

#include <stddef.h>

extern const unsigned char admin_schemas[];
extern const size_t admin_schemas_len;

#endif
