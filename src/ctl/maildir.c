/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/maildir.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/mail.h"

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
	struct maildir maildir = {0};
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
	*maildir = (struct maildir){0};
}
