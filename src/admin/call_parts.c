/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/call.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

enum { STREAM_READ_BYTES = 8 * 1024, STREAM_BEAT_MS = 15 * 1000 };

void call_stream_begin(struct call *call)
{
	struct msg_api_answered answered = {
		.status = 200, .content_type = STR("text/event-stream"), .is_stream = 1, .file = -1};

	role_peer_answer(call->peer, MSG_api_answered, call->id, &answered);
}

void call_part_send(struct admin *admin, struct call *call, struct str bytes, bool is_last)
{
	struct msg_api_part part = {.bytes = bytes, .is_last = is_last};

	role_peer_answer(call->peer, MSG_api_part, call->id, &part);
	call->wants_part = false;
	if (is_last)
		call_free(admin, call);
}

void call_follow_send(struct admin *admin, struct call *call)
{
	if (!call->wants_part)
		return;
	if (call->state == CALL_ENDING) {
		struct str piece = str_sub(buf_str(&call->rest), call->rest_sent, EVENTS_PART_MAX);
		call->rest_sent += piece.len;
		call_part_send(admin, call, piece, call->rest_sent == call->rest.len);
	} else if (call->latest.len > 0) {
		call_part_send(admin, call, buf_str(&call->latest), false);
		buf_reset(&call->latest);
	}
}

/* The answer's document, wherever it stands. */
static void document_append(struct buf *to, const struct answer *answer)
{
	if (answer->file < 0)
		buf_append_str(to, buf_str(&answer->body));
	else if (lseek(answer->file, 0, SEEK_SET) != 0 ||
		 fd_read_file(answer->file, to) != FAULT_NONE)
		buf_reset(to);
}

void call_follow_end(struct admin *admin, struct call *call, const struct answer *answer)
{
	struct buf document = BUF_INIT(CALL_REST_MAX);

	document_append(&document, answer);
	buf_append_str(&call->rest, buf_str(&call->latest));
	event_append_answer(&call->rest, answer->status,
			    document.len > 0 ? buf_str(&document) : STR("null"));
	buf_wipe(&document);
	CHECK(!call->rest.failed);
	errand_done(&call->errand);
	call_state_set(admin, call, CALL_ENDING);
	call_follow_send(admin, call);
}

/* ---- streams ---- */

/* The command has ended, or its time is up: then the client may ask again. */
static void stream_end(struct admin *admin, struct call *call, bool is_late)
{
	struct buf part = BUF_INIT(EVENTS_PART_MAX);
	struct answer answer;

	answer_init(&answer);
	if (is_late)
		event_append(&part, "again", STR("{}"));
	else {
		answer_ended(&answer, &call->errand, errand_reap(&call->errand));
		event_append(&part, answer.status == 200 ? "end" : "failure",
			     str_trim(buf_str(&answer.body)));
	}
	answer_done(&answer);
	call_part_send(admin, call, buf_str(&part), true);
	buf_done(&part);
}

static void stream_read(struct admin *admin, struct call *call)
{
	struct buf part = BUF_INIT(2 * EVENTS_PART_MAX);
	char bytes[STREAM_READ_BYTES];
	ssize_t got = read(call->errand.out_fd, bytes, sizeof(bytes));

	if (got == 0) {
		stream_end(admin, call, false);
		return;
	}
	if (got > 0)
		events_append(&part, &call->line, str_make(bytes, (size_t)got));
	CHECK(!part.failed);
	if (part.len > 0)
		call_part_send(admin, call, buf_str(&part), false);
	buf_done(&part);
}

void call_stream_look(struct admin *admin, struct call *call, bool is_readable, int64_t now_ms)
{
	if (!call->wants_part)
		return;
	if (is_readable)
		stream_read(admin, call);
	else if (now_ms >= call->errand.deadline_ms)
		stream_end(admin, call, true);
	else if (now_ms >= call->beat_ms)
		call_part_send(admin, call, STR(": \n\n"), false);
}

void calls_part_taken(struct admin *admin, const struct role_peer *peer, uint64_t id)
{
	list_each(node, next, &admin->calls) {
		struct call *call = list_entry(node, struct call, node);
		if (call->peer != peer || call->id != id ||
		    (!call->errand.is_stream && !call->is_followed))
			continue;
		call->wants_part = true;
		call->beat_ms = clock_mono_ms() + STREAM_BEAT_MS;
		if (call->is_followed)
			call_follow_send(admin, call);
		return;
	}
}

