/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A role's way to channels: it asks the parent, who makes them.
 */
#ifndef POSTERN_PROC_BROKER_H
#define POSTERN_PROC_BROKER_H

#include <pthread.h>

#include "ipc/client.h"

struct broker {
	struct connector connector;
	struct channel channel;
	pthread_mutex_t lock; /* one question at a time */
};

/* Speaks over ROLE_FD_BROKER. */
void broker_init(struct broker *broker, enum role self);
/*
 * A control channel for a command that `author` gave on the page from `address`; for the admin role.
 * BUSY, INVALID. Blocks shortly.
 */
must_check enum fault broker_control(struct broker *broker, struct str author, struct str address,
				     int *fd_out);
/*
 * A file for `bytes` that somebody sends to the page: TOO_LARGE, above `*limit_out`; NO_SPACE. Blocks
 * shortly.
 */
must_check enum fault broker_upload(struct broker *broker, uint64_t bytes, uint64_t *limit_out,
				    int *fd_out);
void broker_done(struct broker *broker);

#endif
