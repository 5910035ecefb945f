/* SPDX-License-Identifier: Apache-2.0 */
/* The password as the first line of standard input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "ctl/password.h"

/* Gives `input` on standard input and reads the password; the exit code. */
static int read_from(struct str input, struct secret *password)
{
	struct arguments arguments = {.given = OPTION_BIT(PASSWORD_STDIN)};
	struct ctl ctl = {.arguments = &arguments};
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], input.ptr, input.len), (ssize_t)input.len);
	close(ends[1]);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);
	return password_read(&ctl, password);
}

static void expect(struct str input, struct str wanted)
{
	CLEANUP_SECRET struct secret password = {0};

	assert_int_equal(read_from(input, &password), CTL_DONE);
	assert_true(str_equals(secret_reveal(&password), wanted));
}

static void test_first_line(void **state)
{
	expect(STR("secret\n"), STR("secret"));
	expect(STR("secret"), STR("secret"));
	expect(STR("secret\r\nmore\n"), STR("secret"));
	/* Blanks belong to it. */
	expect(STR(" a b \n"), STR(" a b "));
}

static void test_none(void **state)
{
	static const char longer[SECRET_MAX + 1] = {[0 ... SECRET_MAX] = 'x'};
	CLEANUP_SECRET struct secret password = {0};

	assert_int_equal(read_from(STR(""), &password), CTL_USAGE);
	assert_int_equal(read_from(STR("\nsecret\n"), &password), CTL_USAGE);
	assert_int_equal(read_from(str_make(longer, sizeof(longer)), &password), CTL_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_line),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
