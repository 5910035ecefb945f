/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/home_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { NAME_MAX_BYTES = 300, PATH_MAX_BYTES = 4096 };

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

	if (name.len > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		if (str_equals(name, whole[i]))
			return true;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (str_has_prefix(name, parts[i].folder) &&
		    str_has_suffix_nocase(name, parts[i].suffix))
			return is_plain(str_from(name, parts[i].folder.len));
	return false;
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
