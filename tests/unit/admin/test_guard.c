/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of admin/guard.h. */
#include "admin/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "auth/auth.h"

static const struct route change = {.method = "POST", .path = "/x", .access = ACCESS_CHANGE};
static const struct route own = {.access = ACCESS_OWN};
static const struct route look = {.method = "GET", .path = "/x", .access = ACCESS_READ};

static void expect(const struct guard_refusal *refusal, const char *code)
{
	if (code == NULL)
		assert_null(refusal);
	else {
		assert_non_null(refusal);
		assert_string_equal(refusal->code, code);
	}
}

static void test_where_it_comes_from(void **state)
{
	static const struct {
		struct str site, origin;
		const char *code;
	} rows[] = {
		{STR_INIT(""), STR_INIT(""), NULL}, /* no browser */
		{STR_INIT("same-origin"), STR_INIT("https://mx.example:4040"), NULL},
		{STR_INIT("none"), STR_INIT(""), NULL},
		{STR_INIT("cross-site"), STR_INIT(""), "foreign"},
		{STR_INIT("same-site"), STR_INIT("https://mx.example:4040"), "foreign"},
		{STR_INIT(""), STR_INIT("https://evil.example"), "foreign"},
		{STR_INIT(""), STR_INIT("http://mx.example:4040"), "foreign"},
		{STR_INIT(""), STR_INIT("https://mx.example"), "foreign"},
		{STR_INIT(""), STR_INIT("https://mx.example:4040.evil.example"), "foreign"},
		{STR_INIT(""), STR_INIT("null"), "foreign"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct msg_api_asked asked = {.host = STR("mx.example:4040"),
					      .fetch_site = rows[i].site,
					      .origin = rows[i].origin,
					      .file = -1};
		expect(guard_request_check(&asked), rows[i].code);
	}
}

static void test_a_body_is_json(void **state)
{
	struct msg_api_asked asked = {.body = STR("{}"), .file = -1};

	expect(guard_request_check(&asked), "media_type");
	asked.content_type = STR("text/plain");
	expect(guard_request_check(&asked), "media_type");
	asked.content_type = STR("application/json; charset=utf-8");
	expect(guard_request_check(&asked), NULL);
	asked.content_type = STR("application/x-www-form-urlencoded");
	asked.body = STR("");
	asked.file = 3;
	expect(guard_request_check(&asked), "media_type");
}

static void test_a_change_proves_its_session(void **state)
{
	struct buf csrf = BUF_INIT(100), other = BUF_INIT(100);
	struct msg_api_asked asked = {.method = STR("POST"), .token = STR("token"), .file = -1};

	guard_csrf_append(&csrf, STR("token"));
	guard_csrf_append(&other, STR("another"));
	assert_int_equal(csrf.len, 43);
	expect(guard_session_check(&asked, &change, LOGIN_FLAG_ADMIN), "csrf");
	asked.csrf = buf_str(&other);
	expect(guard_session_check(&asked, &change, LOGIN_FLAG_ADMIN), "csrf");
	asked.csrf = str_sub(buf_str(&csrf), 0, 42);
	expect(guard_session_check(&asked, &change, LOGIN_FLAG_ADMIN), "csrf");
	asked.csrf = buf_str(&csrf);
	expect(guard_session_check(&asked, &change, LOGIN_FLAG_ADMIN), NULL);
	asked.csrf = STR("");
	asked.method = STR("GET");
	expect(guard_session_check(&asked, &look, LOGIN_FLAG_ADMIN), NULL);
	buf_done(&csrf);
	buf_done(&other);
}

static void test_an_auditor_looks(void **state)
{
	struct buf csrf = BUF_INIT(100);
	struct msg_api_asked asked = {.method = STR("POST"), .token = STR("token"), .file = -1};

	guard_csrf_append(&csrf, STR("token"));
	asked.csrf = buf_str(&csrf);
	expect(guard_session_check(&asked, &look, LOGIN_FLAG_AUDITOR), NULL);
	expect(guard_session_check(&asked, &change, LOGIN_FLAG_AUDITOR), "read_only");
	expect(guard_session_check(&asked, &change, LOGIN_FLAG_AUDITOR | LOGIN_FLAG_ADMIN), NULL);
	/* What is his own he changes, and no more easily than others do. */
	expect(guard_session_check(&asked, &own, LOGIN_FLAG_AUDITOR), NULL);
	asked.csrf = STR("");
	expect(guard_session_check(&asked, &own, LOGIN_FLAG_AUDITOR), "csrf");
	buf_done(&csrf);
}

/* An upload is mail, and only where one is taken; nothing else of it is there yet. */
static void test_an_upload_is_mail(void **state)
{
	static const struct route taker = {
		.method = "POST", .path = "/x", .access = ACCESS_CHANGE, .takes_upload = true};
	struct buf csrf = BUF_INIT(100);
	struct msg_api_asked asked = {.method = STR("POST"),
				      .token = STR("token"),
				      .content_type = STR("Application/mbox; x=y"),
				      .upload_bytes = 1,
				      .file = -1};

	guard_csrf_append(&csrf, STR("token"));
	asked.csrf = buf_str(&csrf);
	expect(guard_request_check(&asked), NULL);
	expect(guard_session_check(&asked, &taker, LOGIN_FLAG_ADMIN), NULL);
	expect(guard_session_check(&asked, &taker, LOGIN_FLAG_AUDITOR), "read_only");
	expect(guard_session_check(&asked, &change, LOGIN_FLAG_ADMIN), "media_type");
	asked.content_type = STR("message/rfc822");
	expect(guard_request_check(&asked), NULL);
	asked.content_type = STR("text/plain");
	expect(guard_request_check(&asked), "media_type");
	asked.content_type = STR("application/json");
	expect(guard_request_check(&asked), "media_type");
	asked.upload_bytes = 0;
	expect(guard_session_check(&asked, &taker, LOGIN_FLAG_ADMIN), "invalid");
	buf_done(&csrf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_it_comes_from),
		cmocka_unit_test(test_a_body_is_json),
		cmocka_unit_test(test_a_change_proves_its_session),
		cmocka_unit_test(test_an_auditor_looks),
		cmocka_unit_test(test_an_upload_is_mail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
