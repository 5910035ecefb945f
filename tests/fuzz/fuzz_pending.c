/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes config/pending: any file is read whole or not at all, and what was read is written the same. */
#include "config/pending.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_check(const struct pending_change *first)
{
	struct buf text = BUF_INIT(PENDING_BYTES_MAX);
	struct pending_change second;

	pending_init(&second);
	pending_append(&text, first);
	CHECK(!text.failed && pending_read(buf_str(&text), &second));
	CHECK(second.until_s == first->until_s && second.within_s == first->within_s &&
	      second.uid == first->uid);
	CHECK(str_equals(buf_str(&second.who), buf_str(&first->who)) &&
	      str_equals(buf_str(&second.from), buf_str(&first->from)) &&
	      str_equals(buf_str(&second.before), buf_str(&first->before)) &&
	      str_equals(buf_str(&second.after), buf_str(&first->after)));
	pending_done(&second);
	buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pending_change pending;

	pending_init(&pending);
	if (pending_read(str_make(data, size), &pending)) {
		CHECK(pending.within_s <= PENDING_SECONDS_MAX);
		CHECK(pending_left_ms(&pending, 0) >= 0);
		same_check(&pending);
	} else
		CHECK(pending.who.len == 0 && pending.before.len == 0 && pending.after.len == 0);
	pending_done(&pending);
	return 0;
}
