/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parsers of single IMAP commands share; nobody else includes it.
 *
 * A parser takes arguments from the cursor, which stands at the blank behind
 * the command's word. It answers by the cursor's failure, and sets `error`
 * where it can say more than "syntax".
 */
#ifndef POSTERN_PROTO_IMAP_PARSE_H
#define POSTERN_PROTO_IMAP_PARSE_H

#include "proto/imap.h"

struct imap_parser {
	struct cursor cursor;
	struct arena *arena;
	const char *error; /* the first that was found */
};

/* Fails, with a reason for people. */
void imap_parser_fail(struct imap_parser *parser, const char *error);

/* Adds to a list of at most IMAP_WORDS_MAX, whose array it makes at the first. */
void imap_words_add(struct imap_parser *parser, struct imap_words *words, struct str word);

/* Takes `(a b c)` with `take` for each word; with `may_be_empty` also `()`. */
void imap_words_take(struct imap_parser *parser, struct imap_words *words,
		     struct str (*take)(struct cursor *, struct arena *), bool may_be_empty);

/* Takes a list of flags, in parentheses unless `is_bare` (STORE allows both). */
void imap_flags_take(struct imap_parser *parser, struct imap_flags *flags);

void imap_fetch_parse(struct imap_parser *parser, struct imap_command *command);
void imap_search_parse(struct imap_parser *parser, struct imap_command *command);

#endif
