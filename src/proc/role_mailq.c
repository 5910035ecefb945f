/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process around mailq/mailq.h.
 */
#include <malloc.h>

#include "mailq/mailq.h"
#include "proc/broker.h"
#include "proc/role.h"
#include "proc/sandbox_role.h"
#include "proc/snapshot_read.h"
#include "store/store.h"

/* How long a store that is being started anew is waited for. */
enum { STORE_PATIENCE_MS = 30 * 1000 };

/* Shorter than what the parent grants (parent.c). */
enum { GRACE_MS = 10 * 1000 };

static void parent_message(struct mailq *mailq, struct packet *packet)
{
	if (packet->header.kind == MSG_dns_files_given)
		mailq_dns_files_set(mailq, packet->message.dns_files_given.servers,
				    packet->message.dns_files_given.anchors);
	if (certificate_job_parent_message(mailq->certificate_job, packet) ||
	    packet->header.kind != MSG_config_changed)
		return;
	struct config *config = snapshot_config_read(packet, mailq->options.log);
	if (config != NULL)
		mailq_config_set(mailq, config);
}

int role_mailq(struct role_process *process)
{
	struct broker broker;
	struct role_client store_client;
	struct store *store;
	struct buf sandbox = BUF_INIT(1024);

	/* An arena a worker would keep each one's largest message. */
	mallopt(M_ARENA_MAX, 4);
	if (!sandbox_role_enter(process, &sandbox))
		return EXIT_USAGE;
	broker_init(&broker, ROLE_MAILQ);
	role_client_init(&store_client, &broker.connector, ROLE_STORE, STORE_PATIENCE_MS);
	struct mailq *mailq = mailq_new(&(struct mailq_options){.parent_fd = ROLE_FD_PARENT,
								 .log = &process->log,
								 .connector = &broker.connector,
								 .grace_ms = GRACE_MS,
								 .parent_message = parent_message});
	enum fault fault = store_open("store", &store_client, &store);
	if (fault != FAULT_NONE)
		return role_fail(process, "%s cannot be opened: %s", process->store,
				 fault_text(fault));
	mailq_send(mailq, store);
	mailq->certificate_job = certificate_job_new(mailq);
	role_ready(process, sandbox.data);
	mailq_run(mailq);
	mailq_free(&mailq);
	store_close(&store);
	role_client_done(&store_client);
	broker_done(&broker);
	buf_done(&sandbox);
	return EXIT_DONE;
}
