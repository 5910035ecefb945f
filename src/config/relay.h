/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <list name="RelayRule">: mail that goes to a host that is named here, instead of
 * to the mail exchangers of its domain. The first row that fits holds.
 */
#ifndef POSTERN_CONFIG_RELAY_H
#define POSTERN_CONFIG_RELAY_H

#include "config/config.h"
#include "policy/demand.h"

struct document;

enum { RELAYS_MAX = 1000, RELAY_KEY_MAX = 400 };

struct relay {
	struct finding_place place; /* the row: table "RelayRule:smtp.example" */
	/* Whose mail: an address, a domain, ".domain" for those below it; empty: all. */
	struct str sender;
	struct str recipient;
	struct str host; /* a name, or an address in brackets */
	uint16_t port;
	bool is_implicit; /* TLS before the greeting */
	enum tls_level level;
	struct str user;     /* to log in as; empty: nobody */
	struct str password; /* its name in the auth role (auth/remote.h) */
	/* Tells connections apart: what goes the same way has the same key. */
	struct str key;
};

/* The row for a message from `sender` to `recipient`; NULL: none. */
const struct relay *relay_find(const struct config *config, struct str sender,
			       struct str recipient);

/* The row of a key; NULL for every other text, as a domain is. */
const struct relay *relay_of_key(const struct config *config, struct str key);

/* What the row demands of the connection. Borrows from the row. */
struct tls_demand relay_demand(const struct relay *relay);

/* ---- for config.c ---- */

/* Reads the list; what is wrong is added to the findings. */
void relay_list_read(const struct document *document, struct config *config, struct arena *arena,
		     struct findings *findings);

#endif
