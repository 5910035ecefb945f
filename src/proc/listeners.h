/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listening sockets of a configuration, bound by the parent and handed to
 * the fronts. A socket that stays the same in the next configuration is kept:
 * nobody who is just connecting is dropped.
 */
#ifndef POSTERN_PROC_LISTENERS_H
#define POSTERN_PROC_LISTENERS_H

#include <netinet/in.h>

#include "config/config.h"

struct listener {
	uint32_t number; /* never used again */
	enum service_id service;
	struct sockaddr_storage address;
	socklen_t address_len;
	int fd;
};

enum { LISTENERS_MAX = 256 };

struct listeners {
	size_t count;
	struct listener items[LISTENERS_MAX];
};

/*
 * Binds what `config` asks for into `next`, taking duplicates of `present`'s
 * sockets where they fit. On a fault `why` says service, address, reason and
 * cure, and `next` is empty. FAULT_DENIED, FAULT_EXISTS (occupied), FAULT_INVALID, FAULT_IO.
 */
must_check enum fault listeners_bind(struct listeners *next, const struct config *config,
				     const struct listeners *present, uint32_t *next_number,
				     struct buf *why);
void listeners_close(struct listeners *listeners);

/* Appends "127.0.0.1:2525", "[::]:25". */
void listener_append_address(struct buf *to, const struct listener *listener);

#endif
