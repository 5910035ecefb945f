/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of httpd/. */
#include "fixture.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdio.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/file.h"
#include "httpd/assets.h"
#include "httpd/httpd.h"

#define HOST "Host: localhost:4040\r\n"

/* Takes the Date field out of what was heard, which is different each time. */
static void date_drop(void)
{
	struct str heard = buf_str(&fixture.heard);
	size_t from;

	while ((from = str_find(heard, STR("Date: "))) != STR_NONE) {
		size_t len = str_find(str_from(heard, from), STR("\r\n")) + 2;
		memmove(fixture.heard.data + from, fixture.heard.data + from + len,
			fixture.heard.len - from - len);
		buf_truncate(&fixture.heard, fixture.heard.len - len);
		heard = buf_str(&fixture.heard);
	}
}

static void exchange(const char *request, const char *expected)
{
	fixture_say(request);
	date_drop();
	fixture_expect(expected);
}

static void test_health(void **state)
{
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	exchange("GET /healthz HTTP/1.1\r\n" HOST "\r\n",
		 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n");
	exchange("HEAD /healthz?x HTTP/1.1\r\n" HOST "\r\n",
		 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n");
	exchange("GET /healthz HTTP/1.0\r\n\r\n",
		 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"
		 "Connection: close\r\n\r\nok\n");
	assert_true(fixture.has_ended);
}

/* Nagle's algorithm would hold back an answer until the peer has acknowledged what went before. */
static void test_answers_do_not_wait(void **state)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(any), on_len = sizeof(int);
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	int on = 0;

	assert_int_equal(bind(listener, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&any, &len), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&any, sizeof(any)), 0);
	const int fds[2] = {accept(listener, NULL, NULL), client};
	close(listener);
	fixture_connect_by(SERVICE_HTTP, &httpd_protocol, fds);
	assert_int_equal(getsockopt(fds[0], IPPROTO_TCP, TCP_NODELAY, &on, &on_len), 0);
	assert_int_not_equal(on, 0);
}

static void test_http_answers_a_challenge(void **state)
{
	struct tls_challenges *known = (struct tls_challenges *)&fixture;

	fixture.front.challenges = known;
	fixture_connect(SERVICE_HTTP, &httpd_protocol);
	exchange("GET /.well-known/acme-challenge/token HTTP/1.1\r\n" HOST "\r\n",
		 "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
		 "Content-Length: 11\r\n\r\ntoken.print");
	exchange("GET /.well-known/acme-challenge/other HTTP/1.1\r\n" HOST "\r\n",
		 "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n"
		 "Content-Length: 10\r\n\r\nNot found\n");
}

#define LOCATION(url) \
	"HTTP/1.1 308 Permanent Redirect\r\nContent-Length: 0\r\nLocation: " url "\r\n\r\n"
#define NOTHING \
	"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nNot found\n"

static void test_http_sends_everybody_else_to_https(void **state)
{
	fixture.config.services[SERVICE_HTTPS].port = 443;
	fixture_connect(SERVICE_HTTP, &httpd_protocol);
	exchange("GET /healthz?a=b HTTP/1.1\r\nHost: mx.example:2080\r\n\r\n",
		 LOCATION("https://mx.example/healthz?a=b"));
	fixture.config.services[SERVICE_HTTPS].port = 4040;
	exchange("DELETE / HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n",
		 LOCATION("https://[2001:db8::1]:4040/"));
	exchange("GET / HTTP/1.1\r\nHost:\r\n\r\n", NOTHING);
	fixture.config.services[SERVICE_HTTPS].enabled = false;
	exchange("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", NOTHING);
}

static void test_https_answers_no_challenge(void **state)
{
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	exchange("GET /.well-known/acme-challenge/token HTTP/1.1\r\n" HOST "\r\n", NOTHING);
}

static void test_no_health_without_a_store(void **state)
{
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	fixture.view_fault = FAULT_IO;
	exchange("GET /healthz HTTP/1.1\r\n" HOST "\r\n",
		 "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n"
		 "Content-Length: 25\r\n\r\nthe store cannot be read\n");
}

static void test_pipelined_requests(void **state)
{
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	exchange("GET /x HTTP/1.1\r\n" HOST "\r\nPUT /metrics HTTP/1.1\r\n" HOST "\r\n",
		 "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n"
		 "Not found\n"
		 "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain\r\n"
		 "Content-Length: 18\r\nAllow: GET, HEAD\r\n\r\nOnly GET and HEAD\n");
	assert_false(fixture.has_ended);
}

static void test_metrics(void **state)
{
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	fixture_say("GET /metrics HTTP/1.1\r\n" HOST "\r\n");
	struct str heard = buf_str(&fixture.heard);
	assert_true(str_find(heard, STR("\r\nContent-Type: text/plain; version=0.0.4")) !=
		    STR_NONE);
	assert_true(str_find(heard, STR("\npostern_connections_total{service=\"HTTPS\"} 1\n")) !=
		    STR_NONE);
	assert_true(
		str_find(heard, STR("\npostern_tls_handshakes_total{service=\"HTTPS\","
				    "version=\"TLSv1.3\",suite=\"TLS_AES_128_GCM_SHA256\","
				    "result=\"full\"} 1\n")) !=
		STR_NONE);
}

static void test_bodies_are_not_read(void **state)
{
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	exchange("POST /healthz HTTP/1.1\r\n" HOST
		 "Content-Length: 30\r\n\r\nGET /healthz HTTP/1.1\r\n",
		 "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain\r\n"
		 "Content-Length: 18\r\nConnection: close\r\nAllow: GET, HEAD\r\n\r\n"
		 "Only GET and HEAD\n");
	assert_true(fixture.has_ended);
}

static void refused(const char *request, const char *expected)
{
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	exchange(request, expected);
	assert_true(fixture.has_ended);
}

static void test_refusals(void **state)
{
	refused("GET /healthz HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n"
						 "Connection: close\r\n\r\n");
	refused("EHLO client\n", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n"
				 "Connection: close\r\n\r\n");
	refused("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

static void test_a_head_without_end(void **state)
{
	struct buf text = BUF_INIT(20000);

	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	buf_append_str(&text, STR("GET /healthz HTTP/1.1\r\nX: "));
	while (text.len < 16384)
		buf_append_char(&text, 'x');
	fixture_say_bytes(buf_str(&text));
	date_drop();
	fixture_expect("HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\n"
		       "Connection: close\r\n\r\n");
	assert_true(fixture.has_ended);
	buf_done(&text);
}

static void test_idle(void **state)
{
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	fixture_expire();
	fixture_expect("");
	assert_true(fixture.has_ended);
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	fixture_say("GET /hea");
	fixture_expire();
	date_drop();
	fixture_expect("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n"
		       "Connection: close\r\n\r\n");
}

/* ---- the files of the page ---- */

static bool heard_has(const char *text)
{
	return str_find(buf_str(&fixture.heard), str_from_c(text)) != STR_NONE;
}

static void test_the_page(void **state)
{
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	fixture_say("GET / HTTP/1.1\r\n" HOST "\r\n");
	assert_true(heard_has("HTTP/1.1 200 OK\r\n"));
	assert_true(heard_has("\r\nContent-Type: text/html; charset=utf-8\r\n"));
	assert_true(heard_has("\r\nContent-Security-Policy: default-src 'none'; "));
	assert_true(heard_has("\r\nCache-Control: no-store\r\n"));
	assert_true(heard_has("<title>Postern</title>"));
	assert_true(str_has_suffix_nocase(buf_str(&fixture.heard), STR("</html>\n")));
}

static void certificate_add(const char *name, bool is_public)
{
	struct snapshot_certificate row = {.name = (char *)(uintptr_t)name,
					   .kind = "RSA",
					   .certificate = (struct tls_certificate *)(uintptr_t)name,
					   .is_public = is_public};

	snapshot_certificate_add(fixture.front.snapshot, &row);
}

static bool hsts_is_said(const char *host)
{
	char request[256];

	snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host);
	fixture_say(request);
	return heard_has("\r\nStrict-Transport-Security: max-age=2592000\r\n");
}

/* Of hosts alone that every certificate with their name is public of. */
static void test_hsts_of_public_certificates(void **state)
{
	certificate_add("own.example.org", false);
	certificate_add("public.example.org", true);
	certificate_add("public.example.org", true);
	certificate_add("both.example.org", true);
	certificate_add("both.example.org", false);
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	assert_false(hsts_is_said("own.example.org:4040"));
	assert_false(hsts_is_said("both.example.org"));
	assert_false(hsts_is_said("other.example.org"));
	assert_false(hsts_is_said("192.0.2.1"));
	assert_false(heard_has("Strict-Transport-Security"));
	assert_true(hsts_is_said("public.example.org:4040"));
}

static void test_hsts_as_the_administrator_says(void **state)
{
	certificate_add("public.example.org", true);
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	fixture.config.server.admin_hsts = HSTS_OFF;
	assert_false(hsts_is_said("public.example.org"));
	assert_true(heard_has("\r\nStrict-Transport-Security: max-age=0\r\n"));
	fixture.config.server.admin_hsts = HSTS_ON;
	assert_true(hsts_is_said("own.example.org"));
}

/* The page names its files by their content, and each of them is there. */
static void test_files_are_named_by_content(void **state)
{
	char request[256], path[128];
	struct asset index, asset;
	size_t files = 0;

	assert_true(asset_find(STR("/"), &index));
	for (struct str rest = index.bytes; rest.ptr != NULL; files++) {
		size_t at = str_find(rest, STR("\"/assets/"));
		if (at == STR_NONE)
			break;
		rest = str_from(rest, at + 1);
		assert_true(str_copy_c(str_cut(&rest, '"'), path, sizeof(path)));
		assert_true(asset_find(str_from_c(path), &asset) && asset.is_immutable);
		snprintf(request, sizeof(request),
			 "GET %s HTTP/1.1\r\n" HOST "Accept-Encoding: br, gzip\r\n"
			 "Connection: close\r\n\r\n",
			 path);
		fixture_connect(SERVICE_HTTPS, &httpd_protocol);
		fixture_say(request);
		assert_true(fixture.has_ended);
		assert_true(heard_has("\r\nCache-Control: public, max-age=31536000, immutable\r\n"));
		assert_int_equal(heard_has("\r\nContent-Encoding: gzip\r\n"),
				 asset.gzip.len < asset.bytes.len);
	}
	assert_true(files > 0);
}

static void test_a_coding_that_is_refused(void **state)
{
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	fixture_say("GET / HTTP/1.1\r\n" HOST "Accept-Encoding: gzip;q=0\r\n\r\n");
	assert_false(heard_has("Content-Encoding"));
	assert_true(heard_has("</html>"));
}

/* ---- the API ---- */

#define JSON_ANSWER(body_text)                                                                     \
	((struct msg_api_answered){.status = 200,                                                  \
				   .content_type = STR("application/json"),                        \
				   .body = STR(body_text),                                         \
				   .file = -1})

static void expect_asked(const char *expected)
{
	if (!str_equals(buf_str(&fixture.asked), str_from_c(expected)))
		fail_msg("asked: %.*s", STR_ARG(buf_str(&fixture.asked)));
	buf_reset(&fixture.asked);
}

static void test_api_hands_on(void **state)
{
	fixture_admin_answers(&JSON_ANSWER("{}"));
	fixture_admin_answers(&JSON_ANSWER("[1]"));
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	fixture_say("POST /api/v1/x?a=b HTTP/1.1\r\nHost: h:1\r\nCookie: x=y; __Host-postern=T\r\n"
		    "X-Postern-Csrf: C\r\nOrigin: https://h:1\r\nSec-Fetch-Site: same-origin\r\n"
		    "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}"
		    "GET /api/v1/y HTTP/1.1\r\n" HOST "\r\n");
	expect_asked("POST /api/v1/x?a=b peer=192.0.2.1 token=T csrf=C origin=https://h:1 "
		     "site=same-origin type=application/json host=h:1 body={\"a\":1}\n"
		     "GET /api/v1/y? peer=192.0.2.1 token= csrf= origin= site= type= "
		     "host=localhost:4040 body=\n");
	assert_true(heard_has("HTTP/1.1 200 OK\r\n"));
	assert_true(heard_has("\r\nCache-Control: no-store\r\n"));
	assert_true(heard_has("\r\nX-Content-Type-Options: nosniff\r\n"));
	assert_true(heard_has("\r\n\r\n{}HTTP/1.1 200 OK\r\n"));
	assert_true(str_has_suffix_nocase(buf_str(&fixture.heard), STR("\r\n\r\n[1]")));
	assert_false(fixture.has_ended);
}

static void test_api_large_bodies(void **state)
{
	struct buf request = BUF_INIT(200000);

	fixture_admin_answers(&JSON_ANSWER("{}"));
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	buf_append_c(&request, "POST /api/v1/x HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
			       "Content-Length: 100000\r\n\r\n");
	for (int i = 0; i < 100000; i++)
		buf_append_char(&request, 'x');
	fixture_say_bytes(buf_str(&request));
	assert_true(str_has_prefix(buf_str(&fixture.heard), STR("HTTP/1.1 100 Continue\r\n\r\n")));
	expect_asked("POST /api/v1/x? peer=192.0.2.1 token= csrf= origin= site= type= "
		     "host=localhost:4040 body=file of 100000\n");
	buf_done(&request);
}

static void test_api_too_large(void **state)
{
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	fixture_say("POST /api/v1/x HTTP/1.1\r\n" HOST "Content-Length: 1048577\r\n\r\n");
	assert_true(heard_has("HTTP/1.1 413 Content Too Large\r\n"));
	assert_true(fixture.has_ended);
	expect_asked("");
}

#define UPLOAD "POST /api/v1/x HTTP/1.1\r\n" HOST "Content-Type: application/mbox\r\n"

/* Asked first, then read: nothing of it is in memory, and what is behind it is another request. */
static void test_api_uploads(void **state)
{
	struct stat status;
	int file = memfd_create("test", MFD_CLOEXEC), kept = dup(file);

	fixture_admin_wants_upload(file);
	fixture_admin_answers(&JSON_ANSWER("{}"));
	fixture_admin_answers(&JSON_ANSWER("[1]"));
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	fixture_say(UPLOAD "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n");
	expect_asked("POST /api/v1/x? peer=192.0.2.1 token= csrf= origin= site= "
		     "type=application/mbox host=localhost:4040 body=upload of 10\n");
	assert_true(str_equals(buf_str(&fixture.heard), STR("HTTP/1.1 100 Continue\r\n\r\n")));
	fixture_say("01234");
	assert_int_equal(fixture.admin_uploaded, 0);
	fixture_say("56789GET /api/v1/y HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(fixture.admin_uploaded, 1);
	assert_int_equal(fstat(kept, &status), 0);
	assert_int_equal(status.st_size, 10);
	assert_true(heard_has("\r\n\r\n{}HTTP/1.1 200 OK\r\n"));
	assert_false(fixture.has_ended);
	close(kept);
}

/* What is refused is not read, and ends the connection. */
static void test_api_refuses_uploads(void **state)
{
	fixture_admin_answers(&JSON_ANSWER("{}"));
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	fixture_say(UPLOAD "Content-Length: 9999999999\r\n\r\n0123");
	assert_true(heard_has("\r\nConnection: close\r\n"));
	assert_int_equal(fixture.admin_uploaded, 0);
	assert_true(fixture.has_ended);
}

static void test_api_uploads_to_a_full_disk(void **state)
{
	fixture_admin_wants_upload(open("/dev/full", O_RDWR | O_CLOEXEC));
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	fixture_say(UPLOAD "Content-Length: 5\r\n\r\n01234");
	assert_true(heard_has("HTTP/1.1 507 Insufficient Storage\r\n"));
	assert_int_equal(fixture.admin_uploaded, 0);
	assert_int_equal(fixture.admin_cancelled, 1);
	assert_true(fixture.has_ended);
}

static void test_api_answers_from_files(void **state)
{
	struct msg_api_answered answered = JSON_ANSWER("");
	struct buf content = BUF_INIT(300000);

	while (content.len < 250000)
		buf_append_c(&content, "0123456789");
	answered.file = memfd_create("test", MFD_CLOEXEC);
	assert_true(fd_write_all(answered.file, content.data, content.len));
	fixture_admin_answers(&answered);
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	fixture_say("GET /api/v1/x HTTP/1.1\r\n" HOST "\r\n");
	assert_true(heard_has("\r\nContent-Length: 250000\r\n"));
	assert_true(str_has_suffix_nocase(buf_str(&fixture.heard), buf_str(&content)));
	assert_false(fixture.has_ended);
	buf_done(&content);
}

static void test_api_streams(void **state)
{
	struct msg_api_answered answered = JSON_ANSWER("");

	answered.content_type = STR("text/event-stream");
	answered.is_stream = 1;
	fixture_admin_answers(&answered);
	fixture_admin_part("data: 1\n\n", false);
	fixture_admin_part("data: 2\n\n", true);
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	fixture_say("GET /api/v1/x HTTP/1.1\r\n" HOST "\r\n");
	assert_false(heard_has("Content-Length"));
	assert_true(heard_has("\r\nConnection: close\r\n"));
	assert_true(str_has_suffix_nocase(buf_str(&fixture.heard),
					  STR("\r\n\r\ndata: 1\n\ndata: 2\n\n")));
	/* One for the head, one for the first part; behind the last one nothing is wanted. */
	assert_int_equal(fixture.admin_went_on, 2);
	assert_true(fixture.has_ended);
}

static void test_api_without_its_role(void **state)
{
	fixture_connect(SERVICE_HTTPS, &httpd_protocol);
	fixture_say("GET /api/v1/x HTTP/1.1\r\n" HOST "\r\n");
	assert_true(heard_has("HTTP/1.1 503 Service Unavailable\r\n"));
	assert_false(fixture.has_ended);
	fixture_admin_dies();
	fixture_say("GET /api/v1/x HTTP/1.1\r\n" HOST "\r\n");
	assert_true(heard_has("HTTP/1.1 503 Service Unavailable\r\n"));
	assert_true(heard_has("\"code\":\"unavailable\""));
	assert_false(fixture.has_ended);
}

static void test_api_is_not_in_the_clear(void **state)
{
	fixture_admin_answers(&JSON_ANSWER("{}"));
	fixture_connect(SERVICE_HTTP, &httpd_protocol);
	fixture_say("POST /api/v1/session HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}");
	expect_asked("");
	assert_false(heard_has("200 OK"));
}

/* Where two readers could see different requests there is no answer but an end (RFC 9112 section 11.2). */
static void test_api_smuggling(void **state)
{
	static const char *const heads[] = {
		"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
		"Content-Length: 5\r\nContent-Length: 5\r\n",
		"Content-Length: 5, 5\r\n",
		"Content-Length: +5\r\n",
		"Content-Length: 0x5\r\n",
		"Content-Length: 5 \x0b\r\n",
		"Content-Length : 5\r\n",
		"Transfer-Encoding: chunked\r\n",
		"Transfer-Encoding: xchunked\r\n",
		"X: a\r\n b\r\nContent-Length: 5\r\n",
		"X: a\nContent-Length: 5\r\n",
		"X: a\rContent-Length: 5\r\n",
		"Host: other\r\nContent-Length: 5\r\n",
	};
	char request[400];

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		snprintf(request, sizeof(request),
			 "POST /api/v1/x HTTP/1.1\r\n" HOST "%s\r\nGET /healthz HTTP/1.1\r\n" HOST
			 "\r\n",
			 heads[i]);
		fixture_connect(SERVICE_HTTPS, &httpd_protocol);
		fixture_say(request);
		if (heard_has("200 OK") || !fixture.has_ended || fixture.asked.len > 0)
			fail_msg("%s was taken: %.*s", heads[i], STR_ARG(buf_str(&fixture.heard)));
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_health),
		TEST(test_answers_do_not_wait),
		TEST(test_http_answers_a_challenge),
		TEST(test_http_sends_everybody_else_to_https),
		TEST(test_https_answers_no_challenge),
		TEST(test_http_answers_a_challenge),
		TEST(test_http_sends_everybody_else_to_https),
		TEST(test_https_answers_no_challenge),
		TEST(test_no_health_without_a_store),
		TEST(test_pipelined_requests),
		TEST(test_metrics),
		TEST(test_bodies_are_not_read),
		TEST(test_refusals),
		TEST(test_a_head_without_end),
		TEST(test_idle),
		TEST(test_the_page),
		TEST(test_hsts_of_public_certificates),
		TEST(test_hsts_as_the_administrator_says),
		TEST(test_files_are_named_by_content),
		TEST(test_a_coding_that_is_refused),
		TEST(test_api_hands_on),
		TEST(test_api_large_bodies),
		TEST(test_api_too_large),
		TEST(test_api_uploads),
		TEST(test_api_refuses_uploads),
		TEST(test_api_uploads_to_a_full_disk),
		TEST(test_api_answers_from_files),
		TEST(test_api_streams),
		TEST(test_api_without_its_role),
		TEST(test_api_is_not_in_the_clear),
		TEST(test_api_smuggling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
