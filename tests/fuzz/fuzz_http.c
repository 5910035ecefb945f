/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes proto/http: the end of the head, found in one go and byte by byte, and the request. */
#include "proto/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t find_in_pieces(struct str input)
{
	size_t scanned = 0, found = 0;

	for (size_t len = 0; len <= input.len && found == 0; len++)
		found = http_head_find(str_sub(input, 0, len), &scanned);
	return found;
}

static void request_check(const struct http_request *request)
{
	CHECK(request->field_count <= HTTP_FIELDS_MAX);
	CHECK(request->path.len > 0 && request->path.len <= HTTP_TARGET_MAX);
	CHECK(str_find_char(request->path, '\r') == STR_NONE);
	for (size_t i = 0; i < request->field_count; i++) {
		struct str value = request->fields[i].value;
		CHECK(request->fields[i].name.len > 0);
		CHECK(str_find_char(value, '\r') == STR_NONE &&
		      str_find_char(value, '\n') == STR_NONE);
	}
	CHECK(str_is_empty(http_request_field(request, STR("Transfer-Encoding"))));
	struct str cookie = http_cookie_find(http_request_field(request, STR("Cookie")), STR("a"));
	CHECK(str_find_char(cookie, ';') == STR_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_request request;
	struct str input = str_make(data, size);
	size_t scanned = 0;
	size_t len = http_head_find(input, &scanned);

	if (size < 2000)
		CHECK(find_in_pieces(input) == len);
	if (len != 0 && len != STR_NONE)
		input = str_sub(input, 0, len);
	if (http_request_parse(input, &request) == 0)
		request_check(&request);
	return 0;
}
