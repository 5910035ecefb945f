/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp: the system calls of a role.
 *
 * `keys`, which holds what thieves want, has a list of what it may call;
 * anything else ends it at once. The others have a list of what they may not:
 * whatever a program that was taken over would begin with (executing, starting
 * processes, sockets of its own, tracing, mounting, kernel interfaces with a
 * history); such a call fails with EPERM. `admin` may start processes, and each
 * of these loses that. `mailq` alone makes sockets, those of the internet, and
 * listens on none.
 */
#ifndef POSTERN_PROC_SYSCALLS_H
#define POSTERN_PROC_SYSCALLS_H

#include "base/fault.h"
#include "ipc/message.h"

/* False in builds with a sanitizer, whose own calls would be fatal. */
bool syscalls_are_restrictable(void);

/*
 * Restricts the calling thread. no_new_privs must be set. UNSUPPORTED where the
 * kernel has no seccomp filters; IO.
 */
must_check enum fault syscalls_restrict(enum role role);

/*
 * The same for a process that admin, in its own restrictions, has forked for a command: it starts no
 * process of its own and signals nobody.
 */
must_check enum fault syscalls_restrict_command(void);

#endif
