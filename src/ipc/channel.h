/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a connection between two roles: packets in order, each one
 * message.
 *
 * A channel knows both roles and refuses what the table of messages forbids.
 * Sending is one system call and so safe from several threads; receiving
 * belongs to one thread at a time.
 */
#ifndef POSTERN_IPC_CHANNEL_H
#define POSTERN_IPC_CHANNEL_H

#include "ipc/message.h"

struct channel {
	int fd;
	enum role self;
	enum role peer;
};

/* Makes a connected pair of sockets, both close-on-exec. FAULT_IO when the kernel has none. */
must_check enum fault channel_pair(int fds_out[2]);

/* Closes the socket; safe for one that is closed. */
void channel_close(struct channel *channel);

/*
 * Sends one message; blocks while the peer's queue is full, unless the socket
 * is non-blocking (then FAULT_BUSY). FAULT_UNAVAILABLE when the peer is gone.
 * A message that the table does not allow aborts: it is our mistake.
 */
must_check enum fault channel_send(const struct channel *channel, enum message_kind kind,
				   uint64_t id, const void *message);

/*
 * Sends what message_encode has written, with its descriptor (-1: none), and faults like channel_send.
 * Whether the table allows it the caller has checked.
 */
must_check enum fault channel_send_encoded(const struct channel *channel, struct str encoded,
					   int fd);

/* A received message; its texts live in `bytes`, its descriptor belongs to the receiver. */
struct packet {
	struct message_header header;
	union message_any message;
	int fd; /* -1, or owned by the receiver until packet_take_fd */
	struct buf bytes;
};

void packet_init(struct packet *packet);
/* With room for the largest message, so that each is received by one system call: for packets that stay. */
void packet_init_roomy(struct packet *packet);
/* Wipes the bytes (they may be a password), closes a descriptor that nobody took. */
void packet_done(struct packet *packet);
/* Hands the descriptor over to the caller. */
int packet_take_fd(struct packet *packet);

/*
 * Receives one message into `packet`, which may be reused. Blocks unless the
 * socket is non-blocking (then FAULT_BUSY when there is none).
 * FAULT_UNAVAILABLE: the peer closed. FAULT_INVALID: it broke the table's
 * rules; the caller closes the channel and logs.
 */
must_check enum fault channel_receive(const struct channel *channel, struct packet *packet);

#endif
