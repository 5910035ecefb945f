/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/json.h"

void append_json_string(struct buf *to, struct str text)
{
	buf_append_char(to, '"');
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '"' || c == '\\')
			buf_append_char(to, '\\');
		if (ascii_is_control(c))
			buf_printf(to, "\\u%04x", (unsigned char)c);
		else
			buf_append_char(to, c);
	}
	buf_append_char(to, '"');
}
