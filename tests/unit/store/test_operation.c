/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the operations as pure functions, on a map in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "memory_map.h"
#include "store/mail.h"
#include "store/mailbox.h"
#include "store/wire.h"

static struct memory_map memory;
static uint64_t account;

static enum fault run(struct operation operation)
{
	return memory_map_do(&memory, &operation, 10, NULL);
}

#define RUN(name, ...) \
	run((struct operation){.kind = OP_##name, .name = (struct op_##name){__VA_ARGS__}})

static int setup(void **state)
{
	struct buf result = BUF_INIT(64);
	struct operation add = {.kind = OP_user_add,
				.user_add = {.address = STR("a@b.c"), .now_s = 1000}};

	memory_map_init(&memory);
	assert_int_equal(RUN(domain_add, .domain = STR("b.c"), .now_s = 1), FAULT_NONE);
	assert_int_equal(memory_map_do(&memory, &add, 0, &result), FAULT_NONE);
	assert_int_equal(result.len, 8);
	account = wire_load_u64(result.data);
	buf_done(&result);
	return 0;
}

static int teardown(void **state)
{
	memory_map_done(&memory);
	return 0;
}

/* The mailbox behind a name: UINT32_MAX without the name, 0 for \Noselect. */
static uint32_t mailbox_of(const char *name)
{
	struct key key;
	struct str value;

	key_name(&key, account, str_from_c(name));
	return map_get(&memory.map, key_str(&key), &value) ? wire_load_u32(value.ptr) : UINT32_MAX;
}

static struct mailbox_record record_of(uint32_t mailbox)
{
	struct mailbox_record record = {0};
	struct key key;
	struct str value;

	key_mailbox(&key, account, mailbox);
	assert_true(map_get(&memory.map, key_str(&key), &value));
	assert_int_equal(mailbox_record_take(value, &record), FAULT_NONE);
	return record;
}

static struct account_record account_record(void)
{
	struct account_record record = {0};
	struct key key;
	struct str value;

	key_account_record(&key, account);
	assert_true(map_get(&memory.map, key_str(&key), &value));
	assert_int_equal(account_record_take(value, &record), FAULT_NONE);
	return record;
}

static size_t count_kind(char kind)
{
	size_t count = 0;

	for (size_t i = 0; i < memory.count; i++)
		count += key_account(memory.entries[i].key) == account &&
			 memory.entries[i].key.ptr[8] == kind;
	return count;
}

static enum fault append(uint32_t mailbox, uint32_t flags)
{
	struct buf targets = BUF_INIT(64);

	wire_put_u64(&targets, account);
	wire_put_u32(&targets, mailbox);
	wire_put_text(&targets, STR(""));
	enum fault fault = RUN(mail_append, .flags = flags, .targets = buf_str(&targets));
	buf_done(&targets);
	return fault;
}

static enum fault create(const char *name, uint64_t now_s)
{
	return RUN(mailbox_create, .account = account, .name = str_from_c(name), .now_s = now_s);
}

static enum fault delete_name(const char *name)
{
	return RUN(mailbox_delete, .account = account, .name = str_from_c(name));
}

static enum fault rename_to(const char *from, const char *to)
{
	return RUN(mailbox_rename, .account = account, .from = str_from_c(from),
		   .to = str_from_c(to), .now_s = 5000);
}

static void test_create_makes_superiors(void **state)
{
	assert_int_equal(create("a/b/c", 2000), FAULT_NONE);
	assert_true(mailbox_of("a") != UINT32_MAX && mailbox_of("a/b") != UINT32_MAX);
	assert_int_equal(create("a/b", 2000), FAULT_EXISTS);
	assert_int_equal(create("inbox", 2000), FAULT_EXISTS);
	assert_int_equal(create("inbox/x", 2000), FAULT_NONE);
	assert_true(mailbox_of("INBOX/x") != UINT32_MAX);
}

static void test_names_are_checked(void **state)
{
	static const char *const wrong[] = {
		"",	 "/",	 "a/",	     "/a",	     "a//b",	 "a\x01",
		"a\x7f", "\xff", "\xc0\x80", "\xed\xa0\x80", "\xe2\x82", "\xc2\x85"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(create(wrong[i], 1), FAULT_INVALID);
	assert_int_equal(create("Entw\xc3\xbcrfe/\xf0\x9f\x93\xa7 & %*", 1), FAULT_NONE);
}

static void test_uidvalidity_only_rises(void **state)
{
	assert_int_equal(create("a", 4000), FAULT_NONE);
	uint32_t first = record_of(mailbox_of("a")).mailbox.uidvalidity;
	assert_int_equal(first, 4000);
	assert_int_equal(delete_name("a"), FAULT_NONE);
	/* The clock went back. */
	assert_int_equal(create("a", 10), FAULT_NONE);
	uint32_t second = record_of(mailbox_of("a")).mailbox.uidvalidity;
	assert_true(second > first);
	assert_int_equal(create("b", 10), FAULT_NONE);
	assert_true(record_of(mailbox_of("b")).mailbox.uidvalidity > second);
}

static void test_delete_keeps_names_with_inferiors(void **state)
{
	assert_int_equal(create("a/b/c", 1), FAULT_NONE);
	assert_int_equal(append(mailbox_of("a"), 0), FAULT_NONE);
	assert_int_equal(delete_name("a"), FAULT_NONE);
	assert_int_equal(mailbox_of("a"), 0);
	assert_int_equal(count_kind('U'), 0);
	assert_int_equal(memory.blob_holds, 0);
	assert_int_equal(account_record().used_bytes, 0);
	assert_int_equal(delete_name("a"), FAULT_DENIED);
	assert_int_equal(delete_name("a/b"), FAULT_NONE);
	assert_int_equal(mailbox_of("a/b"), 0);
	/* A \Noselect name becomes a mailbox again. */
	assert_int_equal(create("a/b", 1), FAULT_NONE);
	assert_true(mailbox_of("a/b") > 0);
	assert_int_equal(delete_name("a/b"), FAULT_NONE);
	/* With the last inferior all names go that were there only for it. */
	assert_int_equal(delete_name("a/b/c"), FAULT_NONE);
	assert_int_equal(mailbox_of("a/b/c"), UINT32_MAX);
	assert_int_equal(mailbox_of("a/b"), UINT32_MAX);
	assert_int_equal(mailbox_of("a"), UINT32_MAX);
	assert_int_equal(delete_name("INBOX"), FAULT_DENIED);
	assert_int_equal(delete_name("nothing"), FAULT_NOT_FOUND);
}

static void test_rename_takes_inferiors_along(void **state)
{
	assert_int_equal(create("a/b/c", 1), FAULT_NONE);
	uint32_t a = mailbox_of("a");
	uint32_t c = mailbox_of("a/b/c");
	assert_int_equal(rename_to("a", "x/y"), FAULT_NONE);
	assert_int_equal(mailbox_of("x/y"), a);
	assert_int_equal(mailbox_of("x/y/b/c"), c);
	assert_int_equal(mailbox_of("a"), UINT32_MAX);
	assert_int_equal(mailbox_of("a/b/c"), UINT32_MAX);
	assert_true(mailbox_of("x") != UINT32_MAX);
	assert_true(str_equals(record_of(c).mailbox.name, STR("x/y/b/c")));
	assert_int_equal(rename_to("x", "x/z"), FAULT_INVALID);
	assert_int_equal(rename_to("x", "Sent"), FAULT_EXISTS);
	assert_int_equal(rename_to("nothing", "q"), FAULT_NOT_FOUND);
	/* A name that only lies beside is no inferior. */
	assert_int_equal(create("x2", 1), FAULT_NONE);
	assert_int_equal(rename_to("x", "w"), FAULT_NONE);
	assert_true(mailbox_of("x2") != UINT32_MAX);
}

static void test_rename_of_inbox_moves_its_messages(void **state)
{
	uint32_t inbox = mailbox_of("INBOX");

	assert_int_equal(append(0, 0), FAULT_NONE);
	assert_int_equal(append(0, MAIL_SEEN), FAULT_NONE);
	uint32_t uidvalidity = record_of(inbox).mailbox.uidvalidity;
	assert_int_equal(rename_to("INBOX", "old/mail"), FAULT_NONE);
	assert_int_equal(mailbox_of("INBOX"), inbox);
	assert_int_equal(record_of(inbox).mailbox.messages, 0);
	assert_int_equal(record_of(inbox).mailbox.uidvalidity, uidvalidity);
	assert_int_equal(record_of(inbox).mailbox.uidnext, 3);
	assert_int_equal(record_of(mailbox_of("old/mail")).mailbox.messages, 2);
	assert_int_equal(record_of(mailbox_of("old/mail")).mailbox.unseen, 1);
}

static void test_every_step_has_its_own_sequence(void **state)
{
	uint64_t before = account_record().sequence;

	assert_int_equal(append(0, 0), FAULT_NONE);
	assert_int_equal(append(0, 0), FAULT_NONE);
	assert_int_equal(account_record().sequence, before + 2);
	assert_int_equal(record_of(mailbox_of("INBOX")).mailbox.modseq, before + 2);
	/* Nothing to do is no step. */
	assert_int_equal(RUN(mail_expunge, .account = account, .mailbox = mailbox_of("INBOX"),
			     .set = STR("\x64\x00")),
			 FAULT_NONE);
	assert_int_equal(account_record().sequence, before + 2);
}

static enum fault keyword_add(const char *keyword)
{
	struct buf list = BUF_INIT(256);
	struct str text = str_from_c(keyword);

	wire_put_texts(&list, &text, 1);
	enum fault fault = RUN(mail_flags, .account = account, .mailbox = mailbox_of("INBOX"),
			       .mode = MAIL_FLAGS_ADD, .keywords = buf_str(&list),
			       .unchanged_since = UINT64_MAX, .set = STR("\x01\x00"));
	buf_done(&list);
	return fault;
}

static void test_keywords_have_an_end(void **state)
{
	assert_int_equal(append(0, 0), FAULT_NONE);
	for (int i = 0; i < MAILBOX_KEYWORDS_MAX; i++) {
		char keyword[8] = {'k', (char)('A' + i / 16), (char)('a' + i % 16)};
		assert_int_equal(keyword_add(keyword), FAULT_NONE);
	}
	assert_int_equal(keyword_add("one-more"), FAULT_TOO_LARGE);
	/* One that is there is fine, without regard to case. */
	assert_int_equal(keyword_add("KAA"), FAULT_NONE);
	assert_int_equal(keyword_add("a b"), FAULT_INVALID);
	assert_int_equal(keyword_add("a\\b"), FAULT_INVALID);
}

static void test_old_vanished_ranges_are_forgotten(void **state)
{
	uint32_t inbox = mailbox_of("INBOX");
	size_t expunged = 0;

	for (uint32_t uid = 1; uid <= 2 * 4200; uid++)
		assert_int_equal(append(0, uid % 2 == 0 ? MAIL_DELETED : 0), FAULT_NONE);
	for (uint32_t uid = 2; uid <= 2 * 4200; uid += 2, expunged++) {
		struct buf set = BUF_INIT(16);
		CLEANUP_UID_SET struct uid_set one = {0};
		uid_set_add(&one, uid, uid);
		wire_put_set(&set, &one);
		assert_int_equal(RUN(mail_expunge, .account = account, .mailbox = inbox,
				     .only_deleted = 1, .set = buf_str(&set)),
				 FAULT_NONE);
		buf_done(&set);
	}
	assert_int_equal(expunged, 4200);
	assert_int_equal(count_kind('V'), record_of(inbox).vanished_count);
	assert_true(record_of(inbox).vanished_count <= 4096);
	assert_true(record_of(inbox).vanished_count >= 3000);
	assert_true(record_of(inbox).vanished_floor > 0);
	assert_int_equal(count_kind('U'), 4200);
	assert_int_equal(count_kind('C'), 4200);
	assert_int_equal(count_kind('G'), 4200);
	assert_int_equal(memory.blob_holds, 4200);
}

static void test_leases_are_fenced(void **state)
{
	struct buf result = BUF_INIT(64);
	struct operation take = {.kind = OP_lease_take,
				 .lease_take = {.account = account,
						.name = STR("q"),
						.owner = 1,
						.now_s = 100,
						.seconds = 10}};

	assert_int_equal(memory_map_do(&memory, &take, 0, &result), FAULT_NONE);
	assert_int_equal(wire_load_u64(result.data), 1);
	take.lease_take.owner = 2;
	take.lease_take.now_s = 109;
	assert_int_equal(memory_map_do(&memory, &take, 0, &result), FAULT_BUSY);
	take.lease_take.now_s = 110;
	assert_int_equal(memory_map_do(&memory, &take, 0, &result), FAULT_NONE);
	assert_int_equal(wire_load_u64(result.data), 2);
	assert_int_equal(RUN(lease_release, .account = account, .name = STR("q"), .owner = 1),
			 FAULT_NOT_FOUND);
	assert_int_equal(RUN(lease_release, .account = account, .name = STR("q"), .owner = 2),
			 FAULT_NONE);
	take.lease_take.owner = 1;
	assert_int_equal(memory_map_do(&memory, &take, 0, &result), FAULT_NONE);
	assert_int_equal(wire_load_u64(result.data), 3);
	buf_done(&result);
}

static void test_removing_a_user_leaves_nothing(void **state)
{
	assert_int_equal(append(0, 0), FAULT_NONE);
	assert_int_equal(create("x/y", 1), FAULT_NONE);
	assert_int_equal(RUN(user_remove, .address = STR("a@b.c")), FAULT_NONE);
	for (size_t i = 0; i < memory.count; i++)
		assert_true(key_account(memory.entries[i].key) == 0);
	assert_int_equal(memory.blob_holds, 0);
	assert_int_equal(RUN(domain_remove, .domain = STR("b.c")), FAULT_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_create_makes_superiors),
		TEST(test_names_are_checked),
		TEST(test_uidvalidity_only_rises),
		TEST(test_delete_keeps_names_with_inferiors),
		TEST(test_rename_takes_inferiors_along),
		TEST(test_rename_of_inbox_moves_its_messages),
		TEST(test_every_step_has_its_own_sequence),
		TEST(test_keywords_have_an_end),
		TEST(test_old_vanished_ranges_are_forgotten),
		TEST(test_leases_are_fenced),
		TEST(test_removing_a_user_leaves_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
