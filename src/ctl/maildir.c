/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/maildir.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "proto/mailbox_name.h"
#include "store/mail.h"
#include "store/mailbox.h"

enum { KEYWORD_FILE_MAX = 64 * 1024 };

uint32_t maildir_flags(struct str name)
{
	static const struct {
		char letter;
		uint32_t flag;
	} known[] = {{'R', MAIL_ANSWERED}, {'S', MAIL_SEEN}, {'T', MAIL_DELETED},
		     {'D', MAIL_DRAFT}, {'F', MAIL_FLAGGED}};
	size_t info = str_find(name, STR(":2,"));
	uint32_t flags = 0;

	if (info == STR_NONE)
		return 0;
	struct str letters = str_from(name, info + 3);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_find_char(letters, known[i].letter) != STR_NONE)
			flags |= known[i].flag;
	return flags;
}

uint32_t maildir_letters(struct str name)
{
	size_t info = str_find(name, STR(":2,"));
	uint32_t letters = 0;

	for (size_t i = info; info != STR_NONE && i < name.len; i++)
		if (name.ptr[i] >= 'a' && name.ptr[i] <= 'z')
			letters |= 1u << (name.ptr[i] - 'a');
	return letters;
}

/* flag-keyword of RFC 9051 section 9, an atom. */
static bool keyword_check(struct str keyword)
{
	for (size_t i = 0; i < keyword.len; i++)
		if (keyword.ptr[i] <= ' ' || keyword.ptr[i] > '~' ||
		    str_find_char(STR("(){%*\"\\]"), keyword.ptr[i]) != STR_NONE)
			return false;
	return keyword.len > 0 && keyword.len <= MAILBOX_KEYWORD_MAX;
}

void maildir_keywords_parse(struct str text, struct str keywords[MAILDIR_KEYWORDS_MAX])
{
	while (text.len > 0) {
		struct str keyword = str_cut(&text, '\n');
		struct str number = str_cut(&keyword, ' ');
		uint64_t at;
		if (str_parse_u64(number, MAILDIR_KEYWORDS_MAX - 1, &at) && keyword_check(keyword))
			keywords[at] = keyword;
	}
}

bool maildir_append_mailbox(struct str folder, struct buf *to)
{
	struct buf wire = BUF_INIT(MAILBOX_NAME_MAX), name = BUF_INIT(MAILBOX_NAME_MAX);

	if (!str_has_prefix(folder, STR(".")))
		return false;
	for (size_t i = 1; i < folder.len; i++)
		buf_append_char(&wire, folder.ptr[i] == '.' ? MAILBOX_NAME_SEPARATOR
							    : folder.ptr[i]);
	if (!mailbox_name_decode(&name, buf_str(&wire)))
		buf_append_str(&name, buf_str(&wire));
	bool is_good = !wire.failed && !name.failed && mailbox_name_check(buf_str(&name));
	if (is_good)
		buf_append_str(to, buf_str(&name));
	buf_done(&wire);
	buf_done(&name);
	return is_good;
}

uint64_t maildir_name_time(struct str name)
{
	size_t digits = 0;
	uint64_t seconds;

	while (digits < name.len && ascii_is_digit(name.ptr[digits]))
		digits++;
	return str_parse_u64(str_sub(name, 0, digits), INT64_MAX, &seconds) ? seconds : 0;
}

bool maildir_check(const char *path)
{
	static const char *const parts[] = {"cur", "new"};
	bool is_maildir = false;

	for (size_t i = 0; i < 2 && !is_maildir; i++) {
		struct stat status;
		char *part = path_join(path, parts[i]);
		is_maildir = stat(part, &status) == 0 && S_ISDIR(status.st_mode);
		free(part);
	}
	return is_maildir;
}

static void entry_add(struct maildir *maildir, char *path, const char *name,
		      const struct stat *status)
{
	/* Doubling: room for a power of two. */
	if ((maildir->count & (maildir->count - 1)) == 0) {
		size_t room = maildir->count == 0 ? 1 : maildir->count * 2;
		maildir->entries = reallocarray(maildir->entries, room, sizeof(*maildir->entries));
		CHECK(maildir->entries != NULL);
	}
	maildir->entries[maildir->count++] =
		(struct maildir_entry){.path = path,
				       .name_time = maildir_name_time(str_from_c(name)),
				       .flags = maildir_flags(str_from_c(name)),
				       .letters = maildir_letters(str_from_c(name)),
				       .received_s = status->st_mtime,
				       .bytes = (uint64_t)status->st_size};
	maildir->bytes += (uint64_t)status->st_size;
}

static enum fault part_read(struct maildir *maildir, const char *folder)
{
	DIR *part = opendir(folder);
	const struct dirent *entry;

	if (part == NULL)
		return errno == ENOENT ? FAULT_NONE : fault_from_errno(errno);
	while ((entry = readdir(part)) != NULL) {
		struct stat status;
		char *path = path_join(folder, entry->d_name);
		/* A name that begins with a dot is no message. */
		if (entry->d_name[0] != '.' && stat(path, &status) == 0 && S_ISREG(status.st_mode))
			entry_add(maildir, path, entry->d_name, &status);
		else
			free(path);
	}
	closedir(part);
	return FAULT_NONE;
}

/* Without it the letters mean nothing, and the messages stay what they are. */
static void keywords_read(struct maildir *maildir, const char *folder)
{
	char *path = path_join(folder, "dovecot-keywords");

	if (file_read(path, &maildir->keyword_text) == FAULT_NONE)
		maildir_keywords_parse(buf_str(&maildir->keyword_text), maildir->keywords);
	free(path);
}

static int entry_compare(const void *a, const void *b)
{
	const struct maildir_entry *left = a, *right = b;

	if (left->name_time != right->name_time)
		return left->name_time < right->name_time ? -1 : 1;
	return strcmp(left->path, right->path);
}

enum fault maildir_open(const char *path, struct maildir *out)
{
	static const char *const parts[] = {"cur", "new"};
	struct maildir maildir = {.keyword_text = BUF_INIT(KEYWORD_FILE_MAX)};
	enum fault fault = maildir_check(path) ? FAULT_NONE : FAULT_NOT_FOUND;

	for (size_t i = 0; i < 2 && fault == FAULT_NONE; i++) {
		char *part = path_join(path, parts[i]);
		fault = part_read(&maildir, part);
		free(part);
	}
	if (fault != FAULT_NONE) {
		maildir_close(&maildir);
		return fault;
	}
	keywords_read(&maildir, path);
	if (maildir.count > 0)
		qsort(maildir.entries, maildir.count, sizeof(*maildir.entries), entry_compare);
	*out = maildir;
	return FAULT_NONE;
}

void maildir_close(struct maildir *maildir)
{
	for (size_t i = 0; i < maildir->count; i++)
		free(maildir->entries[i].path);
	free(maildir->entries);
	buf_done(&maildir->keyword_text);
	*maildir = (struct maildir){0};
}

/* ---- the folders of Maildir++ ---- */

static bool is_folder(const char *path, const char *name)
{
	char *inner = path_join(path, name);
	bool is_maildir = name[0] == '.' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
			  maildir_check(inner);

	free(inner);
	return is_maildir;
}

static void folder_add(struct maildir_folders *folders, const char *name)
{
	folders->names = reallocarray(folders->names, folders->count + 1, sizeof(*folders->names));
	CHECK(folders->names != NULL);
	folders->names[folders->count++] = str_dup_c(str_from_c(name));
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

enum fault maildir_folders_open(const char *path, struct maildir_folders *out)
{
	DIR *folder = opendir(path);
	struct maildir_folders folders = {0};
	const struct dirent *entry;

	if (folder == NULL)
		return fault_from_errno(errno);
	while ((entry = readdir(folder)) != NULL)
		if (is_folder(path, entry->d_name))
			folder_add(&folders, entry->d_name);
	closedir(folder);
	if (folders.count > 0)
		qsort(folders.names, folders.count, sizeof(*folders.names), name_compare);
	*out = folders;
	return FAULT_NONE;
}

void maildir_folders_close(struct maildir_folders *folders)
{
	for (size_t i = 0; i < folders->count; i++)
		free(folders->names[i]);
	free(folders->names);
	*folders = (struct maildir_folders){0};
}
