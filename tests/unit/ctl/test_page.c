/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/page.h"

static const char *const keys[] = {"anna", "bert", "berta", "cora", "dora"};

/* Goes through the keys; the last letters of those that the page has. */
static void page_read(struct arguments *arguments, struct page *page, char *taken)
{
	struct ctl ctl = {.arguments = arguments};

	assert_int_equal(page_init(page, &ctl), CTL_DONE);
	for (size_t i = 0; i < 5; i++)
		if (page_finds(page, str_from_c(keys[i])) && page_takes(page, str_from_c(keys[i])))
			*taken++ = (char)('1' + i);
	*taken = '\0';
}

static void expect_page(const char *search, const char *after, const char *limit,
			const char *expected, int total, const char *next)
{
	struct arguments arguments = {
		.values = {
			[OPTION_SEARCH] = search, [OPTION_AFTER] = after, [OPTION_LIMIT] = limit}};
	json_t *document = json_object();
	struct page page;
	char taken[6];

	page_read(&arguments, &page, taken);
	page_tell_json(&page, document);
	assert_string_equal(taken, expected);
	assert_int_equal(json_integer_value(json_object_get(document, "total")), total);
	const char *told = json_string_value(json_object_get(document, "next"));
	assert_true(next == NULL ? told == NULL : told != NULL && strcmp(told, next) == 0);
	json_decref(document);
	page_done(&page);
}

static void test_pages(void **state)
{
	expect_page(NULL, NULL, NULL, "12345", 5, NULL);
	expect_page(NULL, NULL, "2", "12", 5, "bert");
	expect_page(NULL, "bert", "2", "34", 5, "cora");
	expect_page(NULL, "cora", "2", "5", 5, NULL);
	expect_page(NULL, "bb", "5", "2345", 5, NULL);
	expect_page("ert", NULL, "1", "2", 2, "bert");
	expect_page("RT", "bert", "1", "3", 2, NULL);
	expect_page("zz", NULL, "1", "", 0, NULL);
}

static void test_numbers_descend(void **state)
{
	struct arguments arguments = {
		.values = {[OPTION_AFTER] = "10", [OPTION_LIMIT] = "2"}};
	struct ctl ctl = {.arguments = &arguments};
	struct page page;

	assert_int_equal(page_init(&page, &ctl), CTL_DONE);
	for (uint64_t number = 12; number > 0; number--)
		assert_int_equal(page_takes_below(&page, number), number == 9 || number == 8);
	assert_true(page.has_more && page.total == 12);
	assert_true(str_equals(buf_str(&page.last), STR("8")));
	page_done(&page);
	/* What is no number has nothing behind it. */
	arguments.values[OPTION_AFTER] = "x";
	assert_int_equal(page_init(&page, &ctl), CTL_DONE);
	assert_false(page_takes_below(&page, 1));
	page_done(&page);
}

static void test_limits_are_numbers(void **state)
{
	static const char *const wrong[] = {"0", "-1", "x", "", "10000000000"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct arguments arguments = {.values = {[OPTION_LIMIT] = wrong[i]}};
		struct page page;
		assert_int_equal(page_init(&page, &(struct ctl){.arguments = &arguments}),
				 CTL_USAGE);
		page_done(&page);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_numbers_descend),
		cmocka_unit_test(test_limits_are_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
