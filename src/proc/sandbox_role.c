/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/sandbox_role.h"

#include "proc/sandbox.h"

bool sandbox_role_enter(const struct role_process *process, struct buf *report)
{
	struct system_user user;
	struct sandbox sandbox = {.role = process->role, .home = process->home, .user = &user};

	enum fault fault = system_user_choose(str_from_c(process->user), &user, report);
	if (fault == FAULT_NONE)
		fault = sandbox_enter(&sandbox, report);
	buf_append_char(report, '\0');
	if (fault != FAULT_NONE)
		role_fail(process, "%s", report->data == NULL ? fault_text(fault) : report->data);
	return fault == FAULT_NONE;
}
