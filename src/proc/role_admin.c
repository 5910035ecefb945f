/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process around admin/admin.h.
 */
#include "admin/admin.h"
#include "proc/broker.h"
#include "proc/role.h"
#include "proc/sandbox_role.h"
#include "proc/shared.h"
#include "proc/syscalls.h"

struct admin_role {
	struct broker broker;
	const struct proc_shared *shared; /* NULL: not to be had */
};

static enum fault control_ask(void *context, struct str author, struct str address, int *fd_out)
{
	struct admin_role *role = context;

	return broker_control(&role->broker, author, address, fd_out);
}

static enum fault upload_ask(void *context, uint64_t bytes, uint64_t *limit_out, int *fd_out)
{
	struct admin_role *role = context;

	return broker_upload(&role->broker, bytes, limit_out, fd_out);
}

static void sent_take(const struct counts *counts, struct sample_counters *counters_out)
{
	struct counts_summary sum;

	counts_sum(counts, &sum);
	counters_out->counts[SAMPLE_QUEUED] = sum.queued;
	counters_out->counts[SAMPLE_RELAYED_TLS13] = sum.relayed_tls13;
	counters_out->counts[SAMPLE_RELAYED_TLS12] = sum.relayed_tls12;
	counters_out->counts[SAMPLE_RELAYED_OLDER] = sum.relayed_older;
	counters_out->counts[SAMPLE_RELAYED_PLAIN] = sum.relayed_plain;
	counters_out->counts[SAMPLE_DELAYED] = sum.delayed;
	counters_out->counts[SAMPLE_FAILED] = sum.failed;
	counters_out->counts[SAMPLE_UNSENT_TLS] = sum.unsent_tls;
}

static void counters_take(void *context, struct sample_counters *counters_out)
{
	static const enum metric metrics[] = {
		[SAMPLE_RECEIVED] = METRIC_MESSAGES_RECEIVED,
		[SAMPLE_REJECTED] = METRIC_MESSAGES_REJECTED,
		[SAMPLE_DELIVERED] = METRIC_MESSAGES_DELIVERED,
		[SAMPLE_LOGINS] = METRIC_LOGINS,
		[SAMPLE_LOGINS_FAILED] = METRIC_LOGINS_FAILED,
		[SAMPLE_CONNECTIONS] = METRIC_CONNECTIONS,
		[SAMPLE_HANDSHAKES_FAILED] = METRIC_HANDSHAKES_FAILED,
		[SAMPLE_CONNECTIONS_OPEN] = METRIC_CONNECTIONS_OPEN,
	};
	const struct admin_role *role = context;
	struct metrics_totals totals;

	_Static_assert((int)SAMPLE_VERSIONS == (int)METRIC_VERSIONS, "the same versions");
	_Static_assert(SAMPLE_CONNECTIONS_OPEN + 1 == sizeof(metrics) / sizeof(metrics[0]) &&
			       (int)SAMPLE_QUEUED == SAMPLE_CONNECTIONS_OPEN + 1,
		       "first those of the fronts");
	metrics_total(&role->shared->metrics, &totals);
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
		counters_out->counts[i] = totals.counts[metrics[i]];
	memcpy(counters_out->handshakes, totals.handshakes, sizeof(totals.handshakes));
	sent_take(&role->shared->sent, counters_out);
}

/* A kernel without such filters is no fault, as for the roles; status tells. */
static bool command_confine(void)
{
	enum fault fault = syscalls_are_restrictable() ? syscalls_restrict_command() : FAULT_NONE;

	return fault == FAULT_NONE || fault == FAULT_UNSUPPORTED;
}

int role_admin(struct role_process *process)
{
	struct admin_role role = {0};
	struct buf sandbox = BUF_INIT(1024);

	if (!sandbox_role_enter(process, &sandbox))
		return EXIT_USAGE;
	broker_init(&role.broker, ROLE_ADMIN);
	role.shared = proc_shared_map(false);
	/* The process stands in the home; the way to it may be closed to its user. */
	struct admin *admin = admin_new(&(struct admin_options){.parent_fd = ROLE_FD_PARENT,
								.log = &process->log,
								.connector = &role.broker.connector,
								.control = control_ask,
								.upload = upload_ask,
								.context = &role,
								.confine = command_confine,
								.sample = role.shared == NULL ? NULL : counters_take,
								.samples = "store/samples/ring",
								.home = "."});
	role_ready(process, sandbox.data);
	admin_run(admin);
	admin_free(&admin);
	broker_done(&role.broker);
	buf_done(&sandbox);
	return EXIT_DONE;
}
