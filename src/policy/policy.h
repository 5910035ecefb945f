/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS policy of one service or client: what tls/ gives to OpenSSL, and why.
 *
 * A policy is a value computed by policy_resolve (policy/resolve.h) from the
 * variables of mailserver.cfg and from the catalog; it is immutable and its
 * texts live as long as the arena they were made in (the config snapshot).
 */
#ifndef POSTERN_POLICY_POLICY_H
#define POSTERN_POLICY_POLICY_H

#include "policy/catalog.h"
#include "policy/finding.h"

enum tls_direction { TLS_LISTENER, TLS_CLIENT };

/* What the policy relaxes against the library's security level, and who asked for it (rule 5). */
enum tls_relaxed {
	TLS_RELAXED_SIGNATURES, /* MD5+SHA1 and SHA-1, only in sessions of TLS 1.1 or below */
	TLS_RELAXED_DH_1024,	/* a DH group of 1024 bits */
	TLS_RELAXED_COUNT
};

/* "SHA-1 and MD5+SHA-1 signatures in TLSv1 and TLSv1.1", ... */
const char *tls_relaxed_text(enum tls_relaxed relaxed);

enum { TLS_GROUPS_MAX = 16, TLS13_SUITES_MAX = 16 };

/* The rungs of tls-policy section 4: what happens to a peer below the floor. */
enum tls_rung {
	TLS_RUNG_NONE,	    /* there is no floor */
	TLS_RUNG_OBSERVE,   /* its session goes on, counted and logged */
	TLS_RUNG_REPLY,	    /* the handshake completes, MAIL is refused in words */
	TLS_RUNG_HANDSHAKE, /* as if its protocol were not in the list */
	TLS_RUNG_COUNT
};

/* "none", "observe", "reply", "handshake", as TlsFloorMode writes them. */
const char *tls_rung_name(enum tls_rung rung);

/* A floor above the lowest protocols of the list. Zeroed: there is none. */
struct tls_floor {
	enum tls_protocol protocol; /* peers of an older one are below it */
	enum tls_rung rung;	    /* in force */
	enum tls_rung written;	    /* TlsFloorMode; the date may have moved it to `rung` */
	uint32_t date;		    /* TlsFloorDate as a number, 20261201; 0: none */
	tls_protocols refused;	    /* what the rung handshake took out of the list */
	struct finding_place source; /* TlsFloor */
};

/* Appends "2026-12-01". */
void tls_floor_date_append(struct buf *to, uint32_t date);

struct tls_policy {
	enum tls_direction direction;
	struct str table; /* which governs: "Security" or "SmtpSecurity" */

	tls_protocols protocols; /* never empty, never SSLv3 */
	enum tls_protocol min;
	enum tls_protocol max;
	tls_protocols holes; /* between min and max but not admitted; none for a client */

	/*
	 * For SSL_CTX_set_cipher_list, terminated, ends in `!aNULL:!eNULL`. Empty only when no
	 * protocol before TLSv1.3 is admitted; then there is nothing to set.
	 */
	struct str cipher_string;
	/* Suites of TLS 1.2 and older that string leaves and this build can negotiate, in order. */
	const uint16_t *suites;
	size_t suite_count;
	/*
	 * The TLS 1.3 suites in order, and the same for SSL_CTX_set_ciphersuites (terminated).
	 * Empty exactly when TLSv1.3 is not admitted: an empty list while 1.3 is on kills every
	 * handshake, 1.2 too.
	 */
	uint16_t suites13[TLS13_SUITES_MAX];
	size_t suite13_count;
	struct str suites13_string;

	/* Never empty; the string is for SSL_CTX_set1_groups_list (terminated). */
	const struct tls_group *groups[TLS_GROUPS_MAX];
	size_t group_count;
	struct str groups_string; /* empty when nothing ephemeral is on: then no group is needed */

	bool has_ecdhe;
	/* Listener: size of the DHE group, 1024, 2048 or 4096. Client: smallest taken. 0: off. */
	int dhe_bits;
	struct finding_place dhe_source; /* EphemeralDHKeySize */
	bool server_preference; /* SSL_OP_CIPHER_SERVER_PREFERENCE */
	bool empty_fragments;	/* on: clear SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS */
	bool session_tickets;	/* false: SSL_OP_NO_TICKET and no TLS 1.3 tickets */

	bool relaxed[TLS_RELAXED_COUNT];
	struct finding_place relaxed_by[TLS_RELAXED_COUNT];

	/* Who says so; line 0 where it is the default. For failures in words and `tls show`. */
	struct finding_place protocols_source;
	struct finding_place ciphers_source;
	struct finding_place groups_source; /* the switch that leaves groups out, if any does */

	struct tls_floor floor;
	/*
	 * What holds from `later_at_s` (seconds since 1970) on, when TlsFloorDate moves the rung;
	 * NULL: this policy for ever. It has none behind it.
	 */
	const struct tls_policy *later;
	int64_t later_at_s;

	/*
	 * Everything above that a session depends on, in a stable textual form: its SHA-256, with
	 * the certificates', is the session-id context, so that no ticket outlives a change.
	 */
	struct str text;
};

/* What holds at a time: the policy itself, or the later one. */
const struct tls_policy *tls_policy_at(const struct tls_policy *policy, int64_t real_s);

/* Which certificates a listener holds. */
struct tls_certificates {
	bool has_rsa;
	bool has_ecdsa; /* Ed25519 and Ed448 too: TLS 1.2 uses ECDHE-ECDSA suites with them */
};

/*
 * Writes the suites that can be negotiated with these certificates, TLS 1.3
 * first, each in order; returns how many. What `tls show` lists.
 */
size_t tls_policy_negotiable(const struct tls_policy *policy, const struct suite_catalog *catalog,
			     struct tls_certificates certificates,
			     const struct suite *suites_out[SUITE_CATALOG_MAX]);

/* Appends "TLSv1.2, TLSv1.3". */
void tls_protocols_append(struct buf *to, tls_protocols protocols);

#endif
