/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/home_files.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "ipc/channel.h"

/* Of the one command that this process runs. */
static struct {
	const char *home;
	struct channel control;
} process;

static int errno_of(enum fault fault)
{
	switch (fault) {
	case FAULT_NOT_FOUND:
		return ENOENT;
	case FAULT_DENIED:
		return EACCES;
	default:
		return EIO;
	}
}

static enum fault parent_ask(struct str name, int *fd_out)
{
	struct msg_home_file_wanted wanted = {.name = name};
	struct packet answer;

	packet_init(&answer);
	enum fault fault = channel_send(&process.control, MSG_home_file_wanted, 0, &wanted);
	if (fault == FAULT_NONE)
		fault = channel_receive(&process.control, &answer);
	if (fault == FAULT_NONE && answer.header.kind != MSG_home_file_given)
		fault = FAULT_INVALID;
	if (fault == FAULT_NONE)
		fault = fault_from_number(answer.message.home_file_given.fault);
	if (fault == FAULT_NONE)
		*fd_out = packet_take_fd(&answer);
	packet_done(&answer);
	return fault;
}

static int file_ask(const char *path)
{
	struct str home = str_from_c(process.home), name = str_from_c(path);
	int fd = -1;

	if (!str_has_prefix(name, home) || name.len <= home.len || name.ptr[home.len] != '/')
		return open(path, O_RDONLY | O_CLOEXEC);
	enum fault fault = parent_ask(str_from(name, home.len + 1), &fd);
	if (fault != FAULT_NONE || fd < 0) {
		errno = errno_of(fault);
		return -1;
	}
	return fd;
}

void home_files_ask(const char *home, int fd)
{
	process.home = home;
	process.control = (struct channel){.fd = fd, .self = ROLE_CTL, .peer = ROLE_PARENT};
	file_open_by(file_ask);
}
