/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proc/watchdog: who is asked, who is called silent, who is killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/watchdog.h"

/* A role whose process sleeps, and whose end of the channel the test holds. */
struct place {
	struct child child;
	struct channel role;
	struct log log;
};

static void place_make(struct place *place, enum role role)
{
	int fds[2];

	assert_int_equal(channel_pair(fds), FAULT_NONE);
	child_init(&place->child, role, 0);
	place->child.channel.fd = fds[0];
	place->child.state = CHILD_READY;
	place->role = (struct channel){.fd = fds[1], .self = role, .peer = ROLE_PARENT};
	log_init(&place->log, false);
	place->child.pid = fork();
	if (place->child.pid == 0) {
		pause();
		_exit(0);
	}
}

static void place_drop(struct place *place)
{
	kill(place->child.pid, SIGKILL);
	waitpid(place->child.pid, NULL, 0);
	child_stop(&place->child);
	channel_close(&place->role);
}

static void rounds(struct place *place, unsigned count)
{
	while (count-- > 0)
		watchdog_round(&place->child, 1, &place->log);
}

static bool was_asked(struct place *place)
{
	struct packet packet;
	struct channel reader = place->role;

	packet_init(&packet);
	assert_int_equal(fcntl(reader.fd, F_SETFL, O_NONBLOCK), 0);
	bool is_asked = channel_receive(&reader, &packet) == FAULT_NONE &&
			packet.header.kind == MSG_status_wanted;
	packet_done(&packet);
	return is_asked;
}

static bool is_killed(struct place *place)
{
	siginfo_t info = {0};

	/* A signal takes its time. */
	for (int i = 0; i < 100 && info.si_pid == 0; i++) {
		assert_int_equal(waitid(P_PID, (id_t)place->child.pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
		usleep(2000);
	}
	return info.si_pid == place->child.pid && info.si_status == SIGKILL;
}

static void test_who_answers_is_asked_again(void **state)
{
	struct place place;

	place_make(&place, ROLE_KEYS);
	for (int i = 0; i < 3 * WATCHDOG_ROUNDS_MAX; i++) {
		rounds(&place, 1);
		assert_true(was_asked(&place));
		assert_false(watchdog_is_silent(&place.child));
		watchdog_answered(&place.child);
	}
	assert_false(is_killed(&place));
	place_drop(&place);
}

static void test_who_does_not_answer_is_silent_then_killed(void **state)
{
	struct place place;

	place_make(&place, ROLE_KEYS);
	rounds(&place, 2);
	assert_true(was_asked(&place));
	/* Once is enough: its queue must not fill. */
	assert_false(was_asked(&place));
	assert_true(watchdog_is_silent(&place.child));
	rounds(&place, WATCHDOG_ROUNDS_MAX - 2);
	assert_false(is_killed(&place));
	rounds(&place, 1);
	assert_true(is_killed(&place));
	place_drop(&place);
}

static void test_the_store_has_more_time(void **state)
{
	struct place place;

	place_make(&place, ROLE_STORE);
	rounds(&place, WATCHDOG_STORE_ROUNDS_MAX);
	assert_false(is_killed(&place));
	rounds(&place, 1);
	assert_true(is_killed(&place));
	place_drop(&place);
}

/* One that starts may read a large index first. */
static void test_who_does_not_serve_yet_is_left_alone(void **state)
{
	struct place place;

	place_make(&place, ROLE_AUTH);
	place.child.state = CHILD_STARTING;
	rounds(&place, 2 * WATCHDOG_ROUNDS_MAX);
	assert_false(was_asked(&place));
	assert_false(is_killed(&place));
	place_drop(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_answers_is_asked_again),
		cmocka_unit_test(test_who_does_not_answer_is_silent_then_killed),
		cmocka_unit_test(test_the_store_has_more_time),
		cmocka_unit_test(test_who_does_not_serve_yet_is_left_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
