/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/own.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"

enum { IPV4_AT = 12 };

void own_init(struct own *own, const struct config *config, uint16_t port)
{
	char machine[DNS_NAME_MAX + 1] = "";
	struct str name = config->server.hostname;

	*own = (struct own){.smtp = &config->services[SERVICE_SMTP], .port = port};
	if (str_is_empty(name) && gethostname(machine, sizeof(machine) - 1) == 0)
		name = str_from_c(machine);
	(void)!dns_name_parse(name, &own->hostname);
}

bool own_name_check(const void *own, struct str name)
{
	const struct own *self = own;

	return self->hostname.len > 0 && str_equals(name, dns_name_str(&self->hostname));
}

/*
 * True for an address of this machine: one that a socket can be bound to. A list of
 * its addresses would take a kind of sockets that the role does not have.
 */
static bool is_of_machine(const uint8_t address[16])
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET};
	bool is_four = dns_address_is_ipv4(address);
	CLEANUP_FD int fd = socket(is_four ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	memcpy(&six.sin6_addr, address, 16);
	memcpy(&four.sin_addr, address + IPV4_AT, 4);
	return is_four ? bind(fd, (struct sockaddr *)&four, sizeof(four)) == 0
		       : bind(fd, (struct sockaddr *)&six, sizeof(six)) == 0;
}

/* "::" or "0.0.0.0": every address. */
static bool is_unspecified(const uint8_t address[16])
{
	static const uint8_t zero[16];

	return dns_address_is_ipv4(address) ? memcmp(address + IPV4_AT, zero, 4) == 0
					    : memcmp(address, zero, 16) == 0;
}

bool own_address_check(const void *own, const uint8_t address[16])
{
	const struct own *self = own;
	struct network listening;

	if (!self->smtp->enabled || self->smtp->port != self->port)
		return false;
	if (self->smtp->address_count == 0)
		return is_of_machine(address);
	for (size_t i = 0; i < self->smtp->address_count; i++)
		if (network_parse(self->smtp->addresses[i], &listening) &&
		    (network_has(&listening, address) ||
		     (is_unspecified(listening.address) && is_of_machine(address))))
			return true;
	return false;
}
