/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of admin/request.h. */
#include "admin/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static struct admin_request request;

static bool read_request(const char *method, const char *path, const char *query, const char *body)
{
	static struct route_match match;

	admin_request_done(&request);
	route_find(str_from_c(method), str_from_c(path), &match);
	assert_non_null(match.route);
	return admin_request_read(&match, str_from_c(query), str_from_c(body), &request);
}

static void test_words_and_options(void **state)
{
	assert_true(read_request("PATCH", "/api/v1/users/anna%40example.org", "",
				      "{\"quota\": 1048576, \"role\": \"auditor\"}"));
	assert_string_equal(request.arguments.command->name, "user set");
	assert_int_equal(request.arguments.word_count, 1);
	assert_string_equal(request.arguments.words[0], "anna@example.org");
	assert_string_equal(request.arguments.values[OPTION_QUOTA], "1048576");
	assert_string_equal(request.arguments.values[OPTION_ROLE], "auditor");
	assert_true(arguments_has(&request.arguments, OPTION_BIT(QUOTA) | OPTION_BIT(ROLE)));
}

static void test_lists_objects_flags(void **state)
{
	assert_true(read_request("POST", "/api/v1/queue/retry", "", "{\"ids\":[\"a\",\"b\"]}"));
	assert_int_equal(request.arguments.word_count, 2);
	assert_string_equal(request.arguments.words[1], "b");
	assert_true(read_request("POST", "/api/v1/tls/plan", "",
				      "{\"variables\":{\"Security.A\":\"1\",\"Security.B\":null}}"));
	assert_string_equal(request.arguments.words[0], "Security.A=1");
	assert_string_equal(request.arguments.words[1], "Security.B=");
	assert_true(arguments_has(&request.arguments, OPTION_BIT(DRY_RUN)));
	assert_true(arguments_has(&request.arguments, OPTION_BIT(JSON)));
	assert_true(read_request("POST", "/api/v1/tls/reset", "", "{\"allow_weaker\":true}"));
	assert_true(arguments_has(&request.arguments, OPTION_BIT(ALLOW_WEAKER)));
	assert_false(arguments_has(&request.arguments, OPTION_BIT(DRY_RUN)));
}

static void test_a_password_goes_into_the_input(void **state)
{
	assert_true(read_request("POST", "/api/v1/users", "",
				      "{\"address\":\"a@example.org\",\"password\":\"s p\"}"));
	assert_true(str_equals(buf_str(&request.input), STR("s p\n")));
	assert_true(arguments_has(&request.arguments, OPTION_BIT(PASSWORD_STDIN)));
	assert_false(read_request("POST", "/api/v1/users", "",
				      "{\"address\":\"a@example.org\",\"password\":\"s\\np\"}"));
}

/* Who asks comes beside the request; a password that was checked before is no business of the command. */
static void test_of_who_asks(void **state)
{
	struct route_match match;

	route_find(STR("POST"), STR("/api/v1/account/password"), &match);
	match.account = STR("anna@example.org");
	match.session = STR("0123456789abcdef");
	admin_request_done(&request);
	assert_true(admin_request_read(&match, STR(""), STR("{\"old\":\"o\",\"new\":\"n\"}"), &request));
	assert_string_equal(request.arguments.command->name, "user passwd");
	assert_int_equal(request.arguments.word_count, 1);
	assert_string_equal(request.arguments.words[0], "anna@example.org");
	assert_string_equal(request.arguments.values[OPTION_SESSION], "0123456789abcdef");
	assert_true(str_equals(buf_str(&request.input), STR("n\n")));
	admin_request_done(&request);
	assert_false(admin_request_read(
		&match, STR(""), STR("{\"old\":\"o\",\"new\":\"n\",\"address\":\"b@example.org\"}"),
		&request));
	assert_string_equal(request.refused_field, "address");
	admin_request_done(&request);
	assert_false(admin_request_read(&match, STR("session=x"), STR("{\"old\":\"o\",\"new\":\"n\"}"),
					&request));
	assert_string_equal(request.refused_field, "session");
	admin_request_done(&request);
	assert_false(admin_request_read(&match, STR(""), STR("{\"new\":\"n\"}"), &request));
	assert_string_equal(request.refused_field, "old");
}

static void test_queries(void **state)
{
	assert_true(read_request("GET", "/api/v1/users", "search=a%20b+c&limit=5", ""));
	assert_string_equal(request.arguments.values[OPTION_SEARCH], "a b c");
	assert_string_equal(request.arguments.values[OPTION_LIMIT], "5");
	assert_false(read_request("GET", "/api/v1/users", "search=a&search=b", ""));
	assert_false(read_request("GET", "/api/v1/users", "serach=a", ""));
	assert_false(read_request("GET", "/api/v1/users", "search=%4", ""));
	assert_false(read_request("GET", "/api/v1/users", "search=%00", ""));
	assert_false(read_request("GET", "/api/v1/users", "=x", ""));
	assert_true(read_request("GET", "/api/v1/users", "limit", ""));
	assert_string_equal(request.arguments.values[OPTION_LIMIT], "");
}

/* What looks like an option is a word: a request cannot bring options in that its row does not have. */
static void test_words_are_no_options(void **state)
{
	assert_true(read_request("POST", "/api/v1/domains", "", "{\"name\":\"--home=/\"}"));
	assert_string_equal(request.arguments.words[0], "--home=/");
	assert_false(arguments_has(&request.arguments, OPTION_BIT(HOME)));
}

/* A member names one variable: an equals sign in its name would name another. */
static void test_refusals_name_their_field(void **state)
{
	assert_false(read_request("PATCH", "/api/v1/settings", "",
				  "{\"values\":{\"Limits.LineBytes=1\":\"2\"}}"));
	assert_string_equal(request.refused_field, "Limits.LineBytes=1");
	assert_false(read_request("POST", "/api/v1/domains", "", "{}"));
	assert_string_equal(request.refused_field, "name");
	assert_string_equal(request.refused_text, "it is missing");
	assert_false(read_request("DELETE", "/api/v1/users/%ff", "", ""));
	assert_string_equal(request.refused_field, "address");
	assert_false(read_request("GET", "/api/v1/users", "\xff=1", ""));
	assert_null(request.refused_field);
	assert_true(read_request("GET", "/api/v1/users", "", ""));
	assert_null(request.refused_text);
}

/* Overlong forms, surrogates and bytes that begin nothing are no UTF-8 (RFC 3629 section 3). */
static void test_paths_that_are_no_utf8(void **state)
{
	static const char *const paths[] = {
		"/api/v1/users/%c0%ae%c0%ae%c0%af", "/api/v1/users/%e0%80%ae", "/api/v1/users/%ed%a0%80",
		"/api/v1/users/a%fe",		     "/api/v1/users/%f5%80%80%80", "/api/v1/users/%00",
		"/api/v1/users/%",		     "/api/v1/users/%2",	   "/api/v1/users/%g0",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (read_request("DELETE", paths[i], "", ""))
			fail_msg("%s was taken", paths[i]);
	assert_true(read_request("DELETE", "/api/v1/users/..%2F..%2fx", "", ""));
	assert_string_equal(request.arguments.words[0], "../../x");
}

static void test_what_is_too_long(void **state)
{
	enum { LEN = REQUEST_TEXT_MAX + 1 };
	static const char head[] = "{\"name\":\"a\",\"pem\":\"";
	char *body = malloc(sizeof(head) + LEN + 2);

	assert_non_null(body);
	memcpy(body, head, sizeof(head) - 1);
	memset(body + sizeof(head) - 1, 'x', LEN);
	memcpy(body + sizeof(head) - 1 + LEN, "\"}", 3);
	assert_false(read_request("POST", "/api/v1/certificates/import", "", body));
	assert_string_equal(request.refused_field, "pem");
	free(body);
}

static void test_bodies_that_are_refused(void **state)
{
	static const char *const bodies[] = {
		"{", "[]", "\"a\"", "{\"name\":1.5}", "{\"name\":[\"a\"]}", "{\"name\":{}}",
		"{\"name\":\"a\",\"name\":\"b\"}", "{\"name\":\"a\",\"nam\":\"b\"}", "{}", "", "null",
		"{\"name\":\"a\\u0000b\"}", "{\"name\":\"a\"} x",
	};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		if (read_request("POST", "/api/v1/domains", "", bodies[i]))
			fail_msg("%s was taken", bodies[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_and_options),
		cmocka_unit_test(test_lists_objects_flags),
		cmocka_unit_test(test_a_password_goes_into_the_input),
		cmocka_unit_test(test_of_who_asks),
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_words_are_no_options),
		cmocka_unit_test(test_refusals_name_their_field),
		cmocka_unit_test(test_paths_that_are_no_utf8),
		cmocka_unit_test(test_what_is_too_long),
		cmocka_unit_test(test_bodies_that_are_refused),
	};

	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	admin_request_done(&request);
	return failed;
}
