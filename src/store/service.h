/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store role: the only writer of mail, index and directory.
 *
 * proc/store.c, or a command line that works without a server, opens the
 * service, makes a role_server with `store_service_ops` and the service as its
 * role_data, and runs it. Requests are queued; one thread commits all that wait
 * as a group, answers them, and tells the feeds.
 */
#ifndef POSTERN_STORE_SERVICE_H
#define POSTERN_STORE_SERVICE_H

#include "ipc/server.h"

struct store_service;

struct store_service_options {
	const char *path; /* HOME/store */
	size_t readers;	  /* workers of all fronts; the index has slots for 64 more. 0: 1024 */
	/* First size of the index map, which grows: addresses, not disk. 0: 64 GiB */
	size_t map_bytes;
	size_t segment_bytes; /* a segment is full from here on. 0: 64 MiB */
	size_t stage_bytes;   /* larger bodies are written ahead of their group. 0: 1 MiB */
	int housekeeping_ms;  /* how often to look for segments to rewrite. 0: 2000 */
};

/*
 * Takes the lock of the store, makes the store if the folder is empty, and
 * brings it into order after a crash. FAULT_BUSY: another process serves this
 * store. FAULT_VERSION: a newer version made it. FAULT_CORRUPT, FAULT_IO,
 * FAULT_NO_SPACE. Call it after fork and in the process that serves, before the
 * sandbox or with the folder in it. Starts no thread; role_server_run does.
 */
must_check enum fault store_service_open(const struct store_service_options *options,
					 struct store_service **service_out);

/* Commits what waits, answers, closes, gives the lock back. After role_server_done. */
void store_service_close(struct store_service **service);

/*
 * The index, for a reader in the same process, which must not open it a second
 * time (store_new_over in store_internal.h). Borrowed.
 */
struct index;
struct index *store_service_index(struct store_service *service);

extern const struct role_server_ops store_service_ops;

#endif
