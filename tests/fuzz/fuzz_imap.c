/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the parser of IMAP commands, and writes back what it read. */
#include "proto/imap.h"
#include "proto/imap_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void set_check(struct imap_set *set, uint32_t max)
{
	imap_set_resolve(set, max);
	for (size_t i = 0; i < set->count; i++) {
		CHECK(set->ranges[i].first != 0 && set->ranges[i].first <= set->ranges[i].last);
		CHECK(i == 0 || set->ranges[i].first > set->ranges[i - 1].last + 1u);
	}
	CHECK(set->count == 0 || imap_set_has(set, set->ranges[0].first));
}

/* The name of a section, said back, parses to a section of that name. */
static void section_check(const struct imap_section *section)
{
	struct buf text = BUF_INIT(1u << 20), again = BUF_INIT(1u << 20);
	struct arena arena;
	struct imap_command command;

	arena_init(&arena, 4u << 20);
	buf_append_c(&text, "a FETCH 1 ");
	size_t before = text.len;
	imap_section_write(&text, section);
	if (!section->is_partial && !text.failed) {
		CHECK(imap_command_parse(&arena, buf_str(&text), &command));
		imap_section_write(&again, command.fetch.sections);
		CHECK(str_equals(buf_str(&again), str_from(buf_str(&text), before)));
	}
	buf_done(&text);
	buf_done(&again);
	arena_rewind(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct imap_command command;
	struct imap_literal literal;
	struct arena arena;
	struct str text = str_make(data, size);

	arena_init(&arena, 4u << 20);
	if (imap_literal_announced(text, &literal))
		CHECK(size >= 3);
	imap_is_append_message(&arena, text);
	bool is_good = imap_command_parse(&arena, text, &command);
	CHECK(is_good == (command.error == NULL));
	if (is_good && command.verb == IMAP_FETCH) {
		set_check(&command.fetch.set, 1000);
		for (struct imap_section *s = command.fetch.sections; s != NULL; s = s->next)
			section_check(s);
	}
	if (is_good && command.verb == IMAP_COPY)
		set_check(&command.copy.set, 0);
	struct buf string = BUF_INIT(2 * size + 100);
	imap_astring_write(&string, text);
	struct cursor cursor = cursor_make(buf_str(&string));
	struct str back = imap_astring_take(&cursor, &arena);
	CHECK(cursor_is_done(&cursor) && back.len == size);
	buf_done(&string);
	arena_rewind(&arena);
	return 0;
}
