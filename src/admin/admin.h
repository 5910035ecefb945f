/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin role: the API of the administration page.
 *
 * A front hands a request over (api_asked); here is decided who asks and whether he may
 * (admin/guard.h, the sessions of the auth role), and the command that the route names
 * (admin/route.h) is carried out in a process of its own (admin/errand.h). One thread, one loop. How many
 * commands run, and whose is next, is admin/turns.h's; logins are bounded by address.
 *
 * A command of a route that may be followed tells how far it is; to a client that accepts events its
 * records go as such, the newest when the one before was taken, and then the answer. The command waits
 * for nobody. A body that is no JSON is asked for only when everything else about the request is in
 * order, goes into a file of the parent's, and the command begins when it is whole. A client that
 * goes ends what it wanted to read; a change that was begun goes on.
 */
#ifndef POSTERN_ADMIN_ADMIN_H
#define POSTERN_ADMIN_ADMIN_H

#include "admin/samples.h"
#include "ipc/client.h"
#include "ipc/server.h"

/* Logins that are checked at the same time, in all and from one address. */
enum { ADMIN_LOGINS_MAX = 128, ADMIN_LOGINS_ADDRESS_MAX = 16 };

/* Uploads that are on their way at the same time: each may take disk space without being of use yet. */
enum { ADMIN_UPLOADS_MAX = 2 };

struct admin;

struct admin_options {
	int parent_fd;
	struct log *log;
	struct connector *connector; /* to auth */
	/* A control channel in somebody's name: BUSY, INVALID, UNAVAILABLE. Blocks shortly. */
	enum fault (*control)(void *context, struct str author, struct str address, int *fd_out);
	/* A file for an upload: TOO_LARGE, above *limit_out; NO_SPACE, UNAVAILABLE. Blocks shortly. */
	enum fault (*upload)(void *context, uint64_t bytes, uint64_t *limit_out, int *fd_out);
	void *context;
	/* See admin/errand.h; may be NULL. */
	bool (*confine)(void);
	/* The counters as they stand; NULL: none are kept. */
	void (*sample)(void *context, struct sample_counters *counters_out);
	const char *samples; /* where they are kept */
	const char *home; /* as the commands are to see it */
};

/* Borrows all that the options name. */
struct admin *admin_new(const struct admin_options *options);

/* Runs until the parent closes its channel. */
void admin_run(struct admin *admin);

/* Ends commands that still run. */
void admin_free(struct admin **admin);

#endif
