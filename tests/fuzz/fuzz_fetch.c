/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes fetch/session, fetch/listing and deliver/pop3_client: any bytes where a server's answers
 * belong lead to an end, nothing is deleted that was not settled, and nothing is kept beyond its
 * limit. The first byte says what is done with the messages.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/tls/fixture.h"
#include "fetch/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 500, STEPS_MAX = 100 * 1000, HEARD_MAX = 1 << 20 };

static struct tls_context *context;

static void start(void)
{
	struct tls_policy policy = policy_make(TLS_PROTOCOLS_DEFAULT);

	policy.direction = TLS_CLIENT;
	context = context_make(&policy, 0, NULL);
}

static void session_begin(struct fetch_session *session, int fd)
{
	static const struct tls_demand demand = {.level = TLS_LEVEL_NONE};
	struct fetch_session_parts parts = {
		.client = {.outbound = {.fd = fd,
					.context = context,
					.file_name = STR("mailserver.cfg"),
					.host = STR("pop.example.test"),
					.demand = &demand}},
		.user = STR("u"),
		.password = STR("p"),
		.may_clear = true,
		.message_bytes = LIMIT,
		.max_messages = 3,
		.max_bytes = 2 * LIMIT};

	fetch_session_init(session, &parts);
}

static void actions_set(struct fetch_session *session, uint8_t seed)
{
	const struct fetch_rules rules = {.message_bytes = LIMIT};
	const struct fetched stored = {.state = FETCHED_STORED};

	for (size_t i = 0; i < session->listing.count; i++) {
		struct fetch_message *message = &session->listing.messages[i];
		CHECK(message->has_bytes && message->number > 0);
		CHECK(i == 0 || message->number > message[-1].number);
		if (message->uidl.len > 0)
			CHECK(fetch_listing_find(&session->listing, message->uidl) != NULL);
		message->action = fetch_action_of(&rules, message,
						  (seed >> i % 8 & 1) != 0 ? &stored : NULL);
	}
}

/* The visit's whole life; the number of messages that it was told to delete. */
static uint32_t session_run(struct fetch_session *session, uint8_t seed)
{
	uint32_t deletions = 0;

	for (int i = 0; i < STEPS_MAX; i++) {
		struct str message;
		switch (fetch_session_step(session)) {
		case FETCH_SESSION_LISTED:
			actions_set(session, seed);
			for (size_t at = 0; at < session->listing.count; at++)
				deletions += session->listing.messages[at].action ==
					     FETCH_ACTION_DELETE;
			break;
		case FETCH_SESSION_MESSAGE:
			CHECK(spool_view(&session->spool, &message) == FAULT_NONE);
			CHECK(message.len <= LIMIT && message.len == session->spool.size_bytes);
			deletions += seed & 1;
			fetch_session_settle(session, (seed & 1) != 0);
			break;
		case FETCH_SESSION_REFUSED:
			break;
		case FETCH_SESSION_OVER:
		case FETCH_SESSION_FAILED:
			return deletions;
		default:
			/* All that ever comes is there, and what is said is taken. */
			fetch_session_expire(session);
		}
	}
	CHECK(!"a visit without an end");
	return 0;
}

static size_t commands_count(int fd, struct str verb)
{
	struct buf heard = BUF_INIT(HEARD_MAX);
	char bytes[4096];
	ssize_t got;
	size_t count = 0;

	while ((got = read(fd, bytes, sizeof(bytes))) > 0)
		buf_append(&heard, bytes, (size_t)got);
	for (struct str rest = buf_str(&heard); rest.ptr != NULL;)
		count += str_has_prefix(str_cut(&rest, '\n'), verb);
	buf_done(&heard);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fetch_session session;
	int fds[2];

	if (context == NULL)
		start();
	if (size == 0 || size > 64 * 1024)
		return 0;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	CHECK(write(fds[1], data + 1, size - 1) == (ssize_t)(size - 1));
	CHECK(shutdown(fds[1], SHUT_WR) == 0);
	session_begin(&session, fds[0]);
	uint32_t deletions = session_run(&session, data[0]);
	CHECK(session.fetched <= 3);
	CHECK(session.deleted <= deletions);
	fetch_session_done(&session);
	CHECK(commands_count(fds[1], STR("DELE ")) <= deletions);
	close(fds[1]);
	return 0;
}
