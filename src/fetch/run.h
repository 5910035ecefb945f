/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a visit to a mailbox elsewhere went, as the store keeps it (store/fetched.h) for
 * whoever asks, and for the schedule of the next process.
 */
#ifndef POSTERN_FETCH_RUN_H
#define POSTERN_FETCH_RUN_H

#include "config/pop3_account.h"
#include "store/fetched.h"

struct fetch_run {
	int64_t begun_s;
	int64_t ended_s;
	int64_t next_s;	   /* 0: only when it is asked for */
	uint32_t failures; /* in a row; 0: this one went well */
	uint64_t fetched;  /* messages */
	uint64_t bytes;	   /* of them */
	uint64_t deleted;  /* there */
	uint64_t left;	   /* there, in the end; as far as it is known */
	struct str why;	   /* of a failure, in words; else what is to be said, or empty */
	struct str tls;	   /* "TLSv1.3 TLS_AES_256_GCM_SHA384 x25519"; empty: none */
};

void fetch_run_put(struct buf *to, const struct fetch_run *run);
/* Texts borrow. False for none, or one of another version. */
must_check bool fetch_run_take(struct str from, struct fetch_run *run_out);

/*
 * Under which name the store knows an account's mailbox: by host and user, so that it is the
 * same one whatever else changes in the row.
 */
void fetch_source_make(const struct pop3_account *account,
		       unsigned char source_out[FETCHED_SOURCE_BYTES]);

#endif
