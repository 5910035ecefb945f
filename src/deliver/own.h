/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a host that mail would be sent to is this server itself.
 */
#ifndef POSTERN_DELIVER_OWN_H
#define POSTERN_DELIVER_OWN_H

#include "config/config.h"
#include "proto/dns.h"

struct own {
	struct dns_name hostname;
	const struct service_config *smtp; /* borrowed from the configuration */
	uint16_t port;
};

/* Prepares for mail that is sent to `port`; borrows the configuration. */
void own_init(struct own *own, const struct config *config, uint16_t port);

/* True for the server's own name. `own` is a struct own, as route.h wants it. */
bool own_name_check(const void *own, struct str name);

/*
 * True for an address at which the service SMTP of this server takes the
 * connections to that port. Does not block.
 */
bool own_address_check(const void *own, const uint8_t address[16]);

#endif
