/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row of a list whose variables depend on each other, so that it is read by a
 * function of its own (config/relay.h, config/pop3_account.h): its values, its place for
 * findings, and what is said of every row.
 */
#ifndef POSTERN_CONFIG_ROW_H
#define POSTERN_CONFIG_ROW_H

#include "base/arena.h"
#include "config/document.h"

/* A row being read. All is borrowed. */
struct row_reader {
	const struct element *item;
	const char *list;
	struct arena *arena;
	struct findings *findings;
	struct finding_place place; /* of the row: table "RelayRule:smtp.example" */
};

/*
 * Begins with a row; its place is named by the value of `key`. Reports variables that the
 * schema does not have in the list, and those that stand twice.
 */
void row_begin(struct row_reader *row, const char *key);

/* A copy in the arena. */
struct str row_keep(const struct row_reader *row, struct str text);

struct finding_place row_place(const struct row_reader *row, const struct element *variable);

/*
 * The value of a variable, trimmed; empty when it is not there, and then `*variable_out` is
 * NULL. That may be NULL. Borrows the document.
 */
struct str row_value(const struct row_reader *row, const char *name,
		     const struct element **variable_out);

/* The same, kept. */
struct str row_text(const struct row_reader *row, const char *name);

/* A number; `standard` where there is none, or none within the bounds, which is an error. */
uint64_t row_number(const struct row_reader *row, const char *name, uint64_t min, uint64_t max,
		    uint64_t standard);

/* 0 or 1. */
bool row_bool(const struct row_reader *row, const char *name, bool standard);

/* The variable Host: a name, or an address in brackets; kept. `what` says what it is needed for. */
struct str row_host(const struct row_reader *row, const char *what);

/*
 * The number of rows in a list, whose element is stored in `*list_out`; 0, and an error,
 * when there are more than `max`.
 */
size_t row_list_find(const struct document *document, const char *name, size_t max,
		     struct findings *findings, const struct element **list_out);

#endif
