/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of store/service: the role with its files, readers and watchers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "fixture.h"
#include "store/directory.h"
#include "store/embedded.h"
#include "store/feed.h"
#include "store/mail.h"
#include "store/mailbox.h"
#include "store/store_internal.h"
#include "store/watchers.h"
#include "store/wire.h"

enum { PATIENCE_MS = 20000 };

static struct fixture fixture;
static uint64_t account;
static uint32_t inbox;

/* Small sizes, so that everything that happens rarely happens at once. */
static int setup(void **state)
{
	struct store_service_options options = {.readers = 40,
						.map_bytes = 128 * 1024,
						.segment_bytes = 64 * 1024,
						.stage_bytes = 100 * 1000,
						.housekeeping_ms = 250};

	fixture_start(&fixture, &options);
	account = fixture_user(&fixture, "demo@example.org", 0);
	inbox = fixture_mailbox(&fixture, account, "INBOX");
	return 0;
}

static int teardown(void **state)
{
	fixture_stop(&fixture);
	fixture_remove(&fixture);
	return 0;
}

static struct view *view(void)
{
	struct view *view = NULL;

	assert_int_equal(view_open(fixture.store, &view), FAULT_NONE);
	return view;
}

static char *in_store(const char *name)
{
	return path_join(fixture.folder, name);
}

static size_t segments_count(void)
{
	char *path = in_store("segments");
	DIR *folder = opendir(path);
	size_t count = 0;

	assert_non_null(folder);
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(folder);
	free(path);
	return count;
}

static void expunge(uint32_t first, uint32_t last)
{
	CLEANUP_UID_SET struct uid_set set = {0};
	CLEANUP_UID_SET struct uid_set expunged = {0};

	uid_set_add(&set, first, last);
	assert_int_equal(mail_expunge(fixture.store, account, inbox, &set, false, &expunged),
			 FAULT_NONE);
}

/* A body of 1000 bytes that says its number. */
static void numbered_append(uint32_t number)
{
	char body[1001];

	memset(body, 'a' + number % 26, 1000);
	body[1000] = 0;
	body[snprintf(body, 20, "%u:", number)] = ' ';
	assert_int_equal(fixture_append(&fixture, account, inbox, body, 0), number);
}

static enum fault content_get(uint32_t uid, struct mail_content *content_out)
{
	CLEANUP_VIEW struct view *now = view();
	struct mail mail;
	enum fault fault = mail_get(now, account, inbox, uid, &mail);

	return fault == FAULT_NONE ? mail_content_open(now, account, mail.message, content_out)
				   : fault;
}

static void test_half_dead_segments_are_rewritten(void **state)
{
	struct mail_content held;
	struct mail_content content;
	int64_t give_up = clock_mono_ms() + PATIENCE_MS;

	/* In one process with the writer a view that is open keeps the map from growing. */
	fixture.options.map_bytes = 64 * 1024 * 1024;
	fixture_restart(&fixture);
	for (uint32_t i = 1; i <= 400; i++)
		numbered_append(i);
	size_t before = segments_count();
	assert_true(before >= 6);
	assert_int_equal(content_get(1, &held), FAULT_NONE);
	struct view *old = view();
	struct mail mail;
	assert_int_equal(mail_get(old, account, inbox, 40, &mail), FAULT_NONE);
	for (uint32_t i = 1; i <= 400; i += 10)
		expunge(i, i + 8);
	while (segments_count() > before / 2 && clock_mono_ms() < give_up)
		usleep(20000);
	assert_true(segments_count() <= before / 2);
	/* What is held is there, and a view from before finds what was moved under it. */
	assert_true(str_has_prefix(held.body, STR("1: ")));
	mail_content_close(&held);
	assert_int_equal(mail_content_open(old, account, mail.message, &content), FAULT_NONE);
	assert_true(str_has_prefix(content.body, STR("40: ")));
	mail_content_close(&content);
	view_close(&old);
	for (uint32_t i = 10; i <= 400; i += 10) {
		char start[8];
		snprintf(start, sizeof(start), "%u: ", i);
		assert_int_equal(content_get(i, &content), FAULT_NONE);
		assert_int_equal(content.body.len, 1000);
		assert_true(str_has_prefix(content.body, str_from_c(start)));
		mail_content_close(&content);
	}
	fixture_restart(&fixture);
	assert_int_equal(content_get(400, &content), FAULT_NONE);
	mail_content_close(&content);
}

static void test_a_large_body_has_a_segment_of_its_own(void **state)
{
	enum { LARGE = 300 * 1000 };
	char *body = malloc(LARGE);
	uint64_t poor = fixture_user(&fixture, "poor@example.org", 1000);
	struct mail_target target = {.account = account, .mailbox = inbox};
	struct mail_append append = {.body = {.bytes = str_make(body, LARGE), .fd = -1},
				     .targets = &target,
				     .target_count = 1};
	struct mail_content content;
	int64_t give_up = clock_mono_ms() + PATIENCE_MS;

	memset(body, 'L', LARGE);
	numbered_append(1);
	size_t before = segments_count();
	assert_int_equal(mail_append(fixture.store, &append), FAULT_NONE);
	assert_int_equal(target.uid, 2);
	assert_int_equal(segments_count(), before + 1);
	numbered_append(3);
	assert_int_equal(segments_count(), before + 1);
	/* What nobody wants leaves no file; it goes after the answer. */
	target = (struct mail_target){.account = poor};
	assert_int_equal(mail_append(fixture.store, &append), FAULT_OVER_QUOTA);
	while (segments_count() != before + 1 && clock_mono_ms() < give_up)
		usleep(1000);
	assert_int_equal(segments_count(), before + 1);
	/* After a restart it is there, and still alone. */
	fixture_restart(&fixture);
	numbered_append(4);
	assert_int_equal(content_get(2, &content), FAULT_NONE);
	assert_true(str_equals(content.body, append.body.bytes));
	mail_content_close(&content);
	expunge(2, 2);
	before = segments_count();
	while (segments_count() == before && clock_mono_ms() < give_up)
		usleep(20000);
	assert_int_equal(segments_count(), before - 1);
	assert_int_equal(content_get(4, &content), FAULT_NONE);
	mail_content_close(&content);
	free(body);
}

static void test_damage_is_noticed(void **state)
{
	struct mail_content content;
	char *path = in_store("segments/00000001.seg");
	int fd;

	numbered_append(1);
	numbered_append(2);
	numbered_append(3);
	fixture_restart(&fixture);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0 && pwrite(fd, "!", 1, 2 * (SEGMENT_HEADER_BYTES + 1000) - 10) == 1);
	assert_int_equal(content_get(1, &content), FAULT_NONE);
	mail_content_close(&content);
	assert_int_equal(content_get(2, &content), FAULT_CORRUPT);
	/* A file that is too short is an error, not a signal. */
	fixture_restart(&fixture);
	assert_int_equal(ftruncate(fd, 1500), 0);
	assert_int_equal(content_get(3, &content), FAULT_CORRUPT);
	close(fd);
	free(path);
}

static void test_a_torn_tail_is_cut_off(void **state)
{
	char *path = in_store("segments/00000001.seg");
	char *stray = in_store("segments/0000000f.seg");
	struct stat before;
	struct stat after;

	numbered_append(1);
	fixture_stop(&fixture);
	assert_int_equal(stat(path, &before), 0);
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_true(fd >= 0 && write(fd, "half a record", 13) == 13);
	close(fd);
	fd = open(stray, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	close(fd);
	struct store_service *service;
	fixture.options.path = fixture.folder;
	assert_int_equal(store_service_open(&fixture.options, &service), FAULT_NONE);
	store_service_close(&service);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_size, after.st_size);
	assert_int_equal(access(stray, F_OK), -1);
	free(path);
	free(stray);
	/* For teardown. */
	fixture_remove(&fixture);
	setup(state);
}

static void test_one_owner(void **state)
{
	struct store_service_options options = fixture.options;
	struct store_service *service;

	options.path = fixture.folder;
	/* In another process: one must not open the index twice. */
	pid_t child = fork();
	if (child == 0)
		_exit(store_service_open(&options, &service) == FAULT_BUSY ? 0 : 1);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_a_newer_store_is_left_alone(void **state)
{
	struct key key;
	unsigned char version[4];
	struct store_service *service;
	struct store *store;

	fixture_stop(&fixture);
	char *path = in_store("index.mdb");
	struct index_options options = {
		.path = path, .is_writer = true, .map_bytes = 1 << 20, .readers = 8};
	struct index *index;
	assert_int_equal(index_open(&options, &index), FAULT_NONE);
	assert_int_equal(index_write_begin(index), FAULT_NONE);
	key_begin(&key, ACCOUNT_BACKEND, 'v');
	wire_store_u32(version, STORE_VERSION + 1);
	assert_int_equal(index_put(index, key_str(&key), str_make(version, 4)), FAULT_NONE);
	assert_int_equal(index_write_commit(index), FAULT_NONE);
	index_close(&index);
	fixture.options.path = fixture.folder;
	assert_int_equal(store_service_open(&fixture.options, &service), FAULT_VERSION);
	assert_int_equal(store_open(fixture.folder, NULL, &store), FAULT_VERSION);
	free(path);
	fixture_remove(&fixture);
	setup(state);
}

static void test_a_lost_index_is_no_new_store(void **state)
{
	struct store_service *service;
	char *path = in_store("index.mdb");

	numbered_append(1);
	fixture_stop(&fixture);
	assert_int_equal(unlink(path), 0);
	fixture.options.path = fixture.folder;
	assert_int_equal(store_service_open(&fixture.options, &service), FAULT_CORRUPT);
	free(path);
	fixture_remove(&fixture);
	setup(state);
}

static void test_feed(void **state)
{
	struct feed *feed = feed_new(fixture.store);
	struct feed_notice notice;
	uint64_t other = fixture_user(&fixture, "other@example.org", 0);

	assert_true(feed_next(feed, &notice));
	assert_int_equal(notice.sequence, 0);
	numbered_append(1);
	assert_true(feed_next(feed, &notice));
	assert_int_equal(notice.account, account);
	struct view *now = view();
	assert_int_equal(notice.sequence, view_sequence(now, account));
	view_close(&now);
	fixture_append(&fixture, other, 0, "x", 0);
	assert_true(feed_next(feed, &notice));
	assert_int_equal(notice.account, other);
	feed_stop(feed);
	assert_false(feed_next(feed, &notice));
	feed_free(&feed);
}

/* One who does not read is not waited for; in the end he is told to look at everything. */
static void test_a_slow_watcher_is_not_waited_for(void **state)
{
	struct watchers watchers;
	struct role_peer *peer = calloc(1, sizeof(*peer));
	struct packet packet;
	int fds[2];
	size_t notices = 0;
	uint64_t last = 1;

	assert_int_equal(channel_pair(fds), FAULT_NONE);
	fd_set_nonblocking(fds[0]);
	fd_set_nonblocking(fds[1]);
	*peer = (struct role_peer){
		.channel = {.fd = fds[0], .self = ROLE_STORE, .peer = ROLE_FRONT}, .references = 1};
	struct channel front = {.fd = fds[1], .self = ROLE_FRONT, .peer = ROLE_STORE};
	watchers_init(&watchers);
	watchers_add(&watchers, peer);
	for (uint64_t i = 1; i < 20000; i++) {
		watchers_note(&watchers, i, 7);
		watchers_note(&watchers, i, 8);
		watchers_send(&watchers);
	}
	packet_init(&packet);
	for (int rounds = 0; rounds < 2; rounds++) {
		while (channel_receive(&front, &packet) == FAULT_NONE) {
			notices++;
			last = packet.message.feed_changed.sequence;
			/* Two changes of one account came as one notice. */
			assert_true(last != 7);
		}
		watchers_send(&watchers);
	}
	assert_true(notices > 1 && notices < 19999);
	assert_int_equal(last, 0);
	watchers_remove(&watchers, peer);
	assert_int_equal(watchers_count(&watchers), 0);
	packet_done(&packet);
	channel_close(&front);
	role_peer_release(&peer);
	watchers_done(&watchers);
}

/* Asks the role directly, so that a transaction can be given twice. */
static enum fault ask(uint64_t transaction, struct str operation, int body, uint32_t *uid_out)
{
	struct msg_store_asked asked = {
		.transaction = transaction, .operation = operation, .body = body};
	struct packet answer;

	packet_init(&answer);
	assert_int_equal(role_client_call(&fixture.client, MSG_store_asked, &asked,
					  MSG_store_answered, &answer),
			 FAULT_NONE);
	enum fault fault = (enum fault)answer.message.store_answered.fault;
	if (fault == FAULT_NONE && uid_out != NULL)
		*uid_out = wire_load_u32(answer.message.store_answered.result.ptr + 4);
	packet_done(&answer);
	return fault;
}

static struct buf append_encoded(struct str body)
{
	struct buf text = BUF_INIT(MESSAGE_MAX);
	struct buf targets = BUF_INIT(64);

	wire_put_u64(&targets, account);
	wire_put_u32(&targets, inbox);
	wire_put_text(&targets, STR(""));
	struct operation operation = {.kind = OP_mail_append,
				      .mail_append = {.targets = buf_str(&targets), .body = body}};
	operation_encode(&text, &operation);
	buf_done(&targets);
	return text;
}

static void test_a_transaction_happens_once(void **state)
{
	struct buf text = append_encoded(STR("once"));
	uint32_t uid = 0;
	uint32_t again = 0;

	assert_int_equal(ask(5, buf_str(&text), -1, &uid), FAULT_NONE);
	assert_int_equal(ask(5, buf_str(&text), -1, &again), FAULT_NONE);
	assert_int_equal(uid, again);
	assert_int_equal(ask(6, buf_str(&text), -1, &again), FAULT_NONE);
	assert_int_equal(again, uid + 1);
	/* It is known after a restart, too. */
	fixture_restart(&fixture);
	assert_int_equal(ask(6, buf_str(&text), -1, &again), FAULT_NONE);
	assert_int_equal(again, uid + 1);
	buf_done(&text);
}

static void test_strange_requests(void **state)
{
	struct buf text = append_encoded(STR(""));
	struct buf inlined = append_encoded(STR("both"));
	int fds[2];

	assert_int_equal(ask(1, STR(""), -1, NULL), FAULT_INVALID);
	assert_int_equal(ask(2, STR("\xff"), -1, NULL), FAULT_INVALID);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(ask(3, buf_str(&text), fds[0], NULL), FAULT_INVALID);
	close(fds[0]);
	close(fds[1]);
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_int_equal(ask(4, buf_str(&inlined), fd, NULL), FAULT_INVALID);
	close(fd);
	assert_int_equal(fixture_append(&fixture, account, inbox, "fine", 0), 1);
	buf_done(&text);
	buf_done(&inlined);
}

/* ---- threads: readers while the writer commits, the map grows and segments are rewritten ---- */

enum { READERS = 3, WRITERS = 3, MESSAGES = 150 };

static bool is_over; /* atomic */

static void *reader_run(void *argument)
{
	size_t *read = argument;

	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
		struct view *now = view();
		struct mail_rows rows;
		struct mail mail;
		struct mailbox mailbox;
		uint32_t count = 0;
		uint32_t last = 0;
		assert_int_equal(mailbox_get(now, account, inbox, &mailbox), FAULT_NONE);
		mail_rows_open(now, account, inbox, 1, &rows);
		while (mail_rows_next(&rows, &mail)) {
			struct mail_content content;
			assert_true(mail.uid > last);
			last = mail.uid;
			count++;
			enum fault fault = mail_content_open(now, account, mail.message, &content);
			/* Expunged after the view was opened, and rewritten since. */
			if (fault == FAULT_NOT_FOUND)
				continue;
			assert_int_equal(fault, FAULT_NONE);
			assert_int_equal(content.body.len, 1500);
			mail_content_close(&content);
			(*read)++;
		}
		assert_int_equal(count, mailbox.messages);
		view_close(&now);
	}
	return NULL;
}

static void *writer_run(void *argument)
{
	char body[1500];

	(void)argument;
	memset(body, 'b', sizeof(body));
	for (int i = 0; i < MESSAGES; i++) {
		struct mail_target target = {.account = account, .mailbox = inbox};
		struct mail_append append = {
			.body = {.bytes = str_make(body, sizeof(body)), .fd = -1},
			.targets = &target,
			.target_count = 1};
		assert_int_equal(mail_append(fixture.store, &append), FAULT_NONE);
		if (i % 4 != 0)
			expunge(target.uid, target.uid);
	}
	return NULL;
}

static void test_readers_beside_the_writer(void **state)
{
	pthread_t readers[READERS];
	pthread_t writers[WRITERS];
	size_t read[READERS] = {0};

	is_over = false;
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, reader_run, &read[i]), 0);
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&writers[i], NULL, writer_run, NULL), 0);
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_join(writers[i], NULL), 0);
	__atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
	for (int i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(readers[i], NULL), 0);
		assert_true(read[i] > 0);
	}
}

/* ---- another process reads while the map grows ---- */

static int reader_process(int ready_fd, int go_fd)
{
	struct store *store;
	struct view *now;
	struct mail_rows rows;
	struct mail mail;
	uint32_t count = 0;
	char go;

	if (store_open(fixture.folder, NULL, &store) != FAULT_NONE ||
	    view_open(store, &now) != FAULT_NONE)
		return 1;
	view_close(&now);
	if (write(ready_fd, "r", 1) != 1 || read(go_fd, &go, 1) != 1)
		return 2;
	if (view_open(store, &now) != FAULT_NONE)
		return 3;
	mail_rows_open(now, account, inbox, 1, &rows);
	while (mail_rows_next(&rows, &mail)) {
		count++;
		if (mail_summary(now, account, mail.message).len != 30000)
			return 4;
	}
	view_close(&now);
	store_close(&store);
	return count == 20 ? 0 : 5;
}

static void test_a_reader_follows_the_map(void **state)
{
	int ready[2];
	int go[2];
	char byte;
	char *summary = calloc(1, 30000);
	struct mail_target target = {.account = account, .mailbox = inbox};
	struct mail_append append = {.body = {.bytes = STR_INIT("x"), .fd = -1},
				     .summary = str_make(summary, 30000),
				     .targets = &target,
				     .target_count = 1};

	assert_true(pipe(ready) == 0 && pipe(go) == 0);
	pid_t child = fork();
	if (child == 0)
		_exit(reader_process(ready[1], go[0]));
	assert_int_equal(read(ready[0], &byte, 1), 1);
	for (int i = 0; i < 20; i++)
		assert_int_equal(mail_append(fixture.store, &append), FAULT_NONE);
	assert_int_equal(write(go[1], "g", 1), 1);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(go[i]);
	}
	free(summary);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First, while no thread was ever started: it forks. */
		TEST(test_a_reader_follows_the_map),
		TEST(test_one_owner),
		TEST(test_half_dead_segments_are_rewritten),
		TEST(test_a_large_body_has_a_segment_of_its_own),
		TEST(test_damage_is_noticed),
		TEST(test_a_torn_tail_is_cut_off),
		TEST(test_a_newer_store_is_left_alone),
		TEST(test_a_lost_index_is_no_new_store),
		TEST(test_feed),
		cmocka_unit_test(test_a_slow_watcher_is_not_waited_for),
		TEST(test_a_transaction_happens_once),
		TEST(test_strange_requests),
		TEST(test_readers_beside_the_writer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
