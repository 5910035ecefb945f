/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An SMTP session as the client (RFC 5321), up to where mail can be sent, and the
 * way commands and replies take from there.
 *
 * 1. smtp_client_step goes on until it has to wait for the server, has something
 *    to tell, or has failed. It never blocks; its owner parks it, with the stream's
 *    descriptor and deadline, and calls again.
 * 2. Greeting, EHLO, STARTTLS, handshake, EHLO: in this order, as the demand wants
 *    it; what was learned in the clear is forgotten behind TLS (RFC 3207 section
 *    4.2).
 * 3. From OUTBOUND_READY on commands may be queued, several at a time where the
 *    server has PIPELINING; each reply comes as one OUTBOUND_REPLY, in order.
 * 4. Every reply is bounded (proto/smtp_reply.h), every wait has its deadline (RFC
 *    5321 section 4.5.3.2).
 * 5. Nothing falls back: a server that offers STARTTLS and does not give it is left.
 */
#ifndef POSTERN_DELIVER_SMTP_CLIENT_H
#define POSTERN_DELIVER_SMTP_CLIENT_H

#include "deliver/outbound.h"
#include "proto/smtp_reply.h"

enum smtp_client_stage {
	SMTP_CLIENT_TLS_FIRST, /* implicit TLS */
	SMTP_CLIENT_GREETING,
	SMTP_CLIENT_EHLO,
	SMTP_CLIENT_HELO,
	SMTP_CLIENT_STARTTLS,
	SMTP_CLIENT_TLS,
	SMTP_CLIENT_OPEN
};

enum { SMTP_CLIENT_TEXT_MAX = 512 };

struct smtp_client_parts {
	struct outbound_parts outbound; /* input_max is set by smtp_client_init */
	struct str helo; /* our name: a domain or an address literal */
	bool is_implicit; /* TLS comes before the greeting */
};

struct smtp_client {
	struct outbound outbound;
	enum smtp_client_stage stage;
	char helo[TLS_HOST_MAX];
	/* What the server said of itself, in the clear and then behind TLS. */
	char greeting[SMTP_CLIENT_TEXT_MAX]; /* foreign */
	bool is_extended; /* it understood EHLO */
	bool offered_starttls;
	struct smtp_capabilities capabilities; /* of the last EHLO */
	unsigned awaited; /* commands without a reply */
	struct smtp_reply reply; /* borrowed from the stream until the next step */
	size_t reply_len; /* of it, to be consumed then */
};

/* Takes over the socket. */
void smtp_client_init(struct smtp_client *client, const struct smtp_client_parts *parts);
void smtp_client_done(struct smtp_client *client);

enum outbound_step smtp_client_step(struct smtp_client *client);

/* The deadline of the stream has passed: it has failed now. */
void smtp_client_expire(struct smtp_client *client);

/* The reply at hand, to `what`, ends the session (421): it has failed now. */
void smtp_client_dismissed(struct smtp_client *client, const char *what);

/*
 * Queues a command; CR LF is added. `ms` is how long the server has for the reply. From
 * OUTBOUND_READY on. The text must hold no line end: CHECKed.
 */
void smtp_client_say(struct smtp_client *client, struct str command, int ms);

/* RFC 5321 section 4.5.3.2. */
enum {
	SMTP_CLIENT_GREETING_MS = 5 * 60 * 1000,
	SMTP_CLIENT_COMMAND_MS = 5 * 60 * 1000,
	SMTP_CLIENT_DATA_MS = 2 * 60 * 1000,
	SMTP_CLIENT_DONE_MS = 10 * 60 * 1000,
};

#endif
