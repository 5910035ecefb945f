/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All requests go through one channel, whose order the store role keeps. When
 * it breaks, what is unanswered is asked again, one after the other, under the
 * old transaction numbers: nothing is lost, nothing stored twice, and the
 * order stays.
 */
#include "store/mail_stream.h"

#include <stdlib.h>

#include "store/store_internal.h"

enum { WINDOW = 64 };

static const uint64_t WINDOW_BYTES = UINT64_C(32) << 20;

struct sent {
	struct append_request append;
	uint64_t index;
	uint64_t bytes;
};

struct mail_stream {
	struct store *store;
	struct channel channel;
	struct sent sent[WINDOW]; /* a ring: `count` from `first` on */
	size_t first;
	size_t count;
	uint64_t bytes; /* of those */
	uint64_t next_index;
	struct mail_stream_result result;
	struct packet answer;
};

struct mail_stream *mail_stream_new(struct store *store)
{
	struct mail_stream *stream = calloc(1, sizeof(*stream));

	CHECK(stream != NULL);
	stream->store = store;
	stream->channel.fd = -1;
	packet_init(&stream->answer);
	return stream;
}

static void fault_note(struct mail_stream *stream, uint64_t index, enum fault fault)
{
	if (stream->result.fault != FAULT_NONE)
		return;
	stream->result.fault = fault;
	stream->result.failed_index = index;
}

/* The first of the ring is decided: `fault`, or what the answer's result says. */
static void first_settle(struct mail_stream *stream, enum fault fault)
{
	struct sent *sent = &stream->sent[stream->first];
	struct mail_target target = {0};
	struct mail_append append = {.targets = &target, .target_count = 1};

	if (fault == FAULT_NONE)
		fault = append_result_take(stream->answer.message.store_answered.result, &append);
	if (fault == FAULT_NONE)
		stream->result.stored++;
	else
		fault_note(stream, sent->index, fault);
	append_request_done(stream->store, &sent->append);
	stream->bytes -= sent->bytes;
	stream->first = (stream->first + 1) % WINDOW;
	stream->count--;
}

/* The channel broke: asks again until every fate is known. */
static void channel_recover(struct mail_stream *stream)
{
	channel_close(&stream->channel);
	while (stream->count > 0)
		first_settle(stream, request_call(stream->store,
						  &stream->sent[stream->first].append.request,
						  &stream->answer));
}

static void first_await(struct mail_stream *stream)
{
	if (channel_receive(&stream->channel, &stream->answer) != FAULT_NONE ||
	    stream->answer.header.kind != MSG_store_answered ||
	    stream->answer.header.id != stream->sent[stream->first].index)
		channel_recover(stream);
	else
		first_settle(stream, request_answer_fault(&stream->answer));
}

static void last_send(struct mail_stream *stream)
{
	const struct sent *last = &stream->sent[(stream->first + stream->count - 1) % WINDOW];
	enum fault fault = FAULT_NONE;

	if (stream->channel.fd < 0)
		fault = role_client_open(stream->store->role, &stream->channel);
	if (fault == FAULT_NONE)
		fault = channel_send(&stream->channel, MSG_store_asked, last->index,
				     &last->append.request.asked);
	if (fault != FAULT_NONE)
		channel_recover(stream);
}

enum fault mail_stream_append(struct mail_stream *stream, const struct mail_append *append)
{
	CHECK(append->target_count == 1 && append->body.fd < 0);
	while (stream->count == WINDOW ||
	       (stream->count > 0 && stream->bytes + append->body.bytes.len > WINDOW_BYTES))
		first_await(stream);
	if (stream->result.fault != FAULT_NONE)
		return stream->result.fault;
	struct sent *sent = &stream->sent[(stream->first + stream->count) % WINDOW];
	sent->index = stream->next_index++;
	sent->bytes = append->body.bytes.len;
	enum fault fault = append_request_prepare(stream->store, append, &sent->append);
	if (fault != FAULT_NONE) {
		append_request_done(stream->store, &sent->append);
		fault_note(stream, sent->index, fault);
		return fault;
	}
	stream->count++;
	stream->bytes += sent->bytes;
	last_send(stream);
	return FAULT_NONE;
}

void mail_stream_end(struct mail_stream **stream, struct mail_stream_result *result_out)
{
	struct mail_stream *ended = *stream;

	*stream = NULL;
	while (ended->count > 0)
		first_await(ended);
	*result_out = ended->result;
	channel_close(&ended->channel);
	packet_done(&ended->answer);
	free(ended);
}
