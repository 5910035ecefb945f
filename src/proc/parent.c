/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "proc/floors.h"
#include "proc/notify.h"
#include "proc/partners.h"
#include "proc/role.h"
#include "proc/watchdog.h"
#include "tls/catalog.h"
#include "tls/user_anchors.h"

enum {
	LOOP_MS = 200,
	STOP_MS = 15 * 1000,
	/* Editors write in several steps; the file is read when it has been quiet for so long. */
	CHANGE_SETTLES_MS = 500,
	LOGS_LOOK_MS = 60 * 1000,
	EVENTS = 32,
};

void parent_watch(struct parent *parent, struct source *source, int fd,
		  void (*ready)(struct parent *parent, struct source *source))
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};

	source->fd = fd;
	source->ready = ready;
	CHECK(epoll_ctl(parent->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0);
}

void parent_unwatch(struct parent *parent, struct source *source)
{
	if (source->fd >= 0)
		epoll_ctl(parent->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	source->fd = -1;
}

void parent_give_up(struct parent *parent, int exit_code, const char *format, ...)
{
	struct log_line line;
	va_list args;

	log_line_begin(&line, &parent->logs.log, LOG_ERROR);
	va_start(args, format);
	buf_vprintf(&line.text, format, args);
	va_end(args);
	log_line_end(&line);
	parent->exit_code = exit_code;
	parent_stop(parent);
}

void parent_stop(struct parent *parent)
{
	if (parent->is_stopping)
		return;
	parent->is_stopping = true;
	parent->stop_deadline_ms = clock_mono_ms() + STOP_MS;
	notify_service_manager("STOPPING=1");
	/* First those who may still need the others to finish what was begun. */
	for (size_t i = 0; i < parent->child_count; i++)
		if (role_meets_peers(parent->children[i].role))
			child_ask_to_end(&parent->children[i]);
}

static void signals_ready(struct parent *parent, struct source *source)
{
	struct signalfd_siginfo info;

	while (read(source->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			roles_reap(parent);
			break;
		case SIGHUP:
			apply_begin(parent);
			break;
		default:
			parent_stop(parent);
		}
	}
}

static void signals_open(struct parent *parent)
{
	sigset_t wanted;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	CHECK(sigprocmask(SIG_BLOCK, &wanted, NULL) == 0);
	signal(SIGPIPE, SIG_IGN);
	int fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	CHECK(fd >= 0);
	parent_watch(parent, &parent->signals, fd, signals_ready);
}

static bool change_concerns(const struct parent *parent, const struct inotify_event *event)
{
	struct str name = str_from_c(event->len > 0 ? event->name : "");

	if (event->wd == parent->home_watch)
		return str_equals(name, STR("mailserver.cfg"));
	return str_has_suffix_nocase(name, STR(".crt")) || str_has_suffix_nocase(name, STR(".key"));
}

static void changes_ready(struct parent *parent, struct source *source)
{
	_Alignas(struct inotify_event) char bytes[4096];
	ssize_t got;

	while ((got = read(source->fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t at = 0; at < got;) {
			const struct inotify_event *event = (const struct inotify_event *)(bytes + at);
			if (change_concerns(parent, event)) {
				parent->change_noticed_ms = clock_mono_ms();
				if (event->wd == parent->certificate_watch)
					parent->pairs_noticed = true;
			}
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
}

static void changes_open(struct parent *parent)
{
	const uint32_t events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM;
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	parent->changes.fd = -1;
	if (fd < 0) {
		log_printf(&parent->logs.log, LOG_WARNING,
			   "changes of files will not be noticed by themselves: %s; use postern reload",
			   strerror(errno));
		return;
	}
	parent->home_watch = inotify_add_watch(fd, parent->home, events);
	parent->certificate_watch = inotify_add_watch(fd, parent->certificate_path, events);
	parent_watch(parent, &parent->changes, fd, changes_ready);
}

/* What is in force, or was told to be broken when somebody asked for a reload, is no news. */
static bool config_file_is_news(struct parent *parent)
{
	struct buf text = BUF_INIT(CONFIG_FILE_MAX);
	bool is_news = file_read(parent->config_path, &text) != FAULT_NONE ||
		       (!str_equals(buf_str(&text), parent->config->text) &&
			!apply_was_told(parent, buf_str(&text)));

	buf_done(&text);
	return is_news;
}

/*
 * A hand edit is checked and reported, and applied if AutoReload says so;
 * replaced certificates are served at once.
 */
static void change_look(struct parent *parent)
{
	bool is_news = config_file_is_news(parent), has_pairs = parent->pairs_noticed;

	parent->change_noticed_ms = 0;
	parent->pairs_noticed = false;
	/* What we wrote ourselves is in force already. */
	if (!is_news && !has_pairs)
		return;
	if (has_pairs)
		apply_pairs_begin(parent);
	if (is_news && parent->config->server.auto_reload)
		apply_begin(parent);
	if (!is_news || parent->config->server.auto_reload)
		return;
	struct config *config = apply_read(parent);
	if (config != NULL)
		log_printf(&parent->logs.log, LOG_WARNING,
			   "mailserver.cfg was changed and is good; `postern reload` puts it in force");
	config_unref(&config);
}

static void logs_look(struct parent *parent, int64_t now_ms)
{
	if (now_ms - parent->logs_looked_ms < LOGS_LOOK_MS)
		return;
	parent->logs_looked_ms = now_ms;
	unsigned rotated = logs_rotate(&parent->logs, clock_real_s());
	for (int file = 0; file < LOG_FILE_COUNT; file++)
		if ((rotated & 1u << file) != 0)
			roles_send_log(parent, (enum log_file)file);
	apply_files_look(parent);
}

static void watchdog_look(struct parent *parent, int64_t now_ms)
{
	if (now_ms - parent->watchdog_ms < WATCHDOG_ROUND_MS)
		return;
	parent->watchdog_ms = now_ms;
	watchdog_round(parent->children, parent->child_count, &parent->logs.log);
}

/* Now and then, and as soon as other pairs are in force. */
static void certificates_look(struct parent *parent)
{
	int64_t now_s = clock_real_s();

	if (parent->was_ready && parent->apply == APPLY_NONE &&
	    (now_s - parent->expiry.looked_s >= EXPIRY_LOOK_S ||
	     parent->applied_s >= parent->expiry.looked_s))
		expiry_look(&parent->expiry, &parent->pairs, now_s, &parent->logs.log);
}

static void disk_look(struct parent *parent, int64_t now_ms)
{
	if (parent->config != NULL)
		disk_tick(&parent->disk, parent->store_path,
			  parent->config->limits.free_disk_bytes, now_ms / 1000,
			  &parent->shared->metrics, &parent->logs.log);
}

static void stop_late(struct parent *parent)
{
	for (size_t i = 0; i < parent->child_count; i++) {
		const struct child *child = &parent->children[i];
		if (child->pid <= 0)
			continue;
		log_printf(&parent->logs.log, LOG_ERROR,
			   "role %s (process %d) did not end within %d s of being asked to; it is killed",
			   role_name(child->role), (int)child->pid, STOP_MS / 1000);
		kill(child->pid, SIGKILL);
	}
	parent->stop_deadline_ms = INT64_MAX;
}

static void stop_step(struct parent *parent, int64_t now_ms)
{
	bool sessions_gone = true;

	for (size_t i = 0; i < parent->child_count; i++)
		if (role_meets_peers(parent->children[i].role) && parent->children[i].pid > 0)
			sessions_gone = false;
	for (size_t i = 0; sessions_gone && i < parent->child_count; i++)
		child_stop(&parent->children[i]);
	if (now_ms > parent->stop_deadline_ms)
		stop_late(parent);
}

static void parent_loop(struct parent *parent)
{
	struct epoll_event events[EVENTS];

	while (!parent->is_stopping || !roles_all_gone(parent)) {
		int count = epoll_wait(parent->epoll_fd, events, EVENTS, LOOP_MS);
		CHECK(count >= 0 || errno == EINTR);
		for (int i = 0; i < count; i++) {
			struct source *source = events[i].data.ptr;
			/* An earlier event of this round may have closed it. */
			if (source->fd >= 0)
				source->ready(parent, source);
		}
		int64_t now = clock_mono_ms();
		if (parent->is_stopping) {
			stop_step(parent, now);
			continue;
		}
		roles_start_due(parent);
		logs_look(parent, now);
		watchdog_look(parent, now);
		certificates_look(parent);
		disk_look(parent, now);
		change_tick(parent);
		partners_tick(parent, clock_real_s());
		evidence_heads_tick(parent);
		floors_tick(parent, clock_real_s());
		dkim_desk_tick(parent, clock_real_s());
		if (parent->change_noticed_ms != 0 && parent->apply == APPLY_NONE &&
		    now - parent->change_noticed_ms > CHANGE_SETTLES_MS)
			change_look(parent);
	}
}

/* ---- start ---- */

/* Before the logs are there, what is wrong stands on standard error alone. */
static int start_fail(const char *format, ...) format_printf(1, 2);
static int start_fail(const char *format, ...)
{
	va_list args;

	fputs("postern: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

static int home_enter(struct parent *parent)
{
	char *lock_path;
	struct stat status;

	if (stat(parent->config_path, &status) != 0)
		return start_fail("%s: %s; `postern init --home %s` makes a new home",
				  parent->config_path, strerror(errno), parent->home);
	char *run = path_join(parent->home, "run");
	if (folder_make(run, 0700) != FAULT_NONE) {
		start_fail("%s cannot be made: %s", run, strerror(errno));
		free(run);
		return EXIT_USAGE;
	}
	lock_path = path_join(run, "lock");
	free(run);
	parent->lock_fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(lock_path);
	if (parent->lock_fd < 0)
		return start_fail("%s/run/lock: %s", parent->home, strerror(errno));
	if (flock(parent->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return start_fail("another postern serves %s; stop it with `postern stop --home %s`",
				  parent->home, parent->home);
	return EXIT_DONE;
}

static int logs_start(struct parent *parent)
{
	char *folder = path_join(parent->store_path, "logs");
	enum fault fault = folder_make(parent->store_path, 0700);

	if (fault == FAULT_NONE)
		fault = logs_open(&parent->logs, folder);
	int code = fault == FAULT_NONE
			   ? EXIT_DONE
			   : start_fail("the log files in %s cannot be opened: %s", folder,
					fault_text(fault));
	free(folder);
	return code;
}

static enum fault store_folder_make(const struct parent *parent, const char *name)
{
	char *path = path_join(parent->store_path, name);
	enum fault fault = folder_make(path, 0700);

	free(path);
	return fault;
}

/* Whom the roles become; the home is made theirs where it is not. */
static int user_start(struct parent *parent)
{
	struct buf message = BUF_INIT(1024);
	enum fault fault = system_user_choose(parent->next_config->server.user, &parent->user,
					      &message);

	if (message.len > 0)
		log_printf(&parent->logs.log, fault == FAULT_NONE ? LOG_WARNING : LOG_ERROR, "%.*s",
			   (int)message.len, message.data);
	buf_done(&message);
	if (fault == FAULT_NONE) {
		/* A role is fenced into folders that exist. */
		fault = store_folder_make(parent, "auth");
		if (fault == FAULT_NONE)
			fault = store_folder_make(parent, "samples");
		if (fault == FAULT_NONE)
			fault = system_user_own_home(&parent->user, parent->home);
		if (fault != FAULT_NONE)
			log_printf(&parent->logs.log, LOG_ERROR,
				   "%s cannot be given to the user %s: %s", parent->store_path,
				   parent->user.name, fault_text(fault));
	}
	return fault == FAULT_NONE ? EXIT_DONE : EXIT_USAGE;
}

static int metrics_start(struct parent *parent)
{
	parent->metrics_fd = memfd_create("postern-metrics", MFD_CLOEXEC);
	if (parent->metrics_fd < 0 ||
	    ftruncate(parent->metrics_fd, sizeof(struct proc_shared)) != 0)
		return start_fail("no memory for counters: %s", strerror(errno));
	/* Of what the fronts write there the parent takes numbers only. */
	void *shared = mmap(NULL, sizeof(struct proc_shared), PROT_READ | PROT_WRITE, MAP_SHARED,
			    parent->metrics_fd, 0);
	if (shared == MAP_FAILED)
		return start_fail("no memory for counters: %s", strerror(errno));
	parent->shared = shared;
	return EXIT_DONE;
}

/* What can be wrong with file and ports is found before any role is started. */
static int config_start(struct parent *parent)
{
	struct buf why = BUF_INIT(1024);

	parent->next_config = apply_read(parent);
	if (parent->next_config == NULL)
		return EXIT_USAGE;
	enum fault fault = apply_files_check(parent, &why);
	if (fault == FAULT_NONE)
		fault = listeners_bind(&parent->next_listeners, parent->next_config,
				       &parent->listeners, &parent->next_listener, &why);
	if (fault != FAULT_NONE)
		log_printf(&parent->logs.log, LOG_ERROR, "%.*s", (int)why.len, why.data);
	buf_done(&why);
	return fault == FAULT_NONE ? EXIT_DONE : EXIT_USAGE;
}

static void paths_make(struct parent *parent, const char *home)
{
	parent->home = home;
	parent->config_path = path_join(home, "mailserver.cfg");
	parent->store_path = path_join(home, "store");
	parent->certificate_path = path_join(home, "sslcert");
	parent->user_anchors_path = path_join(home, "sslca/clients");
	buf_init(&parent->user_anchors, TLS_USER_ANCHORS_MAX);
	buf_init(&parent->next_user_anchors, TLS_USER_ANCHORS_MAX);
	parent->control_path = path_join(home, "run/control");
}

static struct parent *parent_new(const char *home)
{
	struct parent *parent = calloc(1, sizeof(*parent));

	CHECK(parent != NULL);
	paths_make(parent, home);
	log_init(&parent->logs.log, true);
	parent->lock_fd = parent->metrics_fd = -1;
	parent->change.record.evidence.fd = -1;
	parent->control.fd = parent->signals.fd = parent->changes.fd = -1;
	parent->next_listener = parent->next_key = 1;
	parent->started_s = clock_real_s();
	parent->catalog = tls_catalog_new();
	parent->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	CHECK(parent->epoll_fd >= 0);
	list_init(&parent->control_clients);
	dns_files_init(&parent->dns_files);
	return parent;
}

static void parent_free(struct parent *parent)
{
	control_close(parent);
	acme_desk_close(parent);
	dkim_desk_close(parent);
	change_close(parent);
	expiry_close(&parent->expiry);
	staples_done(&parent->staples);
	self_checks_done(&parent->self_checks);
	port_checks_done(&parent->port_checks);
	evidence_heads_done(&parent->evidence_heads);
	config_unref(&parent->config);
	config_unref(&parent->next_config);
	listeners_close(&parent->listeners);
	listeners_close(&parent->next_listeners);
	pairs_free(&parent->pairs);
	pairs_free(&parent->next_pairs);
	tls_catalog_free(&parent->catalog);
	logs_close(&parent->logs);
	fd_close(&parent->signals.fd);
	fd_close(&parent->changes.fd);
	if (parent->shared != NULL)
		munmap(parent->shared, sizeof(*parent->shared));
	fd_close(&parent->metrics_fd);
	fd_close(&parent->epoll_fd);
	fd_close(&parent->lock_fd);
	dns_files_done(&parent->dns_files);
	free(parent->broken);
	free(parent->apply_fault);
	free(parent->config_path);
	free(parent->store_path);
	free(parent->certificate_path);
	free(parent->user_anchors_path);
	buf_done(&parent->user_anchors);
	buf_done(&parent->next_user_anchors);
	free(parent->control_path);
	free(parent);
}

/* A connection is a descriptor, and the soft limit is made for programs that use select. */
static void descriptors_allow(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int proc_serve(const char *home)
{
	struct parent *parent = parent_new(home);
	int code;

	/* Key files pass through this process; nobody may look into it. */
	prctl(PR_SET_DUMPABLE, 0);
	umask(0077);
	descriptors_allow();
	code = home_enter(parent);
	if (code == EXIT_DONE)
		code = logs_start(parent);
	if (code == EXIT_DONE)
		code = metrics_start(parent);
	if (code == EXIT_DONE)
		{
		acme_desk_open(parent);
		dkim_desk_open(parent);
		change_open(parent);
		expiry_open(&parent->expiry, parent->change.record.history);
		code = config_start(parent);
	}
	if (code == EXIT_DONE)
		code = user_start(parent);
	if (code == EXIT_DONE) {
		signals_open(parent);
		changes_open(parent);
		control_open(parent);
		roles_init(parent);
		parent_loop(parent);
		code = parent->exit_code;
	}
	parent_free(parent);
	return code;
}
