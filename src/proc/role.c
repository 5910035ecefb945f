/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/role.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/file.h"

static const struct {
	enum role role;
	int (*run)(struct role_process *process);
} roles[] = {
	{ROLE_KEYS, role_keys},
	{ROLE_AUTH, role_auth},
	{ROLE_STORE, role_store},
	{ROLE_FRONT, role_front},
	{ROLE_MAILQ, role_mailq},
	{ROLE_ADMIN, role_admin},
};

void role_ready(const struct role_process *process, const char *sandbox)
{
	struct channel parent = {ROLE_FD_PARENT, process->role, ROLE_PARENT};
	struct msg_role_ready ready = {.sandbox = str_from_c(sandbox)};

	/* A parent that is gone shows itself in the loop that follows. */
	(void)!channel_send(&parent, MSG_role_ready, 0, &ready);
}

int role_fail(const struct role_process *process, const char *format, ...)
{
	struct log_line line;
	va_list args;

	log_line_begin(&line, &process->log, LOG_ERROR);
	log_line_text(&line, "%s: ", role_name(process->role));
	va_start(args, format);
	buf_vprintf(&line.text, format, args);
	va_end(args);
	log_line_end(&line);
	return EXIT_USAGE;
}

/* The terminal's signals are the parent's business: a role ends when its channel closes. */
static void signals_ignore(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	CHECK(sigaction(SIGINT, &ignore, NULL) == 0);
	CHECK(sigaction(SIGHUP, &ignore, NULL) == 0);
	CHECK(sigaction(SIGPIPE, &ignore, NULL) == 0);
}

int role_main(int argc, char **argv)
{
	if (argc != 6)
		return EXIT_USAGE;
	char *store = path_join(argv[3], "store");
	struct role_process process = {.home = argv[3],
				       .store = store,
				       .user = argv[4],
				       .index = (unsigned)strtoul(argv[5], NULL, 10),
				       .log = {.to_stderr = true}};
	char title[16];
	int code = EXIT_USAGE;

	for (int i = 0; i < LOG_FILE_COUNT; i++)
		process.log.fds[i] = ROLE_FD_LOG + i;
	snprintf(title, sizeof(title), "postern-%s", argv[2]);
	prctl(PR_SET_NAME, title);
	signals_ignore();
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(role_name(roles[i].role), argv[2]) == 0) {
			process.role = roles[i].role;
			code = roles[i].run(&process);
		}
	free(store);
	return code;
}
