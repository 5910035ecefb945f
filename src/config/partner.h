/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <list name="TlsPolicy">: what holds for single peers, inbound and outbound, in
 * place of what the tables say for all.
 *
 * 1. A row names its peer by network or by name. Inbound a name counts only when
 *    it is the peer's reverse name and leads back to its address; outbound it is
 *    the destination's domain or its mail exchanger.
 * 2. One row holds for a peer, the most specific: a network before a name, the
 *    longer network, the host before its domain, the longer domain, the row for
 *    one service before the row for all.
 * 3. What a row admits beyond its table needs a reason and a day on which that
 *    ends. From that day on the row is as if it were not there.
 *
 * Pure but for the clock that the caller reads.
 */
#ifndef POSTERN_CONFIG_PARTNER_H
#define POSTERN_CONFIG_PARTNER_H

#include "config/config.h"
#include "policy/demand.h"

struct document;
struct tls_settings;

enum { PARTNERS_MAX = 1000 };

enum partner_direction { PARTNER_IN, PARTNER_OUT };
enum partner_kind {
	PARTNER_NETWORK,
	PARTNER_HOST,  /* this name */
	PARTNER_DOMAIN /* the names below it */
};

struct partner {
	struct finding_place place; /* the row: table "TlsPolicy:192.0.2.0/24", no variable */
	struct str peer;	    /* Peer, as written */
	enum partner_kind kind;
	struct network network;
	struct str name; /* lower case; of a DOMAIN without its leading dot */
	enum partner_direction direction;
	bool has_service;
	enum service_id service; /* inbound only */

	/* What is demanded; inbound of SMTP sessions, at MAIL. */
	enum tls_level level;	/* MAY where nothing is demanded */
	enum tls_protocol min;	/* TLS_PROTOCOL_SSLV3: any */
	struct finding_place demand_place; /* of Level or MinVersion, whichever says more */
	enum tls_rung mode;	/* inbound: REPLY or OBSERVE */
	unsigned char pins[DEMAND_PINS_MAX][DEMAND_PIN_BYTES];
	size_t pin_count;
	bool legacy_renegotiation; /* outbound */
	bool without_tickets;
	bool without_hybrid; /* no post-quantum group */

	struct str reason;
	struct str comment;
	bool widens;	  /* admits what the tables do not */
	uint32_t expires; /* 20270301; 0: never */
	int64_t expires_at_s;

	/* What to shake hands with; NULL: what the service, or client, has for all. */
	const struct tls_policy *services[SERVICE_COUNT];
	const struct tls_policy *clients[CLIENT_COUNT];
};

/* Whose row is wanted. */
struct partner_query {
	enum partner_direction direction;
	enum service_id service; /* inbound */
	const uint8_t *address;	 /* 16 bytes, IPv4 in mapped form; NULL: none */
	struct str names;	 /* in any case, separated by blanks; empty: none */
	int64_t now_s;
};

/* The row that holds; NULL: none. */
const struct partner *partner_find(const struct config *config, const struct partner_query *query);

/* True when a row by name may hold for sessions of the service: then the name is worth asking for. */
bool partner_wants_names(const struct config *config, enum service_id service, int64_t now_s);

/* True when the row's day has come and it admits more than the tables: it does not hold. */
bool partner_is_expired(const struct partner *partner, int64_t now_s);

/*
 * What the row demands of an outbound connection; a row without own protocols or
 * suites leaves those to the client's policy. Borrows from the row.
 */
struct tls_demand partner_demand(const struct partner *partner);

/* Appends "192.0.2.0/24 (mailserver.cfg:88)". */
void partner_append(struct buf *to, const struct partner *partner, struct str file_name);

/* ---- for config.c ---- */

struct partner_reader {
	const struct document *document;
	const struct suite_catalog *catalog;
	struct arena *arena;
	struct findings *findings;
	int64_t now_s;
	/* What each service and client is computed of, table and overrides together. */
	const struct tls_settings *services;
	const struct tls_settings *clients;
	struct config *config; /* its policies are there already; the rows are put in */
};

/* Reads the list; what is wrong is added to the findings. */
void partners_read(struct partner_reader *reader);

#endif
