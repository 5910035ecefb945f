/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/password.h"

#include <errno.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"

/* What Ctrl-C gives while the terminal's signals are off. */
static const char INTERRUPT = '\x03';

/* Reads up to a line end or the end; false when it is too long, unreadable or interrupted. */
static bool line_read(int fd, struct secret *line_out)
{
	char bytes[SECRET_MAX];
	size_t len = 0;
	bool is_good = true;

	for (;;) {
		char c;
		ssize_t got = read(fd, &c, 1);
		if (got < 0 && errno == EINTR)
			continue;
		is_good = got >= 0;
		if (got <= 0 || c == '\n')
			break;
		if (len == sizeof(bytes) || c == INTERRUPT) {
			is_good = false;
			break;
		}
		bytes[len++] = c;
	}
	if (is_good && len > 0 && bytes[len - 1] == '\r')
		len--;
	is_good = is_good && secret_set(line_out, str_make(bytes, len));
	explicit_bzero(bytes, sizeof(bytes));
	return is_good;
}

/*
 * Reads a line without showing it. Ctrl-C ends the line instead of the process,
 * which would leave the terminal without echo.
 */
static bool line_ask(int terminal, const char *question, struct secret *line_out)
{
	struct termios before, quiet;

	if (tcgetattr(terminal, &before) != 0)
		return false;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	quiet.c_lflag |= ECHONL;
	quiet.c_cc[VEOL] = (cc_t)INTERRUPT;
	(void)!fd_write_all(terminal, question, strlen(question));
	bool is_good =
		tcsetattr(terminal, TCSAFLUSH, &quiet) == 0 && line_read(terminal, line_out);
	(void)tcsetattr(terminal, TCSAFLUSH, &before);
	return is_good;
}

/* The terminal, or -1 after it has said that there is none. */
static int terminal_open(void)
{
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (terminal < 0)
		ctl_fail_field(FAULT_INVALID, "password",
			       "there is no terminal to ask for the password on; give it with "
			       "--password-stdin");
	return terminal;
}

static int ask_twice(struct secret *password_out)
{
	CLEANUP_SECRET struct secret again = {0};
	CLEANUP_FD int terminal = terminal_open();

	if (terminal < 0)
		return CTL_USAGE;
	if (!line_ask(terminal, "New password: ", password_out) ||
	    !line_ask(terminal, "Once more: ", &again))
		return ctl_fail_field(FAULT_INVALID, "password",
				      "no password was given, nothing is changed");
	if (!secret_equals(secret_reveal(password_out), secret_reveal(&again)))
		return ctl_fail_field(FAULT_INVALID, "password",
				      "the two passwords differ, nothing is changed");
	return CTL_DONE;
}

static int input_read(struct secret *password_out)
{
	if (line_read(STDIN_FILENO, password_out))
		return CTL_DONE;
	return ctl_fail_field(
		FAULT_INVALID, "password",
		"the password on standard input is unreadable, or longer than %d bytes",
		SECRET_MAX);
}

int password_ask(const struct ctl *ctl, const char *question, struct secret *password_out)
{
	if (ctl_has(ctl, OPTION_BIT(PASSWORD_STDIN)))
		return input_read(password_out);
	CLEANUP_FD int terminal = terminal_open();
	if (terminal < 0)
		return CTL_USAGE;
	if (line_ask(terminal, question, password_out))
		return CTL_DONE;
	return ctl_fail_field(FAULT_INVALID, "password",
			      "no password was given, nothing is changed");
}

int password_read(const struct ctl *ctl, struct secret *password_out)
{
	int code = ctl_has(ctl, OPTION_BIT(PASSWORD_STDIN)) ? input_read(password_out)
							    : ask_twice(password_out);

	if (code == CTL_DONE && str_is_empty(secret_reveal(password_out)))
		code = ctl_fail_field(FAULT_INVALID, "password",
				      "the password is empty, nothing is changed");
	return code;
}
