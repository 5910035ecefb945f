/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of evidence/entry and evidence/chain: whatever is done to a chain is found and named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "evidence/chain.h"

enum { ENTRIES = 5 };

static struct buf lines[ENTRIES];

static int chain_make(void **state)
{
	struct evidence_hash before = evidence_hash_none();

	for (size_t i = 0; i < ENTRIES; i++) {
		struct evidence_change change = {.variable = STR("Security/ServerTlsProtocols"),
						 .new_value = STR("TLSv1.2,\"TLSv1.3\"\n\\")};
		struct evidence_entry entry = {.sequence = i + 1,
					       .time_s = 1700000000 + (int64_t)i,
					       .who = STR("root"),
					       .from = STR("control socket"),
					       .kind = EVIDENCE_CONFIG_CHANGE,
					       .changes = &change,
					       .change_count = 1,
					       .file = STR("<config/>")};
		lines[i] = BUF_INIT(EVIDENCE_LINE_MAX);
		before = evidence_entry_append(&lines[i], &entry, &before);
		buf_append_char(&lines[i], '\n');
	}
	return 0;
}

static int chain_drop(void **state)
{
	for (size_t i = 0; i < ENTRIES; i++)
		buf_done(&lines[i]);
	return 0;
}

static void report_take(void *context, struct str what)
{
	buf_append_str(context, what);
	buf_append_char(context, '\n');
}

/* Puts the lines with these numbers together and expects exactly these sentences. */
static void expect(const int *order, size_t count, const char *sentences)
{
	struct buf text = BUF_INIT(1 << 20), found = BUF_INIT(1 << 20);

	for (size_t i = 0; i < count; i++)
		buf_append_str(&text, buf_str(&lines[order[i] - 1]));
	struct evidence_verdict verdict = evidence_verify(buf_str(&text), report_take, &found);
	buf_append_char(&found, '\0');
	assert_string_equal(found.data, sentences);
	assert_int_equal(verdict.entries, count);
	buf_done(&text);
	buf_done(&found);
}

#define EXPECT(sentences, ...) \
	expect((const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int), sentences)

static void test_whole(void **state)
{
	EXPECT("", 1, 2, 3, 4, 5);
	/* The end of a chain is not known to it. */
	EXPECT("", 1, 2, 3);
}

static void test_removed_and_reordered(void **state)
{
	EXPECT("line 3: entry 3 is missing\n", 1, 2, 4, 5);
	EXPECT("line 2: entries 2 to 4 are missing\n", 1, 5);
	EXPECT("line 1: entry 1 is missing\n", 2, 3);
	EXPECT("line 2: entry 2 is missing\n"
	       "line 3: entry 2 stands behind entry 3: entries were put elsewhere or doubled\n"
	       "line 4: entry 3 is missing\n",
	       1, 3, 2, 4);
	EXPECT("line 3: entry 2 stands behind entry 2: entries were put elsewhere or doubled\n", 1,
	       2, 2, 3);
}

static void test_changed(void **state)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		char *digit = (char *)memmem(lines[i].data, lines[i].len, "TLSv1.2", 7) + 6;
		struct buf wanted = BUF_INIT(100);
		*digit = '0';
		buf_printf(&wanted, "line %zu: entry %zu was changed\n", i + 1, i + 1);
		buf_append_char(&wanted, '\0');
		EXPECT(wanted.data, 1, 2, 3, 4, 5);
		*digit = '2';
		buf_done(&wanted);
	}
}

/* Somebody who computes the hash anew is betrayed by the entry behind. */
static void test_replaced(void **state)
{
	struct evidence_line second;
	struct buf forged = BUF_INIT(1 << 20), kept = lines[2];
	struct evidence_entry entry = {.sequence = 3, .file = STR("<other/>")};

	assert_true(evidence_line_read(str_sub(buf_str(&lines[1]), 0, lines[1].len - 1), &second));
	(void)evidence_entry_append(&forged, &entry, &second.hash);
	buf_append_char(&forged, '\n');
	lines[2] = forged;
	EXPECT("line 4: entry 4 was written after another entry 3 than stands here: one of both "
	       "was replaced\n",
	       1, 2, 3, 4, 5);
	lines[2] = kept;
	buf_done(&forged);
}

static void test_every_byte_counts(void **state)
{
	struct buf text = BUF_INIT(1 << 20);

	for (size_t i = 0; i < 3; i++)
		buf_append_str(&text, buf_str(&lines[i]));
	assert_int_equal(evidence_verify(buf_str(&text), NULL, NULL).fault_count, 0);
	for (size_t i = 0; i < text.len; i++) {
		text.data[i] ^= 1;
		assert_true(evidence_verify(buf_str(&text), NULL, NULL).fault_count > 0);
		text.data[i] ^= 1;
	}
	/* Cut anywhere but at a line's end. */
	for (size_t len = 1; len < text.len; len++)
		if (text.data[len - 1] != '\n')
			assert_true(evidence_verify(str_make(text.data, len), NULL, NULL)
					    .unfinished_bytes > 0);
	buf_done(&text);
}

static void test_form(void **state)
{
	struct str line = buf_str(&lines[0]);

	assert_true(str_has_prefix(line, STR("{\"sequence\":1,\"time\":\"2023-11-14T22:13:20Z\","
					     "\"who\":\"root\",\"uid\":0,\"from\":\"control socket\","
					     "\"kind\":\"config change\",\"text\":\"\",\"changes\":[{"
					     "\"variable\":\"Security/ServerTlsProtocols\","
					     "\"old\":null,\"new\":\"TLSv1.2,\\\"TLSv1.3\\\"\\\\x0a"
					     "\\\\\"}],\"file_sha256\":\"")));
	assert_int_equal(str_find_char(line, '\n'), line.len - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_removed_and_reordered),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_form),
	};

	return cmocka_run_group_tests(tests, chain_make, chain_drop);
}
