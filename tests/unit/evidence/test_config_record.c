/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of evidence/config_record: each text that comes in force is compared with the one before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "config/file.h"
#include "evidence/chain.h"
#include "evidence/config_record.h"

static char home[] = "/tmp/postern-record-XXXXXX";

#define TEXT(value)                                                                                \
	STR("<c><table name=\"Security\"><variable name=\"ServerTlsProtocols\">" value             \
	    "</variable></table></c>")

/* Records one text as a process of its own would; gives what config.log shall say. */
static struct buf record(enum evidence_kind kind, struct str text)
{
	static const struct config_author author = {STR_INIT("anna"), 1000, STR_INIT("test")};
	struct buf lines = BUF_INIT(1 << 16), note = BUF_INIT(1 << 16);
	struct config_record one;

	assert_int_equal(config_record_open(&one, home, &note), FAULT_NONE);
	assert_int_equal(config_record_text(&one, &author, kind, STR(""), text, &lines),
			 FAULT_NONE);
	config_record_close(&one);
	buf_append_char(&lines, '\0');
	buf_done(&note);
	return lines;
}

static void expect(enum evidence_kind kind, struct str text, const char *wanted)
{
	struct buf lines = record(kind, text);

	assert_string_equal(lines.data, wanted);
	buf_done(&lines);
}

static void test_texts(void **state)
{
	char *path = path_join(home, "evidence.log"), *history = path_join(home, "history");
	struct buf log = BUF_INIT(1 << 20);

	/* Nothing is known of the first. */
	expect(EVIDENCE_HAND_EDIT, TEXT("TLSv1"), "");
	expect(EVIDENCE_CONFIG_CHANGE, TEXT("TLSv1"), "");
	expect(EVIDENCE_CONFIG_CHANGE, TEXT("TLSv1.2"),
	       "anna - Update Security {ServerTlsProtocols=\"TLSv1.2\", was=\"TLSv1\"}\n");
	assert_int_equal(config_history_last(history), 0);
	/* A hand edit has nobody else who kept the text before it. */
	expect(EVIDENCE_HAND_EDIT, STR("<c/>"),
	       "anna - Update Security {ServerTlsProtocols=\"\", was=\"TLSv1.2\"}\n");
	assert_int_equal(config_history_last(history), 1);

	assert_int_equal(file_read(path, &log), FAULT_NONE);
	struct evidence_verdict verdict = evidence_verify(buf_str(&log), NULL, NULL);
	assert_int_equal(verdict.fault_count, 0);
	assert_int_equal(verdict.entries, 2);
	assert_true(str_find(buf_str(&log), STR("\"old\":\"TLSv1.2\",\"new\":null")) != STR_NONE);
	buf_done(&log);
	free(history);
	free(path);
}

/* Whose process was killed behind the writing of the file: the next one says so. */
static void test_killed_author(void **state)
{
	static const struct config_author root = {STR_INIT("root"), 0, STR_INIT("control socket")};
	struct buf lines = BUF_INIT(1 << 16), note = BUF_INIT(1 << 16), log = BUF_INIT(1 << 20);
	char *path = path_join(home, "evidence.log");
	struct config_record one;

	assert_int_equal(config_record_open(&one, home, &note), FAULT_NONE);
	assert_int_equal(config_record_intend(&one, &root, TEXT("TLSv1.1"), TEXT("TLSv1.3")),
			 FAULT_NONE);
	config_record_close(&one);
	assert_int_equal(config_record_open(&one, home, &note), FAULT_NONE);
	assert_int_equal(config_record_intended(&one, TEXT("TLSv1.3"), &lines), FAULT_NONE);
	buf_append_char(&lines, '\0');
	assert_string_equal(lines.data,
			    "hand edit - Update Security {ServerTlsProtocols=\"TLSv1.1\", was=\"\"}\n"
			    "root - Update Security {ServerTlsProtocols=\"TLSv1.3\", was=\"TLSv1.1\"}\n");
	assert_int_equal(file_read(path, &log), FAULT_NONE);
	assert_true(str_find(buf_str(&log), STR("\"who\":\"root\",\"uid\":0,\"from\":\"control "
						"socket\",\"kind\":\"config change\"")) != STR_NONE);
	/* It is forgotten: the same text by hand, later, is not his. */
	buf_reset(&lines);
	assert_int_equal(config_record_text(&one, &config_author_hand, EVIDENCE_HAND_EDIT, STR(""),
					    STR("<c/>"), &lines),
			 FAULT_NONE);
	buf_reset(&lines);
	assert_int_equal(config_record_intended(&one, TEXT("TLSv1.3"), &lines), FAULT_NONE);
	assert_int_equal(lines.len, 0);
	/* Nor is a text that is another one than was intended. */
	assert_int_equal(config_record_intend(&one, &root, STR("<c/>"), TEXT("TLSv1.3")),
			 FAULT_NONE);
	assert_int_equal(config_record_intended(&one, TEXT("TLSv1.2"), &lines), FAULT_NONE);
	assert_int_equal(lines.len, 0);
	assert_int_equal(config_record_intended(&one, TEXT("TLSv1.3"), &lines), FAULT_NONE);
	assert_int_equal(lines.len, 0);
	config_record_close(&one);
	buf_done(&lines);
	buf_done(&note);
	buf_done(&log);
	free(path);
}

static int entry_remove(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	return remove(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_texts),
					   cmocka_unit_test(test_killed_author)};

	if (mkdtemp(home) == NULL)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return nftw(home, entry_remove, 8, FTW_DEPTH | FTW_PHYS) == 0 ? failed : 1;
}
