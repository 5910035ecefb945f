/* SPDX-License-Identifier: Apache-2.0 */
#include "config/network.h"

#include <arpa/inet.h>

enum { V4_PREFIX = 96, V6_BITS = 128, ADDRESS_TEXT = 64 };

static bool bit_at(const uint8_t address[16], unsigned bit)
{
	return (address[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

/* Reads an address alone; `*first_bit_out` is where a prefix length counts from. */
static bool address_parse(struct str text, uint8_t address_out[16], uint8_t *first_bit_out)
{
	char terminated[ADDRESS_TEXT];
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (!str_copy_c(text, terminated, sizeof(terminated)))
		return false;
	*first_bit_out = 0;
	if (inet_pton(AF_INET6, terminated, address_out) == 1)
		return true;
	memcpy(address_out, mapped, sizeof(mapped));
	*first_bit_out = V4_PREFIX;
	return inet_pton(AF_INET, terminated, address_out + sizeof(mapped)) == 1;
}

bool network_parse(struct str text, struct network *network_out)
{
	struct network network;
	uint8_t first_bit;
	uint64_t prefix;
	struct str rest = text;
	struct str address = str_cut(&rest, '/');

	if (!address_parse(address, network.address, &first_bit))
		return false;
	prefix = V6_BITS - first_bit;
	if (rest.ptr != NULL && !str_parse_u64(rest, V6_BITS - first_bit, &prefix))
		return false;
	network.prefix_bits = (uint8_t)(first_bit + prefix);
	for (unsigned bit = network.prefix_bits; bit < V6_BITS; bit++) {
		if (bit_at(network.address, bit))
			return false;
	}
	*network_out = network;
	return true;
}

bool network_has(const struct network *network, const uint8_t address[16])
{
	for (unsigned bit = 0; bit < network->prefix_bits; bit++) {
		if (bit_at(network->address, bit) != bit_at(address, bit))
			return false;
	}
	return true;
}
