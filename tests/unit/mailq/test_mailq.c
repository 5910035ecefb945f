/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of mailq/mailq: how the role ends, and what it says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "mailq/mailq.h"

enum { BUSY_MS = 100, LONG_MS = 10 * 60 * 1000 };

struct part {
	struct log log;
	int parent; /* the parent's end */
	struct mailq *mailq;
	pthread_t thread;
};

static void *part_run(void *argument)
{
	mailq_run(((struct part *)argument)->mailq);
	return NULL;
}

static void part_start(struct part *part, int grace_ms)
{
	int fds[2];

	log_init(&part->log, false);
	assert_int_equal(channel_pair(fds), FAULT_NONE);
	part->parent = fds[0];
	part->mailq = mailq_new(&(struct mailq_options){
		.parent_fd = fds[1], .log = &part->log, .grace_ms = grace_ms});
	assert_int_equal(pthread_create(&part->thread, NULL, part_run, part), 0);
}

/* The parent goes away; returns when the role has ended. */
static void part_end(struct part *part)
{
	fd_close(&part->parent);
	pthread_join(part->thread, NULL);
	mailq_free(&part->mailq);
}

/* A session that needs a while, and sees whether it is asked to end. */
struct session {
	struct task task;
	struct mailq *mailq;
	int64_t until_ms;
	bool is_finished;
	bool saw_stop;
	bool is_ended;
};

static enum step session_run(struct task *task)
{
	struct session *session = list_entry(task, struct session, task);

	if (clock_mono_ms() < session->until_ms)
		return STEP_WAIT_WAKE;
	session->is_finished = true;
	session->saw_stop = mailq_is_stopping(session->mailq);
	return STEP_END;
}

static void session_end(struct task *task)
{
	list_entry(task, struct session, task)->is_ended = true;
}

static const struct task_ops session_ops = {session_run, session_end};

static void session_start(struct session *session, struct part *part, int ms)
{
	*session = (struct session){.task = {.ops = &session_ops, .fd = -1},
				    .mailq = part->mailq,
				    .until_ms = clock_mono_ms() + ms};
	session->task.deadline_ms = session->until_ms;
	task_start(part->mailq->waiter, &session->task);
}

static void test_sessions_may_end_in_order(void **state)
{
	struct session session;
	struct part part;

	part_start(&part, LONG_MS);
	session_start(&session, &part, BUSY_MS);
	part_end(&part);
	assert_true(session.is_finished && session.saw_stop && session.is_ended);
}

static void test_they_do_not_have_for_ever(void **state)
{
	struct session session;
	struct part part;

	part_start(&part, BUSY_MS);
	session_start(&session, &part, LONG_MS);
	part_end(&part);
	assert_true(!session.is_finished && session.is_ended);
}

static void test_without_sessions_it_ends_at_once(void **state)
{
	struct part part;
	int64_t began = clock_mono_ms();

	part_start(&part, LONG_MS);
	assert_false(mailq_is_stopping(part.mailq));
	part_end(&part);
	assert_true(clock_mono_ms() - began < LONG_MS);
}

static void test_status(void **state)
{
	struct channel channel = {.self = ROLE_PARENT, .peer = ROLE_MAILQ};
	struct msg_status_wanted wanted = {};
	struct packet packet;
	struct part part;

	part_start(&part, 0);
	channel.fd = part.parent;
	packet_init(&packet);
	assert_int_equal(channel_send(&channel, MSG_status_wanted, 7, &wanted), FAULT_NONE);
	assert_int_equal(channel_receive(&channel, &packet), FAULT_NONE);
	assert_int_equal(packet.header.kind, MSG_status_given);
	struct str json = packet.message.status_given.json;
	assert_true(str_has_prefix(json, STR("{\"role\":\"mailq\",")));
	assert_true(str_find(json, STR("\"dns_asked\":0")) != STR_NONE);
	packet_done(&packet);
	part_end(&part);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sessions_may_end_in_order),
		cmocka_unit_test(test_they_do_not_have_for_ever),
		cmocka_unit_test(test_without_sessions_it_ends_at_once),
		cmocka_unit_test(test_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
