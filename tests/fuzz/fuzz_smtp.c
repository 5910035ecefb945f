/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes proto/smtp: command lines, and replies that hold them. */
#include "proto/smtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_within(struct str view, struct str line)
{
	return view.len == 0 ||
	       (view.ptr >= line.ptr && view.ptr + view.len <= line.ptr + line.len);
}

static void command_check(struct str line, const struct smtp_command *command)
{
	const struct smtp_path *path = NULL;

	CHECK(command->verb < SMTP_VERB_COUNT);
	CHECK(str_find_char(line, '\r') == STR_NONE && str_find_char(line, '\n') == STR_NONE);
	if (command->verb == SMTP_MAIL)
		path = &command->mail.path;
	if (command->verb == SMTP_RCPT)
		path = &command->rcpt;
	if (path != NULL)
		CHECK(path->address.text.len <= ADDRESS_MAX &&
		      lies_within(path->address.text, line));
	if (command->verb == SMTP_AUTH)
		CHECK(lies_within(command->auth.mechanism, line) &&
		      lies_within(command->auth.initial, line));
}

/* However foreign the text: whole lines, each short enough, each with the code. */
static void reply_check(struct str text)
{
	struct buf reply = BUF_INIT(1 << 20);

	smtp_reply(&reply, 550, "5.1.1", text);
	for (struct str rest = buf_str(&reply); rest.len > 0;) {
		struct str line = str_cut(&rest, '\n');
		CHECK(line.len >= 10 && line.len < SMTP_LINE_MAX && line.ptr[line.len - 1] == '\r');
		CHECK(str_has_prefix(line, rest.len > 0 ? STR("550-5.1.1 ") : STR("550 5.1.1 ")));
		CHECK(str_find_char(line, '\r') == line.len - 1);
	}
	buf_done(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str line = str_make(data, size);
	struct smtp_command command;

	if (smtp_command_parse(line, &command) == SMTP_ERROR_NONE)
		command_check(line, &command);
	if (size < 2000)
		reply_check(line);
	return 0;
}
