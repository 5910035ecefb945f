/* SPDX-License-Identifier: Apache-2.0 */
/* The real service behind a real role_server, spoken to over socket pairs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/auth.h"
#include "auth/service.h"
#include "auth/web_sessions.h"
#include "base/clock.h"
#include "base/file.h"
#include "scram_client.h"

static const struct str ANNA = STR_INIT("anna@example.com");

struct fixture {
	char folder[64];
	struct auth_service *service;
	struct role_server server;
	struct log log;
	pthread_t thread;
	struct channel front;
	struct channel ctl;
	struct channel admin;
	struct packet packet;
	uint64_t next_id;
};

static void *server_run(void *argument)
{
	role_server_run(argument);
	return NULL;
}

static void channel_add(struct fixture *fixture, enum role role, struct channel *channel)
{
	int fds[2];

	assert_int_equal(channel_pair(fds), FAULT_NONE);
	role_server_add(&fixture->server, role, fds[1]);
	*channel = (struct channel){.fd = fds[0], .self = role, .peer = ROLE_AUTH};
}

static void service_start(struct fixture *fixture)
{
	assert_int_equal(auth_service_new(fixture->folder, 1, &fixture->service), FAULT_NONE);
	role_server_init(&fixture->server, &auth_ops, ROLE_AUTH, -1, &fixture->log,
			 fixture->service);
	channel_add(fixture, ROLE_FRONT, &fixture->front);
	channel_add(fixture, ROLE_CTL, &fixture->ctl);
	channel_add(fixture, ROLE_ADMIN, &fixture->admin);
	assert_int_equal(pthread_create(&fixture->thread, NULL, server_run, &fixture->server), 0);
}

static void service_stop(struct fixture *fixture)
{
	channel_close(&fixture->front);
	channel_close(&fixture->ctl);
	channel_close(&fixture->admin);
	pthread_join(fixture->thread, NULL);
	auth_service_free(&fixture->service);
	role_server_done(&fixture->server);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/test-auth-XXXXXX");
	if (mkdtemp(fixture->folder) == NULL)
		return 1;
	log_init(&fixture->log, false);
	packet_init(&fixture->packet);
	service_start(fixture);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	const char *const names[] = {"data.mdb", "lock.mdb"};

	service_stop(fixture);
	packet_done(&fixture->packet);
	for (size_t i = 0; i < 2; i++) {
		char *path = path_join(fixture->folder, names[i]);
		unlink(path);
		free(path);
	}
	rmdir(fixture->folder);
	free(fixture);
	return 0;
}

static enum fault password_put(struct fixture *fixture, const char *password, uint32_t flags)
{
	struct msg_password_set set = {
		.account = ANNA, .password = str_from_c(password), .flags = flags};

	assert_int_equal(channel_send(&fixture->ctl, MSG_password_set, 1, &set), FAULT_NONE);
	assert_int_equal(channel_receive(&fixture->ctl, &fixture->packet), FAULT_NONE);
	assert_int_equal(fixture->packet.header.kind, MSG_done);
	return fixture->packet.message.done.fault;
}

static uint64_t login_send(struct fixture *fixture, struct str account, const char *password,
			   const char *address)
{
	struct msg_login_check check = {.account = account,
					.password = str_from_c(password),
					.address = str_from_c(address)};

	fixture->next_id++;
	assert_int_equal(channel_send(&fixture->front, MSG_login_check, fixture->next_id, &check),
			 FAULT_NONE);
	return fixture->next_id;
}

static struct msg_login_answered *login_receive(struct fixture *fixture)
{
	assert_int_equal(channel_receive(&fixture->front, &fixture->packet), FAULT_NONE);
	assert_int_equal(fixture->packet.header.kind, MSG_login_answered);
	return &fixture->packet.message.login_answered;
}

static enum login_verdict login(struct fixture *fixture, struct str account, const char *password,
				const char *address)
{
	login_send(fixture, account, password, address);
	struct msg_login_answered *answer = login_receive(fixture);
	assert_int_equal(answer->fault, FAULT_NONE);
	return answer->verdict;
}

static void limits_set(struct fixture *fixture, uint32_t failures, uint32_t delay_ms)
{
	struct attempt_limits limits = attempt_limits_default;

	limits.failures_per_address = failures;
	limits.delay_ms = delay_ms;
	auth_service_set_limits(fixture->service, &limits);
}

static void test_verdicts(void **state)
{
	struct fixture *fixture = *state;

	limits_set(fixture, 0, 1);
	assert_int_equal(login(fixture, ANNA, "secret", "192.0.2.1"), LOGIN_UNKNOWN_USER);
	assert_int_equal(password_put(fixture, "secret", LOGIN_FLAG_ADMIN), FAULT_NONE);
	assert_int_equal(login(fixture, ANNA, "secret", "192.0.2.1"), LOGIN_GRANTED);
	assert_int_equal(fixture->packet.message.login_answered.flags, LOGIN_FLAG_ADMIN);
	assert_int_equal(login(fixture, ANNA, "Secret", "192.0.2.1"), LOGIN_WRONG_PASSWORD);
	assert_int_equal(fixture->packet.message.login_answered.flags, 0);
	assert_int_equal(login(fixture, STR("bert@example.com"), "secret", "192.0.2.1"),
			 LOGIN_UNKNOWN_USER);
	assert_int_equal(login(fixture, STR(""), "secret", "192.0.2.1"), LOGIN_UNKNOWN_USER);
	assert_int_equal(password_put(fixture, "secret", LOGIN_FLAG_DISABLED), FAULT_NONE);
	assert_int_equal(login(fixture, ANNA, "secret", "192.0.2.1"), LOGIN_DISABLED);
	assert_int_equal(password_put(fixture, "", 0), FAULT_NONE);
	assert_int_equal(login(fixture, ANNA, "secret", "192.0.2.1"), LOGIN_UNKNOWN_USER);
	assert_int_equal(password_put(fixture, "", 0), FAULT_NOT_FOUND);
}

/* Composed and decomposed forms are one password; bytes that are no text are a password too. */
static void test_other_alphabets(void **state)
{
	struct fixture *fixture = *state;

	limits_set(fixture, 0, 1);
	assert_int_equal(password_put(fixture, "caf\xc3\xa9", 0), FAULT_NONE);
	assert_int_equal(login(fixture, ANNA, "cafe\xcc\x81", "192.0.2.1"), LOGIN_GRANTED);
	assert_int_equal(password_put(fixture, "\xff\xfe", 0), FAULT_NONE);
	assert_int_equal(login(fixture, ANNA, "\xff\xfe", "192.0.2.1"), LOGIN_GRANTED);
}

static void test_survives_a_restart(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(password_put(fixture, "secret", 0), FAULT_NONE);
	service_stop(fixture);
	service_start(fixture);
	assert_int_equal(login(fixture, ANNA, "secret", "192.0.2.1"), LOGIN_GRANTED);
}

static int64_t login_ms(struct fixture *fixture, const char *password, struct str account)
{
	int64_t begin = clock_mono_ms();

	(void)login(fixture, account, password, "192.0.2.1");
	return clock_mono_ms() - begin;
}

static void test_right_is_remembered_wrong_is_not(void **state)
{
	struct fixture *fixture = *state;

	limits_set(fixture, 0, 0);
	assert_int_equal(password_put(fixture, "secret", 0), FAULT_NONE);
	int64_t hashed = login_ms(fixture, "secret", ANNA);
	int64_t remembered = 0, wrong = 0, unknown = 0;
	for (int i = 0; i < 8; i++)
		remembered += login_ms(fixture, "secret", ANNA);
	for (int i = 0; i < 8; i++) {
		wrong += login_ms(fixture, "wrong", ANNA);
		unknown += login_ms(fixture, "wrong", STR("nobody@example.com"));
	}
	assert_true(hashed >= 5);
	assert_true(remembered < wrong / 4);
	/* A generous band: the machine is shared; without the decoy it would be zero. */
	assert_true(unknown > wrong / 3 && unknown < wrong * 3);
}

static void test_changed_password_is_forgotten(void **state)
{
	struct fixture *fixture = *state;

	limits_set(fixture, 0, 1);
	assert_int_equal(password_put(fixture, "old", 0), FAULT_NONE);
	assert_int_equal(login(fixture, ANNA, "old", "192.0.2.1"), LOGIN_GRANTED);
	assert_int_equal(password_put(fixture, "new", 0), FAULT_NONE);
	assert_int_equal(login(fixture, ANNA, "old", "192.0.2.1"), LOGIN_WRONG_PASSWORD);
	assert_int_equal(login(fixture, ANNA, "new", "192.0.2.1"), LOGIN_GRANTED);
}

static void test_guest_passes_a_flood(void **state)
{
	struct fixture *fixture = *state;
	size_t before_guest = 0;

	limits_set(fixture, 0, 0);
	assert_int_equal(password_put(fixture, "secret", 0), FAULT_NONE);
	for (int i = 0; i < 20; i++)
		login_send(fixture, ANNA, "guess", "192.0.2.66");
	uint64_t guest = login_send(fixture, ANNA, "secret", "198.51.100.1");
	do {
		(void)login_receive(fixture);
		before_guest++;
	} while (fixture->packet.header.id != guest);
	assert_true(before_guest < 6);
	for (size_t left = 21 - before_guest; left > 0; left--)
		(void)login_receive(fixture);
}

static void test_queue_is_bounded(void **state)
{
	struct fixture *fixture = *state;
	int busy = 0;

	limits_set(fixture, 0, 0);
	for (int i = 0; i < 80; i++)
		login_send(fixture, ANNA, "guess", "192.0.2.66");
	for (int i = 0; i < 16; i++) {
		struct msg_login_answered *answer = login_receive(fixture);
		if (answer->fault == FAULT_BUSY)
			busy++;
	}
	assert_in_range(busy, 8, 16);
}

static void test_failures_block_the_address(void **state)
{
	struct fixture *fixture = *state;

	limits_set(fixture, 3, 1);
	assert_int_equal(password_put(fixture, "secret", 0), FAULT_NONE);
	for (int i = 0; i < 3; i++)
		assert_int_equal(login(fixture, ANNA, "guess", "192.0.2.66"),
				 LOGIN_WRONG_PASSWORD);
	assert_int_equal(login(fixture, ANNA, "secret", "192.0.2.66"), LOGIN_BLOCKED);
	assert_in_range(fixture->packet.message.login_answered.wait_s, 590, 600);
	assert_int_equal(login(fixture, ANNA, "secret", "192.0.2.67"), LOGIN_GRANTED);
}

static bool exempt_one(const void *context, const uint8_t address[16])
{
	return address[15] == *(const uint8_t *)context;
}

static void test_exempt_networks(void **state)
{
	struct fixture *fixture = *state;
	struct attempt_limits limits = attempt_limits_default;
	uint8_t last = 66;

	limits.failures_per_address = 1;
	limits.is_exempt = exempt_one;
	limits.context = &last;
	auth_service_set_limits(fixture->service, &limits);
	int64_t begin = clock_mono_ms();
	for (int i = 0; i < 3; i++)
		assert_int_equal(login(fixture, ANNA, "guess", "192.0.2.66"), LOGIN_UNKNOWN_USER);
	/* With delays it would be 3.5 s at least. */
	assert_true(clock_mono_ms() - begin < 3000);
	limits_set(fixture, 0, 0);
}

static void test_refusals_are_delayed(void **state)
{
	struct fixture *fixture = *state;

	limits_set(fixture, 0, 200);
	assert_int_equal(password_put(fixture, "secret", 0), FAULT_NONE);
	assert_true(login_ms(fixture, "wrong", ANNA) >= 200);
	assert_true(login_ms(fixture, "wrong", ANNA) >= 400);
	/* Nobody waits behind a delayed answer. */
	uint64_t wrong = login_send(fixture, ANNA, "wrong", "192.0.2.1");
	uint64_t right = login_send(fixture, ANNA, "secret", "192.0.2.1");
	(void)login_receive(fixture);
	assert_int_equal(fixture->packet.header.id, right);
	(void)login_receive(fixture);
	assert_int_equal(fixture->packet.header.id, wrong);
}

/* ---- sessions of the page ---- */

static const struct msg_web_session_given *web_ask(struct fixture *fixture, enum message_kind kind,
						   const void *message)
{
	assert_int_equal(channel_send(&fixture->admin, kind, ++fixture->next_id, message), FAULT_NONE);
	assert_int_equal(channel_receive(&fixture->admin, &fixture->packet), FAULT_NONE);
	assert_int_equal(fixture->packet.header.kind, MSG_web_session_given);
	return &fixture->packet.message.web_session_given;
}

static void web_enter(struct fixture *fixture, const char *password, struct buf *token)
{
	struct msg_web_login entry = {
		.account = ANNA, .password = str_from_c(password), .address = STR("192.0.2.1")};
	const struct msg_web_session_given *given = web_ask(fixture, MSG_web_login, &entry);

	assert_int_equal(given->fault, FAULT_NONE);
	assert_int_equal(given->verdict, LOGIN_GRANTED);
	buf_append_str(token, given->token);
}

static bool web_lives(struct fixture *fixture, const struct buf *token)
{
	struct msg_web_session_wanted wanted = {.token = buf_str(token)};

	return web_ask(fixture, MSG_web_session_wanted, &wanted)->fault == FAULT_NONE;
}

static enum login_verdict web_prove(struct fixture *fixture, const char *password, const char *address)
{
	struct msg_web_proof proof = {.account = ANNA,
				      .password = str_from_c(password),
				      .address = str_from_c(address)};
	const struct msg_web_session_given *given = web_ask(fixture, MSG_web_proof, &proof);

	assert_int_equal(given->fault, FAULT_NONE);
	assert_true(str_is_empty(given->token));
	return given->verdict;
}

static enum fault ctl_order(struct fixture *fixture, enum message_kind kind, const void *order)
{
	assert_int_equal(channel_send(&fixture->ctl, kind, 1, order), FAULT_NONE);
	assert_int_equal(channel_receive(&fixture->ctl, &fixture->packet), FAULT_NONE);
	assert_int_equal(fixture->packet.header.kind, MSG_done);
	return fixture->packet.message.done.fault;
}

static void test_a_new_password_leaves_one_session(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP_BUF struct buf mine = BUF_INIT(WEB_TOKEN_TEXT), other = BUF_INIT(WEB_TOKEN_TEXT);
	CLEANUP_BUF struct buf name = BUF_INIT(100);

	assert_int_equal(password_put(fixture, "first", LOGIN_FLAG_AUDITOR), FAULT_NONE);
	web_enter(fixture, "first", &mine);
	web_enter(fixture, "first", &other);
	web_session_append_name(&name, buf_str(&mine));
	struct msg_password_set set = {.account = ANNA,
				       .password = STR("next"),
				       .flags = LOGIN_FLAG_AUDITOR,
				       .session = buf_str(&name)};
	assert_int_equal(ctl_order(fixture, MSG_password_set, &set), FAULT_NONE);
	assert_true(web_lives(fixture, &mine));
	assert_false(web_lives(fixture, &other));
	struct msg_web_sessions_end end = {.account = ANNA};
	assert_int_equal(ctl_order(fixture, MSG_web_sessions_end, &end), FAULT_NONE);
	assert_false(web_lives(fixture, &mine));
}

/* Whoever guesses the old password within a session is counted by the account, wherever he comes from. */
static void test_proofs_lock_the_account(void **state)
{
	struct fixture *fixture = *state;
	const char *const addresses[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};

	limits_set(fixture, 3, 1);
	assert_int_equal(password_put(fixture, "first", LOGIN_FLAG_ADMIN), FAULT_NONE);
	assert_int_equal(web_prove(fixture, "first", "192.0.2.1"), LOGIN_GRANTED);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(web_prove(fixture, "guess", addresses[i]), LOGIN_WRONG_PASSWORD);
	assert_int_equal(web_prove(fixture, "first", "192.0.2.4"), LOGIN_ACCOUNT_BLOCKED);
	assert_in_range(fixture->packet.message.web_session_given.wait_s, 590, 600);
	/* Nobody is kept from his mail by that. */
	assert_int_equal(login(fixture, ANNA, "first", "192.0.2.5"), LOGIN_GRANTED);
}

/* Of strangers' guesses an account knows nothing, or they could lock its owner out. */
static void test_wrong_passwords_lock_no_account(void **state)
{
	struct fixture *fixture = *state;
	char address[32];

	limits_set(fixture, 3, 1);
	assert_int_equal(password_put(fixture, "first", LOGIN_FLAG_ADMIN), FAULT_NONE);
	for (int i = 1; i <= 6; i++) {
		snprintf(address, sizeof(address), "192.0.2.%d", i);
		struct msg_web_login guess = {.account = ANNA,
					      .password = STR("guess"),
					      .address = str_from_c(address)};
		assert_int_equal(web_ask(fixture, MSG_web_login, &guess)->verdict,
				 LOGIN_WRONG_PASSWORD);
	}
	assert_int_equal(web_prove(fixture, "first", "192.0.2.9"), LOGIN_GRANTED);
}

/* ---- SCRAM ---- */

static const struct str BARE = STR_INIT("n=anna@example.com,r=mine");

struct scram_said {
	struct buf challenge;
	struct buf seal;
};

static enum fault scram_first(struct fixture *fixture, struct str account, struct scram_said *said)
{
	struct msg_scram_begin begin = {.account = account,
					.first = STR("n,,n=anna@example.com,r=mine"),
					.address = STR("192.0.2.1")};

	buf_init(&said->challenge, SCRAM_MESSAGE_MAX);
	buf_init(&said->seal, SCRAM_SEAL_BYTES);
	assert_int_equal(channel_send(&fixture->front, MSG_scram_begin, ++fixture->next_id, &begin),
			 FAULT_NONE);
	struct msg_login_answered *answer = login_receive(fixture);
	if (answer->fault == FAULT_NONE && answer->verdict == LOGIN_CONTINUES) {
		buf_append_str(&said->challenge, answer->message);
		buf_append_str(&said->seal, answer->seal);
	}
	return answer->fault;
}

static enum login_verdict scram_last(struct fixture *fixture, struct str account,
				     const char *password, struct scram_said *said)
{
	struct buf last = BUF_INIT(1024);

	scram_client_final(str_from_c(password), BARE, STR("n,,"), STR(""),
			   buf_str(&said->challenge), &last);
	struct msg_scram_finish finish = {.account = account,
					  .first = STR("n,,n=anna@example.com,r=mine"),
					  .challenge = buf_str(&said->challenge),
					  .seal = buf_str(&said->seal),
					  .last = buf_str(&last),
					  .binding = STR(""),
					  .address = STR("192.0.2.1")};
	assert_int_equal(
		channel_send(&fixture->front, MSG_scram_finish, ++fixture->next_id, &finish),
		FAULT_NONE);
	struct msg_login_answered *answer = login_receive(fixture);
	assert_int_equal(answer->fault, FAULT_NONE);
	assert_int_equal(answer->message.len > 0, answer->verdict == LOGIN_GRANTED);
	buf_done(&last);
	buf_done(&said->challenge);
	buf_done(&said->seal);
	return answer->verdict;
}

static enum login_verdict scram(struct fixture *fixture, struct str account, const char *password)
{
	struct scram_said said;

	assert_int_equal(scram_first(fixture, account, &said), FAULT_NONE);
	return fixture->packet.message.login_answered.verdict == LOGIN_CONTINUES
		       ? scram_last(fixture, account, password, &said)
		       : fixture->packet.message.login_answered.verdict;
}

static void test_scram_verdicts(void **state)
{
	struct fixture *fixture = *state;

	limits_set(fixture, 0, 1);
	assert_int_equal(auth_service_set_scram(fixture->service, true), FAULT_NONE);
	assert_int_equal(scram(fixture, ANNA, "secret"), LOGIN_UNKNOWN_USER);
	assert_int_equal(password_put(fixture, "secret", LOGIN_FLAG_ADMIN), FAULT_NONE);
	assert_int_equal(scram(fixture, ANNA, "secret"), LOGIN_GRANTED);
	assert_int_equal(fixture->packet.message.login_answered.flags, LOGIN_FLAG_ADMIN);
	assert_int_equal(scram(fixture, ANNA, "Secret"), LOGIN_WRONG_PASSWORD);
	assert_int_equal(fixture->packet.message.login_answered.flags, 0);
	/* Whatever the case of one account, its proof is of no use for another. */
	assert_int_equal(scram(fixture, STR("bert@example.com"), "secret"), LOGIN_UNKNOWN_USER);
	assert_int_equal(password_put(fixture, "secret", LOGIN_FLAG_DISABLED), FAULT_NONE);
	assert_int_equal(scram(fixture, ANNA, "secret"), LOGIN_DISABLED);
	/* No text: SCRAM cannot carry it. */
	assert_int_equal(password_put(fixture, "\xff\xfe", 0), FAULT_NONE);
	assert_int_equal(scram(fixture, ANNA, "\xff\xfe"), LOGIN_NO_VERIFIER);
	assert_int_equal(login(fixture, ANNA, "\xff\xfe", "192.0.2.1"), LOGIN_GRANTED);
}

static void test_scram_only_where_allowed(void **state)
{
	struct fixture *fixture = *state;
	struct scram_said said;

	limits_set(fixture, 0, 1);
	assert_int_equal(password_put(fixture, "secret", 0), FAULT_NONE);
	assert_int_equal(scram_first(fixture, ANNA, &said), FAULT_UNSUPPORTED);
	assert_int_equal(login(fixture, ANNA, "secret", "192.0.2.1"), LOGIN_GRANTED);
	assert_int_equal(auth_service_set_scram(fixture->service, true), FAULT_NONE);
	assert_int_equal(scram(fixture, ANNA, "secret"), LOGIN_NO_VERIFIER);
	/* A right password makes it up, a wrong one does not, although the right one is remembered. */
	assert_int_equal(login(fixture, ANNA, "wrong", "192.0.2.1"), LOGIN_WRONG_PASSWORD);
	assert_int_equal(scram(fixture, ANNA, "wrong"), LOGIN_NO_VERIFIER);
	assert_int_equal(login(fixture, ANNA, "secret", "192.0.2.1"), LOGIN_GRANTED);
	assert_int_equal(scram(fixture, ANNA, "secret"), LOGIN_GRANTED);
	/* What is taken back is gone, not hidden. */
	assert_int_equal(auth_service_set_scram(fixture->service, false), FAULT_NONE);
	assert_int_equal(auth_service_set_scram(fixture->service, true), FAULT_NONE);
	assert_int_equal(scram(fixture, ANNA, "secret"), LOGIN_NO_VERIFIER);
}

static void test_scram_forgets_a_former_password(void **state)
{
	struct fixture *fixture = *state;
	struct scram_said said;

	limits_set(fixture, 0, 1);
	assert_int_equal(auth_service_set_scram(fixture->service, true), FAULT_NONE);
	assert_int_equal(password_put(fixture, "old", 0), FAULT_NONE);
	assert_int_equal(scram_first(fixture, ANNA, &said), FAULT_NONE);
	assert_int_equal(password_put(fixture, "new", 0), FAULT_NONE);
	assert_int_equal(scram_last(fixture, ANNA, "old", &said), LOGIN_WRONG_PASSWORD);
	assert_int_equal(scram(fixture, ANNA, "new"), LOGIN_GRANTED);
}

static void test_scram_failures_count_and_are_delayed(void **state)
{
	struct fixture *fixture = *state;

	limits_set(fixture, 2, 200);
	assert_int_equal(auth_service_set_scram(fixture->service, true), FAULT_NONE);
	assert_int_equal(password_put(fixture, "secret", 0), FAULT_NONE);
	int64_t start = clock_mono_ms();
	assert_int_equal(scram(fixture, ANNA, "guess"), LOGIN_WRONG_PASSWORD);
	assert_true(clock_mono_ms() - start >= 200);
	assert_int_equal(scram(fixture, STR("bert@example.com"), "guess"), LOGIN_UNKNOWN_USER);
	assert_int_equal(scram(fixture, ANNA, "secret"), LOGIN_BLOCKED);
	assert_int_equal(login(fixture, ANNA, "secret", "192.0.2.1"), LOGIN_BLOCKED);
}

/* The salt of nobody is that of the user he becomes, and survives a restart. */
static void assert_same_salt(const struct scram_said *one, const struct scram_said *other)
{
	struct str salt = str_from(buf_str(&one->challenge),
				   str_find(buf_str(&one->challenge), STR(",s=")));

	assert_true(salt.len > 20);
	assert_true(str_has_suffix_nocase(buf_str(&other->challenge), salt));
}

static void test_scram_tells_nobody_who_exists(void **state)
{
	struct fixture *fixture = *state;
	struct scram_said before, after, restarted, nobody, still_nobody;
	const struct str bert = STR("bert@example.com");

	assert_int_equal(auth_service_set_scram(fixture->service, true), FAULT_NONE);
	assert_int_equal(scram_first(fixture, ANNA, &before), FAULT_NONE);
	assert_int_equal(password_put(fixture, "secret", 0), FAULT_NONE);
	assert_int_equal(scram_first(fixture, ANNA, &after), FAULT_NONE);
	assert_int_equal(scram_first(fixture, bert, &nobody), FAULT_NONE);
	service_stop(fixture);
	service_start(fixture);
	assert_int_equal(auth_service_set_scram(fixture->service, true), FAULT_NONE);
	assert_int_equal(scram_first(fixture, ANNA, &restarted), FAULT_NONE);
	assert_int_equal(scram_first(fixture, bert, &still_nobody), FAULT_NONE);
	assert_same_salt(&before, &after);
	assert_same_salt(&before, &restarted);
	assert_same_salt(&nobody, &still_nobody);
	/* What was sealed before the restart is no use behind it. */
	struct msg_scram_finish finish = {
		.account = ANNA,
		.first = STR("n,,n=anna@example.com,r=mine"),
		.challenge = buf_str(&before.challenge),
		.seal = buf_str(&before.seal),
		.last = STR("c=biws,r=x,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
		.address = STR("192.0.2.1")};
	assert_int_equal(channel_send(&fixture->front, MSG_scram_finish, 1, &finish), FAULT_NONE);
	assert_int_equal(login_receive(fixture)->fault, FAULT_CONFLICT);
	struct scram_said *const all[] = {&before, &after, &restarted, &nobody, &still_nobody};
	for (size_t i = 0; i < 5; i++) {
		buf_done(&all[i]->challenge);
		buf_done(&all[i]->seal);
	}
}

/* ---- certificates ---- */

static enum fault certificate_ask(struct fixture *fixture, uint32_t found)
{
	struct msg_certificate_login ask = {
		.account = ANNA, .found = found, .address = STR("192.0.2.1")};

	assert_int_equal(
		channel_send(&fixture->front, MSG_certificate_login, ++fixture->next_id, &ask),
		FAULT_NONE);
	return login_receive(fixture)->fault;
}

static enum login_verdict certificate(struct fixture *fixture, uint32_t found)
{
	assert_int_equal(certificate_ask(fixture, found), FAULT_NONE);
	return fixture->packet.message.login_answered.verdict;
}

static void test_certificates(void **state)
{
	struct fixture *fixture = *state;

	limits_set(fixture, 0, 1);
	/* Without any password, without AllowScram. */
	assert_int_equal(certificate(fixture, LOGIN_GRANTED), LOGIN_GRANTED);
	assert_int_equal(fixture->packet.message.login_answered.flags, 0);
	assert_int_equal(password_put(fixture, "secret", LOGIN_FLAG_ADMIN), FAULT_NONE);
	assert_int_equal(certificate(fixture, LOGIN_GRANTED), LOGIN_GRANTED);
	assert_int_equal(fixture->packet.message.login_answered.flags, LOGIN_FLAG_ADMIN);
	assert_int_equal(certificate(fixture, LOGIN_WRONG_IDENTITY), LOGIN_WRONG_IDENTITY);
	assert_int_equal(fixture->packet.message.login_answered.flags, 0);
	assert_int_equal(certificate(fixture, LOGIN_UNKNOWN_USER), LOGIN_UNKNOWN_USER);
	assert_int_equal(password_put(fixture, "secret", LOGIN_FLAG_DISABLED), FAULT_NONE);
	assert_int_equal(certificate(fixture, LOGIN_GRANTED), LOGIN_DISABLED);
	assert_int_equal(certificate_ask(fixture, LOGIN_CONTINUES), FAULT_INVALID);
	assert_int_equal(certificate_ask(fixture, 12345), FAULT_INVALID);
}

static void test_certificates_count_too(void **state)
{
	struct fixture *fixture = *state;

	limits_set(fixture, 2, 1);
	assert_int_equal(certificate(fixture, LOGIN_WRONG_IDENTITY), LOGIN_WRONG_IDENTITY);
	assert_int_equal(certificate(fixture, LOGIN_UNKNOWN_USER), LOGIN_UNKNOWN_USER);
	assert_int_equal(certificate(fixture, LOGIN_GRANTED), LOGIN_BLOCKED);
}

static void test_list(void **state)
{
	struct fixture *fixture = *state;
	struct msg_password_list list = {.after = STR("")};

	assert_int_equal(password_put(fixture, "secret", LOGIN_FLAG_ADMIN), FAULT_NONE);
	assert_int_equal(channel_send(&fixture->ctl, MSG_password_list, 5, &list), FAULT_NONE);
	assert_int_equal(channel_receive(&fixture->ctl, &fixture->packet), FAULT_NONE);
	assert_int_equal(fixture->packet.message.done.fault, FAULT_NONE);
	assert_true(str_equals(fixture->packet.message.done.text,
			       STR("[{\"account\":\"anna@example.com\",\"admin\":true,\"auditor\":"
				   "false,\"disabled\":false,\"totp\":false}]")));
}

static void expect_flags(struct fixture *fixture, uint32_t flags)
{
	assert_int_equal(login(fixture, ANNA, "secret", "192.0.2.1"), LOGIN_GRANTED);
	assert_int_equal(fixture->packet.message.login_answered.flags, flags);
}

/* A login that is remembered must not keep rights that were taken away. */
static void test_rights_change_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct msg_login_flags_set set = {.account = STR("anna@example.com"),
					  .flags = LOGIN_FLAG_AUDITOR,
					  .mask = LOGIN_FLAG_ADMIN | LOGIN_FLAG_AUDITOR};

	assert_int_equal(password_put(fixture, "secret", LOGIN_FLAG_ADMIN), FAULT_NONE);
	expect_flags(fixture, LOGIN_FLAG_ADMIN);
	assert_int_equal(channel_send(&fixture->ctl, MSG_login_flags_set, 6, &set), FAULT_NONE);
	assert_int_equal(channel_receive(&fixture->ctl, &fixture->packet), FAULT_NONE);
	assert_int_equal(fixture->packet.message.done.fault, FAULT_NONE);
	expect_flags(fixture, LOGIN_FLAG_AUDITOR);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_verdicts),
		TEST(test_other_alphabets),
		TEST(test_survives_a_restart),
		TEST(test_right_is_remembered_wrong_is_not),
		TEST(test_changed_password_is_forgotten),
		TEST(test_guest_passes_a_flood),
		TEST(test_queue_is_bounded),
		TEST(test_failures_block_the_address),
		TEST(test_exempt_networks),
		TEST(test_refusals_are_delayed),
		TEST(test_a_new_password_leaves_one_session),
		TEST(test_proofs_lock_the_account),
		TEST(test_wrong_passwords_lock_no_account),
		TEST(test_scram_verdicts),
		TEST(test_scram_only_where_allowed),
		TEST(test_scram_forgets_a_former_password),
		TEST(test_scram_failures_count_and_are_delayed),
		TEST(test_scram_tells_nobody_who_exists),
		TEST(test_certificates),
		TEST(test_certificates_count_too),
		TEST(test_list),
		TEST(test_rights_change_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
