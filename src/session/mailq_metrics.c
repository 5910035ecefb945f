/* SPDX-License-Identifier: Apache-2.0 */
#include "session/mailq_metrics.h"

void mailq_metrics_append(struct front *front, struct buf *to)
{
	struct msg_metrics_wanted wanted = {};
	struct packet answer;

	if (front->mailq == NULL)
		return;
	packet_init(&answer);
	enum fault fault = role_client_call(front->mailq, MSG_metrics_wanted, &wanted,
					    MSG_metrics_given, &answer);
	buf_printf(to,
		   "# HELP postern_mailq_up Whether the role that sends mail answers.\n"
		   "# TYPE postern_mailq_up gauge\npostern_mailq_up %d\n",
		   fault == FAULT_NONE);
	if (fault == FAULT_NONE)
		buf_append_str(to, answer.message.metrics_given.text);
	packet_done(&answer);
}
