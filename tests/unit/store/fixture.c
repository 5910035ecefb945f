/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fixture.h"
#include "store/directory.h"
#include "store/mail.h"
#include "store/mailbox.h"
#include "store/store_internal.h"

static enum fault fixture_connect(struct connector *connector, enum role role, int *fd_out)
{
	struct fixture *fixture = list_entry(connector, struct fixture, connector);
	int fds[2];

	assert_int_equal(role, ROLE_STORE);
	assert_int_equal(channel_pair(fds), FAULT_NONE);
	struct msg_channel_offered offered = {.client = connector->self, .fd = fds[1]};
	enum fault fault = channel_send(&fixture->parent, MSG_channel_offered, 0, &offered);
	close(fds[1]);
	*fd_out = fds[0];
	return fault;
}

static void *loop_run(void *argument)
{
	role_server_run(argument);
	return NULL;
}

static void fixture_open(struct fixture *fixture)
{
	int fds[2];

	fixture->options.path = fixture->folder;
	assert_int_equal(store_service_open(&fixture->options, &fixture->service), FAULT_NONE);
	assert_int_equal(channel_pair(fds), FAULT_NONE);
	fixture->parent = (struct channel){.fd = fds[0], .self = ROLE_PARENT, .peer = ROLE_STORE};
	log_init(&fixture->log, true);
	role_server_init(&fixture->server, &store_service_ops, ROLE_STORE, fds[1], &fixture->log,
			 fixture->service);
	assert_int_equal(pthread_create(&fixture->loop, NULL, loop_run, &fixture->server), 0);
	fixture->connector = (struct connector){.self = ROLE_FRONT, .connect = fixture_connect};
	role_client_init(&fixture->client, &fixture->connector, ROLE_STORE, 1000);
	fixture->store = store_new_over(store_service_index(fixture->service), fixture->folder,
					&fixture->client);
}

void fixture_start(struct fixture *fixture, const struct store_service_options *options)
{
	*fixture = (struct fixture){0};
	if (options != NULL)
		fixture->options = *options;
	/* In memory where that is possible: thousands of flushes take their time on a disk. */
	snprintf(fixture->folder, sizeof(fixture->folder), "%s/postern-store-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(fixture->folder));
	fixture_open(fixture);
}

void fixture_stop(struct fixture *fixture)
{
	store_close(&fixture->store);
	role_client_done(&fixture->client);
	channel_close(&fixture->parent);
	assert_int_equal(pthread_join(fixture->loop, NULL), 0);
	role_server_done(&fixture->server);
	store_service_close(&fixture->service);
}

void fixture_restart(struct fixture *fixture)
{
	fixture_stop(fixture);
	fixture_open(fixture);
}

void fixture_remove(struct fixture *fixture)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", fixture->folder);
	assert_int_equal(system(command), 0);
}

uint64_t fixture_user(struct fixture *fixture, const char *address, uint64_t quota_bytes)
{
	struct user user = {.address = str_from_c(address), .quota_bytes = quota_bytes};
	uint64_t account = 0;
	struct str domain = user.address;

	str_cut(&domain, '@');
	enum fault fault = directory_domain_add(fixture->store, domain);
	assert_true(fault == FAULT_NONE || fault == FAULT_EXISTS);
	assert_int_equal(directory_user_add(fixture->store, &user, &account), FAULT_NONE);
	return account;
}

uint32_t fixture_mailbox(struct fixture *fixture, uint64_t account, const char *name)
{
	struct view *view;
	struct mailbox mailbox;

	assert_int_equal(view_open(fixture->store, &view), FAULT_NONE);
	assert_int_equal(mailbox_find(view, account, str_from_c(name), &mailbox), FAULT_NONE);
	view_close(&view);
	return mailbox.id;
}

uint32_t fixture_append(struct fixture *fixture, uint64_t account, uint32_t mailbox,
			const char *body, uint32_t flags)
{
	struct mail_target target = {.account = account, .mailbox = mailbox};
	struct mail_append append = {.body = {.bytes = str_from_c(body), .fd = -1},
				     .flags = flags,
				     .received_s = 1000,
				     .targets = &target,
				     .target_count = 1};

	assert_int_equal(mail_append(fixture->store, &append), FAULT_NONE);
	assert_true(target.uid > 0);
	return target.uid;
}
