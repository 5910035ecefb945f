/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of ipc/server and ipc/client: a role that dies, a role that is born again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "ipc/client.h"
#include "ipc/server.h"

/* A stand-in for the parent: a connector whose role is a thread in this process. */
struct local {
	struct connector connector;
	struct log log;
	struct role_server server;
	int parent_fd;
	pthread_t thread;
	unsigned answered;
};

static void answer_account(struct role_server *server, struct role_peer *peer, struct packet *packet)
{
	struct local *local = server->role_data;

	local->answered++;
	role_peer_done(peer, packet->header.id, FAULT_EXISTS, packet->message.password_set.account);
}

static const struct role_server_ops ops = {.request = answer_account};

static void *serve(void *argument)
{
	role_server_run(&((struct local *)argument)->server);
	return NULL;
}

static void role_start(struct local *local)
{
	int fds[2];

	assert_int_equal(channel_pair(fds), FAULT_NONE);
	local->parent_fd = fds[0];
	role_server_init(&local->server, &ops, ROLE_AUTH, fds[1], &local->log, local);
	assert_int_equal(pthread_create(&local->thread, NULL, serve, local), 0);
}

static void role_stop(struct local *local)
{
	close(local->parent_fd);
	pthread_join(local->thread, NULL);
	role_server_done(&local->server);
}

static enum fault connect_local(struct connector *connector, enum role role, int *fd_out)
{
	struct local *local = (struct local *)(void *)connector;
	int fds[2];

	assert_int_equal(channel_pair(fds), FAULT_NONE);
	struct channel parent = {local->parent_fd, ROLE_PARENT, role};
	struct msg_channel_offered offered = {.client = connector->self, .fd = fds[0]};
	assert_int_equal(channel_send(&parent, MSG_channel_offered, 0, &offered), FAULT_NONE);
	close(fds[0]);
	*fd_out = fds[1];
	return FAULT_NONE;
}

static void ask(struct role_client *client)
{
	struct msg_password_set set = {.account = STR("a@example.com"), .password = STR("x")};
	struct packet answer;

	packet_init(&answer);
	assert_int_equal(role_client_call(client, MSG_password_set, &set, MSG_done, &answer),
			 FAULT_NONE);
	assert_int_equal(answer.message.done.fault, FAULT_EXISTS);
	assert_true(str_equals(answer.message.done.text, STR("a@example.com")));
	packet_done(&answer);
}

static void test_calls_go_on_after_the_role_was_restarted(void **state)
{
	struct local local = {.connector = {.self = ROLE_CTL, .connect = connect_local}};
	struct role_client client;

	log_init(&local.log, false);
	role_client_init(&client, &local.connector, ROLE_AUTH, 1000);
	role_start(&local);
	ask(&client);
	ask(&client);
	assert_int_equal(client.idle_count, 1);
	role_stop(&local);
	role_start(&local);
	ask(&client);
	assert_int_equal(client.idle_count, 1);
	role_stop(&local);
	assert_int_equal(local.answered, 3);
	role_client_done(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls_go_on_after_the_role_was_restarted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
