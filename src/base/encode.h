/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64, base32 (RFC 4648) and hexadecimal.
 */
#ifndef POSTERN_BASE_ENCODE_H
#define POSTERN_BASE_ENCODE_H

#include "base/buf.h"

/* Appends the padded form of section 4 on one line. */
void base64_encode(struct buf *to, struct str bytes);

/*
 * Appends the decoded bytes. Strict, as SASL wants it: no white space, padding
 * complete, unused bits zero; false otherwise, with `to` as it was.
 */
must_check bool base64_decode(struct buf *to, struct str text);

/* Appends the form for URLs (section 5), without padding, as JOSE wants it (RFC 7515 section 2). */
void base64url_encode(struct buf *to, struct str bytes);

/* Appends the form of section 6, without padding, as otpauth URIs want it. */
void base32_encode(struct buf *to, struct str bytes);

/* Appends lower-case digits. */
void hex_encode(struct buf *to, struct str bytes);

/* Appends the decoded bytes; false, with `to` as it was, on odd length or a foreign character. */
must_check bool hex_decode(struct buf *to, struct str text);

/* The value of a hexadecimal digit, or -1. */
int hex_digit_value(char c);

#endif
