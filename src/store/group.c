/* SPDX-License-Identifier: Apache-2.0 */
#include "store/group.h"

#include <sys/stat.h>

#include "ipc/message.h"

enum {
	RESULT_MAX = MESSAGE_MAX - 1024,
	RETRIES_MAX = 32, /* each makes the map twice as large */
};

void group_item_init(struct group_item *item, uint64_t transaction, struct str text, int body)
{
	*item = (struct group_item){.transaction = transaction,
				    .text = text,
				    .body = body,
				    .result = BUF_INIT(RESULT_MAX)};
}

void group_item_done(struct group_item *item)
{
	buf_done(&item->result);
}

/* The blob that an append brings along; FAULT_INVALID for a descriptor that is no file. */
static enum fault blob_describe(const struct group_item *item, const struct operation *operation,
				struct backend_blob *blob_out)
{
	const struct str *body = operation_body(operation);
	struct stat status;

	*blob_out = (struct backend_blob){.fd = -1};
	if (body == NULL)
		return item->body < 0 ? FAULT_NONE : FAULT_INVALID;
	blob_out->bytes = *body;
	blob_out->length = blob_out->bytes.len;
	if (item->body < 0)
		return blob_out->length <= MESSAGE_INLINE_MAX ? FAULT_NONE : FAULT_TOO_LARGE;
	if (blob_out->length > 0)
		return FAULT_INVALID;
	if (item->staged != NULL) {
		blob_out->staged = item->staged;
		blob_out->length = item->staged->length;
		return FAULT_NONE;
	}
	if (fstat(item->body, &status) != 0 || !S_ISREG(status.st_mode))
		return FAULT_INVALID;
	blob_out->fd = item->body;
	blob_out->length = (uint64_t)status.st_size;
	return FAULT_NONE;
}

/* True when the batch keeps the blob of its own request. */
static bool blob_is_held(const struct batch *batch, uint64_t number)
{
	for (size_t i = 0; i < batch->hold_count; i++)
		if (batch->holds[i].blob == number && batch->holds[i].delta > 0)
			return true;
	return false;
}

/* Executes an operation and adds it to the group; returns only faults that spoil the group. */
static enum fault operation_apply(struct backend *backend, struct group_item *item,
				  const struct operation *operation, struct backend_blob *blob)
{
	struct batch batch;
	enum fault fault = FAULT_NONE;

	blob->number = backend->ops->blob_next(backend);
	batch_init(&batch, backend->ops->group_map(backend));
	struct execution run = {.batch = &batch,
				.result = &item->result,
				.blob = blob->number,
				.body_bytes = blob->length};
	item->fault = operation_execute(&run, operation);
	if (item->fault == FAULT_NONE && !batch_is_empty(&batch)) {
		bool has_blob = blob_is_held(&batch, blob->number);
		item->is_staged_named = has_blob;
		fault = backend->ops->apply(backend, &batch, has_blob ? blob : NULL,
					    item->transaction, buf_str(&item->result));
	}
	batch_done(&batch);
	return fault;
}

static enum fault item_run(struct backend *backend, struct group_item *item)
{
	struct operation operation;
	struct backend_blob blob;
	struct str result;

	buf_reset(&item->result);
	item->fault = FAULT_NONE;
	item->is_staged_named = false;
	if (backend->ops->transaction_find(backend, item->transaction, &result)) {
		buf_append_str(&item->result, result);
		return FAULT_NONE;
	}
	item->fault = operation_decode(item->text, &operation);
	if (item->fault == FAULT_NONE)
		item->fault = blob_describe(item, &operation, &blob);
	if (item->fault != FAULT_NONE)
		return FAULT_NONE;
	return operation_apply(backend, item, &operation, &blob);
}

static enum fault items_run(struct backend *backend, struct group_item **items, size_t count)
{
	enum fault fault = backend->ops->group_begin(backend);

	for (size_t i = 0; fault == FAULT_NONE && i < count; i++)
		fault = item_run(backend, items[i]);
	return fault == FAULT_NONE ? backend->ops->group_commit(backend) : fault;
}

/* Runs the items as one group, again when the cause of a fault could be removed. */
static enum fault items_commit(struct backend *backend, struct group_item **items, size_t count)
{
	enum fault fault = FAULT_NONE;

	for (int attempt = 0; attempt < RETRIES_MAX; attempt++) {
		fault = items_run(backend, items, count);
		if (fault == FAULT_NONE || !backend->ops->group_abort(backend))
			break;
	}
	return fault;
}

void group_commit(struct backend *backend, struct group_item **items, size_t count)
{
	enum fault fault = items_commit(backend, items, count);

	if (fault == FAULT_NONE)
		return;
	/* Each alone, so that only those fail that cannot be done. */
	for (size_t i = 0; i < count; i++) {
		if (count > 1)
			fault = items_commit(backend, &items[i], 1);
		if (fault != FAULT_NONE) {
			buf_reset(&items[i]->result);
			items[i]->fault = fault;
			/* Whether an I/O error came before or after the commit is not known. */
			items[i]->is_staged_named &= fault == FAULT_IO;
		}
	}
}
