/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock: a process takes away its own access to files and sockets.
 *
 * By raw system calls and numbers of our own, since the C library has none and
 * the kernel's header is as old as the distribution.
 */
#ifndef POSTERN_PROC_LANDLOCK_H
#define POSTERN_PROC_LANDLOCK_H

#include <stddef.h>

#include "base/fault.h"

enum landlock_access {
	LANDLOCK_READ,	/* files and folders below */
	LANDLOCK_UPDATE, /* and write to files that exist */
	LANDLOCK_ALL,	/* and make, rename and remove them */
};

enum landlock_network {
	LANDLOCK_NO_NETWORK, /* neither connect nor bind TCP sockets */
	LANDLOCK_CONNECT,    /* connect to anybody, bind no port of its choice */
};

struct landlock_path {
	const char *path; /* a folder or a file; one that is missing is passed over */
	enum landlock_access access;
};

/* The version of the interface that this kernel has; 0: none. */
int landlock_version(void);

/*
 * Restricts the calling thread to the paths, in the network as said (version 4),
 * and away from abstract sockets and signals to processes outside (6).
 * no_new_privs must be set. UNSUPPORTED where the kernel has none; IO.
 */
must_check enum fault landlock_restrict(const struct landlock_path *paths, size_t count,
					enum landlock_network network);

#endif
