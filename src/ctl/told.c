/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/told.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

void config_log_append(const char *home, struct str lines)
{
	char *path = path_join(home, "store/logs/config.log");
	CLEANUP_FD int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	struct log log;

	log_init(&log, false);
	log.fds[LOG_CONFIG] = fd;
	while (!str_is_empty(lines)) {
		struct str line = str_cut(&lines, '\n');
		if (line.len > 0)
			log_printf(&log, LOG_CONFIG, "%.*s", STR_ARG(line));
	}
	free(path);
}

void config_change_tell(struct link *link, struct str what)
{
	struct msg_config_told told = {.text = what};

	if (link->control.fd >= 0) {
		/* The change is made; a log line that is lost does not undo it. */
		(void)!channel_send(&link->control, MSG_config_told, 0, &told);
		return;
	}
	const struct passwd *user = getpwuid(getuid());
	struct buf line = BUF_INIT(LOG_LINE_MAX);
	buf_printf(&line, "%s - %.*s", user == NULL ? "unknown" : user->pw_name, STR_ARG(what));
	config_log_append(link->home, buf_str(&line));
	buf_done(&line);
}
