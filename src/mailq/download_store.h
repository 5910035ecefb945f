/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The side of a download that is turned to our own store: which messages are new, into
 * which mailboxes they go, what is remembered of them, and their lines in the logs. Blocks
 * on the store, never on a peer.
 */
#ifndef POSTERN_MAILQ_DOWNLOAD_STORE_H
#define POSTERN_MAILQ_DOWNLOAD_STORE_H

#include "base/log.h"
#include "fetch/run.h"
#include "fetch/session.h"

enum { DOWNLOAD_NOTES_MAX = 1024, DOWNLOAD_PEER_MAX = 256 };

/* All is borrowed, but for the last two. */
struct download_store {
	struct store *store;
	const struct log *log;
	const struct config *config;
	const struct pop3_account *account;
	struct fetch_rules rules;
	unsigned char source[FETCHED_SOURCE_BYTES];
	char address[DOWNLOAD_PEER_MAX]; /* of the other server */
	char suite[DOWNLOAD_PEER_MAX];
	uint64_t stored;
	uint64_t stored_bytes;
	struct buf tls;	  /* as logs show it, with the rule; empty in the clear */
	struct buf notes; /* what is to be said of a visit that went well */
	bool has_tls;
};

/* What is known of the connection; copied. */
struct download_peer {
	struct str address;
	const char *level; /* what was demanded */
	struct str tls;	   /* what was got; empty: nothing */
	struct str suite;
};

void download_store_init(struct download_store *at, struct store *store, const struct log *log,
			 const struct config *config, const struct pop3_account *account);
void download_store_done(struct download_store *at);

void download_store_peer_set(struct download_store *at, const struct download_peer *peer);

/*
 * Sets the action of each listed message, and brings what is remembered up to date.
 * False, with `why`, when nobody can tell now what is new.
 */
must_check bool download_store_choose(struct download_store *at, struct fetch_listing *listing,
				      struct buf *why);

enum download_verdict {
	DOWNLOAD_STORED, /* it is here, durably */
	DOWNLOAD_LEFT,	 /* it stays there; warning.log says why */
	DOWNLOAD_BROKEN	 /* as any other would; `why` says why */
};

/* Stores the message at hand. */
enum download_verdict download_store_message(struct download_store *at,
					     struct fetch_session *session, struct buf *why);

/* Notes that a message is too large and stays there. */
void download_store_refuse(struct download_store *at, const struct fetch_message *message);

/* Keeps how the visit went; forgets what is deleted there for good. `session` may be NULL. */
void download_store_end(struct download_store *at, const struct fetch_session *session,
			const struct fetch_run *run);

#endif
