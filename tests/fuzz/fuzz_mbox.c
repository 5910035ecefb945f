/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes ctl/mbox: whatever the file holds, every byte of it is somebody's. */
#include "ctl/mbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void content_check(struct str content)
{
	struct buf text = BUF_INIT(1 << 22);

	(void)mbox_flags(content);
	mbox_append_content(&text, content);
	CHECK(!text.failed);
	/* What comes out has no line end but CR LF, and ends with one. */
	for (size_t i = 0; i < text.len; i++)
		CHECK(text.data[i] != '\n' || (i > 0 && text.data[i - 1] == '\r'));
	CHECK(text.len == 0 || text.data[text.len - 1] == '\n');
	CHECK(text.len <= 2 * content.len + 2);
	buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str file = str_make(data, size);
	struct mbox_message message;
	struct mbox mbox;
	size_t before = 0;

	if (!mbox_open(&mbox, file))
		return 0;
	while (mbox_next(&mbox, &message)) {
		CHECK(mbox.at > before && mbox.at <= size);
		CHECK(message.content.ptr >= file.ptr + before);
		CHECK(message.content.ptr + message.content.len <= file.ptr + mbox.at);
		/* All but the border and one empty line is the message. */
		CHECK(mbox.at - before <=
		      message.from_line.len + 2 + message.content.len + 2);
		before = mbox.at;
		content_check(message.content);
	}
	CHECK(before == size);
	return 0;
}
