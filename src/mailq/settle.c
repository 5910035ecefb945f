/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/settle.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "mailq/notice.h"
#include "queue/schedule.h"


/* A fate with what follows from it. */
struct outcome {
	struct settle_fate *fate;
	bool is_over;	   /* LATER became FAILED: its life is over */
	bool is_removed;   /* by an order, while it was on its way */
	bool wants_notice; /* of kind `action` */
	enum dsn_action action;
};

static struct schedule schedule_of(const struct config_queue *queue)
{
	return (struct schedule){.first_retry_s = queue->first_retry_s,
				 .longest_retry_s = queue->longest_retry_s,
				 .delay_notice_s = queue->delay_notice_s,
				 .tls_notice_s = queue->tls_notice_s,
				 .lifetime_s = queue->lifetime_s};
}

/* ---- what follows ---- */

/* What the sender wants to hear of; what he did not say is failures and delays. */
static bool is_wanted(const struct queue_recipient *recipient, enum queue_notify kind)
{
	uint32_t notify = recipient->notify;

	if (notify == 0)
		notify = QUEUE_NOTIFY_FAILURE | QUEUE_NOTIFY_DELAY;
	return (notify & kind) != 0;
}

static bool has_sender(const struct settle *settle)
{
	const struct queue_envelope *envelope = &settle->load->entry.envelope;

	return envelope->sender.len > 0 && (envelope->flags & QUEUE_NOTICE) == 0;
}

static void sent_judge(const struct settle *settle, struct outcome *outcome)
{
	outcome->wants_notice = is_wanted(outcome->fate->recipient, QUEUE_NOTIFY_SUCCESS) &&
				!settle->knows_dsn;
	outcome->action = settle->is_local ? DSN_DELIVERED : DSN_RELAYED;
}

static void later_judge(const struct settle *settle, const struct schedule *schedule,
			int64_t now_s, struct outcome *outcome)
{
	const struct queue_recipient *recipient = outcome->fate->recipient;
	int64_t received_s = settle->load->entry.received_s;

	outcome->is_over = schedule_is_over(schedule, received_s, now_s);
	outcome->action = outcome->is_over ? DSN_FAILED : DSN_DELAYED;
	if (outcome->is_over)
		outcome->wants_notice = is_wanted(recipient, QUEUE_NOTIFY_FAILURE);
	else
		outcome->wants_notice =
			is_wanted(recipient, QUEUE_NOTIFY_DELAY) && !recipient->is_delay_told &&
			schedule_is_notice_due(schedule, received_s, now_s, settle->is_tls_reason);
}

static struct outcome outcome_of(const struct settle *settle, const struct schedule *schedule,
				 int64_t now_s, struct settle_fate *fate)
{
	struct outcome outcome = {.fate = fate};

	if (fate->fate == TRANSACTION_SENT)
		sent_judge(settle, &outcome);
	else if (fate->fate == TRANSACTION_LATER)
		later_judge(settle, schedule, now_s, &outcome);
	else {
		outcome.wants_notice = is_wanted(fate->recipient, QUEUE_NOTIFY_FAILURE);
		outcome.action = DSN_FAILED;
	}
	outcome.wants_notice = outcome.wants_notice && has_sender(settle);
	return outcome;
}

static bool outcome_stays(const struct outcome *outcome)
{
	return outcome->fate->fate == TRANSACTION_LATER && !outcome->is_over;
}

/* ---- into the store ---- */

/* The outcomes that go together in one step: those with the same notice, or with none. */
static bool is_in_step(const struct outcome *outcome, bool has_notice, enum dsn_action action)
{
	if (outcome->fate->is_settled)
		return false;
	return has_notice ? outcome->wants_notice && outcome->action == action
			  : !outcome->wants_notice;
}

struct step {
	struct queue_outcome outcomes[QUEUE_RECIPIENTS_MAX];
	struct dsn_recipient told[QUEUE_RECIPIENTS_MAX];
	size_t count;
};

static void step_add(struct step *step, const struct settle *settle, const struct outcome *outcome,
		     int64_t next_s)
{
	const struct settle_fate *fate = outcome->fate;
	struct str none = {0};

	step->outcomes[step->count] = (struct queue_outcome){
		.recipient = fate->recipient->number,
		.is_done = !outcome_stays(outcome),
		.next_s = next_s,
		.is_delay_told = outcome->wants_notice && outcome->action == DSN_DELAYED,
		.status = fate->text,
		.host = settle->host};
	step->told[step->count++] = (struct dsn_recipient){
		.address = fate->recipient->address,
		.original = fate->recipient->original,
		.status = outcome->is_over ? STR("4.4.7") : fate->status,
		.host = settle->host,
		.diagnostic = fate->is_reply ? fate->text : none,
		.reason = fate->is_reply ? none : fate->text,
		.attempted_s = clock_real_s()};
}

static enum fault step_store(const struct settle *settle, const struct step *step,
			     const struct notice *notice)
{
	struct queue_settle request = {.entry = settle->load->entry.number,
				       .owner = settle->owner,
				       .epoch = settle->epoch,
				       .outcomes = step->outcomes,
				       .outcome_count = step->count,
				       .notice = notice == NULL ? NULL : notice_append_of(notice)};

	return queue_settle(settle->store, &request);
}

/* What a store says that cannot do anything now. */
static bool is_store_away(enum fault fault)
{
	return fault == FAULT_UNAVAILABLE || fault == FAULT_IO || fault == FAULT_BUSY ||
	       fault == FAULT_NO_SPACE || fault == FAULT_MEMORY;
}

/* A notice that nobody can take is dropped; what it tells about is settled all the same. */
static enum fault step_with_notice(const struct settle *settle, const struct step *step,
				   enum dsn_action action)
{
	struct notice_parts parts = {.store = settle->store,
				     .config = settle->config,
				     .hostname = settle->hostname,
				     .load = settle->load,
				     .action = action,
				     .recipients = step->told,
				     .recipient_count = step->count};
	struct notice *notice;

	enum fault fault = notice_new(&parts, &notice);
	if (fault == FAULT_NONE) {
		fault = step_store(settle, step, notice);
		notice_free(&notice);
	}
	if (fault == FAULT_NONE || is_store_away(fault))
		return fault;
	enum fault without = step_store(settle, step, NULL);
	if (without == FAULT_NONE)
		log_printf(settle->log, LOG_WARNING,
			   "queue: the sender of %.*s is not told what became of it: %s",
			   STR_ARG(settle->load->entry.envelope.queue_id), fault_text(fault));
	return without;
}

/* ---- into mail.log ---- */

static enum count_result result_of(const struct outcome *outcome)
{
	if (outcome->fate->fate == TRANSACTION_SENT)
		return COUNT_RELAYED;
	return outcome_stays(outcome) && !outcome->is_removed ? COUNT_DELAYED : COUNT_FAILED;
}

static void outcome_count(const struct settle *settle, const struct outcome *outcome)
{
	const struct settle_fate *fate = outcome->fate;
	enum count_result result = result_of(outcome);

	if (settle->counts == NULL)
		return;
	counts_add(settle->counts, &settle->count_tls, result);
	if (result != COUNT_RELAYED)
		counts_reason_add(settle->counts, result, fate->is_reply, fate->status);
}

static void status_log(struct log_line *line, const struct outcome *outcome)
{
	const struct settle_fate *fate = outcome->fate;
	const char *general = fate->fate == TRANSACTION_SENT ? "2.0.0"
			      : outcome_stays(outcome)	      ? "4.0.0"
							      : "5.0.0";

	log_line_text(line, ", Status: ");
	if (outcome->is_over)
		log_line_text(line, "4.4.7");
	else if (str_is_empty(fate->status))
		log_line_text(line, "%s", general);
	else
		log_line_word(line, fate->status);
	log_line_text(line, " ");
	log_line_phrase(line, fate->text);
}

static void outcome_log(const struct settle *settle, const struct outcome *outcome)
{
	struct log_line line;

	/* smtpd has written the line of a delivery here. */
	if (settle->is_local)
		return;
	log_line_begin(&line, settle->log, LOG_MAIL);
	log_line_text(&line, "Sent: Queue-ID: %.*s, Recipient: <",
		      STR_ARG(settle->load->entry.envelope.queue_id));
	log_line_word(&line, outcome->fate->recipient->address);
	log_line_text(&line, ">, Result: %s", count_result_name(result_of(outcome)));
	status_log(&line, outcome);
	log_line_text(&line, ", Remote-Host: ");
	log_line_word(&line, settle->host);
	if (!str_is_empty(settle->address))
		log_line_text(&line, " [%.*s]", STR_ARG(settle->address));
	log_line_text(&line, ", Msg-Id: <");
	log_line_word(&line, settle->load->entry.envelope.message_id);
	log_line_text(&line, ">");
	if (!str_is_empty(settle->tls))
		log_line_text(&line, ", TLS: %.*s", STR_ARG(settle->tls));
	if (!str_is_empty(settle->dkim))
		log_line_text(&line, ", DKIM: %.*s", STR_ARG(settle->dkim));
	if (settle->row != NULL && settle->row->widens) {
		log_line_text(&line, ", Widened-By: ");
		log_line_word(&line, settle->row->place.table);
	}
	log_line_end(&line);
}

/* ---- the whole ---- */

/* All that is settled together. */
struct settling {
	const struct settle *settle;
	struct outcome *outcomes;
	size_t count;
	struct settle_left *left;
};

static enum fault step_try(const struct settling *settling, bool has_notice,
			   enum dsn_action action)
{
	struct step *step = calloc(1, sizeof(*step));
	enum fault fault = FAULT_NONE;

	CHECK(step != NULL);
	for (size_t i = 0; i < settling->count; i++)
		if (is_in_step(&settling->outcomes[i], has_notice, action))
			step_add(step, settling->settle, &settling->outcomes[i],
				 settling->left->next_s);
	if (step->count > 0)
		fault = has_notice ? step_with_notice(settling->settle, step, action)
				   : step_store(settling->settle, step, NULL);
	free(step);
	return fault;
}

/* Writes the line, and notes who is left. */
static void outcome_settled(const struct settling *settling, struct outcome *outcome,
			    bool is_removed)
{
	struct settle_left *left = settling->left;

	outcome->is_removed = is_removed;
	outcome_log(settling->settle, outcome);
	outcome_count(settling->settle, outcome);
	outcome->fate->is_settled = true;
	if (outcome_stays(outcome) && !is_removed)
		left->recipients[left->count++] = outcome->fate->recipient->number;
}

/* Nothing of it is left, and nobody is told, as the order wants it. */
static void removed_tell(const struct settle *settle)
{
	/* It may have been stored when its answer was lost. */
	if (!settle->is_again)
		log_printf(settle->log, LOG_WARNING,
			   "queue: %.*s was removed while it was on its way; mail.log says what came "
			   "of that attempt, which was the last",
			   STR_ARG(settle->load->entry.envelope.queue_id));
}

static enum fault step_run(const struct settling *settling, bool has_notice,
			   enum dsn_action action)
{
	enum fault fault = step_try(settling, has_notice, action);
	bool is_removed = fault == FAULT_NOT_FOUND;

	if (is_removed)
		removed_tell(settling->settle);
	else if (fault != FAULT_NONE)
		return fault;
	for (size_t i = 0; i < settling->count; i++)
		if (is_in_step(&settling->outcomes[i], has_notice, action))
			outcome_settled(settling, &settling->outcomes[i], is_removed);
	return FAULT_NONE;
}

static enum fault steps_run(const struct settling *settling)
{
	enum fault fault = step_run(settling, false, DSN_FAILED);

	for (int action = 0; action < DSN_ACTION_COUNT && fault == FAULT_NONE; action++)
		fault = step_run(settling, true, (enum dsn_action)action);
	return fault;
}

static void not_stored(const struct settle *settle, enum fault fault)
{
	if (!settle->is_again)
		log_printf(settle->log, LOG_ERROR,
			   "queue: what became of %.*s cannot be stored (%s); that is tried until it "
			   "can, and the message is not sent again meanwhile",
			   STR_ARG(settle->load->entry.envelope.queue_id), fault_text(fault));
}

enum fault settle_run(const struct settle *settle, struct settle_fate *fates, size_t count,
		      struct settle_left *left)
{
	struct schedule schedule = schedule_of(&settle->config->queue);
	struct outcome *outcomes = calloc(count, sizeof(*outcomes));
	struct settling settling = {
		.settle = settle, .outcomes = outcomes, .count = count, .left = left};
	int64_t now_s = clock_real_s();

	CHECK(outcomes != NULL && count > 0 && count <= QUEUE_RECIPIENTS_MAX);
	left->next_s = schedule_next(&schedule, settle->load->entry.received_s,
				     fates[0].recipient->attempts + 1, now_s,
				     random_below(UINT32_MAX));
	for (size_t i = 0; i < count; i++)
		outcomes[i] = outcome_of(settle, &schedule, now_s, &fates[i]);
	enum fault fault = steps_run(&settling);
	if (fault != FAULT_NONE)
		not_stored(settle, fault);
	free(outcomes);
	return fault;
}
