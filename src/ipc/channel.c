/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/channel.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"

/* Room for a handful of the largest packets; the kernel may grant less. */
enum { SOCKET_BUFFER_BYTES = 1024 * 1024 };

enum fault channel_pair(int fds_out[2])
{
	int fds[2];
	int size = SOCKET_BUFFER_BYTES;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return FAULT_IO;
	for (int i = 0; i < 2; i++) {
		(void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		fds_out[i] = fds[i];
	}
	return FAULT_NONE;
}

void channel_close(struct channel *channel)
{
	fd_close(&channel->fd);
}

/* The control part of a packet that carries one descriptor. */
union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

static void attach_fd(struct msghdr *packet, union control *control, int fd)
{
	packet->msg_control = control->room;
	packet->msg_controllen = sizeof(control->room);
	struct cmsghdr *header = CMSG_FIRSTHDR(packet);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
}

enum fault channel_send_encoded(const struct channel *channel, struct str encoded, int fd)
{
	struct iovec piece = {.iov_base = (void *)(uintptr_t)encoded.ptr, .iov_len = encoded.len};
	struct msghdr packet = {.msg_iov = &piece, .msg_iovlen = 1};
	union control control = {0};

	if (fd >= 0)
		attach_fd(&packet, &control, fd);
	while (sendmsg(channel->fd, &packet, MSG_NOSIGNAL) < 0) {
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN)
			return FAULT_BUSY;
		return errno == EPIPE || errno == ECONNRESET || errno == EBADF ? FAULT_UNAVAILABLE
									       : FAULT_IO;
	}
	return FAULT_NONE;
}

enum fault channel_send(const struct channel *channel, enum message_kind kind, uint64_t id,
			const void *message)
{
	struct buf bytes = BUF_INIT(MESSAGE_MAX);
	int fd;

	CHECK(message_is_allowed(kind, channel->self, channel->peer));
	message_encode(&bytes, (struct message_header){.kind = kind, .id = id}, message, &fd);
	enum fault fault = bytes.failed ? FAULT_TOO_LARGE
					: channel_send_encoded(channel, buf_str(&bytes), fd);
	/* It may hold a password. */
	buf_wipe(&bytes);
	return fault;
}

void packet_init(struct packet *packet)
{
	*packet = (struct packet){.fd = -1, .bytes = BUF_INIT(MESSAGE_MAX)};
}

void packet_init_roomy(struct packet *packet)
{
	packet_init(packet);
	CHECK(buf_reserve(&packet->bytes, MESSAGE_MAX) != NULL);
}

static void packet_clear(struct packet *packet)
{
	fd_close(&packet->fd);
	if (packet->bytes.data != NULL)
		explicit_bzero(packet->bytes.data, packet->bytes.len);
	buf_reset(&packet->bytes);
}

void packet_done(struct packet *packet)
{
	packet_clear(packet);
	buf_done(&packet->bytes);
}

int packet_take_fd(struct packet *packet)
{
	int fd = packet->fd;

	packet->fd = -1;
	return fd;
}

/* Takes the descriptors out of a received packet; more than one is a breach, closed at once. */
static bool take_control(struct msghdr *received, int *fd_out)
{
	bool is_good = (received->msg_flags & (MSG_CTRUNC | MSG_TRUNC)) == 0;

	for (struct cmsghdr *header = CMSG_FIRSTHDR(received); header != NULL;
	     header = CMSG_NXTHDR(received, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		int fd;
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
		if (*fd_out < 0)
			*fd_out = fd;
		else {
			close(fd);
			is_good = false;
		}
	}
	return is_good;
}

static ssize_t receive_retrying(int socket, struct msghdr *packet)
{
	ssize_t got;

	do
		got = recvmsg(socket, packet, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	return got;
}

/*
 * How long the next packet is: most are small, and a buffer of the maximum for
 * each of a hundred channels would be wasted.
 */
static ssize_t next_packet_len(int socket)
{
	ssize_t len;

	do
		len = recv(socket, NULL, 0, MSG_PEEK | MSG_TRUNC);
	while (len < 0 && errno == EINTR);
	return len;
}

enum fault channel_receive(const struct channel *channel, struct packet *packet)
{
	union control control = {0};

	packet_clear(packet);
	/* Who has room for any packet need not look how long the next one is. */
	ssize_t len = packet->bytes.cap >= MESSAGE_MAX ? MESSAGE_MAX : next_packet_len(channel->fd);
	if (len < 0)
		return errno == EAGAIN ? FAULT_BUSY : FAULT_UNAVAILABLE;
	if (len == 0)
		return FAULT_UNAVAILABLE;
	char *room = buf_reserve(&packet->bytes, (size_t)len);
	if (room == NULL)
		return FAULT_INVALID;
	struct iovec piece = {.iov_base = room, .iov_len = (size_t)len};
	struct msghdr received = {.msg_iov = &piece, .msg_iovlen = 1,
				  .msg_control = control.room,
				  .msg_controllen = sizeof(control.room)};
	ssize_t got = receive_retrying(channel->fd, &received);
	if (got < 0 && errno == EAGAIN)
		return FAULT_BUSY;
	if (got <= 0)
		return FAULT_UNAVAILABLE;
	buf_commit(&packet->bytes, (size_t)got);
	if (!take_control(&received, &packet->fd))
		return FAULT_INVALID;
	if (message_decode(buf_str(&packet->bytes), packet->fd, &packet->header,
			   &packet->message) != FAULT_NONE)
		return FAULT_INVALID;
	if (!message_is_allowed(packet->header.kind, channel->peer, channel->self))
		return FAULT_INVALID;
	return FAULT_NONE;
}
