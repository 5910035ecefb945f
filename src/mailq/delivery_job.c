/* SPDX-License-Identifier: Apache-2.0 */
/* The message at hand, what became of it, and why none can be sent. */
#include <stdlib.h>

#include "base/clock.h"
#include "mailq/delivery_parts.h"
#include "mailq/way.h"

enum { SETTLE_AGAIN_MS = 5 * 1000, LEASE_AWAY_S = 60 };

/* ---- jobs ---- */

struct str delivery_address(const struct delivery *delivery, struct buf *to)
{
	/* With no address left that took the connection there is none. */
	if (delivery->stage >= DELIVERY_DIAL &&
	    delivery->dial.at < delivery->dial.options.target_count)
		dns_address_append(to, dial_target(&delivery->dial)->address);
	return buf_str(to);
}

/*
 * "verify TLSv1.3 TLS_AES_256_GCM_SHA384 x25519"; "may:none" for a downgrade to the clear;
 * "verify failed" where TLS did not come about.
 */
static void tls_text(const struct delivery *delivery, struct buf *to)
{
	const struct outbound *outbound = &delivery->client.outbound;
	struct tls_facts facts = outbound_facts(outbound);

	buf_append_c(to, tls_level_name(delivery->demand.level));
	if (outbound_fault_is_tls(outbound->fault)) {
		buf_append_str(to, STR(" failed"));
		return;
	}
	if (facts.is_active)
		buf_append_char(to, ' ');
	else if (delivery->demand.level != TLS_LEVEL_NONE)
		buf_append_str(to, STR(":none"));
	tls_facts_append(&facts, to);
}

static struct count_tls count_tls_of(const struct delivery *delivery)
{
	const struct outbound *outbound = &delivery->client.outbound;
	struct tls_facts facts = outbound_facts(outbound);

	return (struct count_tls){.is_reached = true,
				  .rule = delivery->demand.level,
				  .is_active = facts.is_active &&
					       !outbound_fault_is_tls(outbound->fault),
				  .version = facts.version};
}

void delivery_tls_keep(struct delivery *delivery)
{
	const struct outbound *outbound = &delivery->client.outbound;

	delivery->count_left = count_tls_of(delivery);
	buf_reset(&delivery->tls_left);
	if (outbound_fault_is_tls(outbound->fault) || outbound_facts(outbound).is_active ||
	    delivery->client.stage == SMTP_CLIENT_OPEN)
		tls_text(delivery, &delivery->tls_left);
}

void delivery_job_transaction_drop(struct delivery *delivery)
{
	transaction_done(&delivery->transaction);
	delivery->has_transaction = false;
}

/* Gives the job at hand back with what is left of it. */
static void job_give_back(struct delivery *delivery)
{
	const struct settle_left *left = &delivery->left;

	if (left->count == 0)
		sender_job_done(delivery->sender, delivery->job);
	else
		sender_job_again(delivery->sender, delivery->job, left->recipients, left->count,
				 left->next_s);
	delivery->job = NULL;
	signing_free(&delivery->signing);
	load_done(&delivery->load);
	free(delivery->fates);
	delivery->fates = NULL;
}

/* Settles the job at hand with the fates as they stand. Blocks on the store. */
static enum fault job_settle(struct delivery *delivery)
{
	struct config *config = client_contexts_config(delivery->contexts);
	struct sender_lease lease = sender_lease(delivery->sender);
	struct buf address = BUF_INIT(256), tls = BUF_INIT(DELIVERY_TLS_TEXT_MAX);

	if (delivery->has_client)
		tls_text(delivery, &tls);
	else
		buf_append_str(&tls, buf_str(&delivery->tls_left));
	struct settle settle = {
		.store = sender_store(delivery->sender),
		.log = delivery->mailq->options.log,
		.config = config,
		.hostname = mailq_hostname(config),
		.owner = lease.owner,
		.epoch = lease.epoch,
		.load = &delivery->load,
		.host = str_from_c(delivery->host),
		.address = delivery_address(delivery, &address),
		.tls = buf_str(&tls),
		.dkim = delivery->has_transaction ? signing_names(delivery->signing) : STR(""),
		.row = delivery->row,
		.counts = delivery->mailq->counts,
		.count_tls = delivery->has_client ? count_tls_of(delivery) : delivery->count_left,
		.is_tls_reason = delivery->is_tls_reason,
		.knows_dsn =
			delivery->has_client &&
			smtp_capabilities_has(&delivery->client.capabilities, SMTP_CAPABILITY_DSN),
		.is_again = delivery->is_unsettled};
	enum fault fault = settle_run(&settle, delivery->fates, delivery->load.recipient_count,
				      &delivery->left);
	buf_done(&address);
	buf_done(&tls);
	return fault;
}

/* The queue is another's now, who sends what is left. */
static void job_leave(struct delivery *delivery)
{
	struct settle_left *left = &delivery->left;

	left->count = 0;
	left->next_s = clock_real_s() + LEASE_AWAY_S;
	for (size_t i = 0; i < delivery->load.recipient_count; i++)
		if (!delivery->fates[i].is_settled)
			left->recipients[left->count++] = delivery->fates[i].recipient->number;
}

/*
 * Stores what became of the job at hand. While that cannot be, the delivery waits with
 * what it knows: the message does not go out once more for it.
 */
enum step delivery_job_settle_go(struct delivery *delivery)
{
	enum fault fault = job_settle(delivery);

	delivery->is_unsettled = fault != FAULT_NONE && fault != FAULT_DENIED;
	if (delivery->is_unsettled) {
		delivery->task.deadline_ms = clock_mono_ms() + SETTLE_AGAIN_MS;
		return STEP_WAIT_WAKE;
	}
	if (fault == FAULT_DENIED)
		job_leave(delivery);
	job_give_back(delivery);
	if (delivery->has_transaction) {
		delivery->wants_reset = delivery->transaction.wants_reset;
		delivery_job_transaction_drop(delivery);
		delivery->messages++;
	}
	delivery->stage = delivery->stage_settled;
	return delivery->step_settled;
}

enum step delivery_job_settle(struct delivery *delivery, enum step step)
{
	delivery->left.count = 0;
	delivery->stage_settled = delivery->stage;
	delivery->step_settled = step;
	delivery->stage = DELIVERY_SETTLE;
	return delivery_job_settle_go(delivery);
}

enum step delivery_job_settle_reason(struct delivery *delivery)
{
	for (size_t i = 0; i < delivery->load.recipient_count; i++)
		delivery->fates[i] =
			(struct settle_fate){.recipient = &delivery->load.recipients[i],
					     .fate = delivery->reason_fate,
					     .status = str_from_c(delivery->reason_status),
					     .text = buf_str(&delivery->reason)};
	return delivery_job_settle(delivery, STEP_AGAIN);
}

/* True when the rules still lead each recipient of the job at hand this way. */
static bool job_is_on_its_way(const struct delivery *delivery)
{
	const struct load *load = &delivery->load;
	char name[WAY_NAME_MAX];

	for (size_t i = 0; i < load->recipient_count; i++)
		if (!way_name(client_contexts_config(delivery->contexts),
			      load->entry.envelope.sender, load->recipients[i].address, name) ||
		    strcasecmp(name, delivery->domain) != 0)
			return false;
	return true;
}

/* The job at hand goes another way since the configuration changed: its entry is looked at anew. */
static void job_turn(struct delivery *delivery)
{
	load_done(&delivery->load);
	sender_ordered(delivery->sender, delivery->job->entry);
	sender_job_again(delivery->sender, delivery->job, delivery->job->recipients,
			 delivery->job->recipient_count, clock_real_s());
	delivery->job = NULL;
}

bool delivery_job_load(struct delivery *delivery)
{
	enum fault fault = load_job(sender_store(delivery->sender), delivery->job, &delivery->load);

	if (fault == FAULT_NONE && !job_is_on_its_way(delivery)) {
		job_turn(delivery);
		return false;
	}
	if (fault == FAULT_NONE) {
		delivery->fates = calloc(delivery->load.recipient_count, sizeof(*delivery->fates));
		CHECK(delivery->fates != NULL);
		return true;
	}
	if (fault == FAULT_NOT_FOUND)
		sender_job_done(delivery->sender, delivery->job);
	else {
		log_printf(delivery->mailq->options.log, LOG_ERROR,
			   "queue: an entry cannot be read (%s); it is looked at again in a minute",
			   fault_text(fault));
		sender_job_again(delivery->sender, delivery->job, delivery->job->recipients,
				 delivery->job->recipient_count, clock_real_s() + 60);
	}
	delivery->job = NULL;
	return false;
}

bool delivery_job_next(struct delivery *delivery)
{
	while (delivery->job == NULL) {
		delivery->job = sender_take_next(delivery->sender, delivery->destination);
		if (delivery->job == NULL)
			return false;
		if (delivery_job_load(delivery))
			return true;
	}
	return true;
}

void delivery_job_return(struct delivery *delivery)
{
	if (delivery->job == NULL)
		return;
	signing_free(&delivery->signing);
	if (delivery->fates != NULL)
		load_done(&delivery->load);
	free(delivery->fates);
	delivery->fates = NULL;
	sender_job_again(delivery->sender, delivery->job, delivery->job->recipients,
			 delivery->job->recipient_count, clock_real_s());
	delivery->job = NULL;
}

/* ---- reasons ---- */

void delivery_reason_set(struct delivery *delivery, enum transaction_fate fate, const char *status,
			 struct str words)
{
	delivery->reason_fate = fate;
	CHECK(str_copy_c(str_from_c(status), delivery->reason_status,
			 sizeof(delivery->reason_status)));
	buf_reset(&delivery->reason);
	buf_append_str(&delivery->reason, str_sub(words, 0, DELIVERY_REASON_MAX));
}

void delivery_reason_add(struct delivery *delivery, bool is_tls, const char *status,
			 struct str words)
{
	struct buf *reason = &delivery->reason;

	if (is_tls || !delivery->is_tls_reason)
		CHECK(str_copy_c(str_from_c(status), delivery->reason_status,
				 sizeof(delivery->reason_status)));
	delivery->is_tls_reason |= is_tls;
	if (reason->len >= DELIVERY_REASON_MAX)
		return;
	buf_append_c(reason, reason->len > 0 ? "; " : "");
	buf_append_str(reason, str_sub(words, 0, DELIVERY_REASON_MAX - reason->len));
}

/* Nothing goes to this destination now. */
void delivery_give_up(struct delivery *delivery)
{
	delivery->stage = DELIVERY_GIVE_UP;
	if (delivery->reason_fate == TRANSACTION_LATER)
		sender_failed(delivery->sender, delivery->destination,
			      &(struct outbox_failure){buf_str(&delivery->reason),
						       delivery->is_tls_reason});
}

/* One job a run, so that many do not hold the worker. */
enum step delivery_give_up_go(struct delivery *delivery)
{
	if (!delivery_job_next(delivery))
		return STEP_END;
	return delivery_job_settle_reason(delivery);
}
