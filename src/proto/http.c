/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/http.h"

#include <time.h>

#include "base/cursor.h"

/* token = 1*tchar (RFC 9110 section 5.6.2) */
static bool token_char_check(char c)
{
	return ascii_is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* What may stand in a target: visible ASCII, no fragment. */
static bool target_char_check(char c)
{
	return c > ' ' && c < 0x7f && c != '#' && c != '"' && c != '<' && c != '>' && c != '\\';
}

/* field-vchar, obs-text and blanks (RFC 9110 section 5.5). */
static bool value_char_check(char c)
{
	return c == '\t' || !ascii_is_control(c);
}

static bool host_char_check(char c)
{
	return ascii_is_alnum(c) || (c != '\0' && strchr("-._~%:[]", c) != NULL);
}

size_t http_head_find(struct str input, size_t *scanned)
{
	while (*scanned < input.len) {
		const char *at = input.ptr + *scanned;
		const char *lf = memchr(at, '\n', input.len - *scanned);
		if (lf == NULL)
			break;
		size_t end = (size_t)(lf - input.ptr) + 1;
		if (end < 2 || lf[-1] != '\r' || end > HTTP_HEAD_MAX)
			return STR_NONE;
		if (end == *scanned + 2)
			return end;
		*scanned = end;
	}
	return input.len >= HTTP_HEAD_MAX ? STR_NONE : 0;
}

static bool line_take(struct cursor *cursor, struct str *line_out)
{
	struct str rest = cursor_rest(cursor);
	size_t end = str_find(rest, STR("\r\n"));

	if (end == STR_NONE)
		return false;
	*line_out = cursor_bytes(cursor, end);
	return cursor_take_str(cursor, STR("\r\n"));
}

static int target_parse(struct str target, struct http_request *request)
{
	if (target.len > HTTP_TARGET_MAX)
		return 414;
	if (str_equals(target, STR("*")) && str_equals(request->method_name, STR("OPTIONS"))) {
		request->path = target;
		return 0;
	}
	/* Neither a proxy (absolute-form) nor a tunnel (authority-form) is here. */
	if (target.len == 0 || target.ptr[0] != '/')
		return 400;
	request->query = target;
	request->path = str_cut(&request->query, '?');
	return 0;
}

static int version_parse(struct str version, struct http_request *request)
{
	if (str_equals(version, STR("HTTP/1.1")))
		request->minor_version = 1;
	else if (!str_equals(version, STR("HTTP/1.0")))
		return version.len == 8 && str_has_prefix(version, STR("HTTP/")) &&
				       ascii_is_digit(version.ptr[5])
			       ? 505
			       : 400;
	request->keep_alive = request->minor_version == 1;
	return 0;
}

static int request_line_parse(struct str line, struct http_request *request)
{
	struct cursor cursor = cursor_make(line);

	request->method_name = cursor_take_while(&cursor, token_char_check);
	if (str_is_empty(request->method_name) || !cursor_take_char(&cursor, ' '))
		return 400;
	/* Methods are case-sensitive (RFC 9110 section 9.1). */
	request->method = str_equals(request->method_name, STR("GET"))	  ? HTTP_GET
			  : str_equals(request->method_name, STR("HEAD")) ? HTTP_HEAD
									  : HTTP_OTHER;
	struct str target = cursor_take_while(&cursor, target_char_check);
	if (!cursor_take_char(&cursor, ' '))
		return 400;
	int status = target_parse(target, request);
	return status != 0 ? status : version_parse(cursor_rest(&cursor), request);
}

static bool field_parse(struct str line, struct http_field *field)
{
	struct cursor cursor = cursor_make(line);

	field->name = cursor_take_while(&cursor, token_char_check);
	if (str_is_empty(field->name) || !cursor_take_char(&cursor, ':'))
		return false;
	field->value = str_trim(cursor_take_while(&cursor, value_char_check));
	return cursor_is_done(&cursor);
}

static size_t field_count(const struct http_request *request, struct str name)
{
	size_t count = 0;

	for (size_t i = 0; i < request->field_count; i++)
		if (str_equals_nocase(request->fields[i].name, name))
			count++;
	return count;
}

struct str http_request_field(const struct http_request *request, struct str name)
{
	for (size_t i = 0; i < request->field_count; i++)
		if (str_equals_nocase(request->fields[i].name, name))
			return request->fields[i].value;
	return str_make(NULL, 0);
}

struct str http_cookie_find(struct str cookies, struct str name)
{
	struct str found = {0};

	for (struct str rest = cookies; rest.ptr != NULL;) {
		struct str value = str_trim(str_cut(&rest, ';'));
		if (!str_equals(str_cut(&value, '='), name))
			continue;
		/* Of two with one name nobody knows which is ours: one may have been planted. */
		if (found.ptr != NULL)
			return str_make(NULL, 0);
		found = value;
	}
	return found;
}

static int host_check(struct http_request *request)
{
	size_t hosts = field_count(request, STR("Host"));

	/* RFC 9112 section 3.2: exactly one; HTTP/1.0 knew none. */
	if (hosts > 1 || (hosts == 0 && request->minor_version == 1))
		return 400;
	request->host = http_request_field(request, STR("Host"));
	struct cursor cursor = cursor_make(request->host);
	cursor_take_while(&cursor, host_char_check);
	return cursor_is_done(&cursor) ? 0 : 400;
}

/* RFC 9112 section 6.3: how long the body is must be beyond doubt. */
static int body_check(struct http_request *request)
{
	size_t lengths = field_count(request, STR("Content-Length"));
	size_t encodings = field_count(request, STR("Transfer-Encoding"));

	if (lengths > 1 || (lengths > 0 && encodings > 0))
		return 400;
	if (encodings > 0)
		return request->minor_version == 1 ? 501 : 400;
	if (lengths == 1 && !str_parse_u64(http_request_field(request, STR("Content-Length")),
					   INT64_MAX, &request->body_bytes))
		return 400;
	return 0;
}

static void connection_read(struct http_request *request)
{
	for (size_t i = 0; i < request->field_count; i++) {
		if (!str_equals_nocase(request->fields[i].name, STR("Connection")))
			continue;
		for (struct str rest = request->fields[i].value; rest.ptr != NULL;) {
			struct str option = str_trim(str_cut(&rest, ','));
			if (str_equals_nocase(option, STR("close"))) {
				request->keep_alive = false;
				return;
			}
			if (str_equals_nocase(option, STR("keep-alive")))
				request->keep_alive = true;
		}
	}
}

static int fields_parse(struct cursor *cursor, struct http_request *request)
{
	struct str line;

	for (;;) {
		if (!line_take(cursor, &line))
			return 400;
		if (str_is_empty(line))
			return cursor_is_done(cursor) ? 0 : 400;
		if (request->field_count == HTTP_FIELDS_MAX)
			return 431;
		if (!field_parse(line, &request->fields[request->field_count]))
			return 400;
		request->field_count++;
	}
}

int http_request_parse(struct str head, struct http_request *request_out)
{
	struct cursor cursor = cursor_make(head);
	struct str line;

	memset(request_out, 0, sizeof(*request_out));
	if (head.len > HTTP_HEAD_MAX)
		return 431;
	if (!line_take(&cursor, &line))
		return 400;
	int status = request_line_parse(line, request_out);
	if (status == 0)
		status = fields_parse(&cursor, request_out);
	if (status == 0)
		status = host_check(request_out);
	if (status == 0)
		status = body_check(request_out);
	connection_read(request_out);
	struct str expect = http_request_field(request_out, STR("Expect"));
	/* A client of HTTP/1.0 does not know the answer (RFC 9110 section 10.1.1). */
	request_out->expects_continue = request_out->minor_version == 1 &&
					str_equals_nocase(expect, STR("100-continue"));
	return status;
}

bool http_media_is(struct str content_type, struct str type)
{
	return str_equals_nocase(str_trim(str_cut(&content_type, ';')), type);
}

const char *http_status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} rows[] = {
		{200, "OK"},
		{204, "No Content"},
		{308, "Permanent Redirect"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{415, "Unsupported Media Type"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{507, "Insufficient Storage"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].status == status)
			return rows[i].text;
	return "Unknown";
}

/* IMF-fixdate (RFC 9110 section 5.6.7), blind to the locale. */
static void date_append(struct buf *to, int64_t real_s)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = (time_t)real_s;
	struct tm tm;

	CHECK(gmtime_r(&seconds, &tm) != NULL);
	buf_printf(to, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n", days + 3 * tm.tm_wday,
		   tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		   tm.tm_sec);
}

void http_response_head(struct buf *to, int status, struct str content_type, uint64_t body_bytes,
			bool keep_alive, struct str more, int64_t real_s)
{
	buf_printf(to, "HTTP/1.1 %d %s\r\n", status, http_status_text(status));
	date_append(to, real_s);
	if (!str_is_empty(content_type))
		buf_printf(to, "Content-Type: %.*s\r\n", STR_ARG(content_type));
	if (body_bytes != HTTP_LENGTH_UNKNOWN)
		buf_printf(to, "Content-Length: %llu\r\n", (unsigned long long)body_bytes);
	if (!keep_alive)
		buf_append_str(to, STR("Connection: close\r\n"));
	buf_append_str(to, more);
	buf_append_str(to, STR("\r\n"));
}
