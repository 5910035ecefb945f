/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of base/log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

enum { STAMP_LEN = sizeof("[21/Nov/2026 14:03:59] ") - 1 };

/* A log whose security lines go into a pipe. */
struct catcher {
	struct log log;
	int ends[2];
};

static void catcher_open(struct catcher *catcher)
{
	log_init(&catcher->log, false);
	assert_int_equal(pipe2(catcher->ends, O_CLOEXEC), 0);
	catcher->log.fds[LOG_SECURITY] = catcher->ends[1];
}

/* Closes, and appends all that was written. */
static void catcher_close(struct catcher *catcher, struct buf *to)
{
	fd_close(&catcher->ends[1]);
	assert_int_equal(fd_read_file(catcher->ends[0], to), FAULT_NONE);
	fd_close(&catcher->ends[0]);
}

static size_t count_of(struct str text, char wanted)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += text.ptr[i] == wanted;
	return count;
}

static void expect_line(struct buf *written, const char *expected)
{
	struct str line = buf_str(written);

	assert_true(line.len > STAMP_LEN);
	assert_int_equal(line.ptr[0], '[');
	assert_int_equal(line.ptr[STAMP_LEN - 2], ']');
	assert_true(str_equals(str_from(line, STAMP_LEN), str_from_c(expected)));
}

static void test_a_line_has_stamp_and_end(void **state)
{
	struct catcher catcher;
	struct buf written = BUF_INIT(10000);

	catcher_open(&catcher);
	log_printf(&catcher.log, LOG_SECURITY, "Failed SMTP login from %s", "192.0.2.73");
	/* A file without descriptor drops its lines. */
	log_printf(&catcher.log, LOG_MAIL, "Sent");
	catcher_close(&catcher, &written);
	expect_line(&written, "Failed SMTP login from 192.0.2.73\n");
	buf_done(&written);
}

static void test_foreign_text_forges_no_line(void **state)
{
	struct catcher catcher;
	struct log_line line;
	struct buf written = BUF_INIT(10000);

	catcher_open(&catcher);
	log_line_begin(&line, &catcher.log, LOG_SECURITY);
	log_line_text(&line, "from <");
	log_line_word(&line, STR("a\r\n[21/Nov/2026 14:03:59] Failed"));
	log_line_text(&line, ">, Subject: ");
	log_line_phrase(&line, STR("x\n\x1b[31my\x7f\0z\xc2\x85"));
	log_line_end(&line);
	/* Even what our own words let through is caught by the sink. */
	log_printf(&catcher.log, LOG_SECURITY, "%s", "two\nlines");
	catcher_close(&catcher, &written);
	assert_int_equal(count_of(buf_str(&written), '\n'), 2);
	assert_int_equal(count_of(buf_str(&written), '\r'), 0);
	assert_int_equal(count_of(buf_str(&written), '\x1b'), 0);
	assert_int_equal(count_of(buf_str(&written), '\0'), 0);
	assert_true(str_find(buf_str(&written), STR("a\\x0d\\x0a[21/Nov")) != STR_NONE);
	assert_true(str_find(buf_str(&written), STR("x\\x0a\\x1b[31my\\x7f\\x00z\\xc2\\x85\n")) !=
		    STR_NONE);
	assert_true(str_find(buf_str(&written), STR("] two\\x0alines\n")) != STR_NONE);
	buf_done(&written);
}

static void test_a_foreign_word_forges_no_field(void **state)
{
	struct buf to = BUF_INIT(1000);

	text_append_word(&to, STR("a>, User: b \"c\" 'd' \\x0a <e"));
	assert_true(str_equals(buf_str(&to),
			       STR("a\\x3e\\x2c\\x20User:\\x20b\\x20\\x22c\\x22\\x20\\x27d\\x27"
				   "\\x20\\x5cx0a\\x20\\x3ce")));
	buf_done(&to);
}

/* A filter's \S ends at every white space of Unicode, and some viewers end a line at U+2028. */
static void test_unicode_forges_nothing_either(void **state)
{
	struct buf to = BUF_INIT(1000);

	text_append_word(&to, STR("a\xc2\xa0" "b\xe3\x80\x80" "c\xe2\x80\x87" "d"));
	assert_true(str_equals(buf_str(&to), STR("a\\xc2\\xa0b\\xe3\\x80\\x80c\\xe2\\x80\\x87d")));
	buf_reset(&to);
	text_append_phrase(&to, STR("a\xe3\x80\x80" "b\xe2\x80\xa8" "c\xe2\x80\xae" "d\xc3\xa9"));
	assert_true(str_equals(buf_str(&to), STR("a\xe3\x80\x80" "b\\xe2\\x80\\xa8c\\xe2\\x80\\xaed\xc3\xa9")));
	buf_done(&to);
}

static void test_utf8_stays_and_broken_utf8_does_not(void **state)
{
	struct buf to = BUF_INIT(1000);

	text_append_word(&to, STR("j\xc3\xbcrgen\xe2\x82\xac\xf0\x9f\x93\xa7"));
	assert_true(str_equals(buf_str(&to), STR("j\xc3\xbcrgen\xe2\x82\xac\xf0\x9f\x93\xa7")));
	buf_reset(&to);
	/* Alone, too long, surrogate, above U+10FFFF, cut off. */
	text_append_word(&to, STR("\xfc|\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|\xe2\x82"));
	assert_true(str_equals(buf_str(&to),
			       STR("\\xfc|\\xc0\\xaf|\\xed\\xa0\\x80|\\xf4\\x90\\x80\\x80|\\xe2\\x82")));
	buf_done(&to);
}

static void test_a_long_line_is_cut(void **state)
{
	static char longer[3 * LOG_LINE_MAX];
	struct catcher catcher;
	struct log_line line;
	struct buf written = BUF_INIT(100000);

	memset(longer, 'x', sizeof(longer) - 1);
	catcher_open(&catcher);
	log_printf(&catcher.log, LOG_SECURITY, "%s", longer);
	/* One foreign field does not push the rest of the line out. */
	log_line_begin(&line, &catcher.log, LOG_SECURITY);
	log_line_word(&line, str_from_c(longer));
	log_line_text(&line, " IP address 192.0.2.1");
	log_line_end(&line);
	catcher_close(&catcher, &written);
	struct str rest = buf_str(&written);
	struct str first = str_cut(&rest, '\n');
	assert_int_equal(first.len, STAMP_LEN + LOG_LINE_MAX + 3);
	assert_true(str_has_suffix_nocase(first, STR("...")));
	assert_true(str_has_suffix_nocase(str_cut(&rest, '\n'), STR(" IP address 192.0.2.1")));
	buf_done(&written);
}

static void test_file_names(void **state)
{
	assert_string_equal(log_file_name(LOG_MAIL), "mail");
	assert_string_equal(log_file_name(LOG_OPERATIONS), "operations");
}

/* Of several roles that write to one standard error none comes between the words of another. */
static void test_standard_error_takes_a_line_in_one_piece(void **state)
{
	int ends[2], before = dup(STDERR_FILENO);
	char said[200];
	struct log log;

	log_init(&log, true);
	/* A pipe in packets: each read gives what one write took. */
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_DIRECT), 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	log_printf(&log, LOG_WARNING, "the disk is full");
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	ssize_t got = read(ends[0], said, sizeof(said));
	assert_true(got > 0);
	assert_true(str_equals(str_make(said, (size_t)got), STR("postern: the disk is full\n")));
	close(before);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_line_has_stamp_and_end),
		cmocka_unit_test(test_foreign_text_forges_no_line),
		cmocka_unit_test(test_a_foreign_word_forges_no_field),
		cmocka_unit_test(test_unicode_forges_nothing_either),
		cmocka_unit_test(test_utf8_stays_and_broken_utf8_does_not),
		cmocka_unit_test(test_a_long_line_is_cut),
		cmocka_unit_test(test_file_names),
		cmocka_unit_test(test_standard_error_takes_a_line_in_one_piece),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
