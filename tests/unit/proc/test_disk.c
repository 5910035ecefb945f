/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proc/disk.h, on a folder of this machine and a log that is a pipe. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "proc/disk.h"

static struct metrics_shared *shared;
static struct disk disk;
static struct log logs;
static int ends[2];

/* Stands in for that of session/metrics.c, which wants more. */
void metrics_disk_set(struct metrics_shared *metrics, const struct metrics_disk *space)
{
	metrics->disk = *space;
}

static int setup(void **state)
{
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	shared = calloc(1, sizeof(*shared));
	disk = (struct disk){0};
	log_init(&logs, false);
	logs.fds[LOG_WARNING] = ends[1];
	return 0;
}

static int teardown(void **state)
{
	close(ends[0]);
	close(ends[1]);
	free(shared);
	return 0;
}

static bool was_said(const char *words)
{
	char line[4096];
	ssize_t got = read(ends[0], line, sizeof(line) - 1);

	line[got < 0 ? 0 : got] = '\0';
	return words == NULL ? got <= 0 : strstr(line, words) != NULL;
}

static void test_what_is_too_little(void **state)
{
	struct metrics_disk space = {
		.size_bytes = 1000, .free_bytes = 100, .inodes = 1000, .free_inodes = 10};

	assert_false(disk_is_low(&space, 100));
	assert_true(disk_is_low(&space, 101));
	space.free_inodes = 9;
	assert_true(disk_is_low(&space, 0));
	space.inodes = space.free_inodes = 0;
	assert_false(disk_is_low(&space, 0));
}

/* Once when there is too little, once when there is enough again, and looked at now and then only. */
static void test_it_is_told_once(void **state)
{
	struct buf json = BUF_INIT(1000);

	disk_append_status(&disk, 0, &json);
	assert_true(str_equals(buf_str(&json), STR(",\"disk\":null")));
	disk_tick(&disk, "/", 0, 1000, shared, &logs);
	assert_true(was_said(NULL));
	assert_int_not_equal(shared->disk.size_bytes, 0);
	disk_tick(&disk, "/", UINT64_MAX, 1000 + DISK_LOOK_S - 1, shared, &logs);
	assert_true(was_said(NULL));
	disk_tick(&disk, "/", UINT64_MAX, 1000 + DISK_LOOK_S, shared, &logs);
	assert_true(was_said("inodes are free; make room"));
	disk_tick(&disk, "/", UINT64_MAX, 1000 + 2 * DISK_LOOK_S, shared, &logs);
	assert_true(was_said(NULL));
	buf_reset(&json);
	disk_append_status(&disk, 7, &json);
	assert_int_not_equal(str_find(buf_str(&json), STR("\"warn_bytes\":7,\"is_low\":true}")),
			     STR_NONE);
	disk_tick(&disk, "/", 0, 1000 + 3 * DISK_LOOK_S, shared, &logs);
	assert_true(was_said("enough again"));
	buf_done(&json);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_too_little),
		TEST(test_it_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
