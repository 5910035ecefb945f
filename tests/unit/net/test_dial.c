/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of net/dial, against real sockets on loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "net/dial.h"
#include "net/stream.h"

enum { FULL_CONNECTIONS = 8 };

/* ---- those who are called */

struct listener {
	int fd;
	struct dial_target target;
	int held[FULL_CONNECTIONS];
};

static void listen_at(struct listener *listener, int family, const char *address)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} at = {.any.sa_family = (sa_family_t)family};
	socklen_t len = sizeof(at);

	*listener = (struct listener){.fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	memset(listener->held, -1, sizeof(listener->held));
	if (family == AF_INET) {
		inet_pton(AF_INET, address, &at.four.sin_addr);
		memset(listener->target.address + 10, 0xff, 2);
		memcpy(listener->target.address + 12, &at.four.sin_addr, 4);
	} else {
		inet_pton(AF_INET6, address, &at.six.sin6_addr);
		memcpy(listener->target.address, &at.six.sin6_addr, 16);
	}
	assert_int_equal(bind(listener->fd, &at.any, len), 0);
	assert_int_equal(getsockname(listener->fd, &at.any, &len), 0);
	/* The port stands at the same place in both. */
	listener->target.port = ntohs(at.four.sin_port);
}

static void listener_close(struct listener *listener)
{
	for (size_t i = 0; i < FULL_CONNECTIONS; i++)
		fd_close(&listener->held[i]);
	fd_close(&listener->fd);
}

/* Accepts nothing more: what comes is left without an answer, as behind a silent firewall. */
static void listener_fill(struct listener *listener)
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);

	assert_int_equal(listen(listener->fd, 0), 0);
	assert_int_equal(getsockname(listener->fd, (struct sockaddr *)&at, &len), 0);
	for (size_t i = 0; i < FULL_CONNECTIONS; i++) {
		listener->held[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)!connect(listener->held[i], (struct sockaddr *)&at, sizeof(at));
	}
}

/* ---- one who calls */

struct caller {
	struct task task;
	struct dial dial;
	struct stream stream;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	enum dial_result result;
	bool is_done;
	char greeting[8];
};

static enum step caller_run(struct task *task)
{
	struct caller *caller = list_entry(task, struct caller, task);

	if (caller->result == DIAL_WAIT_INPUT) {
		caller->result = dial_step(&caller->dial, task);
		if (caller->result == DIAL_WAIT_INPUT)
			return STEP_WAIT_INPUT;
		if (caller->result == DIAL_FAILED)
			return STEP_END;
		stream_init(&caller->stream, dial_take(&caller->dial), 1000);
		task->deadline_ms = 0;
	}
	enum io io = stream_fill(&caller->stream);
	struct str input = stream_input(&caller->stream);
	if (io == IO_WANT_INPUT)
		return STEP_WAIT_INPUT;
	if (!str_copy_c(input, caller->greeting, sizeof(caller->greeting)))
		caller->greeting[0] = '\0';
	return STEP_END;
}

static void caller_end(struct task *task)
{
	struct caller *caller = list_entry(task, struct caller, task);

	if (caller->result == DIAL_CONNECTED)
		stream_done(&caller->stream);
	fd_close(&caller->dial.fd);
	pthread_mutex_lock(&caller->lock);
	caller->is_done = true;
	pthread_cond_signal(&caller->ended);
	pthread_mutex_unlock(&caller->lock);
}

static const struct task_ops caller_ops = {caller_run, caller_end};

static struct waiter *waiter;
static pthread_t waiter_thread;

static void *wait_thread(void *argument)
{
	waiter_run(waiter);
	return NULL;
}

static int waiter_begin(void **state)
{
	waiter = waiter_new((struct waiter_limits){.workers = 2, .share_workers = 2});
	return pthread_create(&waiter_thread, NULL, wait_thread, NULL);
}

static int waiter_end(void **state)
{
	waiter_stop(waiter);
	pthread_join(waiter_thread, NULL);
	waiter_free(&waiter);
	return 0;
}

/* Begins; `accept_from` (may be NULL) greets whoever comes, and tells from where. */
static void call(struct caller *caller, const struct dial_options *options,
		 const struct listener *accept_from, struct sockaddr_in *from_out)
{
	*caller = (struct caller){.task = {.ops = &caller_ops, .fd = -1}};
	assert_int_equal(pthread_mutex_init(&caller->lock, NULL), 0);
	assert_int_equal(pthread_cond_init(&caller->ended, NULL), 0);
	dial_init(&caller->dial, options);
	task_start(waiter, &caller->task);
	if (accept_from != NULL) {
		socklen_t len = sizeof(*from_out);
		int fd = accept(accept_from->fd, (struct sockaddr *)from_out, from_out ? &len : NULL);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, "hello", 5), 5);
		close(fd);
	}
	pthread_mutex_lock(&caller->lock);
	while (!caller->is_done)
		pthread_cond_wait(&caller->ended, &caller->lock);
	pthread_mutex_unlock(&caller->lock);
}

static void caller_done(struct caller *caller)
{
	dial_done(&caller->dial);
	pthread_mutex_destroy(&caller->lock);
	pthread_cond_destroy(&caller->ended);
}

static bool says(const struct caller *caller, const char *text)
{
	return str_find(buf_str(&caller->dial.why), str_from_c(text)) != STR_NONE;
}

static void connects(int family, const char *address)
{
	struct listener listener;
	struct caller caller;

	listen_at(&listener, family, address);
	assert_int_equal(listen(listener.fd, 1), 0);
	struct dial_options options = {.targets = &listener.target, .target_count = 1};
	call(&caller, &options, &listener, NULL);
	assert_int_equal(caller.result, DIAL_CONNECTED);
	assert_string_equal(caller.greeting, "hello");
	assert_int_equal(caller.dial.why.len, 0);
	caller_done(&caller);
	listener_close(&listener);
}

static void test_connects(void **state)
{
	connects(AF_INET, "127.0.0.1");
}

static void test_connects_by_ipv6(void **state)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	bool has_ipv6 = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0;

	if (fd >= 0)
		close(fd);
	if (!has_ipv6)
		skip();
	connects(AF_INET6, "::1");
}

static void test_goes_on_to_the_next(void **state)
{
	struct listener closed, silent, good;
	struct caller caller;

	listen_at(&closed, AF_INET, "127.0.0.2");
	listen_at(&silent, AF_INET, "127.0.0.3");
	listener_fill(&silent);
	listen_at(&good, AF_INET, "127.0.0.1");
	assert_int_equal(listen(good.fd, 1), 0);
	const struct dial_target targets[] = {closed.target, silent.target, good.target};
	struct dial_options options = {.targets = targets, .target_count = 3, .attempt_ms = 100};
	call(&caller, &options, &good, NULL);
	assert_int_equal(caller.result, DIAL_CONNECTED);
	assert_int_equal(caller.dial.at, 2);
	assert_string_equal(caller.greeting, "hello");
	assert_true(says(&caller, "127.0.0.2: Connection refused; 127.0.0.3: no answer in time"));
	caller_done(&caller);
	listener_close(&closed);
	listener_close(&silent);
	listener_close(&good);
}

static void test_nobody_answers(void **state)
{
	struct listener closed;
	struct caller caller;

	listen_at(&closed, AF_INET, "127.0.0.2");
	const struct dial_target targets[] = {closed.target, closed.target};
	struct dial_options options = {.targets = targets, .target_count = 2};
	call(&caller, &options, NULL, NULL);
	assert_int_equal(caller.result, DIAL_FAILED);
	assert_true(says(&caller,
			 "127.0.0.2: Connection refused; 127.0.0.2: Connection refused"));
	caller_done(&caller);
	listener_close(&closed);
}

static void test_nowhere_to_go(void **state)
{
	struct caller caller;
	struct dial_options options = {.target_count = 0};

	call(&caller, &options, NULL, NULL);
	assert_int_equal(caller.result, DIAL_FAILED);
	assert_int_equal(caller.dial.why.len, 0);
	caller_done(&caller);
}

static void test_the_time_for_all(void **state)
{
	struct listener silent;
	struct caller caller;

	listen_at(&silent, AF_INET, "127.0.0.3");
	listener_fill(&silent);
	const struct dial_target targets[] = {silent.target, silent.target, silent.target};
	struct dial_options options = {
		.targets = targets, .target_count = 3, .attempt_ms = 60000, .all_ms = 50};
	call(&caller, &options, NULL, NULL);
	assert_int_equal(caller.result, DIAL_FAILED);
	assert_true(says(&caller, "127.0.0.3: no answer in time; no time was left for 2 more"));
	caller_done(&caller);
	listener_close(&silent);
}

static void test_one_that_is_slow_holds_nobody_up(void **state)
{
	struct listener silent, good;
	struct caller caller;

	listen_at(&silent, AF_INET, "127.0.0.3");
	listener_fill(&silent);
	listen_at(&good, AF_INET, "127.0.0.1");
	assert_int_equal(listen(good.fd, 1), 0);
	const struct dial_target targets[] = {silent.target, good.target};
	struct dial_options options = {.targets = targets,
				       .target_count = 2,
				       .attempt_ms = 60000,
				       .stagger_ms = 10};
	call(&caller, &options, &good, NULL);
	assert_int_equal(caller.result, DIAL_CONNECTED);
	assert_int_equal(caller.dial.at, 1);
	assert_int_equal(caller.dial.attempt_count, 0);
	assert_int_equal(caller.dial.why.len, 0);
	caller_done(&caller);
	listener_close(&silent);
	listener_close(&good);
}

static void test_a_few_at_a_time(void **state)
{
	struct listener silent;
	struct caller caller;
	struct dial_target targets[DIAL_PARALLEL + 2];

	listen_at(&silent, AF_INET, "127.0.0.3");
	listener_fill(&silent);
	for (size_t i = 0; i < DIAL_PARALLEL + 2; i++)
		targets[i] = silent.target;
	struct dial_options options = {.targets = targets,
				       .target_count = DIAL_PARALLEL + 2,
				       .attempt_ms = 60000,
				       .stagger_ms = 1,
				       .all_ms = 300};
	call(&caller, &options, NULL, NULL);
	assert_int_equal(caller.result, DIAL_FAILED);
	assert_int_equal(caller.dial.started, DIAL_PARALLEL);
	assert_true(says(&caller, "no time was left for 2 more"));
	caller_done(&caller);
	listener_close(&silent);
}

static void test_families_come_by_turns(void **state)
{
	static const uint8_t wanted[] = {0, 3, 1, 4, 2};
	struct dial_target targets[5];
	struct dial dial;

	memset(targets, 0, sizeof(targets));
	for (size_t i = 0; i < 5; i++) {
		if (i > 2)
			memset(targets[i].address + 10, 0xff, 2);
		targets[i].address[15] = (uint8_t)(i + 1);
	}
	dial_init(&dial, &(struct dial_options){.targets = targets, .target_count = 5});
	assert_memory_equal(dial.order, wanted, sizeof(wanted));
	dial_done(&dial);
	/* With IPv4 first it begins. */
	dial_init(&dial, &(struct dial_options){.targets = targets + 3, .target_count = 2});
	assert_int_equal(dial.order[0], 0);
	assert_int_equal(dial.order[1], 1);
	dial_done(&dial);
}

static void test_from_a_chosen_address(void **state)
{
	const uint8_t source[16] = {[10] = 0xff, 0xff, 127, 0, 0, 9};
	struct listener good;
	struct caller caller;
	struct sockaddr_in from;

	listen_at(&good, AF_INET, "127.0.0.1");
	assert_int_equal(listen(good.fd, 1), 0);
	struct dial_options options = {
		.targets = &good.target, .target_count = 1, .source_ipv4 = source};
	call(&caller, &options, &good, &from);
	assert_int_equal(caller.result, DIAL_CONNECTED);
	assert_memory_equal(&from.sin_addr, source + 12, 4);
	caller_done(&caller);
	listener_close(&good);
}

static void test_from_an_address_that_is_not_ours(void **state)
{
	const uint8_t source[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
	struct listener good;
	struct caller caller;

	listen_at(&good, AF_INET, "127.0.0.1");
	assert_int_equal(listen(good.fd, 1), 0);
	struct dial_options options = {
		.targets = &good.target, .target_count = 1, .source_ipv4 = source};
	call(&caller, &options, NULL, NULL);
	assert_int_equal(caller.result, DIAL_FAILED);
	assert_true(says(&caller, "127.0.0.1: Cannot assign requested address"));
	caller_done(&caller);
	listener_close(&good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connects),
		cmocka_unit_test(test_connects_by_ipv6),
		cmocka_unit_test(test_goes_on_to_the_next),
		cmocka_unit_test(test_nobody_answers),
		cmocka_unit_test(test_nowhere_to_go),
		cmocka_unit_test(test_the_time_for_all),
		cmocka_unit_test(test_one_that_is_slow_holds_nobody_up),
		cmocka_unit_test(test_a_few_at_a_time),
		cmocka_unit_test(test_families_come_by_turns),
		cmocka_unit_test(test_from_a_chosen_address),
		cmocka_unit_test(test_from_an_address_that_is_not_ours),
	};

	return cmocka_run_group_tests(tests, waiter_begin, waiter_end);
}
