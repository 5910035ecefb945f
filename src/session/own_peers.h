/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses and ports that the server itself connects from when it shakes hands
 * with itself: sessions of these peers are neither limited, counted nor logged.
 *
 * In memory that all processes share; the parent alone writes, before it connects.
 */
#ifndef POSTERN_SESSION_OWN_PEERS_H
#define POSTERN_SESSION_OWN_PEERS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OWN_PEERS_MAX = 256 };

struct own_peer {
	uint32_t is_set; /* atomic; written last */
	uint16_t port;	 /* network order */
	uint8_t address[16];
};

struct own_peers {
	uint32_t count; /* atomic: how many places may be set */
	struct own_peer items[OWN_PEERS_MAX];
};

/* For the parent: IPv4 in mapped form. False when all places are taken. */
bool own_peers_add(struct own_peers *peers, const struct sockaddr_in6 *peer);
void own_peers_clear(struct own_peers *peers);

/* Any thread of any process. */
bool own_peers_has(const struct own_peers *peers, const struct sockaddr_in6 *peer);

#endif
