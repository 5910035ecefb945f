/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of ipc/client: a role that hangs, and one that cannot be reached. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "ipc/client.h"

enum { ANSWER_MS = 300, TURN_MS = 600, LONG_MS = 60 * 1000, ROLE_ENDS = 16 };

/* A connector that keeps the role's ends of the channels; the test plays the role. */
struct local {
	struct connector connector;
	bool is_down;
	bool is_gone; /* who starts the role has gone as well */
	int role_ends[ROLE_ENDS];
	int client_ends[ROLE_ENDS];
	size_t count;
	struct role_client client;
};

static enum fault connect_local(struct connector *connector, enum role role, int *fd_out)
{
	struct local *local = (struct local *)(void *)connector;
	int fds[2];

	if (local->is_gone)
		return FAULT_IO;
	if (local->is_down)
		return FAULT_UNAVAILABLE;
	assert_true(local->count < ROLE_ENDS);
	assert_int_equal(channel_pair(fds), FAULT_NONE);
	local->role_ends[local->count] = fds[0];
	local->client_ends[local->count] = *fd_out = fds[1];
	__atomic_add_fetch(&local->count, 1, __ATOMIC_RELEASE);
	return FAULT_NONE;
}

static int setup(void **state)
{
	static struct local local;

	local = (struct local){.connector = {.self = ROLE_CTL, .connect = connect_local}};
	role_client_init(&local.client, &local.connector, ROLE_AUTH, ANSWER_MS);
	local.client.answer_ms = ANSWER_MS;
	local.client.turn_ms = TURN_MS;
	*state = &local;
	return 0;
}

static int teardown(void **state)
{
	struct local *local = *state;

	role_client_done(&local->client);
	while (local->count > 0)
		close(local->role_ends[--local->count]);
	return 0;
}

static enum fault ask(struct local *local)
{
	struct msg_password_set set = {.account = STR("a@example.com"), .password = STR("x")};
	struct packet answer;

	packet_init(&answer);
	enum fault fault =
		role_client_call(&local->client, MSG_password_set, &set, MSG_done, &answer);
	packet_done(&answer);
	return fault;
}

static enum fault ask_timed(struct local *local, int64_t *took_ms_out)
{
	int64_t began = clock_mono_ms();
	enum fault fault = ask(local);

	*took_ms_out = clock_mono_ms() - began;
	return fault;
}

static void *ask_in_thread(void *argument)
{
	return (void *)(uintptr_t)ask(argument);
}

/* The role reads one request from a channel and answers it. */
static void answer(struct local *local, size_t at)
{
	struct channel channel = {local->role_ends[at], ROLE_AUTH, ROLE_CTL};
	struct msg_done done = {.fault = FAULT_NONE};
	struct packet packet;

	packet_init(&packet);
	assert_int_equal(channel_receive(&channel, &packet), FAULT_NONE);
	assert_int_equal(channel_send(&channel, MSG_done, packet.header.id, &done), FAULT_NONE);
	packet_done(&packet);
}

/* The role goes in the middle of a call. */
static void role_end_close(struct local *local, size_t at)
{
	assert_int_equal(shutdown(local->role_ends[at], SHUT_RDWR), 0);
}

/* Begins a call in a thread and waits until its request lies on channel `at`. */
static pthread_t call_begin(struct local *local, size_t at)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, ask_in_thread, local), 0);
	while (__atomic_load_n(&local->count, __ATOMIC_ACQUIRE) <= at)
		usleep(1000);
	return thread;
}

static enum fault call_end(pthread_t thread)
{
	void *fault;

	assert_int_equal(pthread_join(thread, &fault), 0);
	return (enum fault)(uintptr_t)fault;
}

/* A call that uses the channel which came back to the pool last. */
static enum fault ask_answered(struct local *local)
{
	pthread_t thread;
	int idle = local->client.idle[local->client.idle_count - 1];

	for (size_t at = 0; at < local->count; at++)
		if (local->client_ends[at] == idle) {
			assert_int_equal(pthread_create(&thread, NULL, ask_in_thread, local), 0);
			answer(local, at);
			return call_end(thread);
		}
	return FAULT_NOT_FOUND;
}

static void test_a_role_that_hangs_is_not_waited_for(void **state)
{
	struct local *local = *state;
	int64_t took_ms;

	assert_int_equal(ask_timed(local, &took_ms), FAULT_IO);
	assert_in_range(took_ms, ANSWER_MS, LONG_MS);
	assert_true(local->client.is_suspect);
	assert_int_equal(local->client.idle_count, 0);
}

static void test_only_one_call_waits_for_a_suspect(void **state)
{
	struct local *local = *state;
	int64_t took_ms;

	assert_int_equal(ask(local), FAULT_IO);
	local->client.answer_ms = LONG_MS;
	pthread_t probe = call_begin(local, 1);
	assert_int_equal(ask_timed(local, &took_ms), FAULT_UNAVAILABLE);
	assert_in_range(took_ms, 0, LONG_MS / 2);
	role_end_close(local, 1);
	assert_int_equal(call_end(probe), FAULT_IO);
	assert_true(local->client.is_suspect);
}

static void test_an_answer_clears_a_suspect(void **state)
{
	struct local *local = *state;

	assert_int_equal(ask(local), FAULT_IO);
	pthread_t probe = call_begin(local, 1);
	answer(local, 1);
	assert_int_equal(call_end(probe), FAULT_NONE);
	assert_false(local->client.is_suspect);
	assert_int_equal(local->client.idle_count, 1);
}

/* One request that takes long says nothing of a role that answers others meanwhile. */
static void test_a_role_that_answers_others_is_not_suspect(void **state)
{
	struct local *local = *state;

	local->client.answer_ms = 5 * ANSWER_MS;
	pthread_t slow = call_begin(local, 0);
	pthread_t quick = call_begin(local, 1);
	answer(local, 1);
	(void)call_end(quick);
	(void)call_end(slow);
	assert_false(local->client.is_suspect);
}

/* A crowd does not grow in front of a role that hangs. */
static void test_no_more_calls_than_allowed_wait(void **state)
{
	struct local *local = *state;
	int64_t took_ms;

	local->client.calls_max = 2;
	local->client.answer_ms = LONG_MS;
	pthread_t calls[] = {call_begin(local, 0), call_begin(local, 1)};
	/* One too many waits for his turn, and then for the answer: he is the one who tries. */
	pthread_t probe = call_begin(local, 2);
	assert_true(local->client.is_suspect);
	assert_int_equal(ask_timed(local, &took_ms), FAULT_UNAVAILABLE);
	assert_in_range(took_ms, 0, LONG_MS / 2);
	for (size_t i = 0; i < 3; i++)
		answer(local, i);
	assert_int_equal(call_end(calls[0]), FAULT_NONE);
	assert_int_equal(call_end(calls[1]), FAULT_NONE);
	assert_int_equal(call_end(probe), FAULT_NONE);
	assert_int_equal(ask_answered(local), FAULT_NONE);
}

/* Who comes when the crowd is full but served has his turn. */
static void test_a_crowd_that_is_served_lets_the_next_in(void **state)
{
	struct local *local = *state;
	pthread_t waiting;

	local->client.calls_max = 1;
	local->client.answer_ms = local->client.turn_ms = LONG_MS;
	pthread_t first = call_begin(local, 0);
	assert_int_equal(pthread_create(&waiting, NULL, ask_in_thread, local), 0);
	usleep(ANSWER_MS * 1000);
	answer(local, 0);
	assert_int_equal(call_end(first), FAULT_NONE);
	int64_t began = clock_mono_ms();
	answer(local, 0);
	assert_in_range(clock_mono_ms() - began, 0, LONG_MS / 2);
	assert_int_equal(call_end(waiting), FAULT_NONE);
	assert_int_equal(local->count, 1);
}

static void test_a_role_that_nobody_starts_is_not_waited_for(void **state)
{
	struct local *local = *state;
	int64_t took_ms;

	local->is_gone = true;
	local->client.patience_ms = 100 * TURN_MS;
	assert_int_equal(ask_timed(local, &took_ms), FAULT_UNAVAILABLE);
	assert_in_range(took_ms, 0, local->client.patience_ms / 2);
}

static void test_a_role_that_is_down_is_waited_for_once(void **state)
{
	struct local *local = *state;
	int64_t took_ms;

	local->is_down = true;
	assert_int_equal(ask_timed(local, &took_ms), FAULT_UNAVAILABLE);
	assert_in_range(took_ms, ANSWER_MS, LONG_MS);
	local->client.patience_ms = LONG_MS;
	local->client.is_probed = true; /* as if another call were trying */
	assert_int_equal(ask_timed(local, &took_ms), FAULT_UNAVAILABLE);
	assert_in_range(took_ms, 0, LONG_MS / 2);
	local->client.is_probed = false;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_role_that_hangs_is_not_waited_for),
		TEST(test_only_one_call_waits_for_a_suspect),
		TEST(test_an_answer_clears_a_suspect),
		TEST(test_a_role_that_answers_others_is_not_suspect),
		TEST(test_no_more_calls_than_allowed_wait),
		TEST(test_a_crowd_that_is_served_lets_the_next_in),
		TEST(test_a_role_that_nobody_starts_is_not_waited_for),
		TEST(test_a_role_that_is_down_is_waited_for_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
