/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One session of a server, without network, TLS, store and auth role: real are
 * the server, session/ and the stream; the rest are stand-ins whose answers
 * the test sets. Whatever a client says is carried out when fixture_say
 * returns, in the test's own thread.
 *
 * Known to the stand-in store: anna@example.org (1), bert@example.org (2),
 * root@example.org (3, administrator), and team@example.org, which goes to
 * anna and bert. Everybody's password is "secret". TLS is a handshake that
 * succeeds at once and bytes that stay as they are.
 */
#ifndef POSTERN_TESTS_SERVERS_FIXTURE_H
#define POSTERN_TESTS_SERVERS_FIXTURE_H

#include "session/admin_client.h"
#include "session/front.h"
#include "store/mail.h"
#include "tls/user_certificate.h"

enum { FIXTURE_MESSAGES = 8, FIXTURE_REPLIES = 8 };

struct fixture_message {
	struct str prefix;
	struct str body;
};

struct fixture {
	struct config config;
	struct config_limits *limits;
	bool offers_certificate; /* the handshake finds the client's certificate good */
	struct tls_user_certificate certificate; /* what is found of it at a login */

	/* What the store says. */
	enum fault view_fault;
	enum fault append_fault;
	enum fault expunge_fault;
	uint64_t full_account;				   /* has no room */
	struct fixture_message messages[FIXTURE_MESSAGES]; /* of every INBOX, UIDs from 11 on */
	size_t message_count;

	/* What the store was asked. */
	unsigned append_count;
	uint64_t append_accounts[16];
	size_t append_targets;
	struct buf append_body;
	struct buf append_prefix; /* of the first target */
	/* What was queued: flags, ENVID; prefix; a line a recipient: address, ORCPT, NOTIFY. */
	struct buf append_queue;
	bool append_by_descriptor;
	struct uid_set expunged;
	int contents_open;

	/* What the admin role was asked, a line each, and what it says, in order. */
	enum fault admin_fault;
	struct buf asked;
	struct asker_answer admin_replies[FIXTURE_REPLIES];
	size_t admin_reply_count;
	size_t admin_taken;
	unsigned admin_went_on;
	unsigned admin_uploaded;
	unsigned admin_cancelled;

	struct front front;
	struct metrics_shared metrics;
	struct log log;
	uint8_t peer[16]; /* IPv6, or IPv4 in mapped form; 192.0.2.1 unless set */
	int client_fd;
	struct task *task;
	bool has_ended; /* the session is gone */
	bool is_deaf; /* the client reads nothing, and the session is left when it waits for that */
	struct buf heard;
};

extern struct fixture fixture;

/* The process-wide fixture, fresh; a cmocka setup and teardown. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Connects; what the server says first is in `heard`. */
void fixture_connect(enum service_id service, const struct protocol *protocol);
/* The same over two connected sockets, the server's and the client's, which it takes over. */
void fixture_connect_by(enum service_id service, const struct protocol *protocol, const int fds[2]);

/* Sends the bytes and lets the session run until it waits; forgets what was heard before. */
void fixture_say_bytes(struct str bytes);
void fixture_say(const char *text);

/* Lets the peer's time run out. */
void fixture_expire(void);

/* Fails unless exactly that was heard since the last fixture_say. */
void fixture_expect(const char *expected);

/* Says and expects. */
void fixture_exchange(const char *text, const char *expected);

/* What the admin role will say next; texts are borrowed. */
void fixture_admin_answers(const struct msg_api_answered *answered);
void fixture_admin_wants_upload(int file); /* taken over */
void fixture_admin_part(const char *bytes, bool is_last);
void fixture_admin_dies(void);

/* Fails unless nothing stands in that log. */
void fixture_expect_no_log(enum log_file file);

/* Fails unless a line of that log, behind its stamp, is exactly `line`; returns with all lines
 * forgotten. */
void fixture_expect_log(enum log_file file, const char *line);

#endif
