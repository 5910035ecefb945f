/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of SMTP servers: bounded, and one that is whole stays what it is whatever follows. */
#include "base/buf.h"
#include "base/check.h"
#include "proto/smtp_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = str_make(data, size), rest, text;
	struct smtp_reply reply, again;

	switch (smtp_reply_parse(input, &reply)) {
	case SMTP_REPLY_MORE:
		CHECK(size <= SMTP_REPLY_MAX + SMTP_REPLY_LINE_MAX);
		return 0;
	case SMTP_REPLY_BROKEN:
		return 0;
	default:
		break;
	}
	CHECK(reply.lines.len <= SMTP_REPLY_MAX && reply.line_count <= SMTP_REPLY_LINES_MAX);
	CHECK(smtp_reply_parse(reply.lines, &again) == SMTP_REPLY_WHOLE);
	CHECK(again.code == reply.code && again.line_count == reply.line_count);
	size_t lines = 0;
	for (rest = reply.lines; smtp_reply_line(&rest, &text);)
		lines++;
	CHECK(lines == reply.line_count);
	(void)smtp_capabilities_parse(&reply);
	return 0;
}
