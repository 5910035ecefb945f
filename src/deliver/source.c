/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/source.h"

#include "proto/dns.h"

void source_init(struct source *source, const struct config *config)
{
	const struct config_queue *queue = &config->queue;
	struct network address;

	*source = (struct source){.has_ipv4 = false};
	for (size_t i = 0; i < queue->source_count; i++) {
		if (!network_parse(queue->sources[i], &address))
			continue;
		bool is_four = dns_address_is_ipv4(address.address);
		memcpy(is_four ? source->ipv4 : source->ipv6, address.address, 16);
		*(is_four ? &source->has_ipv4 : &source->has_ipv6) = true;
	}
}

void source_apply(const struct source *source, struct dial_options *options)
{
	options->source_ipv4 = source->has_ipv4 ? source->ipv4 : NULL;
	options->source_ipv6 = source->has_ipv6 ? source->ipv6 : NULL;
}
