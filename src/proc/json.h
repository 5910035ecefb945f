/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON texts in the parent. */
#ifndef POSTERN_PROC_JSON_H
#define POSTERN_PROC_JSON_H

#include "base/buf.h"

/* Appends a JSON string (RFC 8259 section 7). */
void append_json_string(struct buf *to, struct str text);

#endif
