/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of ipc/message and ipc/channel: the wire form and who may send what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "ipc/channel.h"

static void encode_login(struct buf *to)
{
	struct msg_login_check check = {
		.account = STR("a@example.com"), .password = STR("secret"), .address = STR("::1")};
	int fd;

	message_encode(to, (struct message_header){MSG_login_check, 77}, &check, &fd);
	assert_int_equal(fd, -1);
}

static void test_what_is_encoded_is_decoded(void **state)
{
	struct buf wire = BUF_INIT(1024);
	struct message_header header;
	union message_any message;

	encode_login(&wire);
	assert_int_equal(message_decode(buf_str(&wire), -1, &header, &message), FAULT_NONE);
	assert_int_equal(header.kind, MSG_login_check);
	assert_int_equal(header.id, 77);
	assert_true(str_equals(message.login_check.password, STR("secret")));
	buf_done(&wire);
}

static void test_every_cut_and_every_byte_left_over_is_refused(void **state)
{
	struct buf wire = BUF_INIT(1024);
	struct message_header header;
	union message_any message;

	encode_login(&wire);
	for (size_t len = 0; len < wire.len; len++)
		assert_int_equal(message_decode(str_make(wire.data, len), -1, &header, &message),
				 FAULT_INVALID);
	buf_append_char(&wire, 'x');
	assert_int_equal(message_decode(buf_str(&wire), -1, &header, &message), FAULT_INVALID);
	assert_int_equal(message_decode(STR("\xff\xff"
					    "12345678"),
					-1, &header, &message),
			 FAULT_INVALID);
	buf_done(&wire);
}

static void test_a_front_may_not_set_a_password(void **state)
{
	assert_true(message_is_allowed(MSG_password_set, ROLE_CTL, ROLE_AUTH));
	assert_false(message_is_allowed(MSG_password_set, ROLE_FRONT, ROLE_AUTH));
	assert_false(message_is_allowed(MSG_key_sign, ROLE_STORE, ROLE_KEYS));
	/* A front may have a handshake signed, never a statement about the record of changes. */
	assert_true(message_is_allowed(MSG_evidence_sign, ROLE_CTL, ROLE_KEYS));
	assert_false(message_is_allowed(MSG_evidence_sign, ROLE_FRONT, ROLE_KEYS));
	assert_false(message_is_allowed(MSG_config_set, ROLE_FRONT, ROLE_PARENT));
}

/* A forbidden message reaches the receiver only if the sender lies about itself. */
static void test_a_channel_refuses_what_the_table_forbids(void **state)
{
	int fds[2];
	struct packet packet;
	struct msg_password_set set = {.account = STR("a@b"), .password = STR("x")};

	assert_int_equal(channel_pair(fds), FAULT_NONE);
	struct channel liar = {fds[0], ROLE_CTL, ROLE_AUTH};
	struct channel honest = {fds[1], ROLE_AUTH, ROLE_FRONT};
	packet_init(&packet);
	assert_int_equal(channel_send(&liar, MSG_password_set, 1, &set), FAULT_NONE);
	assert_int_equal(channel_receive(&honest, &packet), FAULT_INVALID);
	channel_close(&liar);
	assert_int_equal(channel_receive(&honest, &packet), FAULT_UNAVAILABLE);
	packet_done(&packet);
	channel_close(&honest);
}

static void test_a_descriptor_travels_and_belongs_to_the_packet(void **state)
{
	int fds[2];
	struct packet packet;
	struct msg_log_rotated rotated = {.file = 1, .fd = open("/dev/null", O_RDONLY)};

	assert_int_equal(channel_pair(fds), FAULT_NONE);
	struct channel parent = {fds[0], ROLE_PARENT, ROLE_AUTH};
	struct channel role = {fds[1], ROLE_AUTH, ROLE_PARENT};
	packet_init(&packet);
	assert_int_equal(channel_send(&parent, MSG_log_rotated, 1, &rotated), FAULT_NONE);
	assert_int_equal(channel_receive(&role, &packet), FAULT_NONE);
	int received = packet.message.log_rotated.fd;
	assert_true(received >= 0 && fcntl(received, F_GETFD) >= 0);
	packet_done(&packet);
	assert_int_equal(fcntl(received, F_GETFD), -1);
	close(rotated.fd);
	channel_close(&parent);
	channel_close(&role);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_encoded_is_decoded),
		cmocka_unit_test(test_every_cut_and_every_byte_left_over_is_refused),
		cmocka_unit_test(test_a_front_may_not_set_a_password),
		cmocka_unit_test(test_a_channel_refuses_what_the_table_forbids),
		cmocka_unit_test(test_a_descriptor_travels_and_belongs_to_the_packet),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
