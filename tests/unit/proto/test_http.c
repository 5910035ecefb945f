/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proto/http. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/http.h"

#define H "Host: localhost:4040\r\n"

static int parse(const char *head, struct http_request *request)
{
	return http_request_parse(str_from_c(head), request);
}

static void test_request(void **state)
{
	struct http_request request;

	assert_int_equal(
		parse("GET /metrics?a=b?c HTTP/1.1\r\nhOST: [::1]:4040\r\nX:  y z \r\n\r\n",
		      &request),
		0);
	assert_int_equal(request.method, HTTP_GET);
	assert_true(str_equals(request.path, STR("/metrics")));
	assert_true(str_equals(request.query, STR("a=b?c")));
	assert_true(str_equals(request.host, STR("[::1]:4040")));
	assert_true(str_equals(http_request_field(&request, STR("x")), STR("y z")));
	assert_true(request.keep_alive);
	assert_int_equal(request.body_bytes, 0);
}

static void test_connection(void **state)
{
	struct http_request request;

	assert_int_equal(parse("HEAD / HTTP/1.0\r\n\r\n", &request), 0);
	assert_int_equal(request.method, HTTP_HEAD);
	assert_false(request.keep_alive);
	assert_int_equal(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", &request), 0);
	assert_true(request.keep_alive);
	assert_int_equal(parse("GET / HTTP/1.1\r\n" H "Connection: TE , close\r\n\r\n", &request),
			 0);
	assert_false(request.keep_alive);
}

static void test_body_length(void **state)
{
	struct http_request request;

	assert_int_equal(parse("POST / HTTP/1.1\r\n" H
			       "Content-Length: 12\r\nExpect: 100-continue\r\n\r\n",
			       &request),
			 0);
	assert_int_equal(request.method, HTTP_OTHER);
	assert_int_equal(request.body_bytes, 12);
	assert_true(request.expects_continue);
	assert_int_equal(parse("POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n",
			       &request),
			 0);
	assert_false(request.expects_continue);
}

static void test_refused(void **state)
{
	static const struct {
		int status;
		const char *head;
	} rows[] = {
		{400, "\r\n"},
		{400, "GET / HTTP/1.1\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n" H H "\r\n"},
		{400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
		{400, "GET  / HTTP/1.1\r\n" H "\r\n"},
		{400, "GET /\r\n" H "\r\n"},
		{400, "GET / HTTP/1.1 \r\n" H "\r\n"},
		{400, "GET / http/1.1\r\n" H "\r\n"},
		{400, "GET http://localhost/ HTTP/1.1\r\n" H "\r\n"},
		{400, "GET /a#b HTTP/1.1\r\n" H "\r\n"},
		{400, "GET /\xc3\xbc HTTP/1.1\r\n" H "\r\n"},
		{400, "GET / HTTP/1.1\r\n" H "X : y\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n" H "X: y\r\n z\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n X: y\r\n" H "\r\n"},
		{400, "GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n" H "X: a\nb\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n" H ": a\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n" H "Content-Length: +1\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n" H "Content-Length: 1, 1\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\n"},
		{400, "GET / HTTP/1.1\r\n" H "Content-Length: 1\r\n"
		      "Transfer-Encoding: chunked\r\n\r\n"},
		{501, "GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"},
		{400, "GET / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n"},
		{505, "GET / HTTP/2.0\r\n" H "\r\n"},
		{400, "GET / HTTP/1.1\r\n" H},
		{400, "GET / HTTP/1.1\r\n" H "\r\nX: y\r\n\r\n"},
	};
	struct http_request request;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status = parse(rows[i].head, &request);
		if (status != rows[i].status)
			fail_msg("%d for %s", status, rows[i].head);
	}
}

static void test_limits(void **state)
{
	struct http_request request;
	struct buf head = BUF_INIT(HTTP_HEAD_MAX * 2);

	buf_append_c(&head, "GET / HTTP/1.1\r\n" H);
	for (int i = 1; i < HTTP_FIELDS_MAX; i++)
		buf_append_c(&head, "a: b\r\n");
	buf_append_c(&head, "\r\n");
	assert_int_equal(http_request_parse(buf_str(&head), &request), 0);
	buf_truncate(&head, head.len - 2);
	buf_append_c(&head, "a: b\r\n\r\n");
	assert_int_equal(http_request_parse(buf_str(&head), &request), 431);

	buf_reset(&head);
	buf_append_c(&head, "GET /");
	while (head.len <= 4 + HTTP_TARGET_MAX)
		buf_append_char(&head, 'a');
	buf_append_c(&head, " HTTP/1.1\r\n\r\n");
	assert_int_equal(http_request_parse(buf_str(&head), &request), 414);
	buf_done(&head);
}

static void test_head_find(void **state)
{
	struct str input = STR("GET / HTTP/1.1\r\nA: b\r\n\r\nbody");
	size_t scanned = 0;

	for (size_t len = 0; len < 24; len++)
		assert_int_equal(http_head_find(str_sub(input, 0, len), &scanned), 0);
	assert_int_equal(http_head_find(input, &scanned), 24);
	scanned = 0;
	assert_true(http_head_find(STR("GET /\n"), &scanned) == STR_NONE);
	scanned = 0;
	assert_true(http_head_find(STR("\n"), &scanned) == STR_NONE);

	char *endless = test_malloc(HTTP_HEAD_MAX);
	memset(endless, 'a', HTTP_HEAD_MAX);
	scanned = 0;
	assert_int_equal(http_head_find(str_make(endless, HTTP_HEAD_MAX - 1), &scanned), 0);
	assert_true(http_head_find(str_make(endless, HTTP_HEAD_MAX), &scanned) == STR_NONE);
	test_free(endless);
}

static void expect_cookie(const char *cookies, const char *value)
{
	assert_true(str_equals(http_cookie_find(str_from_c(cookies), STR("__Host-a")),
			       str_from_c(value)));
}

static void test_cookies(void **state)
{
	expect_cookie("__Host-a=x", "x");
	expect_cookie("b=1; __Host-a=x=y ;c=2", "x=y");
	expect_cookie("__Host-a=", "");
	expect_cookie("", "");
	expect_cookie("__host-a=x; a=y; x__Host-a=z", "");
	expect_cookie("__Host-a", "");
	/* Of two one may have been planted. */
	expect_cookie("__Host-a=x; __Host-a=y", "");
	expect_cookie("__Host-a=x; __Host-a=x", "");
}

static void test_response(void **state)
{
	struct buf out = BUF_INIT(1024);

	http_response_head(&out, 405, STR("text/plain"), 3, false, STR("Allow: GET\r\n"),
			   784111777);
	assert_true(str_equals(buf_str(&out), STR("HTTP/1.1 405 Method Not Allowed\r\n"
						  "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
						  "Content-Type: text/plain\r\n"
						  "Content-Length: 3\r\n"
						  "Connection: close\r\n"
						  "Allow: GET\r\n"
						  "\r\n")));
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),	    cmocka_unit_test(test_connection),
		cmocka_unit_test(test_body_length), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),	    cmocka_unit_test(test_head_find),
		cmocka_unit_test(test_response),    cmocka_unit_test(test_cookies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
