/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"

enum { BACKLOG = 1024, UNSENT_BYTES = 256 * 1024 };

void listener_append_address(struct buf *to, const struct listener *listener)
{
	char text[INET6_ADDRSTRLEN];

	if (listener->address.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&listener->address;
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		buf_printf(to, "%s:%u", text, ntohs(in->sin_port));
	} else {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&listener->address;
		inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof(text));
		buf_printf(to, "[%s]:%u", text, ntohs(in->sin6_port));
	}
}

static bool address_parse_numeric(struct str text, uint16_t port, struct listener *listener)
{
	char terminated[INET6_ADDRSTRLEN];
	struct sockaddr_in *four = (struct sockaddr_in *)&listener->address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&listener->address;

	if (!str_copy_c(text, terminated, sizeof(terminated)))
		return false;
	memset(&listener->address, 0, sizeof(listener->address));
	if (inet_pton(AF_INET, terminated, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		listener->address_len = sizeof(*four);
		return true;
	}
	if (inet_pton(AF_INET6, terminated, &six->sin6_addr) != 1)
		return false;
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(port);
	listener->address_len = sizeof(*six);
	return true;
}

/* An IPv6 socket for "::" takes IPv4 too, unless `is_v6_only`. */
static int socket_listen(const struct listener *listener, bool is_v6_only)
{
	int on = 1;
	int unsent = UNSENT_BYTES;
	int v6_only = is_v6_only;
	CLEANUP_FD int fd = socket(listener->address.ss_family,
				   SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (listener->address.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only));
	/* Connections inherit it: what a peer does not read stays with us and not in the kernel's memory. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
	if (bind(fd, (const struct sockaddr *)&listener->address, listener->address_len) != 0 ||
	    listen(fd, BACKLOG) != 0)
		return -1;
	int taken = fd;
	fd = -1;
	return taken;
}

static int present_take(const struct listeners *present, const struct listener *wanted,
			uint32_t *number_out)
{
	for (size_t i = 0; i < present->count; i++) {
		const struct listener *have = &present->items[i];
		if (have->service == wanted->service &&
		    have->address_len == wanted->address_len &&
		    memcmp(&have->address, &wanted->address, wanted->address_len) == 0) {
			*number_out = have->number;
			return fcntl(have->fd, F_DUPFD_CLOEXEC, 0);
		}
	}
	return -1;
}

static enum fault bind_explain(const struct listener *listener, int error, struct buf *why)
{
	buf_printf(why, "%s cannot listen on ", service_name(listener->service));
	listener_append_address(why, listener);
	if (error == EADDRINUSE) {
		buf_append_c(why, ": another program listens there; stop it, or give the service"
				  " another Port in mailserver.cfg");
		return FAULT_EXISTS;
	}
	if (error == EACCES) {
		buf_append_c(why, ": ports below 1024 need root; start as root, or use"
				  " the ports above 1024");
		return FAULT_DENIED;
	}
	if (error == EADDRNOTAVAIL) {
		buf_append_c(why, ": this machine does not have that address; correct Addresses in"
				  " mailserver.cfg");
		return FAULT_INVALID;
	}
	buf_printf(why, ": %s", strerror(error));
	return FAULT_IO;
}

struct binding {
	struct listeners *next;
	const struct listeners *present;
	uint32_t *next_number;
	struct buf *why;
};

static enum fault listener_add(struct binding *binding, enum service_id service,
			       struct str address, uint16_t port, bool is_v6_only)
{
	struct listeners *next = binding->next;
	struct listener *listener = &next->items[next->count];

	if (next->count == LISTENERS_MAX) {
		buf_printf(binding->why, "more than %d addresses to listen on", LISTENERS_MAX);
		return FAULT_TOO_LARGE;
	}
	listener->service = service;
	if (!address_parse_numeric(address, port, listener)) {
		buf_printf(binding->why, "%s: Addresses: %.*s is not a numeric address",
			   service_name(service), STR_ARG(address));
		return FAULT_INVALID;
	}
	listener->fd = present_take(binding->present, listener, &listener->number);
	if (listener->fd < 0) {
		listener->fd = socket_listen(listener, is_v6_only);
		if (listener->fd < 0)
			return bind_explain(listener, errno, binding->why);
		listener->number = (*binding->next_number)++;
	}
	next->count++;
	return FAULT_NONE;
}

/* All addresses: one socket for both families, or IPv4 alone where the kernel has no IPv6. */
static enum fault listener_add_any(struct binding *binding, const struct service_config *service)
{
	CLEANUP_FD int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return listener_add(binding, service->id, probe >= 0 ? STR("::") : STR("0.0.0.0"),
			    service->port, false);
}

static enum fault service_bind(struct binding *binding, const struct service_config *service)
{
	enum fault fault = FAULT_NONE;

	if (service->address_count == 0)
		return listener_add_any(binding, service);
	for (size_t i = 0; i < service->address_count && fault == FAULT_NONE; i++)
		fault = listener_add(binding, service->id, service->addresses[i], service->port,
				     true);
	return fault;
}

enum fault listeners_bind(struct listeners *next, const struct config *config,
			  const struct listeners *present, uint32_t *next_number, struct buf *why)
{
	struct binding binding = {next, present, next_number, why};
	enum fault fault = FAULT_NONE;

	next->count = 0;
	for (size_t i = 0; i < SERVICE_COUNT && fault == FAULT_NONE; i++)
		if (config->services[i].enabled)
			fault = service_bind(&binding, &config->services[i]);
	if (fault != FAULT_NONE)
		listeners_close(next);
	return fault;
}

void listeners_close(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++)
		fd_close(&listeners->items[i].fd);
	listeners->count = 0;
}
