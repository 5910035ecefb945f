/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of IMAP commands (RFC 3501 section 9; RFC 7888 literals), read
 * with a cursor over a gathered command: its lines and literals in one view,
 * without the last line end. Failure is sticky in the cursor.
 */
#ifndef POSTERN_PROTO_IMAP_LEX_H
#define POSTERN_PROTO_IMAP_LEX_H

#include "base/arena.h"
#include "base/cursor.h"

/* What a line that ends with `{n}` or `{n+}` announces. */
struct imap_literal {
	uint64_t bytes;
	bool is_sync; /* the client waits for "+ " */
};

/*
 * Tells whether a line, without its line end, announces a literal. True also
 * when its number is too big for any use (bytes is then UINT64_MAX), so that
 * the session can refuse it.
 */
bool imap_literal_announced(struct str line, struct imap_literal *literal_out);

/* Takes one blank; fails without it. */
void imap_space_take(struct cursor *cursor);

/* Takes 1 or more ATOM-CHAR; fails on none. */
struct str imap_atom_take(struct cursor *cursor);

/* Takes a tag: ASTRING-CHAR without "+". */
struct str imap_tag_take(struct cursor *cursor);

/* Takes a quoted string or a literal. What has escapes is copied to the arena. */
struct str imap_string_take(struct cursor *cursor, struct arena *arena);

/* Takes an atom (also with "]") or a string. */
struct str imap_astring_take(struct cursor *cursor, struct arena *arena);

/* The same, with `%` and `*` in the atom: the pattern of LIST. */
struct str imap_list_mailbox_take(struct cursor *cursor, struct arena *arena);

/* Takes a string, or NIL, for which ptr is NULL. */
struct str imap_nstring_take(struct cursor *cursor, struct arena *arena);

/* Takes a number of at most 63 bits (RFC 7162: mod-sequence-value). */
uint64_t imap_modseq_take(struct cursor *cursor);

/* Takes the word without regard to case; false, and nothing taken, if something else comes. */
bool imap_word_take(struct cursor *cursor, struct str word);

#endif
