/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every setting of mailserver.cfg beside the TLS variables (policy/settings.h)
 * as one row: from it come the parser, `check`, the manual and the UI.
 */
#ifndef POSTERN_CONFIG_SCHEMA_H
#define POSTERN_CONFIG_SCHEMA_H

#include "config/config.h"

enum schema_type {
	SCHEMA_BOOL,	  /* bool */
	SCHEMA_U16,	  /* uint16_t */
	SCHEMA_U32,	  /* uint32_t */
	SCHEMA_U64,	  /* uint64_t */
	SCHEMA_HOSTNAME,  /* struct str */
	SCHEMA_USER,	  /* struct str */
	SCHEMA_ADDRESSES, /* pointer to struct str, and size_t behind it */
	SCHEMA_SERVERS,	  /* the same; each may have a port, address@port */
	SCHEMA_PATH,	  /* struct str */
	SCHEMA_NETWORKS,  /* pointer to struct network, and size_t behind it */
	SCHEMA_TLS,	  /* enum service_tls */
	SCHEMA_URL,	  /* struct str: https */
	SCHEMA_ADDRESS,	  /* struct str: of mail */
	SCHEMA_CHALLENGE, /* enum acme_challenge_kind */
	SCHEMA_HSTS,	  /* enum hsts */
	SCHEMA_NAME	  /* of an item; and what is read apart: config/partner.c, acme.c */
};

struct schema_row {
	const char *table; /* or list */
	const char *name;
	enum schema_type type;
	uint64_t min; /* of numbers */
	uint64_t max;
	const char *standard; /* the default as text; NULL: it depends on the service */
	const char *unit;     /* "bytes", "seconds", ""; for the manual */
	const char *text;     /* what it means, for the manual and the UI */
	size_t offset;	      /* in struct config; for a list in the struct of its items */
};

size_t schema_count(void);
const struct schema_row *schema_at(size_t index);

/* Finds a row by table and name in any case; NULL. */
const struct schema_row *schema_find(struct str table, struct str name);

/* True for a list: its rows are about its items. */
bool schema_is_list(struct str name);

/* True for a table or list that Postern reads, the TLS tables among them. */
bool schema_has_table(struct str name);

/*
 * Reads a value, which is not empty, into the row's place in `record` (struct
 * config or that of an item); lists are made in the arena. False, with
 * an error that says what is admitted, when it is not.
 */
bool schema_apply(const struct schema_row *row, struct str value, struct finding_place place,
		  struct arena *arena, struct findings *findings, void *record);

/* RFC 1123 section 2.1: labels of letters, digits and hyphens, at most 253 bytes in all. */
bool hostname_is_valid(struct str value);

#endif
