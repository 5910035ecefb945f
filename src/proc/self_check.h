/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server shakes hands with itself: what a listener's context really does,
 * compared with what the policy intends (tls-policy section 7).
 *
 * A client of ours that admits everything asks, through memory, for one protocol
 * version after another. What the policy admits must come about with that
 * version, with the suite that stands first, and with each kind of certificate
 * there is; what it does not admit must be refused. Blocks on the source of the
 * keys; some milliseconds a context.
 *
 * The same client can go through a listening port instead, STARTTLS included, on
 * sockets that somebody else has connected (proc/port_checks.h): what the network
 * sees.
 */
#ifndef POSTERN_PROC_SELF_CHECK_H
#define POSTERN_PROC_SELF_CHECK_H

#include "tls/context.h"

struct self_check {
	unsigned handshakes;
	struct buf differences; /* a sentence a line; none: effective is as intended */
	struct buf unreached;	/* likewise, of ports: what could not be checked */
};

enum {
	SELF_CHECK_VERSIONS = TLS_PROTOCOL_COUNT - TLS_PROTOCOL_1_0,
	/* Sockets that one port takes: for each version, and for each kind of certificate. */
	SELF_CHECK_SOCKETS = SELF_CHECK_VERSIONS + 2,
};

/* A listening port and sockets that are being connected to it, non-blocking. */
struct self_check_port {
	const char *place; /* "IMAPS 127.0.0.1:2993" */
	/* How STARTTLS is asked for: of smtp, imap, pop3; NULL where TLS comes first. */
	const struct self_check_dialogue *dialogue;
	int fds[SELF_CHECK_SOCKETS];
	size_t fd_count;
	size_t fds_used;
	bool is_dead; /* it was not reached: nothing more is tried */
	const bool *is_given_up; /* atomic; once true, nothing is waited for any more. May be NULL */
};

/* How STARTTLS is said: what the server says first, what we say, how it has to begin its answer. */
struct self_check_dialogue {
	const char *greeting; /* the last line of the greeting begins so */
	const char *hello;    /* NULL: nothing is said before */
	const char *hello_end;
	const char *starttls;
	const char *starttls_end;
};

extern const struct self_check_dialogue self_check_smtp, self_check_imap, self_check_pop3;


void self_check_init(struct self_check *check);
void self_check_done(struct self_check *check);

/* Checks one context under the name of its service. `policy` is what is intended. */
void self_check_context(struct self_check *check, const char *service,
			const struct tls_policy *policy, struct tls_context *context,
			const struct suite_catalog *catalog);

/*
 * The same through a port, whose sockets it closes. Neither limits nor counters of the
 * server are concerned when these sockets are in session/own_peers.h. Waits for the
 * server, a bounded time.
 */
void self_check_through_port(struct self_check *check, struct self_check_port *port,
			     const struct tls_policy *policy, struct tls_context *context,
			     const struct suite_catalog *catalog);

#endif
