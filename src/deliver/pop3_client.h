/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A POP3 session as the client (RFC 1939), up to where a user logs in, and commands
 * from there.
 *
 * It goes on like deliver/smtp_client.h: greeting, CAPA, STLS (RFC 2595), handshake,
 * CAPA again, as the demand wants it. Nothing blocks, every answer is bounded
 * (proto/pop3_reply.h), nothing falls back: a server that lists STLS and does not give
 * it is left. What a long answer consists of, a message or a list, is the business of
 * whoever asked for it (fetch/session.h).
 */
#ifndef POSTERN_DELIVER_POP3_CLIENT_H
#define POSTERN_DELIVER_POP3_CLIENT_H

#include "deliver/outbound.h"
#include "proto/pop3_reply.h"

enum pop3_client_stage {
	POP3_CLIENT_TLS_FIRST, /* implicit TLS */
	POP3_CLIENT_GREETING,
	POP3_CLIENT_CAPA,
	POP3_CLIENT_STLS,
	POP3_CLIENT_TLS,
	POP3_CLIENT_OPEN
};

struct pop3_client_parts {
	struct outbound_parts outbound; /* input_max is set by pop3_client_init */
	bool is_implicit;		/* TLS comes before the greeting */
};

struct pop3_client {
	struct outbound outbound;
	enum pop3_client_stage stage;
	bool offered_stls;
	unsigned capabilities; /* of the last CAPA; 0 where the server has none */
	bool is_awaited;	 /* a command waits for its answer */
	bool has_list;		 /* which is one with lines */
	struct pop3_reply reply; /* borrowed from the stream until the next step */
	size_t reply_len;	 /* of it, to be consumed then */
	bool wants_long;	 /* the command has a long answer */
	bool is_long;		 /* which is coming in */
	uint32_t bytes_per_s;	 /* at least so fast */
	struct str bytes;	 /* borrowed from the stream until the next step */
	size_t bytes_seen;	 /* of the input, those that were not taken */
};

/* Takes over the socket. */
void pop3_client_init(struct pop3_client *client, const struct pop3_client_parts *parts);
void pop3_client_done(struct pop3_client *client);

enum outbound_step pop3_client_step(struct pop3_client *client);

/* The deadline of the stream has passed: it has failed now. */
void pop3_client_expire(struct pop3_client *client);

/*
 * Sends a command, one at a time; CR LF is added. `has_list`: a positive answer comes
 * with lines. From OUTBOUND_READY on. The text must hold no line end: CHECKed.
 */
void pop3_client_say(struct pop3_client *client, struct str command, bool has_list);

/*
 * The same for a command whose positive answer goes on after its line: REPLY comes for the
 * line alone, then BYTES until the end was taken. The server may pause for
 * POP3_CLIENT_ANSWER_MS, and must not be slower than `bytes_per_s`.
 */
void pop3_client_say_long(struct pop3_client *client, struct str command, uint32_t bytes_per_s);

/*
 * Takes the first `len` of the bytes; what is left comes again with more behind it.
 * `is_end`: the answer ended with them.
 */
void pop3_client_take(struct pop3_client *client, size_t len, bool is_end);

/* RFC 1939 leaves a server ten minutes; whoever asks has less patience. */
enum { POP3_CLIENT_ANSWER_MS = 2 * 60 * 1000 };

#endif
