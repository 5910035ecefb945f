/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parent does for certificates from a CA, which mailq asks for
 * (mailq/certificate_job.h): it alone may make files, and it alone reaches every
 * front and the keys role.
 *
 * 1. Key bytes never pass here: the keys role reads and writes the files itself,
 *    by descriptors that are opened here.
 * 2. A new pair is complete and flushed (sslcert/.NAME.key.new, then
 *    .NAME.crt.new) before its files take their places; the parent that follows
 *    one that died in between finishes that, or throws the half away.
 * 3. A challenge is known to every front that serves before mailq is answered,
 *    and to those that start later before they serve.
 * 4. When the order is over, or mailq died, its keys are forgotten.
 */
#ifndef POSTERN_PROC_ACME_DESK_H
#define POSTERN_PROC_ACME_DESK_H

#include "base/buf.h"
#include "base/fault.h"
#include "config/acme.h"
#include "ipc/channel.h"

struct parent;
struct child;

enum { DESK_KEYS_MAX = 8 };

/* How a row of the list AcmeCertificate stands. */
struct desk_state {
	char name[ACME_NAME_MAX + 1];
	unsigned failures;
	int64_t next_s; /* 0: at once */
	char *text;	/* why the last try failed; NULL: it did not */
};

struct acme_desk {
	uint32_t next_key;
	uint32_t keys[DESK_KEYS_MAX]; /* of the order under way */
	size_t key_count;

	/* A key that the keys role was asked for. */
	uint64_t key_asked; /* mailq's number of the request; 0: none */
	uint8_t key_use;
	char *key_file;	 /* written by keys, not in place yet; NULL: none */
	char *key_place; /* where it goes at once; NULL: it waits for its certificate */

	/* The pair of the order under way. */
	char pair_name[ACME_NAME_MAX + 1];
	char *pair_key_file; /* NULL: the key that is in place is kept */
	unsigned char pair_key_id[32];
	bool has_pair_key;
	uint64_t pair_asked;
	unsigned char pair_digest[32]; /* of the certificate that is to come in force */

	/* What fronts show. */
	struct buf challenge; /* its message, encoded; empty: none */
	uint64_t challenge_asked;
	enum fault challenge_fault;
	unsigned fronts_awaited; /* bits of child numbers */

	size_t state_count;
	struct desk_state states[ACME_CERTIFICATES_MAX];
};

/* Finishes, or throws away, what a parent that died left in sslcert. Before pairs are read. */
void acme_desk_open(struct parent *parent);
void acme_desk_close(struct parent *parent);

/* True when the message, of mailq, a front or keys, is for the desk. */
bool acme_desk_take(struct parent *parent, struct child *child, struct packet *packet);

/* A role is ready, or died. */
void acme_desk_role_ready(struct parent *parent, struct child *child);
void acme_desk_role_died(struct parent *parent, struct child *child);

/* A configuration came in force, or did not: `reason`. */
void acme_desk_applied(struct parent *parent, const char *reason);

/* Appends the member of `status` about it, led by a comma. */
void acme_desk_append_status(const struct parent *parent, struct buf *json);

#endif
