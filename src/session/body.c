/* SPDX-License-Identifier: Apache-2.0 */
#include "session/body.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"

void body_init(struct body *body)
{
	*body = (struct body){.fd = -1, .head = BUF_INIT(BODY_INLINE)};
}

static void unmap(struct body *body)
{
	if (body->map != NULL)
		munmap(body->map, body->map_len);
	body->map = NULL;
	body->map_len = 0;
}

void body_drop(struct body *body)
{
	unmap(body);
	fd_close(&body->fd);
	buf_done(&body->head);
	body_init(body);
}

void body_begin(struct body *body, uint64_t limit_bytes)
{
	body_drop(body);
	body->is_active = true;
	body->limit_bytes = limit_bytes;
	smtp_body_init(&body->smtp);
}

void body_expect_data(struct body *body)
{
	CHECK(body->is_active);
	body->is_dotted = true;
	smtp_body_data_begin(&body->smtp);
}

void body_expect_chunk(struct body *body, uint64_t size_bytes)
{
	CHECK(body->is_active);
	body->is_dotted = false;
	smtp_body_chunk_begin(&body->smtp, size_bytes);
}

static bool file_write(struct body *body, struct str bytes)
{
	if (fd_write_all(body->fd, bytes.ptr, bytes.len))
		return true;
	body->is_out_of_memory = true;
	return false;
}

/* Moves on to a memory file; what was in memory is its beginning. */
static bool file_begin(struct body *body)
{
	body->fd = memfd_create("postern-body", MFD_CLOEXEC);
	if (body->fd < 0)
		body->is_out_of_memory = true;
	return body->fd >= 0;
}

/*
 * The head goes before what follows into the file. It gathers what comes
 * in small pieces: a message of nothing but dots would cost a call for each of them.
 */
static bool head_write(struct body *body)
{
	bool is_written = file_write(body, buf_str(&body->head));

	buf_reset(&body->head);
	return is_written;
}

static bool has_room(const struct body *body, size_t len)
{
	return len <= BODY_INLINE - body->head.len;
}

void body_append(struct body *body, struct str bytes)
{
	if (bytes.len == 0 || body->is_too_large || body->is_out_of_memory)
		return;
	unmap(body);
	if (bytes.len > body->limit_bytes - body->size_bytes) {
		/* What is refused need not be kept. */
		body->is_too_large = true;
		fd_close(&body->fd);
		buf_done(&body->head);
		return;
	}
	if (!has_room(body, bytes.len) && body->fd < 0 && !file_begin(body))
		return;
	if (!has_room(body, bytes.len) && !head_write(body))
		return;
	if (has_room(body, bytes.len))
		buf_append_str(&body->head, bytes);
	else if (!file_write(body, bytes))
		return;
	body->size_bytes += bytes.len;
}

bool body_take(struct body *body, struct str *input)
{
	CHECK(body->is_active);
	while (input->len > 0 && !body->smtp.is_done)
		body_append(body, smtp_body_step(&body->smtp, input));
	return body->smtp.is_done;
}

enum fault body_view(struct body *body, struct str *view_out)
{
	if (body->fd < 0) {
		*view_out = buf_str(&body->head);
		return FAULT_NONE;
	}
	if (!head_write(body))
		return FAULT_MEMORY;
	if (body->map == NULL) {
		void *map = mmap(NULL, body->size_bytes, PROT_READ, MAP_SHARED, body->fd, 0);
		if (map == MAP_FAILED)
			return FAULT_MEMORY;
		body->map = map;
		body->map_len = body->size_bytes;
	}
	*view_out = str_make(body->map, body->map_len);
	return FAULT_NONE;
}
