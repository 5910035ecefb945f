/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/arguments.h"
#include "ctl/ctl.h"

static struct arguments arguments;
static struct buf error;

/* Splits a line at blanks and reads it as `postern LINE`. */
static bool parse(const char *line)
{
	static char words[64][64];
	static char *argv[64];
	int argc = 1;

	argv[0] = (char[]){"postern"};
	for (struct str rest = str_from_c(line); rest.ptr != NULL && rest.len > 0; argc++) {
		assert_true(str_copy_c(str_cut(&rest, ' '), words[argc], sizeof(words[0])));
		argv[argc] = words[argc];
	}
	buf_done(&error);
	error = BUF_INIT(10000);
	return arguments_parse(&ctl_commands, argc, argv, &arguments, &error);
}

static bool error_has(const char *text)
{
	return str_find(buf_str(&error), str_from_c(text)) != STR_NONE;
}

static void test_options_stand_anywhere(void **state)
{
	static const char *const lines[] = {
		"user add anna@example.org --home /h --admin",
		"--home /h user add --admin anna@example.org",
		"--home=/h --admin user add -- anna@example.org",
	};

	for (size_t i = 0; i < 3; i++) {
		assert_true(parse(lines[i]));
		assert_string_equal(arguments.command->name, "user add");
		assert_string_equal(arguments.values[OPTION_HOME], "/h");
		assert_true(arguments_has(&arguments, OPTION_BIT(ADMIN)));
		assert_false(arguments_has(&arguments, OPTION_BIT(JSON)));
		assert_int_equal(arguments.word_count, 1);
		assert_string_equal(arguments.words[0], "anna@example.org");
	}
}

static void test_what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *line;
		const char *said;
	} cases[] = {
		{"", "no command"},
		{"frobnicate", "no command frobnicate"},
		{"user",
		 "user add, user list, user set, user remove, user passwd, user show, "
		 "user logout, user totp begin, user totp confirm, user totp off"},
		{"user frobnicate x", "no command user frobnicate"},
		{"user add", "user add needs ADDRESS"},
		{"user add a@b c@d", "c@d is too much"},
		{"user list --admin", "user list does not take --admin"},
		{"status --frob", "no option --frob"},
		{"status --json=1", "--json takes no value"},
		{"status --home", "--home needs a value: DIR"},
		{"status --json --json", "--json stands twice"},
		{"logs -x", "no option -x"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_false(parse(cases[i].line));
		if (!error_has(cases[i].said))
			fail_msg("%s: %.*s", cases[i].line, STR_ARG(buf_str(&error)));
	}
}

static void test_help(void **state)
{
	assert_true(parse("--help"));
	assert_null(arguments.command);
	assert_true(parse("user --help"));
	assert_null(arguments.command);
	assert_string_equal(arguments.group, "user");
	assert_true(parse("user add -h"));
	assert_string_equal(arguments.command->name, "user add");
	assert_true(parse("--version"));
}

static void test_short_option_and_dash(void **state)
{
	assert_true(parse("logs security -f -n 5"));
	assert_true(arguments_has(&arguments, OPTION_BIT(FOLLOW)));
	assert_string_equal(arguments.values[OPTION_LINES], "5");
	assert_true(parse("import a@b.example -- --mbox"));
	assert_string_equal(arguments.words[1], "--mbox");
}

static void test_sizes(void **state)
{
	uint64_t bytes;

	assert_true(size_parse(STR("500"), &bytes));
	assert_int_equal(bytes, 500);
	assert_true(size_parse(STR("2g"), &bytes));
	assert_int_equal(bytes, UINT64_C(2) << 30);
	assert_false(size_parse(STR("99999999T"), &bytes));
	assert_false(size_parse(STR("G"), &bytes));
	assert_false(size_parse(STR(""), &bytes));
	assert_false(size_parse(STR("5 M"), &bytes));
	assert_false(size_parse(STR("-5"), &bytes));
}

static void test_durations(void **state)
{
	uint32_t seconds;

	assert_true(duration_parse(STR("90"), &seconds));
	assert_int_equal(seconds, 90);
	assert_true(duration_parse(STR("10m"), &seconds));
	assert_int_equal(seconds, 600);
	assert_true(duration_parse(STR("2D"), &seconds));
	assert_int_equal(seconds, 2 * 86400);
	assert_false(duration_parse(STR("0s"), &seconds));
	assert_false(duration_parse(STR("m"), &seconds));
	assert_false(duration_parse(STR(""), &seconds));
	assert_false(duration_parse(STR("99999999d"), &seconds));
	assert_false(duration_parse(STR("1w"), &seconds));
}

/* Every row is whole: the reading, the help and the manual depend on it. */
static void test_table(void **state)
{
	for (size_t i = 0; i < ctl_commands.count; i++) {
		const struct command *row = &ctl_commands.rows[i];
		assert_non_null(row->run);
		assert_true(row->arguments_min <= row->arguments_max);
		assert_true(row->arguments_max <= ARGUMENTS_MAX);
		assert_int_equal(row->options & OPTIONS_COMMON, 0);
	}
}

static int error_free(void **state)
{
	buf_done(&error);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_stand_anywhere),
		cmocka_unit_test(test_what_is_wrong_is_named),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_short_option_and_dash),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, error_free);
}
