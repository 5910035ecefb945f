/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin/home_files.h"
#include "admin/request.h"
#include "base/clock.h"
#include "base/file.h"
#include "ctl/ctl.h"
#include "ctl/link.h"
#include "ctl/progress.h"

enum {
	BODY_MAX = 64 << 20,
	OUTPUT_MAX = 64 << 20,
	UPLOAD_PIECE_MAX = INT32_MAX,
	/* Where the process finds what it has besides input, output and errors. */
	FD_CONTROL = 3,
	FD_END = 4,
	/* Above every number that it uses. */
	FD_ASIDE = 64,
};

/* ---- in the new process ---- */

/* The body, when it came as a file, whose position may be anywhere. */
static struct str body_of(const struct errand_start *start, struct buf *room)
{
	if (start->body_fd < 0)
		return start->body;
	if (lseek(start->body_fd, 0, SEEK_SET) != 0 ||
	    fd_read_file(start->body_fd, room) != FAULT_NONE)
		return STR("");
	return buf_str(room);
}

/* Numbers as above; everything else of the role is closed: other requests, its channels. */
static void descriptors_place(int in, int out, int err, int control, int end)
{
	int fds[] = {in, out, err, control, end};
	const int count = sizeof(fds) / sizeof(fds[0]);

	for (int i = 0; i < count; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FD_ASIDE);
		CHECK(fds[i] >= 0);
	}
	for (int i = 0; i < count; i++)
		CHECK(dup2(fds[i], i) == i);
	CHECK(close_range(count, ~0u, 0) == 0);
}

static int input_make(struct str input)
{
	int fd = memfd_create("postern-input", MFD_CLOEXEC);

	CHECK(fd >= 0 && fd_write_all(fd, input.ptr, input.len) && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static int input_of(const struct errand_start *start, const struct admin_request *request)
{
	if (start->upload_fd < 0)
		return input_make(buf_str(&request->input));
	CHECK(lseek(start->upload_fd, 0, SEEK_SET) == 0);
	return start->upload_fd;
}

static void number_set(const char *variable, int fd)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", fd);
	CHECK(setenv(variable, number, 1) == 0);
}

static void environment_set(const struct errand *errand, const struct errand_start *start)
{
	/* A message of an upload goes to the store in a memory file. */
	rlim_t bytes = start->upload_fd < 0 ? OUTPUT_MAX : UPLOAD_PIECE_MAX;
	const struct rlimit output = {bytes, bytes};

	number_set(LINK_CONTROL_VARIABLE, FD_CONTROL);
	if (errand->is_followed)
		number_set(CTL_PROGRESS_VARIABLE, FD_END);
	CHECK(setenv(CTL_ERRORS_VARIABLE, "json", 1) == 0);
	(void)setrlimit(RLIMIT_FSIZE, &output);
	(void)prctl(PR_SET_NAME, "postern-command");
}

static int request_run(const struct errand *errand, const struct errand_start *start,
		       const struct admin_request *request, int end)
{
	struct ctl ctl = {.home = start->home, .arguments = &request->arguments};

	descriptors_place(input_of(start, request),
			  errand->is_stream ? errand->write_fd : errand->out_fd, errand->err_fd,
			  start->control_fd, end);
	home_files_ask(start->home, FD_CONTROL);
	int code = request->arguments.command->run(&ctl);
	fflush(NULL);
	return code;
}

static int command_run(const struct errand *errand, const struct errand_start *start, int end)
{
	struct buf body_room = BUF_INIT(BODY_MAX);
	struct admin_request request;

	/* What is wrong with the request is said where the command says what is wrong. */
	CHECK(dup2(errand->err_fd, STDERR_FILENO) == STDERR_FILENO);
	environment_set(errand, start);
	bool is_good =
		admin_request_read(start->match, start->query, body_of(start, &body_room), &request);
	int code = is_good ? request_run(errand, start, &request, end)
			   : ctl_fail_field(FAULT_INVALID, request.refused_field, "%s",
					    request.refused_text);
	admin_request_done(&request);
	buf_done(&body_room);
	return code;
}

/* ---- in the role ---- */

static enum fault files_make(struct errand *errand)
{
	int pipe_fds[2];

	if (errand->is_stream && pipe2(pipe_fds, O_CLOEXEC) == 0) {
		errand->out_fd = pipe_fds[0];
		errand->write_fd = pipe_fds[1];
		fd_set_nonblocking(errand->out_fd);
	} else if (!errand->is_stream)
		errand->out_fd = memfd_create("postern-output", MFD_CLOEXEC);
	errand->err_fd = memfd_create("postern-errors", MFD_CLOEXEC);
	return errand->out_fd >= 0 && errand->err_fd >= 0 ? FAULT_NONE : FAULT_MEMORY;
}

static enum fault process_start(struct errand *errand, const struct errand_start *start)
{
	pid_t role = getpid();
	int ends[2];

	/* Neither waits for the other: a role that has no time misses records of a command. */
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return fault_from_errno(errno);
	errand->pid = fork();
	if (errand->pid == 0) {
		/* It ends with the role. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != role || (start->confine != NULL && !start->confine()))
			_exit(CTL_NOT_RUNNING);
		_exit(command_run(errand, start, ends[1]));
	}
	fd_close(&ends[1]);
	fd_close(&errand->write_fd);
	errand->end_fd = ends[0];
	if (errand->pid > 0)
		return FAULT_NONE;
	errand->pid = 0;
	return FAULT_MEMORY;
}

enum fault errand_begin(struct errand *errand, const struct errand_start *start)
{
	unsigned limit_s = start->match->route->limit_s;

	*errand = (struct errand){.end_fd = -1,
				  .out_fd = -1,
				  .err_fd = -1,
				  .write_fd = -1,
				  .is_stream = start->match->route->is_stream,
				  .is_followed = start->is_followed,
				  .prints_json = request_prints_json(start->match->route)};
	enum fault fault = files_make(errand);
	if (fault == FAULT_NONE)
		fault = process_start(errand, start);
	if (fault != FAULT_NONE)
		errand_done(errand);
	errand->deadline_ms = clock_mono_ms() + 1000 * (int64_t)(limit_s == 0 ? ERRAND_STANDARD_S : limit_s);
	return fault;
}

void errand_kill(struct errand *errand)
{
	errand->is_late = true;
	if (errand->pid > 0)
		kill(errand->pid, SIGKILL);
}

struct str errand_read(struct errand *errand, char *room, size_t size, bool *is_ended_out)
{
	ssize_t got = read(errand->end_fd, room, size);

	*is_ended_out = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
	return str_make(room, got > 0 ? (size_t)got : 0);
}

int errand_reap(struct errand *errand)
{
	int status = 0;

	while (errand->pid > 0 && waitpid(errand->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	errand->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void errand_done(struct errand *errand)
{
	if (errand->pid > 0) {
		kill(errand->pid, SIGKILL);
		(void)errand_reap(errand);
	}
	fd_close(&errand->end_fd);
	fd_close(&errand->out_fd);
	fd_close(&errand->write_fd);
	fd_close(&errand->err_fd);
}
