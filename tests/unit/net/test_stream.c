/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of net/stream: buffers, pace, and a peer that does not read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "net/stream.h"

enum { INPUT_MAX = 40 * 1024 };

struct pair {
	struct stream stream;
	int peer;
};

static struct pair pair_make(void)
{
	struct pair pair;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	fd_set_nonblocking(fds[0]);
	stream_init(&pair.stream, fds[0], INPUT_MAX);
	pair.peer = fds[1];
	return pair;
}

static void pair_done(struct pair *pair)
{
	stream_done(&pair->stream);
	fd_close(&pair->peer);
}

static void test_input_stays_until_it_is_consumed(void **state)
{
	struct pair pair = pair_make();

	assert_int_equal(stream_fill(&pair.stream), IO_WANT_INPUT);
	assert_true(fd_write_all(pair.peer, "NOOP\r\nQU", 8));
	assert_int_equal(stream_fill(&pair.stream), IO_DONE);
	stream_consume(&pair.stream, 6);
	assert_true(str_equals(stream_input(&pair.stream), STR("QU")));
	assert_true(fd_write_all(pair.peer, "IT\r\n", 4));
	assert_int_equal(stream_fill(&pair.stream), IO_DONE);
	assert_true(str_equals(stream_input(&pair.stream), STR("QUIT\r\n")));
	stream_rest(&pair.stream);
	assert_true(str_equals(stream_input(&pair.stream), STR("QUIT\r\n")));
	assert_int_equal(stream_input_discard(&pair.stream), 6);
	close(pair.peer);
	pair.peer = -1;
	assert_int_equal(stream_fill(&pair.stream), IO_CLOSED);
	assert_int_equal(stream_fill(&pair.stream), IO_CLOSED);
	pair_done(&pair);
}

static void test_input_is_bounded(void **state)
{
	struct pair pair = pair_make();
	static const char lots[8192];
	size_t sent = 0;

	fd_set_nonblocking(pair.peer);
	for (ssize_t n; (n = write(pair.peer, lots, sizeof(lots))) > 0; sent += (size_t)n)
		stream_fill(&pair.stream);
	while (stream_fill(&pair.stream) == IO_DONE)
		;
	assert_true(stream_input(&pair.stream).len <= INPUT_MAX + STREAM_CHUNK);
	assert_true(stream_input(&pair.stream).len >= INPUT_MAX);
	assert_true(sent > stream_input(&pair.stream).len);
	pair_done(&pair);
}

static size_t drain(int fd)
{
	char chunk[65536];
	size_t all = 0;

	for (ssize_t n; (n = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT)) > 0; all += (size_t)n)
		;
	return all;
}

static void test_output_waits_for_a_peer_that_does_not_read(void **state)
{
	struct pair pair = pair_make();
	static char lots[2 * 1024 * 1024];
	size_t sent = 0;
	size_t received = 0;

	buf_append_c(stream_output(&pair.stream), "* OK\r\n");
	memset(lots, 'x', sizeof(lots));
	assert_int_equal(stream_send(&pair.stream, str_make(lots, sizeof(lots)), &sent),
			 IO_WANT_OUTPUT);
	assert_true(sent < sizeof(lots));
	for (int round = 0; round < 1000 && sent < sizeof(lots); round++) {
		size_t more = 0;
		received += drain(pair.peer);
		stream_send(&pair.stream, str_from(str_make(lots, sizeof(lots)), sent), &more);
		sent += more;
	}
	received += drain(pair.peer);
	assert_int_equal(received, 6 + sizeof(lots));
	assert_int_equal(stream_flush(&pair.stream), IO_DONE);
	pair_done(&pair);
}

static void test_progress_extends_a_bulk_transfer_but_not_a_line(void **state)
{
	struct pair pair = pair_make();

	stream_expect(&pair.stream, 5000);
	int64_t line = pair.stream.deadline_ms;
	assert_true(fd_write_all(pair.peer, "N", 1));
	assert_int_equal(stream_fill(&pair.stream), IO_DONE);
	assert_int_equal(pair.stream.deadline_ms, line);
	/* At 1 byte a second, 30 s of grace: the rate is sooner than an hour of silence. */
	stream_bulk(&pair.stream, 3600 * 1000, 1);
	assert_true(fd_write_all(pair.peer, "12345", 5));
	assert_int_equal(stream_fill(&pair.stream), IO_DONE);
	assert_int_equal(pair.stream.deadline_ms,
			 pair.stream.bulk_start_ms + STREAM_BULK_GRACE_MS + 5000);
	stream_bulk_end(&pair.stream);
	assert_int_equal(pair.stream.deadline_ms, 0);
	/* Little silence, little grace: a byte now and then gains a second each, and no more. */
	stream_bulk(&pair.stream, 2000, 1);
	int64_t begun = pair.stream.bulk_start_ms -= 1000;
	assert_true(fd_write_all(pair.peer, "1", 1));
	assert_int_equal(stream_fill(&pair.stream), IO_DONE);
	assert_int_equal(pair.stream.deadline_ms, begun + 2000 + 1000);
	pair_done(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_input_stays_until_it_is_consumed),
		cmocka_unit_test(test_input_is_bounded),
		cmocka_unit_test(test_output_waits_for_a_peer_that_does_not_read),
		cmocka_unit_test(test_progress_extends_a_bulk_transfer_but_not_a_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
