/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates: reading a chain, checking that a pair fits, matching names, and
 * making the first pairs of a new home.
 */
#ifndef POSTERN_TLS_CERTIFICATE_H
#define POSTERN_TLS_CERTIFICATE_H

#include <openssl/types.h>

#include "base/buf.h"
#include "base/fault.h"
#include "policy/finding.h"
#include "policy/policy.h"

enum tls_key_kind { TLS_KEY_RSA, TLS_KEY_EC };

enum {
	TLS_KEY_ID_BYTES = 32,
	TLS_CHAIN_MAX = 16,
	TLS_CERTIFICATE_NAMES_MAX = 256,
	TLS_PEM_MAX = 60 * 1024, /* of a file; what is read from it has to fit into a message */
	TLS_EXPIRY_WARN_DAYS = 30,
};

/* A chain: leaf first. Immutable, reference counted, usable from any thread. */
struct tls_certificate;

/*
 * Reads a chain in PEM form, as a .crt file holds it. FAULT_INVALID or
 * FAULT_UNSUPPORTED, with the reason in words in `why`, when it is unreadable, is
 * empty, has more than TLS_CHAIN_MAX certificates, or a key that is neither RSA
 * nor an elliptic curve.
 */
must_check enum fault tls_certificate_parse(struct str pem, struct buf *why,
					    struct tls_certificate **out);

/* The same where the order does not matter yet and the first one's key may be of any kind. */
must_check enum fault tls_chain_parse(struct str pem, struct buf *why,
				      struct tls_certificate **out);

struct tls_certificate *tls_certificate_ref(struct tls_certificate *certificate);
/* Gives a reference back and sets to NULL. */
void tls_certificate_unref(struct tls_certificate **certificate);

enum tls_key_kind tls_certificate_kind(const struct tls_certificate *certificate);
int tls_certificate_bits(const struct tls_certificate *certificate);

/* Seconds since 1970 from which and until which it is good. */
int64_t tls_certificate_not_before(const struct tls_certificate *certificate);
int64_t tls_certificate_not_after(const struct tls_certificate *certificate);

/* SHA-256 of the leaf's SubjectPublicKeyInfo; the keys role names a key so. Borrowed. */
const unsigned char *tls_certificate_key_id(const struct tls_certificate *certificate);
/* Stores the same for any key. */
void tls_key_id(EVP_PKEY *key, unsigned char id_out[TLS_KEY_ID_BYTES]);
/* SHA-256 of all certificates in order: part of the session-id context. Borrowed. */
const unsigned char *tls_certificate_digest(const struct tls_certificate *certificate);

/*
 * How well a host name, in A-labels, fits the leaf's names (RFC 9525 section 6.3): 2
 * exactly, 1 by a wildcard that stands for one leftmost label, 0 not at all. An
 * address fits no name.
 */
int tls_certificate_match(const struct tls_certificate *certificate, struct str host);

/* The DNS names it is made for, lower case; the index is below tls_certificate_name_count. */
size_t tls_certificate_name_count(const struct tls_certificate *certificate);
struct str tls_certificate_name(const struct tls_certificate *certificate, size_t index);

/* Appends "CN=mail.example, from Example CA, good until 2026-11-21": for reports. */
void tls_certificate_describe(const struct tls_certificate *certificate, struct buf *to);

/* For tls/context.c: the leaf, the rest of the chain (may be NULL). Borrowed. */
X509 *tls_certificate_leaf(const struct tls_certificate *certificate);
struct stack_st_X509 *tls_certificate_chain(const struct tls_certificate *certificate);

/*
 * Adds findings about dates (`now_s`: not yet good and expired are errors, less
 * than TLS_EXPIRY_WARN_DAYS left a warning), weak keys, signatures that this
 * library refuses, a chain out of order, and, unless `host` is empty, a name that
 * does not fit (a warning). `file` is the name by which findings call it.
 */
void tls_certificate_check(const struct tls_certificate *certificate, const char *file,
			   struct str host, int64_t now_s, struct findings *findings);

/* The same without the leaf's dates and without a name. */
void tls_certificate_check_form(const struct tls_certificate *certificate, const char *file,
				int64_t now_s, struct findings *findings);

/* Which certificate has the key of that identity: 1 the leaf, 2 the next, ...; 0 none. */
int tls_certificate_number_of_key(const struct tls_certificate *certificate,
				  const unsigned char id[TLS_KEY_ID_BYTES]);

/*
 * All of it for a pair, both as bytes, and whether the key fits the certificate.
 * Findings call the files `name`.crt and `name`.key. Parses the private key in this
 * process: for `check`, `cert` and `init`; the parent of a running server compares
 * key identities instead. True when it is usable.
 */
bool tls_pair_check(struct str chain_pem, struct str key_pem, const char *name, struct str host,
		    int64_t now_s, struct findings *findings);

/* The same of the chain alone; gives the certificate (the caller unrefs), or NULL when it cannot be read. */
void tls_chain_check(struct str chain_pem, const char *name, struct str host, int64_t now_s,
		     struct findings *findings, struct tls_certificate **certificate_out);

/* How the common name of the roots of our own making begins. */
#define TLS_LOCAL_ROOT_NAME "Postern local root for "

/* A chain and its private key, in PEM form. */
struct tls_pair {
	struct buf chain;
	struct buf key;
};

/* Frees both, and overwrites the key. */
void tls_pair_done(struct tls_pair *pair);

/*
 * Makes a pair with RSA-2048 and one with P-256, for `host`, localhost, 127.0.0.1
 * and ::1, signed by a local root that stands at the end of both chains and whose
 * key is thrown away. The caller frees with tls_pair_done; after a fault there is
 * nothing to free. Computes for about a tenth of a second.
 */
must_check enum fault tls_pairs_make(struct str host, struct tls_pair *rsa_out,
				     struct tls_pair *ec_out, struct buf *why);

/* The same for several names, of which the first is the subject; `*.` may begin one. */
must_check enum fault tls_pairs_make_for(const struct str *names, size_t count,
					 struct tls_pair *rsa_out, struct tls_pair *ec_out,
					 struct buf *why);

/*
 * Writes a pair into `folder` as NAME.crt and NAME.key (0600), the key first: until
 * both are there a server keeps what it has. Overwrites. Blocks on the disk.
 */
must_check enum fault tls_pair_write(const char *folder, const char *name,
				     const struct tls_pair *pair, struct buf *why);

/*
 * Makes such pairs and writes them into `folder` as server.crt and server.key
 * (RSA), server-ecdsa.crt and server-ecdsa.key (P-256). Overwrites. Blocks on the
 * disk.
 */
must_check enum fault tls_pairs_create(const char *folder, struct str host, struct buf *why);

#endif
