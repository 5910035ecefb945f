/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the store role. Each has a transaction number; when the
 * connection breaks the same request is sent again under the same number, and
 * the role answers with the old result if it was committed after all.
 */
#include "base/clock.h"
#include "store/embedded.h"
#include "store/store_internal.h"

enum {
	SLOT_BITS = 8, /* REQUEST_SLOTS */
	ATTEMPTS_MAX = 8,
	OPERATION_BYTES_MAX = MESSAGE_MAX - 64,
};

static size_t slot_take(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	for (;;) {
		for (size_t slot = 0; slot < REQUEST_SLOTS; slot++) {
			if (store->is_slot_taken[slot])
				continue;
			store->is_slot_taken[slot] = true;
			store->serials[slot]++;
			pthread_mutex_unlock(&store->lock);
			return slot;
		}
		pthread_cond_wait(&store->slot_freed, &store->lock);
	}
}

static void slot_free(struct store *store, size_t slot)
{
	pthread_mutex_lock(&store->lock);
	store->is_slot_taken[slot] = false;
	pthread_cond_signal(&store->slot_freed);
	pthread_mutex_unlock(&store->lock);
}

static uint64_t transaction_make(const struct store *store, size_t slot)
{
	uint64_t serial = store->serials[slot] & ((UINT32_C(1) << TRANSACTION_SERIAL_BITS) - 1);

	return store->client << (SLOT_BITS + TRANSACTION_SERIAL_BITS) |
	       (uint64_t)slot << TRANSACTION_SERIAL_BITS | serial;
}

enum fault request_prepare(struct store *store, const struct operation *operation, int body,
			   struct request *request_out)
{
	struct buf text = BUF_INIT(OPERATION_BYTES_MAX);

	if (store->role == NULL)
		return FAULT_UNAVAILABLE;
	operation_encode(&text, operation);
	if (text.failed) {
		buf_done(&text);
		return FAULT_TOO_LARGE;
	}
	size_t slot = slot_take(store);
	*request_out = (struct request){.slot = slot,
					.text = text,
					.asked = {.transaction = transaction_make(store, slot),
						  .operation = buf_str(&text),
						  .body = body}};
	return FAULT_NONE;
}

void request_done(struct store *store, struct request *request)
{
	slot_free(store, request->slot);
	buf_done(&request->text);
}

enum fault request_answer_fault(const struct packet *answer)
{
	return answer->message.store_answered.fault < FAULT_COUNT
		       ? (enum fault)answer->message.store_answered.fault
		       : FAULT_IO;
}

enum fault request_call(struct store *store, const struct request *request, struct packet *answer)
{
	int64_t asked_ms = clock_mono_ms();
	int answer_ms = store->role->answer_ms;
	enum fault fault = FAULT_NONE;
	bool is_fate_unknown = false;

	for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
		fault = role_client_call(store->role, MSG_store_asked, &request->asked,
					 MSG_store_answered, answer);
		if (fault == FAULT_NONE)
			return request_answer_fault(answer);
		if (fault != FAULT_IO)
			break;
		is_fate_unknown = true;
		/* A role that hung until the time ran out is not waited for once more. */
		if (answer_ms != 0 && clock_mono_ms() - asked_ms >= answer_ms)
			break;
	}
	return is_fate_unknown ? FAULT_IO : fault;
}

enum fault request_send(struct store *store, const struct operation *operation, int body,
			struct packet *answer, struct str *result_out)
{
	struct request request;
	enum fault fault = request_prepare(store, operation, body, &request);

	if (fault != FAULT_NONE)
		return fault;
	packet_init(answer);
	fault = request_call(store, &request, answer);
	request_done(store, &request);
	if (fault != FAULT_NONE)
		packet_done(answer);
	else
		*result_out = answer->message.store_answered.result;
	return fault;
}

enum fault request_do(struct store *store, const struct operation *operation)
{
	struct packet answer;
	struct str result;
	enum fault fault = request_send(store, operation, -1, &answer, &result);

	if (fault == FAULT_NONE)
		packet_done(&answer);
	return fault;
}
