/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mailq has found out about our certificates (OCSP), as the parent keeps it: for
 * fronts that are started, and for `status`. The answers themselves are bytes here;
 * mailq has judged them.
 */
#ifndef POSTERN_PROC_STAPLES_H
#define POSTERN_PROC_STAPLES_H

#include "ipc/message.h"
#include "proc/certificates.h"
#include "proc/child.h"
#include "tls/ocsp.h"
#include "tls/staples.h"

struct staple_row {
	unsigned char id[TLS_STAPLE_ID_BYTES];
	enum tls_ocsp_state state;
	int64_t until_s; /* of the answer that is stapled; 0: none */
	struct buf response;
	struct buf text; /* why there is no newer one */
};

struct staples {
	size_t count;
	struct staple_row items[PAIRS_MAX];
};

void staples_done(struct staples *staples);

/*
 * Keeps what mailq tells of one of the pairs, and hands it to every front. A message
 * that is not well formed is dropped, and so is what no pair has any more.
 */
void staples_take(struct staples *staples, const struct pairs *pairs,
		  const struct msg_staple_given *given, struct child *children, size_t count);

/* Gives all of it to a front that has been started. */
must_check enum fault staples_give(const struct staples *staples, struct child *child);

/* Appends `,"ocsp":{"state":"good","until":1795000000,"text":""}`. */
void staples_append_status(const struct staples *staples,
			   const struct tls_certificate *certificate, struct buf *json);

#endif
