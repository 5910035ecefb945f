/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DKIM: what DNS may hold as a record, and any bytes as a message that is signed: its
 * body's hash is the same however it is cut, and its header gives a field of ours that
 * is one field.
 */
#include "base/check.h"
#include "mailauth/dkim_record.h"
#include "mailauth/dkim_signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void record_read(struct str found)
{
	enum dkim_published published =
		dkim_record_compare(found, STR("v=DKIM1; k=ed25519; p=AQID"));

	CHECK(dkim_published_name(published) != NULL);
	if (published == DKIM_PUBLISHED)
		CHECK(str_find(found, STR("ed25519")) != STR_NONE);
	/* A record is like itself, unless it cannot be used. */
	enum dkim_published own = dkim_record_compare(found, found);
	CHECK(own != DKIM_PUBLISHED_OTHER_KEY);
}

static void body_hash(struct str body, size_t first, unsigned char digest_out[SHA256_BYTES])
{
	struct dkim_body hash;

	dkim_body_init(&hash);
	dkim_body_update(&hash, str_sub(body, 0, first));
	dkim_body_update(&hash, str_from(body, first));
	dkim_body_final(&hash, digest_out);
}

static void message_sign(struct str message)
{
	size_t header_len = message_header_length(message);
	struct str body = str_from(message, header_len), rest;
	unsigned char digest[SHA256_BYTES], cut[SHA256_BYTES];
	struct buf field = BUF_INIT(DKIM_FIELD_MAX);
	struct message_field read;
	struct dkim_header header;

	body_hash(body, body.len, digest);
	body_hash(body, body.len / 2, cut);
	CHECK(memcmp(digest, cut, SHA256_BYTES) == 0);
	if (dkim_header_init(&header, STR("Date: x\r\n"), str_sub(message, 0, header_len)) !=
	    FAULT_NONE)
		return;
	CHECK(header.count >= 1 && header.count <= DKIM_NAMES_MAX);
	struct dkim_signature signature = {.domain = STR("example.org"),
					   .selector = STR("s"),
					   .header = &header,
					   .body_digest = digest};
	dkim_signature_begin(&field, &signature, cut);
	dkim_signature_end(&field, str_make(cut, sizeof(cut)));
	rest = buf_str(&field);
	CHECK(message_field_next(&rest, &read) && rest.len == 0);
	buf_done(&field);
	dkim_header_done(&header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = str_make(data, size);

	record_read(input);
	message_sign(input);
	return 0;
}
