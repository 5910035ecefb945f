/* SPDX-License-Identifier: Apache-2.0 */
#include "base/system_user.h"

#include <errno.h>
#include <ftw.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

enum { TREE_DEPTH = 16, CAPABILITIES_MAX = 64 };

static bool system_user_from_entry(const struct passwd *entry, struct system_user *user_out)
{
	if (entry == NULL)
		return false;
	*user_out = (struct system_user){.uid = entry->pw_uid, .gid = entry->pw_gid};
	if (!str_copy_c(str_from_c(entry->pw_name), user_out->name, sizeof(user_out->name)))
		snprintf(user_out->name, sizeof(user_out->name), "%u", (unsigned)entry->pw_uid);
	return true;
}

static void system_user_numbered(uid_t uid, gid_t gid, struct system_user *user_out)
{
	if (!system_user_from_entry(getpwuid(uid), user_out)) {
		*user_out = (struct system_user){.uid = uid};
		snprintf(user_out->name, sizeof(user_out->name), "%u", (unsigned)uid);
	}
	user_out->gid = gid;
}

static void system_user_self(struct system_user *user_out)
{
	system_user_numbered(geteuid(), getegid(), user_out);
	user_out->is_self = true;
}

static enum fault system_user_configured(const char *name, struct system_user *user_out,
					 struct buf *message)
{
	struct system_user found;

	if (!system_user_from_entry(getpwnam(name), &found)) {
		buf_printf(message,
			   "Server/User: there is no user %s; create it, for example with "
			   "`adduser --system --group %s`, or delete the variable",
			   name, name);
		return FAULT_NOT_FOUND;
	}
	if (found.uid == 0) {
		buf_printf(message, "Server/User: %s is root; name a user without rights", name);
		return FAULT_DENIED;
	}
	*user_out = found;
	return FAULT_NONE;
}

enum fault system_user_choose(struct str configured, struct system_user *user_out,
			      struct buf *message)
{
	char name[SYSTEM_USER_NAME_MAX];

	if (geteuid() != 0) {
		system_user_self(user_out);
		return FAULT_NONE;
	}
	if (!str_is_empty(configured)) {
		if (!str_copy_c(configured, name, sizeof(name))) {
			buf_append_c(message, "Server/User: the name is too long");
			return FAULT_NOT_FOUND;
		}
		return system_user_configured(name, user_out, message);
	}
	if (system_user_from_entry(getpwnam("postern"), user_out))
		return FAULT_NONE;
	if (system_user_from_entry(getpwnam("nobody"), user_out)) {
		buf_append_c(message,
			     "there is no user postern; the parts that serve run as nobody: better "
			     "create one with `adduser --system --group postern`");
		return FAULT_NONE;
	}
	buf_append_c(message, "there is neither a user postern nor a user nobody; create one with "
			      "`adduser --system --group postern`");
	return FAULT_NOT_FOUND;
}

enum fault system_user_of_file(const char *path, struct system_user *user_out)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return fault_from_errno(errno);
	if (geteuid() != 0 || status.st_uid == 0)
		system_user_self(user_out);
	else
		system_user_numbered(status.st_uid, status.st_gid, user_out);
	return FAULT_NONE;
}

/* The walk of nftw has no context of its own. */
static _Thread_local const struct system_user *walk_user;

/*
 * A file with several names may be somebody else's: a role that was broken
 * into could have linked it here to be given it.
 */
static int entry_own(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	if (kind == FTW_F && status->st_nlink > 1)
		return 0;
	if (kind != FTW_F && kind != FTW_D)
		return 0;
	if (status->st_uid == walk_user->uid && status->st_gid == walk_user->gid)
		return 0;
	return lchown(path, walk_user->uid, walk_user->gid);
}

/* The certificates of those whom we trust are no secret, but the folder may stand behind a closed mask. */
static enum fault trusted_open(const struct system_user *user, const char *home)
{
	char *path = path_join(home, "sslca");
	bool is_open = (chown(path, 0, user->gid) == 0 && chmod(path, 0750) == 0) || errno == ENOENT;

	free(path);
	return is_open ? FAULT_NONE : fault_from_errno(errno);
}

enum fault system_user_own_home(const struct system_user *user, const char *home)
{
	if (user->is_self)
		return FAULT_NONE;
	if (chown(home, 0, user->gid) != 0 || chmod(home, 0710) != 0)
		return fault_from_errno(errno);
	enum fault fault = trusted_open(user, home);
	if (fault != FAULT_NONE)
		return fault;
	char *store = path_join(home, "store");
	walk_user = user;
	int result = nftw(store, entry_own, TREE_DEPTH, FTW_PHYS);
	walk_user = NULL;
	free(store);
	return result == 0 ? FAULT_NONE : fault_from_errno(errno);
}

/* Empties all sets: effective, permitted, inheritable. Works without rights too. */
static bool capabilities_drop(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};

	return syscall(SYS_capset, &header, none) == 0;
}

/* So that no program started later could regain one. Only root may; unknown numbers are refused. */
static void bounding_set_drop(void)
{
	for (int capability = 0; capability < CAPABILITIES_MAX; capability++)
		(void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

enum fault system_user_become(const struct system_user *user)
{
	if (!user->is_self) {
		bounding_set_drop();
		if (setgroups(0, NULL) != 0 || setresgid(user->gid, user->gid, user->gid) != 0 ||
		    setresuid(user->uid, user->uid, user->uid) != 0)
			return fault_from_errno(errno);
		CHECK(setuid(0) != 0);
	}
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (!capabilities_drop())
		return fault_from_errno(errno);
	return FAULT_NONE;
}
