/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of messages: requests to the store role and their results. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "store/fetched_record.h"
#include "store/queue_record.h"
#include "store/store_internal.h"
#include "store/wire.h"

enum { TEXTS_MAX = MESSAGE_MAX };

/* Takes a set out of a result. */
static void take_set(struct cursor *from, struct uid_set *set)
{
	if (wire_take_set(wire_take_text(from), set) != FAULT_NONE)
		cursor_fail(from);
}

/* ---- append ---- */

static void targets_put(struct buf *to, const struct mail_append *append)
{
	for (size_t i = 0; i < append->target_count; i++) {
		wire_put_u64(to, append->targets[i].account);
		wire_put_u32(to, append->targets[i].mailbox);
		wire_put_text(to, append->targets[i].prefix);
	}
}

static void targets_fail(struct mail_append *append, enum fault fault)
{
	for (size_t i = 0; i < append->target_count; i++)
		append->targets[i].fault = fault;
}

enum fault append_result_take(struct str result, struct mail_append *append)
{
	struct cursor from = cursor_make(result);

	for (size_t i = 0; i < append->target_count; i++) {
		struct mail_target *target = &append->targets[i];
		uint32_t fault = cursor_u32(&from);
		target->fault = fault < FAULT_COUNT ? (enum fault)fault : FAULT_IO;
		target->uid = cursor_u32(&from);
		target->uidvalidity = cursor_u32(&from);
	}
	return cursor_is_done(&from) ? FAULT_NONE : FAULT_IO;
}

/* Puts bytes that are too many for a message into a memory file. */
static enum fault body_spill(struct str bytes, int *fd_out)
{
	int fd = memfd_create("mail", MFD_CLOEXEC);

	if (fd < 0)
		return fault_from_errno(errno);
	if (!fd_write_all(fd, bytes.ptr, bytes.len)) {
		enum fault fault = fault_from_errno(errno);
		fd_close(&fd);
		return fault;
	}
	*fd_out = fd;
	return FAULT_NONE;
}

/* The lists of an append, encoded. */
struct append_texts {
	struct buf keywords;
	struct buf targets;
	struct buf queue;
	struct buf fetched;
};

static enum fault append_texts_make(const struct mail_append *append, struct append_texts *texts)
{
	*texts = (struct append_texts){.keywords = BUF_INIT(TEXTS_MAX),
				       .targets = BUF_INIT(TEXTS_MAX),
				       .queue = BUF_INIT(TEXTS_MAX),
				       .fetched = BUF_INIT(TEXTS_MAX)};
	wire_put_texts(&texts->keywords, append->keywords, append->keyword_count);
	targets_put(&texts->targets, append);
	if (append->queue != NULL)
		queue_new_put(&texts->queue, append->queue);
	if (append->fetched != NULL)
		fetched_new_put(&texts->fetched, append->fetched);
	bool is_too_large = texts->keywords.failed || texts->targets.failed ||
			    texts->queue.failed || append->target_count > MAIL_TARGETS_MAX;
	return is_too_large ? FAULT_TOO_LARGE : FAULT_NONE;
}

static void append_texts_done(struct append_texts *texts)
{
	buf_done(&texts->keywords);
	buf_done(&texts->targets);
	buf_done(&texts->queue);
	buf_done(&texts->fetched);
}

/*
 * Gives the body inline, or as a descriptor: beside many targets even a small one may
 * be too much for a packet. An empty one has no file.
 */
static enum fault body_place(const struct mail_append *append, size_t others,
			     struct append_request *out, struct str *inline_out, int *fd_out)
{
	size_t len = append->body.bytes.len;

	*fd_out = append->body.fd;
	if (append->body.fd >= 0)
		return FAULT_NONE;
	if (len <= MESSAGE_INLINE_MAX && len + others <= MESSAGE_MAX - 1024) {
		*inline_out = append->body.bytes;
		return FAULT_NONE;
	}
	enum fault fault = body_spill(append->body.bytes, &out->spilled);
	*fd_out = out->spilled;
	return fault;
}

static enum fault append_encode(struct store *store, const struct mail_append *append,
				const struct append_texts *texts, struct append_request *out)
{
	struct operation operation = {
		.kind = OP_mail_append,
		.mail_append = {.flags = append->flags,
				.keywords = buf_str(&texts->keywords),
				.received_s = (uint64_t)append->received_s,
				.is_partial = append->is_partial,
				.summary = append->summary,
				.targets = buf_str(&texts->targets),
				.queue = buf_str(&texts->queue),
				.fetched = buf_str(&texts->fetched)}};
	size_t others = texts->keywords.len + texts->targets.len + texts->queue.len +
			texts->fetched.len + append->summary.len;
	int body;

	enum fault fault = body_place(append, others, out, &operation.mail_append.body, &body);
	return fault == FAULT_NONE ? request_prepare(store, &operation, body, &out->request)
				   : fault;
}

enum fault append_request_prepare(struct store *store, const struct mail_append *append,
				  struct append_request *out)
{
	struct append_texts texts;

	CHECK(append->target_count > 0 || append->queue != NULL);
	*out = (struct append_request){.spilled = -1};
	enum fault fault = append_texts_make(append, &texts);
	if (fault == FAULT_NONE)
		fault = append_encode(store, append, &texts, out);
	out->is_prepared = fault == FAULT_NONE;
	append_texts_done(&texts);
	return fault;
}

static enum fault settle_encode(struct store *store, const struct queue_settle *settle,
				const struct mail_append *notice, const struct append_texts *texts,
				struct append_request *out)
{
	struct buf outcomes = BUF_INIT(TEXTS_MAX);
	struct operation operation = {.kind = OP_queue_settle,
				      .queue_settle = {.entry = settle->entry,
						       .owner = settle->owner,
						       .epoch = settle->epoch,
						       .received_s = (uint64_t)notice->received_s,
						       .summary = notice->summary,
						       .targets = buf_str(&texts->targets),
						       .queue = buf_str(&texts->queue)}};
	int body = -1;

	for (size_t i = 0; i < settle->outcome_count; i++)
		queue_outcome_put(&outcomes, &settle->outcomes[i]);
	operation.queue_settle.outcomes = buf_str(&outcomes);
	size_t others = outcomes.len + texts->targets.len + texts->queue.len + notice->summary.len;
	enum fault fault = outcomes.failed ? FAULT_TOO_LARGE
					   : body_place(notice, others, out,
							&operation.queue_settle.body, &body);
	if (fault == FAULT_NONE)
		fault = request_prepare(store, &operation, body, &out->request);
	buf_done(&outcomes);
	return fault;
}

enum fault settle_request_prepare(struct store *store, const struct queue_settle *settle,
				  struct append_request *out)
{
	static const struct mail_append no_notice = {.body = {.fd = -1}};
	const struct mail_append *notice = settle->notice != NULL ? settle->notice : &no_notice;
	struct append_texts texts;

	*out = (struct append_request){.spilled = -1};
	enum fault fault = append_texts_make(notice, &texts);
	if (fault == FAULT_NONE)
		fault = settle_encode(store, settle, notice, &texts, out);
	out->is_prepared = fault == FAULT_NONE;
	append_texts_done(&texts);
	return fault;
}

void append_request_done(struct store *store, struct append_request *request)
{
	if (request->is_prepared)
		request_done(store, &request->request);
	request->is_prepared = false;
	fd_close(&request->spilled);
}

enum fault mail_append(struct store *store, struct mail_append *append)
{
	struct append_request request;
	struct packet answer;

	packet_init(&answer);
	enum fault fault = append_request_prepare(store, append, &request);
	if (fault == FAULT_NONE)
		fault = request_call(store, &request.request, &answer);
	if (fault == FAULT_NONE)
		fault = append_result_take(answer.message.store_answered.result, append);
	else
		targets_fail(append, fault);
	append_request_done(store, &request);
	packet_done(&answer);
	return fault;
}

/* ---- sets of UIDs ---- */

/*
 * Appends the part of a set that lies at or behind `from_uid`, as long as it fits; false when
 * nothing is left.
 */
static bool set_put_from(struct buf *to, const struct uid_set *set, uint32_t from_uid)
{
	enum { RANGES_MAX = 8192 };
	CLEANUP_UID_SET struct uid_set part = {0};

	for (size_t i = 0; i < set->count && part.count < RANGES_MAX; i++) {
		struct uid_range range = set->ranges[i];
		if (range.last < from_uid)
			continue;
		uid_set_collect(&part, range.first < from_uid ? from_uid : range.first, range.last);
	}
	wire_put_set(to, &part);
	return part.count > 0;
}

/* The last UID of the part that set_put_from put. */
static uint32_t set_part_last(struct str part)
{
	CLEANUP_UID_SET struct uid_set set = {0};

	return wire_take_set(part, &set) == FAULT_NONE && set.count > 0
		       ? set.ranges[set.count - 1].last
		       : UINT32_MAX;
}

/* Where the next step begins: 0 when the part, and with it the set, is done. */
static uint32_t step_next(const struct uid_set *set, struct str part, uint32_t go_on)
{
	uint32_t last = set_part_last(part);

	if (go_on != 0)
		return go_on;
	return last < set->ranges[set->count - 1].last ? last + 1 : 0;
}

static enum fault flags_step(struct store *store, const struct op_mail_flags *op,
			     struct mail_flags_change *change, uint32_t *go_on_out)
{
	struct operation operation = {.kind = OP_mail_flags, .mail_flags = *op};
	struct packet answer;
	struct str result;

	enum fault fault = request_send(store, &operation, -1, &answer, &result);
	if (fault != FAULT_NONE)
		return fault;
	struct cursor from = cursor_make(result);
	*go_on_out = cursor_u32(&from);
	uint64_t modseq = cursor_u64(&from);
	take_set(&from, &change->changed);
	take_set(&from, &change->modified);
	if (modseq != 0)
		change->modseq = modseq;
	packet_done(&answer);
	return cursor_is_done(&from) ? FAULT_NONE : FAULT_IO;
}

enum fault mail_flags_change(struct store *store, uint64_t account, uint32_t mailbox,
			     const struct uid_set *set, struct mail_flags_change *change)
{
	struct buf keywords = BUF_INIT(TEXTS_MAX);
	struct buf part = BUF_INIT(TEXTS_MAX);
	uint32_t from_uid = 1;
	enum fault fault = FAULT_NONE;

	wire_put_texts(&keywords, change->keywords, change->keyword_count);
	change->modseq = 0;
	while (fault == FAULT_NONE && from_uid != 0 && set_put_from(&part, set, from_uid)) {
		struct op_mail_flags op = {.account = account,
					   .mailbox = mailbox,
					   .mode = change->mode,
					   .flags = change->flags,
					   .keywords = buf_str(&keywords),
					   .unchanged_since = change->unchanged_since,
					   .set = buf_str(&part)};
		uint32_t go_on = 0;
		fault = keywords.failed ? FAULT_TOO_LARGE : flags_step(store, &op, change, &go_on);
		from_uid = step_next(set, buf_str(&part), go_on);
		buf_reset(&part);
	}
	buf_done(&keywords);
	buf_done(&part);
	return fault;
}

static enum fault expunge_step(struct store *store, const struct op_mail_expunge *op,
			       struct uid_set *expunged, uint32_t *go_on_out)
{
	struct operation operation = {.kind = OP_mail_expunge, .mail_expunge = *op};
	struct packet answer;
	struct str result;

	enum fault fault = request_send(store, &operation, -1, &answer, &result);
	if (fault != FAULT_NONE)
		return fault;
	struct cursor from = cursor_make(result);
	*go_on_out = cursor_u32(&from);
	take_set(&from, expunged);
	packet_done(&answer);
	return cursor_is_done(&from) ? FAULT_NONE : FAULT_IO;
}

enum fault mail_expunge(struct store *store, uint64_t account, uint32_t mailbox,
			const struct uid_set *set, bool only_deleted, struct uid_set *expunged_out)
{
	struct buf part = BUF_INIT(TEXTS_MAX);
	uint32_t from_uid = 1;
	enum fault fault = FAULT_NONE;

	while (fault == FAULT_NONE && from_uid != 0 && set_put_from(&part, set, from_uid)) {
		struct op_mail_expunge op = {.account = account,
					     .mailbox = mailbox,
					     .only_deleted = only_deleted,
					     .set = buf_str(&part)};
		uint32_t go_on = 0;
		fault = expunge_step(store, &op, expunged_out, &go_on);
		from_uid = step_next(set, buf_str(&part), go_on);
		buf_reset(&part);
	}
	buf_done(&part);
	return fault;
}

/* ---- copy and move ---- */

static enum fault copy_ask(struct store *store, const struct op_mail_copy *op,
			   struct mail_copied *copied_out)
{
	struct operation operation = {.kind = OP_mail_copy, .mail_copy = *op};
	struct mail_copied copied = {0};
	struct packet answer;
	struct str result;

	enum fault fault = request_send(store, &operation, -1, &answer, &result);
	if (fault != FAULT_NONE)
		return fault;
	struct cursor from = cursor_make(result);
	copied.uidvalidity = cursor_u32(&from);
	copied.first_uid = cursor_u32(&from);
	take_set(&from, &copied.from);
	packet_done(&answer);
	if (!cursor_is_done(&from)) {
		uid_set_done(&copied.from);
		return FAULT_IO;
	}
	*copied_out = copied;
	return FAULT_NONE;
}

static enum fault copy_or_move(struct store *store, struct op_mail_copy *op,
			       const struct uid_set *set, struct mail_copied *copied_out)
{
	struct buf text = BUF_INIT(TEXTS_MAX);

	wire_put_set(&text, set);
	op->set = buf_str(&text);
	enum fault fault = text.failed ? FAULT_TOO_LARGE : copy_ask(store, op, copied_out);
	buf_done(&text);
	return fault;
}

enum fault mail_copy(struct store *store, uint64_t account, uint32_t mailbox,
		     const struct uid_set *set, uint32_t to_mailbox, struct mail_copied *copied_out)
{
	struct op_mail_copy op = {.account = account, .mailbox = mailbox, .to_mailbox = to_mailbox};

	return copy_or_move(store, &op, set, copied_out);
}

enum fault mail_move(struct store *store, uint64_t account, uint32_t mailbox,
		     const struct uid_set *set, uint32_t to_mailbox, struct mail_copied *copied_out)
{
	struct op_mail_copy op = {
		.account = account, .mailbox = mailbox, .to_mailbox = to_mailbox, .is_move = 1};

	return copy_or_move(store, &op, set, copied_out);
}

enum fault mail_summary_keep(struct store *store, uint64_t account, uint64_t message,
			     struct str summary)
{
	struct operation operation = {
		.kind = OP_summary_keep,
		.summary_keep = {.account = account, .message = message, .summary = summary}};

	return request_do(store, &operation);
}
