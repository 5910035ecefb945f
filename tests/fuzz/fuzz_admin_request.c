/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes what the admin role makes of a request: the row of its route (admin/route.h), the words and
 * options of the command (admin/request.h), the query of the history. Input: "METHOD /path?query", LF, body.
 */
#include "admin/request.h"
#include "admin/samples.h"
#include "ctl/ctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void match_check(const struct route_match *match, struct str path)
{
	if (match->route == NULL)
		return;
	CHECK(str_has_prefix(path, STR(ROUTE_PREFIX "/")));
	for (size_t i = 0; i < match->piece_count; i++)
		CHECK(match->pieces[i].len > 0 &&
		      str_find_char(match->pieces[i], '/') == STR_NONE);
}

/* Nothing is given that the command does not take, and each value is there. */
static void arguments_check(const struct arguments *arguments)
{
	CHECK((arguments->given & ~(arguments->command->options | OPTIONS_COMMON)) == 0);
	CHECK(!arguments_has(arguments, OPTIONS_COMMON));
	CHECK(arguments->word_count <= ARGUMENTS_MAX);
	for (size_t i = 0; i < arguments->word_count; i++)
		CHECK(arguments->words[i] != NULL);
	for (int i = 0; i < OPTION_COUNT; i++) {
		bool is_given = arguments_has(arguments, UINT64_C(1) << i);
		bool has_value = option_row((enum option)i)->value != NULL;
		CHECK((is_given && has_value) == (arguments->values[i] != NULL));
	}
}

static void request_check(const struct route_match *match, struct str query, struct str body)
{
	struct admin_request request;

	if (admin_request_read(match, query, body, &request)) {
		CHECK(request.refused_text == NULL && !request.input.failed);
		arguments_check(&request.arguments);
	} else
		CHECK(request.refused_text != NULL);
	admin_request_done(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str body = str_make(data, size);
	struct str query = str_cut(&body, '\n');
	struct str method = str_cut(&query, ' ');
	struct str path = str_cut(&query, '?');
	int64_t since_s = 0, step_s = 0;
	struct route_match match;

	route_find(method, path, &match);
	match_check(&match, path);
	if (match.route != NULL && match.route->command != NULL)
		request_check(&match, query, body);
	if (samples_query_read(query, &since_s, &step_s) == NULL)
		CHECK(since_s >= 0 && step_s >= 0);
	return 0;
}
