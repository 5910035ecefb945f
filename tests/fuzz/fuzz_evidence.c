/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes evidence/chain: any file gets a verdict, and only what we wrote gets a good one. */
#include "evidence/chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void report_check(void *context, struct str what)
{
	size_t *reports = context;

	CHECK(what.len > 0 && str_find_char(what, '\n') == STR_NONE);
	++*reports;
}

/* The input as a value in a chain of two: it must be good, and one line an entry. */
static void value_check(struct str value)
{
	struct buf text = BUF_INIT(1 << 20);
	struct evidence_hash before = evidence_hash_none();

	for (uint64_t i = 1; i <= 2; i++) {
		struct evidence_change change = {.variable = value, .old_value = value};
		struct evidence_entry entry = {.sequence = i, .who = value, .text = value,
					       .changes = &change, .change_count = 1, .file = value};
		before = evidence_entry_append(&text, &entry, &before);
		buf_append_char(&text, '\n');
	}
	CHECK(!text.failed);
	struct evidence_verdict verdict = evidence_verify(buf_str(&text), NULL, NULL);
	CHECK(verdict.fault_count == 0 && verdict.entries == 2 && verdict.sequence == 2);
	buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t reports = 0;
	struct evidence_verdict verdict =
		evidence_verify(str_make(data, size), report_check, &reports);

	CHECK(verdict.fault_count == reports);
	CHECK(verdict.unfinished_bytes <= size);
	value_check(str_make(data, size));
	return 0;
}
