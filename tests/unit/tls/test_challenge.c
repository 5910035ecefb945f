/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of tls/challenge: who gets the certificate of a challenge, and who does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "tls/challenge.h"

enum { ALERT_NO_APPLICATION_PROTOCOL = 120 };

static const unsigned char acme_alone[] = "\x0a"
					  "acme-tls/1";
static const unsigned char http_too[] = "\x0a"
					"acme-tls/1\x08http/1.1";
static const unsigned char http_alone[] = "\x08http/1.1";

#define PROTOCOLS(bytes) bytes, sizeof(bytes) - 1

static struct tls_challenges *challenges;
static struct tls_context *context;

/* The EC pair of the world stands for the challenge's, the RSA pair is the server's own. */
static struct tls_challenge_parts parts_make(void)
{
	return (struct tls_challenge_parts){.domain = STR("a.example"),
					    .token = STR("token"),
					    .authorization = STR("token.print"),
					    .chain = buf_str(&world.ec_pem.chain),
					    .key = KEY_EC,
					    .keys = &world.source.source};
}

static int context_open(void **state)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_identity identity = {world.rsa, KEY_RSA, true};
	struct buf why = BUF_INIT(1024);

	challenges = tls_challenges_new();
	struct tls_context_parts parts = {.policy = &policy,
					  .identities = &identity,
					  .identity_count = 1,
					  .keys = &world.source.source,
					  .challenges = challenges,
					  .file_name = STR("mailserver.cfg")};
	struct tls_challenge_parts challenge = parts_make();
	if (tls_context_new(&parts, &why, &context) != FAULT_NONE)
		return -1;
	return tls_challenges_set(challenges, &challenge) == FAULT_NONE ? 0 : -1;
}

static int context_close(void **state)
{
	tls_context_unref(&context);
	tls_challenges_free(&challenges);
	return 0;
}

static void shake(struct handshake *handshake, int version, const unsigned char *protocols,
		  size_t len, const char *host)
{
	SSL_CTX *client = client_make(version, version);

	assert_int_equal(SSL_CTX_set_alpn_protos(client, protocols, (unsigned)len), 0);
	handshake_run(handshake, context, client, host, NULL);
	SSL_CTX_free(client);
}

static bool showed(const struct handshake *handshake, struct tls_certificate *certificate)
{
	const X509 *got = SSL_get0_peer_certificate(handshake->client);

	return got != NULL && X509_cmp(got, tls_certificate_leaf(certificate)) == 0;
}

static void test_who_asks_for_it_alone_gets_the_certificate(void **state)
{
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct handshake handshake;
		const unsigned char *chosen;
		unsigned chosen_len;
		shake(&handshake, version, PROTOCOLS(acme_alone), "A.example");
		assert_true(handshake_is_good(&handshake));
		assert_true(handshake.facts.is_challenge);
		assert_true(showed(&handshake, world.ec));
		SSL_get0_alpn_selected(handshake.client, &chosen, &chosen_len);
		assert_true(str_equals(str_make(chosen, chosen_len), STR("acme-tls/1")));
		handshake_done(&handshake);
	}
}

static void expect_own(const unsigned char *protocols, size_t len, const char *host)
{
	struct handshake handshake;

	shake(&handshake, TLS1_3_VERSION, protocols, len, host);
	assert_true(handshake_is_good(&handshake));
	assert_false(handshake.facts.is_challenge);
	assert_true(showed(&handshake, world.rsa));
	handshake_done(&handshake);
}

static void test_nobody_else_gets_it(void **state)
{
	expect_own(PROTOCOLS(http_alone), "a.example");
	expect_own(PROTOCOLS(http_too), "a.example");
}

static void expect_alert(const char *host)
{
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct handshake handshake;
		shake(&handshake, version, PROTOCOLS(acme_alone), host);
		assert_false(handshake_is_good(&handshake));
		assert_int_equal(handshake.client_alert, ALERT_NO_APPLICATION_PROTOCOL);
		assert_null(SSL_get0_peer_certificate(handshake.client));
		handshake_done(&handshake);
	}
}

static void test_for_another_name_there_is_an_alert(void **state)
{
	expect_alert("b.example");
	expect_alert(NULL);
}

static void test_after_it_was_taken_back_there_is_an_alert(void **state)
{
	tls_challenges_clear(challenges);
	expect_alert("a.example");
}

static void test_one_for_http_is_none_for_tls(void **state)
{
	struct tls_challenge_parts parts = parts_make();

	parts.chain = STR("");
	assert_int_equal(tls_challenges_set(challenges, &parts), FAULT_NONE);
	expect_alert("a.example");
}

static bool answers(struct str token)
{
	struct buf answer = BUF_INIT(1024);
	bool is_known = tls_challenges_answer(challenges, token, &answer);

	assert_true(str_equals(buf_str(&answer), is_known ? STR("token.print") : STR("")));
	buf_done(&answer);
	return is_known;
}

static void test_a_token_is_answered(void **state)
{
	assert_true(answers(STR("token")));
	assert_false(answers(STR("toke")));
	assert_false(answers(STR("")));
	tls_challenges_clear(challenges);
	assert_false(answers(STR("token")));
	assert_false(answers(STR("")));
}

static void test_what_cannot_be_shown_is_refused(void **state)
{
	struct tls_challenge_parts parts = parts_make();
	char longer[CHALLENGE_TEXT_MAX + 1];

	memset(longer, 'a', sizeof(longer));
	parts.chain = STR("nonsense");
	assert_int_equal(tls_challenges_set(challenges, &parts), FAULT_INVALID);
	/* The one before stays. */
	assert_true(answers(STR("token")));
	parts = parts_make();
	parts.token = str_make(longer, sizeof(longer));
	assert_int_equal(tls_challenges_set(challenges, &parts), FAULT_INVALID);
	assert_false(answers(STR("token")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, context_open, context_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_who_asks_for_it_alone_gets_the_certificate),
		TEST(test_nobody_else_gets_it),
		TEST(test_for_another_name_there_is_an_alert),
		TEST(test_after_it_was_taken_back_there_is_an_alert),
		TEST(test_one_for_http_is_none_for_tls),
		TEST(test_a_token_is_answered),
		TEST(test_what_cannot_be_shown_is_refused),
	};

	return cmocka_run_group_tests(tests, world_make, world_drop);
}
