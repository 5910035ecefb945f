/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/link.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/auth.h"
#include "auth/service.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/system_user.h"
#include "config/document.h"
#include "config/file.h"
#include "ctl/ctl.h"
#include "ctl/progress.h"
#include "mailq/mailq.h"
#include "store/queue.h"
#include "store/service.h"
#include "store/wire.h"
#include "tls/catalog.h"

/* How long a command waits for a role that is being restarted. */
enum { PATIENCE_MS = 10 * 1000, BUSY_PAUSE_MS = 100, NO_ROLE_CODE = 1 };

/* ---- private roles ---- */

/* What a private role is given before it becomes the store's owner. */
struct private_start {
	const char *home;
	int fd;
	struct log log;
	bool allows_scram; /* of auth */
	/* of mailq */
	struct config *config;
	struct dns_files dns_files;
};

static void ready_tell(const struct private_start *start, enum role role)
{
	struct channel parent = {.fd = start->fd, .self = role, .peer = ROLE_PARENT};
	struct msg_role_ready ready = {.sandbox = STR("")};

	(void)!channel_send(&parent, MSG_role_ready, 0, &ready);
}

static void fault_tell(const struct private_start *start, enum role role, enum fault fault)
{
	struct channel parent = {.fd = start->fd, .self = role, .peer = ROLE_PARENT};
	struct msg_done done = {.fault = fault};

	(void)!channel_send(&parent, MSG_done, 0, &done);
}

static void private_store_run(struct private_start *start)
{
	struct store_service_options options = {.path = "store"};
	struct store_service *service;
	struct role_server server;
	enum fault fault = store_service_open(&options, &service);

	if (fault != FAULT_NONE) {
		fault_tell(start, ROLE_STORE, fault);
		return;
	}
	ready_tell(start, ROLE_STORE);
	role_server_init(&server, &store_service_ops, ROLE_STORE, start->fd, &start->log, service);
	role_server_run(&server);
	store_service_close(&service);
	role_server_done(&server);
}

static void private_auth_run(struct private_start *start)
{
	struct auth_service *service;
	struct role_server server;
	enum fault fault = auth_service_new("store/auth", 1, &service);

	/* Else the verifiers of others are left to the server. */
	if (fault == FAULT_NONE && start->allows_scram)
		fault = auth_service_set_scram(service, true);
	if (fault != FAULT_NONE) {
		fault_tell(start, ROLE_AUTH, fault);
		return;
	}
	ready_tell(start, ROLE_AUTH);
	role_server_init(&server, &auth_ops, ROLE_AUTH, start->fd, &start->log, service);
	role_server_run(&server);
	auth_service_free(&service);
	role_server_done(&server);
}

/* The other roles serve the command, not each other. */
static enum fault nobody_connect(struct connector *connector, enum role role, int *fd_out)
{
	return FAULT_UNAVAILABLE;
}

/* Reads what the parent of a server would hand on. */
static bool mailq_prepare(struct private_start *start)
{
	const struct suite_catalog *catalog = tls_catalog_new();
	char *path = path_join(start->home, "mailserver.cfg");
	struct buf why = BUF_INIT(1024);
	struct findings findings;

	findings_init(&findings);
	dns_files_init(&start->dns_files);
	enum fault fault = config_file_load(path, catalog, &findings, &start->config);
	if (fault != FAULT_NONE)
		ctl_fail(CTL_USAGE, "%s has errors; `postern check` tells them", path);
	else
		fault = dns_files_read(&start->dns_files, start->home, &start->config->resolver,
				       &why);
	if (why.len > 0)
		ctl_fail(CTL_USAGE, "%.*s", STR_ARG(buf_str(&why)));
	findings_done(&findings);
	tls_catalog_free(&catalog);
	buf_done(&why);
	free(path);
	return fault == FAULT_NONE;
}

static void private_mailq_run(struct private_start *start)
{
	struct connector nobody = {.self = ROLE_MAILQ, .connect = nobody_connect};

	if (start->config == NULL) {
		fault_tell(start, ROLE_MAILQ, FAULT_INVALID);
		return;
	}
	struct mailq *mailq = mailq_new(&(struct mailq_options){
		.parent_fd = start->fd, .log = &start->log, .connector = &nobody});
	mailq_dns_files_set(mailq, buf_str(&start->dns_files.servers),
			    buf_str(&start->dns_files.anchors));
	mailq_config_set(mailq, start->config);
	ready_tell(start, ROLE_MAILQ);
	mailq_run(mailq);
	mailq_free(&mailq);
	dns_files_done(&start->dns_files);
}

/*
 * The child's whole life. It becomes the owner of the store: root must not
 * leave files there that the server could not write.
 */
__attribute__((noreturn)) static void private_role_run(enum role role, struct private_start *start)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct system_user user;
	char title[16];

	log_init(&start->log, true);
	/* Ctrl-C ends the command, and thereby the role, in order. */
	CHECK(sigaction(SIGINT, &ignore, NULL) == 0);
	snprintf(title, sizeof(title), "postern-%s", role_name(role));
	(void)prctl(PR_SET_NAME, title);
	if (role == ROLE_MAILQ && !mailq_prepare(start))
		config_unref(&start->config);
	if (chdir(start->home) != 0 || system_user_of_file("store", &user) != FAULT_NONE ||
	    system_user_become(&user) != FAULT_NONE) {
		perror(start->home);
		_exit(NO_ROLE_CODE);
	}
	if (role == ROLE_STORE)
		private_store_run(start);
	else if (role == ROLE_AUTH)
		private_auth_run(start);
	else
		private_mailq_run(start);
	_exit(0);
}

/* What the file says, where it can be read: a password set now then has its verifier. */
static bool scram_is_allowed(const char *home)
{
	struct buf text = BUF_INIT(DOCUMENT_BYTES_MAX);
	char *path = path_join(home, "mailserver.cfg");
	struct findings findings;
	struct document document;
	bool is_allowed = false;

	findings_init(&findings);
	if (file_read(path, &text) == FAULT_NONE) {
		if (document_parse(&document, buf_str(&text), &findings)) {
			const struct element *variable = document_variable(
				&document, STR("Server"), STR(""), STR("AllowScram"));
			is_allowed = variable != NULL && str_equals(str_trim(variable->value), STR("1"));
		}
		document_done(&document);
	}
	findings_done(&findings);
	buf_done(&text);
	free(path);
	return is_allowed;
}

/* Waits for the role's first word: ready, or why not. */
static enum fault private_role_await(struct private_role *role)
{
	struct packet packet;

	packet_init(&packet);
	enum fault fault = channel_receive(&role->channel, &packet);
	if (fault == FAULT_NONE && packet.header.kind == MSG_done)
		fault = fault_from_number(packet.message.done.fault);
	packet_done(&packet);
	return fault;
}

static enum fault private_role_start(struct link *link, enum role kind)
{
	struct private_role *role = &link->roles[kind];
	int fds[2];
	enum fault fault = channel_pair(fds);

	if (fault != FAULT_NONE)
		return fault;
	bool allows_scram = kind == ROLE_AUTH && scram_is_allowed(link->home);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		fd_close(&fds[0]);
		for (int other = 0; other < ROLE_COUNT; other++)
			channel_close(&link->roles[other].channel);
		private_role_run(kind, &(struct private_start){.home = link->home,
							       .fd = fds[1],
							       .allows_scram = allows_scram});
	}
	fd_close(&fds[1]);
	if (pid < 0) {
		fd_close(&fds[0]);
		return FAULT_MEMORY;
	}
	role->pid = pid;
	role->channel = (struct channel){.fd = fds[0], .self = ROLE_PARENT, .peer = kind};
	return private_role_await(role);
}

static void private_role_end(struct private_role *role)
{
	channel_close(&role->channel);
	while (role->pid > 0 && waitpid(role->pid, NULL, 0) < 0 && errno == EINTR)
		;
	role->pid = 0;
}

static enum fault private_connect(struct link *link, enum role kind, int *fd_out)
{
	int fds[2];

	if (link->roles[kind].pid == 0)
		return FAULT_NOT_FOUND;
	enum fault fault = channel_pair(fds);
	if (fault != FAULT_NONE)
		return fault;
	struct msg_channel_offered offered = {.client = ROLE_CTL, .fd = fds[0]};
	fault = channel_send(&link->roles[kind].channel, MSG_channel_offered, 0, &offered);
	fd_close(&fds[0]);
	if (fault == FAULT_NONE)
		*fd_out = fds[1];
	else
		fd_close(&fds[1]);
	/* A private role that died does not come back: waiting would be in vain. */
	return fault == FAULT_UNAVAILABLE ? FAULT_IO : fault;
}

/* ---- the running server ---- */

static enum fault control_ask(struct link *link, enum message_kind kind, const void *request,
			      enum message_kind expected, struct packet *answer)
{
	enum fault fault = channel_send(&link->control, kind, 1, request);

	if (fault == FAULT_NONE)
		fault = channel_receive(&link->control, answer);
	if (fault == FAULT_NONE && answer->header.kind != expected)
		fault = FAULT_INVALID;
	return fault;
}

enum fault link_ask_parent(struct link *link, enum message_kind kind, const void *request,
			   enum message_kind expected, struct packet *answer)
{
	pthread_mutex_lock(&link->lock);
	enum fault fault = control_ask(link, kind, request, expected, answer);
	pthread_mutex_unlock(&link->lock);
	return fault;
}

int link_ask_in_force(struct link *link, enum message_kind kind, const void *request,
		      const char *written)
{
	struct packet answer;
	int code = CTL_DONE;

	packet_init(&answer);
	enum fault fault = link_ask_parent(link, kind, request, MSG_done, &answer);
	if (fault != FAULT_NONE)
		code = ctl_fail(CTL_NOT_RUNNING,
				"%s is written, but the server does not answer: %s", written,
				fault_text(fault));
	else if (answer.message.done.fault != FAULT_NONE)
		code = ctl_fail(CTL_FINDING, "%s is written, but not in force: %.*s", written,
				STR_ARG(answer.message.done.text));
	packet_done(&answer);
	return code;
}

static enum fault server_connect(struct link *link, enum role role, int *fd_out)
{
	struct msg_channel_wanted wanted = {.role = role};
	struct packet answer;

	packet_init(&answer);
	enum fault fault =
		control_ask(link, MSG_channel_wanted, &wanted, MSG_channel_given, &answer);
	if (fault == FAULT_UNAVAILABLE)
		fault = FAULT_IO;
	if (fault == FAULT_NONE)
		fault = fault_from_number(answer.message.channel_given.fault);
	if (fault == FAULT_NONE)
		*fd_out = packet_take_fd(&answer);
	packet_done(&answer);
	return fault;
}

static enum fault link_connect(struct connector *connector, enum role role, int *fd_out)
{
	struct link *link = (struct link *)(void *)connector;

	pthread_mutex_lock(&link->lock);
	enum fault fault = link->control.fd >= 0 ? server_connect(link, role, fd_out)
						 : private_connect(link, role, fd_out);
	pthread_mutex_unlock(&link->lock);
	return fault;
}

/* The channel that a command of the page was started with. */
static bool control_inherited(int *fd_out)
{
	const char *number = getenv(LINK_CONTROL_VARIABLE);
	uint64_t fd;

	if (number == NULL || !str_parse_u64(str_from_c(number), INT32_MAX, &fd))
		return false;
	*fd_out = fcntl((int)fd, F_DUPFD_CLOEXEC, 0);
	return *fd_out >= 0;
}

static enum fault control_connect(const char *home, int *fd_out)
{
	if (control_inherited(fd_out))
		return FAULT_NONE;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char *path = path_join(home, "run/control");
	bool fits = str_copy_c(str_from_c(path), address.sun_path, sizeof(address.sun_path));
	CLEANUP_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	free(path);
	if (fd < 0 || !fits)
		return FAULT_IO;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		return errno == EACCES || errno == EPERM ? FAULT_DENIED : FAULT_NOT_FOUND;
	*fd_out = fd;
	fd = -1;
	return FAULT_NONE;
}

static void link_init(struct link *link, const char *home)
{
	*link = (struct link){.connector = {.self = ROLE_CTL, .connect = link_connect},
			      .home = home,
			      .control = {.fd = -1, .self = ROLE_CTL, .peer = ROLE_PARENT}};
	for (int i = 0; i < ROLE_COUNT; i++)
		link->roles[i].channel.fd = -1;
	CHECK(pthread_mutex_init(&link->lock, NULL) == 0);
	role_client_init(&link->store_role, &link->connector, ROLE_STORE, PATIENCE_MS);
	role_client_init(&link->auth_role, &link->connector, ROLE_AUTH, PATIENCE_MS);
	role_client_init(&link->mailq_role, &link->connector, ROLE_MAILQ, PATIENCE_MS);
	/* Whoever sits before a command may wait for a long one, or interrupt it. */
	link->store_role.answer_ms = link->auth_role.answer_ms = link->mailq_role.answer_ms = 0;
}

enum fault link_open_control(struct link *link, const char *home)
{
	link_init(link, home);
	return control_connect(home, &link->control.fd);
}

int link_control_fail(const char *home, enum fault fault)
{
	if (fault == FAULT_DENIED)
		return ctl_fail(CTL_NOT_RUNNING,
				"%s/run/control: not allowed; run this as root or as the server's user",
				home);
	return ctl_fail(CTL_NOT_RUNNING, "no server is running in %s", home);
}

int link_answer_fail(const char *home, enum fault fault)
{
	return ctl_fail(CTL_NOT_RUNNING, "the server in %s does not answer: %s", home,
			fault_text(fault));
}

static bool home_check(const char *home)
{
	struct stat status;
	char *store = path_join(home, "store");
	bool is_home = stat(store, &status) == 0 && S_ISDIR(status.st_mode);
	bool is_denied = !is_home && errno == EACCES;

	free(store);
	if (is_denied)
		ctl_fail(CTL_USAGE, "%s: not allowed; run this as root or as the server's user",
			 home);
	else if (!is_home)
		ctl_fail(CTL_USAGE, "%s is no home of a server; make one with `postern init --home %s`",
			 home, home);
	return is_home;
}

static enum fault private_roles_start(struct link *link, unsigned needs)
{
	/* The store always: its lock keeps a server from starting meanwhile. */
	enum fault fault = private_role_start(link, ROLE_STORE);

	if (fault == FAULT_BUSY) {
		private_role_end(&link->roles[ROLE_STORE]);
		return fault;
	}
	if (fault == FAULT_NONE && (needs & LINK_AUTH) != 0)
		fault = private_role_start(link, ROLE_AUTH);
	if (fault != FAULT_NONE)
		ctl_fail(CTL_USAGE, "%s/store cannot be opened: %s", link->home, fault_text(fault));
	/* Why not, it has said itself. */
	if (fault == FAULT_NONE && (needs & LINK_MAILQ) != 0)
		fault = private_role_start(link, ROLE_MAILQ);
	return fault;
}

/* Reaches the roles one way or the other. */
static enum fault roles_reach(struct link *link, unsigned needs)
{
	enum fault fault = control_connect(link->home, &link->control.fd);

	if (fault == FAULT_DENIED)
		link_control_fail(link->home, fault);
	if (fault == FAULT_NOT_FOUND)
		fault = home_check(link->home) ? private_roles_start(link, needs) : FAULT_NOT_FOUND;
	return fault;
}

/* While another command has the store, or a server that is starting or ending, waiting helps. */
static enum fault roles_reach_patiently(struct link *link, unsigned needs)
{
	const struct timespec pause = {.tv_nsec = BUSY_PAUSE_MS * 1000000};
	int64_t give_up = clock_mono_ms() + PATIENCE_MS;
	enum fault fault;

	while ((fault = roles_reach(link, needs)) == FAULT_BUSY && clock_mono_ms() < give_up)
		nanosleep(&pause, NULL);
	if (fault == FAULT_BUSY)
		ctl_fail(CTL_USAGE, "%s/store is in use by another process, and no server answers",
			 link->home);
	return fault;
}

enum fault link_open(struct link *link, const char *home, unsigned needs)
{
	link_init(link, home);
	enum fault fault = roles_reach_patiently(link, needs);
	if (fault != FAULT_NONE || (needs & LINK_STORE) == 0)
		return fault;
	char *path = path_join(home, "store");
	fault = store_open(path, &link->store_role, &link->store);
	if (fault != FAULT_NONE)
		ctl_fail(CTL_USAGE, "%s cannot be read: %s", path, fault_text(fault));
	free(path);
	return fault;
}

void link_close(struct link *link)
{
	if (link->connector.connect == NULL)
		return;
	if (link->store != NULL)
		store_close(&link->store);
	role_client_done(&link->store_role);
	role_client_done(&link->auth_role);
	role_client_done(&link->mailq_role);
	channel_close(&link->control);
	for (int i = 0; i < ROLE_COUNT; i++)
		private_role_end(&link->roles[i]);
	pthread_mutex_destroy(&link->lock);
	link->connector.connect = NULL;
}

void link_queue_ordered(struct link *link, const uint64_t *entries, size_t count)
{
	CLEANUP_BUF struct buf numbers = BUF_INIT(QUEUE_ORDER_MAX * sizeof(uint64_t));
	struct packet answer;

	if (link->control.fd < 0)
		return;
	for (size_t i = 0; i < count; i++)
		wire_put_u64(&numbers, entries[i]);
	struct msg_queue_ordered ordered = {.entries = buf_str(&numbers)};
	packet_init(&answer);
	/* The order stands in the store, whoever hears of it. */
	(void)!role_client_call(&link->mailq_role, MSG_queue_ordered, &ordered, MSG_done, &answer);
	packet_done(&answer);
}

static enum fault steps_follow(const struct channel *channel, struct progress *progress,
			       struct packet *answer)
{
	enum fault fault;

	while ((fault = channel_receive(channel, answer)) == FAULT_NONE &&
	       answer->header.kind == MSG_step_told) {
		const struct msg_step_told *told = &answer->message.step_told;
		progress_tell(progress, told->done, told->total, "%.*s", STR_ARG(told->text));
	}
	return fault;
}

enum fault link_follow_mailq(struct link *link, enum message_kind kind, const void *request,
			     struct progress *progress, enum message_kind expected,
			     struct packet *answer)
{
	struct channel channel;

	enum fault fault = role_client_open(&link->mailq_role, &channel);
	if (fault != FAULT_NONE)
		return fault;
	fault = channel_send(&channel, kind, 1, request);
	if (fault == FAULT_NONE)
		fault = steps_follow(&channel, progress, answer);
	channel_close(&channel);
	if (fault == FAULT_NONE && answer->header.kind != expected)
		fault = FAULT_INVALID;
	return fault == FAULT_UNAVAILABLE ? FAULT_IO : fault;
}

static enum fault done_fault(const struct packet *answer)
{
	return fault_from_number(answer->message.done.fault);
}

/* Hands on a page of the list; the last account in it, as a copy, or NULL for an empty page. */
static char *page_hand_on(struct str json,
			  void (*each)(void *context, const char *account, uint32_t flags),
			  void *context)
{
	json_t *page = json_loadb(json.ptr, json.len, 0, NULL), *item;
	const char *last = NULL;
	size_t i;

	json_array_foreach(page, i, item) {
		bool is_admin = json_is_true(json_object_get(item, "admin"));
		bool is_auditor = json_is_true(json_object_get(item, "auditor"));
		bool is_disabled = json_is_true(json_object_get(item, "disabled"));
		bool has_totp = json_is_true(json_object_get(item, "totp"));
		last = json_string_value(json_object_get(item, "account"));
		if (last == NULL)
			break;
		each(context, last,
		     (is_admin ? LOGIN_FLAG_ADMIN : 0u) | (is_auditor ? LOGIN_FLAG_AUDITOR : 0u) |
			     (is_disabled ? LOGIN_FLAG_DISABLED : 0u) |
			     (has_totp ? LOGIN_FLAG_TOTP : 0u));
	}
	char *copy = last == NULL ? NULL : str_dup_c(str_from_c(last));
	json_decref(page);
	return copy;
}

/* A request that is answered by done; the fault that it tells. */
static enum fault parent_do(struct link *link, enum message_kind kind, const void *request)
{
	struct packet answer;

	packet_init(&answer);
	enum fault fault = link_ask_parent(link, kind, request, MSG_done, &answer);
	if (fault == FAULT_NONE)
		fault = done_fault(&answer);
	packet_done(&answer);
	return fault;
}

enum fault link_file_put(struct link *link, const char *name, struct str content)
{
	CLEANUP_FD int fd = memfd_create("postern-file", MFD_CLOEXEC);
	struct msg_home_file_put put = {.name = str_from_c(name), .content = fd};

	if (fd < 0 || !fd_write_all(fd, content.ptr, content.len))
		return FAULT_IO;
	return parent_do(link, MSG_home_file_put, &put);
}

enum fault link_request_key_take(struct link *link, const char *request, const char *name)
{
	struct msg_request_key_taken taken = {.request = str_from_c(request),
					      .name = str_from_c(name)};

	return parent_do(link, MSG_request_key_taken, &taken);
}

enum fault link_file_remove(struct link *link, const char *name)
{
	struct msg_home_file_remove wanted = {.name = str_from_c(name)};

	return parent_do(link, MSG_home_file_remove, &wanted);
}

enum fault link_dkim_lock(struct link *link, int *fd_out)
{
	struct msg_dkim_lock_wanted wanted = {};
	struct packet answer;

	packet_init(&answer);
	enum fault fault = link_ask_parent(link, MSG_dkim_lock_wanted, &wanted,
					   MSG_home_file_given, &answer);
	if (fault == FAULT_NONE)
		fault = fault_from_number(answer.message.home_file_given.fault);
	if (fault == FAULT_NONE)
		*fd_out = packet_take_fd(&answer);
	packet_done(&answer);
	return fault;
}

static bool is_past(const char *account, struct str until)
{
	return !str_is_empty(until) && str_compare(str_from_c(account), until) >= 0;
}

enum fault link_password_list(struct link *link, struct str begin, struct str until,
			      void (*each)(void *context, const char *account, uint32_t flags),
			      void *context)
{
	char *after = str_dup_c(begin);
	enum fault fault = FAULT_NONE;

	while (after != NULL && fault == FAULT_NONE && !is_past(after, until)) {
		struct msg_password_list list = {.after = str_from_c(after)};
		struct packet answer;
		packet_init(&answer);
		fault = role_client_call(&link->auth_role, MSG_password_list, &list, MSG_done,
					 &answer);
		if (fault == FAULT_NONE)
			fault = done_fault(&answer);
		free(after);
		after = fault != FAULT_NONE
				? NULL
				: page_hand_on(answer.message.done.text, each, context);
		packet_done(&answer);
	}
	free(after);
	return fault;
}

/* An order to the auth role; `text`, where it is not NULL, gets that of a good answer. */
static enum fault auth_order(struct link *link, enum message_kind kind, const void *order,
			     struct buf *text)
{
	struct packet answer;

	packet_init(&answer);
	enum fault fault = role_client_call(&link->auth_role, kind, order, MSG_done, &answer);
	if (fault == FAULT_NONE)
		fault = done_fault(&answer);
	if (fault == FAULT_NONE && text != NULL)
		buf_append_str(text, answer.message.done.text);
	packet_done(&answer);
	return fault;
}

enum fault link_login_flags_set(struct link *link, struct str account, uint32_t flags,
				uint32_t mask)
{
	struct msg_login_flags_set set = {.account = account, .flags = flags, .mask = mask};

	return auth_order(link, MSG_login_flags_set, &set, NULL);
}

enum fault link_password_set(struct link *link, struct str account, struct str password,
			     uint32_t flags, struct str session)
{
	struct msg_password_set set = {
		.account = account, .password = password, .flags = flags, .session = session};

	return auth_order(link, MSG_password_set, &set, NULL);
}

enum fault link_login_read(struct link *link, struct str account, struct buf *json)
{
	struct msg_login_wanted wanted = {.account = account};

	return auth_order(link, MSG_login_wanted, &wanted, json);
}

enum fault link_web_sessions_end(struct link *link, struct str account, struct str session)
{
	struct msg_web_sessions_end end = {.account = account, .session = session};

	return auth_order(link, MSG_web_sessions_end, &end, NULL);
}

enum fault link_second_factor_begin(struct link *link, struct str account, struct buf *secret)
{
	struct msg_second_factor_begin begin = {.account = account};

	return auth_order(link, MSG_second_factor_begin, &begin, secret);
}

enum fault link_second_factor_confirm(struct link *link, struct str account, struct str code,
				      struct str session)
{
	struct msg_second_factor_confirm confirm = {
		.account = account, .code = code, .session = session};

	return auth_order(link, MSG_second_factor_confirm, &confirm, NULL);
}

enum fault link_second_factor_off(struct link *link, struct str account, struct str session)
{
	struct msg_second_factor_off off = {.account = account, .session = session};

	return auth_order(link, MSG_second_factor_off, &off, NULL);
}
