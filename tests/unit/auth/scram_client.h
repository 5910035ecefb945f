/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of SCRAM-SHA-256 for tests, written from RFC 5802 section 3 apart
 * from the server's.
 */
#ifndef POSTERN_TESTS_AUTH_SCRAM_CLIENT_H
#define POSTERN_TESTS_AUTH_SCRAM_CLIENT_H

#include "base/buf.h"

/*
 * Appends the client-final-message that answers `challenge`; `first_bare` and `header` are of
 * the client's first message, `binding` the data of the channel.
 */
void scram_client_final(struct str password, struct str first_bare, struct str header,
			struct str binding, struct str challenge, struct buf *to);

/* The same of a client that repeats, and signs, another nonce than the challenge's. */
void scram_client_final_with(struct str nonce, struct str password, struct str first_bare,
			     struct str header, struct str binding, struct str challenge,
			     struct buf *to);

#endif
