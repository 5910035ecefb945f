/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/sandbox.h"

#include <errno.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "proc/landlock.h"
#include "proc/syscalls.h"
#include "proto/message_text.h"

enum { PATHS_MAX = 12 };

/* Paths as seen from the home folder; a list ends at the first empty place. */
static const struct landlock_path role_paths[ROLE_COUNT][PATHS_MAX] = {
	[ROLE_KEYS] = {{NULL}},
	[ROLE_AUTH] = {{"store/auth", LANDLOCK_ALL}},
	[ROLE_STORE] = {{"store", LANDLOCK_ALL}},
	/* Named one by one: the credentials stand beside them. */
	[ROLE_FRONT] = {{"store/index.mdb", LANDLOCK_READ},
			{"store/index.mdb-lock", LANDLOCK_UPDATE},
			{"store/segments", LANDLOCK_READ}},
	/*
	 * What a front reads, the logs, its own record of counters, and whom the machine trusts;
	 * other files of the home it asks the parent for.
	 */
	[ROLE_ADMIN] = {{"store/index.mdb", LANDLOCK_READ},
			{"store/index.mdb-lock", LANDLOCK_UPDATE},
			{"store/segments", LANDLOCK_READ},
			{"store/logs", LANDLOCK_READ},
			{"store/samples", LANDLOCK_ALL},
			{"/usr/share/zoneinfo", LANDLOCK_READ},
			{"/etc/ssl", LANDLOCK_READ},
			{"/usr/lib/ssl", LANDLOCK_READ},
			{"/usr/share/ca-certificates", LANDLOCK_READ}},
	/* What a front reads, and whom TLS trusts. */
	[ROLE_MAILQ] = {{"store/index.mdb", LANDLOCK_READ},
			{"store/index.mdb-lock", LANDLOCK_UPDATE},
			{"store/segments", LANDLOCK_READ},
			{"sslca", LANDLOCK_READ},
			{"/etc/ssl", LANDLOCK_READ},
			{"/usr/lib/ssl", LANDLOCK_READ},
			{"/usr/share/ca-certificates", LANDLOCK_READ}},
};

/* What a sanitizer's reports are made from. */
static const struct landlock_path sanitizer_paths[] = {
	{"/proc", LANDLOCK_READ}, {"/usr", LANDLOCK_READ}, {"/lib", LANDLOCK_READ}};

static enum fault refuse(struct buf *report, const char *what, enum fault fault)
{
	buf_printf(report, "sandbox: %s: %s", what, fault_text(fault));
	return fault;
}

static enum fault files_restrict(enum role role, struct buf *report)
{
	struct landlock_path paths[PATHS_MAX + 3];
	size_t count = 0;

	for (size_t i = 0; i < PATHS_MAX && role_paths[role][i].path != NULL; i++)
		paths[count++] = role_paths[role][i];
	if (!syscalls_are_restrictable())
		for (size_t i = 0; i < 3; i++)
			paths[count++] = sanitizer_paths[i];
	enum fault fault = landlock_restrict(paths, count, role == ROLE_MAILQ ? LANDLOCK_CONNECT
									  : LANDLOCK_NO_NETWORK);
	if (fault == FAULT_UNSUPPORTED) {
		buf_append_c(report, ", no Landlock in this kernel");
		return FAULT_NONE;
	}
	if (fault == FAULT_NONE)
		buf_printf(report, ", Landlock %d", landlock_version());
	return fault;
}

static enum fault calls_restrict(enum role role, struct buf *report)
{
	if (!syscalls_are_restrictable()) {
		buf_append_c(report, ", no seccomp in this build (sanitizer)");
		return FAULT_NONE;
	}
	enum fault fault = syscalls_restrict(role);
	if (fault == FAULT_UNSUPPORTED) {
		buf_append_c(report, ", no seccomp in this kernel");
		return FAULT_NONE;
	}
	if (fault == FAULT_NONE)
		buf_append_c(report, role == ROLE_KEYS ? ", seccomp (calls it needs)"
						       : ", seccomp (no calls that are not its own)");
	return fault;
}

/* What the C library reads from files is read now: time zone, number of cores, text converters. */
static void prepare_library(enum role role)
{
	tzset();
	(void)sysconf(_SC_NPROCESSORS_ONLN);
	if (role == ROLE_FRONT)
		message_text_prepare();
}

enum fault sandbox_enter(const struct sandbox *sandbox, struct buf *report)
{
	prepare_library(sandbox->role);
	if (chdir(sandbox->home) != 0)
		return refuse(report, sandbox->home, fault_from_errno(errno));
	enum fault fault = system_user_become(sandbox->user);
	if (fault != FAULT_NONE)
		return refuse(report, "becoming another user", fault);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return refuse(report, "no_new_privs", fault_from_errno(errno));
	if (syscalls_are_restrictable() && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return refuse(report, "dumpable", fault_from_errno(errno));
	buf_printf(report, "user %s", sandbox->user->name);
	fault = files_restrict(sandbox->role, report);
	if (fault != FAULT_NONE)
		return refuse(report, "Landlock", fault);
	fault = calls_restrict(sandbox->role, report);
	if (fault != FAULT_NONE)
		return refuse(report, "seccomp", fault);
	return FAULT_NONE;
}
