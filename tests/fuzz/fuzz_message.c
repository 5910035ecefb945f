/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes fields, addresses, dates, encoded words, character sets and mailbox names,
 * whatever the first byte chooses.
 */
#include "proto/mailbox_name.h"
#include "proto/message.h"
#include "proto/message_address.h"
#include "proto/message_date.h"
#include "proto/message_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void addresses_fuzz(struct str text)
{
	struct arena arena;
	size_t count = 0;
	bool in_group = false;

	arena_init(&arena, 8u << 20);
	for (struct message_address *address = message_addresses_parse(&arena, text, 50);
	     address != NULL; address = address->next, count++) {
		if (address->kind != MESSAGE_ADDRESS_MAILBOX) {
			CHECK(in_group == (address->kind == MESSAGE_ADDRESS_GROUP_END));
			in_group = !in_group;
		}
		CHECK(str_find_char(address->local, '\n') == STR_NONE);
		CHECK(str_find_char(address->name, '\n') == STR_NONE);
	}
	CHECK(count <= 50 && !in_group);
	arena_rewind(&arena);
}

static void words_fuzz(struct str text)
{
	struct buf words = BUF_INIT(1u << 20), folded = BUF_INIT(8u << 20);

	message_words_decode(&words, text);
	CHECK(words.failed || utf8_check(buf_str(&words)));
	message_text_fold(&folded, buf_str(&words));
	CHECK(folded.failed || utf8_check(buf_str(&folded)));
	buf_done(&words);
	buf_done(&folded);
}

static void charset_fuzz(struct str text)
{
	struct buf to = BUF_INIT(1u << 20);
	struct str rest = text;
	struct str charset = str_cut(&rest, '\n');

	message_text_convert(&to, charset, rest);
	CHECK(to.failed || utf8_check(buf_str(&to)));
	buf_done(&to);
}

static void name_fuzz(struct str text)
{
	struct buf name = BUF_INIT(1u << 20), wire = BUF_INIT(1u << 20);

	if (mailbox_name_decode(&name, text)) {
		CHECK(utf8_check(buf_str(&name)));
		mailbox_name_encode(&wire, buf_str(&name));
		CHECK(str_equals_nocase(buf_str(&wire), text));
	}
	struct str rest = text;
	struct str pattern = str_cut(&rest, '\n');
	if (pattern.len < 100 && rest.len < 100)
		CHECK(!mailbox_name_matches(rest, pattern) || pattern.len > 0 || rest.len == 0);
	buf_done(&name);
	buf_done(&wire);
}

static void fields_fuzz(struct str text)
{
	struct message_field field;
	struct message_date date;
	size_t length = message_header_length(text);

	CHECK(length <= text.len);
	for (struct str rest = str_sub(text, 0, length); message_field_next(&rest, &field);)
		CHECK(field.name.len > 0 && field.whole.len > field.value.len + field.name.len);
	if (message_date_parse(text, &date))
		CHECK(message_date_day_s(&date) % 86400 == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const fuzzers[])(struct str) = {addresses_fuzz, words_fuzz, charset_fuzz,
						      name_fuzz, fields_fuzz};

	if (size > 0)
		fuzzers[data[0] % 5](str_make(data + 1, size - 1));
	return 0;
}
