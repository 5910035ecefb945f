/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SASLprep (RFC 4013), which RFC 5802 section 2.2 asks of names and passwords:
 * different ways to type one text become one text.
 *
 * Pure. Code points that Unicode 3.2 did not know are let through as they are:
 * both sides do so with what a user types (RFC 3454 section 7).
 */
#ifndef POSTERN_PROTO_SASLPREP_H
#define POSTERN_PROTO_SASLPREP_H

#include "base/buf.h"

/* The longest text that is prepared. */
enum { SASLPREP_MAX = 1024 };

/*
 * Appends the prepared form of `text`; false, with `to` untouched but perhaps failed, when
 * it is no UTF-8, holds a NUL or a prohibited character, is empty afterwards or
 * too long for `to`. Of a text that is not ASCII the library's working copies on the
 * heap are freed, not wiped.
 */
must_check bool saslprep(struct buf *to, struct str text);

#endif
