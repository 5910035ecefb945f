/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From which of the machine's addresses mail is sent, and fetched: Queue/SourceAddresses.
 */
#ifndef POSTERN_DELIVER_SOURCE_H
#define POSTERN_DELIVER_SOURCE_H

#include "config/config.h"
#include "net/dial.h"

struct source {
	uint8_t ipv4[16]; /* IPv6-mapped */
	uint8_t ipv6[16];
	bool has_ipv4;
	bool has_ipv6;
};

void source_init(struct source *source, const struct config *config);

/* Has the connection come from there; the options borrow the source. */
void source_apply(const struct source *source, struct dial_options *options);

#endif
