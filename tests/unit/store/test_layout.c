/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of store/layout, store/wire, store/batch and sets of UIDs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "memory_map.h"
#include "store/layout.h"
#include "store/wire.h"

static void assert_before(const struct key *a, const struct key *b)
{
	assert_true(str_compare(key_str(a), key_str(b)) < 0);
}

static void test_keys_are_in_numeric_order(void **state)
{
	static const uint32_t uids[] = {1, 2, 255, 256, 65535, 65536, 0x7fffffff, 0xffffffff};
	struct key low;
	struct key high;

	for (size_t i = 0; i + 1 < sizeof(uids) / sizeof(uids[0]); i++) {
		key_row(&low, 7, 3, uids[i]);
		key_row(&high, 7, 3, uids[i + 1]);
		assert_before(&low, &high);
		key_change(&low, 7, 3, uids[i], 9);
		key_change(&high, 7, 3, uids[i + 1], 1);
		assert_before(&low, &high);
	}
	key_row(&low, 7, 3, UINT32_MAX);
	key_row(&high, 7, 4, 1);
	assert_before(&low, &high);
	key_name(&low, 7, STR("z"));
	key_account_record(&high, 8);
	assert_before(&low, &high);
	key_message(&low, 255, UINT64_MAX);
	key_account_record(&high, 256);
	assert_before(&low, &high);
}

static void test_records_come_back(void **state)
{
	struct buf to = BUF_INIT(4096);
	struct mailbox_record mailbox = {.mailbox = {.name = STR("a/b"),
						     .special_use = SPECIAL_USE_SENT,
						     .uidvalidity = 1,
						     .uidnext = 2,
						     .modseq = 3,
						     .messages = 4,
						     .unseen = 5,
						     .deleted = 6,
						     .recent_uid = 7,
						     .size_bytes = UINT64_C(1) << 40,
						     .keywords = {STR_INIT("$A"), STR_INIT("B")},
						     .keyword_count = 2},
					 .vanished_floor = 8,
					 .vanished_count = 9};
	struct mailbox_record back = {0};
	unsigned char row[ROW_BYTES];
	struct mail mail = {.uid = 9,
			    .flags = 31,
			    .keywords = UINT64_MAX,
			    .modseq = 5,
			    .size = UINT64_C(1) << 35,
			    .received_s = -1,
			    .message = 77};
	struct mail mail_back;

	mailbox_record_put(&to, &mailbox);
	assert_int_equal(mailbox_record_take(buf_str(&to), &back), FAULT_NONE);
	assert_true(str_equals(back.mailbox.name, STR("a/b")));
	assert_int_equal(back.mailbox.keyword_count, 2);
	assert_true(str_equals(back.mailbox.keywords[1], STR("B")));
	assert_int_equal(back.mailbox.size_bytes, UINT64_C(1) << 40);
	assert_int_equal(back.vanished_count, 9);
	for (size_t len = 0; len < to.len - 1; len++)
		if (mailbox_record_take(str_sub(buf_str(&to), 0, len), &back) == FAULT_NONE)
			/* Without its last keywords it is whole as well. */
			assert_true(back.mailbox.keyword_count < 2);
	row_put(row, &mail);
	assert_int_equal(row_take(9, str_make(row, sizeof(row)), &mail_back), FAULT_NONE);
	assert_memory_equal(&mail, &mail_back, sizeof(mail));
	assert_int_equal(row_take(9, str_make(row, sizeof(row) - 1), &mail_back), FAULT_CORRUPT);
	buf_done(&to);
}

static void test_sets_come_back(void **state)
{
	static const struct uid_range ranges[] = {
		{1, 1}, {3, 200}, {300, 70000}, {70002, UINT32_MAX}};
	struct buf to = BUF_INIT(4096);
	CLEANUP_UID_SET struct uid_set set = {0};
	CLEANUP_UID_SET struct uid_set back = {0};

	for (size_t i = 0; i < 4; i++)
		uid_set_add(&set, ranges[i].first, ranges[i].last);
	wire_put_set(&to, &set);
	assert_int_equal(wire_take_set(buf_str(&to), &back), FAULT_NONE);
	assert_int_equal(back.count, 4);
	assert_memory_equal(back.ranges, ranges, sizeof(ranges));
	assert_int_equal(uid_set_size(&back), 1 + 198 + 69701 + (UINT64_C(1) << 32) - 70002);
	buf_done(&to);
}

static void test_sets_are_checked(void **state)
{
	static const struct str wrong[] = {
		STR_INIT("\x00\x01"),			      /* a distance of 0 */
		STR_INIT("\x01"),			      /* cut short */
		STR_INIT("\x80"),			      /* cut short in a number */
		STR_INIT("\xff\xff\xff\xff\x0f\x01"),	      /* beyond the last UID */
		STR_INIT("\xff\xff\xff\xff\xff\xff\x01\x00"), /* a number too long */
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CLEANUP_UID_SET struct uid_set set = {0};
		assert_int_equal(wire_take_set(wrong[i], &set), FAULT_INVALID);
	}
}

static void test_sets_are_joined_and_found(void **state)
{
	CLEANUP_UID_SET struct uid_set set = {0};

	uid_set_collect(&set, 10, 12);
	uid_set_collect(&set, 1, 2);
	uid_set_collect(&set, 3, 3);
	uid_set_collect(&set, 11, 20);
	uid_set_collect(&set, UINT32_MAX, UINT32_MAX);
	uid_set_sort(&set);
	assert_int_equal(set.count, 3);
	assert_int_equal(set.ranges[0].last, 3);
	assert_int_equal(set.ranges[1].last, 20);
	assert_true(uid_set_has(&set, 20));
	assert_true(uid_set_has(&set, UINT32_MAX));
	assert_false(uid_set_has(&set, 21));
	assert_false(uid_set_has(&set, 4));
	assert_false(uid_set_has(&set, 0));
}

static void test_batch_lies_over_the_map(void **state)
{
	struct memory_map memory;
	struct batch batch;
	struct key keys[500];
	struct str value;

	memory_map_init(&memory);
	batch_init(&batch, &memory.map);
	for (uint32_t i = 0; i < 500; i++) {
		key_mailbox(&keys[i], 1, i);
		batch_put(&batch, &keys[i], str_make(&i, sizeof(i)));
	}
	memory_map_apply(&memory, &batch);
	batch_done(&batch);
	batch_init(&batch, &memory.map);
	batch_delete(&batch, key_str(&keys[7]));
	batch_put(&batch, &keys[8], STR("new"));
	batch_put(&batch, &keys[8], STR("newer"));
	assert_false(batch_get(&batch, &keys[7], &value));
	assert_true(batch_get(&batch, &keys[8], &value));
	assert_true(str_equals(value, STR("newer")));
	assert_true(batch_get(&batch, &keys[9], &value));
	assert_int_equal(value.len, sizeof(uint32_t));
	assert_int_equal(batch.entry_count, 2);
	batch_put(&batch, &keys[7], STR("back"));
	memory_map_apply(&memory, &batch);
	assert_int_equal(memory.count, 500);
	batch_done(&batch);
	memory_map_done(&memory);
}

static void test_operations_come_back_whole(void **state)
{
	struct operation operation = {.kind = OP_mail_flags,
				      .mail_flags = {.account = 1,
						     .mailbox = 2,
						     .mode = 1,
						     .flags = 3,
						     .keywords = STR("abc"),
						     .unchanged_since = UINT64_MAX,
						     .set = STR("\x01\x00")}};
	struct operation back;
	struct buf to = BUF_INIT(4096);

	operation_encode(&to, &operation);
	assert_int_equal(operation_decode(buf_str(&to), &back), FAULT_NONE);
	assert_int_equal(back.kind, OP_mail_flags);
	assert_int_equal(back.mail_flags.unchanged_since, UINT64_MAX);
	assert_true(str_equals(back.mail_flags.keywords, STR("abc")));
	for (size_t len = 0; len < to.len; len++)
		assert_int_equal(operation_decode(str_sub(buf_str(&to), 0, len), &back),
				 FAULT_INVALID);
	buf_append_char(&to, 0);
	assert_int_equal(operation_decode(buf_str(&to), &back), FAULT_INVALID);
	to.data[0] = (char)OPERATION_COUNT;
	assert_int_equal(operation_decode(buf_str(&to), &back), FAULT_INVALID);
	buf_done(&to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_are_in_numeric_order),
		cmocka_unit_test(test_records_come_back),
		cmocka_unit_test(test_sets_come_back),
		cmocka_unit_test(test_sets_are_checked),
		cmocka_unit_test(test_sets_are_joined_and_found),
		cmocka_unit_test(test_batch_lies_over_the_map),
		cmocka_unit_test(test_operations_come_back_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
