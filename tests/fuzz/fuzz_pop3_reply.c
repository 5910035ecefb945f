/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of POP3 servers: bounded, and one that is whole stays what it is whatever follows. */
#include "base/check.h"
#include "proto/pop3_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lines_read(struct str rest)
{
	struct str line, uidl;
	uint32_t number, same;
	uint64_t bytes;

	while (pop3_line_cut(&rest, &line) == POP3_REPLY_WHOLE) {
		bool is_listed = pop3_list_line_parse(line, &number, &bytes);
		CHECK(!is_listed || (pop3_uidl_line_parse(line, &same, &uidl) && same == number));
		if (pop3_uidl_line_parse(line, &number, &uidl))
			CHECK(number > 0 && uidl.len <= POP3_UIDL_MAX && uidl.len < line.len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = str_make(data, size);
	struct pop3_reply reply, again;

	lines_read(input);

	for (int has_list = 0; has_list < 2; has_list++) {
		enum pop3_reply_state state = pop3_reply_parse(input, has_list == 1, &reply);
		if (state == POP3_REPLY_MORE)
			CHECK(size <= POP3_REPLY_MAX + 3 * POP3_REPLY_LINE_MAX);
		if (state != POP3_REPLY_WHOLE)
			continue;
		CHECK(reply.len <= size && reply.list.len <= reply.len);
		CHECK(pop3_reply_parse(str_sub(input, 0, reply.len), has_list == 1, &again) ==
		      POP3_REPLY_WHOLE);
		CHECK(again.len == reply.len && again.is_ok == reply.is_ok);
		(void)pop3_capabilities_parse(&reply);
	}
	return 0;
}
