/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on what is remembered of other servers' mailboxes. */
#include "store/fetched_record.h"
#include "store/operation.h"
#include "store/records.h"

/* The account comes into being with its first record. */
static enum fault step_keep(struct batch *batch)
{
	struct account_record account;

	enum fault fault = account_load(batch, ACCOUNT_FETCHED, &account);
	if (fault == FAULT_NOT_FOUND)
		account = (struct account_record){.next_message = 1};
	else if (fault != FAULT_NONE)
		return fault;
	account_keep_step(batch, ACCOUNT_FETCHED, &account);
	return FAULT_NONE;
}

static void message_remember(struct batch *batch, struct str source, const struct fetched *fetched)
{
	struct key key;

	key_fetched(&key, source, fetched->uidl);
	if (fetched->state == 0) {
		batch_delete(batch, key_str(&key));
		return;
	}
	buf_reset(&batch->scratch);
	fetched_put(&batch->scratch, fetched);
	batch_put(batch, &key, buf_str(&batch->scratch));
}

/* True when the message is here already. */
static enum fault stored_check(struct batch *batch, const struct fetched_new *new)
{
	struct fetched fetched;
	struct key key;
	struct str value;

	key_fetched(&key, new->source, new->uidl);
	if (!batch_get(batch, &key, &value))
		return FAULT_NONE;
	enum fault fault = fetched_take(new->uidl, value, &fetched);
	if (fault != FAULT_NONE)
		return fault;
	return fetched.state == FETCHED_STORED ? FAULT_EXISTS : FAULT_NONE;
}

enum fault fetched_add(struct execution *run, struct str text, int64_t at_s)
{
	struct cursor from = cursor_make(text);
	struct fetched_new new;

	fetched_new_take(&from, &new);
	if (!cursor_is_done(&from))
		return FAULT_INVALID;
	enum fault fault = stored_check(run->batch, &new);
	if (fault != FAULT_NONE)
		return fault;
	message_remember(
		run->batch, new.source,
		&(struct fetched){.uidl = new.uidl, .state = FETCHED_STORED, .at_s = at_s});
	return step_keep(run->batch);
}

enum fault execute_fetched_change(struct execution *run, const struct op_fetched_change *op)
{
	struct cursor from = cursor_make(op->messages);
	struct key key;

	if (op->source.len != FETCHED_SOURCE_BYTES || op->run.len > FETCHED_RUN_MAX)
		return FAULT_INVALID;
	while (cursor_left(&from) > 0) {
		struct fetched fetched;
		fetched_change_take(&from, &fetched);
		if (from.failed)
			return FAULT_INVALID;
		message_remember(run->batch, op->source, &fetched);
	}
	if (from.failed)
		return FAULT_INVALID;
	if (!str_is_empty(op->run)) {
		key_fetched_run(&key, op->source);
		batch_put(run->batch, &key, op->run);
	}
	return step_keep(run->batch);
}
