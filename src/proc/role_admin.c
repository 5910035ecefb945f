/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process around admin/admin.h.
 */
#include "admin/admin.h"
#include "proc/broker.h"
#include "proc/role.h"
#include "proc/sandbox_role.h"

static enum fault control_ask(void *context, struct str author, struct str address, int *fd_out)
{
	return broker_control(context, author, address, fd_out);
}

int role_admin(struct role_process *process)
{
	struct broker broker;
	struct buf sandbox = BUF_INIT(1024);

	if (!sandbox_role_enter(process, &sandbox))
		return EXIT_USAGE;
	broker_init(&broker, ROLE_ADMIN);
	/* The process stands in the home; the way to it may be closed to its user. */
	struct admin *admin = admin_new(&(struct admin_options){.parent_fd = ROLE_FD_PARENT,
								.log = &process->log,
								.connector = &broker.connector,
								.control = control_ask,
								.context = &broker,
								.home = "."});
	role_ready(process, sandbox.data);
	admin_run(admin);
	admin_free(&admin);
	broker_done(&broker);
	buf_done(&sandbox);
	return EXIT_DONE;
}
