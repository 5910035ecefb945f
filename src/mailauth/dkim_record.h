/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key records of DKIM (RFC 6376 section 3.6.1): ours as text, and what DNS has in
 * comparison with it. Reads any bytes; no I/O.
 */
#ifndef POSTERN_MAILAUTH_DKIM_RECORD_H
#define POSTERN_MAILAUTH_DKIM_RECORD_H

#include "base/buf.h"
#include "mailauth/dkim.h"

/*
 * Appends the record of a public key: of RSA its SubjectPublicKeyInfo in DER form,
 * of Ed25519 its 32 bytes (RFC 8463 section 4).
 */
void dkim_record_append(struct buf *to, enum dkim_algorithm algorithm, struct str public_key);

/* Appends "SELECTOR._domainkey.DOMAIN". */
void dkim_record_append_name(struct buf *to, struct str domain, struct str selector);

/* Appends the lines that a zone file wants, the record in strings of at most 255 bytes. */
void dkim_record_append_zone(struct buf *to, struct str domain, struct str selector,
			     struct str record);

/* How a record in DNS stands to ours. */
enum dkim_published {
	DKIM_PUBLISHED,
	DKIM_PUBLISHED_OTHER_KEY,
	DKIM_PUBLISHED_REVOKED,	 /* its p= is empty */
	DKIM_PUBLISHED_TESTING,	 /* ours, with t=y: verifiers may take no notice of signatures */
	DKIM_PUBLISHED_UNUSABLE, /* no record of DKIM, or not for mail, or not for SHA-256 */
	DKIM_PUBLISHED_MISSING,	 /* there is none */
	DKIM_PUBLISHED_SEVERAL,	 /* what a verifier makes of that is not defined (section 3.6.2.2) */
	DKIM_PUBLISHED_UNKNOWN,	 /* DNS does not tell */
	DKIM_PUBLISHED_COUNT
};

/* For people: "published", "another key is published", ... */
const char *dkim_published_name(enum dkim_published published);

/* Compares the strings of a TXT record, joined, with ours. */
enum dkim_published dkim_record_compare(struct str found, struct str ours);

#endif
