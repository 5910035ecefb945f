/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

enum { SMALLEST = 64 };

void buf_init(struct buf *buf, size_t max)
{
	*buf = BUF_INIT(max);
}

void buf_done(struct buf *buf)
{
	free(buf->data);
	*buf = BUF_INIT(buf->max);
}

void buf_wipe(struct buf *buf)
{
	if (buf->data != NULL)
		explicit_bzero(buf->data, buf->cap);
	buf_done(buf);
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->failed = false;
}

char *buf_reserve(struct buf *buf, size_t len)
{
	if (buf->failed || len > buf->max - buf->len) {
		buf->failed = true;
		return NULL;
	}
	if (len > buf->cap - buf->len) {
		size_t cap = buf->cap < SMALLEST ? SMALLEST : buf->cap * 2;
		if (cap < buf->len + len)
			cap = buf->len + len;
		if (cap > buf->max)
			cap = buf->max;
		char *data = realloc(buf->data, cap);
		CHECK(data != NULL);
		buf->data = data;
		buf->cap = cap;
	}
	return buf->data + buf->len;
}

void buf_commit(struct buf *buf, size_t len)
{
	CHECK(len <= buf->cap - buf->len);
	buf->len += len;
}

void buf_append(struct buf *buf, const void *data, size_t len)
{
	if (len == 0)
		return;
	char *at = buf_reserve(buf, len);
	if (at == NULL)
		return;
	memcpy(at, data, len);
	buf->len += len;
}

void buf_append_str(struct buf *buf, struct str text)
{
	buf_append(buf, text.ptr, text.len);
}

void buf_append_c(struct buf *buf, const char *text)
{
	buf_append(buf, text, strlen(text));
}

void buf_append_char(struct buf *buf, char c)
{
	buf_append(buf, &c, 1);
}

void buf_append_u64(struct buf *buf, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	buf_append(buf, digits + at, sizeof(digits) - at);
}

void buf_vprintf(struct buf *buf, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	CHECK(len >= 0);
	/* vsnprintf writes a terminator, for which there must be room but which is not counted. */
	char *at = buf_reserve(buf, (size_t)len + 1);
	if (at == NULL)
		return;
	vsnprintf(at, (size_t)len + 1, format, args);
	buf->len += (size_t)len;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vprintf(buf, format, args);
	va_end(args);
}

void buf_consume(struct buf *buf, size_t len)
{
	CHECK(len <= buf->len);
	if (len == 0)
		return;
	memmove(buf->data, buf->data + len, buf->len - len);
	buf->len -= len;
}

void buf_truncate(struct buf *buf, size_t len)
{
	CHECK(len <= buf->len);
	buf->len = len;
}
