/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a Maildir: the messages in new/ and cur/, in the order in which they
 * came, with the flags that their names tell.
 *
 * A message came when its file was last written, which is how others read it
 * too. Files in tmp/ are not messages yet. The folders of Maildir++ (".Sent",
 * ".Archive.2025") are Maildirs of their own within the first; the letters a to z
 * in a file's name are the keywords that the folder's dovecot-keywords names.
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

enum { MAILDIR_KEYWORDS_MAX = 26 };

/* Bit 0 for the letter a in a file's name, bit 25 for z. Pure. */
uint32_t maildir_letters(struct str name);

struct maildir_entry {
	char *path;
	uint64_t name_time;
	uint32_t flags;
	uint32_t letters; /* maildir_letters */
	int64_t received_s;
	uint64_t bytes;
};

struct maildir {
	struct maildir_entry *entries;
	size_t count;
	uint64_t bytes; /* of all */
	struct buf keyword_text;
	struct str keywords[MAILDIR_KEYWORDS_MAX]; /* of each letter, within the text; empty: none */
};

/* True when the folder holds cur/ or new/. */
bool maildir_check(const char *path);

/* Lists the messages of a folder; NOT_FOUND when it is no Maildir, else the disk's faults. */
must_check enum fault maildir_open(const char *path, struct maildir *out);
void maildir_close(struct maildir *maildir);

/*
 * Reads lines "NUMBER NAME" of a dovecot-keywords file; what is no keyword of IMAP
 * is passed over. The names are borrowed from the text. Pure.
 */
void maildir_keywords_parse(struct str text, struct str keywords[MAILDIR_KEYWORDS_MAX]);

/*
 * Appends the name of the mailbox that a folder's name stands for: ".Archive.2025" is
 * Archive/2025. Modified UTF-7 is decoded; what is none, as the UTF-8 that some servers
 * write, stays. False, with `to` as it was, for what no mailbox may be called. Pure.
 */
must_check bool maildir_append_mailbox(struct str folder, struct buf *to);

/* The names of the folders within a Maildir that are Maildirs as well, in the order of their bytes. */
struct maildir_folders {
	char **names;
	size_t count;
};

must_check enum fault maildir_folders_open(const char *path, struct maildir_folders *out);
void maildir_folders_close(struct maildir_folders *folders);

#endif
