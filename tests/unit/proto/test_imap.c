/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proto/imap, imap_lex, imap_set, imap_write and mailbox_name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/imap.h"
#include "proto/imap_write.h"
#include "proto/mailbox_name.h"

static struct arena arena = {.max = 4u << 20};
static struct imap_command command;

static bool parse(const char *text)
{
	arena_rewind(&arena);
	return imap_command_parse(&arena, str_from_c(text), &command);
}

static void check_str(struct str got, const char *expected)
{
	if (!str_equals(got, str_from_c(expected)))
		print_error("got      %.*s\nexpected %s\n", STR_ARG(got),
			    expected == NULL ? "nothing" : expected);
	assert_true(str_equals(got, str_from_c(expected)));
}

static void test_plain_commands(void **state)
{
	assert_true(parse("a1 noop"));
	check_str(command.tag, "a1");
	assert_int_equal(command.verb, IMAP_NOOP);
	assert_true(parse("a LOGIN \"a\\\"b\" {3}\r\nc d"));
	check_str(command.login.user, "a\"b");
	check_str(command.login.password, "c d");
	assert_true(parse("a LOGIN {1+}\r\nx y"));
	check_str(command.login.user, "x");
	assert_true(parse("a AUTHENTICATE PLAIN ="));
	check_str(command.authenticate.initial, "=");
	assert_true(parse("a ID (\"name\" NIL)"));
	assert_null(command.id.items[1].ptr);
	assert_true(parse("a ENABLE CONDSTORE X"));
	assert_int_equal(command.enable.count, 2);
	assert_true(parse("a SELECT INBOX (CONDSTORE)"));
	assert_true(command.mailbox.has_condstore);
	assert_true(parse("a CREATE Sent (USE (\\Sent))"));
	assert_int_equal(command.mailbox.uses, IMAP_USE_SENT);
	assert_true(parse("a STATUS \"x y\" (MESSAGES HIGHESTMODSEQ)"));
	assert_int_equal(command.mailbox.items, IMAP_STATUS_MESSAGES | IMAP_STATUS_HIGHESTMODSEQ);
	assert_true(parse("a UID EXPUNGE 1:3"));
	assert_true(command.is_uid);
}

static void test_list(void **state)
{
	assert_true(parse("a LIST \"\" %/*"));
	check_str(command.list.patterns.items[0], "%/*");
	assert_true(parse("a LIST (SPECIAL-USE) \"\" (a \"b c\") RETURN (CHILDREN SUBSCRIBED)"));
	assert_int_equal(command.list.selection, IMAP_LIST_SPECIAL_USE);
	assert_int_equal(command.list.patterns.count, 2);
	assert_int_equal(command.list.returns, IMAP_LIST_CHILDREN | IMAP_LIST_SUBSCRIBED);
	assert_true(parse("a LIST \"\" \"\""));
	assert_true(parse("a LSUB x y"));
}

static void test_what_is_wrong_is_refused(void **state)
{
	static const char *const wrong[] = {
		"", " ", "a", "a ", "a+ NOOP", "a NOOP ", "a NOOP x", "a UID NOOP", "a XYZZY",
		"a  NOOP", "a LOGIN x", "a LOGIN \"x y", "a LOGIN \"x\\y\" z", "a LOGIN {2}\r\nx y",
		"a LOGIN {1}\nx y", "a SELECT", "a SELECT (x)", "a STATUS x ()", "a FETCH 0 FLAGS",
		"a FETCH 1,, FLAGS", "a FETCH 4294967296 FLAGS", "a FETCH 1 (FLAGS", "a FETCH 1 ()",
		"a FETCH 1 BODY[0]", "a FETCH 1 BODY[1.]", "a FETCH 1 BODY[MIME]",
		"a FETCH 1 BODY[TEXT]<0>", "a FETCH 1 BODY[TEXT]<0.0>", "a FETCH 1 BODY[HEADER.FIELDS ()]",
		"a FETCH 1 (ALL)", "a STORE 1 FLAGS (\\Recent)", "a STORE 1 FLAGS (\\Foo)", "a STORE 1 FOO (x)",
		"a SEARCH", "a SEARCH FOO", "a SEARCH OR ALL", "a SEARCH (ALL", "a SEARCH ON 1-Jan",
		"a SEARCH RETURN (FOO) ALL", "a COPY 1", "a EXPUNGE 1", "a UID EXPUNGE",
		"a APPEND x", "a APPEND x hello", "a APPEND x \"1-Jan-2000\" {1}", "a ID (\"a\")",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		bool is_accepted = parse(wrong[i]);
		if (is_accepted)
			print_error("accepted: case %zu\n", i);
		assert_false(is_accepted);
		assert_non_null(command.error);
	}
	arena_rewind(&arena);
	assert_false(imap_command_parse(&arena, STR("a LOGIN {1}\r\n\0 x"), &command));
}

static void test_fetch(void **state)
{
	assert_true(parse("a FETCH 1:*,7 FULL"));
	assert_int_equal(command.fetch.items, IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE |
						      IMAP_FETCH_SIZE | IMAP_FETCH_ENVELOPE |
						      IMAP_FETCH_BODY);
	assert_true(parse("a UID FETCH 1 (BODYSTRUCTURE body.peek[header.fields (DATE \"x y\")] "
			  "BODY[1.2.MIME] BODY[3]<10.20> RFC822.TEXT) (CHANGEDSINCE 12345678901)"));
	assert_int_equal(command.fetch.items,
			 IMAP_FETCH_BODYSTRUCTURE | IMAP_FETCH_UID | IMAP_FETCH_MODSEQ);
	assert_true(command.fetch.changed_since == 12345678901);

	static const char *const names[] = {"BODY[HEADER.FIELDS (DATE \"x y\")]", "BODY[1.2.MIME]",
					    "BODY[3]<10>", "RFC822.TEXT"};
	struct imap_section *section = command.fetch.sections;
	for (size_t i = 0; i < 4; i++, section = section->next) {
		struct buf name = BUF_INIT(1000);
		imap_section_write(&name, section);
		check_str(buf_str(&name), names[i]);
		assert_int_equal(section->is_peek, i == 0);
		buf_done(&name);
	}
	assert_null(section);
}

static void test_store(void **state)
{
	assert_true(parse("a STORE 2 (UNCHANGEDSINCE 9) +FLAGS.SILENT (\\seen $Junk)"));
	assert_int_equal(command.store.mode, IMAP_STORE_ADD);
	assert_true(command.store.is_silent);
	assert_true(command.store.unchanged_since == 9);
	assert_int_equal(command.store.flags.system, IMAP_FLAG_SEEN);
	check_str(command.store.flags.keywords.items[0], "$Junk");
	assert_true(parse("a STORE 2 FLAGS \\Deleted foo"));
	assert_int_equal(command.store.mode, IMAP_STORE_REPLACE);
	assert_true(parse("a UID STORE 2 FLAGS ()"));
}

static void test_search(void **state)
{
	assert_true(parse("a SEARCH RETURN (MIN COUNT) CHARSET UTF-8 OR (FROM x SEEN) NOT 1:5 "
			  "SINCE \"1-Feb-1994\" HEADER X-Y \"\" MODSEQ \"/flags/\\\\draft\" all 620"));
	assert_true(command.search.is_extended);
	assert_int_equal(command.search.returns, IMAP_RETURN_MIN | IMAP_RETURN_COUNT);
	assert_true(command.search.has_modseq);
	struct imap_key *key = command.search.root->child;
	assert_int_equal(key->kind, IMAP_KEY_OR);
	assert_int_equal(key->child->kind, IMAP_KEY_AND);
	assert_int_equal(key->child->next->kind, IMAP_KEY_NOT);
	assert_int_equal(key->next->kind, IMAP_KEY_SINCE);
	assert_int_equal(key->next->next->kind, IMAP_KEY_HEADER);
	assert_int_equal(key->next->next->next->number, 620);
	assert_true(parse("a SEARCH RETURN () 1"));
	assert_int_equal(command.search.returns, IMAP_RETURN_ALL);
}

static void test_search_is_bounded(void **state)
{
	struct buf text = BUF_INIT(1u << 20);

	buf_append_c(&text, "a SEARCH ");
	for (int i = 0; i < 100; i++)
		buf_append_c(&text, "NOT ");
	buf_append_c(&text, "ALL");
	arena_rewind(&arena);
	assert_false(imap_command_parse(&arena, buf_str(&text), &command));
	assert_string_equal(command.error, "search keys nested too deep");
	buf_reset(&text);
	buf_append_c(&text, "a SEARCH ALL");
	for (int i = 0; i < IMAP_SEARCH_MAX; i++)
		buf_append_c(&text, " ALL");
	arena_rewind(&arena);
	assert_false(imap_command_parse(&arena, buf_str(&text), &command));
	assert_string_equal(command.error, "too many search keys");
	buf_done(&text);
}

static void test_append(void **state)
{
	assert_true(parse("a APPEND {5}\r\nINBOX (\\Seen) \"17-Jul-1996 02:44:25 -0700\" {310+}"));
	check_str(command.append.mailbox, "INBOX");
	assert_true(command.append.literal.bytes == 310);
	assert_false(command.append.literal.is_sync);
	assert_int_equal(command.append.date_s, 837596665);
	assert_true(imap_is_append_message(&arena, STR("a APPEND x {3}")));
	assert_true(imap_is_append_message(&arena, STR("a APPEND {1}\r\nx () {3}")));
	assert_false(imap_is_append_message(&arena, STR("a APPEND {1}")));
	assert_false(imap_is_append_message(&arena, STR("a LOGIN x {3}")));
	assert_false(imap_is_append_message(&arena, STR("a APPEND x {3}\r\nabc {3}")));
}

static void test_literals_announced(void **state)
{
	struct imap_literal literal;

	assert_true(imap_literal_announced(STR("a LOGIN {0}"), &literal));
	assert_true(literal.is_sync && literal.bytes == 0);
	assert_true(imap_literal_announced(STR("x {99999999999999999999999+}"), &literal));
	assert_true(literal.bytes == UINT64_MAX && !literal.is_sync);
	assert_false(imap_literal_announced(STR("x {}"), &literal));
	assert_false(imap_literal_announced(STR("x {+}"), &literal));
	assert_false(imap_literal_announced(STR("x {1} "), &literal));
	assert_false(imap_literal_announced(STR("x 1}"), &literal));
	assert_false(imap_literal_announced(STR("x {-1}"), &literal));
}

static void set_check(const char *text, uint32_t max, const char *expected)
{
	struct cursor cursor = cursor_make(str_from_c(text));
	struct imap_set set = {0};
	struct buf got = BUF_INIT(1000);

	imap_set_take(&cursor, &arena, &set);
	assert_true(cursor_is_done(&cursor));
	imap_set_resolve(&set, max);
	for (size_t i = 0; i < set.count; i++)
		buf_printf(&got, "%u:%u ", set.ranges[i].first, set.ranges[i].last);
	check_str(buf_str(&got), expected);
	buf_done(&got);
}

static void test_sets(void **state)
{
	arena_rewind(&arena);
	set_check("5,1:3,4,9:7,8:10", 20, "1:5 7:10 ");
	set_check("*", 20, "20:20 ");
	set_check("*:4,30:*", 20, "4:30 ");
	set_check("1:4294967295,5", 20, "1:4294967295 ");
	set_check("*,3", 0, "3:3 ");
	set_check("*:*", 0, "");

	struct cursor cursor = cursor_make(STR("2:4,8"));
	struct imap_set set = {0};
	imap_set_take(&cursor, &arena, &set);
	imap_set_resolve(&set, 10);
	assert_true(imap_set_has(&set, 4) && imap_set_has(&set, 8) && !imap_set_has(&set, 5));
}

static void test_set_writer(void **state)
{
	static const uint32_t numbers[] = {1, 2, 3, 7, 9, 10};
	struct imap_set_writer writer = {0};
	struct buf to = BUF_INIT(100);

	for (size_t i = 0; i < 6; i++)
		imap_set_write(&writer, &to, numbers[i]);
	imap_set_write_end(&writer, &to);
	check_str(buf_str(&to), "1:3,7,9:10");
	buf_done(&to);
}

static void test_writing_strings(void **state)
{
	struct buf to = BUF_INIT(10000);

	imap_string_write(&to, STR("a\"b\\"));
	imap_string_write(&to, STR("a\r\nb"));
	imap_string_write(&to, STR("x\0y"));
	imap_nstring_write(&to, str_make(NULL, 0));
	imap_astring_write(&to, STR("in box"));
	imap_astring_write(&to, STR("INBOX]"));
	imap_astring_write(&to, STR(""));
	imap_astring_write(&to, STR("nil"));
	check_str(buf_str(&to), "\"a\\\"b\\\\\"{4}\r\na\r\nb{3}\r\nx yNIL\"in box\"INBOX]\"\"\"nil\"");
	buf_done(&to);
}

static void name_check(const char *wire, const char *name)
{
	struct buf decoded = BUF_INIT(1000), encoded = BUF_INIT(1000);

	assert_int_equal(mailbox_name_decode(&decoded, str_from_c(wire)), name != NULL);
	if (name != NULL) {
		check_str(buf_str(&decoded), name);
		mailbox_name_encode(&encoded, buf_str(&decoded));
		check_str(buf_str(&encoded), wire);
	} else {
		assert_int_equal(decoded.len, 0);
	}
	buf_done(&decoded);
	buf_done(&encoded);
}

/* RFC 3501 section 5.1.3. */
static void test_mailbox_names(void **state)
{
	name_check("~peter/mail/&U,BTFw-/&ZeVnLIqe-",
		   "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e");
	name_check("Entw&APw-rfe", "Entw\xc3\xbcrfe");
	name_check("a&-b", "a&b");
	name_check("&2D3cqQ-", "\xf0\x9f\x92\xa9");
	name_check("&", NULL);
	name_check("&AGE-", NULL);	    /* "a" must stand directly */
	name_check("&U,BTFw-&ZeVnLIqe-", NULL); /* two shifts in a row */
	name_check("&APx-", NULL);	    /* bits left over */
	name_check("&2D0-", NULL);	    /* half a pair */
	name_check("\xc3\xbc", NULL);
	struct buf decoded = BUF_INIT(1000);
	assert_true(mailbox_name_decode(&decoded, STR("inbox/Inbox")));
	check_str(buf_str(&decoded), "INBOX/Inbox");
	buf_done(&decoded);
}

static void test_mailbox_patterns(void **state)
{
	assert_true(mailbox_name_matches(STR("a/b/c"), STR("*")));
	assert_false(mailbox_name_matches(STR("a/b"), STR("%")));
	assert_true(mailbox_name_matches(STR("a/b"), STR("%/%")));
	assert_true(mailbox_name_matches(STR("a/b/c"), STR("a/*c")));
	assert_true(mailbox_name_matches(STR("foo/bar/foo/bar"), STR("*foo%bar")) == false);
	assert_true(mailbox_name_matches(STR("foo/xbar/fooxbar"), STR("*foo%bar")));
	assert_false(mailbox_name_matches(STR("abc"), STR("ab")));
	assert_true(mailbox_name_matches(STR(""), STR("*%")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_commands),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_what_is_wrong_is_refused),
		cmocka_unit_test(test_fetch),
		cmocka_unit_test(test_store),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_search_is_bounded),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_literals_announced),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_set_writer),
		cmocka_unit_test(test_writing_strings),
		cmocka_unit_test(test_mailbox_names),
		cmocka_unit_test(test_mailbox_patterns),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	arena_rewind(&arena);
	return failed;
}
