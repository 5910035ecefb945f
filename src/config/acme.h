/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <list name="AcmeCertificate">: which certificates are asked for from a CA, and
 * what else the file must say for that. The table Acme itself is plain
 * (config/schema.c).
 */
#ifndef POSTERN_CONFIG_ACME_H
#define POSTERN_CONFIG_ACME_H

#include "config/config.h"

struct document;

enum { ACME_CERTIFICATES_MAX = 100, ACME_NAME_MAX = 64, ACME_NAMES_MAX = 100 };

/* True for what may name a pair in sslcert: letters, digits, `.`, `-`, `_`, no leading dot. */
bool acme_name_is_valid(struct str name);

/*
 * Reads domains separated by commas into the arena, in lower case. False, with
 * the reason in words in `why`, when one is none, stands twice, is a wildcard
 * or an address, or when there is none or more than ACME_NAMES_MAX.
 */
must_check bool acme_domains_read(struct str value, struct arena *arena,
				  const struct str **domains_out, size_t *count_out,
				  struct buf *why);

/* The row of that name; NULL. */
const struct acme_certificate *acme_certificate_find(const struct config_acme *acme,
						     struct str name);

/* ---- for config.c ---- */

/* Reads the list; the services and the table are there already. */
void acme_list_read(const struct document *document, struct config *config, struct arena *arena,
		    struct findings *findings);

#endif
