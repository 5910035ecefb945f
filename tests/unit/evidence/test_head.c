/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of evidence/head: a log that was cut, written anew or whose head was changed is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/signing_key.h"
#include "evidence/chain.h"
#include "evidence/head.h"

static char home[] = "/tmp/postern-head-XXXXXX";

/* Three entries, the first one a start; the head is signed behind the last. */
static struct buf log_make(const char *text)
{
	struct buf note = BUF_INIT(1 << 16), log = BUF_INIT(1 << 20);
	char *path = path_join(home, "evidence.log");
	struct evidence evidence;

	unlink(path);
	assert_int_equal(evidence_open(&evidence, path, &note), FAULT_NONE);
	for (int i = 0; i < 3; i++) {
		struct evidence_entry entry = {.who = STR("anna"), .text = str_from_c(text)};
		entry.kind = i == 0 ? EVIDENCE_START : EVIDENCE_CONFIRMATION;
		assert_int_equal(evidence_add(&evidence, &entry), FAULT_NONE);
	}
	assert_int_equal(evidence_head_sign(home, &evidence), FAULT_NONE);
	evidence_close(&evidence);
	assert_int_equal(file_read(path, &log), FAULT_NONE);
	buf_done(&note);
	free(path);
	return log;
}

static void key_write(void)
{
	struct buf pem = BUF_INIT(SIGNING_KEY_PEM_MAX);
	char *path = path_join(home, "evidence.key");

	signing_key_make(&pem);
	assert_int_equal(file_replace(path, buf_str(&pem), 0600), FAULT_NONE);
	buf_done(&pem);
	free(path);
}

static void take(void *context, struct str what)
{
	buf_append_str(context, what);
	buf_append_char(context, '\n');
}

/* The only thing that is said of the log; NULL: nothing. */
static void expect(struct str log, const char *wanted)
{
	struct buf said = BUF_INIT(1 << 16);
	size_t count = evidence_head_check(home, log, take, &said);

	if (count != (wanted == NULL ? 0 : 1) ||
	    (wanted != NULL && str_find(buf_str(&said), str_from_c(wanted)) == STR_NONE))
		fail_msg("expected %s, got %zu: %.*s", wanted == NULL ? "nothing" : wanted, count,
			 STR_ARG(buf_str(&said)));
	buf_done(&said);
}

/* What is left without the last line. */
static struct str cut(struct str log)
{
	size_t end = str_find_last_char(str_sub(log, 0, log.len - 1), '\n');

	return str_sub(log, 0, end + 1);
}

static void test_a_log_that_was_cut(void **state)
{
	struct buf log = log_make("a");
	char *path = path_join(home, "evidence.head");

	expect(buf_str(&log), NULL);
	expect(cut(buf_str(&log)), "entries were cut off: the log ends with entry 2, and evidence.head names entry 3");
	expect(cut(cut(buf_str(&log))), "ends with entry 1");
	expect(STR(""), "ends with entry 0");
	/* An entry that the head does not know yet is no fault. */
	struct evidence_verdict verdict = evidence_verify(buf_str(&log), NULL, NULL);
	struct evidence_entry more = {.sequence = 4, .kind = EVIDENCE_CONFIRMATION};
	evidence_entry_append(&log, &more, &verdict.hash);
	buf_append_char(&log, '\n');
	expect(buf_str(&log), NULL);
	unlink(path);
	expect(buf_str(&log), "evidence.head is missing");
	expect(STR(""), NULL);
	free(path);
	buf_done(&log);
}

static void test_a_log_that_was_written_anew(void **state)
{
	struct buf theirs = log_make("b"), ours = log_make("a");

	expect(buf_str(&theirs), "entry 3 is not the one that evidence.head names");
	expect(buf_str(&ours), NULL);
	buf_done(&theirs);
	buf_done(&ours);
}

static void test_a_head_that_was_changed(void **state)
{
	struct buf log = log_make("a"), head = BUF_INIT(EVIDENCE_HEAD_MAX);
	char *path = path_join(home, "evidence.head");

	assert_int_equal(file_read(path, &head), FAULT_NONE);
	size_t at = str_find(buf_str(&head), STR("entry 3"));
	head.data[at + 6] = '2';
	assert_int_equal(file_replace(path, buf_str(&head), 0600), FAULT_NONE);
	struct buf said = BUF_INIT(1 << 16);
	assert_int_equal(evidence_head_check(home, cut(buf_str(&log)), take, &said), 2);
	assert_true(str_find(buf_str(&said), STR("not signed as it says")) != STR_NONE);
	assert_int_equal(file_replace(path, STR("nonsense"), 0600), FAULT_NONE);
	expect(buf_str(&log), "has not its form");
	/* Signed anew, by another key. */
	struct buf again = log_make("a");
	key_write();
	expect(buf_str(&again), "another key than evidence.key");
	free(path);
	buf_done(&again);
	buf_done(&said);
	buf_done(&head);
	buf_done(&log);
}

static int entry_remove(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	return remove(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_log_that_was_cut),
					   cmocka_unit_test(test_a_log_that_was_written_anew),
					   cmocka_unit_test(test_a_head_that_was_changed)};

	if (mkdtemp(home) == NULL)
		return 1;
	key_write();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return nftw(home, entry_remove, 8, FTW_DEPTH | FTW_PHYS) == 0 ? failed : 1;
}
