/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/delivery.h"

#include <stdlib.h>

#include "base/clock.h"
#include "mailq/delivery_parts.h"

enum { DEMAND_ARENA_MAX = 64 * 1024 };

/* ---- sending ---- */

static void transaction_begin(struct delivery *delivery)
{
	const struct config *config = client_contexts_config(delivery->contexts);
	struct transaction_parts parts = {.client = &delivery->client,
					  .envelope = &delivery->load.entry.envelope,
					  .recipients = delivery->load.recipients,
					  .recipient_count = delivery->load.recipient_count,
					  .pieces = {delivery->load.content.prefix,
						     signing_text(delivery->signing),
						     delivery->load.content.body},
					  .min_bytes_per_s = config->limits.min_bytes_per_second,
					  .after_reset = delivery->wants_reset};

	transaction_init(&delivery->transaction, &parts);
	delivery->has_transaction = true;
}

static enum step transaction_end(struct delivery *delivery, enum step step)
{
	for (size_t i = 0; i < delivery->load.recipient_count; i++) {
		const struct transaction_recipient *recipient =
			&delivery->transaction.recipients[i];
		delivery->fates[i] = (struct settle_fate){
			.recipient = recipient->recipient,
			.fate = recipient->fate,
			.status = str_from_c(recipient->status),
			.text = str_from_c(recipient->text == NULL ? "" : recipient->text),
			.is_reply = recipient->is_reply};
	}
	return delivery_job_settle(delivery, step);
}

/* The message cannot be signed, so this one is not sent; the next may. */
static enum step unsigned_settle(struct delivery *delivery, enum transaction_fate fate)
{
	struct str why = signing_text(delivery->signing);

	delivery_reason_set(delivery, fate, fate == TRANSACTION_LATER ? "4.7.0" : "5.6.0", why);
	log_printf(delivery->mailq->options.log, LOG_ERROR, "queue: %.*s: %.*s",
		   STR_ARG(delivery->load.entry.envelope.queue_id), STR_ARG(why));
	signing_free(&delivery->signing);
	return delivery_job_settle_reason(delivery);
}

/* Signs the job at hand; true when it may go. */
static bool sign_go(struct delivery *delivery, enum step *step_out)
{
	/* The server's time does not run meanwhile. */
	delivery->task.deadline_ms = 0;
	*step_out = STEP_AGAIN;
	if (delivery->signing == NULL)
		delivery->signing =
			signing_new(delivery->mailq->signings, &delivery->load, &delivery->task);
	switch (signing_step(delivery->signing)) {
	case SIGNING_DONE:
		return true;
	case SIGNING_AGAIN:
		break;
	case SIGNING_WAIT:
		*step_out = STEP_WAIT_WAKE;
		break;
	case SIGNING_LATER:
		*step_out = unsigned_settle(delivery, TRANSACTION_LATER);
		break;
	case SIGNING_REFUSED:
		*step_out = unsigned_settle(delivery, TRANSACTION_FAILED);
		break;
	}
	return false;
}

/* Its answer is not waited for. */
static enum step quit(struct delivery *delivery)
{
	smtp_client_say(&delivery->client, STR("QUIT"), SMTP_CLIENT_COMMAND_MS);
	(void)smtp_client_step(&delivery->client);
	return STEP_END;
}

/*
 * The session broke amid a message. Where nothing came of it, a server that has had
 * enough of this connection is given another, and one that took nothing at all is
 * passed over for the next.
 */
static enum step session_broke(struct delivery *delivery)
{
	if (!transaction_is_untouched(&delivery->transaction))
		return transaction_end(delivery, STEP_END);
	delivery_job_transaction_drop(delivery);
	if (delivery->messages > 0) {
		delivery_job_return(delivery);
		return STEP_END;
	}
	delivery_open_failed(delivery);
	return STEP_AGAIN;
}

/*
 * Stands by for more to send: a handshake is dearer, for both. Who is woken without a job
 * has waited long enough, or the server has said or done something.
 */
static enum step idle_begin(struct delivery *delivery, uint32_t idle_s)
{
	delivery->job = sender_idle_begin(delivery->sender, delivery->destination, &delivery->idle);
	if (delivery->job != NULL) {
		(void)!delivery_job_load(delivery);
		return STEP_AGAIN;
	}
	delivery->is_idle = true;
	delivery->task.deadline_ms = clock_mono_ms() + 1000 * (int64_t)idle_s;
	return STEP_WAIT_INPUT;
}

static void idle_end(struct delivery *delivery)
{
	if (!delivery->is_idle)
		return;
	delivery->is_idle = false;
	delivery->job = sender_idle_end(delivery->sender, &delivery->idle);
}

/* Nothing is ready: stands by, unless it has, or must not. */
static enum step nothing_go(struct delivery *delivery, bool was_idle)
{
	uint32_t idle_s = client_contexts_config(delivery->contexts)->queue.connection_idle_s;

	if (was_idle || idle_s == 0 || mailq_is_stopping(delivery->mailq))
		return quit(delivery);
	return idle_begin(delivery, idle_s);
}

/* Begins the next message; false when it cannot yet, or there is none. */
static bool next_go(struct delivery *delivery, enum step *step_out)
{
	const struct config_queue *queue = &client_contexts_config(delivery->contexts)->queue;
	bool was_idle = delivery->is_idle;

	idle_end(delivery);
	if (was_idle && delivery->job != NULL && !delivery_job_load(delivery)) {
		*step_out = STEP_AGAIN;
		return false;
	}
	if (!delivery_is_rule_in_force(delivery)) {
		delivery_job_return(delivery);
		*step_out = quit(delivery);
		return false;
	}
	if (delivery->messages >= queue->connection_messages) {
		*step_out = quit(delivery);
		return false;
	}
	if (!delivery_job_next(delivery)) {
		*step_out = nothing_go(delivery, was_idle);
		return false;
	}
	if (!sign_go(delivery, step_out))
		return false;
	transaction_begin(delivery);
	return true;
}

static enum step send_go(struct delivery *delivery)
{
	enum step step;

	if (!delivery->has_transaction) {
		if (!next_go(delivery, &step))
			return step;
	} else if (delivery->task.is_expired)
		transaction_expire(&delivery->transaction);
	enum transaction_step went = transaction_step(&delivery->transaction);
	delivery->task.deadline_ms = delivery->client.outbound.stream.deadline_ms;
	switch (went) {
	case TRANSACTION_WAIT_INPUT:
		return STEP_WAIT_INPUT;
	case TRANSACTION_WAIT_OUTPUT:
		return STEP_WAIT_OUTPUT;
	case TRANSACTION_DONE:
		return transaction_end(delivery, STEP_AGAIN);
	default:
		return session_broke(delivery);
	}
}

/* ---- the task ---- */

static void begin(struct delivery *delivery)
{
	/* The job that it was started with is loaded like any other. */
	if (!delivery_job_load(delivery) && !delivery_job_next(delivery)) {
		delivery->stage = DELIVERY_GIVE_UP;
		return;
	}
	delivery->is_tls_reason =
		sender_rest_append(delivery->sender, delivery->destination, &delivery->reason);
	delivery->relay = relay_of_key(client_contexts_config(delivery->contexts),
				       str_from_c(delivery->domain));
	if (delivery->reason.len == 0) {
		delivery_route_begin(delivery);
		return;
	}
	delivery->reason_fate = TRANSACTION_LATER;
	CHECK(str_copy_c(delivery->is_tls_reason ? STR("4.7.5") : STR("4.4.1"),
			 delivery->reason_status, sizeof(delivery->reason_status)));
	delivery->stage = DELIVERY_GIVE_UP;
}

static enum step delivery_run(struct task *task)
{
	struct delivery *delivery = list_entry(task, struct delivery, task);
	enum step step;

	for (;;) {
		switch (delivery->stage) {
		case DELIVERY_BEGIN:
			begin(delivery);
			break;
		case DELIVERY_ROUTE:
			if (!delivery_route_go(delivery, &step))
				return step;
			break;
		case DELIVERY_DIAL:
			if (!delivery_dial_go(delivery, &step))
				return step;
			break;
		case DELIVERY_OPEN:
			if (!delivery_open_go(delivery, &step))
				return step;
			break;
		case DELIVERY_LOGIN:
			if (!delivery_login_go(delivery, &step))
				return step;
			break;
		case DELIVERY_SEND:
			return send_go(delivery);
		case DELIVERY_GIVE_UP:
			return delivery_give_up_go(delivery);
		case DELIVERY_SETTLE:
			return delivery_job_settle_go(delivery);
		}
	}
}

/* What was under way at the end of the process is as it was in the store. */
static void delivery_end(struct task *task)
{
	struct delivery *delivery = list_entry(task, struct delivery, task);
	struct sender *sender = delivery->sender;
	struct outbox_destination *destination = delivery->destination;

	if (delivery->has_transaction)
		delivery_job_transaction_drop(delivery);
	idle_end(delivery);
	delivery_job_return(delivery);
	delivery_client_end(delivery);
	dial_done(&delivery->dial);
	route_find_free(&delivery->find);
	client_contexts_unref(&delivery->contexts);
	buf_done(&delivery->reason);
	buf_done(&delivery->tls_left);
	smtp_login_done(&delivery->login);
	arena_rewind(&delivery->demand_arena);
	free(delivery);
	sender_closed(sender, destination);
}

static const struct task_ops delivery_ops = {.run = delivery_run, .end = delivery_end};

void delivery_start(struct sender *sender, struct outbox_job *job)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));

	CHECK(delivery != NULL);
	delivery->task = (struct task){.ops = &delivery_ops, .fd = -1};
	delivery->sender = sender;
	delivery->mailq = sender_mailq(sender);
	delivery->contexts = mailq_contexts_get(delivery->mailq);
	delivery->job = job;
	delivery->destination = job->destination;
	buf_init(&delivery->reason, DELIVERY_REASON_MAX + 64);
	buf_init(&delivery->tls_left, DELIVERY_TLS_TEXT_MAX);
	arena_init(&delivery->demand_arena, DEMAND_ARENA_MAX);
	delivery->idle.task = &delivery->task;
	CHECK(str_copy_c(outbox_destination_name(job->destination), delivery->domain,
			 sizeof(delivery->domain)));
	dial_init(&delivery->dial, &(struct dial_options){.targets = delivery->targets});
	task_start(delivery->mailq->waiter, &delivery->task);
}
