/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <list name="Pop3Account">: mailboxes on other servers whose mail is fetched by POP3 and
 * delivered here.
 */
#ifndef POSTERN_CONFIG_POP3_ACCOUNT_H
#define POSTERN_CONFIG_POP3_ACCOUNT_H

#include "config/config.h"
#include "policy/demand.h"

struct document;

enum {
	POP3_ACCOUNTS_MAX = 1000,
	POP3_ACCOUNT_NAME_MAX = 64,
	POP3_ACCOUNT_HEADERS_MAX = 16,
};

enum pop3_account_tls {
	POP3_ACCOUNT_IMPLICIT, /* TLS before the greeting */
	POP3_ACCOUNT_STLS,     /* RFC 2595 */
	POP3_ACCOUNT_CLEAR
};

struct pop3_account {
	struct finding_place place; /* the row: table "Pop3Account:office" */
	struct str name;
	bool is_enabled;
	struct str host; /* a name, or an address in brackets */
	uint16_t port;
	enum pop3_account_tls tls;
	bool verifies; /* that the certificate is the host's */
	struct str user;
	struct str password; /* its name in the auth role (auth/remote.h) */
	struct str deliver_to; /* an address here */
	struct str mailbox;    /* of its owner */
	/* Fields of the header that name the recipients, in the order they are asked; none: all goes to
	 * deliver_to. */
	const struct str *sort;
	size_t sort_count;
	bool leaves; /* what was fetched stays on the server */
	uint32_t leave_days; /* for so long; 0: for good */
	uint32_t interval_s; /* 0: only when it is asked for */
	uint32_t jitter_s;
	uint32_t max_messages; /* in a session */
	uint64_t max_bytes;    /* the same */
	uint64_t message_bytes; /* what is larger stays there; 0: Limits/MessageBytes */
};

/* By name, in any case; NULL. */
const struct pop3_account *pop3_account_find(const struct config *config, struct str name);

/* The host without the brackets of an address. */
struct str pop3_account_host(const struct pop3_account *account);

/* What the row demands of the connection. Borrows from the row. */
struct tls_demand pop3_account_demand(const struct pop3_account *account);

/* "implicit", "stls", "none". */
const char *pop3_account_tls_name(enum pop3_account_tls tls);

/* ---- for config.c ---- */

/* Reads the list; what is wrong is added to the findings. */
void pop3_accounts_read(const struct document *document, struct config *config,
			struct arena *arena, struct findings *findings);

#endif
