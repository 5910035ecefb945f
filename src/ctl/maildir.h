/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a Maildir: the messages in new/ and cur/, in the order in which they
 * came, with the flags that their names tell.
 *
 * A message came when its file was last written, which is how others read it
 * too. Files in tmp/ are not messages yet. Folders of Maildir++ (".Sent") are
 * Maildirs of their own, to be given by their path.
 */
#ifndef POSTERN_CTL_MAILDIR_H
#define POSTERN_CTL_MAILDIR_H

#include "base/buf.h"
#include "base/fault.h"

/*
 * The flags (enum mail_flag of store/mail.h) of a file name: the letters behind
 * ":2,", R answered, S seen, T deleted, D draft, F flagged. Pure.
 */
uint32_t maildir_flags(struct str name);

/* The seconds since 1970 with which a file name begins, or 0. Pure. */
uint64_t maildir_name_time(struct str name);

struct maildir_entry {
	char *path;
	uint64_t name_time;
	uint32_t flags;
	int64_t received_s;
	uint64_t bytes;
};

struct maildir {
	struct maildir_entry *entries;
	size_t count;
	uint64_t bytes; /* of all */
};

/* True when the folder holds cur/ or new/. */
bool maildir_check(const char *path);

/* Lists the messages of a folder; NOT_FOUND when it is no Maildir, else the disk's faults. */
must_check enum fault maildir_open(const char *path, struct maildir *out);
void maildir_close(struct maildir *maildir);

#endif
