/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses of a host for a thread that may block: A and AAAA records, asked by
 * the resolver of the role.
 */
#ifndef POSTERN_MAILQ_HOST_ADDRESSES_H
#define POSTERN_MAILQ_HOST_ADDRESSES_H

#include "net/resolver.h"

/*
 * Appends them in numbers, separated by commas, IPv4 first. UNAVAILABLE, with the
 * reason in `why`, when there is none. Blocks until the answers are there, their time
 * is over, or `is_ending` says so; never in the waiter's thread.
 */
must_check enum fault host_addresses_wait(struct resolver *resolver, struct str host,
					  bool (*is_ending)(void *context), void *context,
					  struct buf *addresses, struct buf *why);

#endif
