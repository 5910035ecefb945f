/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/port_checks.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "proc/json.h"
#include "proc/parent.h"
#include "proc/self_check.h"
#include "session/metrics.h"

enum { PORTS_MAX = OWN_PEERS_MAX / SELF_CHECK_SOCKETS, UNREACHED_MAX = 8 * 1024 };

void port_checks_done(struct port_checks *checks)
{
	if (checks->shared != NULL)
		munmap(checks->shared, sizeof(*checks->shared));
	free(checks->differences);
	free(checks->unreached);
	buf_done(&checks->own_unreached);
	*checks = (struct port_checks){0};
}

static bool shared_map(struct parent *parent)
{
	struct port_checks *checks = &parent->port_checks;

	if (checks->shared != NULL)
		return true;
	void *shared = mmap(NULL, sizeof(*checks->shared), PROT_READ | PROT_WRITE, MAP_SHARED,
			    parent->metrics_fd, 0);
	if (shared == MAP_FAILED)
		return false;
	checks->shared = shared;
	return true;
}

/* ---- connecting ---- */

static bool is_any(const struct listener *listener)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)&listener->address;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&listener->address;

	return listener->address.ss_family == AF_INET ? four->sin_addr.s_addr == INADDR_ANY
						      : IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr);
}

/* Where to connect to: the listener's own address, or for all addresses the machine's IPv4 loopback. */
static struct listener target_of(const struct listener *listener)
{
	struct listener target = *listener;

	if (!is_any(listener))
		return target;
	/* The port stands at the same place in both. */
	in_port_t port = ((const struct sockaddr_in *)&listener->address)->sin_port;
	target.address = (struct sockaddr_storage){0};
	*(struct sockaddr_in *)&target.address = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	target.address_len = sizeof(struct sockaddr_in);
	return target;
}

static struct sockaddr_in6 mapped(const struct sockaddr_storage *address)
{
	struct sockaddr_in6 six;

	if (address->ss_family == AF_INET6) {
		memcpy(&six, address, sizeof(six));
		return six;
	}
	struct sockaddr_in four;
	memcpy(&four, address, sizeof(four));
	six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = four.sin_port};
	six.sin6_addr.s6_addr[10] = six.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&six.sin6_addr.s6_addr[12], &four.sin_addr, 4);
	return six;
}

/* Binds to the target's own address at any port, and notes it as ours before anybody can see it. */
static bool source_bind(struct parent *parent, const struct listener *target, int fd)
{
	struct sockaddr_storage source = target->address;
	socklen_t len = target->address_len;

	((struct sockaddr_in *)&source)->sin_port = 0;
	if (bind(fd, (struct sockaddr *)&source, len) != 0)
		return false;
	len = sizeof(source);
	if (getsockname(fd, (struct sockaddr *)&source, &len) != 0)
		return false;
	struct sockaddr_in6 own = mapped(&source);
	return own_peers_add(&parent->port_checks.shared->own_peers, &own);
}

/* A socket on its way to the port; -1 with errno. */
static int port_connect(struct parent *parent, const struct listener *target)
{
	const struct linger at_once = {.l_onoff = 1};
	CLEANUP_FD int fd = socket(target->address.ss_family,
				   SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || !source_bind(parent, target, fd))
		return -1;
	/* Many of these would stand in TIME_WAIT after each reload. */
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	if (connect(fd, (const struct sockaddr *)&target->address, target->address_len) != 0 &&
	    errno != EINPROGRESS)
		return -1;
	int taken = fd;
	fd = -1;
	return taken;
}

/* The address in mapped form, as the rows of TlsPolicy are looked up by. */
static enum fault socket_give(struct parent *parent, struct child *front, const struct listener *target,
			      struct str place, int fd)
{
	struct sockaddr_in6 address = mapped(&target->address);
	struct msg_port_check_given given = {.generation = parent->generation,
					     .service = target->service,
					     .place = place,
					     .address = str_make(&address.sin6_addr, 16),
					     .fd = fd};

	return child_send(front, MSG_port_check_given, 0, &given);
}

static void listener_check(struct parent *parent, struct child *front,
			   const struct listener *listener)
{
	struct listener target = target_of(listener);
	struct buf place = BUF_INIT(128);

	buf_printf(&place, "%s ", service_name(listener->service));
	listener_append_address(&place, &target);
	for (int i = 0; i < SELF_CHECK_SOCKETS; i++) {
		CLEANUP_FD int fd = port_connect(parent, &target);
		if (fd < 0) {
			buf_printf(&parent->port_checks.own_unreached, "%.*s: %s\n",
				   STR_ARG(buf_str(&place)), strerror(errno));
			break;
		}
		if (socket_give(parent, front, &target, buf_str(&place), fd) != FAULT_NONE)
			break;
	}
	buf_done(&place);
}

/*
 * How many ports are checked. Each socket takes two descriptors of the front, which
 * are its peers' first of all: where the system grants few, so few are taken.
 */
static size_t ports_affordable(struct parent *parent)
{
	enum { PART = 8 };
	struct rlimit limit;
	size_t most = PORTS_MAX;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / PART < 2 * OWN_PEERS_MAX)
		most = (size_t)limit.rlim_cur / PART / (2 * SELF_CHECK_SOCKETS);
	if (most < parent->listeners.count && most < PORTS_MAX)
		buf_printf(&parent->port_checks.own_unreached,
			   "%zu further ports: the system grants this process %llu open files only\n",
			   parent->listeners.count - most, (unsigned long long)limit.rlim_cur);
	return most;
}

void port_checks_begin(struct parent *parent)
{
	struct port_checks *checks = &parent->port_checks;
	struct child *front = role_find(parent, ROLE_FRONT);
	struct msg_port_check_given last = {
		.generation = parent->generation, .is_last = 1, .fd = -1};

	if (front == NULL || front->state != CHILD_READY || parent->is_stopping ||
	    !shared_map(parent))
		return;
	own_peers_clear(&checks->shared->own_peers);
	buf_done(&checks->own_unreached);
	checks->own_unreached = BUF_INIT(UNREACHED_MAX);
	size_t most = ports_affordable(parent);
	for (size_t i = 0; i < parent->listeners.count && i < most; i++) {
		const struct listener *listener = &parent->listeners.items[i];
		if (parent->config->services[listener->service].tls != SERVICE_TLS_NONE)
			listener_check(parent, front, listener);
	}
	if (child_send(front, MSG_port_check_given, 0, &last) == FAULT_NONE)
		checks->begun = parent->generation;
}

/* ---- what came of it ---- */

static void lines_log(struct parent *parent, enum log_file file, struct str lines, const char *end)
{
	while (!str_is_empty(lines)) {
		struct str line = str_cut(&lines, '\n');
		if (line.len > 0)
			log_printf(&parent->logs.log, file, "self-check: %.*s; %s", STR_ARG(line),
				   end);
	}
}

static char *lines_keep(struct str lines)
{
	return str_is_empty(lines) ? NULL : str_dup_c(lines);
}

void port_checks_take(struct parent *parent, const struct msg_ports_checked *answer)
{
	struct port_checks *checks = &parent->port_checks;

	/* What other fronts had in force meanwhile is not known; the next check is on its way. */
	if (answer->generation != parent->generation || checks->begun != answer->generation)
		return;
	checks->begun = 0;
	own_peers_clear(&checks->shared->own_peers);
	buf_append_str(&checks->own_unreached, answer->unreached);
	free(checks->differences);
	free(checks->unreached);
	checks->differences = lines_keep(answer->differences);
	checks->unreached = lines_keep(buf_str(&checks->own_unreached));
	checks->generation = answer->generation;
	checks->handshakes = answer->handshakes;
	lines_log(parent, LOG_ERROR, answer->differences,
		  "what the port shows is not what mailserver.cfg says");
	lines_log(parent, LOG_WARNING, buf_str(&checks->own_unreached),
		  "what peers see of this port was not checked");
	if (!str_is_empty(answer->differences))
		change_record_self_check(parent, str_trim(answer->differences));
}

bool port_checks_are_running(const struct parent *parent)
{
	return parent->port_checks.generation != parent->generation;
}

static void append_lines(struct buf *json, const char *lines)
{
	size_t count = 0;

	for (struct str rest = str_from_c(lines); !str_is_empty(rest);) {
		struct str line = str_cut(&rest, '\n');
		if (line.len == 0)
			continue;
		buf_append_c(json, count++ == 0 ? "" : ",");
		append_json_string(json, line);
	}
}

void port_checks_append_status(const struct parent *parent, struct buf *json)
{
	const struct port_checks *checks = &parent->port_checks;

	buf_printf(json, ",\"ports\":{\"handshakes\":%u,\"differences\":[", checks->handshakes);
	append_lines(json, checks->differences);
	buf_append_c(json, "],\"unreached\":[");
	append_lines(json, checks->unreached);
	buf_append_c(json, "]}");
}
