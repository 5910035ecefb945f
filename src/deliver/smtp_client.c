/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/smtp_client.h"

#include "base/log.h"

enum { INPUT_MAX = 32 * 1024, REPLY_SHOWN = 256 };

_Static_assert(INPUT_MAX > SMTP_REPLY_MAX + SMTP_REPLY_LINE_MAX, "a reply has to fit");

/* What a stage waits for, as failures name it, and how it goes on. */
static const char *const awaited_texts[] = {
	[SMTP_CLIENT_TLS_FIRST] = "its part of the handshake",
	[SMTP_CLIENT_GREETING] = "its greeting",
	[SMTP_CLIENT_EHLO] = "its answer to EHLO",
	[SMTP_CLIENT_HELO] = "its answer to HELO",
	[SMTP_CLIENT_STARTTLS] = "its answer to STARTTLS",
	[SMTP_CLIENT_TLS] = "its part of the handshake",
	[SMTP_CLIENT_OPEN] = "its reply",
};

static void stage_set(struct smtp_client *client, enum smtp_client_stage stage)
{
	client->stage = stage;
}

static bool is_whole(const struct smtp_client *client)
{
	return outbound_is_whole(&client->outbound);
}

void smtp_client_init(struct smtp_client *client, const struct smtp_client_parts *parts)
{
	struct outbound_parts outbound = parts->outbound;

	*client = (struct smtp_client){.stage = SMTP_CLIENT_GREETING};
	outbound.input_max = INPUT_MAX;
	outbound_init(&client->outbound, &outbound);
	CHECK(str_copy_c(parts->helo, client->helo, sizeof(client->helo)));
	outbound_expect(&client->outbound, SMTP_CLIENT_GREETING_MS);
	if (parts->is_implicit && outbound_tls_begin(&client->outbound))
		stage_set(client, SMTP_CLIENT_TLS_FIRST);
}

void smtp_client_done(struct smtp_client *client)
{
	outbound_done(&client->outbound);
}

/* ---- commands ---- */

static void command_send(struct smtp_client *client, const char *verb, const char *argument)
{
	struct buf *out = stream_output(&client->outbound.stream);

	buf_append_c(out, verb);
	buf_append_c(out, argument[0] == '\0' ? "" : " ");
	buf_append_c(out, argument);
	buf_append_c(out, "\r\n");
	outbound_expect(&client->outbound, SMTP_CLIENT_COMMAND_MS);
}

void smtp_client_say(struct smtp_client *client, struct str command, int ms)
{
	struct buf *out = stream_output(&client->outbound.stream);

	CHECK(client->stage == SMTP_CLIENT_OPEN);
	/* One line is one command: whatever is in it, no second one is smuggled along. */
	CHECK(str_find_char(command, '\n') == STR_NONE && str_find_char(command, '\r') == STR_NONE);
	buf_append_str(out, command);
	buf_append_c(out, "\r\n");
	client->awaited++;
	outbound_expect(&client->outbound, ms);
}

static void ehlo_send(struct smtp_client *client)
{
	stage_set(client, SMTP_CLIENT_EHLO);
	command_send(client, "EHLO", client->helo);
}

/* ---- failures ---- */

/* The reply on one line, escaped and cut. */
static void reply_append(struct buf *to, const struct smtp_reply *reply)
{
	struct str rest = reply->lines, text;

	buf_printf(to, "%d", reply->code);
	while (smtp_reply_line(&rest, &text) && to->len < REPLY_SHOWN) {
		buf_append_char(to, ' ');
		text_append_phrase(to, str_sub(text, 0, REPLY_SHOWN));
	}
}

static void refused(struct smtp_client *client, const struct smtp_reply *reply, const char *what)
{
	if (!is_whole(client))
		return;
	outbound_fail(&client->outbound, OUTBOUND_REFUSED, "answered %s with ", what);
	client->outbound.reply_code = reply->code;
	reply_append(&client->outbound.why, reply);
}

void smtp_client_dismissed(struct smtp_client *client, const char *what)
{
	refused(client, &client->reply, what);
}

static void starttls_refused(struct smtp_client *client, const struct smtp_reply *reply)
{
	struct buf how = BUF_INIT(4096);

	buf_append_c(&how, "offers STARTTLS and answered it with ");
	reply_append(&how, reply);
	buf_append_char(&how, '\0');
	client->outbound.reply_code = reply->code;
	outbound_no_tls(&client->outbound, how.data);
	buf_done(&how);
}

void smtp_client_expire(struct smtp_client *client)
{
	outbound_expire(&client->outbound, awaited_texts[client->stage]);
}

/* ---- replies of the opening ---- */

static void opened(struct smtp_client *client)
{
	stage_set(client, SMTP_CLIENT_OPEN);
	outbound_expect(&client->outbound, SMTP_CLIENT_COMMAND_MS);
}

/* What comes next once the server has named its extensions, or has none. */
static void extensions_known(struct smtp_client *client)
{
	bool is_offered = smtp_capabilities_has(&client->capabilities, SMTP_CAPABILITY_STARTTLS);

	if (client->outbound.tls == NULL)
		client->offered_starttls = is_offered;
	switch (outbound_upgrade_choose(&client->outbound, is_offered, "STARTTLS")) {
	case OUTBOUND_STAY:
		opened(client);
		break;
	case OUTBOUND_UPGRADE:
		stage_set(client, SMTP_CLIENT_STARTTLS);
		command_send(client, "STARTTLS", "");
		break;
	case OUTBOUND_LEAVE:
		break;
	}
}

static void greeting_take(struct smtp_client *client, const struct smtp_reply *reply)
{
	struct str rest = reply->lines, text = STR("");

	(void)smtp_reply_line(&rest, &text);
	if (!str_copy_c(str_sub(text, 0, SMTP_CLIENT_TEXT_MAX - 1), client->greeting,
			sizeof(client->greeting)))
		client->greeting[0] = '\0';
	if (reply->code == 220)
		ehlo_send(client);
	else
		refused(client, reply, "the connection");
}

static void ehlo_take(struct smtp_client *client, const struct smtp_reply *reply)
{
	client->is_extended = smtp_reply_class(reply) == 2;
	client->capabilities = (struct smtp_capabilities){.set = 0};
	if (client->is_extended) {
		client->capabilities = smtp_capabilities_parse(reply);
		extensions_known(client);
	} else if (smtp_reply_class(reply) == 5 && client->outbound.tls == NULL) {
		/* RFC 5321 section 3.2: a server from before extensions. */
		stage_set(client, SMTP_CLIENT_HELO);
		command_send(client, "HELO", client->helo);
	} else
		refused(client, reply, "EHLO");
}

static void helo_take(struct smtp_client *client, const struct smtp_reply *reply)
{
	if (smtp_reply_class(reply) == 2)
		extensions_known(client);
	else
		refused(client, reply, "HELO");
}

static void starttls_take(struct smtp_client *client, const struct smtp_reply *reply)
{
	if (reply->code != 220)
		starttls_refused(client, reply);
	else {
		/* What stands behind the reply in the buffer is looked at there. */
		stream_consume(&client->outbound.stream, client->reply_len);
		client->reply_len = 0;
		if (outbound_tls_begin(&client->outbound))
			stage_set(client, SMTP_CLIENT_TLS);
	}
}

static void opening_take(struct smtp_client *client)
{
	const struct smtp_reply *reply = &client->reply;

	switch (client->stage) {
	case SMTP_CLIENT_GREETING:
		greeting_take(client, reply);
		break;
	case SMTP_CLIENT_EHLO:
		ehlo_take(client, reply);
		break;
	case SMTP_CLIENT_HELO:
		helo_take(client, reply);
		break;
	case SMTP_CLIENT_STARTTLS:
		starttls_take(client, reply);
		break;
	default:
		CHECK(!"a stage that waits for a reply");
	}
}

/* ---- going on ---- */

static void handshake_finished(struct smtp_client *client)
{
	if (client->stage == SMTP_CLIENT_TLS)
		ehlo_send(client);
	else {
		stage_set(client, SMTP_CLIENT_GREETING);
		outbound_expect(&client->outbound, SMTP_CLIENT_GREETING_MS);
	}
}

static bool must_wait(struct smtp_client *client, enum io io, enum outbound_step *step_out)
{
	return outbound_must_wait(&client->outbound, io, awaited_texts[client->stage], step_out);
}

/* Reads until there is a reply; false when it must wait or has failed. */
static bool reply_read(struct smtp_client *client, enum outbound_step *step_out)
{
	struct stream *stream = &client->outbound.stream;

	for (;;) {
		switch (smtp_reply_parse(stream_input(stream), &client->reply)) {
		case SMTP_REPLY_WHOLE:
			client->reply_len = client->reply.lines.len;
			return true;
		case SMTP_REPLY_BROKEN:
			outbound_fail(&client->outbound, OUTBOUND_NONSENSE,
				      "sent something that is no reply of SMTP instead of %s",
				      awaited_texts[client->stage]);
			*step_out = OUTBOUND_FAILED;
			return false;
		default:
			break;
		}
		if (must_wait(client, stream_fill(stream), step_out))
			return false;
	}
}

static void reply_drop(struct smtp_client *client)
{
	stream_consume(&client->outbound.stream, client->reply_len);
	client->reply_len = 0;
}

/* One reply or handshake of the opening; false when it must wait, or has failed. */
static bool opening_step(struct smtp_client *client, enum outbound_step *step_out)
{
	if (client->stage == SMTP_CLIENT_TLS || client->stage == SMTP_CLIENT_TLS_FIRST) {
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

static enum outbound_step open_step(struct smtp_client *client)
{
	enum outbound_step step = OUTBOUND_IDLE;

	if (client->awaited == 0 || !reply_read(client, &step))
		return step;
	client->awaited--;
	outbound_expect(&client->outbound, SMTP_CLIENT_COMMAND_MS);
	return OUTBOUND_REPLY;
}

enum outbound_step smtp_client_step(struct smtp_client *client)
{
	enum outbound_step step = OUTBOUND_FAILED;
	bool was_open = client->stage == SMTP_CLIENT_OPEN;

	reply_drop(client);
	while (is_whole(client)) {
		if (!was_open && client->stage == SMTP_CLIENT_OPEN)
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
