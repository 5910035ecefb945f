/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes who may ask (admin/guard.h): a head as proto/http.h reads it, with the cookie, Origin,
 * Sec-Fetch-Site, Content-Type, Accept and X-Postern-Csrf that a client chose.
 */
#include "admin/events.h"
#include "admin/guard.h"
#include "auth/auth.h"
#include "proto/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void asked_read(const struct http_request *request, struct msg_api_asked *asked)
{
	*asked = (struct msg_api_asked){
		.method = request->method_name,
		.token = http_cookie_find(http_request_field(request, STR("Cookie")),
					  STR("__Host-postern")),
		.csrf = http_request_field(request, STR("X-Postern-Csrf")),
		.host = request->host,
		.origin = http_request_field(request, STR("Origin")),
		.fetch_site = http_request_field(request, STR("Sec-Fetch-Site")),
		.content_type = http_request_field(request, STR("Content-Type")),
		.body = str_make("{}", request->body_bytes > 0 ? 2 : 0),
		.file = -1};
}

/* What was let through says of itself that it comes from here. */
static void passed_check(const struct msg_api_asked *asked)
{
	struct str origin = asked->origin;

	CHECK(str_is_empty(asked->fetch_site) || str_equals(asked->fetch_site, STR("none")) ||
	      str_equals(asked->fetch_site, STR("same-origin")));
	CHECK(str_is_empty(origin) || (origin.len == asked->host.len + 8 &&
				       str_has_prefix(origin, STR("https://")) &&
				       str_equals_nocase(str_from(origin, 8), asked->host)));
	CHECK(str_is_empty(asked->body) ||
	      str_has_prefix_nocase(asked->content_type, STR("application/json")));
}

static void session_check(const struct msg_api_asked *asked)
{
	static const struct route change = {.access = ACCESS_CHANGE}, look = {.access = ACCESS_READ};
	struct buf csrf = BUF_INIT(64);
	bool is_safe = str_equals(asked->method, STR("GET")) || str_equals(asked->method, STR("HEAD"));

	guard_csrf_append(&csrf, asked->token);
	bool is_proven = is_safe || str_equals(buf_str(&csrf), asked->csrf);
	CHECK((guard_session_check(asked, &look, LOGIN_FLAG_AUDITOR) == NULL) == is_proven);
	CHECK((guard_session_check(asked, &change, LOGIN_FLAG_ADMIN) == NULL) == is_proven);
	CHECK(guard_session_check(asked, &change, LOGIN_FLAG_AUDITOR) != NULL);
	buf_done(&csrf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_request request;
	struct msg_api_asked asked;

	if (http_request_parse(str_make(data, size), &request) != 0)
		return 0;
	asked_read(&request, &asked);
	if (guard_request_check(&asked) == NULL)
		passed_check(&asked);
	session_check(&asked);
	struct str accept = http_request_field(&request, STR("Accept"));
	if (events_are_wanted(accept))
		CHECK(str_find_nocase(accept, STR("text/event-stream")) != STR_NONE);
	return 0;
}
