/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message's ENVELOPE, BODY and BODYSTRUCTURE as IMAP writes them (RFC 3501
 * section 7.4.2).
 */
#ifndef POSTERN_PROTO_MESSAGE_STRUCTURE_H
#define POSTERN_PROTO_MESSAGE_STRUCTURE_H

#include "base/arena.h"
#include "base/buf.h"
#include "proto/mime.h"

enum { MESSAGE_ADDRESSES_MAX = 1000 }; /* of one field */

/*
 * Appends the ENVELOPE of a header, in parentheses. Scratch memory comes from
 * the arena; where it runs out, addresses are left out.
 */
void message_envelope_write(struct buf *to, struct arena *arena, struct str header);

/*
 * Appends the structure of a part, in parentheses: BODYSTRUCTURE, or BODY
 * without the extension data. `header_bytes` bounds what is read of the
 * headers of messages inside. Recursive as deep as the tree, whose depth
 * mime_parse bounds.
 */
void message_structure_write(struct buf *to, struct arena *arena, struct str message,
			     const struct mime_part *part, size_t header_bytes,
			     bool with_extension);

#endif
