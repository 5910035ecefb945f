/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of evidence/record: what was added stays, what was cut short goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "evidence/chain.h"
#include "evidence/record.h"

static char path[] = "/tmp/postern-evidence-XXXXXX";

static const struct evidence_entry start = {.who = STR_INIT("postern"), .uid = -1};

static void add(int count)
{
	struct evidence evidence;
	struct buf note = BUF_INIT(4096);

	assert_int_equal(evidence_open(&evidence, path, &note), FAULT_NONE);
	assert_int_equal(note.len, 0);
	for (int i = 0; i < count; i++)
		assert_int_equal(evidence_add(&evidence, &start), FAULT_NONE);
	evidence_close(&evidence);
	buf_done(&note);
}

static struct evidence_verdict verdict(void)
{
	struct buf text = BUF_INIT(1 << 20);

	assert_int_equal(file_read(path, &text), FAULT_NONE);
	struct evidence_verdict found = evidence_verify(buf_str(&text), NULL, NULL);
	buf_done(&text);
	return found;
}

static void test_goes_on(void **state)
{
	add(2);
	add(3);
	assert_int_equal(verdict().fault_count, 0);
	assert_int_equal(verdict().sequence, 5);
}

static void test_unfinished(void **state)
{
	struct evidence evidence;
	struct buf note = BUF_INIT(4096);
	int fd = open(path, O_WRONLY | O_APPEND);

	assert_true(fd_write_all(fd, "{\"sequence\":6", 13));
	close(fd);
	assert_int_equal(evidence_open(&evidence, path, &note), FAULT_NONE);
	assert_true(note.len > 0);
	assert_int_equal(evidence_add(&evidence, &start), FAULT_NONE);
	evidence_close(&evidence);
	assert_int_equal(evidence_add(&evidence, &start), FAULT_UNAVAILABLE);
	assert_int_equal(verdict().fault_count, 0);
	assert_int_equal(verdict().sequence, 6);
	buf_done(&note);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_unfinished),
	};

	close(mkstemp(path));
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
