/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part of a long list: --search, --after and --limit, and what an answer says of
 * the rest.
 *
 * Whoever lists goes through the whole list in its order and asks for each item that the
 * search leaves. Pure.
 */
#ifndef POSTERN_CTL_PAGE_H
#define POSTERN_CTL_PAGE_H

#include "ctl/ctl.h"

enum { PAGE_LIMIT_MAX = 1000000 };

struct page {
	struct str search; /* empty: everything is left */
	struct str after;
	size_t limit; /* 0: all */
	size_t total; /* items that the search left */
	size_t taken;
	bool has_more;	 /* behind the last one taken */
	struct buf last; /* key of that one */
};

/* Reads the options; the exit code. page_done either way. */
int page_init(struct page *page, const struct ctl *ctl);
void page_done(struct page *page);

/* True when the search finds the text, in any case of ASCII letters. */
bool page_finds(const struct page *page, struct str text);

/* The same of a member of an object; one that is no text is found by no search. */
bool page_finds_member(const struct page *page, json_t *object, const char *name);

/* Counts an item that the search left; true when it belongs to this page. Keys ascend bytewise. */
bool page_takes(struct page *page, struct str key);

/* The same, where the order is not that of the keys: `is_behind` tells where --after stands. */
bool page_takes_at(struct page *page, struct str key, bool is_behind);

/* The same for items whose keys are numbers, the greatest first. */
bool page_takes_below(struct page *page, uint64_t number);

/* Adds "total" and "next" (null at the end) to a document. */
void page_tell_json(const struct page *page, json_t *document);

/* Appends for people how to go on, where there is more. */
void page_tell(const struct page *page, struct buf *to);

#endif
