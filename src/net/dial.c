/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "proto/dns.h"

enum { WHY_MAX = 1024, IPV4_AT = 12 };

void dial_init(struct dial *dial, const struct dial_options *options)
{
	*dial = (struct dial){.options = *options, .fd = -1, .why = BUF_INIT(WHY_MAX)};
	if (dial->options.attempt_ms == 0)
		dial->options.attempt_ms = DIAL_ATTEMPT_MS;
	if (dial->options.all_ms == 0)
		dial->options.all_ms = DIAL_ALL_MS;
}

union any_address {
	struct sockaddr common;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

/* Returns the length for bind and connect. */
static socklen_t address_make(const uint8_t address[16], uint16_t port, union any_address *to)
{
	memset(to, 0, sizeof(*to));
	if (dns_address_is_ipv4(address)) {
		to->four.sin_family = AF_INET;
		to->four.sin_port = htons(port);
		memcpy(&to->four.sin_addr, address + IPV4_AT, 4);
		return sizeof(to->four);
	}
	to->six.sin6_family = AF_INET6;
	to->six.sin6_port = htons(port);
	memcpy(&to->six.sin6_addr, address, 16);
	return sizeof(to->six);
}

/* Binds the source address, if one was chosen; the port is chosen when the connection is made. */
static bool source_bind(const struct dial *dial, int fd)
{
	bool is_four = dns_address_is_ipv4(dial_target(dial)->address);
	const uint8_t *source = is_four ? dial->options.source_ipv4 : dial->options.source_ipv6;
	union any_address address;
	int on = 1;

	if (source == NULL)
		return true;
	socklen_t len = address_make(source, 0, &address);
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	return bind(fd, &address.common, len) == 0;
}

/* Begins to connect; false with errno when that cannot even begin. */
static bool attempt_begin(struct dial *dial)
{
	const struct dial_target *target = dial_target(dial);
	union any_address address;
	socklen_t len = address_make(target->address, target->port, &address);
	int on = 1;

	dial->fd = socket(address.common.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (dial->fd < 0 || !source_bind(dial, dial->fd))
		return false;
	(void)setsockopt(dial->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return connect(dial->fd, &address.common, len) == 0 || errno == EINPROGRESS;
}

/* The address has failed: tells why, and turns to the next. */
static void attempt_fail(struct dial *dial, struct task *task, const char *reason)
{
	if (dial->why.len > 0)
		buf_append_c(&dial->why, "; ");
	dns_address_append(&dial->why, dial_target(dial)->address);
	buf_printf(&dial->why, ": %s", reason);
	/* Out of the waiter's hands before the number can be somebody else's. */
	task_fd_set(task, -1);
	fd_close(&dial->fd);
	dial->at++;
}

/* How the attempt stands: 0 connected, EINPROGRESS, or the error. */
static int attempt_look(const struct dial *dial)
{
	struct pollfd ready = {.fd = dial->fd, .events = POLLOUT};
	int error = 0;
	socklen_t len = sizeof(error);

	if (poll(&ready, 1, 0) == 0)
		return EINPROGRESS;
	if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return errno;
	return error;
}

static void attempt_start(struct dial *dial, struct task *task, int64_t now_ms)
{
	if (!attempt_begin(dial)) {
		attempt_fail(dial, task, strerror(errno));
		return;
	}
	task_fd_set(task, dial->fd);
	dial->attempt_deadline_ms = now_ms + dial->options.attempt_ms;
	if (dial->attempt_deadline_ms > dial->deadline_ms)
		dial->attempt_deadline_ms = dial->deadline_ms;
	task->deadline_ms = dial->attempt_deadline_ms;
}

enum dial_result dial_step(struct dial *dial, struct task *task)
{
	int64_t now = clock_mono_ms();

	if (dial->deadline_ms == 0)
		dial->deadline_ms = now + dial->options.all_ms;
	while (dial->at < dial->options.target_count && (dial->fd >= 0 || now < dial->deadline_ms)) {
		if (dial->fd < 0) {
			attempt_start(dial, task, now);
			continue;
		}
		int error = attempt_look(dial);
		if (error == 0)
			return DIAL_CONNECTED;
		if (error != EINPROGRESS)
			attempt_fail(dial, task, strerror(error));
		else if (now >= dial->attempt_deadline_ms)
			attempt_fail(dial, task, "no answer in time");
		else
			return DIAL_WAIT;
	}
	if (dial->at < dial->options.target_count && !dial->is_late) {
		dial->is_late = true;
		buf_printf(&dial->why, "%sno time was left for %zu more",
			   dial->why.len == 0 ? "" : "; ", dial->options.target_count - dial->at);
	}
	return DIAL_FAILED;
}

int dial_take(struct dial *dial)
{
	int fd = dial->fd;

	CHECK(fd >= 0);
	dial->fd = -1;
	return fd;
}

void dial_done(struct dial *dial)
{
	fd_close(&dial->fd);
	buf_done(&dial->why);
}
