/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parent says about keys of DKIM, and who signs with what.
 *
 * The parent gives a table, lines of words with blanks between them:
 *
 *   sign DOMAIN SELECTOR ALGORITHM NUMBER RECORD   the number of the key in the keys role;
 *                                                  0: it has not got it, and such mail waits
 *   await DOMAIN SELECTOR RECORD                   to be told of when it is in DNS
 *
 * A table is immutable and counted; deliveries keep the one they began with.
 */
#ifndef POSTERN_MAILQ_DKIM_H
#define POSTERN_MAILQ_DKIM_H

#include "base/fault.h"
#include "mailauth/dkim_folder.h"

struct dkim_line {
	struct str domain;
	struct str selector;
	struct str record;
	bool is_awaited; /* else it signs: */
	enum dkim_algorithm algorithm;
	uint32_t number;
};

enum { DKIM_TABLE_MAX = DKIM_KEYS_MAX * (DKIM_RECORD_MAX + DKIM_DOMAIN_MAX + 128) };

struct dkim_table;

/* INVALID when a line is not understood. */
must_check enum fault dkim_table_read(struct str text, struct dkim_table **table_out);
struct dkim_table *dkim_table_ref(struct dkim_table *table);
/* Gives the reference back and sets to NULL; NULL is let be. */
void dkim_table_unref(struct dkim_table **table);

size_t dkim_table_count(const struct dkim_table *table);
const struct dkim_line *dkim_table_line(const struct dkim_table *table, size_t index);

enum { DKIM_SIGNERS_MAX = DKIM_DOMAIN_KEYS_MAX };

/*
 * Finds the keys that sign for mail from a domain: its own, or else those of the
 * nearest domain above it. Gives how many there are.
 */
size_t dkim_table_signers(const struct dkim_table *table, struct str domain,
			  const struct dkim_line *lines_out[DKIM_SIGNERS_MAX]);

#endif
