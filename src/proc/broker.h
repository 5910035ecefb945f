/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A front's or mailq's way to channels: it asks the parent, who makes them.
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
void broker_done(struct broker *broker);

#endif
