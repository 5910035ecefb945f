/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of SCRAM (RFC 5802 section 7) as a server with SHA-256 reads and
 * writes them (RFC 7677).
 *
 * Views into the message that was parsed; nothing is allocated. Names are left in
 * their written form until scram_name_append. Whether a proof is right is for
 * crypto/scram.h, whether a channel binding is that of the connection for tls/.
 */
#ifndef POSTERN_PROTO_SCRAM_H
#define POSTERN_PROTO_SCRAM_H

#include "base/buf.h"

enum {
	/* What we take from a client; common ones send 18 to 64 characters. */
	SCRAM_CLIENT_NONCE_MAX = 256,
	SCRAM_DIGEST_BYTES = 32,
	/* Any message of ours: both nonces, the salt and the count fit. */
	SCRAM_MESSAGE_MAX = 512,
};

/* What the client says of channel binding (gs2-cbind-flag). */
enum scram_flag {
	SCRAM_UNABLE,	 /* n: it cannot */
	SCRAM_UNOFFERED, /* y: it could, and believes that the server cannot */
	SCRAM_BOUND	 /* p=NAME: it does */
};

struct scram_first {
	enum scram_flag flag;
	struct str binding_name;  /* BOUND: "tls-exporter" */
	struct str header;	  /* gs2-header, which the last message repeats */
	struct str authorisation; /* as written; empty: none */
	struct str user;	  /* as written, not empty */
	struct str nonce;
	struct str bare; /* client-first-message-bare */
};

/* Parses a client-first-message; false when it is none, or wants an extension that we lack. */
must_check bool scram_first_parse(struct str message, struct scram_first *first_out);

struct scram_final {
	struct str binding; /* base64, as written */
	struct str nonce;
	struct str without_proof; /* client-final-message-without-proof */
	unsigned char proof[SCRAM_DIGEST_BYTES];
};

/* Parses a client-final-message; false when it is none. */
must_check bool scram_final_parse(struct str message, struct scram_final *final_out);

/*
 * Appends a name without its escapes ("=2C" is a comma, "=3D" an equals sign);
 * false when another equals sign stands in it.
 */
must_check bool scram_name_append(struct buf *to, struct str written);

/* True when `written` (scram_final.binding) is the base64 form of the header and the binding's data. */
bool scram_binding_check(struct str written, struct str header, struct str data);

/* Appends the server-first-message. */
void scram_append_challenge(struct buf *to, struct str client_nonce, struct str server_nonce,
			    struct str salt, uint32_t iterations);

/* Appends what both sides sign: AuthMessage of RFC 5802 section 3. */
void scram_append_signed(struct buf *to, struct str first_bare, struct str challenge,
			 struct str final_without_proof);

/* Appends the server-final-message that proves the server. */
void scram_append_verified(struct buf *to,
			   const unsigned char signature[SCRAM_DIGEST_BYTES]);

#endif
