/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The description of the API as an OpenAPI document (3.1.0): paths and parameters from the table of
 * routes, schemas of answers from admin/schemas.json.
 */
#ifndef POSTERN_ADMIN_OPENAPI_H
#define POSTERN_ADMIN_OPENAPI_H

#include "base/buf.h"

enum { OPENAPI_MAX = 4 << 20 };

/* Appends the document. */
void openapi_append(struct buf *to);

#endif
