/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes message_summary_make: MIME structure, ENVELOPE, BODYSTRUCTURE, keys, and
 * reading them back.
 */
#include "proto/message_summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Every part lies inside its parent, siblings do not overlap, and every header comes
 * before its body.
 */
static void tree_check(struct mime_part *root, size_t size)
{
	for (struct mime_part *part = root; part != NULL; part = mime_part_next(part)) {
		CHECK(part->header_from + part->header_len == part->body_from);
		CHECK(part->body_from + part->body_len <= size);
		CHECK(part->body_lines <= part->body_len);
		size_t end = part->parent == NULL ? size
						  : part->parent->body_from + part->parent->body_len;
		CHECK(part->body_from + part->body_len <= end);
		if (part->next != NULL)
			CHECK(part->body_from + part->body_len <= part->next->header_from);
		CHECK((part->kind == MIME_LEAF) == (part->child_count == 0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mime_limits limits = {.parts = 50, .depth = 8, .header_bytes = 4096};
	struct str message = str_make(data, size);
	struct buf blob = BUF_INIT(size % 2 == 0 ? 8192 : MESSAGE_SUMMARY_MAX);
	struct message_summary summary;
	struct arena arena;
	struct mime_part *root;

	arena_init(&arena, 4u << 20);
	if (mime_parse(&arena, message, &limits, &root) == FAULT_NONE)
		tree_check(root, size);
	arena_rewind(&arena);

	CHECK(message_summary_make(message, &limits, &blob) == FAULT_NONE);
	CHECK(message_summary_read(buf_str(&blob), &summary));
	uint32_t path[3];
	for (uint32_t i = 0; i < 64; i++) {
		struct message_range range;
		path[0] = i % 4 + 1;
		path[1] = i / 4 % 4 + 1;
		path[2] = i / 16 % 4 + 1;
		if (message_summary_section(&summary, path, i % 4, (enum message_section)(i % 3), &range))
			CHECK(range.from + range.len <= size);
	}
	/* A damaged blob may be refused or not, but is read within its bounds. */
	if (blob.len > 40 && size > 2) {
		blob.data[data[0] % blob.len] ^= (char)data[1];
		if (message_summary_read(buf_str(&blob), &summary)) {
			struct message_range range;
			if (message_summary_section(&summary, path, 2, MESSAGE_SECTION_TEXT, &range))
				path[0] = (uint32_t)range.len;
		}
	}
	buf_done(&blob);
	return 0;
}
