/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of proto/mime: trees of good, broken and hostile messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/mime.h"

static const struct mime_limits limits = {.parts = 1000, .depth = 20, .header_bytes = 65536};

struct tree {
	struct arena arena;
	struct mime_part *root;
};

static struct tree tree_make(struct str message, const struct mime_limits *with)
{
	struct tree tree;

	arena_init(&tree.arena, 64u << 20);
	assert_int_equal(mime_parse(&tree.arena, message, with, &tree.root), FAULT_NONE);
	return tree;
}

static size_t tree_count(const struct tree *tree)
{
	size_t count = 0;

	for (struct mime_part *part = tree->root; part != NULL; part = mime_part_next(part))
		count++;
	return count;
}

static void check_body(const struct mime_part *part, struct str message, const char *expected)
{
	struct str body = mime_part_body(part, message);

	assert_true(str_equals(body, str_from_c(expected)));
}

static void test_multipart_has_its_parts(void **state)
{
	struct str message = STR("Content-Type: multipart/mixed; boundary=\"b 1\"\r\n\r\npreamble\r\n"
				 "--b 1\r\n\r\none\r\n"
				 "--b 1  \r\nContent-Type: text/html; charset=utf-8\r\n\r\ntwo\r\nlines\r\n"
				 "--b 1--\r\nepilogue\r\n--b 1\r\nnot a part\r\n");
	struct tree tree = tree_make(message, &limits);
	struct mime_part *one = tree.root->first_child;

	assert_int_equal(tree.root->kind, MIME_MULTIPART);
	assert_int_equal(tree.root->child_count, 2);
	check_body(one, message, "one");
	assert_int_equal(one->body_lines, 0);
	check_body(one->next, message, "two\r\nlines");
	assert_int_equal(one->next->body_lines, 1);
	assert_true(mime_content_is(&one->next->content, STR("text"), STR("html")));
	arena_rewind(&tree.arena);
}

static void test_bare_line_feeds(void **state)
{
	struct str message = STR("Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n");
	struct tree tree = tree_make(message, &limits);

	assert_int_equal(tree.root->child_count, 1);
	check_body(tree.root->first_child, message, "one");
	arena_rewind(&tree.arena);
}

static void test_nested_message_and_outer_boundary(void **state)
{
	struct str message =
		STR("Content-Type: multipart/mixed; boundary=outer\r\n\r\n"
		    "--outer\r\nContent-Type: message/rfc822\r\n\r\n"
		    "Subject: inner\r\nContent-Type: multipart/mixed; boundary=inner\r\n\r\n"
		    "--inner\r\n\r\ndeep\r\n"
		    "--outer\r\n\r\nlast\r\n--outer--\r\n");
	struct tree tree = tree_make(message, &limits);
	struct mime_part *wrapped = tree.root->first_child;

	assert_int_equal(wrapped->kind, MIME_MESSAGE);
	assert_int_equal(wrapped->child_count, 1);
	assert_int_equal(wrapped->first_child->kind, MIME_MULTIPART);
	check_body(wrapped->first_child->first_child, message, "deep");
	check_body(wrapped->next, message, "last");
	arena_rewind(&tree.arena);
}

/*
 * RFC 2046 section 5.1.1: a boundary need only begin the line; of two that do, the
 * longer is meant.
 */
static void test_boundaries_that_begin_alike(void **state)
{
	struct str message = STR("Content-Type: multipart/mixed; boundary=a\r\n\r\n"
				 "--a\r\nContent-Type: multipart/alternative; boundary=a-in\r\n\r\n"
				 "--a-in\r\n\r\none\r\n--a-in\r\n\r\ntwo\r\n--a-in--\r\n"
				 "--a\r\n\r\nthree\r\n--a--\r\n");
	struct tree tree = tree_make(message, &limits);

	assert_int_equal(tree.root->child_count, 2);
	assert_int_equal(tree.root->first_child->child_count, 2);
	check_body(tree.root->first_child->next, message, "three");
	arena_rewind(&tree.arena);
}

static void test_what_cannot_be_believed_is_simplified(void **state)
{
	static const struct {
		struct str message;
		struct str type, subtype;
	} cases[] = {
		{STR_INIT("Content-Type: multipart/mixed\r\n\r\ntext"), STR_INIT("text"),
		 STR_INIT("plain")},
		{STR_INIT("Content-Type: multipart/mixed; boundary=x\r\n\r\nno such line"),
		 STR_INIT("text"), STR_INIT("plain")},
		{STR_INIT("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
			  "U3ViamVjdDogeA=="),
		 STR_INIT("application"), STR_INIT("octet-stream")},
		{STR_INIT("Content-Type: nonsense\r\n\r\ntext"), STR_INIT("text"), STR_INIT("plain")},
		{STR_INIT("Content-Type: message/rfc822"), STR_INIT("application"),
		 STR_INIT("octet-stream")},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tree tree = tree_make(cases[i].message, &limits);
		assert_int_equal(tree.root->kind, MIME_LEAF);
		assert_true(mime_content_is(&tree.root->content, cases[i].type, cases[i].subtype));
		arena_rewind(&tree.arena);
	}
}

static void test_digest_holds_messages(void **state)
{
	struct str message = STR("Content-Type: multipart/digest; boundary=b\r\n\r\n"
				 "--b\r\n\r\nSubject: in\r\n\r\nbody\r\n--b--\r\n");
	struct tree tree = tree_make(message, &limits);

	assert_int_equal(tree.root->first_child->kind, MIME_MESSAGE);
	check_body(tree.root->first_child->first_child, message, "body");
	arena_rewind(&tree.arena);
}

static struct str parameter(const char *header, const char *name)
{
	static struct arena arena = {.max = 1u << 20};
	struct mime_content content;

	arena_rewind(&arena);
	assert_true(mime_content_parse(&arena, str_from_c(header), &content));
	return mime_parameter_find(content.parameters, str_from_c(name));
}

static void test_parameters(void **state)
{
	assert_true(str_equals(parameter("Content-Type: a/b; name=\"x \\\"y\\\"\"\r\n", "NAME"),
			       STR("x \"y\"")));
	assert_true(str_equals(parameter("Content-Type: a/b (c); charset=us-ascii (Plain)\r\n",
					 "charset"),
			       STR("us-ascii")));
	assert_true(str_equals(parameter("Content-Type: a/b; name=my file.pdf; x=y\r\n", "name"),
			       STR("my file.pdf")));
	assert_true(str_equals(parameter("Content-Type: a/b; charset=utf-8 format=flowed\r\n",
					 "format"),
			       STR("flowed")));
	assert_null(parameter("Content-Type: a/b\r\n", "name").ptr);
}

/* RFC 2231 sections 3 and 4.1, with its own example. */
static void test_continued_parameters(void **state)
{
	const char *header = "Content-Type: application/x-stuff;\r\n"
			     " title*1*=%2A%2A%2Afun%2A%2A%2A%20;\r\n"
			     " title*0*=us-ascii'en'This%20is%20even%20more%20;\r\n"
			     " title*2=\"isn't it!\"\r\n";

	assert_true(str_equals(parameter(header, "title*"),
			       STR("us-ascii'en'This%20is%20even%20more%20"
				   "%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it!")));
	assert_true(str_equals(parameter("Content-Type: a/b; n*0=ab; n*1=cd\r\n", "n"), STR("abcd")));
}

static void test_the_first_of_two_fields_counts(void **state)
{
	struct str message = STR("Content-Type: text/html\r\nContent-Type: image/png\r\n\r\n");
	struct tree tree = tree_make(message, &limits);

	assert_true(mime_content_is(&tree.root->content, STR("text"), STR("html")));
	arena_rewind(&tree.arena);
}

/* ---- hostile ---- */

static void test_deep_nesting_ends_at_the_limit(void **state)
{
	struct buf message = BUF_INIT(1u << 20);

	for (int i = 0; i < 1000; i++)
		buf_printf(&message, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);
	struct tree tree = tree_make(buf_str(&message), &limits);
	size_t depth = 0;
	for (struct mime_part *part = tree.root; part != NULL; part = mime_part_next(part))
		depth = part->depth;
	assert_int_equal(depth, limits.depth);
	arena_rewind(&tree.arena);
	buf_done(&message);
}

static void test_messages_in_messages_end_at_the_limit(void **state)
{
	struct buf message = BUF_INIT(1u << 20);

	for (int i = 0; i < 1000; i++)
		buf_append_c(&message, "Content-Type: message/rfc822\r\n\r\n");
	struct tree tree = tree_make(buf_str(&message), &limits);
	assert_int_equal(tree_count(&tree), limits.depth + 1);
	arena_rewind(&tree.arena);
	buf_done(&message);
}

static void test_ten_thousand_parts(void **state)
{
	struct buf message = BUF_INIT(1u << 20);
	const struct mime_limits wide = {.parts = 20000, .depth = 20, .header_bytes = 65536};

	buf_append_c(&message, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (int i = 0; i < 10000; i++)
		buf_append_c(&message, "--b\r\n\r\nx\r\n");
	struct tree tree = tree_make(buf_str(&message), &wide);
	assert_int_equal(tree.root->child_count, 10000);
	arena_rewind(&tree.arena);

	/* Past the limit the last part holds the rest; no byte is lost. */
	tree = tree_make(buf_str(&message), &limits);
	assert_int_equal(tree_count(&tree), limits.parts);
	struct mime_part *last = tree.root->last_child;
	assert_int_equal(last->body_from + last->body_len, message.len);
	arena_rewind(&tree.arena);
	buf_done(&message);
}

static void test_an_endless_header(void **state)
{
	struct buf message = BUF_INIT(8u << 20);

	buf_append_c(&message, "Content-Type: text/html\r\n");
	while (message.len < 4u << 20)
		buf_append_c(&message, "X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
	struct tree tree = tree_make(buf_str(&message), &limits);
	assert_int_equal(tree.root->header_len, message.len);
	assert_int_equal(tree.root->body_len, 0);
	assert_true(mime_content_is(&tree.root->content, STR("text"), STR("html")));
	arena_rewind(&tree.arena);
	buf_done(&message);
}

static void test_a_full_arena_is_a_fault(void **state)
{
	struct arena arena;
	struct mime_part *root = NULL;

	arena_init(&arena, 64);
	assert_int_equal(mime_parse(&arena, STR("a: b\r\n\r\n"), &limits, &root), FAULT_TOO_LARGE);
	arena_rewind(&arena);
}

static void decode_check(enum mime_encoding encoding, const char *text, const char *expected)
{
	struct buf to = BUF_INIT(1000);

	mime_decode(&to, encoding, str_from_c(text));
	assert_true(str_equals(buf_str(&to), str_from_c(expected)));
	buf_done(&to);
}

static void test_transfer_encodings(void **state)
{
	decode_check(MIME_ENCODING_QUOTED_PRINTABLE, "a=3Db =\r\nc =  \r\nd=zz=", "a=b c d=zz");
	decode_check(MIME_ENCODING_BASE64, "aGVs\r\nbG8=\r\nIQ==", "hello!");
	decode_check(MIME_ENCODING_BASE64, "!!a#G*V", "he");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_multipart_has_its_parts),
		cmocka_unit_test(test_bare_line_feeds),
		cmocka_unit_test(test_nested_message_and_outer_boundary),
		cmocka_unit_test(test_boundaries_that_begin_alike),
		cmocka_unit_test(test_what_cannot_be_believed_is_simplified),
		cmocka_unit_test(test_digest_holds_messages),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_continued_parameters),
		cmocka_unit_test(test_the_first_of_two_fields_counts),
		cmocka_unit_test(test_deep_nesting_ends_at_the_limit),
		cmocka_unit_test(test_messages_in_messages_end_at_the_limit),
		cmocka_unit_test(test_ten_thousand_parts),
		cmocka_unit_test(test_an_endless_header),
		cmocka_unit_test(test_a_full_arena_is_a_fault),
		cmocka_unit_test(test_transfer_encodings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
