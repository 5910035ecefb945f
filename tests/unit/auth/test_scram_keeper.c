/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of auth/scram_keeper, and the attacks that it is there against. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "auth/scram_keeper.h"
#include "scram_client.h"

enum { NOW_MS = 1000 };

static const struct str ANNA = STR_INIT("anna@example.com");

struct exchange {
	struct scram_keeper keeper;
	struct scram_verifier verifier;
	struct str header;
	struct str bare;
	struct buf first;
	struct buf challenge;
	struct buf seal;
	struct buf last;
	struct buf answer;
};

static const struct mac_key SALT_KEY = {.bytes = {1, 2, 3}};

static void begin(struct exchange *exchange, bool has_verifier)
{
	buf_reset(&exchange->first);
	buf_reset(&exchange->challenge);
	buf_reset(&exchange->seal);
	buf_append_str(&exchange->first, exchange->header);
	buf_append_str(&exchange->first, exchange->bare);
	assert_int_equal(scram_keeper_begin(&exchange->keeper, ANNA,
					    has_verifier ? &exchange->verifier : NULL,
					    buf_str(&exchange->first), NOW_MS, &exchange->challenge,
					    &exchange->seal),
			 FAULT_NONE);
}

static void client_say(struct exchange *exchange, const char *password, struct str binding)
{
	buf_reset(&exchange->last);
	scram_client_final(str_from_c(password), exchange->bare, exchange->header, binding,
			   buf_str(&exchange->challenge), &exchange->last);
}

static enum fault finish(struct exchange *exchange, const struct scram_verifier *verifier,
			 struct str binding, int64_t now_ms, enum scram_verdict *verdict_out)
{
	struct scram_attempt attempt = {.account = ANNA,
					.first = buf_str(&exchange->first),
					.challenge = buf_str(&exchange->challenge),
					.seal = buf_str(&exchange->seal),
					.last = buf_str(&exchange->last),
					.binding = binding};

	buf_reset(&exchange->answer);
	return scram_keeper_finish(&exchange->keeper, verifier, &attempt, now_ms, verdict_out,
				   &exchange->answer);
}

static enum scram_verdict verdict_of(struct exchange *exchange,
				     const struct scram_verifier *verifier, struct str binding)
{
	enum scram_verdict verdict;

	assert_int_equal(finish(exchange, verifier, binding, NOW_MS, &verdict), FAULT_NONE);
	assert_int_equal(verdict == SCRAM_RIGHT, exchange->answer.len > 0);
	return verdict;
}

static int set_up(void **state)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));
	uint8_t salt[SCRAM_SALT_BYTES];

	scram_keeper_init(&exchange->keeper, &SALT_KEY);
	scram_keeper_salt(&exchange->keeper, ANNA, salt);
	scram_verifier_make(STR("secret"), salt, 4096, &exchange->verifier);
	exchange->header = STR("n,,");
	exchange->bare = STR("n=anna@example.com,r=mine");
	buf_init(&exchange->first, 1024);
	buf_init(&exchange->challenge, 1024);
	buf_init(&exchange->seal, SCRAM_SEAL_BYTES);
	buf_init(&exchange->last, 1024);
	buf_init(&exchange->answer, 1024);
	*state = exchange;
	return 0;
}

static int tear_down(void **state)
{
	struct exchange *exchange = *state;

	scram_keeper_done(&exchange->keeper);
	buf_done(&exchange->first);
	buf_done(&exchange->challenge);
	buf_done(&exchange->seal);
	buf_done(&exchange->last);
	buf_done(&exchange->answer);
	free(exchange);
	return 0;
}

static void test_right_and_wrong(void **state)
{
	struct exchange *exchange = *state;

	begin(exchange, true);
	client_say(exchange, "secret", STR(""));
	assert_int_equal(verdict_of(exchange, &exchange->verifier, STR("")), SCRAM_RIGHT);
	assert_true(str_has_prefix(buf_str(&exchange->answer), STR("v=")));
	client_say(exchange, "Secret", STR(""));
	assert_int_equal(verdict_of(exchange, &exchange->verifier, STR("")), SCRAM_WRONG);
}

static void test_binding_of_this_connection(void **state)
{
	struct exchange *exchange = *state;

	exchange->header = STR("p=tls-exporter,,");
	begin(exchange, true);
	client_say(exchange, "secret", STR("connection one"));
	assert_int_equal(verdict_of(exchange, &exchange->verifier, STR("connection one")),
			 SCRAM_RIGHT);
	assert_int_equal(verdict_of(exchange, &exchange->verifier, STR("connection two")),
			 SCRAM_WRONG_BINDING);
	assert_int_equal(verdict_of(exchange, &exchange->verifier, STR("")), SCRAM_WRONG_BINDING);
	client_say(exchange, "guess", STR("connection two"));
	assert_int_equal(verdict_of(exchange, &exchange->verifier, STR("connection one")),
			 SCRAM_WRONG);
	/* Nobody asked for a binding, so none may count. */
	exchange->header = STR("n,,");
	begin(exchange, true);
	client_say(exchange, "secret", STR("connection one"));
	assert_int_equal(verdict_of(exchange, &exchange->verifier, STR("connection one")),
			 SCRAM_WRONG_BINDING);
}

/* A last message belongs to one challenge. */
static void test_replay(void **state)
{
	struct exchange *exchange = *state;
	struct buf old_challenge = BUF_INIT(1024);
	enum scram_verdict verdict;

	begin(exchange, true);
	buf_append_str(&old_challenge, buf_str(&exchange->challenge));
	client_say(exchange, "secret", STR(""));
	begin(exchange, true);
	assert_false(str_equals(buf_str(&old_challenge), buf_str(&exchange->challenge)));
	assert_int_equal(verdict_of(exchange, &exchange->verifier, STR("")), SCRAM_WRONG);
	/* The old challenge does not come back under the new seal. */
	buf_reset(&exchange->challenge);
	buf_append_str(&exchange->challenge, buf_str(&old_challenge));
	assert_int_equal(finish(exchange, &exchange->verifier, STR(""), NOW_MS, &verdict),
			 FAULT_CONFLICT);
	buf_done(&old_challenge);
}

static void test_nonce_must_be_ours(void **state)
{
	struct exchange *exchange = *state;
	static const char *const wrong[] = {"mine", "another", "mineAAAAAAAAAAAAAAAAAAAAAAAA"};

	begin(exchange, true);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		buf_reset(&exchange->last);
		scram_client_final_with(str_from_c(wrong[i]), STR("secret"), exchange->bare,
					exchange->header, STR(""), buf_str(&exchange->challenge),
					&exchange->last);
		assert_int_equal(verdict_of(exchange, &exchange->verifier, STR("")), SCRAM_WRONG);
	}
}

static void test_seal(void **state)
{
	struct exchange *exchange = *state;
	enum scram_verdict verdict;

	begin(exchange, true);
	client_say(exchange, "secret", STR(""));
	assert_int_equal(finish(exchange, &exchange->verifier, STR(""),
				NOW_MS + SCRAM_EXCHANGE_MS - 1, &verdict),
			 FAULT_NONE);
	assert_int_equal(finish(exchange, &exchange->verifier, STR(""), NOW_MS + SCRAM_EXCHANGE_MS,
				&verdict),
			 FAULT_CONFLICT);
	exchange->seal.data[SCRAM_SEAL_BYTES - 1] ^= 1;
	assert_int_equal(finish(exchange, &exchange->verifier, STR(""), NOW_MS, &verdict),
			 FAULT_CONFLICT);
	exchange->seal.data[SCRAM_SEAL_BYTES - 1] ^= 1;
	exchange->seal.data[0] ^= 1;
	assert_int_equal(finish(exchange, &exchange->verifier, STR(""), NOW_MS, &verdict),
			 FAULT_CONFLICT);
	buf_reset(&exchange->seal);
	assert_int_equal(finish(exchange, &exchange->verifier, STR(""), NOW_MS, &verdict),
			 FAULT_CONFLICT);
}

/* Nothing tells an account without a verifier, or none at all, from one that has one. */
static void test_decoy(void **state)
{
	struct exchange *exchange = *state;
	struct buf with = BUF_INIT(1024);
	struct scram_keeper restarted;
	uint8_t salt[SCRAM_SALT_BYTES], again[SCRAM_SALT_BYTES];

	exchange->verifier.iterations = SCRAM_ITERATIONS;
	begin(exchange, true);
	buf_append_str(&with, str_from(buf_str(&exchange->challenge),
				       str_find(buf_str(&exchange->challenge), STR(",s="))));
	begin(exchange, false);
	assert_true(str_has_suffix_nocase(buf_str(&exchange->challenge), buf_str(&with)));
	client_say(exchange, "secret", STR(""));
	assert_int_equal(verdict_of(exchange, NULL, STR("")), SCRAM_WRONG);
	scram_keeper_init(&restarted, &SALT_KEY);
	scram_keeper_salt(&exchange->keeper, STR("nobody@example.com"), salt);
	scram_keeper_salt(&restarted, STR("nobody@example.com"), again);
	assert_memory_equal(salt, again, sizeof(salt));
	scram_keeper_salt(&restarted, STR("another@example.com"), again);
	assert_memory_not_equal(salt, again, sizeof(salt));
	buf_done(&with);
}

/* The decoy's keys, were they guessed, log nobody in. */
static void test_decoy_is_never_right(void **state)
{
	struct exchange *exchange = *state;

	exchange->keeper.decoy = exchange->verifier;
	begin(exchange, false);
	client_say(exchange, "secret", STR(""));
	assert_int_equal(verdict_of(exchange, NULL, STR("")), SCRAM_WRONG);
}

static void test_malformed(void **state)
{
	struct exchange *exchange = *state;
	enum scram_verdict verdict;

	assert_int_equal(scram_keeper_begin(&exchange->keeper, ANNA, NULL, STR("n,,r=x"), NOW_MS,
					    &exchange->challenge, &exchange->seal),
			 FAULT_INVALID);
	begin(exchange, true);
	buf_append_c(&exchange->last, "c=biws");
	assert_int_equal(finish(exchange, &exchange->verifier, STR(""), NOW_MS, &verdict),
			 FAULT_INVALID);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_right_and_wrong), TEST(test_binding_of_this_connection),
		TEST(test_replay),	    TEST(test_nonce_must_be_ours),
		TEST(test_seal),	    TEST(test_decoy),
		TEST(test_decoy_is_never_right), TEST(test_malformed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
