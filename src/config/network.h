/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks as mailserver.cfg writes them: an address, with or without a prefix length.
 */
#ifndef POSTERN_CONFIG_NETWORK_H
#define POSTERN_CONFIG_NETWORK_H

#include "base/str.h"

/* IPv4 stands in its IPv6-mapped form, ::ffff:a.b.c.d, with 96 added to the length. */
struct network {
	uint8_t address[16];
	uint8_t prefix_bits;
};

/* Reads "192.0.2.0/24" or "::1"; false when it is none or has bits past the prefix. */
must_check bool network_parse(struct str text, struct network *network_out);

/* True when the address, in network order and IPv6 or IPv6-mapped form, lies within. */
bool network_has(const struct network *network, const uint8_t address[16]);

#endif
