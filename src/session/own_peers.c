/* SPDX-License-Identifier: Apache-2.0 */
#include "session/own_peers.h"

#include <string.h>

bool own_peers_add(struct own_peers *peers, const struct sockaddr_in6 *peer)
{
	uint32_t at = peers->count;

	if (at >= OWN_PEERS_MAX)
		return false;
	struct own_peer *own = &peers->items[at];
	own->port = peer->sin6_port;
	memcpy(own->address, &peer->sin6_addr, sizeof(own->address));
	__atomic_store_n(&own->is_set, 1, __ATOMIC_RELEASE);
	__atomic_store_n(&peers->count, at + 1, __ATOMIC_RELEASE);
	return true;
}

void own_peers_clear(struct own_peers *peers)
{
	__atomic_store_n(&peers->count, 0, __ATOMIC_RELEASE);
	for (size_t i = 0; i < OWN_PEERS_MAX; i++)
		__atomic_store_n(&peers->items[i].is_set, 0, __ATOMIC_RELEASE);
}

bool own_peers_has(const struct own_peers *peers, const struct sockaddr_in6 *peer)
{
	uint32_t count = __atomic_load_n(&peers->count, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < count && i < OWN_PEERS_MAX; i++) {
		const struct own_peer *own = &peers->items[i];
		if (__atomic_load_n(&own->is_set, __ATOMIC_ACQUIRE) == 1 &&
		    own->port == peer->sin6_port &&
		    memcmp(own->address, &peer->sin6_addr, sizeof(own->address)) == 0)
			return true;
	}
	return false;
}
