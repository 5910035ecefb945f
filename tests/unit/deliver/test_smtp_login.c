/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of deliver/smtp_login: the test is the server, at the other end of a socket pair. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deliver/smtp_login.h"
#include "fixture.h"

enum { HEARD_MAX = 64 * 1024, WHY_MAX = 4096 };

static struct {
	struct tls_context *context;
	struct tls_demand demand;
	struct smtp_client client;
	struct smtp_login login;
	int fd; /* the server's */
	struct buf heard;
	struct buf why;
} talk;

static void expect_heard(const char *words)
{
	char bytes[4096];
	ssize_t got;

	while ((got = read(talk.fd, bytes, sizeof(bytes))) > 0)
		buf_append(&talk.heard, bytes, (size_t)got);
	buf_append_char(&talk.heard, '\0');
	assert_string_equal(talk.heard.data, words);
	buf_reset(&talk.heard);
}

static void say(const char *words)
{
	assert_int_equal(write(talk.fd, words, strlen(words)), (ssize_t)strlen(words));
}

/* Opens a session in the clear, as the level allows it, with a server of these extensions. */
static void open_session(enum tls_level level, const char *extensions)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);
	int fds[2];

	policy.direction = TLS_CLIENT;
	talk.context = context_make(&policy, 0, NULL);
	talk.demand = (struct tls_demand){.level = level};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	talk.fd = fds[1];
	struct smtp_client_parts client = {.outbound = {.fd = fds[0],
							.context = talk.context,
							.file_name = STR("mailserver.cfg"),
							.host = STR("relay.example.test"),
							.demand = &talk.demand},
					   .helo = STR("mail.example.org")};
	smtp_client_init(&talk.client, &client);
	say("220 relay\r\n250-relay\r\n");
	say(extensions);
	say("250 HELP\r\n");
	assert_int_equal(smtp_client_step(&talk.client), OUTBOUND_READY);
	expect_heard("EHLO mail.example.org\r\n");
}

static bool begin(void)
{
	return smtp_login_begin(&talk.login, &talk.client, STR("anna"), STR("secret"), &talk.why);
}

static void expect_step(enum smtp_login_step step)
{
	assert_int_equal(smtp_login_step(&talk.login, &talk.client, &talk.why), step);
}

static void expect_why(const char *words)
{
	assert_string_equal(talk.why.len == 0 ? "" : buf_str(&talk.why).ptr, words);
}

static void expect_wiped(void)
{
	static const struct smtp_login none;

	assert_memory_equal(&talk.login.user, &none.user, sizeof(none.user));
	assert_memory_equal(&talk.login.password, &none.password, sizeof(none.password));
}

static int setup(void **state)
{
	talk.heard = BUF_INIT(HEARD_MAX);
	talk.why = BUF_INIT(WHY_MAX);
	return 0;
}

static int teardown(void **state)
{
	smtp_login_done(&talk.login);
	smtp_client_done(&talk.client);
	tls_context_unref(&talk.context);
	buf_done(&talk.heard);
	buf_done(&talk.why);
	close(talk.fd);
	return 0;
}

/* base64 of NUL anna NUL secret. */
#define PLAIN "AUTH PLAIN AGFubmEAc2VjcmV0\r\n"
#define USER "YW5uYQ==\r\n"
#define PASSWORD "c2VjcmV0\r\n"

static void test_plain_is_taken_first(void **state)
{
	open_session(TLS_LEVEL_NONE, "250-AUTH LOGIN PLAIN\r\n");
	assert_true(begin());
	expect_step(SMTP_LOGIN_WAIT_INPUT);
	expect_heard(PLAIN);
	say("235 2.7.0 welcome\r\n");
	expect_step(SMTP_LOGIN_DONE);
	expect_wiped();
	assert_int_equal(talk.why.len, 0);
}

static void test_login_answers_two_questions(void **state)
{
	open_session(TLS_LEVEL_NONE, "250-AUTH LOGIN\r\n");
	assert_true(begin());
	expect_step(SMTP_LOGIN_WAIT_INPUT);
	expect_heard("AUTH LOGIN\r\n");
	say("334 VXNlcm5hbWU6\r\n");
	expect_step(SMTP_LOGIN_WAIT_INPUT);
	expect_heard(USER);
	say("334 whatever it is called\r\n");
	expect_step(SMTP_LOGIN_WAIT_INPUT);
	expect_heard(PASSWORD);
	say("235 ok\r\n");
	expect_step(SMTP_LOGIN_DONE);
	expect_wiped();
}

static void expect_refused(const char *extensions, const char *reply, const char *why)
{
	open_session(TLS_LEVEL_NONE, extensions);
	assert_true(begin());
	say(reply);
	expect_step(SMTP_LOGIN_REFUSED);
	buf_append_char(&talk.why, '\0');
	expect_why(why);
	expect_wiped();
}

static void test_a_refusal_is_told_in_the_servers_words(void **state)
{
	expect_refused("250-AUTH PLAIN\r\n", "535-5.7.8 bad\r\n535 5.7.8 password\r\n",
		       "refuses the login: 535 5.7.8 bad 5.7.8 password");
}

static void test_what_cannot_be_shown_is_not(void **state)
{
	open_session(TLS_LEVEL_NONE, "250-AUTH PLAIN\r\n");
	assert_true(begin());
	say("535 a\x1b[31m\x01 b\r\n");
	expect_step(SMTP_LOGIN_REFUSED);
	for (size_t i = 0; i < talk.why.len; i++)
		assert_true(talk.why.data[i] >= ' ' && talk.why.data[i] <= '~');
}

static void test_a_refusal_after_the_user_ends_it(void **state)
{
	open_session(TLS_LEVEL_NONE, "250-AUTH LOGIN\r\n");
	assert_true(begin());
	say("334 user\r\n");
	expect_step(SMTP_LOGIN_WAIT_INPUT);
	say("504 no\r\n");
	expect_step(SMTP_LOGIN_REFUSED);
	expect_heard("AUTH LOGIN\r\n" USER);
	expect_wiped();
}

static void test_without_tls_nothing_is_sent(void **state)
{
	open_session(TLS_LEVEL_MAY, "250-AUTH PLAIN LOGIN\r\n");
	assert_false(begin());
	assert_true(talk.why.len > 0);
	assert_int_equal(smtp_client_step(&talk.client), OUTBOUND_IDLE);
	expect_heard("");
	expect_wiped();
}

static void test_nothing_in_common_sends_nothing(void **state)
{
	open_session(TLS_LEVEL_NONE, "250-AUTH CRAM-MD5 GSSAPI\r\n");
	assert_false(begin());
	buf_append_char(&talk.why, '\0');
	expect_why("offers neither AUTH PLAIN nor AUTH LOGIN");
	expect_heard("");
	expect_wiped();
}

static void test_too_long_a_password_sends_nothing(void **state)
{
	char long_password[SECRET_MAX + 1];

	memset(long_password, 'x', sizeof(long_password));
	open_session(TLS_LEVEL_NONE, "250-AUTH PLAIN\r\n");
	assert_false(smtp_login_begin(&talk.login, &talk.client, STR("anna"),
				      str_make(long_password, sizeof(long_password)), &talk.why));
	assert_true(talk.why.len > 0);
	expect_heard("");
}

static void test_the_longest_password_goes_whole(void **state)
{
	char longest[SECRET_MAX];

	memset(longest, 'x', sizeof(longest));
	open_session(TLS_LEVEL_NONE, "250-AUTH PLAIN\r\n");
	assert_true(smtp_login_begin(&talk.login, &talk.client, str_make(longest, sizeof(longest)),
				     str_make(longest, sizeof(longest)), &talk.why));
	expect_step(SMTP_LOGIN_WAIT_INPUT);
	say("235 ok\r\n");
	expect_step(SMTP_LOGIN_DONE);
}

static void test_questions_without_end_get_two_answers(void **state)
{
	open_session(TLS_LEVEL_NONE, "250-AUTH LOGIN\r\n");
	assert_true(begin());
	for (int i = 0; i < 2; i++) {
		say("334 more\r\n");
		expect_step(SMTP_LOGIN_WAIT_INPUT);
	}
	say("334 more\r\n");
	expect_step(SMTP_LOGIN_REFUSED);
	expect_heard("AUTH LOGIN\r\n" USER PASSWORD);
	expect_wiped();
}

static void test_plain_answers_no_question(void **state)
{
	open_session(TLS_LEVEL_NONE, "250-AUTH PLAIN\r\n");
	assert_true(begin());
	say("334 \r\n");
	expect_step(SMTP_LOGIN_REFUSED);
	expect_heard(PLAIN);
}

/* One reply a command: what comes on top of it is not taken for the next one's. */
static void test_a_flood_of_questions_breaks_the_session(void **state)
{
	open_session(TLS_LEVEL_NONE, "250-AUTH LOGIN\r\n");
	assert_true(begin());
	for (int i = 0; i < 100; i++)
		say("334 more\r\n");
	enum smtp_login_step step = smtp_login_step(&talk.login, &talk.client, &talk.why);
	assert_true(step == SMTP_LOGIN_REFUSED || step == SMTP_LOGIN_BROKEN);
}

static void test_a_connection_that_breaks_is_told_apart(void **state)
{
	open_session(TLS_LEVEL_NONE, "250-AUTH PLAIN\r\n");
	assert_true(begin());
	expect_step(SMTP_LOGIN_WAIT_INPUT);
	assert_int_equal(shutdown(talk.fd, SHUT_RDWR), 0);
	expect_step(SMTP_LOGIN_BROKEN);
	assert_true(talk.client.outbound.why.len > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_plain_is_taken_first),
		TEST(test_login_answers_two_questions),
		TEST(test_a_refusal_is_told_in_the_servers_words),
		TEST(test_what_cannot_be_shown_is_not),
		TEST(test_a_refusal_after_the_user_ends_it),
		TEST(test_without_tls_nothing_is_sent),
		TEST(test_nothing_in_common_sends_nothing),
		TEST(test_too_long_a_password_sends_nothing),
		TEST(test_the_longest_password_goes_whole),
		TEST(test_questions_without_end_get_two_answers),
		TEST(test_plain_answers_no_question),
		TEST(test_a_flood_of_questions_breaks_the_session),
		TEST(test_a_connection_that_breaks_is_told_apart),
#undef TEST
	};

	return cmocka_run_group_tests(tests, world_make, world_drop);
}
