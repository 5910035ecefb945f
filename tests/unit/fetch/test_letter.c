/* SPDX-License-Identifier: Apache-2.0 */
/* Fetched messages into the mailboxes of a real store: whose they are, and that they come once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fetch/letter.h"
#include "fixture.h"
#include "proto/message.h"
#include "store/directory.h"
#include "store/mailbox.h"

#define SOURCE STR("0123456789abcdef0123456789abcdef")

static struct fixture fixture;
static uint64_t anna, bert;
static const struct str sort[] = {STR_INIT("Delivered-To"), STR_INIT("To"), STR_INIT("Cc")};
static struct config config;

static int setup(void **state)
{
	fixture_start(&fixture, NULL);
	anna = fixture_user(&fixture, "anna@b.c", 0);
	bert = fixture_user(&fixture, "bert@b.c", 0);
	config.limits = (struct config_limits){
		.mime_parts = 100, .mime_depth = 10, .header_bytes = 100000};
	return 0;
}

static int teardown(void **state)
{
	fixture_stop(&fixture);
	fixture_remove(&fixture);
	return 0;
}

static struct pop3_account account_of(bool is_sorted)
{
	return (struct pop3_account){.deliver_to = STR("anna@b.c"),
				     .mailbox = STR("INBOX"),
				     .sort = sort,
				     .sort_count = is_sorted ? 3 : 0};
}

static enum fault store_letter(const struct pop3_account *account, const char *uidl,
			       const char *message, struct fetch_letter *letter)
{
	struct fetch_letter_parts parts = {.store = fixture.store,
					   .account = account,
					   .config = &config,
					   .hostname = STR("mx.b.c"),
					   .host = STR("pop.example"),
					   .address = STR("2001:db8::1"),
					   .suite = STR("TLS_X"),
					   .source = SOURCE,
					   .uidl = str_from_c(uidl)};
	struct spool spool;

	spool_init(&spool, 1 << 20);
	spool_append(&spool, str_from_c(message));
	enum fault fault = fetch_letter_store(&parts, &spool, letter);
	spool_done(&spool);
	return fault;
}

static void expect(const struct pop3_account *account, const char *uidl, const char *message,
		   enum fault fault)
{
	struct fetch_letter letter;

	assert_int_equal(store_letter(account, uidl, message, &letter), fault);
	fetch_letter_done(&letter);
}

static uint32_t messages(uint64_t account, const char *name)
{
	struct view *view CLEANUP_VIEW = NULL;
	struct mailbox mailbox;

	assert_int_equal(view_open(fixture.store, &view), FAULT_NONE);
	return mailbox_find(view, account, str_from_c(name), &mailbox) == FAULT_NONE
		       ? mailbox.messages
		       : 0;
}

static void expect_counts(uint32_t of_anna, uint32_t of_bert)
{
	assert_int_equal(messages(anna, "INBOX"), of_anna);
	assert_int_equal(messages(bert, "INBOX"), of_bert);
}

static void test_a_letter_and_what_is_put_before_it(void **state)
{
	struct pop3_account account = account_of(false);
	struct view *view CLEANUP_VIEW = NULL;
	struct mail_content content;
	struct fetch_letter letter;
	struct mail mail;
	const char *message = "Return-Path: <far@away>\r\nSubject: s\r\n t\r\nMessage-ID: <i@d>\r\n\r\nx\r\n";

	assert_int_equal(store_letter(&account, "u1", message, &letter), FAULT_NONE);
	assert_true(str_equals(buf_str(&letter.sender), STR("far@away")));
	assert_true(str_equals(buf_str(&letter.subject), STR("s t")));
	assert_true(str_equals(buf_str(&letter.message_id), STR("i@d")));
	assert_int_equal(letter.owner_count, 1);
	assert_true(str_equals(letter.owners[0], STR("anna@b.c")));
	assert_int_equal(view_open(fixture.store, &view), FAULT_NONE);
	assert_int_equal(mail_get(view, anna, fixture_mailbox(&fixture, anna, "INBOX"), 1, &mail),
			 FAULT_NONE);
	assert_int_equal(mail_content_open(view, anna, mail.message, &content), FAULT_NONE);
	assert_true(str_equals(content.body, str_from_c(message)));
	assert_true(str_has_prefix(content.prefix,
				   STR("Delivered-To: anna@b.c\r\nReceived: from pop.example "
				       "([IPv6:2001:db8::1])\r\n\tby mx.b.c (Postern) with POP3 id ")));
	assert_true(str_find(content.prefix, STR("\r\n\ttls TLS_X;\r\n\t")) != STR_NONE);
	assert_int_equal(message_header_length(content.prefix), content.prefix.len);
	mail_content_close(&content);
	fetch_letter_done(&letter);
	expect(&account, "u1", message, FAULT_EXISTS);
	expect_counts(1, 0);
}

static void test_the_header_decides(void **state)
{
	struct pop3_account account = account_of(true);

	expect(&account, "1", "Delivered-To: bert@b.c\r\nTo: anna@b.c\r\n\r\n", FAULT_NONE);
	expect_counts(0, 1);
	expect(&account, "2", "To: x@y.z\r\nCc: \"B\" <BERT@B.C>, anna@b.c, bert@b.c\r\n\r\n", FAULT_NONE);
	expect_counts(1, 2);
	/* To names one, and Cc the other: both are meant. */
	expect(&account, "3", "To: bert@b.c\r\nCc: anna@b.c\r\n\r\n", FAULT_NONE);
	expect_counts(2, 3);
	expect(&account, "4", "To: ghost@b.c, g: x@y.z;\r\n\r\n", FAULT_NONE);
	expect_counts(3, 3);
	expect(&account, "5", "\r\nTo: bert@b.c\r\n", FAULT_NONE);
	expect_counts(4, 3);
}

static void test_a_mailbox_is_made(void **state)
{
	struct pop3_account account = account_of(true);

	account.mailbox = STR("From/Afar");
	expect(&account, "1", "A: b\r\n\r\n", FAULT_NONE);
	expect(&account, "2", "A: b\r\n\r\n", FAULT_NONE);
	/* Who is named in the header gets it where all his mail comes. */
	expect(&account, "3", "To: anna@b.c\r\n\r\n", FAULT_NONE);
	assert_int_equal(messages(anna, "From/Afar"), 2);
	expect_counts(1, 0);
}

static void test_what_cannot_be_stored(void **state)
{
	struct pop3_account account = account_of(false);
	struct fetch_letter letter;
	struct buf message = BUF_INIT(100000);

	account.deliver_to = STR("ghost@b.c");
	expect(&account, "1", "A: b\r\n\r\n", FAULT_NOT_FOUND);
	account.deliver_to = STR("x@y.z");
	expect(&account, "1", "A: b\r\n\r\n", FAULT_NOT_FOUND);
	account = account_of(false);
	account.mailbox = STR("a//b");
	assert_int_equal(store_letter(&account, "1", "A: b\r\n\r\n", &letter), FAULT_INVALID);
	assert_true(letter.is_mailbox_amiss && !letter.is_looping);
	fetch_letter_done(&letter);
	account = account_of(false);
	for (int i = 0; i <= MESSAGE_HOPS_MAX; i++)
		buf_append_c(&message, "Received: from a by b\r\n");
	buf_append(&message, "\r\n", 3);
	assert_int_equal(store_letter(&account, "1", message.data, &letter), FAULT_INVALID);
	assert_true(letter.is_looping);
	fetch_letter_done(&letter);
	/* None of these is remembered. */
	expect(&account, "1", "A: b\r\n\r\n", FAULT_NONE);
	buf_done(&message);
	expect_counts(1, 0);
}

static void test_all_of_them_or_nobody(void **state)
{
	struct pop3_account account = account_of(true);

	(void)fixture_user(&fixture, "full@b.c", 10);
	expect(&account, "1", "To: bert@b.c, full@b.c\r\n\r\n", FAULT_OVER_QUOTA);
	expect_counts(0, 0);
	expect(&account, "2", "To: bert@b.c\r\n\r\n", FAULT_NONE);
	expect_counts(0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_letter_and_what_is_put_before_it, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_the_header_decides, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_mailbox_is_made, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_stored, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_of_them_or_nobody, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
