/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "proto/dns.h"

enum { WHY_MAX = 1024, IPV4_AT = 12 };

/* RFC 8305 section 4: the families by turns, beginning with that of the first. */
static void order_make(struct dial *dial)
{
	const struct dial_options *options = &dial->options;
	size_t at[2] = {0, 0}; /* the next of either family, IPv4 being the second */
	size_t turn = options->target_count > 0 &&
		      dns_address_is_ipv4(options->targets[0].address);

	for (size_t placed = 0; placed < options->target_count;) {
		while (at[turn] < options->target_count &&
		       dns_address_is_ipv4(options->targets[at[turn]].address) != (turn == 1))
			at[turn]++;
		if (at[turn] < options->target_count)
			dial->order[placed++] = (uint8_t)at[turn]++;
		turn = 1 - turn;
	}
}

void dial_init(struct dial *dial, const struct dial_options *options)
{
	CHECK(options->target_count <= DIAL_TARGETS_MAX);
	*dial = (struct dial){.options = *options,
			      .at = options->target_count,
			      .epoll_fd = -1,
			      .timer_fd = -1,
			      .fd = -1,
			      .why = BUF_INIT(WHY_MAX)};
	if (dial->options.attempt_ms == 0)
		dial->options.attempt_ms = DIAL_ATTEMPT_MS;
	if (dial->options.stagger_ms == 0)
		dial->options.stagger_ms = DIAL_STAGGER_MS;
	if (dial->options.all_ms == 0)
		dial->options.all_ms = DIAL_ALL_MS;
	order_make(dial);
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

static const struct dial_target *target_of(const struct dial *dial,
					   const struct dial_attempt *attempt)
{
	return &dial->options.targets[attempt->target];
}

/* Binds the source address, if one was chosen; the port is chosen when the connection is made. */
static bool source_bind(const struct dial *dial, const struct dial_attempt *attempt)
{
	bool is_four = dns_address_is_ipv4(target_of(dial, attempt)->address);
	const uint8_t *source = is_four ? dial->options.source_ipv4 : dial->options.source_ipv6;
	union any_address address;
	int on = 1;

	if (source == NULL)
		return true;
	socklen_t len = address_make(source, 0, &address);
	(void)setsockopt(attempt->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	return bind(attempt->fd, &address.common, len) == 0;
}

/* Begins to connect; false with errno when that cannot even begin. */
static bool attempt_begin(const struct dial *dial, struct dial_attempt *attempt)
{
	const struct dial_target *target = target_of(dial, attempt);
	struct epoll_event ready = {.events = EPOLLOUT};
	union any_address address;
	socklen_t len = address_make(target->address, target->port, &address);
	int on = 1;

	attempt->fd = socket(address.common.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (attempt->fd < 0 || !source_bind(dial, attempt))
		return false;
	(void)setsockopt(attempt->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(attempt->fd, &address.common, len) != 0 && errno != EINPROGRESS)
		return false;
	return epoll_ctl(dial->epoll_fd, EPOLL_CTL_ADD, attempt->fd, &ready) == 0;
}

/* The address has failed: tells why; the next is tried without a pause. */
static void attempt_fail(struct dial *dial, struct dial_attempt *attempt, const char *reason)
{
	if (dial->why.len > 0)
		buf_append_c(&dial->why, "; ");
	dns_address_append(&dial->why, target_of(dial, attempt)->address);
	buf_printf(&dial->why, ": %s", reason);
	fd_close(&attempt->fd);
	*attempt = dial->attempts[--dial->attempt_count];
	dial->next_start_ms = 0;
}

/* How the attempt stands: 0 connected, EINPROGRESS, or the error. */
static int attempt_look(const struct dial_attempt *attempt)
{
	struct pollfd ready = {.fd = attempt->fd, .events = POLLOUT};
	int error = 0;
	socklen_t len = sizeof(error);

	if (poll(&ready, 1, 0) == 0)
		return EINPROGRESS;
	if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return errno;
	return error;
}

static void attempt_start(struct dial *dial, int64_t now_ms)
{
	struct dial_attempt *attempt = &dial->attempts[dial->attempt_count++];

	*attempt = (struct dial_attempt){.fd = -1,
					 .target = dial->order[dial->started++],
					 .deadline_ms = now_ms + dial->options.attempt_ms};
	if (attempt->deadline_ms > dial->deadline_ms)
		attempt->deadline_ms = dial->deadline_ms;
	dial->next_start_ms = now_ms + dial->options.stagger_ms;
	if (!attempt_begin(dial, attempt))
		attempt_fail(dial, attempt, strerror(errno));
}

/* Looks at those under way, the oldest first; the one that is connected, or NULL. */
static struct dial_attempt *attempts_look(struct dial *dial, int64_t now_ms)
{
	for (size_t i = 0; i < dial->attempt_count;) {
		struct dial_attempt *attempt = &dial->attempts[i];
		int error = attempt_look(attempt);
		if (error == 0)
			return attempt;
		if (error != EINPROGRESS)
			attempt_fail(dial, attempt, strerror(error));
		else if (now_ms >= attempt->deadline_ms)
			attempt_fail(dial, attempt, "no answer in time");
		else
			i++;
	}
	return NULL;
}

static bool may_start(const struct dial *dial, int64_t now_ms)
{
	return dial->started < dial->options.target_count && now_ms < dial->deadline_ms &&
	       dial->attempt_count < DIAL_PARALLEL && now_ms >= dial->next_start_ms;
}

/* When the attempts under way are given up. */
static int64_t deadline_of(const struct dial *dial)
{
	int64_t deadline_ms = dial->deadline_ms;

	for (size_t i = 0; i < dial->attempt_count; i++)
		if (dial->attempts[i].deadline_ms < deadline_ms)
			deadline_ms = dial->attempts[i].deadline_ms;
	return deadline_ms;
}

/* The waiter's deadlines are too coarse for the pause before the next attempt. */
static void timer_set(const struct dial *dial, int64_t now_ms)
{
	bool has_next = dial->started < dial->options.target_count &&
			dial->attempt_count < DIAL_PARALLEL;
	int64_t pause_ms = dial->next_start_ms > now_ms ? dial->next_start_ms - now_ms : 1;
	struct itimerspec in = {.it_value = {.tv_sec = 0}};

	if (dial->timer_fd < 0)
		return;
	if (has_next)
		in.it_value = (struct timespec){.tv_sec = pause_ms / 1000,
						.tv_nsec = pause_ms % 1000 * 1000000L};
	CHECK(timerfd_settime(dial->timer_fd, 0, &in, NULL) == 0);
}

static void rest_close(struct dial *dial)
{
	while (dial->attempt_count > 0)
		fd_close(&dial->attempts[--dial->attempt_count].fd);
	fd_close(&dial->timer_fd);
	fd_close(&dial->epoll_fd);
}

/* The first that is connected is taken, and the others are let go. */
static void attempt_take(struct dial *dial, struct task *task, struct dial_attempt *attempt)
{
	dial->fd = attempt->fd;
	dial->at = attempt->target;
	attempt->fd = -1;
	/* Out of the waiter's hands before the number can be somebody else's. */
	task_fd_set(task, dial->fd);
	rest_close(dial);
}

static void late_tell(struct dial *dial)
{
	if (dial->started == dial->options.target_count || dial->is_late)
		return;
	dial->is_late = true;
	buf_printf(&dial->why, "%sno time was left for %zu more", dial->why.len == 0 ? "" : "; ",
		   dial->options.target_count - dial->started);
}

/* What the task waits for; the timer where there is more than one address. */
static bool descriptors_open(struct dial *dial)
{
	struct epoll_event ready = {.events = EPOLLIN};

	dial->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (dial->epoll_fd < 0 || dial->options.target_count < 2)
		return dial->epoll_fd >= 0;
	dial->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	return dial->timer_fd >= 0 &&
	       epoll_ctl(dial->epoll_fd, EPOLL_CTL_ADD, dial->timer_fd, &ready) == 0;
}

static bool begin(struct dial *dial, struct task *task, int64_t now_ms)
{
	if (dial->epoll_fd >= 0)
		return true;
	dial->deadline_ms = now_ms + dial->options.all_ms;
	if (!descriptors_open(dial)) {
		buf_printf(&dial->why, "cannot connect: %s", strerror(errno));
		rest_close(dial);
		return false;
	}
	task_fd_set(task, dial->epoll_fd);
	return true;
}

static enum dial_result failed(struct dial *dial, struct task *task)
{
	late_tell(dial);
	task_fd_set(task, -1);
	rest_close(dial);
	return DIAL_FAILED;
}

enum dial_result dial_step(struct dial *dial, struct task *task)
{
	int64_t now = clock_mono_ms();

	if (!begin(dial, task, now))
		return DIAL_FAILED;
	for (;;) {
		struct dial_attempt *attempt = attempts_look(dial, now);
		if (attempt != NULL) {
			attempt_take(dial, task, attempt);
			return DIAL_CONNECTED;
		}
		if (may_start(dial, now))
			attempt_start(dial, now);
		else if (dial->attempt_count == 0)
			return failed(dial, task);
		else
			break;
	}
	timer_set(dial, now);
	task->deadline_ms = deadline_of(dial);
	return DIAL_WAIT_INPUT;
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
	rest_close(dial);
	fd_close(&dial->fd);
	buf_done(&dial->why);
}
