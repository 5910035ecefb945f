/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/home_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "mailauth/dkim.h"
#include "proto/address.h"

enum {
	NAME_MAX_BYTES = 300,
	PATH_MAX_BYTES = 4096,
	PAIR_NAME_MAX = 220,
	FOLDER_MODE = 0700,
	PRIVATE_MODE = 0600,
	CHAIN_MODE = 0644
};

/* A name without a way in it. */
static bool is_plain(struct str name)
{
	return name.len > 0 && name.ptr[0] != '.' && str_find_char(name, '/') == STR_NONE &&
	       str_find_char(name, '\0') == STR_NONE;
}

/* "dkim/DOMAIN/FILE": its parts, the domain being one. */
static bool dkim_split(struct str name, struct str *domain, struct str *file)
{
	struct str folder = STR("dkim/");

	if (!str_has_prefix(name, folder))
		return false;
	*file = str_from(name, folder.len);
	*domain = str_cut(file, '/');
	return domain_check(*domain);
}

static bool is_dkim_list(struct str name)
{
	struct str domain, file;

	return dkim_split(name, &domain, &file) && str_equals(file, STR("keys"));
}

static bool is_dkim_key(struct str name)
{
	struct str domain, file, suffix = STR(".key");

	return dkim_split(name, &domain, &file) && file.len > suffix.len &&
	       str_equals(str_from(file, file.len - suffix.len), suffix) &&
	       dkim_selector_check(str_sub(file, 0, file.len - suffix.len));
}

/* As `cert import` admits it; the longest suffix that stands behind it is "-ecdsa.crt.new". */
static bool is_pair_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_alnum(name.ptr[i]) &&
		    str_find_char(STR("-._"), name.ptr[i]) == STR_NONE)
			return false;
	return name.len > 4 && name.len <= PAIR_NAME_MAX && name.ptr[0] != '.';
}

static bool is_pair_part(struct str name)
{
	struct str folder = STR("sslcert/");

	return str_has_prefix(name, folder) && is_pair_name(str_from(name, folder.len)) &&
	       (str_has_suffix_nocase(name, STR(".crt")) ||
		str_has_suffix_nocase(name, STR(".key")));
}

/* A key that waits for its certificate, and what was sent to the CA for it. */
static bool is_request_part(struct str name)
{
	struct str folder = STR("sslcert/requests/");

	return str_has_prefix(name, folder) && is_pair_name(str_from(name, folder.len)) &&
	       (str_has_suffix_nocase(name, STR(".csr")) ||
		str_has_suffix_nocase(name, STR(".key")));
}

bool home_file_may_be_removed(struct str name)
{
	return is_dkim_key(name) || is_request_part(name);
}

bool home_file_is_open(struct str name)
{
	static const struct str whole[] = {
		STR_INIT("mailserver.cfg"), STR_INIT("evidence.log"), STR_INIT("evidence.head"),
		STR_INIT("history"),	    STR_INIT("sslcert"),      STR_INIT("sslca"),
		STR_INIT("dkim"),	    STR_INIT("sslcert/requests"),
	};
	static const struct {
		struct str folder, suffix;
	} parts[] = {
		{STR_INIT("history/"), STR_INIT(".cfg")},
		{STR_INIT("sslcert/"), STR_INIT(".crt")},
		{STR_INIT("sslcert/requests/"), STR_INIT(".csr")},
		{STR_INIT("sslca/"), STR_INIT("")},
	};

	if (name.len > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		if (str_equals(name, whole[i]))
			return true;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (str_has_prefix(name, parts[i].folder) &&
		    str_has_suffix_nocase(name, parts[i].suffix))
			return is_plain(str_from(name, parts[i].folder.len));
	/* What is known of a domain's keys, and not the keys. */
	return is_dkim_list(name);
}

bool home_file_may_be_put(struct str name)
{
	return is_pair_part(name) || is_dkim_list(name) || home_file_may_be_removed(name);
}

/* Writes HOME/NAME, or the folder that it is in, into PATH_MAX_BYTES bytes. */
static bool path_write(char *path, const char *home, struct str name)
{
	int len = snprintf(path, PATH_MAX_BYTES, "%s/%.*s", home, STR_ARG(name));

	return len >= 0 && len < PATH_MAX_BYTES;
}

static struct str folder_of(struct str name)
{
	return str_sub(name, 0, str_find_last_char(name, '/'));
}

/* A link would lead to another folder, where the parent may write more than who asks. */
static bool is_folder(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* The folder of a domain, and of requests, is made with its first key; the one above has to be there. */
static enum fault folder_ready(const char *home, struct str name, char *folder)
{
	enum fault fault = FAULT_NONE;

	if (is_request_part(name) && (!path_write(folder, home, STR("sslcert")) || !is_folder(folder)))
		return FAULT_DENIED;
	if (!path_write(folder, home, folder_of(name)))
		return FAULT_DENIED;
	if (!is_pair_part(name)) {
		fault = folder_make(folder, FOLDER_MODE);
		file_give(folder, home);
	}
	return fault == FAULT_NONE && !is_folder(folder) ? FAULT_DENIED : fault;
}

enum fault home_file_put(const char *home, struct str name, int content)
{
	char path[PATH_MAX_BYTES], folder[PATH_MAX_BYTES];
	bool is_chain = str_has_suffix_nocase(name, STR(".crt"));

	if (!home_file_may_be_put(name) || !path_write(path, home, name))
		return FAULT_DENIED;
	enum fault fault = folder_ready(home, name, folder);
	if (fault == FAULT_NONE)
		fault = file_replace_from(path, content, HOME_FILE_BYTES_MAX,
					  is_chain ? CHAIN_MODE : PRIVATE_MODE);
	if (fault == FAULT_NONE)
		file_give(path, folder);
	return fault;
}

enum fault home_file_key_take(const char *home, struct str request, struct str name)
{
	char path[PATH_MAX_BYTES], from[NAME_MAX_BYTES], to[NAME_MAX_BYTES];
	int from_len = snprintf(from, sizeof(from), "sslcert/requests/%.*s.key", STR_ARG(request));
	int to_len = snprintf(to, sizeof(to), "sslcert/%.*s.key", STR_ARG(name));

	if (from_len >= NAME_MAX_BYTES || to_len >= NAME_MAX_BYTES ||
	    !is_request_part(str_from_c(from)) || !is_pair_part(str_from_c(to)) ||
	    !path_write(path, home, str_from_c(from)))
		return FAULT_DENIED;
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ELOOP ? FAULT_DENIED : fault_from_errno(errno);
	return home_file_put(home, str_from_c(to), fd);
}

enum fault home_file_remove(const char *home, struct str name)
{
	char path[PATH_MAX_BYTES], folder[PATH_MAX_BYTES];

	if (!home_file_may_be_removed(name) || !path_write(path, home, name) ||
	    !path_write(folder, home, folder_of(name)))
		return FAULT_DENIED;
	if (access(folder, F_OK) == 0 && !is_folder(folder))
		return FAULT_DENIED;
	return unlink(path) == 0 || errno == ENOENT ? FAULT_NONE : fault_from_errno(errno);
}

enum fault home_file_open(const char *home, struct str name, int *fd_out)
{
	char path[PATH_MAX_BYTES];
	struct stat status;

	if (!home_file_is_open(name) || !path_write(path, home, name))
		return FAULT_DENIED;
	/* A link could lead to a key; a pipe would hold the parent up. */
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ELOOP ? FAULT_DENIED : fault_from_errno(errno);
	if (fstat(fd, &status) != 0 || !(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)))
		return FAULT_DENIED;
	*fd_out = fd;
	fd = -1;
	return FAULT_NONE;
}

enum fault home_file_make_unnamed(const char *home, uint64_t bytes, int *fd_out)
{
	struct statvfs space;

	if (statvfs(home, &space) != 0)
		return fault_from_errno(errno);
	if (bytes > (uint64_t)space.f_bavail * space.f_frsize / 2)
		return FAULT_NO_SPACE;
	int fd = open(home, O_TMPFILE | O_RDWR | O_CLOEXEC, PRIVATE_MODE);
	if (fd < 0)
		return fault_from_errno(errno);
	*fd_out = fd;
	return FAULT_NONE;
}
