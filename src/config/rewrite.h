/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing one variable in the text of mailserver.cfg, every other byte kept.
 *
 * All functions are pure: text in, text out.
 */
#ifndef POSTERN_CONFIG_REWRITE_H
#define POSTERN_CONFIG_REWRITE_H

#include "base/fault.h"
#include "policy/finding.h"

/* Which variable: of a table, or of the item `item` of a list (its variable Name). */
struct config_address {
	struct str table; /* "Security", or the name of a list: "Service" */
	struct str item;  /* empty for a table; "#3": the third item, whatever its name */
	struct str variable;
};

/*
 * Puts a value, trimmed when read, in place of the old one, or makes variable,
 * item, table or list where they are missing, indented like their neighbours; a new
 * item that is asked for by number has no Name.
 * Appends the whole new text. Faults: INVALID (the text is no document, see
 * the findings; or the value holds control characters or is not UTF-8),
 * TOO_LARGE (past `to`'s maximum).
 */
must_check enum fault config_set_variable(struct str text, const struct config_address *address,
					  struct str value, struct findings *findings,
					  struct buf *to);

/*
 * Takes the variable out, with its line when it stands alone on it. Tables and
 * items stay, even when they become empty. Faults as above; NOT_FOUND with
 * nothing appended when it does not stand there.
 */
must_check enum fault config_delete_variable(struct str text, const struct config_address *address,
					     struct findings *findings, struct buf *to);

/* Takes an item out of a list, with its lines. Faults as above. */
must_check enum fault config_delete_item(struct str text, struct str list, struct str item,
					 struct findings *findings, struct buf *to);

/*
 * Puts the list of that name in the place of the one in `text`: `from` is a text that has it,
 * or has it not, then it goes. INVALID when one of both is no document, TOO_LARGE.
 */
must_check enum fault config_list_replace(struct str text, struct str list, struct str from,
					  struct findings *findings, struct buf *to);

/* Finds the value, trimmed and copied to `to`; NOT_FOUND, or INVALID as above. */
must_check enum fault config_get_variable(struct str text, const struct config_address *address,
					  struct findings *findings, struct buf *to);

/*
 * Merges by variable: appends `theirs` with every difference from `base` to
 * `ours` put into it, in tables and in items of the list Service; other lists, whose items have
 * no names, as a whole each. Where ours and theirs both changed a variable, or a list, and not
 * to the same, a finding names both values and the result is CONFLICT, nothing appended. INVALID
 * when one of the three is no document.
 */
must_check enum fault config_merge(struct str base, struct str ours, struct str theirs,
				   struct findings *findings, struct buf *to);

#endif
