/* SPDX-License-Identifier: Apache-2.0 */
/* What a role can and cannot do behind its fence; each case in a child of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "auth/service.h"
#include "base/file.h"
#include "proc/landlock.h"
#include "proc/sandbox.h"
#include "proc/syscalls.h"

static char home[64];

static void file_make(const char *name, int mode)
{
	char *path = path_join(home, name);
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	close(fd);
	free(path);
}

static void home_folder_make(const char *name)
{
	char *path = path_join(home, name);

	assert_int_equal(folder_make(path, 0700), FAULT_NONE);
	free(path);
}

static int home_set_up(void **state)
{
	struct system_user user;
	struct buf message = BUF_INIT(1000);

	snprintf(home, sizeof(home), "/tmp/test-sandbox-XXXXXX");
	if (mkdtemp(home) == NULL)
		return 1;
	home_folder_make("store");
	home_folder_make("store/auth");
	home_folder_make("store/segments");
	home_folder_make("store/logs");
	home_folder_make("store/samples");
	home_folder_make("sslcert");
	file_make("sslcert/server.key", 0600);
	file_make("store/logs/mail.log", 0640);
	home_folder_make("sslca");
	file_make("sslca/own.pem", 0644);
	file_make("mailserver.cfg", 0600);
	file_make("store/index.mdb", 0600);
	file_make("store/index.mdb-lock", 0600);
	file_make("store/auth/data.mdb", 0600);
	assert_int_equal(system_user_choose(STR(""), &user, &message), FAULT_NONE);
	assert_int_equal(system_user_own_home(&user, home), FAULT_NONE);
	buf_done(&message);
	return 0;
}

static int home_tear_down(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r -- '%s'", home);
	return system(command);
}

/* Runs `inside` as the role; returns how the child ended. */
static int role_run(enum role role, int (*inside)(void))
{
	pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (child == 0) {
		struct system_user user;
		struct buf report = BUF_INIT(1000);
		if (system_user_choose(STR(""), &user, &report) != FAULT_NONE)
			_exit(100);
		struct sandbox sandbox = {.role = role, .home = home, .user = &user};
		if (sandbox_enter(&sandbox, &report) != FAULT_NONE) {
			(void)!write(2, report.data, report.len);
			_exit(101);
		}
		_exit(inside());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

#define EXPECT(condition)                                                      \
	do {                                                                   \
		if (!(condition))                                              \
			return __LINE__ % 90 + 1;                              \
	} while (0)

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void *nothing(void *argument)
{
	return argument;
}

static bool threads_start(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

/* Whoever is taken over cannot end another role, which is of the same user. */
static bool signals_nobody(void)
{
	siginfo_t info = {.si_code = SI_QUEUE};
	pid_t other = getppid(), self = getpid();

	return kill(other, 0) != 0 && errno == EPERM &&
	       syscall(SYS_tgkill, other, other, 0) != 0 && errno == EPERM &&
	       syscall(SYS_tkill, other, 0) != 0 && errno == EPERM &&
	       syscall(SYS_rt_sigqueueinfo, other, 0, &info) != 0 && errno == EPERM &&
	       syscall(SYS_rt_tgsigqueueinfo, other, other, 0, &info) != 0 && errno == EPERM &&
	       syscall(SYS_pidfd_send_signal, -1, 0, NULL, 0) != 0 && errno == EPERM &&
	       syscall(SYS_tgkill, self, self, 0) == 0;
}

static int inside_front(void)
{
	struct tm local;
	time_t now = 0;

	EXPECT(geteuid() != 0 && setuid(0) != 0);
	EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	EXPECT(localtime_r(&now, &local) != NULL && threads_start());
	if (landlock_version() > 0) {
		EXPECT(opens("store/index.mdb", O_RDONLY));
		EXPECT(!opens("store/index.mdb", O_RDWR));
		EXPECT(opens("store/index.mdb-lock", O_RDWR | O_CREAT));
		EXPECT(!opens("store/segments/new", O_RDWR | O_CREAT));
		EXPECT(!opens("store/auth/data.mdb", O_RDONLY) && errno == EACCES);
		EXPECT(!opens("mailserver.cfg", O_RDONLY));
		EXPECT(!opens("/etc/passwd", O_RDONLY) && errno == EACCES);
	}
	if (syscalls_are_restrictable()) {
		char *const arguments[] = {(char[]){"true"}, NULL};
		EXPECT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
		EXPECT(execv("/bin/true", arguments) != 0 && errno == EPERM);
		EXPECT(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM);
		EXPECT(fork() < 0 && errno == EPERM);
		EXPECT(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0) == MAP_FAILED);
		EXPECT(signals_nobody());
	}
	return 0;
}

static bool may_make(int family, int type)
{
	int fd = socket(family, type, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int inside_mailq(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in nobody = any, chosen = any;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	nobody.sin_port = htons(1);
	chosen.sin_port = htons(2525);
	EXPECT(threads_start() && fd >= 0);
	EXPECT(may_make(AF_INET6, SOCK_STREAM) && may_make(AF_INET, SOCK_DGRAM));
	if (landlock_version() >= 4)
		EXPECT(bind(fd, (struct sockaddr *)&chosen, sizeof(chosen)) != 0 && errno == EACCES);
	/* The address from which to connect may be chosen, and the call is not what fails. */
	EXPECT(bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0);
	EXPECT(connect(fd, (struct sockaddr *)&nobody, sizeof(nobody)) != 0 &&
	       (errno == ECONNREFUSED || errno == ENETUNREACH));
	if (landlock_version() > 0) {
		EXPECT(opens("store/index.mdb", O_RDONLY) && opens("sslca/own.pem", O_RDONLY));
		EXPECT(!opens("store/auth/data.mdb", O_RDONLY) && !opens("mailserver.cfg", O_RDONLY));
		EXPECT(!opens("/etc/passwd", O_RDONLY) && errno == EACCES);
	}
	if (syscalls_are_restrictable()) {
		EXPECT(listen(fd, 1) != 0 && errno == EPERM);
		EXPECT(!may_make(AF_UNIX, SOCK_STREAM) && errno == EPERM);
		EXPECT(!may_make(AF_NETLINK, SOCK_RAW) && errno == EPERM);
		EXPECT(!may_make(AF_PACKET, SOCK_RAW) && errno == EPERM);
	}
	return 0;
}

/* What neither the admin role may nor a process that it forks. */
static int admin_denied(void)
{
	if (landlock_version() > 0) {
		EXPECT(opens("store/index.mdb", O_RDONLY) && !opens("store/index.mdb", O_RDWR));
		EXPECT(opens("store/logs/mail.log", O_RDONLY) && !opens("store/logs/mail.log", O_RDWR));
		EXPECT(!opens("store/logs/new", O_RDWR | O_CREAT));
		EXPECT(opens("store/samples/ring", O_RDWR | O_CREAT));
		EXPECT(!opens("store/segments/new", O_RDWR | O_CREAT));
		EXPECT(!opens("store/auth/data.mdb", O_RDONLY) && errno == EACCES);
		EXPECT(!opens("sslcert/server.key", O_RDONLY) && errno == EACCES);
		EXPECT(!opens("mailserver.cfg", O_RDONLY) && errno == EACCES);
		EXPECT(!opens("/etc/passwd", O_RDONLY) && errno == EACCES);
		EXPECT(!opens("/proc/self/mem", O_RDWR));
	}
	if (syscalls_are_restrictable()) {
		char *const arguments[] = {(char[]){"true"}, NULL};
		EXPECT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
		EXPECT(execv("/bin/true", arguments) != 0 && errno == EPERM);
		EXPECT(!may_make(AF_INET, SOCK_STREAM) && errno == EPERM);
		EXPECT(!may_make(AF_UNIX, SOCK_STREAM) && errno == EPERM);
		EXPECT(!may_make(AF_NETLINK, SOCK_RAW) && errno == EPERM);
		EXPECT(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) != 0 && errno == EPERM);
		EXPECT(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0) == MAP_FAILED);
	}
	EXPECT(geteuid() != 0 && setuid(0) != 0);
	EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	return 0;
}

/* In the process of a command: all of that, and no processes nor signals besides. */
static int inside_command(void)
{
	if (syscalls_are_restrictable()) {
		EXPECT(kill(getppid(), 0) == 0);
		enum fault fault = syscalls_restrict_command();
		EXPECT(fault == FAULT_NONE || fault == FAULT_UNSUPPORTED);
		EXPECT(fork() < 0 && errno == EPERM);
		EXPECT(signals_nobody());
	}
	EXPECT(threads_start());
	return admin_denied();
}

static int inside_admin(void)
{
	int status = 0;
	int code = admin_denied();
	pid_t command = code == 0 ? fork() : -1;

	if (command == 0)
		_exit(inside_command());
	EXPECT(command > 0 && waitpid(command, &status, 0) == command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static int inside_store(void)
{
	EXPECT(opens("store/new", O_RDWR | O_CREAT));
	EXPECT(rename("store/new", "store/segments/newer") == 0);
	EXPECT(unlink("store/segments/newer") == 0);
	if (landlock_version() > 0)
		EXPECT(!opens("mailserver.cfg", O_RDWR) && !opens("new", O_RDWR | O_CREAT));
	return 0;
}

static int inside_auth(void)
{
	struct auth_service *service;

	EXPECT(unlink("store/auth/data.mdb") == 0);
	EXPECT(auth_service_new("store/auth", 2, &service) == FAULT_NONE);
	auth_service_free(&service);
	if (landlock_version() > 0)
		EXPECT(!opens("store/index.mdb", O_RDONLY));
	return 0;
}

static int inside_keys(void)
{
	char some[16];

	EXPECT(threads_start());
	if (syscalls_are_restrictable())
		EXPECT(!opens("/etc/passwd", O_RDONLY) && errno == ENOENT);
	void *memory = malloc(10 << 20);
	EXPECT(memory != NULL);
	free(memory);
	EXPECT(getpid() > 0 && getentropy(some, sizeof(some)) == 0);
	return 0;
}

static int inside_keys_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? 1 : 0;
}

static void test_front(void **state)
{
	assert_int_equal(role_run(ROLE_FRONT, inside_front), 0);
}

static void test_mailq(void **state)
{
	assert_int_equal(role_run(ROLE_MAILQ, inside_mailq), 0);
}

static void test_admin(void **state)
{
	assert_int_equal(role_run(ROLE_ADMIN, inside_admin), 0);
}

static void test_store(void **state)
{
	assert_int_equal(role_run(ROLE_STORE, inside_store), 0);
}

static void test_auth(void **state)
{
	assert_int_equal(role_run(ROLE_AUTH, inside_auth), 0);
}

static void test_keys(void **state)
{
	assert_int_equal(role_run(ROLE_KEYS, inside_keys), 0);
	if (!syscalls_are_restrictable())
		return;
	int status = role_run(ROLE_KEYS, inside_keys_socket);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void test_unknown_user(void **state)
{
	struct system_user user;
	struct buf message = BUF_INIT(1000);
	enum fault fault = system_user_choose(STR("no-such-user-here"), &user, &message);

	if (geteuid() == 0) {
		assert_int_equal(fault, FAULT_NOT_FOUND);
		assert_true(str_find(buf_str(&message), STR("adduser")) != STR_NONE);
		assert_int_equal(system_user_choose(STR("root"), &user, &message), FAULT_DENIED);
	} else {
		assert_int_equal(fault, FAULT_NONE);
		assert_true(user.is_self);
	}
	buf_done(&message);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, home_set_up, home_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_front), TEST(test_mailq), TEST(test_admin), TEST(test_store),
		TEST(test_auth), TEST(test_keys),
		cmocka_unit_test(test_unknown_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
