/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store in a temporary folder, with its role in a thread of the test and a
 * handle that reads the same index.
 */
#ifndef POSTERN_TESTS_STORE_FIXTURE_H
#define POSTERN_TESTS_STORE_FIXTURE_H

#include <pthread.h>

#include "store/service.h"
#include "store/store.h"

struct fixture {
	char folder[64];
	struct store_service_options options;
	struct store_service *service;
	struct log log;
	struct role_server server;
	pthread_t loop;
	struct channel parent; /* the parent's end */
	struct connector connector;
	struct role_client client;
	struct store *store;
};

/* Makes the folder and starts; `options` may be NULL (its path is ignored). */
void fixture_start(struct fixture *fixture, const struct store_service_options *options);

/* Ends role and handle and starts them again on the same folder. */
void fixture_restart(struct fixture *fixture);

/* Ends; the folder stays until fixture_remove. */
void fixture_stop(struct fixture *fixture);
void fixture_remove(struct fixture *fixture);

/* Adds a domain and a user; gives the account. */
uint64_t fixture_user(struct fixture *fixture, const char *address, uint64_t quota_bytes);

/* The number of a mailbox of the account. */
uint32_t fixture_mailbox(struct fixture *fixture, uint64_t account, const char *name);

/* Appends a body to a mailbox; gives the UID. Fails the test on a fault. */
uint32_t fixture_append(struct fixture *fixture, uint64_t account, uint32_t mailbox,
			const char *body, uint32_t flags);

#endif
