/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/log_page.h"

/* The newest first; the last line of the newest is being written. */
static const struct log_parts parts = {
	.items = {{.inode = 7, .text = STR_INIT("five\nsix Anna\nsev")},
		  {.inode = 6, .text = STR_INIT("")},
		  {.inode = 5, .text = STR_INIT("one\ntwo ANNA\n\nfour\n")}},
	.count = 3};

/* Lines joined by "|", and the place where to go on. */
static void expect_page(const char *before, size_t limit, const char *filter, const char *lines,
			const char *next)
{
	CLEANUP_BUF struct buf joined = BUF_INIT(1000), place = BUF_INIT(100);
	struct log_page page;

	assert_int_equal(log_page_find(&parts, before, limit, str_from_c(filter), &page),
			 FAULT_NONE);
	for (size_t i = 0; i < page.count; i++)
		buf_printf(&joined, "%s%.*s", i == 0 ? "" : "|", STR_ARG(page.lines[i].text));
	buf_append_char(&joined, '\0');
	assert_string_equal(joined.data, lines);
	assert_int_equal(page.has_more, next != NULL);
	log_place_append(&place, page.next_inode, page.next_offset);
	if (next != NULL)
		assert_true(str_equals(buf_str(&place), str_from_c(next)));
	log_page_done(&page);
}

static void test_backwards_over_files(void **state)
{
	expect_page(NULL, 1, "", "six Anna", "7:5");
	expect_page("7:5", 2, "", "four|five", "5:14");
	expect_page("5:14", 2, "", "two ANNA|", "5:4");
	expect_page("5:4", 2, "", "one", NULL);
	expect_page(NULL, 100, "", "one|two ANNA||four|five|six Anna", NULL);
	expect_page("7:99999", 1, "", "six Anna", "7:5");
	expect_page("5:0", 5, "", "", NULL);
}

static void test_filter(void **state)
{
	expect_page(NULL, 100, "anna", "two ANNA|six Anna", NULL);
	expect_page(NULL, 1, "NN", "six Anna", "7:5");
	expect_page("7:5", 1, "NN", "two ANNA", "5:4");
	expect_page(NULL, 5, "nobody", "", NULL);
}

static void test_places_that_are_none(void **state)
{
	static const char *const wrong[] = {"8:0", "7", "7:", ":1", "x:1", "", "7:1:2"};
	const struct log_parts none = {.count = 0};
	struct log_page page;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(log_page_find(&parts, wrong[i], 5, STR(""), &page),
				 FAULT_NOT_FOUND);
		log_page_done(&page);
	}
	assert_int_equal(log_page_find(&none, NULL, 5, STR(""), &page), FAULT_NONE);
	assert_int_equal(page.count, 0);
	log_page_done(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backwards_over_files),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_places_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
