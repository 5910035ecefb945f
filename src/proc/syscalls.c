/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/syscalls.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
	__has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                     \
	__has_feature(memory_sanitizer)
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif

/* Everything that `keys` needs: its channels, memory, threads, time, random bytes. */
static const int keys_allowed[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(close),
	SCMP_SYS(recvmsg), SCMP_SYS(recvfrom), SCMP_SYS(sendmsg), SCMP_SYS(sendto),
	SCMP_SYS(shutdown),
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(eventfd2),
	SCMP_SYS(fcntl), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(lseek), SCMP_SYS(fstat),
	SCMP_SYS(fsync),
	SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mprotect), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(mlock), SCMP_SYS(mlock2), SCMP_SYS(munlock), SCMP_SYS(brk), SCMP_SYS(membarrier),
	SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(set_tid_address),
	SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(getcpu), SCMP_SYS(sysinfo),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
	SCMP_SYS(getegid), SCMP_SYS(getppid), SCMP_SYS(getrandom), SCMP_SYS(getrusage),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigtimedwait), SCMP_SYS(sigaltstack), SCMP_SYS(tgkill), SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* The C library looks up files of /proc and /sys, and does without. */
static const int keys_in_vain[] = {
	SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(newfstatat), SCMP_SYS(statx),
	SCMP_SYS(readlink), SCMP_SYS(access), SCMP_SYS(faccessat),
};

/* What no role but the parent has a use for. */
static const int others_denied[] = {
	/* other programs, other processes */
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(vfork), SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(process_madvise),
	SCMP_SYS(kcmp), SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_getfd), SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(tkill), SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo), SCMP_SYS(setpgid),
	SCMP_SYS(setsid),
	/* other users, other views of the system */
	SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid), SCMP_SYS(setregid),
	SCMP_SYS(setresuid), SCMP_SYS(setresgid), SCMP_SYS(setgroups), SCMP_SYS(setfsuid),
	SCMP_SYS(setfsgid), SCMP_SYS(capset), SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(chroot),
	SCMP_SYS(pivot_root), SCMP_SYS(personality), SCMP_SYS(sethostname), SCMP_SYS(setdomainname),
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(open_tree), SCMP_SYS(move_mount),
	SCMP_SYS(fsopen), SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(fspick),
	SCMP_SYS(mount_setattr), SCMP_SYS(chown), SCMP_SYS(fchown), SCMP_SYS(lchown),
	SCMP_SYS(fchownat), SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(symlink),
	SCMP_SYS(symlinkat), SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(name_to_handle_at),
	SCMP_SYS(open_by_handle_at),
	/* the machine */
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(reboot), SCMP_SYS(swapon),
	SCMP_SYS(swapoff), SCMP_SYS(acct), SCMP_SYS(quotactl), SCMP_SYS(iopl), SCMP_SYS(ioperm),
	SCMP_SYS(syslog), SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(adjtimex),
	SCMP_SYS(clock_adjtime), SCMP_SYS(modify_ldt), SCMP_SYS(vhangup),
	/* kernel interfaces with a history */
	SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register), SCMP_SYS(add_key),
	SCMP_SYS(request_key), SCMP_SYS(keyctl), SCMP_SYS(uselib), SCMP_SYS(lookup_dcookie),
	SCMP_SYS(vmsplice), SCMP_SYS(migrate_pages), SCMP_SYS(move_pages), SCMP_SYS(mbind),
	SCMP_SYS(set_mempolicy), SCMP_SYS(fanotify_init),
	/* listeners come from the parent */
	SCMP_SYS(listen),
};

/* Nor any but admin, which runs commands in processes forked from itself. */
static const int processes_denied[] = {SCMP_SYS(fork), SCMP_SYS(kill)};

/* Sockets of one's own: channels come from the parent, and only mailq connects to peers. */
static const int connecting_denied[] = {SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind)};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

bool syscalls_are_restrictable(void)
{
	return !IS_SANITIZED;
}

static bool rules_add(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int result = seccomp_rule_add(filter, action, calls[i], 0);
		/* A call that this machine does not have needs no rule. */
		if (result != 0 && result != -EDOM && result != -EFAULT)
			return false;
	}
	return true;
}

/*
 * New threads, but no new processes. clone3 hides its flags behind a pointer:
 * "no such call" sends the C library back to clone.
 */
static bool threads_only(scmp_filter_ctx filter, uint32_t refuse)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0 &&
	       seccomp_rule_add(filter, refuse, SCMP_SYS(clone), 1,
				SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0)) == 0;
}

/* No memory that is made executable after the start: injected code has nowhere to stand. */
static bool no_new_code(scmp_filter_ctx filter, uint32_t refuse)
{
	return seccomp_rule_add(filter, refuse, SCMP_SYS(mprotect), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)) == 0 &&
	       seccomp_rule_add(filter, refuse, SCMP_SYS(mmap), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)) == 0;
}

static bool keys_rules(scmp_filter_ctx filter)
{
	return rules_add(filter, SCMP_ACT_ALLOW, keys_allowed, COUNT(keys_allowed)) &&
	       seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)) == 0 &&
	       seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0 &&
	       seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
				SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME)) == 0 &&
	       rules_add(filter, SCMP_ACT_ERRNO(ENOENT), keys_in_vain, COUNT(keys_in_vain));
}

/* Sockets of the internet alone: neither local ones nor what the kernel offers beside. */
static bool internet_only(scmp_filter_ctx filter, uint32_t refuse)
{
	for (unsigned family = 0; family < AF_INET6; family++)
		if (family != AF_INET && seccomp_rule_add(filter, refuse, SCMP_SYS(socket), 1,
							  SCMP_A0(SCMP_CMP_EQ, family)) != 0)
			return false;
	return seccomp_rule_add(filter, refuse, SCMP_SYS(socket), 1,
				SCMP_A0(SCMP_CMP_GT, AF_INET6)) == 0;
}

/* Neither new processes nor signals to others; abort() signals itself. */
static bool processes_rules(scmp_filter_ctx filter, uint32_t refuse)
{
	return rules_add(filter, refuse, processes_denied, COUNT(processes_denied)) &&
	       threads_only(filter, refuse) &&
	       seccomp_rule_add(filter, refuse, SCMP_SYS(tgkill), 1,
				SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid())) == 0;
}

static bool others_rules(scmp_filter_ctx filter, enum role role)
{
	const uint32_t refuse = SCMP_ACT_ERRNO(EPERM);

	return rules_add(filter, refuse, others_denied, COUNT(others_denied)) &&
	       (role == ROLE_ADMIN || processes_rules(filter, refuse)) &&
	       no_new_code(filter, refuse) &&
	       (role == ROLE_MAILQ ? internet_only(filter, refuse)
				   : rules_add(filter, refuse, connecting_denied,
					       COUNT(connecting_denied)));
}

/* Loads the rules and frees them. */
static enum fault filter_load(scmp_filter_ctx filter, bool is_good)
{
	int result = is_good ? seccomp_load(filter) : -EIO;

	seccomp_release(filter);
	if (result == 0)
		return FAULT_NONE;
	return result == -EINVAL || result == -ENOSYS || result == -ECANCELED ? FAULT_UNSUPPORTED
									       : FAULT_IO;
}

enum fault syscalls_restrict(enum role role)
{
	bool is_keys = role == ROLE_KEYS;
	scmp_filter_ctx filter = seccomp_init(is_keys ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ALLOW);

	if (filter == NULL)
		return FAULT_MEMORY;
	return filter_load(filter, is_keys ? keys_rules(filter) : others_rules(filter, role));
}

enum fault syscalls_restrict_command(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (filter == NULL)
		return FAULT_MEMORY;
	return filter_load(filter, processes_rules(filter, SCMP_ACT_ERRNO(EPERM)));
}
