/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of acme/message: what a CA says, well and badly, and what it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "acme/message.h"

#define assert_str(view, text) assert_true(str_equals((view), STR(text)))

static struct arena arena;

static int arena_make(void **state)
{
	arena_init(&arena, 4 << 20);
	return 0;
}

static int arena_drop(void **state)
{
	arena_rewind(&arena);
	return 0;
}

static void test_a_directory(void **state)
{
	struct acme_directory directory;

	assert_int_equal(
		acme_directory_parse(STR("{\"newNonce\":\"https://ca/n\",\"newAccount\":\"https://ca/a\","
					 "\"newOrder\":\"https://ca/o\",\"unknown\":[1,{}],"
					 "\"meta\":{\"termsOfService\":\"data:text/plain,none\"}}"),
				     &arena, &directory),
		FAULT_NONE);
	assert_str(directory.new_nonce, "https://ca/n");
	assert_str(directory.new_account, "https://ca/a");
	assert_str(directory.new_order, "https://ca/o");
	assert_str(directory.terms, "data:text/plain,none");
	assert_false(directory.wants_external_account);
}

static void test_a_directory_that_is_none(void **state)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"null",
		"{\"newNonce\":\"https://a/\",\"newAccount\":\"https://a/\"}",
		"{\"newNonce\":\"http://a/\",\"newAccount\":\"https://a/\",\"newOrder\":\"https://a/\"}",
		"{\"newNonce\":\"https://a/\\n\",\"newAccount\":\"https://a/\",\"newOrder\":\"https://a/\"}",
		"{\"newNonce\":7,\"newAccount\":\"https://a/\",\"newOrder\":\"https://a/\"}",
		"{\"newNonce\":\"https://a/\",\"newNonce\":\"https://b/\",\"newAccount\":\"https://a/\","
		"\"newOrder\":\"https://a/\"}",
	};
	struct acme_directory directory;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(acme_directory_parse(str_from_c(bad[i]), &arena, &directory),
				 FAULT_INVALID);
}

static void test_an_order(void **state)
{
	struct acme_order order;

	assert_int_equal(
		acme_order_parse(STR("{\"status\":\"pending\",\"authorizations\":[\"https://ca/1\","
				     "\"https://ca/2\"],\"finalize\":\"https://ca/f\"}"),
				 &arena, &order),
		FAULT_NONE);
	assert_int_equal(order.status, ACME_STATUS_PENDING);
	assert_int_equal(order.authorization_count, 2);
	assert_str(order.authorizations[1], "https://ca/2");
	assert_str(order.finalize, "https://ca/f");
	assert_true(str_is_empty(order.certificate));
	assert_true(str_is_empty(order.problem.type));
	assert_int_equal(
		acme_order_parse(STR("{\"status\":\"valid\",\"authorizations\":[\"https://ca/1\"],"
				     "\"finalize\":\"https://ca/f\",\"certificate\":\"https://ca/c\"}"),
				 &arena, &order),
		FAULT_NONE);
	assert_int_equal(order.status, ACME_STATUS_VALID);
	assert_str(order.certificate, "https://ca/c");
}

static void test_an_order_that_lacks_something(void **state)
{
	static const char *const bad[] = {
		"{\"status\":\"pending\",\"authorizations\":[],\"finalize\":\"https://ca/f\"}",
		"{\"status\":\"pending\",\"finalize\":\"https://ca/f\"}",
		"{\"status\":\"pending\",\"authorizations\":[\"https://ca/1\"]}",
		"{\"status\":\"pending\",\"authorizations\":[1],\"finalize\":\"https://ca/f\"}",
		"{\"status\":\"valid\",\"authorizations\":[\"https://ca/1\"],\"finalize\":\"https://ca/f\"}",
		"{\"status\":\"valid\",\"authorizations\":[\"https://ca/1\"],\"finalize\":\"https://ca/f\","
		"\"certificate\":\"file:///etc/passwd\"}",
	};
	struct acme_order order;
	struct buf many = BUF_INIT(64 * 1024);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(acme_order_parse(str_from_c(bad[i]), &arena, &order),
				 FAULT_INVALID);
	buf_append_c(&many, "{\"finalize\":\"https://ca/f\",\"authorizations\":[\"https://ca/\"");
	for (int i = 0; i < ACME_DOMAINS_MAX; i++)
		buf_append_c(&many, ",\"https://ca/\"");
	buf_append_c(&many, "]}");
	assert_int_equal(acme_order_parse(buf_str(&many), &arena, &order), FAULT_INVALID);
	buf_done(&many);
}

static const char authorization_json[] =
	"{\"status\":\"pending\",\"identifier\":{\"type\":\"dns\",\"value\":\"a.example\"},"
	"\"challenges\":[{\"type\":\"dns-01\",\"url\":\"https://ca/d\",\"token\":\"dns\"},"
	"{\"type\":\"http-01\",\"url\":\"https://ca/h\",\"token\":\"to-k_9\",\"status\":\"invalid\","
	"\"error\":{\"type\":\"urn:ietf:params:acme:error:dns\",\"detail\":\"NXDOMAIN\"}}]}";

static void test_an_authorization(void **state)
{
	struct acme_authorization authorization;

	assert_int_equal(acme_authorization_parse(str_from_c(authorization_json), STR("http-01"),
						  &arena, &authorization),
			 FAULT_NONE);
	assert_int_equal(authorization.status, ACME_STATUS_PENDING);
	assert_str(authorization.domain, "a.example");
	assert_true(authorization.has_challenge);
	assert_int_equal(authorization.challenge_status, ACME_STATUS_INVALID);
	assert_str(authorization.challenge_url, "https://ca/h");
	assert_str(authorization.token, "to-k_9");
	assert_str(authorization.problem.type, "dns");
	assert_str(authorization.problem.detail, "NXDOMAIN");
	assert_int_equal(acme_authorization_parse(str_from_c(authorization_json),
						  STR("tls-alpn-01"), &arena, &authorization),
			 FAULT_NONE);
	assert_false(authorization.has_challenge);
}

/* A token becomes a path that this server answers. */
static void test_tokens_of_foreign_letters_are_refused(void **state)
{
	static const char *const tokens[] = {"",	"../x", "a/b", "a b",
					     "a%2fb", "a\\n", "a.b", "\\u00e4"};
	struct acme_authorization authorization;

	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		struct buf json = BUF_INIT(1024);
		buf_printf(&json,
			   "{\"status\":\"pending\",\"identifier\":{\"value\":\"a.example\"},"
			   "\"challenges\":[{\"type\":\"http-01\",\"url\":\"https://ca/h\","
			   "\"token\":\"%s\"}]}",
			   tokens[i]);
		assert_int_equal(acme_authorization_parse(buf_str(&json), STR("http-01"), &arena,
							  &authorization),
				 FAULT_INVALID);
		buf_done(&json);
	}
}

static void test_a_problem_is_explained(void **state)
{
	struct acme_problem problem;
	struct buf words = BUF_INIT(8192);

	assert_int_equal(
		acme_problem_parse(
			STR("{\"type\":\"urn:ietf:params:acme:error:compound\",\"detail\":\"two\\nlines\","
			    "\"subproblems\":[{\"type\":\"urn:ietf:params:acme:error:caa\",\"detail\":\"no\","
			    "\"identifier\":{\"type\":\"dns\",\"value\":\"b.example\"}}]}"),
			&arena, &problem),
		FAULT_NONE);
	assert_str(problem.type, "compound");
	acme_problem_explain(&problem, &words);
	assert_true(str_find(buf_str(&words), STR("several things are wrong")) != STR_NONE);
	assert_true(str_find(buf_str(&words), STR("b.example: a CAA record")) != STR_NONE);
	assert_true(str_find_char(buf_str(&words), '\n') == STR_NONE);
	buf_reset(&words);
	assert_int_equal(acme_problem_parse(STR("{\"type\":\"https://else/where\",\"detail\":3}"),
					    &arena, &problem),
			 FAULT_NONE);
	acme_problem_explain(&problem, &words);
	assert_true(str_find(buf_str(&words), STR("the CA refused (https://else/where)")) !=
		    STR_NONE);
	assert_int_equal(acme_problem_parse(STR("<html>"), &arena, &problem), FAULT_INVALID);
	buf_done(&words);
}

static void test_a_long_answer_is_refused_or_cut(void **state)
{
	struct buf json = BUF_INIT(1 << 20);
	struct acme_problem problem;

	buf_append_c(&json, "{\"type\":\"x\",\"detail\":\"");
	for (int i = 0; i < 8000; i++)
		buf_append_c(&json, "long ");
	buf_append_c(&json, "\"}");
	assert_int_equal(acme_problem_parse(buf_str(&json), &arena, &problem), FAULT_NONE);
	assert_int_equal(problem.detail.len, ACME_TEXT_MAX);
	while (json.len <= ACME_MESSAGE_MAX)
		buf_append_char(&json, ' ');
	assert_int_equal(acme_problem_parse(buf_str(&json), &arena, &problem), FAULT_INVALID);
	buf_done(&json);
}

static void test_payloads(void **state)
{
	const struct str domains[] = {STR("a.example"), STR("b.example")};
	struct buf json = BUF_INIT(4096);

	acme_account_append(&json, STR("me@a.example"), true);
	assert_str(buf_str(&json),
		   "{\"termsOfServiceAgreed\":true,\"contact\":[\"mailto:me@a.example\"]}");
	buf_reset(&json);
	acme_account_append(&json, STR(""), false);
	assert_str(buf_str(&json), "{\"termsOfServiceAgreed\":false,\"contact\":[]}");
	buf_reset(&json);
	acme_order_append(&json, domains, 2);
	assert_str(buf_str(&json), "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"},"
				   "{\"type\":\"dns\",\"value\":\"b.example\"}]}");
	buf_reset(&json);
	acme_finalize_append(&json, STR("\xfb\xff\xfe?"));
	assert_str(buf_str(&json), "{\"csr\":\"-__-Pw\"}");
	buf_done(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_directory),
		cmocka_unit_test(test_a_directory_that_is_none),
		cmocka_unit_test(test_an_order),
		cmocka_unit_test(test_an_order_that_lacks_something),
		cmocka_unit_test(test_an_authorization),
		cmocka_unit_test(test_tokens_of_foreign_letters_are_refused),
		cmocka_unit_test(test_a_problem_is_explained),
		cmocka_unit_test(test_a_long_answer_is_refused_or_cut),
		cmocka_unit_test(test_payloads),
	};

	return cmocka_run_group_tests(tests, arena_make, arena_drop);
}
