/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/events.h"

static void data_append(struct buf *to, struct str line)
{
	buf_append_c(to, "data: ");
	/* A bare CR would end the line for a browser, and what follows could name an event. */
	for (size_t i = 0; i < line.len; i++)
		if (line.ptr[i] != '\r')
			buf_append_char(to, line.ptr[i]);
	buf_append_c(to, "\n\n");
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
