/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process around mailq/mailq.h.
 */
#include <malloc.h>

#include "base/file.h"
#include "mailq/dkim.h"
#include "mailq/host_addresses.h"
#include "mailq/mailq.h"
#include "proc/broker.h"
#include "proc/role.h"
#include "proc/sandbox_role.h"
#include "proc/shared.h"
#include "proc/snapshot_read.h"
#include "store/store.h"

/* How long a store that is being started anew is waited for. */
enum { STORE_PATIENCE_MS = 30 * 1000 };

/* Shorter than what the parent grants (parent.c). */
enum { GRACE_MS = 10 * 1000 };

/* ---- the answers of OCSP responders ---- */

static void staple_tell(void *context, const struct msg_staple_given *given)
{
	struct mailq *mailq = context;
	struct channel parent = {ROLE_FD_PARENT, ROLE_MAILQ, ROLE_PARENT};

	/* One that is lost is asked for anew, half way through its life. */
	if (channel_send(&parent, MSG_staple_given, 0, given) != FAULT_NONE)
		log_printf(mailq->options.log, LOG_DEBUG, "mailq: an answer of OCSP was not taken");
}

static bool staple_is_ending(void *context)
{
	struct mailq *mailq = context;

	return staple_job_is_ending(mailq->staple_job);
}

static enum fault staple_resolve(void *context, struct str host, struct buf *addresses,
				 struct buf *why)
{
	struct mailq *mailq = context;

	return host_addresses_wait(mailq->resolver, host, staple_is_ending, mailq, addresses, why);
}

/* ---- the parent ---- */

static void certificate_take(struct mailq *mailq, const struct msg_certificate_given *given)
{
	staple_job_add(mailq->staple_job, given->generation, given->name, given->chain);
}

static void dkim_take(struct mailq *mailq, struct packet *packet)
{
	CLEANUP_FD int fd = packet_take_fd(packet);
	struct buf text = BUF_INIT(DKIM_TABLE_MAX);
	struct dkim_table *table;

	if (fd >= 0 && fd_read_file(fd, &text) == FAULT_NONE &&
	    dkim_table_read(buf_str(&text), &table) == FAULT_NONE)
		mailq_dkim_set(mailq, table);
	else
		log_printf(mailq->options.log, LOG_ERROR,
			   "mailq: what the parent says about DKIM is not understood");
	buf_done(&text);
}

/* The parent waits: what goes out from now on goes by the configuration. */
static void config_answer(uint64_t generation)
{
	struct channel parent = {ROLE_FD_PARENT, ROLE_MAILQ, ROLE_PARENT};
	struct msg_done done = {.fault = FAULT_NONE};

	(void)!channel_send(&parent, MSG_done, generation, &done);
}

static void parent_message(struct mailq *mailq, struct packet *packet)
{
	if (packet->header.kind == MSG_dns_files_given)
		mailq_dns_files_set(mailq, packet->message.dns_files_given.servers,
				    packet->message.dns_files_given.anchors);
	if (packet->header.kind == MSG_certificate_given)
		certificate_take(mailq, &packet->message.certificate_given);
	if (packet->header.kind == MSG_dkim_given)
		dkim_take(mailq, packet);
	if (certificate_job_parent_message(mailq->certificate_job, packet) ||
	    packet->header.kind != MSG_config_changed)
		return;
	staple_job_settle(mailq->staple_job, packet->message.config_changed.generation);
	struct config *config = snapshot_config_read(packet, mailq->options.log);
	if (config != NULL)
		mailq_config_set(mailq, config);
	config_answer(packet->header.id);
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
	struct proc_shared *shared = proc_shared_map(true);

	broker_init(&broker, ROLE_MAILQ);
	role_client_init(&store_client, &broker.connector, ROLE_STORE, STORE_PATIENCE_MS);
	struct mailq *mailq = mailq_new(&(struct mailq_options){.parent_fd = ROLE_FD_PARENT,
								 .log = &process->log,
								 .connector = &broker.connector,
								 .grace_ms = GRACE_MS,
								 .counts = shared == NULL ? NULL : &shared->sent,
								 .parent_message = parent_message});
	enum fault fault = store_open("store", &store_client, &store);
	if (fault != FAULT_NONE)
		return role_fail(process, "%s cannot be opened: %s", process->store,
				 fault_text(fault));
	mailq_send(mailq, store);
	mailq->certificate_job = certificate_job_new(mailq);
	mailq->staple_job = staple_job_new(&(struct staple_job_options){.log = &process->log,
									.tell = staple_tell,
									.resolve = staple_resolve,
									.context = mailq});
	role_ready(process, sandbox.data);
	mailq_run(mailq);
	staple_job_free(&mailq->staple_job);
	mailq_free(&mailq);
	store_close(&store);
	role_client_done(&store_client);
	broker_done(&broker);
	buf_done(&sandbox);
	return EXIT_DONE;
}
