/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/here.h"

#include <stdlib.h>

#include "mailq/settle.h"

/* The numbers of the entry's delivered recipients, as a job of the outbox has them. */
static struct outbox_job *job_make(struct view *view, uint64_t entry)
{
	struct queue_recipient recipient;
	struct outbox_job *job =
		calloc(1, sizeof(*job) + QUEUE_RECIPIENTS_MAX * sizeof(job->recipients[0]));

	CHECK(job != NULL);
	job->entry = entry;
	for (uint32_t from = 0; queue_recipient_next(view, entry, from, &recipient);
	     from = recipient.number + 1)
		if (recipient.is_delivered && job->recipient_count < QUEUE_RECIPIENTS_MAX)
			job->recipients[job->recipient_count++] = recipient.number;
	return job;
}

/* False when it is not stored. */
static bool load_settle(struct sender *sender, const struct load *load)
{
	struct mailq *mailq = sender_mailq(sender);
	struct config *config = mailq_config_get(mailq);
	struct sender_lease lease = sender_lease(sender);
	struct settle_fate *fates = calloc(load->recipient_count, sizeof(*fates));
	struct settle_left *left = calloc(1, sizeof(*left));
	struct settle settle = {.store = sender_store(sender),
				.log = mailq->options.log,
				.config = config,
				.hostname = mailq_hostname(config),
				.owner = lease.owner,
				.epoch = lease.epoch,
				.load = load,
				.is_local = true};

	CHECK(fates != NULL && left != NULL);
	for (size_t i = 0; i < load->recipient_count; i++)
		fates[i] = (struct settle_fate){.recipient = &load->recipients[i],
						.fate = TRANSACTION_SENT,
						.status = STR("2.1.5"),
						.text = STR("Delivered into the mailbox")};
	bool is_settled =
		settle_run(&settle, fates, load->recipient_count, left) == FAULT_NONE;
	free(fates);
	free(left);
	config_unref(&config);
	return is_settled;
}

bool here_settle(void *context, uint64_t entry)
{
	struct sender *sender = context;
	struct view *view = NULL;
	struct load load;

	if (view_open(sender_store(sender), &view) != FAULT_NONE)
		return false;
	struct outbox_job *job = job_make(view, entry);
	view_close(&view);
	enum fault fault = job->recipient_count == 0
				   ? FAULT_NOT_FOUND
				   : load_job(sender_store(sender), job, &load);
	free(job);
	if (fault != FAULT_NONE)
		return fault == FAULT_NOT_FOUND;
	bool is_settled = load_settle(sender, &load);
	load_done(&load);
	return is_settled;
}
