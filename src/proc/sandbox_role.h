/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entering the sandbox as a role of the running server does it.
 */
#ifndef POSTERN_PROC_SANDBOX_ROLE_H
#define POSTERN_PROC_SANDBOX_ROLE_H

#include "proc/role.h"

/*
 * Becomes the user, enters the sandbox; `report` gets what holds, terminated.
 * The process then stands in the home folder: the store is "store". False, the
 * reason said, when the role must not go on.
 */
must_check bool sandbox_role_enter(const struct role_process *process, struct buf *report);

#endif
