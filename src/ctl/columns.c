/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/columns.h"

#include "base/log.h"

enum { GAP = 2 };

void columns_init(struct columns *columns, const char *const *heads, size_t count)
{
	CHECK(count > 0 && count <= COLUMNS_MAX);
	*columns = (struct columns){.count = count, .cells = BUF_INIT(COLUMNS_TEXT_MAX)};
	for (size_t i = 0; i < count; i++)
		columns_add_c(columns, heads[i]);
}

void columns_done(struct columns *columns)
{
	buf_done(&columns->cells);
}

/* Characters, not bytes: continuation bytes of UTF-8 take no room. */
static size_t text_width(struct str text)
{
	size_t width = 0;

	for (size_t i = 0; i < text.len; i++)
		width += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
	return width;
}

void columns_add(struct columns *columns, struct str cell)
{
	size_t begin = columns->cells.len;
	size_t *width = &columns->widths[columns->added++ % columns->count];

	text_append_phrase(&columns->cells, cell);
	size_t added = text_width(str_from(buf_str(&columns->cells), begin));
	buf_append_char(&columns->cells, '\0');
	if (added > *width)
		*width = added;
}

void columns_add_c(struct columns *columns, const char *cell)
{
	columns_add(columns, str_from_c(cell));
}

void columns_printf(struct columns *columns, const char *format, ...)
{
	struct buf cell = BUF_INIT(4096);
	va_list args;

	va_start(args, format);
	buf_vprintf(&cell, format, args);
	va_end(args);
	columns_add(columns, buf_str(&cell));
	buf_done(&cell);
}

void columns_append(const struct columns *columns, struct buf *to)
{
	size_t rows = columns->added / columns->count;
	struct str rest = buf_str(&columns->cells);

	if (rows < 2 || columns->cells.failed)
		return;
	for (size_t row = 0; row < rows; row++) {
		size_t padding = 0;
		for (size_t i = 0; i < columns->count; i++) {
			struct str cell = str_cut(&rest, '\0');
			/* Blanks come before a cell, so that no line ends with them. */
			for (; padding > 0 && !str_is_empty(cell); padding--)
				buf_append_char(to, ' ');
			buf_append_str(to, cell);
			padding += columns->widths[i] - text_width(cell) + GAP;
		}
		buf_append_char(to, '\n');
	}
}

void size_append(struct buf *to, uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit < sizeof(units) - 2) {
		value /= 1024;
		unit++;
	}
	if (unit == 0)
		buf_printf(to, "%llu B", (unsigned long long)bytes);
	else
		buf_printf(to, "%.1f %ciB", value, units[unit]);
}
