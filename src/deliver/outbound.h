/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to a server, whatever is spoken on it: a socket, a stream, TLS
 * under a demand, and one reason in words when it fails.
 *
 * 1. Nothing blocks: what cannot go on gives IO_WANT_*, and is called again.
 * 2. TLS is begun once. What the server sent in the clear behind its consent is
 *    an attack (RFC 3207 section 6) and ends the connection.
 * 3. A failure is final; nothing is tried again on the same connection, and nothing
 *    in the clear because of it.
 *
 * Who speaks a protocol on it embeds it: deliver/smtp_client.h.
 */
#ifndef POSTERN_DELIVER_OUTBOUND_H
#define POSTERN_DELIVER_OUTBOUND_H

#include "net/stream.h"
#include "tls/client.h"

/* Why a connection failed. */
enum outbound_fault {
	OUTBOUND_WHOLE,	     /* it has not */
	OUTBOUND_TIMEOUT,
	OUTBOUND_CLOSED,     /* the server closed or broke it */
	OUTBOUND_REFUSED,    /* the server said no; `reply_code` tells how */
	OUTBOUND_NONSENSE,   /* what came is not the protocol */
	OUTBOUND_NO_TLS,     /* TLS is demanded and not to be had */
	OUTBOUND_INJECTED,   /* bytes in the clear where TLS was to begin */
	OUTBOUND_TLS,	     /* the handshake failed, or the certificate does not do */
	OUTBOUND_DEMAND,     /* policy and demand leave nothing to offer */
	OUTBOUND_FAULT_COUNT
};

/* "timeout", "tls", ...: for programs. */
const char *outbound_fault_name(enum outbound_fault fault);

/* True where it is TLS that failed: such a reason is told to senders earlier. */
bool outbound_fault_is_tls(enum outbound_fault fault);

/* What a client of a protocol is at: what it waits for, or has to tell its owner. */
enum outbound_step {
	OUTBOUND_WAIT_INPUT,
	OUTBOUND_WAIT_OUTPUT,
	OUTBOUND_READY, /* once: commands may be said */
	OUTBOUND_REPLY, /* the client's `reply` answers the oldest command without one */
	OUTBOUND_BYTES, /* the client's `bytes` are more of a long answer */
	OUTBOUND_IDLE,	/* every command has its answer */
	OUTBOUND_FAILED /* `why` says why */
};

/* What becomes of a connection in the clear, once the server has said what it offers. */
enum outbound_upgrade {
	OUTBOUND_STAY,	  /* it goes on as it is */
	OUTBOUND_UPGRADE, /* the command that begins TLS is to be sent */
	OUTBOUND_LEAVE	  /* TLS is demanded and not offered: it has failed */
};

struct outbound_parts {
	int fd;			     /* a connected socket, as net/dial.h gives it; taken over */
	struct tls_context *context; /* a client's; referenced */
	struct str file_name;	     /* "mailserver.cfg": copied, for the words */
	struct str host; /* whom we mean, in A-labels, or an address: see tls/client.h */
	const struct tls_demand *demand; /* copied; its texts outlive the connection */
	size_t input_max;
	int patience_ms; /* for each step; 0: as long as the protocol's standard wants */
};

struct outbound {
	struct stream stream;
	struct tls_context *context;
	struct tls_connection *tls; /* the stream's; NULL while in the clear */
	struct tls_demand demand;
	char host[TLS_HOST_MAX];
	char file_name[TLS_HOST_MAX];
	int patience_ms;
	enum outbound_fault fault;
	int reply_code;	 /* of OUTBOUND_REFUSED */
	struct buf why;	 /* in words, without the address; what is foreign in it is escaped */
};

void outbound_init(struct outbound *outbound, const struct outbound_parts *parts);
/* Says goodbye, closes, frees. */
void outbound_done(struct outbound *outbound);

/*
 * Puts TLS below the stream. False when it failed: something is in the buffer, or
 * there is nothing to offer. Then outbound_shake carries the handshake through.
 */
must_check bool outbound_tls_begin(struct outbound *outbound);
enum io outbound_shake(struct outbound *outbound);

/* True while input or output may go on. */
static inline bool outbound_is_whole(const struct outbound *outbound)
{
	return outbound->fault == OUTBOUND_WHOLE;
}

/* The server has `ms` for its next step, or the connection's own patience. */
void outbound_expect(struct outbound *outbound, int ms);

/* Notes why it failed, in words; the first reason stands. */
void outbound_fail(struct outbound *outbound, enum outbound_fault fault, const char *format, ...)
	format_printf(3, 4);

/* The stream broke or was closed while `awaited` ("its greeting") was to come. */
void outbound_lost(struct outbound *outbound, const char *awaited);

/* True, and what for, when what the stream says is to be waited for, or has broken it. */
must_check bool outbound_must_wait(struct outbound *outbound, enum io io, const char *awaited,
				   enum outbound_step *step_out);

/* The time for `awaited` is over. */
void outbound_expire(struct outbound *outbound, const char *awaited);

/*
 * Decides, by demand alone, what follows from whether `command` ("STARTTLS") is offered. Behind TLS,
 * or where none is demanded or wanted, the connection stays as it is.
 */
enum outbound_upgrade outbound_upgrade_choose(struct outbound *outbound, bool is_offered,
					      const char *command);

/* TLS is demanded, and the server does not offer it: `how` says what it did. */
void outbound_no_tls(struct outbound *outbound, const char *how);

/* Facts of its TLS; inactive while there is none. */
struct tls_facts outbound_facts(const struct outbound *outbound);

/*
 * Appends the line for security.log, "TLS to 192.0.2.26 (mx.old.example): ...", where
 * it is TLS that failed; false, and nothing, where it is not.
 */
bool outbound_append_security(const struct outbound *outbound, struct str address, struct buf *to);

#endif
