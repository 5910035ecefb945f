/* SPDX-License-Identifier: Apache-2.0 */
#include "session/body.h"

void body_init(struct body *body)
{
	*body = (struct body){0};
	spool_init(&body->spool, 0);
}

void body_drop(struct body *body)
{
	spool_done(&body->spool);
	body_init(body);
}

void body_begin(struct body *body, uint64_t limit_bytes)
{
	body_drop(body);
	body->is_active = true;
	spool_init(&body->spool, limit_bytes);
	smtp_body_init(&body->smtp);
}

void body_begin_file(struct body *body, uint64_t size_bytes, uint32_t limit_s, int fd)
{
	uint64_t rate = size_bytes / limit_s + 1;

	body_begin(body, size_bytes);
	spool_init_file(&body->spool, size_bytes, fd);
	body_expect_chunk(body, size_bytes);
	body->least_rate = rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX;
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

void body_append(struct body *body, struct str bytes)
{
	spool_append(&body->spool, bytes);
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
	return spool_view(&body->spool, view_out);
}
