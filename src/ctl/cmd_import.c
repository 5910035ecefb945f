/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import: mail of an mbox file, a single message, a Maildir or a tree of Maildirs into mailboxes, in
 * its order.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "config/schema.h"
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "ctl/link.h"
#include "ctl/maildir.h"
#include "ctl/mbox.h"
#include "ctl/progress.h"
#include "ctl/told.h"
#include "proto/address.h"
#include "proto/message.h"
#include "proto/message_summary.h"
#include "store/directory.h"
#include "store/mail_stream.h"
#include "store/mailbox.h"

enum { LINE_MAX_BYTES = 2048 };

/* What one message may take: what the store can hold in one piece, less room to spare. */
static const uint64_t MESSAGE_BYTES_MAX = (uint64_t)1 << 31;

/* As a source: the standard input. */
static const char INPUT[] = "-";

struct import {
	struct ctl *ctl;
	struct link *link;
	struct store *store;
	struct str address;
	struct mime_limits limits;
	struct buf summary;
	/* Of what is brought into one mailbox: */
	struct mail_stream *stream;
	const char *source;
	struct str mailbox_name;
	struct mail_target target;
	struct progress progress;
	uint64_t messages;
	/* And in all: */
	uint64_t all_messages;
	uint64_t all_bytes;
	size_t mailboxes;
};

/* What a message brings beside its text. */
struct found {
	uint32_t flags;
	int64_t received_s;
	struct str keywords[MAILDIR_KEYWORDS_MAX];
	size_t keyword_count;
};

static const char *source_name(const struct import *import)
{
	return strcmp(import->source, INPUT) == 0 ? "the input" : import->source;
}

static uint64_t limit_standard(const char *name)
{
	const struct schema_row *row = schema_find(STR("Limits"), str_from_c(name));
	uint64_t value = 0;

	CHECK(row != NULL && str_parse_u64(str_from_c(row->standard), UINT64_MAX, &value));
	return value;
}

/* The date of the message itself, for a border without one. */
static int64_t date_of_message(struct str message)
{
	struct str value;
	struct message_date date;

	if (message_field_find(str_sub(message, 0, message_header_length(message)), STR("Date"),
			       &value) &&
	    message_date_parse(value, &date))
		return date.real_s;
	return clock_real_s();
}

static void summary_make(struct import *import, struct str message)
{
	buf_reset(&import->summary);
	/* Without one the server makes it when it is first asked. */
	if (message_summary_make(message, &import->limits, &import->summary) != FAULT_NONE)
		buf_reset(&import->summary);
}

/* Gives one message to the store; anything but CTL_DONE ends the import, and stream_end says why. */
static int message_store(struct import *import, struct str message, const struct found *found)
{
	if (str_is_empty(message))
		return CTL_DONE;
	summary_make(import, message);
	struct mail_append append = {.body = {.bytes = message, .fd = -1},
				     .summary = buf_str(&import->summary),
				     .flags = found->flags,
				     .keywords = found->keywords,
				     .keyword_count = found->keyword_count,
				     .received_s = found->received_s,
				     .targets = &import->target,
				     .target_count = 1};
	if (mail_stream_append(import->stream, &append) != FAULT_NONE)
		return CTL_USAGE;
	import->messages++;
	import->all_bytes += message.len;
	return CTL_DONE;
}

/* Waits until all is durable; the exit code, `code` if the store has nothing against it. */
static int stream_end(struct import *import, int code)
{
	struct mail_stream_result result;

	mail_stream_end(&import->stream, &result);
	progress_end(&import->progress);
	if (result.fault != FAULT_NONE)
		return ctl_fail(ctl_fault_code(result.fault),
				"message %llu of %s cannot be stored: %s; %llu messages are",
				(unsigned long long)result.failed_index + 1, source_name(import),
				fault_text(result.fault), (unsigned long long)result.stored);
	if (code != CTL_DONE && result.stored > 0)
		ctl_fail(0, "%llu messages of %s are stored", (unsigned long long)result.stored,
			 source_name(import));
	return code;
}

static int too_large_fail(struct import *import)
{
	progress_end(&import->progress);
	return ctl_fail(CTL_USAGE, "message %llu of %s is larger than 2 GiB",
			(unsigned long long)import->messages + 1, import->source);
}

/* By bytes, of which the whole is known. */
static void far_tell(struct import *import, uint64_t done, uint64_t total)
{
	progress_tell(&import->progress, done, total, "%llu messages",
		      (unsigned long long)import->messages);
}

/* ---- mbox ---- */

static int mbox_message_store(struct import *import, const struct mbox_message *message)
{
	struct found found = {.flags = mbox_flags(message->content),
			      .received_s = message->received_s};
	/* Each LF may become two bytes. */
	struct buf text = BUF_INIT(MESSAGE_BYTES_MAX);

	mbox_append_content(&text, message->content);
	if (!message->has_date)
		found.received_s = date_of_message(buf_str(&text));
	int code = text.failed ? too_large_fail(import)
			       : message_store(import, buf_str(&text), &found);
	buf_done(&text);
	return code;
}

/* A file may hold one message, as mail programs save it: it begins with a field. */
static bool is_message(struct str file)
{
	struct message_field field;
	struct str line = file;

	line = message_line_take(&line);
	if (!message_field_next(&line, &field) || str_is_empty(field.name))
		return false;
	for (size_t i = 0; i < field.name.len; i++)
		if (field.name.ptr[i] <= ' ' || field.name.ptr[i] > '~')
			return false;
	return true;
}

static int single_import(struct import *import, struct str file)
{
	struct found found = {.flags = mbox_flags(file), .received_s = date_of_message(file)};
	struct buf text = BUF_INIT(MESSAGE_BYTES_MAX);

	lines_append_crlf(&text, file);
	int code = text.failed ? too_large_fail(import)
			       : message_store(import, buf_str(&text), &found);
	buf_done(&text);
	return code;
}

static int mbox_import(struct import *import, struct str file)
{
	struct mbox mbox;
	struct mbox_message message;
	int code = CTL_DONE;

	if (is_message(file))
		return single_import(import, file);
	if (!mbox_open(&mbox, file))
		return ctl_fail_field(FAULT_INVALID, "mail",
				      "%s is neither an mbox (its first line does not begin with "
				      "\"From \") nor one message nor a Maildir",
				      source_name(import));
	progress_begin(&import->progress, import->ctl, source_name(import));
	while (code == CTL_DONE && mbox_next(&mbox, &message)) {
		code = mbox_message_store(import, &message);
		far_tell(import, mbox.at, file.len);
	}
	return code;
}

static int file_import(struct import *import, int fd, const struct stat *status)
{
	if (status->st_size == 0)
		return CTL_DONE;
	size_t len = (size_t)status->st_size;
	void *mapped = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (mapped == MAP_FAILED)
		return ctl_fail(CTL_USAGE, "%s cannot be read: %s", import->source, strerror(errno));
	(void)madvise(mapped, len, MADV_SEQUENTIAL);
	int code = mbox_import(import, str_make(mapped, len));
	munmap(mapped, len);
	return code;
}

/* ---- Maildir ---- */

static struct found entry_found(const struct maildir *maildir, const struct maildir_entry *entry)
{
	struct found found = {.flags = entry->flags, .received_s = entry->received_s};

	for (size_t i = 0; i < MAILDIR_KEYWORDS_MAX; i++)
		if ((entry->letters >> i & 1) != 0 && !str_is_empty(maildir->keywords[i]))
			found.keywords[found.keyword_count++] = maildir->keywords[i];
	return found;
}

static int entry_import(struct import *import, const struct maildir *maildir,
			const struct maildir_entry *entry)
{
	struct found found = entry_found(maildir, entry);
	struct buf raw = BUF_INIT(MESSAGE_BYTES_MAX), text = BUF_INIT(MESSAGE_BYTES_MAX);
	enum fault fault = file_read(entry->path, &raw);
	int code;

	if (fault != FAULT_NONE && fault != FAULT_TOO_LARGE) {
		progress_end(&import->progress);
		code = ctl_fail(CTL_USAGE, "%s: %s", entry->path, fault_text(fault));
	} else {
		lines_append_crlf(&text, buf_str(&raw));
		code = fault == FAULT_TOO_LARGE || text.failed
			       ? too_large_fail(import)
			       : message_store(import, buf_str(&text), &found);
	}
	buf_done(&raw);
	buf_done(&text);
	return code;
}

static int maildir_import(struct import *import)
{
	struct maildir maildir;
	uint64_t done = 0;
	int code = CTL_DONE;
	enum fault fault = maildir_open(import->source, &maildir);

	if (fault == FAULT_NOT_FOUND)
		return ctl_fail(CTL_USAGE, "%s is a folder without cur and new: no Maildir",
				import->source);
	if (fault != FAULT_NONE)
		return ctl_fail(CTL_USAGE, "%s: %s", import->source, fault_text(fault));
	progress_begin(&import->progress, import->ctl, source_name(import));
	for (size_t i = 0; i < maildir.count && code == CTL_DONE; i++) {
		code = entry_import(import, &maildir, &maildir.entries[i]);
		done += maildir.entries[i].bytes;
		far_tell(import, done, maildir.bytes);
	}
	maildir_close(&maildir);
	return code;
}

/* ---- where to ---- */

static enum fault mailbox_look_up(struct import *import, bool *has_user_out)
{
	struct view *view;
	struct user user;
	struct mailbox mailbox;
	enum fault fault = view_open(import->store, &view);

	*has_user_out = false;
	if (fault != FAULT_NONE)
		return fault;
	fault = directory_user_find(view, import->address, &user);
	if (fault == FAULT_NONE) {
		*has_user_out = true;
		import->target.account = user.account;
		fault = mailbox_find(view, user.account, import->mailbox_name, &mailbox);
		if (fault == FAULT_NONE && mailbox.id == 0)
			fault = FAULT_NOT_FOUND;
		if (fault == FAULT_NONE)
			import->target.mailbox = mailbox.id;
	}
	view_close(&view);
	return fault;
}

/* Whoever's folders were shown to him will look for them. */
static enum fault mailbox_make(struct import *import)
{
	enum fault fault = mailbox_create(import->store, import->target.account,
					  import->mailbox_name, SPECIAL_USE_NONE,
					  &import->target.mailbox);

	if (fault == FAULT_NONE)
		fault = mailbox_subscribe(import->store, import->target.account,
					  import->mailbox_name, true);
	return fault;
}

static int target_find(struct import *import)
{
	bool has_user;
	enum fault fault = mailbox_look_up(import, &has_user);

	if (fault == FAULT_NOT_FOUND && !has_user)
		return ctl_fail(CTL_USAGE, "%.*s is no user here; `postern user list` shows them",
				STR_ARG(import->address));
	if (fault == FAULT_NOT_FOUND)
		fault = mailbox_make(import);
	if (fault == FAULT_INVALID)
		return ctl_fail(CTL_USAGE, "%.*s is no name that a mailbox may have",
				STR_ARG(import->mailbox_name));
	if (fault != FAULT_NONE)
		return ctl_fail_field(fault, "mailbox", "%.*s: %s", STR_ARG(import->mailbox_name),
				      fault_text(fault));
	return CTL_DONE;
}

/* What comes through a pipe goes into a file first: it is stored when its end has come. */
static int input_open(void)
{
	struct stat status;
	char room[64 * 1024];
	ssize_t got = 0;

	if (fstat(STDIN_FILENO, &status) != 0 || S_ISREG(status.st_mode))
		return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	FILE *file = tmpfile();
	if (file == NULL)
		return -1;
	int fd = fcntl(fileno(file), F_DUPFD_CLOEXEC, 0);
	fclose(file);
	while (fd >= 0 && (got = read(STDIN_FILENO, room, sizeof(room))) > 0)
		if (!fd_write_all(fd, room, (size_t)got))
			fd_close(&fd);
	if (got < 0)
		fd_close(&fd);
	return fd;
}

static int source_open(const char *source)
{
	return strcmp(source, INPUT) == 0 ? input_open() : open(source, O_RDONLY | O_CLOEXEC);
}

static int source_import(struct import *import)
{
	struct stat status;
	CLEANUP_FD int fd = source_open(import->source);

	if (fd < 0 || fstat(fd, &status) != 0)
		return ctl_fail(CTL_USAGE, "%s: %s", source_name(import), strerror(errno));
	if (S_ISDIR(status.st_mode))
		return maildir_import(import);
	if (!S_ISREG(status.st_mode))
		return ctl_fail(CTL_USAGE, "%s is neither a file nor a folder", import->source);
	return file_import(import, fd, &status);
}

/* Brings one source into one mailbox. */
static int mailbox_import(struct import *import, const char *source, struct str mailbox)
{
	import->source = source;
	import->mailbox_name = mailbox;
	import->messages = 0;
	int code = target_find(import);
	if (code != CTL_DONE)
		return code;
	import->stream = mail_stream_new(import->store);
	code = stream_end(import, source_import(import));
	import->all_messages += import->messages;
	import->mailboxes++;
	return code;
}

/* ---- the folders of a Maildir ---- */

static int folder_import(struct import *import, const char *tree, const char *name)
{
	struct buf mailbox = BUF_INIT(MAILBOX_NAME_MAX);
	char *path = path_join(tree, name);
	int code;

	if (maildir_append_mailbox(str_from_c(name), &mailbox))
		code = mailbox_import(import, path, buf_str(&mailbox));
	else
		code = ctl_fail(CTL_USAGE, "%s: no mailbox may be called so; bring it in by its path, "
				"with --mailbox", path);
	buf_done(&mailbox);
	free(path);
	return code;
}

static int folders_import(struct import *import, const char *tree)
{
	struct maildir_folders folders = {0};
	enum fault fault = maildir_check(tree) ? maildir_folders_open(tree, &folders) : FAULT_NONE;
	int code = fault == FAULT_NONE ? CTL_DONE
				       : ctl_fail(CTL_USAGE, "%s: %s", tree, fault_text(fault));

	for (size_t i = 0; i < folders.count && code == CTL_DONE; i++)
		code = folder_import(import, tree, folders.names[i]);
	maildir_folders_close(&folders);
	return code;
}

static json_t *done_json(const struct import *import)
{
	return json_pack("{s:I, s:I, s:I, s:o}", "messages", (json_int_t)import->all_messages,
			 "bytes", (json_int_t)import->all_bytes, "mailboxes",
			 (json_int_t)import->mailboxes, "mailbox", json_text(import->mailbox_name));
}

/* Before the first message and behind the last: who looks sees what did not come to its end. */
static void import_tell(const struct import *import, const char *what)
{
	struct buf line = BUF_INIT(LINE_MAX_BYTES);

	buf_printf(&line, "%s Mail Import {Address=\"%.*s\"", what, STR_ARG(import->address));
	if (import->all_messages > 0)
		buf_printf(&line, ", Messages=%llu", (unsigned long long)import->all_messages);
	buf_append_char(&line, '}');
	config_change_tell(import->link, buf_str(&line));
	buf_done(&line);
}

static void done_print(const struct import *import)
{
	if (ctl_has(import->ctl, OPTION_BIT(JSON))) {
		ctl_print_json(done_json(import));
		return;
	}
	struct buf text = BUF_INIT(64 * 1024);

	buf_printf(&text, "%llu messages, ", (unsigned long long)import->all_messages);
	size_append(&text, import->all_bytes);
	if (import->mailboxes > 1)
		buf_printf(&text, ", are now in %zu mailboxes of %.*s\n", import->mailboxes,
			   STR_ARG(import->address));
	else
		buf_printf(&text, ", are now in %.*s of %.*s\n", STR_ARG(import->mailbox_name),
			   STR_ARG(import->address));
	ctl_print(buf_str(&text));
	buf_done(&text);
}

/* A mailbox that is named takes what stands in the source itself. */
static int sources_import(struct import *import, const char *source, const char *mailbox)
{
	int code = mailbox_import(import, source, str_from_c(mailbox != NULL ? mailbox : "INBOX"));

	if (code == CTL_DONE && mailbox == NULL && strcmp(source, INPUT) != 0)
		code = folders_import(import, source);
	return code;
}

static int import_run(struct import *import)
{
	const char *source = import->ctl->arguments->words[1];
	const char *mailbox = ctl_value(import->ctl, OPTION_MAILBOX);
	struct link link;
	enum fault fault = link_open(&link, import->ctl->home, LINK_STORE);
	int code = ctl_fault_code(fault);

	if (fault == FAULT_NONE) {
		import->store = link.store;
		import->link = &link;
		import_tell(import, "Begin");
		code = sources_import(import, source, mailbox);
		import_tell(import, code == CTL_DONE ? "End" : "Break Off");
		if (code == CTL_DONE)
			done_print(import);
	}
	link_close(&link);
	return code;
}

int cmd_import(struct ctl *ctl)
{
	struct buf address = BUF_INIT(1000);
	struct import import = {.ctl = ctl,
				.limits = {.parts = limit_standard("MimeParts"),
					   .depth = limit_standard("MimeDepth"),
					   .header_bytes = limit_standard("HeaderBytes")},
				.summary = BUF_INIT(MAIL_SUMMARY_MAX)};
	const char *source = ctl->arguments->words[1];
	int code;

	if (!address_append_account(&address, ctl_word(ctl, 0)))
		code = ctl_fail(CTL_USAGE, "%.*s is no address: it should look like anna@example.org",
				STR_ARG(ctl_word(ctl, 0)));
	else if (strcmp(source, INPUT) != 0 && access(source, R_OK) != 0)
		code = ctl_fail(CTL_USAGE, "%s: %s", source, strerror(errno));
	else {
		import.address = buf_str(&address);
		code = import_run(&import);
	}
	buf_done(&import.summary);
	buf_done(&address);
	return code;
}
