/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fence around a role: whom it runs as, which files it reaches, which
 * system calls it has.
 *
 * Landlock and seccomp bind the calling thread and those it starts, so a role
 * enters its sandbox before its first thread. The kernel decides how much of
 * it there is; what holds stands in the report, which `postern status` shows.
 * Builds with a sanitizer leave seccomp out and stay dumpable: the sanitizer's
 * own calls would be fatal.
 */
#ifndef POSTERN_PROC_SANDBOX_H
#define POSTERN_PROC_SANDBOX_H

#include "base/buf.h"
#include "base/system_user.h"
#include "ipc/message.h"

struct sandbox {
	enum role role;
	const char *home;	 /* must exist */
	const struct system_user *user; /* from system_user_choose */
};

/*
 * Enters the sandbox for good. The process then stands in the home folder, and
 * names its files from there ("store/auth"): the way to it may be closed to the
 * user. Appends what holds to `report`, one line. A fault means that something
 * failed which every kernel has; the reason is in `report`, and the role must
 * end. A kernel without Landlock or seccomp is no fault.
 *
 * After it: no other user, no new privileges, not dumpable, no capabilities, no
 * program can be executed, and outside of `admin` no process be started nor another be signalled.
 * Descriptors that are open stay so: channels, logs, listening sockets.
 */
must_check enum fault sandbox_enter(const struct sandbox *sandbox, struct buf *report);

#endif
