/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

/* Numbers of the kernel's interface (include/uapi/linux/landlock.h), the same on every machine. */
enum {
	CALL_CREATE_RULESET = 444,
	CALL_ADD_RULE = 445,
	CALL_RESTRICT_SELF = 446,
	CREATE_RULESET_VERSION = 1,
	RULE_PATH_BENEATH = 1,
	RULE_NET_PORT = 2,
};

enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_REFER = 1 << 13,    /* version 2 */
	FS_TRUNCATE = 1 << 14, /* version 3 */
	FS_VERSION_1 = (1 << 13) - 1,
	FS_IOCTL_DEV = 1 << 15, /* version 5 */
	NET_BIND = 1,
	NET_CONNECT = 2,
	SCOPE_ABSTRACT_AND_SIGNAL = 3,
};

struct ruleset {
	uint64_t handled_files;
	uint64_t handled_network; /* from version 4 on */
	uint64_t scoped;	  /* from version 6 on */
};

struct rule {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

struct port_rule {
	uint64_t allowed;
	uint64_t port;
};

int landlock_version(void)
{
	long version = syscall(CALL_CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);

	return version < 0 ? 0 : (int)version;
}

static uint64_t files_known(int version)
{
	uint64_t known = FS_VERSION_1;

	if (version >= 2)
		known |= FS_REFER;
	if (version >= 3)
		known |= FS_TRUNCATE;
	if (version >= 5)
		known |= FS_IOCTL_DEV;
	return known;
}

static int ruleset_create(int version, enum landlock_network network)
{
	const struct ruleset ruleset = {
		.handled_files = files_known(version),
		.handled_network = network == LANDLOCK_CONNECT ? NET_BIND : NET_BIND | NET_CONNECT,
		.scoped = SCOPE_ABSTRACT_AND_SIGNAL,
	};
	/* An older kernel refuses a struct that is longer than its own. */
	size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;

	return (int)syscall(CALL_CREATE_RULESET, &ruleset, size, 0);
}

static uint64_t access_bits(enum landlock_access access)
{
	uint64_t bits = FS_READ_FILE | FS_READ_DIR;

	if (access >= LANDLOCK_UPDATE)
		bits |= FS_WRITE_FILE | FS_TRUNCATE;
	if (access >= LANDLOCK_ALL)
		bits |= FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_REFER;
	return bits;
}

/* What makes sense for a single file; the kernel refuses more. */
static const uint64_t FILE_BITS = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE;

static enum fault path_allow(int ruleset_fd, const struct landlock_path *path, uint64_t known)
{
	struct stat status;
	CLEANUP_FD int fd = open(path->path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? FAULT_NONE : fault_from_errno(errno);
	if (fstat(fd, &status) != 0)
		return fault_from_errno(errno);
	struct rule rule = {.allowed = access_bits(path->access) & known, .parent_fd = fd};
	if (!S_ISDIR(status.st_mode))
		rule.allowed &= FILE_BITS;
	if (syscall(CALL_ADD_RULE, ruleset_fd, RULE_PATH_BENEATH, &rule, 0) != 0)
		return fault_from_errno(errno);
	return FAULT_NONE;
}

/* Port 0: the kernel chooses, when only the address from which to connect is given. */
static enum fault any_port_allow(int ruleset_fd)
{
	const struct port_rule rule = {.allowed = NET_BIND, .port = 0};

	if (syscall(CALL_ADD_RULE, ruleset_fd, RULE_NET_PORT, &rule, 0) != 0)
		return fault_from_errno(errno);
	return FAULT_NONE;
}

enum fault landlock_restrict(const struct landlock_path *paths, size_t count,
			     enum landlock_network network)
{
	int version = landlock_version();

	if (version == 0)
		return FAULT_UNSUPPORTED;
	CLEANUP_FD int ruleset_fd = ruleset_create(version, network);
	if (ruleset_fd < 0)
		return fault_from_errno(errno);
	for (size_t i = 0; i < count; i++) {
		enum fault fault = path_allow(ruleset_fd, &paths[i], files_known(version));
		if (fault != FAULT_NONE)
			return fault;
	}
	if (network == LANDLOCK_CONNECT && version >= 4) {
		enum fault fault = any_port_allow(ruleset_fd);
		if (fault != FAULT_NONE)
			return fault;
	}
	if (syscall(CALL_RESTRICT_SELF, ruleset_fd, 0) != 0)
		return fault_from_errno(errno);
	return FAULT_NONE;
}
