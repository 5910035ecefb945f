/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relaxed canonical forms of a message's header fields and body (RFC 6376
 * sections 3.4.2 and 3.4.4), the body's as a stream into SHA-256: any length goes
 * through a buffer of fixed size.
 *
 * Only CR LF ends a line; a CR or LF alone is a byte like any other.
 */
#ifndef POSTERN_MAILAUTH_DKIM_CANON_H
#define POSTERN_MAILAUTH_DKIM_CANON_H

#include "base/buf.h"
#include "crypto/digest.h"

/* Appends "name:value" without a line end. `value` is what stands behind the colon, folded as it came. */
void dkim_field_append(struct buf *to, struct str name, struct str value);

enum { DKIM_BODY_BUFFER = 16 * 1024 };

/* The hash of a body under way; owns memory between init and final or done. */
struct dkim_body {
	struct sha256 sha;
	uint64_t held_lines; /* line ends that count once something follows */
	bool has_blank;	     /* white space that does, too */
	bool has_cr;
	bool has_content;
	size_t len;
	char buffer[DKIM_BODY_BUFFER];
};

void dkim_body_init(struct dkim_body *body);
void dkim_body_update(struct dkim_body *body, struct str bytes);
/* Stores the digest and frees. */
void dkim_body_final(struct dkim_body *body, unsigned char digest_out[SHA256_BYTES]);
/* Frees without a result; safe after final. */
void dkim_body_done(struct dkim_body *body);

#endif
