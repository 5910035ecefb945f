/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom the processes that serve become when root started them, and what is
 * theirs in the home directory.
 *
 * The home itself stays root's, passable for the user's group: whoever breaks
 * into a role must not be able to put another mailserver.cfg in its place. The
 * store belongs to the user.
 */
#ifndef POSTERN_BASE_SYSTEM_USER_H
#define POSTERN_BASE_SYSTEM_USER_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/fault.h"

enum { SYSTEM_USER_NAME_MAX = 64 };

struct system_user {
	uid_t uid;
	gid_t gid;
	bool is_self; /* not started by root: nobody else can be become */
	char name[SYSTEM_USER_NAME_MAX];
};

/*
 * Chooses: without root rights whoever runs this; otherwise `configured`
 * (mailserver.cfg, Server/User), which must exist and not be root; if that is
 * empty `postern`, and where there is none `nobody`. Appends to `message` what
 * the administrator should know, one line or nothing. NOT_FOUND or DENIED, with
 * the reason in `message`. Reads the user database: not for the sandbox.
 */
must_check enum fault system_user_choose(struct str configured, struct system_user *user_out,
					 struct buf *message);

/*
 * Who owns a file or folder: whom a command becomes before it writes beside the
 * server's own files. Without root rights, whoever runs this. NOT_FOUND, DENIED.
 */
must_check enum fault system_user_of_file(const char *path, struct system_user *user_out);

/*
 * Gives the home's passage, the sight of sslca and the whole tree of its store to the user. Does
 * nothing for is_self. Symbolic links, and files with other names elsewhere,
 * are left alone. Blocks on the disk.
 */
must_check enum fault system_user_own_home(const struct system_user *user, const char *home);

/*
 * Becomes the user for good: groups, user, and no capabilities, whoever it
 * is. DENIED or IO; the process must then end. To be called with one thread.
 */
must_check enum fault system_user_become(const struct system_user *user);

#endif
