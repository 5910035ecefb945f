/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes acme/message: every message a CA may send, and the words made of its problems. */
#include "acme/message.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void url_check(struct str url)
{
	CHECK(acme_url_is_good(url));
}

static void problem_check(const struct acme_problem *problem)
{
	struct buf words = BUF_INIT(1 << 20);

	CHECK(problem->sub_count <= ACME_SUBPROBLEMS_MAX);
	CHECK(problem->detail.len <= ACME_TEXT_MAX);
	acme_problem_explain(problem, &words);
	CHECK(!words.failed && words.len > 0);
	for (size_t i = 0; i < words.len; i++)
		CHECK(!ascii_is_control(words.data[i]));
	buf_done(&words);
}

static void order_check(const struct acme_order *order)
{
	CHECK(order->authorization_count > 0 && order->authorization_count <= ACME_DOMAINS_MAX);
	for (size_t i = 0; i < order->authorization_count; i++)
		url_check(order->authorizations[i]);
	url_check(order->finalize);
	CHECK(order->certificate.len > 0 || order->status != ACME_STATUS_VALID);
	if (!str_is_empty(order->problem.type))
		problem_check(&order->problem);
}

static void authorization_check(const struct acme_authorization *authorization)
{
	CHECK(authorization->domain.len > 0);
	if (!authorization->has_challenge)
		return;
	url_check(authorization->challenge_url);
	CHECK(authorization->token.len > 0 && authorization->token.len <= ACME_TOKEN_MAX);
	CHECK(str_find_char(authorization->token, '/') == STR_NONE);
	if (!str_is_empty(authorization->problem.type))
		problem_check(&authorization->problem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str json = str_make(data, size);
	struct acme_directory directory;
	struct acme_order order;
	struct acme_authorization authorization;
	struct acme_problem problem;
	struct arena arena;

	arena_init(&arena, 4 << 20);
	if (acme_directory_parse(json, &arena, &directory) == FAULT_NONE) {
		url_check(directory.new_nonce);
		url_check(directory.new_account);
		url_check(directory.new_order);
	}
	if (acme_order_parse(json, &arena, &order) == FAULT_NONE)
		order_check(&order);
	if (acme_authorization_parse(json, STR("http-01"), &arena, &authorization) == FAULT_NONE)
		authorization_check(&authorization);
	if (acme_problem_parse(json, &arena, &problem) == FAULT_NONE)
		problem_check(&problem);
	arena_rewind(&arena);
	return 0;
}
