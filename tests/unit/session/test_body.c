/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of session/body: what goes in comes out, in memory and in a file, in large and in tiny pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/body.h"

enum { LIMIT = 1024 * 1024, DOT_LINES = 100 * 1000 };

static struct body body;

static int setup(void **state)
{
	body_init(&body);
	body_begin(&body, LIMIT);
	return 0;
}

static int teardown(void **state)
{
	body_drop(&body);
	return 0;
}

static void take_all(struct str input)
{
	bool is_done = body_take(&body, &input);

	assert_int_equal(input.len, 0);
	assert_true(is_done);
}

static void view_is(struct str wanted)
{
	struct str view;

	assert_int_equal(body_view(&body, &view), FAULT_NONE);
	assert_true(str_equals(view, wanted));
	assert_int_equal(body.spool.size_bytes, wanted.len);
}

static off_t file_size(void)
{
	struct stat status;

	assert_int_equal(fstat(body.spool.fd, &status), 0);
	return status.st_size;
}

/* A chunk of `len` bytes, each piece of it as large as given, and then our own bytes behind it. */
static void chunk_comes_back(size_t len, size_t piece)
{
	struct buf text = BUF_INIT(LIMIT);

	for (size_t i = 0; i < len; i++)
		buf_append_char(&text, (char)('a' + i % 23));
	body_expect_chunk(&body, len);
	for (size_t at = 0; at < len; at += piece) {
		struct str part = str_sub(buf_str(&text), at, piece);
		assert_int_equal(body_take(&body, &part), at + piece >= len);
		assert_int_equal(part.len, 0);
	}
	view_is(buf_str(&text));
	buf_append_str(&text, STR("more"));
	body_append(&body, STR("more"));
	view_is(buf_str(&text));
	buf_done(&text);
}

static void test_a_small_body_stays_in_memory(void **state)
{
	chunk_comes_back(SPOOL_INLINE - 4, 1000);
	assert_int_equal(body.spool.fd, -1);
}

static void test_a_large_body_goes_into_a_file(void **state)
{
	chunk_comes_back(SPOOL_INLINE + 1, 1000);
	assert_int_not_equal(body.spool.fd, -1);
}

static void test_pieces_larger_than_memory(void **state)
{
	chunk_comes_back(5 * SPOOL_INLINE, 2 * SPOOL_INLINE);
}

static void test_single_bytes(void **state)
{
	chunk_comes_back(SPOOL_INLINE + 3, 1);
}

/* Each stuffed dot ends a run of bytes; they must not become a call to the kernel each. */
static void test_lines_of_dots_are_written_together(void **state)
{
	struct buf wire = BUF_INIT(LIMIT), text = BUF_INIT(LIMIT);
	off_t before = 0;
	size_t writes = 0;

	for (int i = 0; i < DOT_LINES; i++) {
		buf_append_str(&wire, STR("..\r\n"));
		buf_append_str(&text, STR(".\r\n"));
	}
	body_expect_data(&body);
	for (size_t at = 0; at < wire.len; at += 4) {
		struct str line = str_sub(buf_str(&wire), at, 4);
		assert_false(body_take(&body, &line));
		if (body.spool.fd >= 0 && file_size() != before) {
			before = file_size();
			writes++;
		}
	}
	take_all(STR(".\r\n"));
	assert_in_range(writes, 1, text.len / (SPOOL_INLINE / 2));
	view_is(buf_str(&text));
	buf_done(&wire);
	buf_done(&text);
}

static void test_what_is_too_large_is_not_kept(void **state)
{
	struct str view;

	body_expect_chunk(&body, LIMIT + 1);
	for (size_t left = LIMIT + 1; left > 0;) {
		static const char zeros[4096];
		struct str part = str_make(zeros, left < sizeof(zeros) ? left : sizeof(zeros));
		left -= part.len;
		assert_int_equal(body_take(&body, &part), left == 0);
	}
	assert_true(body.spool.is_too_large);
	assert_int_equal(body.spool.fd, -1);
	assert_int_equal(body_view(&body, &view), FAULT_NONE);
	assert_int_equal(view.len, 0);
}

/* One in a file of its own leaves nothing in memory, and says when the file takes no more. */
static void test_a_body_in_a_file_of_its_own(void **state)
{
	struct stat status;
	int fd = memfd_create("test", MFD_CLOEXEC), kept = dup(fd);

	body_begin_file(&body, 5, 2, fd);
	assert_int_equal(body.least_rate, 3);
	take_all(STR("12345"));
	assert_int_equal(spool_settle(&body.spool), FAULT_NONE);
	assert_int_equal(fstat(kept, &status), 0);
	assert_int_equal(status.st_size, 5);
	body_drop(&body);
	close(kept);
	body_begin_file(&body, 5, 2, open("/dev/full", O_RDWR | O_CLOEXEC));
	take_all(STR("12345"));
	assert_int_equal(spool_settle(&body.spool), FAULT_NO_SPACE);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_small_body_stays_in_memory),
		TEST(test_a_large_body_goes_into_a_file),
		TEST(test_pieces_larger_than_memory),
		TEST(test_single_bytes),
		TEST(test_lines_of_dots_are_written_together),
		TEST(test_what_is_too_large_is_not_kept),
		TEST(test_a_body_in_a_file_of_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
