/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages between roles: one table, from which follow the structs, the
 * encoder, the decoder and the check who may send what to whom.
 *
 * A message that its sender may not send, that is cut short or has bytes left
 * over, is fatal to the sender's channel: the receiver drops it and says so.
 * On the wire: kind (u16), request id (u64), then the fields in order, all
 * big-endian; texts as length (u32) and bytes. A descriptor field travels as
 * SCM_RIGHTS.
 */
#ifndef POSTERN_IPC_MESSAGE_H
#define POSTERN_IPC_MESSAGE_H

#include "base/buf.h"
#include "base/fault.h"
#include "ipc/messages.def.h"

/* X(name, text) */
#define ROLE_TABLE(X)                                                          \
	X(PARENT, "parent")                                                    \
	X(KEYS, "keys")                                                        \
	X(AUTH, "auth")                                                        \
	X(STORE, "store")                                                      \
	X(FRONT, "front")                                                      \
	X(MAILQ, "mailq")                                                      \
	X(ADMIN, "admin")                                                      \
	X(CTL, "ctl")

enum role {
#define X(name, text) ROLE_##name,
	ROLE_TABLE(X)
#undef X
	ROLE_COUNT
};

/* "keys", "store", ... as status and the process title show it. */
const char *role_name(enum role role);

/*
 * C types of the field types. An FD of -1 is none; a received one belongs to
 * the packet until packet_take_fd.
 */
#define MESSAGE_TYPE_U8 uint8_t
#define MESSAGE_TYPE_U32 uint32_t
#define MESSAGE_TYPE_U64 uint64_t
#define MESSAGE_TYPE_STR struct str
#define MESSAGE_TYPE_FD int

#define MESSAGE_FIELD(type, name) MESSAGE_TYPE_##type name;
#define MESSAGE_STRUCT(name, senders, receivers)                               \
	struct msg_##name {                                                    \
		FIELDS_##name(MESSAGE_FIELD)                                   \
	};
MESSAGE_TABLE(MESSAGE_STRUCT)

enum message_kind {
#define X(name, senders, receivers) MSG_##name,
	MESSAGE_TABLE(X)
#undef X
	MESSAGE_KIND_COUNT
};

/* Large enough for any decoded message. */
union message_any {
#define X(name, senders, receivers) struct msg_##name name;
	MESSAGE_TABLE(X)
#undef X
};

enum {
	MESSAGE_HEADER_BYTES = 2 + 8,
	/* A packet of a sequenced-packet socket; larger texts go as a memory file. */
	MESSAGE_MAX = 160 * 1024,
	/* The largest text that a sender puts inline. */
	MESSAGE_INLINE_MAX = 64 * 1024,
};

struct message_header {
	enum message_kind kind;
	uint64_t id;
};

const char *message_name(enum message_kind kind);

/* True when the table lets `sender` send this kind to `receiver`. */
bool message_is_allowed(enum message_kind kind, enum role sender, enum role receiver);

/*
 * Appends the encoded message. `message` points to the kind's struct. Its
 * descriptor, if it has one, is stored in `*fd_out` (-1 if none) and stays the
 * caller's.
 */
void message_encode(struct buf *to, struct message_header header, const void *message, int *fd_out);

/*
 * Decodes a packet into `message_out`; texts point into `packet`. `fd` is the
 * descriptor that came along, or -1; it is stored in the message's descriptor
 * field. FAULT_INVALID when the packet is not exactly one message of the table,
 * or when a descriptor came that the kind does not carry.
 */
must_check enum fault message_decode(struct str packet, int fd, struct message_header *header_out,
				     union message_any *message_out);

#endif
