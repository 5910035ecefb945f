/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of mailserver.cfg as the command line asks for them, and what two
 * versions of it differ in, variable by variable.
 *
 * Pure: text in, text out.
 */
#ifndef POSTERN_CONFIG_CHANGE_H
#define POSTERN_CONFIG_CHANGE_H

#include "config/rewrite.h"
#include "policy/protocol.h"

enum { CONFIG_DIFFERENCES_MAX = 10000 };

/* A variable whose value, trimmed, is not the same. A value without pointer: it is not set. */
struct config_difference {
	struct config_address address;
	struct str before;
	struct str after;
};

struct config_differences {
	struct arena arena;
	struct config_difference *items; /* in the order of the file; at most CONFIG_DIFFERENCES_MAX */
	size_t count;
};

/*
 * Finds them, in tables, in items of the list Service and in rows of the other lists, whose
 * item is what tells them apart: "192.0.2.0/24,in,SMTP" of TlsPolicy. A text that is no
 * document counts as one without variables. To be freed with
 * config_differences_done.
 */
void config_differences_find(struct str before, struct str after,
			     struct config_differences *out);
void config_differences_done(struct config_differences *differences);

/* Appends "Security/ServerTlsProtocols", "Service:IMAPS/Port". */
void config_address_append(struct buf *to, const struct config_address *address);

/*
 * Reads "Security.ServerTlsProtocols=TLSv1.2,TLSv1.3" or "Service:IMAPS.Port=993";
 * `error` says what is wrong. The texts are those of `word`. A variable that
 * Postern does not read is refused.
 */
must_check bool config_assignment_read(struct str word, struct config_address *address_out,
				       struct str *value_out, struct buf *error);

/*
 * Sets a variable as config_set_variable does; a TLS variable that stands there
 * under another of its names is set under that.
 */
must_check enum fault config_assign(struct str text, const struct config_address *address,
				    struct str value, struct findings *findings, struct buf *to);

/* Writes all four protocol lists: every protocol from `min` up. Faults of config_set_variable. */
must_check enum fault config_minimum_set(struct str text, enum tls_protocol min,
					 struct findings *findings, struct buf *to);

/* Deletes every TLS variable of both tables. Faults of config_delete_variable but NOT_FOUND. */
must_check enum fault config_tls_reset(struct str text, struct findings *findings, struct buf *to);

#endif
