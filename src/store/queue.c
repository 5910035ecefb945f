/* SPDX-License-Identifier: Apache-2.0 */
#include "store/queue.h"

#include "base/clock.h"
#include "store/queue_record.h"
#include "store/store_internal.h"
#include "store/wire.h"

/* ---- reading ---- */

bool queue_next(struct view *view, uint64_t after, struct queue_entry *entry_out)
{
	struct key from;
	struct str key;
	struct str value;

	if (after == UINT64_MAX)
		return false;
	key_queue_entry(&from, after + 1);
	return map_seek(view_map(view), key_str(&from), &key, &value) &&
	       key_is_beside(key, &from, KIND_PREFIX_BYTES) &&
	       key.len == KIND_PREFIX_BYTES + sizeof(uint64_t) &&
	       queue_entry_take(wire_load_u64(key.ptr + KIND_PREFIX_BYTES), value, entry_out) ==
		       FAULT_NONE;
}

enum fault queue_get(struct view *view, uint64_t number, struct queue_entry *entry_out)
{
	struct key key;
	struct str value;

	key_queue_entry(&key, number);
	if (!map_get(view_map(view), key_str(&key), &value))
		return view_map(view)->fault != FAULT_NONE ? view_map(view)->fault
							   : FAULT_NOT_FOUND;
	return queue_entry_take(number, value, entry_out);
}

bool queue_recipient_next(struct view *view, uint64_t entry, uint32_t from_number,
			  struct queue_recipient *recipient_out)
{
	enum { PREFIX_BYTES = KIND_PREFIX_BYTES + sizeof(uint64_t) };
	struct key from;
	struct str key;
	struct str value;

	key_queue_recipient(&from, entry, from_number);
	return map_seek(view_map(view), key_str(&from), &key, &value) &&
	       key_is_beside(key, &from, PREFIX_BYTES) &&
	       key.len == PREFIX_BYTES + sizeof(uint32_t) &&
	       queue_recipient_take(wire_load_u32(key.ptr + PREFIX_BYTES), value, recipient_out) ==
		       FAULT_NONE;
}

/* ---- changing ---- */

enum fault queue_lease_take(struct store *store, uint64_t owner, uint32_t seconds,
			    uint64_t *epoch_out)
{
	struct operation operation = {.kind = OP_lease_take,
				      .lease_take = {.account = ACCOUNT_QUEUE,
						     .name = QUEUE_LEASE,
						     .owner = owner,
						     .now_s = (uint64_t)clock_real_s(),
						     .seconds = seconds}};
	struct packet answer;
	struct str result;

	enum fault fault = request_send(store, &operation, -1, &answer, &result);
	if (fault != FAULT_NONE)
		return fault;
	struct cursor from = cursor_make(result);
	*epoch_out = cursor_u64(&from);
	packet_done(&answer);
	return cursor_is_done(&from) ? FAULT_NONE : FAULT_IO;
}

enum fault queue_lease_release(struct store *store, uint64_t owner)
{
	struct operation operation = {
		.kind = OP_lease_release,
		.lease_release = {.account = ACCOUNT_QUEUE, .name = QUEUE_LEASE, .owner = owner}};

	return request_do(store, &operation);
}

enum fault queue_settle(struct store *store, struct queue_settle *settle)
{
	struct append_request request;
	struct packet answer;

	packet_init(&answer);
	enum fault fault = settle_request_prepare(store, settle, &request);
	if (fault == FAULT_NONE)
		fault = request_call(store, &request.request, &answer);
	if (fault == FAULT_NONE && settle->notice != NULL)
		fault = append_result_take(answer.message.store_answered.result, settle->notice);
	append_request_done(store, &request);
	packet_done(&answer);
	return fault;
}

enum fault queue_order(struct store *store, const uint64_t *entries, size_t count,
		       enum queue_order order, size_t *done_out)
{
	CLEANUP_BUF struct buf numbers = BUF_INIT(QUEUE_ORDER_MAX * sizeof(uint64_t));
	struct packet answer;
	struct str result;

	CHECK(count <= QUEUE_ORDER_MAX);
	for (size_t i = 0; i < count; i++)
		wire_put_u64(&numbers, entries[i]);
	struct operation operation = {.kind = OP_queue_order,
				      .queue_order = {.entries = buf_str(&numbers),
						      .order = order,
						      .now_s = (uint64_t)clock_real_s()}};
	enum fault fault = request_send(store, &operation, -1, &answer, &result);
	if (fault != FAULT_NONE)
		return fault;
	struct cursor from = cursor_make(result);
	*done_out = cursor_u32(&from);
	packet_done(&answer);
	return cursor_is_done(&from) ? FAULT_NONE : FAULT_IO;
}
