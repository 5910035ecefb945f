/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mail addresses: the mailbox of RFC 5321 section 4.1.2, split, checked and
 * brought to the one form under which accounts are looked up.
 *
 * Addresses beyond ASCII (RFC 6531) are taken, and say so: whoever may not take
 * them refuses. Their domains are known by their A-labels ("xn--..."). Nothing
 * here knows which addresses exist.
 */
#ifndef POSTERN_PROTO_ADDRESS_H
#define POSTERN_PROTO_ADDRESS_H

#include "base/buf.h"
#include "base/cursor.h"

/* RFC 5321 section 4.5.3.1; ADDRESS_MAX is a path (256) without its brackets. */
enum { ADDRESS_LOCAL_MAX = 64, ADDRESS_DOMAIN_MAX = 255, ADDRESS_MAX = 254 };

/* Views into the parsed text, as written: `local` keeps its quotes. */
struct address {
	struct str text; /* local@domain */
	struct str local;
	struct str domain; /* with brackets if it is a literal */
	bool is_quoted;	   /* the local part is a quoted string */
	bool is_literal;   /* the domain is an address literal */
	bool has_utf8;	   /* something in it is not ASCII */
};

/*
 * Takes a mailbox from the cursor; false, and `*address_out` untouched, when
 * the bytes do not begin with one or a part is over its limit. Where the
 * cursor then stands is not told.
 */
must_check bool address_take(struct cursor *cursor, struct address *address_out);

/* Takes a domain or an address literal; false when the bytes do not begin with one. */
must_check bool address_domain_take(struct cursor *cursor);

/* Parses `text` as a mailbox and nothing else, at most ADDRESS_MAX long. */
must_check bool address_parse(struct str text, struct address *address_out);

/*
 * Appends the form under which accounts are looked up: all lower case, and the
 * local part without quotes and escapes that it does not need. Two addresses
 * mean the same local account exactly if their keys are equal. A peer's
 * domain may be compared by it, a peer's local part may not (RFC 5321 section 2.4).
 */
void address_append_key(struct buf *to, const struct address *address);

/*
 * Parses a user name as given at a login or on the command line, appends its
 * key; false, and nothing appended, when it is no address, has an address
 * literal or its domain is not fit for domain_check.
 */
must_check bool address_append_account(struct buf *to, struct str text);

/*
 * Appends an address, its domain in ASCII where its local part is; then it is no reason to
 * ask for SMTPUTF8 (RFC 6531). Any other text as it stands.
 */
void address_append_ascii(struct buf *to, struct str text);

/*
 * Appends a domain in the form of its A-labels (RFC 5891, non-transitional); false, and
 * nothing appended, when it has none. ASCII comes out in lower case.
 */
must_check bool domain_append_ascii(struct buf *to, struct str domain);

/* Tells whether `text` is a domain name fit for our own: letters, digits, inner hyphens. */
bool domain_check(struct str text);

/* Tells whether `text` is an address literal, "[192.0.2.1]" or "[IPv6:2001:db8::1]". */
bool domain_literal_check(struct str text);

/* Tells whether a byte may stand in an atom (RFC 5322 section 3.2.3). */
bool atext_check(char c);

#endif
