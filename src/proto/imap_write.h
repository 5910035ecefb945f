/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing IMAP's data (RFC 3501 section 4): strings that no byte can break.
 *
 * A quoted string never holds CR, LF, NUL or 8-bit bytes, and is short; what
 * may not be quoted goes as a literal. NUL may stand in neither (CHAR8), so it
 * becomes a blank.
 */
#ifndef POSTERN_PROTO_IMAP_WRITE_H
#define POSTERN_PROTO_IMAP_WRITE_H

#include "base/buf.h"

/* Appends `"text"` or `{n}` CR LF text. */
void imap_string_write(struct buf *to, struct str text);

/* The same, or NIL where ptr is NULL. */
void imap_nstring_write(struct buf *to, struct str text);

/* Appends the text as an atom where it is one, as a string otherwise. */
void imap_astring_write(struct buf *to, struct str text);

/* RFC 3501 section 9: ATOM-CHAR. */
bool imap_is_atom_char(char c);

/* ASTRING-CHAR: also "]". */
bool imap_is_astring_char(char c);

#endif
