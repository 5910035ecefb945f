/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of net/resolver: what it refuses, bounds and forgets. What servers answer is
 * tested by tests/system/test_dns.py; here nobody listens at the port that is asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/resolver.h"

enum { TICK_MS = 20, STRESS_THREADS = 4, STRESS_QUESTIONS = 300 };

static struct waiter *waiter;
static struct resolver *resolver;
static pthread_t thread;
static bool is_running;

static void tick(void *context)
{
	resolver_tick(resolver);
}

static int begin(void **state)
{
	waiter = waiter_new((struct waiter_limits){.workers = 1, .share_workers = 1});
	resolver = resolver_new(waiter);
	waiter_tick_set(waiter, TICK_MS, tick, NULL);
	is_running = false;
	return 0;
}

static void *wait_thread(void *argument)
{
	waiter_run(waiter);
	return NULL;
}

static void run(void)
{
	assert_int_equal(pthread_create(&thread, NULL, wait_thread, NULL), 0);
	is_running = true;
}

static int end(void **state)
{
	if (is_running) {
		waiter_stop(waiter);
		pthread_join(thread, NULL);
	}
	waiter_free(&waiter);
	resolver_free(&resolver);
	return 0;
}

/* A server at a port where nobody listens: libunbound tries for some 20 seconds, nobody here waits so long. */
static void nobody_set(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char server[64];
	struct buf why = BUF_INIT(1000);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	close(fd);
	snprintf(server, sizeof(server), "127.0.0.1@%u", ntohs(at.sin_port));
	struct str servers[] = {str_from_c(server)};
	struct resolver_settings settings = {.servers = servers, .server_count = 1};
	assert_int_equal(resolver_settings_set(resolver, &settings, &why), FAULT_NONE);
	buf_done(&why);
}

static void refuses(const struct resolver_settings *settings, const char *words)
{
	struct buf why = BUF_INIT(1000);

	assert_int_equal(resolver_settings_set(resolver, settings, &why), FAULT_INVALID);
	if (str_find(buf_str(&why), str_from_c(words)) == STR_NONE)
		fail_msg("%.*s: lacks %s", STR_ARG(buf_str(&why)), words);
	buf_done(&why);
}

static void test_settings_that_cannot_be_understood(void **state)
{
	const struct str wrong[] = {STR_INIT("dns.example")}, good[] = {STR_INIT("127.0.0.1")};
	struct resolver_stub no_zone = {.zone = STR("a b"), .servers = good, .server_count = 1};
	struct resolver_stub no_server = {.zone = STR("a"), .servers = wrong, .server_count = 1};

	refuses(&(struct resolver_settings){.servers = wrong, .server_count = 1},
		"server \"dns.example\"");
	refuses(&(struct resolver_settings){.stubs = &no_zone, .stub_count = 1}, "zone \"a b\"");
	refuses(&(struct resolver_settings){.stubs = &no_server, .stub_count = 1},
		"server \"dns.example\"");
	refuses(&(struct resolver_settings){.anchors = STR(". IN DS 1 2")}, "trust anchor");
	refuses(&(struct resolver_settings){.anchors = STR("nonsense")}, "trust anchor");
}

static void test_trust_anchors_as_tools_write_them(void **state)
{
#define DIGEST "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
	struct buf why = BUF_INIT(1000);
	struct resolver_settings settings = {
		/* One is only announced: were it taken, its wrong form would be refused. */
		.anchors = STR("; autotrust trust anchor file\n;;id: . 1\n\n"
			       ".\t86400\tIN\tDS\t20326 8 2 " DIGEST " ;;state=2 [  VALID  ] ;;count=0\n"
			       ". DS not yet ;;state=1 [ ADDPEND ]\n")};

	assert_int_equal(resolver_settings_set(resolver, &settings, &why), FAULT_NONE);
	assert_int_equal(why.len, 0);
	buf_done(&why);
}

struct expectation {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	unsigned answers;
};

static void answered(void *context, struct dns_query *query)
{
	struct expectation *expectation = context;

	/* Whoever gives the query up now has to wait until this has returned. */
	usleep(100);
	assert_non_null(dns_query_answer(query));
	pthread_mutex_lock(&expectation->lock);
	expectation->answers++;
	pthread_cond_broadcast(&expectation->answered);
	pthread_mutex_unlock(&expectation->lock);
}

#define EXPECTATION {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0}

static struct dns_query *ask(struct expectation *expectation, const char *name, int patience_ms)
{
	return resolver_ask(resolver, &(struct dns_question){.name = str_from_c(name),
							     .type = DNS_A,
							     .patience_ms = patience_ms,
							     .done = answered,
							     .context = expectation});
}

static void await(struct expectation *expectation, unsigned answers)
{
	pthread_mutex_lock(&expectation->lock);
	while (expectation->answers < answers)
		pthread_cond_wait(&expectation->answered, &expectation->lock);
	pthread_mutex_unlock(&expectation->lock);
}

static void outcome_expect(struct dns_query **query, enum dns_outcome outcome)
{
	assert_int_equal(dns_query_answer(*query)->outcome, outcome);
	dns_query_free(query);
}

static void test_what_is_no_name_is_not_asked(void **state)
{
	struct expectation expectation = EXPECTATION;

	struct dns_query *query = ask(&expectation, "a..b", 0);
	assert_null(dns_query_answer(query));
	run();
	await(&expectation, 1);
	outcome_expect(&query, DNS_NO_NAME);
	assert_int_equal(resolver_counts(resolver).asked, 0);
}

static void test_questions_wait_for_the_first_settings(void **state)
{
	struct expectation expectation = EXPECTATION;

	struct dns_query *early = ask(&expectation, "a.example", 300);
	struct dns_query *late = ask(&expectation, "b.example", 1);
	struct dns_query *given_up = ask(&expectation, "c.example", 60000);
	assert_int_equal(resolver_counts(resolver).waiting, 3);
	dns_query_free(&given_up);
	assert_int_equal(resolver_counts(resolver).waiting, 2);
	usleep(2000);
	resolver_tick(resolver);
	nobody_set();
	run();
	await(&expectation, 2);
	outcome_expect(&early, DNS_TIMEOUT);
	outcome_expect(&late, DNS_TIMEOUT);
	assert_int_equal(resolver_counts(resolver).asked, 1);
	assert_int_equal(resolver_counts(resolver).timeouts, 2);
}

static void test_so_many_wait_and_no_more(void **state)
{
	struct expectation expectation = EXPECTATION;
	struct dns_query *queries[RESOLVER_WAITING_MAX + 1];

	for (size_t i = 0; i <= RESOLVER_WAITING_MAX; i++)
		queries[i] = ask(&expectation, "a.example", 60000);
	assert_int_equal(resolver_counts(resolver).waiting, RESOLVER_WAITING_MAX);
	run();
	await(&expectation, 1);
	outcome_expect(&queries[RESOLVER_WAITING_MAX], DNS_FAILED);
	for (size_t i = 0; i < RESOLVER_WAITING_MAX; i++)
		dns_query_free(&queries[i]);
	assert_int_equal(resolver_counts(resolver).waiting, 0);
}

static void test_other_settings_ask_anew(void **state)
{
	struct expectation expectation = EXPECTATION;

	nobody_set();
	struct dns_query *query = ask(&expectation, "a.example", 300);
	/* Nobody has heard the first answer: the waiter does not run yet. */
	nobody_set();
	run();
	await(&expectation, 1);
	outcome_expect(&query, DNS_TIMEOUT);
	assert_int_equal(expectation.answers, 1);
	assert_int_equal(resolver_counts(resolver).asked, 2);
}

static void *stress_thread(void *argument)
{
	struct expectation *expectation = argument;
	unsigned seed = (unsigned)(uintptr_t)pthread_self();
	struct dns_query *held[8] = {NULL};
	char name[32];

	for (size_t i = 0; i < STRESS_QUESTIONS; i++) {
		size_t at = (size_t)rand_r(&seed) % 8;
		/* Given up before, while, or after it is answered. */
		dns_query_free(&held[at]);
		snprintf(name, sizeof(name), "n%d.example", rand_r(&seed) % 64);
		held[at] = ask(expectation, name, 1 + rand_r(&seed) % 20);
		usleep((useconds_t)(rand_r(&seed) % 500));
	}
	for (size_t i = 0; i < 8; i++)
		dns_query_free(&held[i]);
	return NULL;
}

static void test_giving_up_at_any_moment(void **state)
{
	struct expectation expectation = EXPECTATION;
	pthread_t threads[STRESS_THREADS];

	nobody_set();
	run();
	for (size_t i = 0; i < STRESS_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, stress_thread, &expectation), 0);
	for (size_t i = 0; i < STRESS_THREADS; i++)
		pthread_join(threads[i], NULL);
	struct resolver_counts counts = resolver_counts(resolver);
	assert_int_equal(counts.waiting + counts.in_flight, 0);
	assert_true(expectation.answers <= STRESS_THREADS * STRESS_QUESTIONS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_settings_that_cannot_be_understood),
		TEST(test_trust_anchors_as_tools_write_them),
		TEST(test_what_is_no_name_is_not_asked),
		TEST(test_questions_wait_for_the_first_settings),
		TEST(test_so_many_wait_and_no_more),
		TEST(test_other_settings_ask_anew),
		TEST(test_giving_up_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
