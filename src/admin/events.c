/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/events.h"

static void line_append(struct buf *to, struct str line)
{
	buf_append_c(to, "data: ");
	/* A bare CR would end the line for a browser, and what follows could name an event. */
	for (size_t i = 0; i < line.len; i++)
		if (line.ptr[i] != '\r')
			buf_append_char(to, line.ptr[i]);
	buf_append_char(to, '\n');
}

static void data_append(struct buf *to, struct str line)
{
	line_append(to, line);
	buf_append_char(to, '\n');
}

void events_append(struct buf *to, struct buf *line, struct str bytes)
{
	while (bytes.len > 0) {
		size_t end = str_find_char(bytes, '\n');
		struct str piece = str_sub(bytes, 0, end);
		size_t room = line->max - line->len;
		buf_append_str(line, str_sub(piece, 0, room));
		if (end == STR_NONE)
			return;
		data_append(to, buf_str(line));
		buf_reset(line);
		bytes = str_from(bytes, end + 1);
	}
}

void event_append(struct buf *to, const char *name, struct str data)
{
	buf_printf(to, "event: %s\n", name);
	data_append(to, data);
}

void event_append_answer(struct buf *to, int status, struct str document)
{
	buf_printf(to, "event: %s\ndata: {\"status\":%d,\"answer\":\n",
		   status < 400 ? "result" : "fault", status);
	for (struct str rest = str_trim(document); rest.len > 0;)
		line_append(to, str_cut(&rest, '\n'));
	buf_append_c(to, "data: }\n\n");
}

bool events_are_wanted(struct str accept)
{
	for (struct str rest = accept; rest.ptr != NULL;) {
		struct str weight = str_cut(&rest, ',');
		struct str type = str_trim(str_cut(&weight, ';'));
		if (str_equals_nocase(type, STR("text/event-stream")))
			return !str_equals(str_trim(weight), STR("q=0"));
	}
	return false;
}
