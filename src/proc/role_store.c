/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/role.h"
#include "proc/sandbox_role.h"
#include "store/service.h"

static int open_fail(const struct role_process *process, enum fault fault)
{
	switch (fault) {
	case FAULT_VERSION:
		return role_fail(process,
				 "%s was made by a newer version of Postern: start that version, nothing was changed",
				 process->store);
	case FAULT_BUSY:
		return role_fail(process, "%s is in use by another process: let that end first",
				 process->store);
	case FAULT_NO_SPACE:
		return role_fail(process, "%s: the disk is full: make room and start again",
				 process->store);
	default:
		return role_fail(process, "%s cannot be opened: %s", process->store,
				 fault_text(fault));
	}
}

int role_store(struct role_process *process)
{
	struct role_server server;
	struct store_service *service;
	struct store_service_options options = {.path = "store"};
	struct buf sandbox = BUF_INIT(1024);

	if (!sandbox_role_enter(process, &sandbox))
		return EXIT_USAGE;
	enum fault fault = store_service_open(&options, &service);
	if (fault != FAULT_NONE)
		return open_fail(process, fault);
	role_server_init(&server, &store_service_ops, ROLE_STORE, ROLE_FD_PARENT, &process->log,
			 service);
	role_ready(process, sandbox.data);
	role_server_run(&server);
	store_service_close(&service);
	role_server_done(&server);
	buf_done(&sandbox);
	return EXIT_DONE;
}
