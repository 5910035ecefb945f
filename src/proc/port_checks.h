/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handshakes with ourselves through the listening ports, after each configuration
 * that came in force.
 *
 * A front may not open sockets, and the parent speaks with nobody: so the parent
 * connects, tells all fronts by shared memory whose connections these are, and hands
 * the sockets to the first front, which holds the dialogues and the handshakes
 * (proc/self_check.h). It begins when every front has the configuration, behind
 * `ready`, and delays nobody.
 */
#ifndef POSTERN_PROC_PORT_CHECKS_H
#define POSTERN_PROC_PORT_CHECKS_H

#include "base/buf.h"
#include "ipc/message.h"
#include "session/own_peers.h"

struct parent;
struct metrics_shared;

struct port_checks {
	struct metrics_shared *shared; /* mapped by the first check */
	uint64_t begun;	    /* the generation whose check is on its way; 0: none */
	uint64_t generation; /* of the last answer; 0: none yet */
	uint32_t handshakes;
	char *differences; /* a sentence a line; NULL: none */
	char *unreached;   /* likewise: ports that could not be checked */
	struct buf own_unreached; /* those that could not even be connected to */
};

void port_checks_done(struct port_checks *checks);

/* Connects to every port, without waiting for it, and has the first front go on. */
void port_checks_begin(struct parent *parent);

/* Takes the answer; of another generation than the one in force it is of no use. */
void port_checks_take(struct parent *parent, const struct msg_ports_checked *answer);

/* The check of what is in force has not been answered yet. */
bool port_checks_are_running(const struct parent *parent);

/* Appends the member `ports` of `self_check`, led by a comma. */
void port_checks_append_status(const struct parent *parent, struct buf *json);

#endif
