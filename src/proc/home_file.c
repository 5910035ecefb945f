/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/home_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum {
	NAME_MAX_BYTES = 300,
	PATH_MAX_BYTES = 4096,
	PAIR_NAME_MAX = 220,
	KEY_MODE = 0600,
	CHAIN_MODE = 0644
};

/* A name without a way in it. */
static bool is_plain(struct str name)
{
	return name.len > 0 && name.ptr[0] != '.' && str_find_char(name, '/') == STR_NONE &&
	       str_find_char(name, '\0') == STR_NONE;
}

bool home_file_is_open(struct str name)
{
	static const struct str whole[] = {
		STR_INIT("mailserver.cfg"), STR_INIT("evidence.log"), STR_INIT("evidence.head"),
		STR_INIT("history"),	    STR_INIT("sslcert"),      STR_INIT("sslca"),
	};
	static const struct {
		struct str folder, suffix;
	} parts[] = {
		{STR_INIT("history/"), STR_INIT(".cfg")},
		{STR_INIT("sslcert/"), STR_INIT(".crt")},
		{STR_INIT("sslca/"), STR_INIT("")},
	};
	static const struct str dkim = STR_INIT("dkim/"), dkim_keys = STR_INIT("/keys");

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
	if (str_has_prefix(name, dkim) && str_has_suffix_nocase(name, dkim_keys) &&
	    name.len > dkim.len + dkim_keys.len)
		return is_plain(str_sub(name, dkim.len, name.len - dkim.len - dkim_keys.len));
	return false;
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

bool home_file_may_be_put(struct str name)
{
	struct str folder = STR("sslcert/");

	return str_has_prefix(name, folder) && is_pair_name(str_from(name, folder.len)) &&
	       (str_has_suffix_nocase(name, STR(".crt")) ||
		str_has_suffix_nocase(name, STR(".key")));
}

enum fault home_file_put(const char *home, struct str name, int content)
{
	char path[PATH_MAX_BYTES], folder[PATH_MAX_BYTES];
	bool is_key = str_has_suffix_nocase(name, STR(".key"));

	if (!home_file_may_be_put(name))
		return FAULT_DENIED;
	int len = snprintf(path, sizeof(path), "%s/%.*s", home, STR_ARG(name));
	if (len < 0 || (size_t)len >= sizeof(path))
		return FAULT_DENIED;
	(void)snprintf(folder, sizeof(folder), "%s/sslcert", home);
	enum fault fault = file_replace_from(path, content, HOME_FILE_BYTES_MAX,
					     is_key ? KEY_MODE : CHAIN_MODE);
	if (fault == FAULT_NONE)
		file_give(path, folder);
	return fault;
}

enum fault home_file_open(const char *home, struct str name, int *fd_out)
{
	char path[PATH_MAX_BYTES];
	struct stat status;

	if (!home_file_is_open(name))
		return FAULT_DENIED;
	int len = snprintf(path, sizeof(path), "%s/%.*s", home, STR_ARG(name));
	if (len < 0 || (size_t)len >= sizeof(path))
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
