/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of session/names: who is worth asking for, and what an answer of mailq means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "session/names.h"

static void test_the_own_address_is_not_asked_for(void **state)
{
	static const uint8_t own_6[16] = {[15] = 1};
	static const uint8_t own_4[16] = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1};
	static const uint8_t other_4[16] = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 2};

	assert_false(names_are_worth_asking(own_6));
	assert_false(names_are_worth_asking(own_4));
	assert_true(names_are_worth_asking(other_4));
}

static enum fault read_given(uint32_t fault, struct str *names_out)
{
	struct asker_answer answer = {.was_asked = true};

	answer.packet.message.peer_name_given =
		(struct msg_peer_name_given){.fault = fault, .names = STR("a.example b.example")};
	return names_read(&answer, names_out);
}

static void test_what_an_answer_means(void **state)
{
	struct str names = STR("");

	assert_int_equal(read_given(FAULT_NOT_FOUND, &names), FAULT_NOT_FOUND);
	assert_int_equal(read_given(FAULT_COUNT, &names), FAULT_INVALID);
	assert_int_equal(names.len, 0);
	assert_int_equal(read_given(FAULT_NONE, &names), FAULT_NONE);
	assert_true(str_equals(names, STR("a.example b.example")));
}

/* However it came that there is none: the names are not known. */
static void test_no_answer(void **state)
{
	struct asker_answer answer = {.fault = FAULT_IO, .was_asked = true};
	struct str names;

	assert_int_equal(names_read(&answer, &names), FAULT_UNAVAILABLE);
	assert_int_equal(names_ask(NULL, (const uint8_t[16]){0}, 1, NULL, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_own_address_is_not_asked_for),
		cmocka_unit_test(test_what_an_answer_means),
		cmocka_unit_test(test_no_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
