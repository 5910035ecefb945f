/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who set a variable of mailserver.cfg, and what was changed since a
 * generation: as evidence.log tells it.
 *
 * The record is read as it stands; whether it is the one that was written,
 * `postern evidence verify` says.
 */
#ifndef POSTERN_CTL_ORIGIN_H
#define POSTERN_CTL_ORIGIN_H

#include "ctl/page.h"

/* Cuts the last line, without its end, off a text that is not empty. */
struct str origin_line_cut(struct str *text);

/* The record of a home: its entries, the newest first. Freed with json_decref. */
json_t *origin_entries(const char *home);

/*
 * Of each variable that stands in `wanted` ("Security/ServerTlsProtocols", any case;
 * whatever its value) the entry that changed it last, with `entries` of
 * origin_entries: an object by the same names in small letters; the caller frees.
 */
json_t *origin_find(json_t *entries, json_t *wanted);

/*
 * The newest of `entries` that tells of these changes and is not later than `latest` (as an entry
 * writes its time); borrowed, NULL without one.
 */
json_t *origin_of_changes(json_t *entries, json_t *changes, struct str latest);

/* True when the page's search finds a variable among the changes of an entry, or a value. */
bool origin_changes_find(const struct page *page, json_t *changes);

/*
 * The way by which an entry came: "file" (a hand edit), "command line", "server" (undone by
 * itself) or "page".
 */
const char *origin_way(json_t *entry);

/*
 * The entries behind the text whose generation it is, the oldest first, those
 * without a change of mailserver.cfg left out; borrowed entries in a new array. NULL
 * when the record does not know that text.
 */
json_t *origin_since(json_t *entries, struct str generation);

/* Appends "root (control socket) at 2026-11-22T05:40:00Z: Security/X: "a" -> "b"". */
void origin_append(struct buf *to, json_t *entry);

#endif
