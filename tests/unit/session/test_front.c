/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of session/front: who is let in, by service and by address, and what is told of the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>

#include "session/connections.h"
#include "session/front.h"

enum { SESSIONS = 8, PER_ADDRESS = 2, PER_SERVICE = 5 };

/* A front whose sessions stand in it and never run. */
struct place {
	struct front front;
	struct service_config service;
	struct config_limits limits;
	struct session sessions[SESSIONS];
	size_t count;
};

static int setup(void **state)
{
	static struct place place;
	static const struct log log;
	const struct metrics metrics = {0};

	place = (struct place){
		.service = {.id = SERVICE_IMAP, .max_connections = PER_SERVICE},
		.limits = {.connections_per_address = PER_ADDRESS},
	};
	front_init(&place.front, NULL, NULL, NULL, &metrics, &log);
	*state = &place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	while (place->count > 0)
		front_leave(&place->front, &place->sessions[--place->count]);
	front_done(&place->front);
	return 0;
}

static struct session *come(struct place *place, const char *address, enum refusal *refusal_out)
{
	struct session *session = &place->sessions[place->count++];

	*session = (struct session){.service = &place->service,
				    .limits = &place->limits,
				    .front = &place->front};
	assert_int_equal(inet_pton(AF_INET6, address, &session->peer.sin6_addr), 1);
	*refusal_out = REFUSAL_COUNT;
	if (!front_enter(&place->front, session, refusal_out))
		assert_int_not_equal(*refusal_out, REFUSAL_COUNT);
	return session;
}

static enum refusal refusal_of(struct place *place, const char *address)
{
	enum refusal refusal;

	come(place, address, &refusal);
	return refusal;
}

static void test_an_address_has_its_share(void **state)
{
	struct place *place = *state;

	assert_int_equal(refusal_of(place, "::ffff:192.0.2.1"), REFUSAL_COUNT);
	assert_int_equal(refusal_of(place, "::ffff:192.0.2.1"), REFUSAL_COUNT);
	assert_int_equal(refusal_of(place, "::ffff:192.0.2.1"), REFUSAL_TOO_MANY_CONNECTIONS);
	assert_int_equal(refusal_of(place, "::ffff:192.0.2.2"), REFUSAL_COUNT);
}

/* Who owns an IPv6 /64 owns all its addresses. */
static void test_a_v6_network_is_one_peer(void **state)
{
	struct place *place = *state;

	assert_int_equal(refusal_of(place, "2001:db8::1"), REFUSAL_COUNT);
	assert_int_equal(refusal_of(place, "2001:db8::2:1"), REFUSAL_COUNT);
	assert_int_equal(refusal_of(place, "2001:db8::3:1"), REFUSAL_TOO_MANY_CONNECTIONS);
	assert_int_equal(refusal_of(place, "2001:db8:0:1::1"), REFUSAL_COUNT);
}

static void test_a_service_has_its_limit(void **state)
{
	struct place *place = *state;
	char address[] = "::ffff:192.0.2.0";

	for (int i = 0; i < PER_SERVICE; i++) {
		address[sizeof(address) - 2]++;
		assert_int_equal(refusal_of(place, address), REFUSAL_COUNT);
	}
	assert_int_equal(refusal_of(place, "::ffff:192.0.2.99"), REFUSAL_SERVICE_FULL);
}

/* A flood is told once a second and address. */
static void test_refusals_of_a_flood_are_told_now_and_then(void **state)
{
	struct place *place = *state;
	enum refusal refusal;
	struct session *flood = come(place, "::ffff:192.0.2.1", &refusal);
	struct session *other = come(place, "::ffff:192.0.2.2", &refusal);

	assert_true(front_refusal_is_news(&place->front, flood, 5000));
	assert_false(front_refusal_is_news(&place->front, flood, 5001));
	assert_true(front_refusal_is_news(&place->front, other, 5001));
	assert_false(front_refusal_is_news(&place->front, flood, 5999));
	assert_true(front_refusal_is_news(&place->front, flood, 6000));
	assert_false(front_refusal_is_news(&place->front, flood, 6001));
}

/* What a page shows, and how many there are of it. */
static void shows(struct place *place, struct connections_query query, const char *total,
		  const char *const *peers)
{
	struct buf json = BUF_INIT(CONNECTIONS_BYTES_MAX);
	size_t count = 0, at;

	connections_append(&place->front, &query, &json);
	struct str rest = buf_str(&json);
	assert_true(str_has_prefix(rest, str_from_c(total)));
	while ((at = str_find(rest, STR("\"peer\":\""))) != STR_NONE) {
		rest = str_from(rest, at + 8);
		struct str after = rest, peer = str_cut(&after, '"');
		assert_non_null(peers[count]);
		assert_true(str_equals(peer, str_from_c(peers[count++])));
	}
	assert_null(peers[count]);
	buf_done(&json);
}

#define PEERS(...) (const char *const[]){__VA_ARGS__, NULL}
#define NOBODY (const char *const[]){NULL}

static void test_a_page_of_the_sessions(void **state)
{
	static const char *const addresses[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"};
	static struct service_config other = {.id = SERVICE_POP3S, .max_connections = PER_SERVICE};
	struct place *place = *state;
	enum refusal refusal;

	for (size_t i = 0; i < 4; i++) {
		struct session *session = come(place, "::ffff:192.0.2.9", &refusal);
		assert_true(str_copy_c(str_from_c(addresses[i]), session->peer_text,
				       sizeof(session->peer_text)));
		session->service = i == 2 ? &other : &place->service;
	}
	place->sessions[3].shown.user = "Anna@example.org";
	shows(place, (struct connections_query){.limit = 9}, "{\"total\":4,",
	      PEERS("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"));
	shows(place, (struct connections_query){.limit = 2, .after = 1}, "{\"total\":4,",
	      PEERS("192.0.2.2", "192.0.2.3"));
	shows(place, (struct connections_query){.limit = 0}, "{\"total\":4,", NOBODY);
	shows(place, (struct connections_query){.limit = 9, .service = STR("pop3s")},
	      "{\"total\":1,", PEERS("192.0.2.3"));
	shows(place, (struct connections_query){.limit = 9, .search = STR("anna@")},
	      "{\"total\":1,", PEERS("192.0.2.4"));
	shows(place, (struct connections_query){.limit = 9, .search = STR("192.0.2."), .after = 3},
	      "{\"total\":4,", PEERS("192.0.2.4"));
	shows(place, (struct connections_query){.limit = 9, .search = STR("nowhere")},
	      "{\"total\":0,", NOBODY);
	/* As many as came leave by the service that they came for. */
	place->sessions[2].service = &place->service;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_address_has_its_share),
		TEST(test_a_v6_network_is_one_peer),
		TEST(test_a_service_has_its_limit),
		TEST(test_refusals_of_a_flood_are_told_now_and_then),
		TEST(test_a_page_of_the_sessions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
