/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the events of a stream (admin/events.h): the lines of a log hold what strangers said. However
 * they come in pieces, the events are the same, and no line of them names an event or begins a field.
 */
#include "admin/events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 4 * 1024 * 1024 };

static void append_in_pieces(struct buf *to, struct str text, size_t piece_len)
{
	struct buf line = BUF_INIT(EVENTS_LINE_MAX);

	while (text.len > 0) {
		struct str piece = str_sub(text, 0, piece_len);
		text = str_from(text, piece.len);
		events_append(to, &line, piece);
	}
	CHECK(!to->failed && !line.failed);
	buf_done(&line);
}

static void lines_check(struct str events)
{
	while (events.len > 0) {
		struct str line = str_cut(&events, '\n');
		CHECK(str_has_prefix(line, STR("data: ")) && line.len <= 6 + EVENTS_LINE_MAX);
		CHECK(str_find_char(line, '\r') == STR_NONE);
		CHECK(str_is_empty(str_cut(&events, '\n')));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = BUF_INIT(ROOM), pieces = BUF_INIT(ROOM);

	if (size < 1)
		return 0;
	struct str text = str_make(data + 1, size - 1);
	append_in_pieces(&whole, text, text.len);
	append_in_pieces(&pieces, text, 1 + data[0]);
	CHECK(str_equals(buf_str(&whole), buf_str(&pieces)));
	lines_check(buf_str(&whole));
	buf_done(&whole);
	buf_done(&pieces);
	return 0;
}
