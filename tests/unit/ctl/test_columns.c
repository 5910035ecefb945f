/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/columns.h"
#include "ctl/progress.h"

static void expect(struct buf *text, const char *wanted)
{
	if (!str_equals(buf_str(text), str_from_c(wanted)))
		fail_msg("%.*s", STR_ARG(buf_str(text)));
	buf_done(text);
}

static void test_widths(void **state)
{
	static const char *const heads[] = {"NAME", "SIZE", "NOTE"};
	struct columns columns;
	struct buf text = BUF_INIT(1000);

	columns_init(&columns, heads, 3);
	columns_append(&columns, &text);
	assert_int_equal(text.len, 0);
	columns_add_c(&columns, "Gr\xc3\xbc\xc3\x9f" "e");
	columns_printf(&columns, "%d", 7);
	columns_add_c(&columns, "");
	columns_add_c(&columns, "a\x1b[2J");
	columns_add_c(&columns, "");
	columns_add_c(&columns, "end");
	columns_append(&columns, &text);
	expect(&text, "NAME      SIZE  NOTE\n"
		      "Gr\xc3\xbc\xc3\x9f" "e     7\n"
		      "a\\x1b[2J        end\n");
	columns_done(&columns);
}

static void test_sizes(void **state)
{
	struct buf text = BUF_INIT(100);

	size_append(&text, 1023);
	buf_append_char(&text, ' ');
	size_append(&text, 1536);
	buf_append_char(&text, ' ');
	size_append(&text, UINT64_C(5) << 30);
	expect(&text, "1023 B 1.5 KiB 5.0 GiB");
}

static void test_bar(void **state)
{
	struct buf text = BUF_INIT(1000);

	progress_append(&text, "all.mbox", 50, 100, STR("1234 messages"), 60);
	expect(&text, "all.mbox [#############..............]  50 %, 1234 messages");
	progress_append(&text, "x", 9, 9, STR("0 messages"), 20);
	expect(&text, "x [##########] 100 %, 0 messages");
	progress_append(&text, "CA", 0, 0, STR("it looks"), 60);
	expect(&text, "CA: it looks");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_bar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
