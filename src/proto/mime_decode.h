/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transfer encodings of real mail, read forgivingly (RFC 2045 sections 6.7 and
 * 6.8). The strict base64 of SASL is in base/encode.
 */
#ifndef POSTERN_PROTO_MIME_DECODE_H
#define POSTERN_PROTO_MIME_DECODE_H

#include "base/buf.h"

enum mime_encoding {
	MIME_ENCODING_IDENTITY, /* 7bit, 8bit, binary, none, or one that nobody knows */
	MIME_ENCODING_BASE64,
	MIME_ENCODING_QUOTED_PRINTABLE,
};

/* Tells which decoding a Content-Transfer-Encoding token wants. */
enum mime_encoding mime_encoding_from_name(struct str name);

/*
 * Appends the decoded bytes; foreign characters are passed over, a part of a group at
 * the end is dropped.
 */
void mime_base64_decode(struct buf *to, struct str text);

/* Appends the decoded bytes of quoted-printable text; `=` without two digits stays as it is. */
void mime_quoted_printable_decode(struct buf *to, struct str text);

/* Appends `text` decoded by `encoding`. */
void mime_decode(struct buf *to, enum mime_encoding encoding, struct str text);

#endif
