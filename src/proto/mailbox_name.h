/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of mailboxes: UTF-8 inside, modified UTF-7 on the wire (RFC 3501
 * section 5.1.3), "/" between levels, and the wildcards of LIST (section 6.3.8).
 * Which names a mailbox may have is for the store to say.
 */
#ifndef POSTERN_PROTO_MAILBOX_NAME_H
#define POSTERN_PROTO_MAILBOX_NAME_H

#include "base/buf.h"

enum { MAILBOX_NAME_SEPARATOR = '/' };

/*
 * Appends the UTF-8 form of a name from the wire; INBOX in any case becomes
 * "INBOX", alone and as the first level. False, with `to` as it was, when the
 * name is not well-formed modified UTF-7 (which has one form only for each text).
 */
must_check bool mailbox_name_decode(struct buf *to, struct str wire);

/* Appends the modified UTF-7 form of a UTF-8 name. */
void mailbox_name_encode(struct buf *to, struct str name);

/* True for INBOX in any case. */
bool mailbox_name_is_inbox(struct str name);

/* Matches a UTF-8 name against a pattern: `*` any text, `%` any text without a separator. */
bool mailbox_name_matches(struct str name, struct str pattern);

#endif
