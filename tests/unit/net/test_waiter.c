/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of net/waiter: nothing is lost, nobody takes or holds up all workers, deadlines come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/blocking.h"
#include "base/clock.h"
#include "base/file.h"
#include "net/waiter.h"

struct run {
	struct waiter *waiter;
	pthread_t thread;
	int ended; /* atomic */
};

static void *wait_thread(void *argument)
{
	waiter_run(((struct run *)argument)->waiter);
	return NULL;
}

static void run_start(struct run *run, struct waiter_limits limits)
{
	*run = (struct run){.waiter = waiter_new(limits)};
	assert_int_equal(pthread_create(&run->thread, NULL, wait_thread, run), 0);
}

static void run_stop(struct run *run)
{
	waiter_stop(run->waiter);
	pthread_join(run->thread, NULL);
	waiter_free(&run->waiter);
}

/* Waits for a number to be reached, at most ten seconds. */
static bool reaches(const int *number, int wanted)
{
	for (int i = 0; i < 2000; i++) {
		if (__atomic_load_n(number, __ATOMIC_ACQUIRE) >= wanted)
			return true;
		usleep(5000);
	}
	return false;
}

struct echo {
	struct task task;
	struct run *run;
	int peer;
	int wakes;   /* atomic */
	int expiries; /* atomic */
	int busy;    /* atomic: of a share, how many run now */
};

static void echo_end(struct task *task)
{
	struct echo *echo = list_entry(task, struct echo, task);

	fd_close(&task->fd);
	__atomic_add_fetch(&echo->run->ended, 1, __ATOMIC_RELEASE);
}

static enum step echo_run(struct task *task)
{
	struct echo *echo = list_entry(task, struct echo, task);
	char bytes[256];
	ssize_t got;

	if (task->is_woken)
		__atomic_add_fetch(&echo->wakes, 1, __ATOMIC_RELEASE);
	if (task->is_expired)
		__atomic_add_fetch(&echo->expiries, 1, __ATOMIC_RELEASE);
	while ((got = recv(task->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		if (!fd_write_all(task->fd, bytes, (size_t)got))
			return STEP_END;
	return got == 0 ? STEP_END : STEP_WAIT_INPUT;
}

static const struct task_ops echo_ops = {.run = echo_run, .end = echo_end};

static void echo_start(struct echo *echo, struct run *run, const struct task_ops *ops)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	echo->task.fd = fds[0];
	echo->task.ops = ops;
	echo->run = run;
	echo->peer = fds[1];
	task_start(run->waiter, &echo->task);
}

static void test_many_peers_are_answered_and_ended_once(void **state)
{
	enum { PEERS = 200, ROUNDS = 20 };
	static struct echo echoes[PEERS];
	struct run run;
	char bytes[4];

	run_start(&run, (struct waiter_limits){.workers = 4, .share_workers = 4, .linger_ms = 1});
	for (int i = 0; i < PEERS; i++)
		echo_start(&echoes[i], &run, &echo_ops);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < PEERS; i++)
			assert_true(fd_write_all(echoes[i].peer, "ping", 4));
		for (int i = 0; i < PEERS; i++) {
			assert_true(fd_read_all(echoes[i].peer, bytes, 4));
			assert_memory_equal(bytes, "ping", 4);
		}
	}
	assert_int_equal(waiter_counts(run.waiter).tasks, PEERS);
	for (int i = 0; i < PEERS; i++)
		fd_close(&echoes[i].peer);
	assert_true(reaches(&run.ended, PEERS));
	assert_int_equal(waiter_counts(run.waiter).tasks, 0);
	run_stop(&run);
	assert_int_equal(run.ended, PEERS);
}

static void test_a_wake_up_is_not_lost(void **state)
{
	struct run run;
	struct echo echo = {0};

	run_start(&run, (struct waiter_limits){.workers = 2, .share_workers = 2});
	echo_start(&echo, &run, &echo_ops);
	for (int i = 1; i <= 500; i++) {
		task_wake(&echo.task);
		assert_true(reaches(&echo.wakes, i));
	}
	fd_close(&echo.peer);
	assert_true(reaches(&run.ended, 1));
	run_stop(&run);
}

static void test_a_deadline_comes(void **state)
{
	struct run run;
	struct echo echo = {0};

	run_start(&run, (struct waiter_limits){.workers = 1, .share_workers = 1});
	echo.task.deadline_ms = clock_mono_ms() + 300;
	int64_t due = echo.task.deadline_ms;
	echo_start(&echo, &run, &echo_ops);
	assert_true(reaches(&echo.expiries, 1));
	assert_true(clock_mono_ms() >= due);
	run_stop(&run);
	fd_close(&echo.peer);
	assert_int_equal(run.ended, 1);
}

/* Holds its worker until the peer closes. */
static enum step hog_run(struct task *task)
{
	char byte;

	(void)!fd_read_all(task->fd, &byte, 1);
	return STEP_END;
}

static const struct task_ops hog_ops = {.run = hog_run, .end = echo_end};

static void test_a_share_leaves_workers_to_others(void **state)
{
	enum { HOGS = 10 };
	struct run run;
	struct share share;
	struct echo hogs[HOGS] = {{{0}}};
	struct echo other = {0};
	char bytes[4];

	share_init(&share);
	run_start(&run, (struct waiter_limits){.workers = 3, .share_workers = 2});
	for (int i = 0; i < HOGS; i++) {
		hogs[i].task.share = &share;
		echo_start(&hogs[i], &run, &hog_ops);
	}
	echo_start(&other, &run, &echo_ops);
	assert_true(fd_write_all(other.peer, "ping", 4));
	assert_true(fd_read_all(other.peer, bytes, 4));
	/* The other's worker may still be about to let go. */
	while (waiter_counts(run.waiter).running > 2)
		usleep(1000);
	assert_int_equal(waiter_counts(run.waiter).running, 2);
	/* Those that waited in the share get their turn when the first ones go. */
	for (int i = 0; i < HOGS; i++)
		fd_close(&hogs[i].peer);
	assert_true(reaches(&run.ended, HOGS));
	fd_close(&other.peer);
	run_stop(&run);
	assert_int_equal(share.running, 0);
}

/* As hog_run, but says that it waits. */
static enum step polite_run(struct task *task)
{
	blocking_begin();
	enum step step = hog_run(task);
	blocking_end();
	return step;
}

static const struct task_ops polite_ops = {.run = polite_run, .end = echo_end};

/* With one task held up, whatever its ops: another is answered all the same. */
static void others_are_answered(const struct task_ops *ops, unsigned active_while_held)
{
	struct run run;
	struct echo held = {0}, other = {0};
	char bytes[4];

	run_start(&run, (struct waiter_limits){.workers = 3, .share_workers = 3, .active = 1});
	echo_start(&held, &run, ops);
	/* First until the task runs, then until all others rest. */
	while (waiter_counts(run.waiter).running != 1 ||
	       waiter_counts(run.waiter).active != active_while_held)
		usleep(1000);
	echo_start(&other, &run, &echo_ops);
	assert_true(fd_write_all(other.peer, "ping", 4));
	assert_true(fd_read_all(other.peer, bytes, 4));
	fd_close(&held.peer);
	fd_close(&other.peer);
	assert_true(reaches(&run.ended, 2));
	while (waiter_counts(run.waiter).active > 0)
		usleep(1000);
	run_stop(&run);
}

static void test_who_says_that_he_waits_lets_another_go_on(void **state)
{
	others_are_answered(&polite_ops, 0);
}

static void test_who_waits_unsaid_holds_up_nobody(void **state)
{
	others_are_answered(&hog_ops, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_peers_are_answered_and_ended_once),
		cmocka_unit_test(test_a_wake_up_is_not_lost),
		cmocka_unit_test(test_a_deadline_comes),
		cmocka_unit_test(test_a_share_leaves_workers_to_others),
		cmocka_unit_test(test_who_says_that_he_waits_lets_another_go_on),
		cmocka_unit_test(test_who_waits_unsaid_holds_up_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
