/* SPDX-License-Identifier: Apache-2.0 */
/* The asking side, against an auth role that the test plays by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <semaphore.h>
#include <time.h>
#include <unistd.h>

#include "auth/auth.h"
#include "base/file.h"

enum { CHANNELS = 2 };

/* Hands out prepared channels; when all are given, the role is down. */
struct prepared {
	struct connector connector;
	int client_fds[CHANNELS];
	struct channel role[CHANNELS];
	int given; /* atomic */
	int available;
};

static enum fault prepared_connect(struct connector *connector, enum role role, int *fd_out)
{
	struct prepared *prepared = (struct prepared *)(void *)connector;
	int at = __atomic_load_n(&prepared->given, __ATOMIC_SEQ_CST);

	if (at >= __atomic_load_n(&prepared->available, __ATOMIC_SEQ_CST))
		return FAULT_UNAVAILABLE;
	*fd_out = prepared->client_fds[at];
	__atomic_add_fetch(&prepared->given, 1, __ATOMIC_SEQ_CST);
	return FAULT_NONE;
}

static void prepared_init(struct prepared *prepared)
{
	*prepared = (struct prepared){
		.connector = {.self = ROLE_FRONT, .connect = prepared_connect},
		.available = 1};
	for (int i = 0; i < CHANNELS; i++) {
		int fds[2];
		assert_int_equal(channel_pair(fds), FAULT_NONE);
		prepared->client_fds[i] = fds[0];
		prepared->role[i] =
			(struct channel){.fd = fds[1], .self = ROLE_AUTH, .peer = ROLE_FRONT};
	}
}

static void wake_post(void *context)
{
	sem_post(context);
}

static bool woken(sem_t *wake, int ms)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	return sem_timedwait(wake, &until) == 0;
}

static const struct login_question QUESTION = {.account = STR_INIT("anna@example.com"),
					       .password = STR_INIT("secret"),
					       .address = STR_INIT("192.0.2.1")};

static void answer_send(struct channel *role, uint64_t id, enum login_verdict verdict)
{
	struct msg_login_answered answer = {.verdict = verdict, .wait_s = 5};

	assert_int_equal(channel_send(role, MSG_login_answered, id, &answer), FAULT_NONE);
}

static void test_answers_find_their_questions(void **state)
{
	struct prepared prepared;
	struct packet packet;
	struct login_answer answer;
	uint64_t tickets[2], ids[2];
	sem_t wake;

	sem_init(&wake, 0, 0);
	packet_init(&packet);
	prepared_init(&prepared);
	struct auth_client *client = auth_client_new(&prepared.connector);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(auth_client_ask(client, &QUESTION, wake_post, &wake, &tickets[i]),
				 FAULT_NONE);
		assert_int_equal(channel_receive(&prepared.role[0], &packet), FAULT_NONE);
		assert_true(str_equals(packet.message.login_check.password, QUESTION.password));
		ids[i] = packet.header.id;
	}
	assert_false(auth_client_take(client, tickets[1], &answer));
	answer_send(&prepared.role[0], ids[1], LOGIN_BLOCKED);
	assert_true(woken(&wake, 5000));
	assert_false(auth_client_take(client, tickets[0], &answer));
	assert_true(auth_client_take(client, tickets[1], &answer));
	assert_int_equal(answer.verdict, LOGIN_BLOCKED);
	assert_int_equal(answer.wait_s, 5);
	/* A closed ticket stays closed, and a cancelled one wakes nobody. */
	assert_false(auth_client_take(client, tickets[1], &answer));
	auth_client_cancel(client, tickets[0]);
	auth_client_cancel(client, 0);
	answer_send(&prepared.role[0], ids[0], LOGIN_GRANTED);
	assert_false(woken(&wake, 100));
	auth_client_free(&client);
	packet_done(&packet);
	channel_close(&prepared.role[0]);
	channel_close(&prepared.role[1]);
	fd_close(&prepared.client_fds[1]);
}

static void test_role_dies_and_comes_back(void **state)
{
	struct prepared prepared;
	struct packet packet;
	struct login_answer answer;
	uint64_t ticket;
	sem_t wake;

	sem_init(&wake, 0, 0);
	packet_init(&packet);
	prepared_init(&prepared);
	struct auth_client *client = auth_client_new(&prepared.connector);
	assert_int_equal(auth_client_ask(client, &QUESTION, wake_post, &wake, &ticket), FAULT_NONE);
	channel_close(&prepared.role[0]);
	assert_true(woken(&wake, 5000));
	assert_true(auth_client_take(client, ticket, &answer));
	assert_int_equal(answer.fault, FAULT_UNAVAILABLE);
	assert_int_equal(auth_client_ask(client, &QUESTION, wake_post, &wake, &ticket),
			 FAULT_UNAVAILABLE);
	__atomic_store_n(&prepared.available, 2, __ATOMIC_SEQ_CST);
	assert_int_equal(auth_client_ask(client, &QUESTION, wake_post, &wake, &ticket), FAULT_NONE);
	assert_int_equal(channel_receive(&prepared.role[1], &packet), FAULT_NONE);
	answer_send(&prepared.role[1], packet.header.id, LOGIN_GRANTED);
	assert_true(woken(&wake, 5000));
	assert_true(auth_client_take(client, ticket, &answer));
	assert_int_equal(answer.verdict, LOGIN_GRANTED);
	auth_client_free(&client);
	packet_done(&packet);
	channel_close(&prepared.role[1]);
}

/* A role that hangs: the session is told, and what the role says later is nobody's. */
static void test_a_role_that_hangs(void **state)
{
	struct prepared prepared;
	struct packet packet;
	struct login_answer answer;
	uint64_t ticket;
	sem_t wake;

	sem_init(&wake, 0, 0);
	packet_init(&packet);
	prepared_init(&prepared);
	struct auth_client *client = auth_client_new(&prepared.connector);
	auth_client_set_answer_ms(client, 200);
	assert_int_equal(auth_client_ask(client, &QUESTION, wake_post, &wake, &ticket), FAULT_NONE);
	assert_true(woken(&wake, 10000));
	assert_true(auth_client_take(client, ticket, &answer));
	assert_int_equal(answer.fault, FAULT_IO);
	assert_int_equal(channel_receive(&prepared.role[0], &packet), FAULT_NONE);
	answer_send(&prepared.role[0], packet.header.id, LOGIN_GRANTED);
	assert_false(woken(&wake, 100));
	auth_client_free(&client);
	packet_done(&packet);
	channel_close(&prepared.role[0]);
	channel_close(&prepared.role[1]);
	fd_close(&prepared.client_fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_find_their_questions),
		cmocka_unit_test(test_role_dies_and_comes_back),
		cmocka_unit_test(test_a_role_that_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
