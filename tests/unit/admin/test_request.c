/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of admin/request.h. */
#include "admin/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct admin_request request;

static int read_request(const char *method, const char *path, const char *query, const char *body)
{
	static struct route_match match;

	admin_request_done(&request);
	route_find(str_from_c(method), str_from_c(path), &match);
	assert_non_null(match.route);
	return admin_request_read(&match, str_from_c(query), str_from_c(body), &request);
}

static void test_words_and_options(void **state)
{
	assert_int_equal(read_request("PATCH", "/api/v1/users/anna%40example.org", "",
				      "{\"quota\": 1048576, \"role\": \"auditor\"}"),
			 0);
	assert_string_equal(request.arguments.command->name, "user set");
	assert_int_equal(request.arguments.word_count, 1);
	assert_string_equal(request.arguments.words[0], "anna@example.org");
	assert_string_equal(request.arguments.values[OPTION_QUOTA], "1048576");
	assert_string_equal(request.arguments.values[OPTION_ROLE], "auditor");
	assert_true(arguments_has(&request.arguments, OPTION_BIT(QUOTA) | OPTION_BIT(ROLE)));
}

static void test_lists_objects_flags(void **state)
{
	assert_int_equal(read_request("POST", "/api/v1/queue/retry", "", "{\"ids\":[\"a\",\"b\"]}"), 0);
	assert_int_equal(request.arguments.word_count, 2);
	assert_string_equal(request.arguments.words[1], "b");
	assert_int_equal(read_request("POST", "/api/v1/tls/plan", "",
				      "{\"variables\":{\"Security.A\":\"1\",\"Security.B\":null}}"),
			 0);
	assert_string_equal(request.arguments.words[0], "Security.A=1");
	assert_string_equal(request.arguments.words[1], "Security.B=");
	assert_true(arguments_has(&request.arguments, OPTION_BIT(DRY_RUN)));
	assert_true(arguments_has(&request.arguments, OPTION_BIT(JSON)));
	assert_int_equal(read_request("POST", "/api/v1/tls/reset", "", "{\"allow_weaker\":true}"), 0);
	assert_true(arguments_has(&request.arguments, OPTION_BIT(ALLOW_WEAKER)));
	assert_false(arguments_has(&request.arguments, OPTION_BIT(DRY_RUN)));
}

static void test_a_password_goes_into_the_input(void **state)
{
	assert_int_equal(read_request("POST", "/api/v1/users", "",
				      "{\"address\":\"a@example.org\",\"password\":\"s p\"}"),
			 0);
	assert_true(str_equals(buf_str(&request.input), STR("s p\n")));
	assert_true(arguments_has(&request.arguments, OPTION_BIT(PASSWORD_STDIN)));
	assert_int_equal(read_request("POST", "/api/v1/users", "",
				      "{\"address\":\"a@example.org\",\"password\":\"s\\np\"}"),
			 2);
}

static void test_queries(void **state)
{
	assert_int_equal(read_request("GET", "/api/v1/users", "search=a%20b+c&limit=5", ""), 0);
	assert_string_equal(request.arguments.values[OPTION_SEARCH], "a b c");
	assert_string_equal(request.arguments.values[OPTION_LIMIT], "5");
	assert_int_equal(read_request("GET", "/api/v1/users", "search=a&search=b", ""), 2);
	assert_int_equal(read_request("GET", "/api/v1/users", "serach=a", ""), 2);
	assert_int_equal(read_request("GET", "/api/v1/users", "search=%4", ""), 2);
	assert_int_equal(read_request("GET", "/api/v1/users", "search=%00", ""), 2);
	assert_int_equal(read_request("GET", "/api/v1/users", "=x", ""), 2);
	assert_int_equal(read_request("GET", "/api/v1/users", "limit", ""), 0);
	assert_string_equal(request.arguments.values[OPTION_LIMIT], "");
}

/* What looks like an option is a word: a request cannot bring options in that its row does not have. */
static void test_words_are_no_options(void **state)
{
	assert_int_equal(read_request("POST", "/api/v1/domains", "", "{\"name\":\"--home=/\"}"), 0);
	assert_string_equal(request.arguments.words[0], "--home=/");
	assert_false(arguments_has(&request.arguments, OPTION_BIT(HOME)));
}

static void test_bodies_that_are_refused(void **state)
{
	static const char *const bodies[] = {
		"{", "[]", "\"a\"", "{\"name\":1.5}", "{\"name\":[\"a\"]}", "{\"name\":{}}",
		"{\"name\":\"a\",\"name\":\"b\"}", "{\"name\":\"a\",\"nam\":\"b\"}", "{}", "", "null",
		"{\"name\":\"a\\u0000b\"}", "{\"name\":\"a\"} x",
	};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		if (read_request("POST", "/api/v1/domains", "", bodies[i]) != 2)
			fail_msg("%s was taken", bodies[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_and_options),
		cmocka_unit_test(test_lists_objects_flags),
		cmocka_unit_test(test_a_password_goes_into_the_input),
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_words_are_no_options),
		cmocka_unit_test(test_bodies_that_are_refused),
	};

	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	admin_request_done(&request);
	return failed;
}
