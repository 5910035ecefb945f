/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailserver.cfg as a tree of elements, each with the place of its bytes: so
 * that a rewrite can exchange exactly what it means and leave the rest as it
 * is.
 *
 * By structure: the name of the root does not matter; tables and lists are
 * found wherever no other table or list is around them. A document type
 * declaration is refused, and so entities cannot expand. Bounded in bytes,
 * elements and depth. No I/O.
 */
#ifndef POSTERN_CONFIG_DOCUMENT_H
#define POSTERN_CONFIG_DOCUMENT_H

#include "policy/finding.h"

enum { DOCUMENT_BYTES_MAX = 4 << 20, DOCUMENT_ELEMENTS_MAX = 100000, DOCUMENT_DEPTH_MAX = 32 };

enum element_kind { ELEMENT_OTHER, ELEMENT_TABLE, ELEMENT_LIST, ELEMENT_ITEM, ELEMENT_VARIABLE };

struct element {
	enum element_kind kind;
	int line;
	struct str name;  /* the attribute `name`, decoded and trimmed; empty when it has none */
	struct str value; /* of a variable: its text, decoded */
	struct element *parent;
	struct element *first;
	struct element *last;
	struct element *next;
	size_t begin;	      /* of `<` */
	size_t content_begin; /* behind `>` of the start tag */
	size_t content_end;   /* of `</` */
	size_t end;	      /* behind `>` of the end tag */
	bool is_self_closed;  /* `<x/>`: both contents are at the end then */
};

struct document {
	struct str text; /* borrowed */
	struct arena arena;
	struct element *root;
};

/*
 * Reads; false with an error added to `findings` when the text is no well
 * formed document. The document borrows `text`; document_done either way.
 */
must_check bool document_parse(struct document *document, struct str text,
			       struct findings *findings);
void document_done(struct document *document);

/* The next table or list of the file behind `after` (NULL: the first); NULL at the end. */
struct element *document_next(const struct document *document, const struct element *after);

/* The first table, or list, of that name in any case; NULL. */
struct element *document_find(const struct document *document, enum element_kind kind,
			      struct str name);

/* The first child of that kind and name in any case; NULL. */
struct element *element_child(const struct element *parent, enum element_kind kind,
			      struct str name);

/*
 * The item of a list whose variable Name has that value in any case, or, for "#3", the third
 * one; NULL.
 */
struct element *list_item(const struct element *list, struct str name);

/* The item behind `item`, or with NULL the first one; NULL when there is none, or no list. */
struct element *list_next(const struct element *list, const struct element *item);

/* How many items a list has; 0 for NULL. */
size_t list_count(const struct element *list);

/* Reads "#3"; false for the name of an item. */
bool list_number_read(struct str name, size_t *number_out);

/*
 * The table of that name, or, unless `item` is empty, that item of the list;
 * and a variable in it. NULL.
 */
struct element *document_container(const struct document *document, struct str table,
				   struct str item);
struct element *document_variable(const struct document *document, struct str table,
				  struct str item, struct str variable);

#endif
