/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command that the page asked for, in a process of its own: forked from the admin role, in the
 * role's sandbox, with a control channel to the parent in the name of who asked.
 *
 * Its output and what it says of errors (a JSON object a line) go into memory files. The request's
 * text is read there too: what it can bring about ends with the process.
 */
#ifndef POSTERN_ADMIN_ERRAND_H
#define POSTERN_ADMIN_ERRAND_H

#include <sys/types.h>

#include "admin/route.h"
#include "base/fault.h"

/* How long a command may take whose route says nothing else. */
enum { ERRAND_STANDARD_S = 60 };

struct errand {
	pid_t pid;  /* 0: none runs */
	int end_fd; /* records of how far it is (ctl/progress.h), and the end when it has ended */
	int out_fd; /* what it printed; of a stream a pipe, from which it is read as it comes */
	int err_fd; /* what it said of errors */
	int write_fd;	     /* the process's end of that pipe; -1 in the role */
	int64_t deadline_ms; /* monotonic */
	bool is_stream;
	bool is_followed;    /* it tells how far it is */
	bool prints_json;    /* what it prints is a document */
	bool is_late;	     /* it was ended because its time was up */
};

struct errand_start {
	const struct route_match *match;
	struct str query;
	struct str body;
	int body_fd;	/* in place of `body`; -1: none */
	int control_fd; /* stays the caller's, as do body_fd and upload_fd */
	int upload_fd;	/* the command's input; -1: the text that the request has for it */
	const char *home;
	/* Takes from the new process what no command needs; false: it may not go on. NULL: nothing is taken. */
	bool (*confine)(void);
	bool is_followed;
};

/* Begins; MEMORY or IO when there is no process or no memory to be had. */
must_check enum fault errand_begin(struct errand *errand, const struct errand_start *start);

/* Ends it because its time is up; errand_reap follows. */
void errand_kill(struct errand *errand);

/* What it told since, from end_fd; `*is_ended_out`: it has ended. Does not block. */
struct str errand_read(struct errand *errand, char *room, size_t size, bool *is_ended_out);

/* After it has ended: takes the process's end. The exit code, or -1 when it did not end by itself. */
int errand_reap(struct errand *errand);

/* Ends it, if it runs, and frees what it left. */
void errand_done(struct errand *errand);

#endif
