/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "session/mailq_metrics.h"
#include "store/directory.h"
#include "store/mailbox.h"
#include "store/queue.h"
#include "tls/binding.h"

enum { HEARD_MAX = 8 << 20, STAMP_LEN = 23, BODY_MAX = 4 << 20 };

struct fixture fixture;

/* ---- stand-ins: waiter, TLS, configuration ---- */

void task_start(struct waiter *waiter, struct task *task)
{
	fixture.task = task;
}

void task_wake(struct task *task)
{
	task->is_woken = true;
}

const struct transport transport_tls = {.read = NULL};

struct tls_connection *tls_connection_new(struct tls_context *context, int fd)
{
	return (struct tls_connection *)context;
}

enum io tls_handshake(struct tls_connection *connection)
{
	/* The bytes that follow are as plain as before. */
	((struct session *)(void *)fixture.task)->stream.transport = &transport_plain;
	return IO_DONE;
}

void tls_connection_facts(const struct tls_connection *connection, struct tls_facts *facts_out)
{
	*facts_out = (struct tls_facts){.is_active = true,
					.has_user = fixture.offers_certificate,
					.version = TLS_PROTOCOL_COUNT - 1,
					.version_name = "TLSv1.3",
					.suite = "TLS_AES_128_GCM_SHA256",
					.suite_id = 0x1301,
					.group = "x25519"};
}

void tls_facts_append(const struct tls_facts *facts, struct buf *to)
{
	if (facts->is_active)
		buf_printf(to, "%s %s %s", facts->version_name, facts->suite, facts->group);
}

void tls_failure_append(struct buf *to, const struct tls_connection *connection, struct str address,
			struct str name)
{
	buf_append_c(to, "TLS: failed");
}

enum tls_failure tls_failure_kind(const struct tls_connection *connection)
{
	return TLS_FAILURE_OTHER;
}

void tls_handshake_expire(struct tls_connection *connection)
{
}

void tls_floor_append(struct buf *to, const struct tls_connection *connection, struct str address)
{
	buf_append_c(to, "TLS: below the floor");
}

bool tls_connection_binding(const struct tls_connection *connection, struct str name,
			    struct buf *to)
{
	return false;
}

void tls_user_certificate_read(const struct tls_connection *connection,
			       struct tls_user_certificate *certificate_out)
{
	*certificate_out = fixture.certificate;
}

void tls_user_certificate_append(struct buf *to, const struct tls_connection *connection,
				 const struct tls_user_certificate *certificate, struct str address)
{
	buf_append_c(to, "TLS: a certificate");
}

void tls_context_unref(struct tls_context **context)
{
	*context = NULL;
}

/* Of a certificate its one name is known. */
struct tls_certificate *tls_certificate_ref(struct tls_certificate *certificate)
{
	return certificate;
}

void tls_certificate_unref(struct tls_certificate **certificate)
{
	*certificate = NULL;
}

int tls_certificate_match(const struct tls_certificate *certificate, struct str host)
{
	return str_equals(str_from_c((const char *)certificate), host) ? 2 : 0;
}

void config_unref(struct config **config)
{
	*config = NULL;
}

bool config_is_exempt(const struct config *config, const uint8_t address[16])
{
	return true;
}

/* No peer has a row of its own here. */
const struct partner *partner_find(const struct config *config, const struct partner_query *query)
{
	return NULL;
}

bool partner_wants_names(const struct config *config, enum service_id service, int64_t now_s)
{
	return false;
}

void mailq_metrics_append(struct front *front, struct buf *to)
{
}

bool names_are_worth_asking(const uint8_t address[16])
{
	return false;
}

uint64_t names_ask(struct asker *names, const uint8_t address[16], int patience_ms,
		   asker_told *told, void *context)
{
	return 0;
}

enum fault names_read(const struct asker_answer *answer, struct str *names_out)
{
	return FAULT_UNAVAILABLE;
}

const char *service_name(enum service_id id)
{
	static const char *const names[SERVICE_COUNT] = {
#define X(service, name, port, unprivileged, tls, table, login) name,
		SERVICE_TABLE(X)
#undef X
	};
	return names[id];
}

/* ---- stand-ins: challenges of a CA ---- */

bool tls_challenges_answer(struct tls_challenges *challenges, struct str token, struct buf *to)
{
	if (!str_equals(token, STR("token")))
		return false;
	buf_append_c(to, "token.print");
	return true;
}

/* ---- stand-ins: auth ---- */

static struct login_answer answer;

enum fault auth_client_ask(struct asker *auth, const struct login_question *question,
			   asker_wake *wake, void *context, uint64_t *ticket_out)
{
	bool is_known = str_has_suffix_nocase(question->account, STR("@example.org"));

	if (question->kind == LOGIN_BY_CERTIFICATE)
		answer = (struct login_answer){.verdict = question->found};
	else
		answer = (struct login_answer){.verdict = !is_known ? LOGIN_UNKNOWN_USER
						  : str_equals(question->password, STR("secret"))
							  ? LOGIN_GRANTED
							  : LOGIN_WRONG_PASSWORD};
	*ticket_out = 1;
	wake(context);
	return FAULT_NONE;
}

bool auth_client_take(struct asker *auth, uint64_t ticket, struct login_answer *answer_out)
{
	*answer_out = answer;
	return true;
}

void asker_cancel(struct asker *asker, uint64_t ticket)
{
}

/* ---- stand-ins: admin ---- */

static asker_wake *waker;
static void *waked;

enum fault admin_client_ask(struct asker *admin, const struct msg_api_asked *request,
			    asker_wake *wake, void *context, uint64_t *ticket_out)
{
	struct str body = request->body;

	if (fixture.admin_fault != FAULT_NONE)
		return fixture.admin_fault;
	waker = wake;
	waked = context;
	buf_printf(&fixture.asked, "%.*s %.*s?%.*s peer=%.*s token=%.*s csrf=%.*s origin=%.*s",
		   STR_ARG(request->method), STR_ARG(request->path), STR_ARG(request->query),
		   STR_ARG(request->peer), STR_ARG(request->token), STR_ARG(request->csrf),
		   STR_ARG(request->origin));
	buf_printf(&fixture.asked, " site=%.*s type=%.*s host=%.*s body=",
		   STR_ARG(request->fetch_site), STR_ARG(request->content_type),
		   STR_ARG(request->host));
	if (request->upload_bytes > 0)
		buf_printf(&fixture.asked, "upload of %llu",
			   (unsigned long long)request->upload_bytes);
	else if (request->file >= 0)
		buf_printf(&fixture.asked, "file of %lld", (long long)lseek(request->file, 0, SEEK_END));
	else
		buf_append_str(&fixture.asked, body);
	buf_append_char(&fixture.asked, '\n');
	*ticket_out = 1;
	wake(context);
	return FAULT_NONE;
}

bool asker_take(struct asker *asker, uint64_t ticket, struct asker_answer *answer_out)
{
	CHECK(fixture.admin_taken < fixture.admin_reply_count);
	*answer_out = fixture.admin_replies[fixture.admin_taken++];
	return true;
}

void admin_client_go_on(struct asker *admin, uint64_t ticket)
{
	fixture.admin_went_on++;
}

void admin_client_uploaded(struct asker *admin, uint64_t ticket)
{
	fixture.admin_uploaded++;
	waker(waked);
}

void admin_client_cancel(struct asker *admin, uint64_t ticket)
{
	fixture.admin_cancelled++;
}

static struct packet *admin_reply_add(enum message_kind kind)
{
	struct asker_answer *reply = &fixture.admin_replies[fixture.admin_reply_count++];

	CHECK(fixture.admin_reply_count <= FIXTURE_REPLIES);
	*reply = (struct asker_answer){.was_asked = true};
	packet_init(&reply->packet);
	reply->packet.header.kind = kind;
	return &reply->packet;
}

void fixture_admin_answers(const struct msg_api_answered *answered)
{
	struct packet *packet = admin_reply_add(MSG_api_answered);

	packet->message.api_answered = *answered;
	packet->fd = answered->file;
	fixture.front.admin = (struct asker *)&fixture;
}

void fixture_admin_wants_upload(int file)
{
	admin_reply_add(MSG_api_upload_given)->fd = file;
	fixture.front.admin = (struct asker *)&fixture;
}

void fixture_admin_part(const char *bytes, bool is_last)
{
	struct packet *packet = admin_reply_add(MSG_api_part);

	packet->message.api_part =
		(struct msg_api_part){.bytes = str_from_c(bytes), .is_last = is_last};
}

void fixture_admin_dies(void)
{
	admin_reply_add(MSG_api_part);
	fixture.admin_replies[fixture.admin_reply_count - 1].fault = FAULT_UNAVAILABLE;
	fixture.front.admin = (struct asker *)&fixture;
}

/* ---- stand-ins: store ---- */

/* A test that needs more of a store brings its own. */
#pragma weak mail_append
#pragma weak mailbox_find
#pragma weak mail_rows_open
#pragma weak mail_rows_next
#pragma weak mail_content_open
#pragma weak mail_expunge
#pragma weak uid_set_add
#pragma weak uid_set_done

static const struct user users[] = {
	{.account = 1, .address = STR_INIT("anna@example.org")},
	{.account = 2, .address = STR_INIT("bert@example.org")},
	{.account = 3, .address = STR_INIT("root@example.org"), .is_admin = true},
};

enum { USER_COUNT = sizeof(users) / sizeof(users[0]) };

enum fault view_open(struct store *store, struct view **view_out)
{
	if (fixture.view_fault == FAULT_NONE)
		*view_out = (struct view *)&fixture;
	return fixture.view_fault;
}

void view_close(struct view **view)
{
	*view = NULL;
}

enum fault directory_user_find(struct view *view, struct str address, struct user *user_out)
{
	for (size_t i = 0; i < USER_COUNT; i++)
		if (str_equals(users[i].address, address)) {
			*user_out = users[i];
			return FAULT_NONE;
		}
	return FAULT_NOT_FOUND;
}

enum fault directory_user_get(struct view *view, uint64_t account, struct user *user_out)
{
	if (account == 0 || account > USER_COUNT)
		return FAULT_NOT_FOUND;
	*user_out = users[account - 1];
	return FAULT_NONE;
}

bool directory_user_next(struct view *view, struct str after, struct user *user_out)
{
	for (size_t i = 0; i < USER_COUNT; i++)
		if (str_compare(users[i].address, after) > 0) {
			*user_out = users[i];
			return true;
		}
	return false;
}

enum fault directory_route(struct view *view, struct str address, struct route *route_out)
{
	struct user user;

	if (!str_has_suffix_nocase(address, STR("@example.org")))
		return FAULT_DENIED;
	if (str_equals(address, STR("team@example.org"))) {
		route_out->count = 2;
		route_out->accounts[0] = 1;
		route_out->accounts[1] = 2;
		return FAULT_NONE;
	}
	if (directory_user_find(view, address, &user) != FAULT_NONE)
		return FAULT_NOT_FOUND;
	route_out->count = 1;
	route_out->accounts[0] = user.account;
	return FAULT_NONE;
}

enum fault mail_quota_check(struct view *view, uint64_t account, uint64_t bytes)
{
	return account == fixture.full_account ? FAULT_OVER_QUOTA : FAULT_NONE;
}

static void queued_note(const struct queue_new *queued)
{
	struct buf *to = &fixture.append_queue;

	buf_printf(to, "%x <%.*s> %.*s\n%.*s", queued->envelope.flags,
		   STR_ARG(queued->envelope.sender), STR_ARG(queued->envelope.envid),
		   STR_ARG(queued->prefix));
	for (size_t i = 0; i < queued->recipient_count; i++)
		buf_printf(to, "%.*s %.*s %x%s\n", STR_ARG(queued->recipients[i].address),
			   STR_ARG(queued->recipients[i].original), queued->recipients[i].notify,
			   queued->recipients[i].is_delivered ? " delivered" : "");
}

enum fault mail_append(struct store *store, struct mail_append *append)
{
	fixture.append_count++;
	fixture.append_targets = append->target_count;
	for (size_t i = 0; i < append->target_count; i++)
		fixture.append_accounts[i] = append->targets[i].account;
	buf_reset(&fixture.append_body);
	buf_reset(&fixture.append_prefix);
	if (append->target_count > 0)
		buf_append_str(&fixture.append_prefix, append->targets[0].prefix);
	buf_reset(&fixture.append_queue);
	if (append->queue != NULL)
		queued_note(append->queue);
	fixture.append_by_descriptor = append->body.fd != -1;
	if (fixture.append_by_descriptor) {
		assert_true(lseek(append->body.fd, 0, SEEK_SET) == 0);
		assert_int_equal(fd_read_file(append->body.fd, &fixture.append_body), FAULT_NONE);
	} else {
		buf_append_str(&fixture.append_body, append->body.bytes);
	}
	return fixture.append_fault;
}

enum fault mailbox_find(struct view *view, uint64_t account, struct str name,
			struct mailbox *mailbox_out)
{
	assert_true(str_equals(name, STR("INBOX")));
	*mailbox_out = (struct mailbox){.id = 1, .uidvalidity = 0xabc};
	return FAULT_NONE;
}

void mail_rows_open(struct view *view, uint64_t account, uint32_t mailbox, uint32_t from_uid,
		    struct mail_rows *rows_out)
{
	*rows_out = (struct mail_rows){.view = view};
}

bool mail_rows_next(struct mail_rows *rows, struct mail *mail_out)
{
	size_t at = rows->prefix[0]++;

	if (at >= fixture.message_count)
		return false;
	*mail_out = (struct mail){.uid = 11 + (uint32_t)at,
				  .message = at,
				  .size = fixture.messages[at].prefix.len +
					  fixture.messages[at].body.len};
	return true;
}

void mail_rows_close(struct mail_rows *rows)
{
}

enum fault mail_content_open(struct view *view, uint64_t account, uint64_t message,
			     struct mail_content *content_out)
{
	if (fixture.messages[message].body.ptr == NULL)
		return FAULT_NOT_FOUND;
	*content_out = (struct mail_content){.prefix = fixture.messages[message].prefix,
					     .body = fixture.messages[message].body};
	fixture.contents_open++;
	return FAULT_NONE;
}

void mail_content_close(struct mail_content *content)
{
	fixture.contents_open--;
}

enum fault mail_expunge(struct store *store, uint64_t account, uint32_t mailbox,
			const struct uid_set *set, bool only_deleted, struct uid_set *expunged_out)
{
	for (size_t i = 0; i < set->count; i++)
		uid_set_add(&fixture.expunged, set->ranges[i].first, set->ranges[i].last);
	return fixture.expunge_fault;
}

void uid_set_add(struct uid_set *set, uint32_t first, uint32_t last)
{
	set->ranges = reallocarray(set->ranges, set->count + 1, sizeof(*set->ranges));
	assert_non_null(set->ranges);
	set->ranges[set->count++] = (struct uid_range){.first = first, .last = last};
}

void uid_set_done(struct uid_set *set)
{
	free(set->ranges);
	*set = (struct uid_set){0};
}

/* ---- the fixture ---- */

static void config_fill(struct config *config)
{
	config->server.hostname = STR("mx.example.org");
	config->limits = (struct config_limits){
		.message_bytes = 1 << 20,
		.recipients = 4,
		.line_bytes = 2000,
		.header_bytes = 4096,
		.mime_parts = 100,
		.mime_depth = 10,
		.commands_before_login = 30,
		.connections_per_address = 10,
		.idle_seconds = 600,
	};
	for (int i = 0; i < SERVICE_COUNT; i++)
		config->services[i] = (struct service_config){
			.id = (enum service_id)i, .enabled = true, .max_connections = 10};
	config->services[SERVICE_SUBMISSION].require_tls = true;
	config->services[SERVICE_SMTPS].tls = SERVICE_TLS_IMPLICIT;
	config->services[SERVICE_POP3S].tls = SERVICE_TLS_IMPLICIT;
	config->services[SERVICE_HTTPS].tls = SERVICE_TLS_IMPLICIT;
}

int fixture_setup(void **state)
{
	struct tls_context *contexts[SERVICE_COUNT];
	struct metrics metrics = {.shared = &fixture.metrics, .own = &fixture.metrics.fronts[0]};

	memset(&fixture, 0, sizeof(fixture));
	buf_init(&fixture.heard, HEARD_MAX);
	buf_init(&fixture.append_body, BODY_MAX);
	buf_init(&fixture.append_prefix, BODY_MAX);
	buf_init(&fixture.append_queue, BODY_MAX);
	buf_init(&fixture.asked, BODY_MAX);
	config_fill(&fixture.config);
	fixture.limits = &fixture.config.limits;
	memcpy(fixture.peer, (uint8_t[16]){[10] = 0xff, [11] = 0xff, 192, 0, 2, 1}, 16);
	for (int i = 0; i < SERVICE_COUNT; i++)
		contexts[i] = (struct tls_context *)&fixture;
	log_init(&fixture.log, false);
	for (int i = 0; i < LOG_FILE_COUNT; i++)
		fixture.log.fds[i] = memfd_create("log", MFD_CLOEXEC);
	fixture.client_fd = -1;
	front_init(&fixture.front, NULL, NULL, NULL, &metrics, &fixture.log);
	front_snapshot_set(&fixture.front, snapshot_new(&fixture.config, contexts));
	return 0;
}

static void task_end(void)
{
	fixture.has_ended = true;
	fixture.task->ops->end(fixture.task);
	fixture.task = NULL;
}

int fixture_teardown(void **state)
{
	if (fixture.task != NULL)
		task_end();
	for (int i = 0; i < LOG_FILE_COUNT; i++)
		fd_close(&fixture.log.fds[i]);
	fd_close(&fixture.client_fd);
	assert_int_equal(fixture.contents_open, 0);
	buf_done(&fixture.heard);
	buf_done(&fixture.append_body);
	buf_done(&fixture.append_prefix);
	buf_done(&fixture.append_queue);
	buf_done(&fixture.asked);
	uid_set_done(&fixture.expunged);
	front_done(&fixture.front);
	return 0;
}

/* Takes what the server said; true when it has ended its side. */
static bool hear(void)
{
	if (fixture.is_deaf)
		return false;
	for (;;) {
		char *at = buf_reserve(&fixture.heard, 4096);
		assert_non_null(at);
		ssize_t got = recv(fixture.client_fd, at, 4096, MSG_DONTWAIT);
		if (got <= 0)
			return got == 0;
		buf_commit(&fixture.heard, (size_t)got);
	}
}

/* Runs the session until only the peer's input can move it. */
static void run(void)
{
	while (fixture.task != NULL) {
		enum step step = fixture.task->ops->run(fixture.task);
		fixture.task->is_woken = fixture.task->is_expired = false;
		bool is_over = hear();
		if (step == STEP_END)
			task_end();
		else if (is_over)
			/* A client that was told goodbye ends its side too. */
			(void)shutdown(fixture.client_fd, SHUT_WR);
		else if (step == STEP_WAIT_INPUT || (step == STEP_WAIT_OUTPUT && fixture.is_deaf))
			return;
	}
}

void fixture_connect(enum service_id service, const struct protocol *protocol)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	fixture_connect_by(service, protocol, fds);
}

void fixture_connect_by(enum service_id service, const struct protocol *protocol, const int fds[2])
{
	struct sockaddr_in6 peer = {.sin6_family = AF_INET6};

	memcpy(peer.sin6_addr.s6_addr, fixture.peer, sizeof(fixture.peer));
	fd_set_nonblocking(fds[0]);
	fd_close(&fixture.client_fd);
	fixture.client_fd = fds[1];
	fixture.has_ended = false;
	buf_reset(&fixture.heard);
	front_accept(&fixture.front, service, protocol, fds[0], &peer);
	run();
}

void fixture_say_bytes(struct str bytes)
{
	buf_reset(&fixture.heard);
	while (bytes.len > 0 && fixture.task != NULL) {
		ssize_t sent =
			send(fixture.client_fd, bytes.ptr, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent > 0)
			bytes = str_from(bytes, (size_t)sent);
		run();
	}
	hear();
}

void fixture_say(const char *text)
{
	fixture_say_bytes(str_from_c(text));
}

void fixture_expire(void)
{
	buf_reset(&fixture.heard);
	fixture.task->is_expired = true;
	run();
	hear();
}

void fixture_expect(const char *expected)
{
	if (!str_equals(buf_str(&fixture.heard), str_from_c(expected)))
		fail_msg("heard: %.*s", STR_ARG(buf_str(&fixture.heard)));
}

void fixture_exchange(const char *text, const char *expected)
{
	fixture_say(text);
	if (!str_equals(buf_str(&fixture.heard), str_from_c(expected)))
		fail_msg("said: %sheard: %.*s", text, STR_ARG(buf_str(&fixture.heard)));
}

void fixture_expect_no_log(enum log_file file)
{
	assert_int_equal(lseek(fixture.log.fds[file], 0, SEEK_END), 0);
}

void fixture_expect_log(enum log_file file, const char *line)
{
	struct buf text = BUF_INIT(1 << 20);
	bool is_found = false;

	assert_true(lseek(fixture.log.fds[file], 0, SEEK_SET) == 0);
	assert_int_equal(fd_read_file(fixture.log.fds[file], &text), FAULT_NONE);
	for (struct str rest = buf_str(&text); rest.ptr != NULL && !is_found;)
		is_found = str_equals(str_from(str_cut(&rest, '\n'), STAMP_LEN), str_from_c(line));
	if (!is_found)
		fail_msg("no such line: %s\nbut:\n%.*s", line, STR_ARG(buf_str(&text)));
	buf_done(&text);
}
