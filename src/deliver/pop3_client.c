/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/pop3_client.h"

#include "base/log.h"

enum { INPUT_MAX = 32 * 1024, REPLY_SHOWN = 256 };

_Static_assert(INPUT_MAX > POP3_REPLY_MAX + 3 * POP3_REPLY_LINE_MAX, "an answer has to fit");

/* What a stage waits for, as failures name it. */
static const char *const awaited_texts[] = {
	[POP3_CLIENT_TLS_FIRST] = "its part of the handshake",
	[POP3_CLIENT_GREETING] = "its greeting",
	[POP3_CLIENT_CAPA] = "its answer to CAPA",
	[POP3_CLIENT_STLS] = "its answer to STLS",
	[POP3_CLIENT_TLS] = "its part of the handshake",
	[POP3_CLIENT_OPEN] = "its answer",
};

static void stage_set(struct pop3_client *client, enum pop3_client_stage stage)
{
	client->stage = stage;
}

void pop3_client_init(struct pop3_client *client, const struct pop3_client_parts *parts)
{
	struct outbound_parts outbound = parts->outbound;

	*client = (struct pop3_client){.stage = POP3_CLIENT_GREETING};
	outbound.input_max = INPUT_MAX;
	outbound_init(&client->outbound, &outbound);
	outbound_expect(&client->outbound, POP3_CLIENT_ANSWER_MS);
	if (parts->is_implicit && outbound_tls_begin(&client->outbound))
		stage_set(client, POP3_CLIENT_TLS_FIRST);
}

void pop3_client_done(struct pop3_client *client)
{
	outbound_done(&client->outbound);
}

static const char *awaited_text(const struct pop3_client *client)
{
	return client->is_long ? "the rest of its answer" : awaited_texts[client->stage];
}

void pop3_client_expire(struct pop3_client *client)
{
	outbound_expire(&client->outbound, awaited_text(client));
}

/* ---- commands ---- */

static void command_send(struct pop3_client *client, struct str command, bool has_list)
{
	struct buf *out = stream_output(&client->outbound.stream);

	buf_append_str(out, command);
	buf_append_c(out, "\r\n");
	client->has_list = has_list;
	outbound_expect(&client->outbound, POP3_CLIENT_ANSWER_MS);
}

void pop3_client_say(struct pop3_client *client, struct str command, bool has_list)
{
	CHECK(client->stage == POP3_CLIENT_OPEN && !client->is_awaited && !client->is_long);
	/* One line is one command: whatever is in it, no second one is smuggled along. */
	CHECK(str_find_char(command, '\n') == STR_NONE && str_find_char(command, '\r') == STR_NONE);
	client->is_awaited = true;
	command_send(client, command, has_list);
}

void pop3_client_say_long(struct pop3_client *client, struct str command, uint32_t bytes_per_s)
{
	pop3_client_say(client, command, false);
	client->wants_long = true;
	client->bytes_per_s = bytes_per_s;
}

void pop3_client_take(struct pop3_client *client, size_t len, bool is_end)
{
	struct stream *stream = &client->outbound.stream;

	CHECK(client->is_long && len <= client->bytes.len);
	stream_consume(stream, len);
	client->bytes = str_make(NULL, 0);
	client->bytes_seen = stream_input(stream).len;
	if (!is_end)
		return;
	client->is_long = false;
	stream_bulk_end(stream);
}

static void capa_send(struct pop3_client *client)
{
	stage_set(client, POP3_CLIENT_CAPA);
	command_send(client, STR("CAPA"), true);
}

/* ---- answers of the opening ---- */

/* What comes next once the server has named what it can, or has no CAPA. */
static void capabilities_known(struct pop3_client *client)
{
	bool is_offered = pop3_capabilities_has(client->capabilities, POP3_CAPABILITY_STLS);

	if (client->outbound.tls == NULL)
		client->offered_stls = is_offered;
	switch (outbound_upgrade_choose(&client->outbound, is_offered, "STLS")) {
	case OUTBOUND_STAY:
		stage_set(client, POP3_CLIENT_OPEN);
		break;
	case OUTBOUND_UPGRADE:
		stage_set(client, POP3_CLIENT_STLS);
		command_send(client, STR("STLS"), false);
		break;
	case OUTBOUND_LEAVE:
		break;
	}
}

static void greeting_take(struct pop3_client *client)
{
	if (client->reply.is_ok) {
		capa_send(client);
		return;
	}
	outbound_fail(&client->outbound, OUTBOUND_REFUSED, "answered the connection with -ERR ");
	text_append_phrase(&client->outbound.why, str_sub(client->reply.text, 0, REPLY_SHOWN));
}

static void stls_take(struct pop3_client *client)
{
	struct buf how = BUF_INIT(4096);

	if (client->reply.is_ok) {
		/* What stands behind the answer in the buffer is looked at there. */
		stream_consume(&client->outbound.stream, client->reply_len);
		client->reply_len = 0;
		if (outbound_tls_begin(&client->outbound))
			stage_set(client, POP3_CLIENT_TLS);
		return;
	}
	buf_append_c(&how, "offers STLS and answered it with -ERR ");
	text_append_phrase(&how, str_sub(client->reply.text, 0, REPLY_SHOWN));
	buf_append_char(&how, '\0');
	outbound_no_tls(&client->outbound, how.data);
	buf_done(&how);
}

static void opening_take(struct pop3_client *client)
{
	switch (client->stage) {
	case POP3_CLIENT_GREETING:
		greeting_take(client);
		break;
	case POP3_CLIENT_CAPA:
		client->capabilities = pop3_capabilities_parse(&client->reply);
		capabilities_known(client);
		break;
	case POP3_CLIENT_STLS:
		stls_take(client);
		break;
	default:
		CHECK(!"a stage that waits for an answer");
	}
}

/* ---- going on ---- */

static bool must_wait(struct pop3_client *client, enum io io, enum outbound_step *step_out)
{
	return outbound_must_wait(&client->outbound, io, awaited_text(client), step_out);
}

/* Reads until there is an answer; false when it must wait or has failed. */
static bool reply_read(struct pop3_client *client, enum outbound_step *step_out)
{
	struct stream *stream = &client->outbound.stream;

	for (;;) {
		enum pop3_reply_state state =
			pop3_reply_parse(stream_input(stream), client->has_list, &client->reply);
		if (state == POP3_REPLY_WHOLE) {
			client->reply_len = client->reply.len;
			return true;
		}
		if (state == POP3_REPLY_BROKEN) {
			outbound_fail(&client->outbound, OUTBOUND_NONSENSE,
				      "sent something that is no answer of POP3 instead of %s",
				      awaited_texts[client->stage]);
			*step_out = OUTBOUND_FAILED;
			return false;
		}
		if (must_wait(client, stream_fill(stream), step_out))
			return false;
	}
}

static void reply_drop(struct pop3_client *client)
{
	stream_consume(&client->outbound.stream, client->reply_len);
	client->reply_len = 0;
}

static void handshake_finished(struct pop3_client *client)
{
	if (client->stage == POP3_CLIENT_TLS) {
		capa_send(client);
		return;
	}
	stage_set(client, POP3_CLIENT_GREETING);
	outbound_expect(&client->outbound, POP3_CLIENT_ANSWER_MS);
}

/* One answer or handshake of the opening; false when it must wait, or has failed. */
static bool opening_step(struct pop3_client *client, enum outbound_step *step_out)
{
	if (client->stage == POP3_CLIENT_TLS || client->stage == POP3_CLIENT_TLS_FIRST) {
		if (must_wait(client, outbound_shake(&client->outbound), step_out))
			return false;
		handshake_finished(client);
		return true;
	}
	if (!reply_read(client, step_out))
		return false;
	opening_take(client);
	reply_drop(client);
	return true;
}

static void long_begin(struct pop3_client *client)
{
	client->is_long = true;
	client->bytes_seen = 0;
	stream_bulk(&client->outbound.stream, POP3_CLIENT_ANSWER_MS, client->bytes_per_s);
}

static enum outbound_step long_step(struct pop3_client *client)
{
	struct stream *stream = &client->outbound.stream;
	enum outbound_step step;

	while (stream_input(stream).len <= client->bytes_seen)
		if (must_wait(client, stream_fill(stream), &step))
			return step;
	client->bytes = stream_input(stream);
	return OUTBOUND_BYTES;
}

static enum outbound_step open_step(struct pop3_client *client)
{
	enum outbound_step step = OUTBOUND_IDLE;

	if (client->is_long)
		return long_step(client);
	if (!client->is_awaited || !reply_read(client, &step))
		return step;
	client->is_awaited = false;
	if (client->wants_long && client->reply.is_ok)
		long_begin(client);
	client->wants_long = false;
	return OUTBOUND_REPLY;
}

enum outbound_step pop3_client_step(struct pop3_client *client)
{
	enum outbound_step step;
	bool was_open = client->stage == POP3_CLIENT_OPEN;

	reply_drop(client);
	while (outbound_is_whole(&client->outbound)) {
		if (!was_open && client->stage == POP3_CLIENT_OPEN)
			return OUTBOUND_READY;
		if (must_wait(client, stream_flush(&client->outbound.stream), &step))
			return step;
		if (was_open)
			return open_step(client);
		if (!opening_step(client, &step))
			return step;
	}
	return OUTBOUND_FAILED;
}
