/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is demanded of the TLS of one outbound connection, over and above the
 * policy of its client.
 *
 * A demand has one or more sources: a row of TlsPolicy (or demand_may, where there
 * is none), and whatever else has a say on a destination. Each is a demand of its
 * own; demand_join makes one of them, of which the strictest wins. A demand only
 * ever narrows what the client's policy offers. The one exception is a server
 * without RFC 5746, which a row may put up with by name.
 *
 * Texts are borrowed and must outlive the demand.
 */
#ifndef POSTERN_POLICY_DEMAND_H
#define POSTERN_POLICY_DEMAND_H

#include "policy/policy.h"

/* X(identifier, name), from lax to strict. */
#define TLS_LEVEL_TABLE(X)                                                                         \
	X(NONE, "none")       /* in the clear, TLS is not even asked for */                        \
	X(MAY, "may")         /* TLS where the server offers it */                                 \
	X(ENCRYPT, "encrypt") /* TLS, whatever the certificate */                                  \
	X(VERIFY, "verify")   /* and a certificate of a trusted CA for the right name */           \
	X(PIN, "pin")         /* and a key that is known */

enum tls_level {
#define X(id, name) TLS_LEVEL_##id,
	TLS_LEVEL_TABLE(X)
#undef X
	TLS_LEVEL_COUNT
};

/* "none", "may", "encrypt", "verify", "pin": in files, logs and on the command line. */
const char *tls_level_name(enum tls_level level);
must_check bool tls_level_from_name(struct str name, enum tls_level *level_out); /* any case */

enum {
	DEMAND_PROOFS_MAX = 8, /* one or two a source */
	DEMAND_NAMES_MAX = 8,
	DEMAND_PINS_MAX = 8,
	DEMAND_PIN_BYTES = 32, /* SHA-256 of a SubjectPublicKeyInfo */
};

/* One thing that the server's certificate has to prove. All proofs of a demand count. */
struct tls_proof {
	/*
	 * VERIFY: the chain leads to a trusted CA, and the certificate is good for one of
	 * the names (RFC 6125; A-labels, or an address). PIN: its key is one of the pins.
	 */
	enum tls_level kind;
	struct str names[DEMAND_NAMES_MAX];
	size_t name_count;
	unsigned char pins[DEMAND_PINS_MAX][DEMAND_PIN_BYTES];
	size_t pin_count;
	struct finding_place source;
};

struct tls_demand {
	/*
	 * Never below what the proofs want. VERIFY without a proof of that kind means the
	 * host that is connected to; PIN without one is a mistake.
	 */
	enum tls_level level;
	struct finding_place level_source;
	enum tls_protocol min; /* TLS_PROTOCOL_SSLV3: as the policy has it */
	struct finding_place min_source;
	/* Suites admitted, by number, TLS 1.3 and others; NULL: as the policy has it. */
	const uint16_t *suites;
	size_t suite_count;
	struct finding_place suites_source;
	struct tls_proof proofs[DEMAND_PROOFS_MAX];
	size_t proof_count;
	bool without_hybrid; /* no post-quantum group: for a server that chokes on long hellos */
	bool without_dhe;    /* after a DH group that was too small */
	bool legacy_renegotiation; /* a server without RFC 5746 is put up with */
};

/* TLS where it is offered, and nothing more: what holds where nobody demands anything. */
struct tls_demand demand_may(void);

/* Adds a proof and raises the level to what it wants. CHECKs that there is room. */
void demand_prove(struct tls_demand *demand, const struct tls_proof *proof);

/*
 * Makes the demand that meets both: the higher level, the newer minimum, the suites
 * in both (in the order of `first`), the proofs of both. Neither is stricter than
 * the result, which is made in the arena as far as it needs memory.
 */
struct tls_demand demand_join(const struct tls_demand *first, const struct tls_demand *second,
			      struct arena *arena);

/* True when the suite may be offered. */
bool demand_admits_suite(const struct tls_demand *demand, uint16_t suite);

/* The first proof of a kind; NULL when there is none. */
const struct tls_proof *demand_proof(const struct tls_demand *demand, enum tls_level kind);

#endif
