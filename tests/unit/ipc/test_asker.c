/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of ipc/asker, as a front that asks role admin, which the tests play by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "ipc/asker.h"

enum { SOON_S = 60, OPEN_MAX = 4, CONNECTIONS = 8, SHORT_MS = 100 };

/* The role: its ends of the channels, in the order in which they were opened. */
struct played {
	struct connector connector;
	bool is_down; /* atomic */
	int role_ends[CONNECTIONS];
	size_t connections; /* the asker's thread counts them */
	sem_t connected;
	size_t begun;
	struct channel role; /* the end that the test plays at present */
	struct packet heard;
	struct asker *asker;
	sem_t woken;
	int wakes; /* atomic */
};

static enum fault connect_played(struct connector *connector, enum role role, int *fd_out)
{
	struct played *played = (struct played *)(void *)connector;
	int fds[2];

	if (__atomic_load_n(&played->is_down, __ATOMIC_SEQ_CST))
		return FAULT_UNAVAILABLE;
	assert_int_equal(role, ROLE_ADMIN);
	assert_true(played->connections < CONNECTIONS);
	assert_int_equal(channel_pair(fds), FAULT_NONE);
	played->role_ends[played->connections++] = fds[0];
	sem_post(&played->connected);
	*fd_out = fds[1];
	return FAULT_NONE;
}

static enum asker_part judge(const struct packet *packet)
{
	if (packet->header.kind == MSG_api_answered)
		return packet->message.api_answered.is_stream != 0 ? ASKER_MORE : ASKER_LAST;
	if (packet->header.kind == MSG_api_part)
		return packet->message.api_part.is_last != 0 ? ASKER_LAST : ASKER_MORE;
	return ASKER_BREACH;
}

static void down_set(struct played *played, bool is_down)
{
	__atomic_store_n(&played->is_down, is_down, __ATOMIC_SEQ_CST);
}

static void await(sem_t *event)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += SOON_S;
	assert_int_equal(sem_timedwait(event, &until), 0);
}

static void wake(void *context)
{
	struct played *played = context;

	__atomic_add_fetch(&played->wakes, 1, __ATOMIC_SEQ_CST);
	sem_post(&played->woken);
}

static int wakes(struct played *played)
{
	return __atomic_load_n(&played->wakes, __ATOMIC_SEQ_CST);
}

static void asker_begin(struct played *played, size_t open_max, int patience_ms)
{
	played->asker = asker_new(&(struct asker_options){.connector = &played->connector,
							  .role = ROLE_ADMIN,
							  .open_max = open_max,
							  .patience_ms = patience_ms,
							  .judge = judge});
}

static int setup(void **state)
{
	static struct played played;

	played = (struct played){.connector = {.self = ROLE_FRONT, .connect = connect_played},
				 .role = {.fd = -1, .self = ROLE_ADMIN, .peer = ROLE_FRONT}};
	sem_init(&played.connected, 0, 0);
	sem_init(&played.woken, 0, 0);
	packet_init(&played.heard);
	asker_begin(&played, OPEN_MAX, SOON_S * 1000);
	*state = &played;
	return 0;
}

static int teardown(void **state)
{
	struct played *played = *state;

	asker_free(&played->asker);
	packet_done(&played->heard);
	for (size_t i = 0; i < played->connections; i++)
		if (played->role_ends[i] >= 0)
			close(played->role_ends[i]);
	sem_destroy(&played->connected);
	sem_destroy(&played->woken);
	return 0;
}

/* ---- what the front does ---- */

static struct asker_question question_of(struct played *played, const struct msg_api_asked *asked)
{
	return (struct asker_question){
		.kind = MSG_api_asked, .message = asked, .wake = wake, .context = played};
}

static uint64_t ask(struct played *played, const char *path)
{
	struct msg_api_asked asked = {.path = str_from_c(path), .file = -1};
	struct asker_question question = question_of(played, &asked);
	uint64_t ticket = 0;

	assert_int_equal(asker_ask(played->asker, &question, &ticket), FAULT_NONE);
	assert_int_not_equal(ticket, 0);
	return ticket;
}

static void assert_fault(struct played *played, uint64_t ticket, enum fault fault, bool was_asked)
{
	struct asker_answer answer;

	assert_true(asker_take(played->asker, ticket, &answer));
	assert_int_equal(answer.fault, fault);
	assert_int_equal(answer.was_asked, was_asked);
	assert_false(asker_take(played->asker, ticket, &answer));
}

static void assert_answer(struct played *played, uint64_t ticket, const char *body)
{
	struct asker_answer answer;

	assert_true(asker_take(played->asker, ticket, &answer));
	assert_int_equal(answer.fault, FAULT_NONE);
	assert_true(str_equals(answer.packet.header.kind == MSG_api_part
				       ? answer.packet.message.api_part.bytes
				       : answer.packet.message.api_answered.body,
			       str_from_c(body)));
	packet_done(&answer.packet);
}

static void assert_nothing(struct played *played, uint64_t ticket)
{
	struct asker_answer answer;

	assert_false(asker_take(played->asker, ticket, &answer));
}

/* ---- what the role does ---- */

/* Awaits the next channel that is opened to the role. */
static void role_begin(struct played *played)
{
	await(&played->connected);
	played->role.fd = played->role_ends[played->begun++];
}

static void role_die(struct played *played)
{
	played->role_ends[played->begun - 1] = -1;
	channel_close(&played->role);
}

static uint64_t role_hears(struct played *played, enum message_kind kind)
{
	assert_int_equal(channel_receive(&played->role, &played->heard), FAULT_NONE);
	assert_int_equal(played->heard.header.kind, kind);
	return played->heard.header.id;
}

static void role_hears_path(struct played *played, uint64_t ticket, const char *path)
{
	assert_int_equal(role_hears(played, MSG_api_asked), ticket);
	assert_true(str_equals(played->heard.message.api_asked.path, str_from_c(path)));
}

static void role_says(struct played *played, uint64_t ticket, const char *body, bool is_stream)
{
	struct msg_api_answered answered = {
		.status = 200, .is_stream = is_stream, .body = str_from_c(body), .file = -1};

	assert_int_equal(channel_send(&played->role, MSG_api_answered, ticket, &answered),
			 FAULT_NONE);
}

static void role_says_part(struct played *played, uint64_t ticket, const char *bytes, bool is_last)
{
	struct msg_api_part part = {.bytes = str_from_c(bytes), .is_last = is_last};

	assert_int_equal(channel_send(&played->role, MSG_api_part, ticket, &part), FAULT_NONE);
}

/* A question that is asked, heard, answered and taken: all that the role said before has arrived. */
static void exchange(struct played *played)
{
	int before = wakes(played);
	uint64_t ticket = ask(played, "/exchange");

	role_hears_path(played, ticket, "/exchange");
	role_says(played, ticket, "exchanged", false);
	await(&played->woken);
	assert_answer(played, ticket, "exchanged");
	assert_int_equal(wakes(played), before + 1);
}

/* ---- the tests ---- */

static void test_answers_find_their_questions(void **state)
{
	struct played *played = *state;
	uint64_t first = ask(played, "/1"), second = ask(played, "/2");

	assert_int_not_equal(first, second);
	role_begin(played);
	role_hears_path(played, first, "/1");
	role_hears_path(played, second, "/2");
	role_says(played, second, "two", false);
	await(&played->woken);
	assert_nothing(played, first);
	assert_answer(played, second, "two");
	assert_nothing(played, second);
	role_says(played, first, "one", false);
	await(&played->woken);
	assert_answer(played, first, "one");
	assert_nothing(played, 0);
}

static void test_what_is_cancelled_wakes_nobody(void **state)
{
	struct played *played = *state;
	uint64_t ticket = ask(played, "/1");

	role_begin(played);
	role_hears_path(played, ticket, "/1");
	asker_cancel(played->asker, ticket);
	/* The next question has its slot, but not its answer. */
	uint64_t next = ask(played, "/2");
	assert_int_equal(next % OPEN_MAX, ticket % OPEN_MAX);
	role_hears_path(played, next, "/2");
	role_says(played, ticket, "late", false);
	exchange(played);
	assert_nothing(played, next);
	role_says(played, next, "two", false);
	await(&played->woken);
	assert_answer(played, next, "two");
	asker_cancel(played->asker, next);
	asker_cancel(played->asker, 0);
	asker_cancel(NULL, ticket);
}

static void test_a_role_that_dies_amid_a_question(void **state)
{
	struct played *played = *state;
	uint64_t asked = ask(played, "/asked"), answered = ask(played, "/answered");

	role_begin(played);
	role_hears_path(played, asked, "/asked");
	role_hears_path(played, answered, "/answered");
	role_says(played, answered, "done", false);
	await(&played->woken);
	role_die(played);
	await(&played->woken);
	assert_fault(played, asked, FAULT_UNAVAILABLE, true);
	/* What had come before is not lost with it. */
	assert_answer(played, answered, "done");
	/* And the next role is found by the next question. */
	uint64_t next = ask(played, "/next");
	role_begin(played);
	role_hears_path(played, next, "/next");
	exchange(played);
}

static void test_what_is_repeated_is_asked_of_the_next_role(void **state)
{
	struct played *played = *state;
	struct msg_api_asked asked = {.path = STR("/repeated"), .file = -1};
	struct asker_question question = question_of(played, &asked);
	uint64_t ticket;

	question.is_repeated = true;
	assert_int_equal(asker_ask(played->asker, &question, &ticket), FAULT_NONE);
	for (int i = 0; i < 3; i++) {
		role_begin(played);
		role_hears_path(played, ticket, "/repeated");
		if (i < 2)
			role_die(played);
	}
	role_says(played, ticket, "at last", false);
	await(&played->woken);
	/* Answered, it is not asked a fourth time, even if nobody has taken the answer. */
	role_die(played);
	uint64_t other = ask(played, "/other");
	role_begin(played);
	role_hears_path(played, other, "/other");
	exchange(played);
	assert_answer(played, ticket, "at last");
}

/* Its descriptor is kept with it, and may be closed by who asks. */
static void test_a_question_waits_for_the_role(void **state)
{
	struct played *played = *state;
	int file = memfd_create("asked", MFD_CLOEXEC);
	struct msg_api_asked asked = {.path = STR("/kept"), .file = file};
	struct asker_question question = question_of(played, &asked);
	uint64_t ticket;
	char byte;

	assert_int_equal(write(file, "x", 1), 1);
	down_set(played, true);
	assert_int_equal(asker_ask(played->asker, &question, &ticket), FAULT_NONE);
	close(file);
	assert_int_equal(played->connections, 0);
	down_set(played, false);
	role_begin(played);
	role_hears_path(played, ticket, "/kept");
	assert_int_equal(pread(played->heard.message.api_asked.file, &byte, 1, 0), 1);
	role_says(played, ticket, "kept", false);
	await(&played->woken);
	assert_answer(played, ticket, "kept");
}

static void test_a_role_that_stays_away(void **state)
{
	struct played *played = *state;

	asker_free(&played->asker);
	asker_begin(played, OPEN_MAX, SHORT_MS);
	down_set(played, true);
	uint64_t ticket = ask(played, "/1");
	await(&played->woken);
	/* Not even while nobody has taken the answer is it asked any more. */
	down_set(played, false);
	uint64_t next = ask(played, "/2");
	role_begin(played);
	role_hears_path(played, next, "/2");
	assert_fault(played, ticket, FAULT_UNAVAILABLE, false);
}

static void test_a_role_that_hangs(void **state)
{
	struct played *played = *state;
	struct msg_api_asked asked = {.path = STR("/1"), .file = -1};
	struct asker_question question = question_of(played, &asked);
	uint64_t taken, untaken;

	ask(played, "/first");
	role_begin(played);
	(void)role_hears(played, MSG_api_asked);
	exchange(played);
	question.answer_ms = SHORT_MS;
	assert_int_equal(asker_ask(played->asker, &question, &taken), FAULT_NONE);
	assert_int_equal(asker_ask(played->asker, &question, &untaken), FAULT_NONE);
	await(&played->woken);
	await(&played->woken);
	assert_fault(played, taken, FAULT_IO, true);
	role_hears_path(played, taken, "/1");
	role_hears_path(played, untaken, "/1");
	/* What it says later is nobody's. */
	role_says(played, taken, "late", false);
	role_says(played, untaken, "late", false);
	exchange(played);
	assert_fault(played, untaken, FAULT_IO, true);
}

static void test_the_parts_of_a_stream(void **state)
{
	struct played *played = *state;
	struct msg_api_part_taken nothing = {};
	uint64_t ticket = ask(played, "/stream");

	role_begin(played);
	role_hears_path(played, ticket, "/stream");
	role_says(played, ticket, "head", true);
	await(&played->woken);
	/* One that nobody asked for is dropped. */
	role_says_part(played, ticket, "too early", true);
	exchange(played);
	assert_answer(played, ticket, "head");
	assert_nothing(played, ticket);
	asker_tell(played->asker, ticket, MSG_api_part_taken, &nothing);
	assert_int_equal(role_hears(played, MSG_api_part_taken), ticket);
	role_says_part(played, ticket, "middle", false);
	await(&played->woken);
	assert_answer(played, ticket, "middle");
	asker_tell(played->asker, ticket, MSG_api_part_taken, &nothing);
	assert_int_equal(role_hears(played, MSG_api_part_taken), ticket);
	role_says_part(played, ticket, "end", true);
	await(&played->woken);
	assert_answer(played, ticket, "end");
	/* Its end has closed it: nothing is told any more. */
	asker_tell(played->asker, ticket, MSG_api_part_taken, &nothing);
	exchange(played);
}

static void test_a_stream_whose_role_dies(void **state)
{
	struct played *played = *state;
	uint64_t taken = ask(played, "/1"), untaken = ask(played, "/2");

	role_begin(played);
	(void)role_hears(played, MSG_api_asked);
	(void)role_hears(played, MSG_api_asked);
	role_says(played, taken, "head", true);
	role_says(played, untaken, "head", true);
	await(&played->woken);
	await(&played->woken);
	assert_answer(played, taken, "head");
	role_die(played);
	await(&played->woken);
	await(&played->woken);
	assert_fault(played, taken, FAULT_UNAVAILABLE, true);
	assert_fault(played, untaken, FAULT_UNAVAILABLE, true);
}

static void test_a_role_that_breaks_the_rules(void **state)
{
	struct played *played = *state;
	struct msg_done done = {.fault = FAULT_NONE};
	uint64_t ticket = ask(played, "/1");

	role_begin(played);
	role_hears_path(played, ticket, "/1");
	assert_int_equal(channel_send(&played->role, MSG_done, ticket, &done), FAULT_NONE);
	await(&played->woken);
	assert_fault(played, ticket, FAULT_UNAVAILABLE, true);
	/* Its channel was closed, and the next question opens another. */
	assert_int_equal(channel_receive(&played->role, &played->heard), FAULT_UNAVAILABLE);
	uint64_t next = ask(played, "/2");
	role_begin(played);
	role_hears_path(played, next, "/2");
}

static void test_no_more_questions_than_allowed_are_open(void **state)
{
	struct played *played = *state;
	struct msg_api_asked asked = {.path = STR("/many"), .file = -1};
	struct asker_question question = question_of(played, &asked);
	uint64_t tickets[OPEN_MAX], one_more;

	for (size_t i = 0; i < OPEN_MAX; i++)
		tickets[i] = ask(played, "/1");
	assert_int_equal(asker_ask(played->asker, &question, &one_more), FAULT_BUSY);
	asker_cancel(played->asker, tickets[2]);
	assert_int_equal(asker_ask(played->asker, &question, &one_more), FAULT_NONE);
}

/* What a role has not read stands in its queue, and more than that is refused at once. */
static void test_a_role_that_does_not_read(void **state)
{
	struct played *played = *state;
	static char large[MESSAGE_INLINE_MAX];
	struct msg_api_asked asked = {.body = str_make(large, sizeof(large)), .file = -1};
	struct asker_question question = question_of(played, &asked);
	uint64_t ticket;
	size_t asked_count = 0;
	enum fault fault;

	asker_free(&played->asker);
	asker_begin(played, 1024, SOON_S * 1000);
	uint64_t first = ask(played, "/first");
	role_begin(played);
	role_hears_path(played, first, "/first");
	while ((fault = asker_ask(played->asker, &question, &ticket)) == FAULT_NONE)
		asked_count++;
	assert_int_equal(fault, FAULT_BUSY);
	assert_in_range(asked_count, 1, 1000);
	for (size_t i = 0; i < asked_count; i++)
		(void)role_hears(played, MSG_api_asked);
	exchange(played);
}

static void test_a_question_that_is_too_large(void **state)
{
	struct played *played = *state;
	static char large[MESSAGE_MAX];
	struct msg_api_asked asked = {.body = str_make(large, sizeof(large)), .file = -1};
	struct asker_question question = question_of(played, &asked);
	uint64_t ticket;

	assert_int_equal(asker_ask(played->asker, &question, &ticket), FAULT_TOO_LARGE);
	uint64_t next = ask(played, "/next");
	role_begin(played);
	role_hears_path(played, next, "/next");
}

/* ---- to be told ---- */

struct telling {
	sem_t told;
	int count;
	enum fault fault;
	char body[16];
};

static void told(void *context, const struct asker_answer *answer)
{
	struct telling *telling = context;

	telling->count++;
	telling->fault = answer->fault;
	if (answer->fault == FAULT_NONE)
		CHECK(str_copy_c(answer->packet.message.api_answered.body, telling->body,
				 sizeof(telling->body)));
	sem_post(&telling->told);
}

static void test_who_is_told_and_who_is_woken(void **state)
{
	struct played *played = *state;
	struct msg_api_asked asked = {.path = STR("/told"), .file = -1};
	struct asker_question question = question_of(played, &asked);
	struct telling answered = {.count = 0}, ended = {.count = 0}, cancelled = {.count = 0};
	struct telling *const telling[] = {&answered, &ended, &cancelled};
	uint64_t tickets[3];

	question.wake = NULL;
	question.told = told;
	for (size_t i = 0; i < 3; i++) {
		sem_init(&telling[i]->told, 0, 0);
		question.context = telling[i];
		assert_int_equal(asker_ask(played->asker, &question, &tickets[i]), FAULT_NONE);
	}
	ask(played, "/woken");
	role_begin(played);
	for (size_t i = 0; i < 4; i++)
		(void)role_hears(played, MSG_api_asked);
	role_says(played, tickets[0], "told", false);
	await(&answered.told);
	assert_string_equal(answered.body, "told");
	/* The answer went with the telling. */
	assert_nothing(played, tickets[0]);
	asker_cancel(played->asker, tickets[2]);
	asker_free(&played->asker);
	assert_int_equal(answered.count, 1);
	assert_int_equal(ended.count, 1);
	assert_int_equal(ended.fault, FAULT_UNAVAILABLE);
	assert_int_equal(cancelled.count, 0);
	assert_int_equal(wakes(played), 0);
}

/* ---- many at once ---- */

enum { THREADS = 4, ROUNDS = 200 };

struct asking {
	struct played *played;
	int number;
	sem_t woken;
};

static void asking_wake(void *context)
{
	sem_post(&((struct asking *)context)->woken);
}

/* Asks a number and wants the same one back; every third question is given up. */
static void *numbers_ask(void *argument)
{
	struct asking *asking = argument;
	struct asker *asker = asking->played->asker;
	struct msg_api_asked asked = {.file = -1};
	struct asker_question question = {.kind = MSG_api_asked, .message = &asked};
	struct asker_answer answer;
	uint64_t ticket;

	for (int i = 0; i < ROUNDS; i++) {
		char number[16];
		snprintf(number, sizeof(number), "%d", asking->number * ROUNDS + i);
		asked.path = str_from_c(number);
		question.wake = i % 3 == 0 ? wake : asking_wake;
		question.context = i % 3 == 0 ? (void *)asking->played : (void *)asking;
		CHECK(asker_ask(asker, &question, &ticket) == FAULT_NONE);
		if (i % 3 == 0) {
			asker_cancel(asker, ticket);
			continue;
		}
		while (sem_wait(&asking->woken) != 0)
			continue;
		CHECK(asker_take(asker, ticket, &answer) && answer.fault == FAULT_NONE);
		CHECK(str_equals(answer.packet.message.api_answered.body, str_from_c(number)));
		packet_done(&answer.packet);
	}
	return NULL;
}

/* The role that says what it hears, until its channel closes. */
static void *numbers_answer(void *argument)
{
	struct played *played = argument;
	struct msg_api_answered answered = {.file = -1};

	while (channel_receive(&played->role, &played->heard) == FAULT_NONE) {
		answered.body = played->heard.message.api_asked.path;
		(void)!channel_send(&played->role, MSG_api_answered, played->heard.header.id,
				    &answered);
	}
	return NULL;
}

static void test_many_ask_at_once(void **state)
{
	struct played *played = *state;
	struct asking asking[THREADS];
	pthread_t threads[THREADS], role;

	for (int i = 0; i < THREADS; i++) {
		asking[i] = (struct asking){.played = played, .number = i};
		sem_init(&asking[i].woken, 0, 0);
		assert_int_equal(pthread_create(&threads[i], NULL, numbers_ask, &asking[i]), 0);
	}
	role_begin(played);
	assert_int_equal(pthread_create(&role, NULL, numbers_answer, played), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	asker_free(&played->asker);
	assert_int_equal(pthread_join(role, NULL), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answers_find_their_questions),
		TEST(test_what_is_cancelled_wakes_nobody),
		TEST(test_a_role_that_dies_amid_a_question),
		TEST(test_what_is_repeated_is_asked_of_the_next_role),
		TEST(test_a_question_waits_for_the_role),
		TEST(test_a_role_that_stays_away),
		TEST(test_a_role_that_hangs),
		TEST(test_the_parts_of_a_stream),
		TEST(test_a_stream_whose_role_dies),
		TEST(test_a_role_that_breaks_the_rules),
		TEST(test_no_more_questions_than_allowed_are_open),
		TEST(test_a_role_that_does_not_read),
		TEST(test_a_question_that_is_too_large),
		TEST(test_who_is_told_and_who_is_woken),
		TEST(test_many_ask_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
