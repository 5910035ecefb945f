/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>

#include "auth/service.h"
#include "config/config.h"
#include "proc/role.h"
#include "proc/sandbox_role.h"
#include "proc/snapshot_read.h"

/* Far below what hashing a password takes. */
enum { MAPPED_FROM_BYTES = 1024 * 1024 };

static bool is_exempt(const void *context, const uint8_t address[16])
{
	return config_is_exempt(context, address);
}

struct auth_role {
	struct role_server server;
	struct auth_service *service;
	struct config *config; /* whose networks the limits borrow */
};

static void limits_apply(struct role_server *server, struct packet *packet)
{
	struct auth_role *role = list_entry(server, struct auth_role, server);
	struct config *config = snapshot_config_read(packet, server->log);

	if (config == NULL)
		return;
	struct attempt_limits limits = attempt_limits_default;
	limits.failures_per_address = config->limits.failed_logins_per_address;
	limits.is_exempt = is_exempt;
	limits.context = config;
	auth_service_set_limits(role->service, &limits);
	enum fault fault = auth_service_set_scram(role->service, config->server.allow_scram);
	if (fault != FAULT_NONE)
		log_printf(server->log, LOG_ERROR,
			   "The verifiers of SCRAM could not be removed from store/auth: %s",
			   fault_text(fault));
	config_unref(&role->config);
	role->config = config;
}

static void parent_message(struct role_server *server, struct packet *packet)
{
	if (packet->header.kind == MSG_config_changed)
		limits_apply(server, packet);
}

int role_auth(struct role_process *process)
{
	struct auth_role role = {0};
	struct role_server_ops ops = auth_ops;
	struct buf sandbox = BUF_INIT(1024);

	ops.parent_message = parent_message;
	/* Else the heap keeps 19 MiB a thread after the first passwords. */
	mallopt(M_MMAP_THRESHOLD, MAPPED_FROM_BYTES);
	if (!sandbox_role_enter(process, &sandbox))
		return EXIT_USAGE;
	enum fault fault = auth_service_new("store/auth", 0, &role.service);
	if (fault != FAULT_NONE)
		return role_fail(process, "%s/auth cannot be opened: %s", process->store,
				 fault_text(fault));
	role_server_init(&role.server, &ops, ROLE_AUTH, ROLE_FD_PARENT, &process->log, role.service);
	role_ready(process, sandbox.data);
	role_server_run(&role.server);
	auth_service_free(&role.service);
	role_server_done(&role.server);
	config_unref(&role.config);
	buf_done(&sandbox);
	return EXIT_DONE;
}
