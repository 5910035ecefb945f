/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xtext (RFC 3461 section 4): printable ASCII in which "+", "=" and what is no
 * printable ASCII stand as "+" and two upper-case hexadecimal digits.
 */
#ifndef POSTERN_PROTO_XTEXT_H
#define POSTERN_PROTO_XTEXT_H

#include "base/buf.h"

/* Tells whether `text` is xtext; an empty one is. */
bool xtext_check(struct str text);

/* Appends what the xtext means; false, and nothing appended, when it is none. */
must_check bool xtext_decode(struct buf *to, struct str text);

/* Appends `bytes` as xtext. */
void xtext_encode(struct buf *to, struct str bytes);

#endif
