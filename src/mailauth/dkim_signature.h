/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes DKIM-Signature fields (RFC 6376 section 3.5): which fields of a header are
 * signed, the tags, and the digest that is to be signed. Canonical forms are
 * relaxed/relaxed, hashes SHA-256 (RFC 8301).
 *
 * Fields that a reader looks at are signed once more than they occur, so that nobody
 * can add another one (section 8.15). No I/O; the keys are elsewhere.
 */
#ifndef POSTERN_MAILAUTH_DKIM_SIGNATURE_H
#define POSTERN_MAILAUTH_DKIM_SIGNATURE_H

#include "base/fault.h"
#include "mailauth/dkim.h"
#include "mailauth/dkim_canon.h"
#include "proto/message.h"

/* The fields of a header that signatures cover, in the order of h=. */
struct dkim_header {
	struct message_field *fields; /* they borrow the texts */
	size_t count;
	struct buf names; /* "From:From:To", folded */
};

enum { DKIM_NAMES_MAX = 200, DKIM_FIELD_MAX = 16 * 1024 };

/*
 * Chooses from the lines of a header, given in two pieces that follow each other; the
 * texts must outlive it. FAULT_TOO_LARGE: more than DKIM_NAMES_MAX would have to be
 * signed; then there is nothing to free.
 */
must_check enum fault dkim_header_init(struct dkim_header *header, struct str first,
				       struct str second);
void dkim_header_done(struct dkim_header *header);

/* All borrowed. */
struct dkim_signature {
	enum dkim_algorithm algorithm;
	struct str domain; /* d=, in ASCII */
	struct str selector;
	int64_t time_s; /* t= */
	const struct dkim_header *header;
	const unsigned char *body_digest; /* of dkim_body_final */
};

/*
 * Appends the field up to its "b=" to `field`, whose maximum is to be DKIM_FIELD_MAX,
 * and gives the digest that is to be signed: by RSASSA-PKCS1-v1_5 with SHA-256, or by
 * Ed25519 as a message (RFC 8463 section 3).
 */
void dkim_signature_begin(struct buf *field, const struct dkim_signature *signature,
			  unsigned char digest_out[SHA256_BYTES]);

/* Appends the signature, folded, and the line end. */
void dkim_signature_end(struct buf *field, struct str signature);

#endif
