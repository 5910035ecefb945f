/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of ctl/progress.h: the records for a program. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/progress.h"

static int ends[2];

static int setup(void **state)
{
	char number[16];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	snprintf(number, sizeof(number), "%d", ends[1]);
	return setenv(CTL_PROGRESS_VARIABLE, number, 1);
}

static int teardown(void **state)
{
	close(ends[0]);
	close(ends[1]);
	return unsetenv(CTL_PROGRESS_VARIABLE);
}

static void begin(struct progress *progress)
{
	static const struct arguments arguments = {.given = OPTION_BIT(JSON)};
	const struct ctl ctl = {.arguments = &arguments};

	progress_begin(progress, &ctl, "test");
}

static void expect(const char *wanted)
{
	char room[65536];
	ssize_t got = read(ends[0], room, sizeof(room) - 1);

	room[got < 0 ? 0 : got] = '\0';
	assert_string_equal(room, wanted);
}

/* Those that follow at once are left out, but for the last one. */
static void test_records(void **state)
{
	struct progress progress;

	begin(&progress);
	progress_tell(&progress, 1, 3, "%d of 3", 1);
	progress_tell(&progress, 2, 3, "%d of 3", 2);
	progress_tell(&progress, 3, 3, "%d of 3", 3);
	expect("{\"done\":1,\"total\":3,\"text\":\"1 of 3\"}\n"
	       "{\"done\":3,\"total\":3,\"text\":\"3 of 3\"}\n");
	progress_step(&progress, STR("a"));
	progress_step(&progress, STR("b\n\xff"));
	expect("{\"done\":0,\"total\":null,\"text\":\"a\"}\n"
	       "{\"done\":0,\"total\":null,\"text\":\"b\\\\x0a\\\\xff\"}\n");
	progress_end(&progress);
	progress_tell(&progress, 3, 3, "more");
	expect("");
}

/* A reader that does not read holds up nobody, and what it reads in the end are whole records. */
static void test_a_slow_reader(void **state)
{
	struct progress progress;
	char words[2000], room[256 * 1024];

	begin(&progress);
	memset(words, 1, sizeof(words));
	for (int i = 0; i < 1000; i++)
		progress_step(&progress, str_make(words, sizeof(words)));
	ssize_t got = read(ends[0], room, sizeof(room));
	assert_true(got > 4096);
	assert_int_equal(room[got - 1], '\n');
	progress_step(&progress, STR("at last"));
	expect("{\"done\":0,\"total\":null,\"text\":\"at last\"}\n");
}

static void test_nobody_listens(void **state)
{
	struct progress progress;

	assert_int_equal(unsetenv(CTL_PROGRESS_VARIABLE), 0);
	begin(&progress);
	progress_tell(&progress, 1, 2, "x");
	progress_step(&progress, STR("x"));
	expect("");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_records),
		TEST(test_a_slow_reader),
		TEST(test_nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
