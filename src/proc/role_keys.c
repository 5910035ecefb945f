/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/sysinfo.h>

#include "proc/role.h"
#include "proc/sandbox_role.h"
#include "tls/keys.h"

int role_keys(struct role_process *process)
{
	struct role_server server;
	struct buf sandbox = BUF_INIT(1024);

	if (!sandbox_role_enter(process, &sandbox))
		return EXIT_USAGE;
	struct keys *keys = keys_new((unsigned)get_nprocs());
	role_server_init(&server, &keys_ops, ROLE_KEYS, ROLE_FD_PARENT, &process->log, keys);
	role_ready(process, sandbox.data);
	role_server_run(&server);
	/* First the helpers, who answer the parent, too. */
	keys_free(&keys);
	role_server_done(&server);
	buf_done(&sandbox);
	return EXIT_DONE;
}
