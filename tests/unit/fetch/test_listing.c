/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of a mailbox, in pieces, in disorder, and wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "fetch/listing.h"

typedef enum fetch_listing_state take(struct fetch_listing *listing, struct str *input);

/* Gives an answer in two pieces, as a stream would: what is left of the first comes again. */
static enum fetch_listing_state feed(struct fetch_listing *listing, take *function,
				     struct str answer, size_t cut)
{
	struct str input = str_sub(answer, 0, cut);
	enum fetch_listing_state state = function(listing, &input);

	if (state != FETCH_LISTING_MORE)
		return state;
	input = str_from(answer, cut - input.len);
	state = function(listing, &input);
	if (state == FETCH_LISTING_DONE)
		assert_int_equal(input.len, strlen("+OK\r\n"));
	return state;
}

static void test_both_lists_in_any_order(void **state)
{
	struct str uidl = STR("3 c\r\n1 a\r\n7 a\r\n2 \xff\r\n.\r\n+OK\r\n");
	struct str sizes = STR("1 10\r\n7 70\r\n2 20\n3 30\r\n.\r\n+OK\r\n");

	for (size_t cut = 0; cut < uidl.len; cut++) {
		struct fetch_listing listing;
		fetch_listing_init(&listing);
		assert_int_equal(feed(&listing, fetch_listing_uidl, uidl, cut), FETCH_LISTING_DONE);
		assert_int_equal(feed(&listing, fetch_listing_sizes, sizes, cut), FETCH_LISTING_DONE);
		assert_int_equal(listing.count, 4);
		assert_int_equal(listing.messages[3].number, 7);
		assert_int_equal(listing.messages[3].bytes, 70);
		/* The first of two with one identifier is the one with the lower number. */
		assert_false(listing.messages[0].is_copy);
		assert_true(listing.messages[3].is_copy);
		assert_int_equal(listing.messages[1].uidl.len, 0);
		assert_int_equal(fetch_listing_find(&listing, STR("c"))->number, 3);
		assert_null(fetch_listing_find(&listing, STR("d")));
		fetch_listing_done(&listing);
	}
}

static void test_an_empty_mailbox(void **state)
{
	struct fetch_listing listing;

	fetch_listing_init(&listing);
	assert_int_equal(feed(&listing, fetch_listing_uidl, STR(".\r\n+OK\r\n"), 0),
			 FETCH_LISTING_DONE);
	assert_int_equal(feed(&listing, fetch_listing_sizes, STR(".\r\n+OK\r\n"), 1),
			 FETCH_LISTING_DONE);
	assert_null(fetch_listing_find(&listing, STR("a")));
	fetch_listing_done(&listing);
}

static void expect_broken(const char *uidl, const char *sizes, const char *why)
{
	struct fetch_listing listing;
	struct str input = str_from_c(uidl);

	fetch_listing_init(&listing);
	enum fetch_listing_state state = fetch_listing_uidl(&listing, &input);
	if (state == FETCH_LISTING_DONE) {
		input = str_from_c(sizes);
		state = fetch_listing_sizes(&listing, &input);
	}
	assert_int_equal(state, FETCH_LISTING_BROKEN);
	assert_non_null(strstr(listing.why, why));
	fetch_listing_done(&listing);
}

static void test_lists_that_are_not_believed(void **state)
{
	expect_broken("1 a\r\n1 b\r\n.\r\n", "", "twice");
	expect_broken("one a\r\n", "", "UIDL with a line that names no message");
	expect_broken("1\r\n", "", "UIDL with a line that names no message");
	expect_broken("1 a\r\n.\r\n", "1 x\r\n", "LIST with a line that names no message");
	expect_broken("1 a\r\n.\r\n", "2 5\r\n", "other messages in LIST than in UIDL");
	expect_broken("1 a\r\n.\r\n", "1 5\r\n1 6\r\n", "other messages in LIST than in UIDL");
	expect_broken("1 a\r\n2 b\r\n.\r\n", "1 5\r\n.\r\n", "other messages in LIST than in UIDL");
	expect_broken(".\r\n", "1 5\r\n.\r\n", "other messages in LIST than in UIDL");
}

static void test_no_more_than_a_million(void **state)
{
	struct fetch_listing listing;
	enum fetch_listing_state got = FETCH_LISTING_MORE;

	fetch_listing_init(&listing);
	for (unsigned i = 1; got == FETCH_LISTING_MORE && i < 2 * FETCH_LISTED_MAX; i++) {
		struct buf line = BUF_INIT(64);
		buf_printf(&line, "%u u%u\r\n", i, i);
		struct str input = buf_str(&line);
		got = fetch_listing_uidl(&listing, &input);
		buf_done(&line);
	}
	assert_int_equal(got, FETCH_LISTING_BROKEN);
	assert_int_equal(listing.count, FETCH_LISTED_MAX);
	fetch_listing_done(&listing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_lists_in_any_order),
		cmocka_unit_test(test_an_empty_mailbox),
		cmocka_unit_test(test_lists_that_are_not_believed),
		cmocka_unit_test(test_no_more_than_a_million),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
