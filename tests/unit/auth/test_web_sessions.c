/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of auth/web_sessions.h, in a temporary folder. */
#include "auth/web_sessions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "auth/auth.h"
#include "crypto/digest.h"

enum { NOW = 1700000000 };

static const struct str ROOT = STR_INIT("root@example.org");

static char folder[] = "/tmp/postern-sessions-XXXXXX";
static struct credentials *credentials;
static struct buf token;

static void user_put(struct str account, uint32_t flags, const char *hash)
{
	struct credential credential = {.flags = flags, .hash = str_from_c(hash)};

	assert_int_equal(credentials_put(credentials, account, &credential, NULL), FAULT_NONE);
}

static int setup(void **state)
{
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(folder));
	assert_int_equal(credentials_open(folder, &credentials), FAULT_NONE);
	user_put(ROOT, LOGIN_FLAG_ADMIN, "a hash");
	buf_init(&token, WEB_TOKEN_TEXT);
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"data.mdb", "lock.mdb"};
	char path[256];

	credentials_close(&credentials);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(folder), 0);
	buf_done(&token);
	return 0;
}

static void begin(int64_t now_s)
{
	buf_reset(&token);
	assert_int_equal(web_session_begin(credentials,
					   &(struct web_session_owner){.account = ROOT,
								       .hash = STR("a hash"),
								       .address = STR("192.0.2.1")},
					   now_s, &token),
			 FAULT_NONE);
	assert_int_equal(token.len, WEB_TOKEN_TEXT);
}

static enum fault use(int64_t now_s)
{
	struct web_session session;

	return web_session_use(credentials, buf_str(&token), now_s, &session);
}

static void test_a_session_is_its_users(void **state)
{
	struct web_session session;

	begin(NOW);
	assert_int_equal(web_session_use(credentials, buf_str(&token), NOW + 10, &session), FAULT_NONE);
	assert_true(str_equals(str_make(session.account, session.account_len), ROOT));
	assert_int_equal(session.flags, LOGIN_FLAG_ADMIN);
	assert_int_equal(session.created_s, NOW);
	assert_int_equal(session.ends_s, NOW + WEB_IDLE_S);
}

static void test_no_two_tokens_are_alike(void **state)
{
	struct buf first = BUF_INIT(WEB_TOKEN_TEXT);

	begin(NOW);
	buf_append_str(&first, buf_str(&token));
	begin(NOW);
	assert_false(str_equals(buf_str(&first), buf_str(&token)));
	buf_done(&first);
}

static void test_tokens_that_are_none(void **state)
{
	struct web_session session;

	begin(NOW);
	token.data[0] = token.data[0] == 'A' ? 'B' : 'A';
	assert_int_equal(use(NOW), FAULT_NOT_FOUND);
	assert_int_equal(web_session_use(credentials, STR(""), NOW, &session), FAULT_NOT_FOUND);
	assert_int_equal(web_session_end(credentials, STR("nothing")), FAULT_NOT_FOUND);
}

static void test_it_ends_when_it_is_not_used(void **state)
{
	begin(NOW);
	assert_int_equal(use(NOW + WEB_IDLE_S - 1), FAULT_NONE);
	assert_int_equal(use(NOW + 2 * WEB_IDLE_S - 2), FAULT_NONE);
	assert_int_equal(use(NOW + 3 * WEB_IDLE_S), FAULT_NOT_FOUND);
	/* And stays so, whatever the clock says. */
	assert_int_equal(use(NOW + 2 * WEB_IDLE_S), FAULT_NOT_FOUND);
}

static void test_it_ends_at_the_latest(void **state)
{
	begin(NOW);
	for (int64_t at = NOW; at < NOW + WEB_LIFE_S; at += WEB_IDLE_S / 2)
		assert_int_equal(use(at), FAULT_NONE);
	assert_int_equal(use(NOW + WEB_LIFE_S), FAULT_NOT_FOUND);
}

static void test_it_ends_with_what_it_stands_on(void **state)
{
	begin(NOW);
	user_put(ROOT, LOGIN_FLAG_ADMIN, "another hash");
	assert_int_equal(use(NOW + 1), FAULT_NOT_FOUND);
	user_put(ROOT, LOGIN_FLAG_ADMIN, "a hash");
	assert_int_equal(use(NOW + 1), FAULT_NOT_FOUND);
	begin(NOW);
	user_put(ROOT, 0, "a hash");
	assert_int_equal(use(NOW + 1), FAULT_NOT_FOUND);
	user_put(ROOT, LOGIN_FLAG_ADMIN, "a hash");
	begin(NOW);
	user_put(ROOT, LOGIN_FLAG_ADMIN | LOGIN_FLAG_DISABLED, "a hash");
	assert_int_equal(use(NOW + 1), FAULT_NOT_FOUND);
	user_put(ROOT, LOGIN_FLAG_ADMIN, "a hash");
	begin(NOW);
	assert_int_equal(credentials_remove(credentials, ROOT), FAULT_NONE);
	assert_int_equal(use(NOW + 1), FAULT_NOT_FOUND);
}

/* The password changed while it was looked at: what was begun with the former one is nothing. */
static void test_a_login_that_a_new_password_overtook(void **state)
{
	user_put(ROOT, LOGIN_FLAG_ADMIN, "another hash");
	begin(NOW);
	assert_int_equal(use(NOW), FAULT_NOT_FOUND);
}

struct seen {
	size_t count;
	struct web_session_row last;
	char address[WEB_ADDRESS_MAX + 1];
};

static void see(void *context, const struct web_session_row *row)
{
	struct seen *seen = context;

	seen->count++;
	seen->last = *row;
	assert_true(str_copy_c(row->address, seen->address, sizeof(seen->address)));
}

static struct seen see_all(struct str account, int64_t now_s)
{
	struct seen seen = {0};

	assert_int_equal(web_sessions_walk(credentials, account, now_s, see, &seen), FAULT_NONE);
	return seen;
}

static void test_those_of_an_account(void **state)
{
	struct buf name = BUF_INIT(64);

	begin(NOW);
	struct seen seen = see_all(ROOT, NOW + 5);
	web_session_append_name(&name, buf_str(&token));
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.address, "192.0.2.1");
	assert_int_equal(seen.last.created_s, NOW);
	assert_int_equal(seen.last.ends_s, NOW + WEB_IDLE_S);
	assert_true(str_equals(buf_str(&name), str_make(seen.last.name, WEB_NAME_TEXT)));
	assert_int_equal(see_all(STR("other@example.org"), NOW).count, 0);
	assert_int_equal(see_all(ROOT, NOW + WEB_IDLE_S).count, 0);
	buf_done(&name);
}

static void test_all_but_one_end(void **state)
{
	struct buf kept = BUF_INIT(WEB_TOKEN_TEXT), name = BUF_INIT(64);
	struct web_session session;

	begin(NOW);
	buf_append_str(&kept, buf_str(&token));
	web_session_append_name(&name, buf_str(&kept));
	begin(NOW);
	user_put(ROOT, LOGIN_FLAG_ADMIN, "another hash");
	assert_int_equal(web_sessions_end(credentials, STR("other@example.org"), STR("")), FAULT_NONE);
	assert_int_equal(see_all(ROOT, NOW).count, 2);
	assert_int_equal(web_sessions_end(credentials, ROOT, buf_str(&name)), FAULT_NONE);
	assert_int_equal(see_all(ROOT, NOW).count, 1);
	assert_int_equal(web_session_use(credentials, buf_str(&kept), NOW + 1, &session), FAULT_NONE);
	assert_int_equal(use(NOW + 1), FAULT_NOT_FOUND);
	assert_int_equal(web_sessions_end(credentials, ROOT, STR("")), FAULT_NONE);
	assert_int_equal(web_session_use(credentials, buf_str(&kept), NOW + 1, &session),
			 FAULT_NOT_FOUND);
	buf_done(&kept);
	buf_done(&name);
}

/* As it was kept before addresses were: nobody is logged out by a newer version. */
static void test_a_record_of_the_first_version(void **state)
{
	static const char hash[] = "a hash";
	unsigned char name[SHA256_BYTES], password[SHA256_BYTES];
	struct buf record = BUF_INIT(1024);

	begin(NOW);
	sha256(buf_str(&token), name);
	sha256(str_from_c(hash), password);
	buf_append_char(&record, 1);
	for (int i = 0; i < 2; i++)
		for (int shift = 56; shift >= 0; shift -= 8)
			buf_append_char(&record, (char)((uint64_t)NOW >> shift));
	buf_append(&record, password, sizeof(password));
	buf_append_str(&record, ROOT);
	assert_int_equal(credentials_kept_put(credentials, CREDENTIALS_SESSIONS,
					      str_make(name, sizeof(name)), buf_str(&record)),
			 FAULT_NONE);
	assert_int_equal(use(NOW + 1), FAULT_NONE);
	assert_string_equal(see_all(ROOT, NOW).address, "");
	buf_done(&record);
}

static void test_a_role_that_changes_holds_at_once(void **state)
{
	struct web_session session;

	begin(NOW);
	user_put(ROOT, LOGIN_FLAG_AUDITOR, "a hash");
	assert_int_equal(web_session_use(credentials, buf_str(&token), NOW, &session), FAULT_NONE);
	assert_int_equal(session.flags, LOGIN_FLAG_AUDITOR);
}

static void test_the_oldest_gives_way(void **state)
{
	struct buf oldest = BUF_INIT(WEB_TOKEN_TEXT), second = BUF_INIT(WEB_TOKEN_TEXT);
	struct web_session session;

	for (int i = 0; i <= WEB_SESSIONS_MAX; i++) {
		begin(NOW + i);
		if (i < 2)
			buf_append_str(i == 0 ? &oldest : &second, buf_str(&token));
	}
	assert_int_equal(web_session_use(credentials, buf_str(&oldest), NOW + 100, &session),
			 FAULT_NOT_FOUND);
	assert_int_equal(web_session_use(credentials, buf_str(&second), NOW + 100, &session), FAULT_NONE);
	buf_done(&oldest);
	buf_done(&second);
}

static void test_it_outlives_a_restart(void **state)
{
	begin(NOW);
	credentials_close(&credentials);
	assert_int_equal(credentials_open(folder, &credentials), FAULT_NONE);
	assert_int_equal(use(NOW + 1), FAULT_NONE);
	assert_int_equal(web_session_end(credentials, buf_str(&token)), FAULT_NONE);
	assert_int_equal(use(NOW + 1), FAULT_NOT_FOUND);
}

static void count(void *context, struct str name, struct str value)
{
	(*(size_t *)context)++;
	/* What is kept gives no token away. */
	assert_true(str_find(value, buf_str(&token)) == STR_NONE);
	assert_true(str_find(name, buf_str(&token)) == STR_NONE);
}

static size_t kept(void)
{
	size_t found = 0;

	assert_int_equal(credentials_kept_walk(credentials, CREDENTIALS_SESSIONS, count, &found),
			 FAULT_NONE);
	return found;
}

static void test_those_that_are_over_are_forgotten(void **state)
{
	begin(NOW);
	begin(NOW + WEB_IDLE_S);
	assert_int_equal(kept(), 2);
	web_sessions_expire(credentials, NOW + WEB_IDLE_S + 1);
	assert_int_equal(kept(), 1);
	assert_int_equal(use(NOW + WEB_IDLE_S + 1), FAULT_NONE);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_session_is_its_users),
		TEST(test_no_two_tokens_are_alike),
		TEST(test_tokens_that_are_none),
		TEST(test_it_ends_when_it_is_not_used),
		TEST(test_it_ends_at_the_latest),
		TEST(test_it_ends_with_what_it_stands_on),
		TEST(test_a_login_that_a_new_password_overtook),
		TEST(test_those_of_an_account),
		TEST(test_all_but_one_end),
		TEST(test_a_record_of_the_first_version),
		TEST(test_a_role_that_changes_holds_at_once),
		TEST(test_the_oldest_gives_way),
		TEST(test_it_outlives_a_restart),
		TEST(test_those_that_are_over_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
