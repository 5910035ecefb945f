/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses of a From, To, Cc ... field, as ENVELOPE wants them (RFC 5322
 * section 3.4 with the obsolete forms of 4.4; RFC 3501 section 7.4.2).
 *
 * The parser is total: what is no address at all becomes an address whose
 * mailbox is the text found, so that a client can still show it.
 */
#ifndef POSTERN_PROTO_MESSAGE_ADDRESS_H
#define POSTERN_PROTO_MESSAGE_ADDRESS_H

#include "base/arena.h"

enum message_address_kind {
	MESSAGE_ADDRESS_MAILBOX,
	MESSAGE_ADDRESS_GROUP_BEGIN, /* only `name` is set */
	MESSAGE_ADDRESS_GROUP_END,
};

/* Texts are on one line, unquoted, encoded words as they came; a NULL ptr means there is none. */
struct message_address {
	struct message_address *next;
	enum message_address_kind kind;
	struct str name;  /* the display name, or a comment where there is no name */
	struct str route; /* obsolete source route, "@a,@b" */
	struct str local;
	struct str domain;
};

/*
 * Parses the value of a field into a list in the arena, at most `max`
 * entries; what follows is left out. NULL for an empty field and when the
 * arena's maximum is reached.
 */
struct message_address *message_addresses_parse(struct arena *arena, struct str value, size_t max);

#endif
