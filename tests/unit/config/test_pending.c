/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of config/pending: what waits comes back whole, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/pending.h"

static void example_make(struct pending_change *pending, struct buf *text)
{
	pending_init(pending);
	pending->until_s = 1700000600;
	pending->within_s = 600;
	buf_append_c(&pending->who, "root");
	pending->uid = 1000;
	buf_append_c(&pending->from, "control socket");
	buf_append_c(&pending->before, "<c>\n\xfc</c>");
	buf_append_c(&pending->after, "<d/>");
	*text = BUF_INIT(PENDING_BYTES_MAX);
	pending_append(text, pending);
}

static void test_comes_back(void **state)
{
	struct pending_change pending, read;
	struct buf text;

	example_make(&pending, &text);
	pending_init(&read);
	assert_true(pending_read(buf_str(&text), &read));
	assert_int_equal(read.until_s, 1700000600);
	assert_int_equal(read.within_s, 600);
	assert_true(str_equals(buf_str(&read.who), STR("root")));
	assert_int_equal(read.uid, 1000);
	assert_true(str_equals(buf_str(&read.from), STR("control socket")));
	assert_true(str_equals(buf_str(&read.before), buf_str(&pending.before)));
	assert_true(str_equals(buf_str(&read.after), buf_str(&pending.after)));
	pending_done(&read);
	/* Cut short anywhere it is none. */
	for (size_t len = 0; len < text.len; len++)
		assert_false(pending_read(str_sub(buf_str(&text), 0, len), &read));
	assert_int_equal(read.before.len, 0);
	pending_done(&pending);
	buf_done(&text);
}

static void test_time_left(void **state)
{
	struct pending_change pending = {.until_s = 1000, .within_s = 60};

	assert_int_equal(pending_left_ms(&pending, 990), 10000);
	assert_int_equal(pending_left_ms(&pending, 1000), 0);
	assert_int_equal(pending_left_ms(&pending, 5000), 0);
	/* The clock was put back by hours. */
	assert_int_equal(pending_left_ms(&pending, -9000), 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_time_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
