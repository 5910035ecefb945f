/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of tls/tickets, and of what a session may outlive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"

static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};

/* A session made in a full handshake with `context`; NULL when there was no ticket. */
static SSL_SESSION *session_get(struct tls_context *context, SSL_CTX *client)
{
	struct handshake shake;

	handshake_run(&shake, context, client, NULL, NULL);
	assert_true(handshake_is_good(&shake));
	assert_false(shake.facts.is_resumed);
	assert_true(handshake_talk(&shake));
	SSL_SESSION *session = handshake_session(&shake);
	handshake_done(&shake);
	return session;
}

/* The handshake has to succeed either way; tells whether the session was taken up again. */
static bool is_resumed(struct tls_context *context, SSL_CTX *client, SSL_SESSION *session)
{
	struct handshake shake;

	handshake_run(&shake, context, client, NULL, session);
	assert_true(handshake_is_good(&shake));
	assert_true(handshake_talk(&shake));
	assert_int_equal(SSL_session_reused(shake.client) == 1, shake.facts.is_resumed);
	bool is_reused = shake.facts.is_resumed;
	handshake_done(&shake);
	return is_reused;
}

static void test_a_session_is_resumed_by_another_front(void **state)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_tickets *one = tls_tickets_new(), *other = tls_tickets_new();
	struct ticket_ring ring;

	ticket_ring_init(&ring, 0);
	assert_int_equal(tls_tickets_set(one, str_make(ring.bytes, sizeof(ring.bytes))),
			 FAULT_NONE);
	assert_int_equal(tls_tickets_set(other, str_make(ring.bytes, sizeof(ring.bytes))),
			 FAULT_NONE);
	struct tls_context *first = context_make(&policy, WITH_BOTH, one);
	struct tls_context *second = context_make(&policy, WITH_BOTH, other);
	for (size_t i = 0; i < 4; i++) {
		SSL_CTX *client = client_make(versions[i], versions[i]);
		SSL_SESSION *session = session_get(first, client);
		assert_non_null(session);
		assert_true(is_resumed(second, client, session));
		SSL_SESSION_free(session);
		SSL_CTX_free(client);
	}
	tls_context_unref(&first);
	tls_context_unref(&second);
	tls_tickets_free(&one);
	tls_tickets_free(&other);
}

/* Resumes with `session`, which it takes, and gives the session to resume with next. */
static SSL_SESSION *session_renew(struct tls_context *context, SSL_CTX *client,
				  SSL_SESSION *session)
{
	struct handshake shake;

	handshake_run(&shake, context, client, NULL, session);
	assert_true(shake.facts.is_resumed);
	assert_true(handshake_talk(&shake));
	SSL_SESSION_free(session);
	session = handshake_session(&shake);
	handshake_done(&shake);
	return session;
}

/* RFC 8446 appendix C.4: a client uses a ticket once, so each resumption must bring another. */
static void test_a_client_can_resume_again_and_again(void **state)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_context *context = context_make(&policy, WITH_EC, NULL);

	for (size_t i = 0; i < 4; i++) {
		SSL_CTX *client = client_make(versions[i], versions[i]);
		SSL_SESSION *session = session_get(context, client);
		for (int round = 0; round < 3; round++) {
			assert_non_null(session);
			session = session_renew(context, client, session);
		}
		SSL_SESSION_free(session);
		SSL_CTX_free(client);
	}
	tls_context_unref(&context);
}

static void test_other_keys_make_a_full_handshake(void **state)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_context *first = context_make(&policy, WITH_BOTH, NULL);
	struct tls_context *second = context_make(&policy, WITH_BOTH, NULL);
	SSL_CTX *client = client_make(TLS1_3_VERSION, TLS1_3_VERSION);
	SSL_SESSION *session = session_get(first, client);

	assert_false(is_resumed(second, client, session));
	SSL_SESSION_free(session);
	SSL_CTX_free(client);
	tls_context_unref(&first);
	tls_context_unref(&second);
}

/*
 * Section 7 of the policy: a ticket made under another policy or certificate brings
 * nothing back.
 */
static void test_no_session_outlives_a_change(void **state)
{
	struct tls_policy before = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_policy after = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_tickets *tickets = tls_tickets_new();
	after.text = STR("another policy");
	struct tls_context *made = context_make(&before, WITH_BOTH, tickets);
	struct tls_context *policy_changed = context_make(&after, WITH_BOTH, tickets);
	struct tls_context *certificate_changed = context_make(&before, WITH_RSA, tickets);

	for (size_t i = 0; i < 4; i++) {
		SSL_CTX *client = client_make(versions[i], versions[i]);
		SSL_SESSION *session = session_get(made, client);
		assert_non_null(session);
		assert_false(is_resumed(policy_changed, client, session));
		SSL_SESSION_free(session);
		session = session_get(made, client);
		assert_false(is_resumed(certificate_changed, client, session));
		SSL_SESSION_free(session);
		SSL_CTX_free(client);
	}
	tls_context_unref(&made);
	tls_context_unref(&policy_changed);
	tls_context_unref(&certificate_changed);
	tls_tickets_free(&tickets);
}

static void test_without_tickets_nothing_is_resumed(void **state)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	policy.session_tickets = false;
	struct tls_context *context = context_make(&policy, WITH_BOTH, NULL);

	for (size_t i = 0; i < 4; i++) {
		SSL_CTX *client = client_make(versions[i], versions[i]);
		SSL_SESSION *session = session_get(context, client);
		/* Before TLS 1.3 a session has a number too, which nobody remembers here. */
		if (versions[i] == TLS1_3_VERSION)
			assert_null(session);
		if (session != NULL)
			assert_false(is_resumed(context, client, session));
		SSL_SESSION_free(session);
		SSL_CTX_free(client);
	}
	tls_context_unref(&context);
}

static void tickets_take(struct tls_tickets *tickets, const struct ticket_ring *ring)
{
	assert_int_equal(tls_tickets_set(tickets, str_make(ring->bytes, sizeof(ring->bytes))),
			 FAULT_NONE);
}

static void test_a_ticket_opens_until_the_second_rotation(void **state)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_tickets *tickets = tls_tickets_new();
	struct tls_context *context = context_make(&policy, WITH_EC, tickets);
	SSL_CTX *client = client_make(TLS1_2_VERSION, TLS1_2_VERSION);
	struct ticket_ring ring;

	ticket_ring_init(&ring, 1000);
	tickets_take(tickets, &ring);
	SSL_SESSION *session = session_get(context, client);
	assert_false(ticket_ring_tick(&ring, 1000 + TICKET_ROTATION_MS - 1));
	assert_true(ticket_ring_tick(&ring, 1000 + TICKET_ROTATION_MS));
	tickets_take(tickets, &ring);
	assert_true(is_resumed(context, client, session));
	assert_true(ticket_ring_tick(&ring, 1000 + 2 * (int64_t)TICKET_ROTATION_MS));
	tickets_take(tickets, &ring);
	assert_false(is_resumed(context, client, session));
	SSL_SESSION_free(session);
	SSL_CTX_free(client);
	tls_context_unref(&context);
	tls_tickets_free(&tickets);
}

/* A front that has not fetched since the rotation opens what another, quicker one sealed. */
static void test_a_slow_front_knows_the_next_key(void **state)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	struct tls_tickets *quick = tls_tickets_new(), *slow = tls_tickets_new();
	struct tls_context *first = context_make(&policy, WITH_EC, quick);
	struct tls_context *second = context_make(&policy, WITH_EC, slow);
	SSL_CTX *client = client_make(TLS1_3_VERSION, TLS1_3_VERSION);
	struct ticket_ring ring;

	ticket_ring_init(&ring, 0);
	tickets_take(slow, &ring);
	assert_true(ticket_ring_tick(&ring, TICKET_ROTATION_MS));
	tickets_take(quick, &ring);
	SSL_SESSION *session = session_get(first, client);
	assert_true(is_resumed(second, client, session));
	SSL_SESSION_free(session);
	SSL_CTX_free(client);
	tls_context_unref(&first);
	tls_context_unref(&second);
	tls_tickets_free(&quick);
	tls_tickets_free(&slow);
}

static void test_keys_of_another_length_are_refused(void **state)
{
	struct tls_tickets *tickets = tls_tickets_new();

	assert_int_equal(tls_tickets_set(tickets, STR("too short")), FAULT_INVALID);
	tls_tickets_free(&tickets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_session_is_resumed_by_another_front),
		cmocka_unit_test(test_a_client_can_resume_again_and_again),
		cmocka_unit_test(test_other_keys_make_a_full_handshake),
		cmocka_unit_test(test_no_session_outlives_a_change),
		cmocka_unit_test(test_without_tickets_nothing_is_resumed),
		cmocka_unit_test(test_a_ticket_opens_until_the_second_rotation),
		cmocka_unit_test(test_a_slow_front_knows_the_next_key),
		cmocka_unit_test(test_keys_of_another_length_are_refused),
	};

	return cmocka_run_group_tests(tests, world_make, world_drop);
}
