/* SPDX-License-Identifier: Apache-2.0 */
/* What is installed beside the binary says what the table of commands says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/file.h"
#include "ctl/ctl.h"
#include "ctl/help.h"

enum { PAGE_MAX = 1 << 20 };

static void expect_file(const char *name, struct buf *made)
{
	struct buf kept = BUF_INIT(PAGE_MAX);
	char *path = path_join(DIST_FOLDER, name);

	assert_int_equal(file_read(path, &kept), FAULT_NONE);
	if (!str_equals(buf_str(&kept), buf_str(made)))
		fail_msg("%s is out of date: make it anew with `postern print man` or `postern print bash`",
			 path);
	free(path);
	buf_done(&kept);
	buf_done(made);
}

static void test_manual_page(void **state)
{
	struct buf page = BUF_INIT(PAGE_MAX);

	help_append_man(&page, &ctl_commands, POSTERN_VERSION);
	expect_file("man/postern.1", &page);
}

static void test_completion(void **state)
{
	struct buf page = BUF_INIT(PAGE_MAX);

	help_append_bash(&page, &ctl_commands);
	expect_file("completion/postern", &page);
}

static void test_help_names_every_command(void **state)
{
	struct buf page = BUF_INIT(PAGE_MAX);

	help_append_table(&page, &ctl_commands, NULL);
	for (size_t i = 0; i < ctl_commands.count; i++) {
		const struct command *row = &ctl_commands.rows[i];
		bool is_named = str_find(buf_str(&page), str_from_c(row->name)) != STR_NONE;
		assert_int_equal(is_named, row->help[0] != '\0');
	}
	buf_done(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manual_page),
		cmocka_unit_test(test_completion),
		cmocka_unit_test(test_help_names_every_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
