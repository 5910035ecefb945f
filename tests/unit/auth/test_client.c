/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of auth, and what its answers mean; the test plays the role. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <semaphore.h>
#include <time.h>
#include <unistd.h>

#include "auth/auth.h"

enum { SOON_S = 60 };

struct played {
	struct connector connector;
	int client_fd; /* -1: the role is away */
	struct channel role;
	struct packet heard;
	struct asker *client;
	sem_t woken;
};

static enum fault connect_played(struct connector *connector, enum role role, int *fd_out)
{
	struct played *played = (struct played *)(void *)connector;

	if (played->client_fd < 0)
		return FAULT_UNAVAILABLE;
	*fd_out = played->client_fd;
	played->client_fd = -1;
	return FAULT_NONE;
}

static int setup(void **state)
{
	static struct played played;
	int fds[2];

	assert_int_equal(channel_pair(fds), FAULT_NONE);
	played = (struct played){
		.connector = {.self = ROLE_FRONT, .connect = connect_played},
		.client_fd = fds[0],
		.role = {.fd = fds[1], .self = ROLE_AUTH, .peer = ROLE_FRONT}};
	packet_init(&played.heard);
	sem_init(&played.woken, 0, 0);
	played.client = auth_client_new(&played.connector);
	*state = &played;
	return 0;
}

static int teardown(void **state)
{
	struct played *played = *state;

	asker_free(&played->client);
	packet_done(&played->heard);
	channel_close(&played->role);
	sem_destroy(&played->woken);
	return 0;
}

static void wake_post(void *context)
{
	sem_post(context);
}

static uint64_t ask(struct played *played, const struct login_question *question)
{
	uint64_t ticket;

	assert_int_equal(auth_client_ask(played->client, question, wake_post, &played->woken,
					 &ticket),
			 FAULT_NONE);
	return ticket;
}

static void answer_await(struct played *played, uint64_t ticket, struct login_answer *answer_out)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += SOON_S;
	assert_int_equal(sem_timedwait(&played->woken, &until), 0);
	assert_true(auth_client_take(played->client, ticket, answer_out));
	assert_false(auth_client_take(played->client, ticket, answer_out));
}

/* The role hears the question and says this to it. */
static void asked_and_answered(struct played *played, const struct login_question *question,
			       enum message_kind kind, const struct msg_login_answered *said,
			       struct login_answer *answer_out)
{
	uint64_t ticket = ask(played, question);

	assert_int_equal(channel_receive(&played->role, &played->heard), FAULT_NONE);
	assert_int_equal(played->heard.header.kind, kind);
	assert_int_equal(channel_send(&played->role, MSG_login_answered,
				      played->heard.header.id, said),
			 FAULT_NONE);
	answer_await(played, ticket, answer_out);
}

static const struct login_question BY_PASSWORD = {.account = STR_INIT("anna@example.com"),
						  .password = STR_INIT("secret"),
						  .address = STR_INIT("192.0.2.1")};

static void test_a_password(void **state)
{
	struct played *played = *state;
	struct msg_login_answered said = {.verdict = LOGIN_BLOCKED, .wait_s = 5, .flags = 2};
	struct login_answer answer;

	asked_and_answered(played, &BY_PASSWORD, MSG_login_check, &said, &answer);
	const struct msg_login_check *heard = &played->heard.message.login_check;
	assert_true(str_equals(heard->account, BY_PASSWORD.account));
	assert_true(str_equals(heard->password, BY_PASSWORD.password));
	assert_true(str_equals(heard->address, BY_PASSWORD.address));
	assert_int_equal(answer.fault, FAULT_NONE);
	assert_int_equal(answer.verdict, LOGIN_BLOCKED);
	assert_int_equal(answer.wait_s, 5);
	assert_int_equal(answer.flags, 2);
	assert_int_equal(answer.message_len, 0);
}

static void test_scram(void **state)
{
	struct played *played = *state;
	struct login_question question = {.kind = LOGIN_BY_SCRAM_FIRST,
					  .account = STR("anna@example.com"),
					  .address = STR("192.0.2.1"),
					  .scram = {.first = STR("n,,n=anna,r=abc")}};
	char seal[SCRAM_SEAL_BYTES] = "sealed";
	struct msg_login_answered said = {.verdict = LOGIN_CONTINUES,
					  .message = STR("r=abcdef"),
					  .seal = str_make(seal, sizeof(seal))};
	struct login_answer answer;

	asked_and_answered(played, &question, MSG_scram_begin, &said, &answer);
	assert_true(str_equals(played->heard.message.scram_begin.first, question.scram.first));
	assert_int_equal(answer.verdict, LOGIN_CONTINUES);
	assert_memory_equal(answer.message, "r=abcdef", answer.message_len);
	assert_memory_equal(answer.seal, seal, sizeof(seal));

	question.kind = LOGIN_BY_SCRAM_LAST;
	question.scram.challenge = STR("r=abcdef");
	question.scram.seal = str_make(seal, sizeof(seal));
	question.scram.last = STR("c=biws,p=x");
	question.scram.binding = STR("bound");
	said = (struct msg_login_answered){.verdict = LOGIN_GRANTED, .message = STR("v=y")};
	asked_and_answered(played, &question, MSG_scram_finish, &said, &answer);
	const struct msg_scram_finish *heard = &played->heard.message.scram_finish;
	assert_true(str_equals(heard->account, question.account));
	assert_true(str_equals(heard->first, question.scram.first));
	assert_true(str_equals(heard->challenge, question.scram.challenge));
	assert_true(str_equals(heard->seal, question.scram.seal));
	assert_true(str_equals(heard->last, question.scram.last));
	assert_true(str_equals(heard->binding, question.scram.binding));
	assert_int_equal(answer.verdict, LOGIN_GRANTED);
}

static void test_a_certificate(void **state)
{
	struct played *played = *state;
	struct login_question question = {.kind = LOGIN_BY_CERTIFICATE,
					  .account = STR("anna@example.com"),
					  .address = STR("192.0.2.1"),
					  .found = LOGIN_WRONG_IDENTITY};
	struct msg_login_answered said = {.verdict = LOGIN_WRONG_IDENTITY};
	struct login_answer answer;

	asked_and_answered(played, &question, MSG_certificate_login, &said, &answer);
	assert_int_equal(played->heard.message.certificate_login.found, LOGIN_WRONG_IDENTITY);
	assert_int_equal(answer.verdict, LOGIN_WRONG_IDENTITY);
}

/* Whatever a role cannot mean is no answer, least of all one that grants something. */
static void test_what_the_role_cannot_mean(void **state)
{
	struct played *played = *state;
	static char large[SCRAM_MESSAGE_MAX + 1];
	const struct msg_login_answered said[] = {
		{.fault = FAULT_COUNT},
		{.verdict = LOGIN_VERDICT_COUNT},
		{.verdict = LOGIN_GRANTED, .message = {large, sizeof(large)}},
		{.verdict = LOGIN_GRANTED, .seal = STR_INIT("short")},
	};
	struct login_answer answer;

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		answer = (struct login_answer){.fault = FAULT_NONE};
		asked_and_answered(played, &BY_PASSWORD, MSG_login_check, &said[i], &answer);
		assert_int_equal(answer.fault, FAULT_INVALID);
	}
}

static void test_a_role_that_dies(void **state)
{
	struct played *played = *state;
	struct login_answer answer;
	uint64_t ticket = ask(played, &BY_PASSWORD);

	assert_int_equal(channel_receive(&played->role, &played->heard), FAULT_NONE);
	channel_close(&played->role);
	answer_await(played, ticket, &answer);
	assert_int_equal(answer.fault, FAULT_UNAVAILABLE);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_password),
		TEST(test_scram),
		TEST(test_a_certificate),
		TEST(test_what_the_role_cannot_mean),
		TEST(test_a_role_that_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
