/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts the power, in a simulation: runs a load on a store while recorder.c
 * writes down what goes to the disk, then makes for many moments what a disk may
 * hold after a cut at that moment, opens it and looks whether everything that was
 * acknowledged until then is there.
 *
 *   crash_powercut RECORDER.so [CUTS [SEED]]     200 cuts by default
 *   crash_powercut RECORDER.so --self-test       forgotten flushes must be found
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit.h"
#include "base/check.h"
#include "base/file.h"
#include "disk.h"
#include "load.h"
#include "place.h"
#include "store/directory.h"
#include "store/embedded.h"
#include "store/group.h"
#include "store/store_internal.h"
#include "store/wire.h"

enum {
	DEFAULT_CUTS = 200,
	CUTS_A_LOAD = 50,
	SELF_TEST_CUTS = 40,
	LOAD_MESSAGES = 120, /* of each client */
	RARE_MAX = 1024,
	RARE_NEAR = 16,
	CHECK_SECONDS = 60,
};

/* ---- the load, in a process with the recorder ---- */

static struct load_journal *load_journal;
static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;

static void load_note(const char *text, size_t len)
{
	pthread_mutex_lock(&load_lock);
	load_journal_note(load_journal, str_make(text, len));
	pthread_mutex_unlock(&load_lock);
	powercut_note(text, len);
}

static int load_main(const char *path, uint64_t seed)
{
	struct place place;
	bool stop = false;

	CHECK(powercut_note != NULL);
	load_journal = load_journal_new();
	if (!place_start_thread(&place, path))
		return 1;
	struct store *store =
		store_new_over(store_service_index(place.service), path, &place.client);
	struct load load = {.store = store,
			    .journal = load_journal,
			    .messages = LOAD_MESSAGES,
			    .seed = seed,
			    .stop = &stop,
			    .note = load_note};
	bool is_good = load_prepare(store) && load_run(&load);
	is_good = is_good && load_check(store, load_journal) &&
		  audit_index(store_service_index(place.service));
	store_close(&store);
	place_stop_thread(&place);
	load_journal_free(&load_journal);
	return is_good ? 0 : 1;
}

static void load_spawn(const char *recorder, const char *folder, const char *log, uint64_t seed,
		       const char *ignored)
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		char number[24];
		char *path = path_join(folder, "store");
		snprintf(number, sizeof(number), "%lu", (unsigned long)seed);
		setenv("LD_PRELOAD", recorder, 1);
		setenv("RECORD_ROOT", folder, 1);
		setenv("RECORD_LOG", log, 1);
		if (ignored != NULL)
			setenv("RECORD_IGNORE", ignored, 1);
		execl("/proc/self/exe", "crash_powercut", "--load", path, number, NULL);
		_exit(127);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- the look at what is left ---- */

/* A message can be stored after the recovery, too. */
static bool store_goes_on(struct backend *backend, uint64_t account)
{
	struct buf text = BUF_INIT(4096);
	struct buf targets = BUF_INIT(64);
	struct group_item item;
	struct group_item *items[] = {&item};

	wire_put_u64(&targets, account);
	wire_put_u32(&targets, 0);
	wire_put_text(&targets, STR(""));
	struct operation operation = {.kind = OP_mail_append,
				      .mail_append = {.targets = buf_str(&targets),
						      .body = STR("Subject: after\r\n\r\n")}};
	operation_encode(&text, &operation);
	group_item_init(&item, UINT64_C(7) << TRANSACTION_SERIAL_BITS | 1, buf_str(&text), -1);
	group_commit(backend, items, 1);
	bool is_good = item.fault == FAULT_NONE;
	if (!is_good)
		fprintf(stderr, "check: cannot store after the cut: %s\n", fault_text(item.fault));
	group_item_done(&item);
	buf_done(&targets);
	buf_done(&text);
	return is_good;
}

static bool cut_check(const char *folder, const struct load_journal *journal)
{
	char *path = path_join(folder, "store");
	struct embedded_options options = {.path = path,
					   .readers = 16,
					   .map_bytes = PLACE_MAP_BYTES,
					   .segment_bytes = PLACE_SEGMENT_BYTES};
	struct backend *backend;
	struct view *view;
	struct user user;

	enum fault fault = embedded_open(&options, &backend);
	if (fault != FAULT_NONE) {
		fprintf(stderr, "check: the store does not open: %s\n", fault_text(fault));
		return false;
	}
	struct store *store = store_new_over(embedded_index(backend), path, NULL);
	bool is_good = audit_index(embedded_index(backend)) && load_check(store, journal);
	CHECK(view_open(store, &view) == FAULT_NONE);
	bool has_user = directory_user_find(view, STR("t0@crash.test"), &user) == FAULT_NONE;
	view_close(&view);
	if (is_good && has_user)
		is_good = store_goes_on(backend, user.account) &&
			  audit_index(embedded_index(backend));
	store_close(&store);
	backend->ops->close(&backend);
	free(path);
	return is_good;
}

/* In a process of its own, because a broken store may end it in any way. */
static bool cut_check_apart(const char *folder, const struct load_journal *journal, bool is_quiet)
{
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		alarm(CHECK_SECONDS);
		if (is_quiet && freopen("/dev/null", "w", stderr) == NULL)
			_exit(2);
		_exit(cut_check(folder, journal) ? 0 : 1);
	}
	CHECK(waitpid(child, &status, 0) == child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- cuts of one load ---- */

static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
	value = (value ^ value >> 27) * 0x94d049bb133111eb;
	return value ^ value >> 31;
}

static struct str file_map(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0);
	void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(bytes != MAP_FAILED);
	close(fd);
	return str_make(bytes, (size_t)status.st_size);
}

/* Takes one record from the front of the journal; false at the end. */
static bool record_take(struct str *journal, struct record_header *record_out, struct str *path_out,
			struct str *data_out)
{
	if (journal->len < sizeof(*record_out))
		return false;
	memcpy(record_out, journal->ptr, sizeof(*record_out));
	*path_out = str_sub(*journal, sizeof(*record_out), record_out->path_len);
	*data_out = str_sub(*journal, sizeof(*record_out) + record_out->path_len,
			    (size_t)record_out->data_len);
	*journal = str_from(*journal, sizeof(*record_out) + record_out->path_len +
					      (size_t)record_out->data_len);
	return true;
}

/* How many records there are, and where the rare ones stand: names made, changed or removed. */
struct survey {
	size_t count;
	size_t rare_count;
	size_t rare[RARE_MAX];
};

static void journal_survey(struct str journal, struct survey *survey)
{
	struct record_header record;
	struct str path;
	struct str data;

	*survey = (struct survey){0};
	for (; record_take(&journal, &record, &path, &data); survey->count++) {
		bool is_rare = record.kind == RECORD_CREATE || record.kind == RECORD_UNLINK ||
			       record.kind == RECORD_RENAME;
		if (is_rare && survey->rare_count < RARE_MAX)
			survey->rare[survey->rare_count++] = survey->count;
	}
	CHECK(survey->rare_count > 0 && survey->count > RARE_NEAR);
}

/* Anywhere, but every third time shortly behind a rare record: there the mistakes are. */
static size_t position_choose(const struct survey *survey, uint64_t random, bool is_rare)
{
	if (!is_rare)
		return (size_t)(random % survey->count);
	size_t near = survey->rare[random % survey->rare_count] + random / 4096 % RARE_NEAR;
	return near < survey->count ? near : survey->count - 1;
}

static void folder_remove(const char *folder)
{
	char command[200];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	CHECK(system(command) == 0);
}

struct run {
	const char *recorder;
	const char *folder; /* of the whole run */
	const char *ignored;
	uint64_t seed;
	unsigned cuts;
	unsigned made;
	unsigned bad;
};

static void cut_make(struct run *run, const struct disk *disk, const struct load_journal *journal,
		     size_t position)
{
	char folder[160];
	uint64_t seed = mix(run->seed ^ mix(run->made));

	snprintf(folder, sizeof(folder), "%s/cut-%u", run->folder, run->made);
	char *path = path_join(folder, "store");
	CHECK(mkdir(folder, 0700) == 0 && mkdir(path, 0700) == 0);
	free(path);
	disk_cut(disk, seed, folder);
	run->made++;
	if (cut_check_apart(folder, journal, run->ignored != NULL)) {
		folder_remove(folder);
		return;
	}
	run->bad++;
	if (run->ignored != NULL)
		folder_remove(folder);
	else
		printf("seed %lu: a cut behind record %zu went wrong; left for a look: %s\n",
		       (unsigned long)run->seed, position, folder);
}

static int compare_sizes(const void *left, const void *right)
{
	size_t a = *(const size_t *)left;
	size_t b = *(const size_t *)right;

	return (a > b) - (a < b);
}

/* Plays the journal once, and stops for a cut behind each of the positions. */
static void journal_cut(struct run *run, struct str records, const size_t *positions,
			unsigned count)
{
	struct disk *disk = disk_new();
	struct load_journal *journal = load_journal_new();
	struct record_header record;
	struct str path;
	struct str data;
	unsigned next = 0;

	for (size_t at = 0; next < count && record_take(&records, &record, &path, &data); at++) {
		if (record.kind == RECORD_NOTE)
			load_journal_note(journal, data);
		else if (!str_equals(path, STR("store")) || record.kind != RECORD_FOLDER)
			disk_play(disk, &record, path, data);
		for (; next < count && positions[next] == at; next++)
			cut_make(run, disk, journal, at);
	}
	load_journal_free(&journal);
	disk_free(&disk);
}

static void load_cut(struct run *run, unsigned cuts)
{
	char log[128];
	size_t positions[CUTS_A_LOAD];
	char *load_folder = path_join(run->folder, "load");

	snprintf(log, sizeof(log), "%s/journal", run->folder);
	CHECK(mkdir(load_folder, 0700) == 0);
	load_spawn(run->recorder, load_folder, log, run->seed, run->ignored);
	struct str records = file_map(log);
	struct survey survey;
	journal_survey(records, &survey);
	for (unsigned i = 0; i < cuts; i++)
		positions[i] =
			position_choose(&survey, mix(run->seed * CUTS_A_LOAD + i), i % 3 == 0);
	qsort(positions, cuts, sizeof(positions[0]), compare_sizes);
	journal_cut(run, records, positions, cuts);
	CHECK(munmap((void *)(uintptr_t)records.ptr, records.len) == 0);
	CHECK(unlink(log) == 0);
	folder_remove(load_folder);
	free(load_folder);
}

static void run_cuts(struct run *run)
{
	while (run->made < run->cuts) {
		unsigned left = run->cuts - run->made;
		load_cut(run, left < CUTS_A_LOAD ? left : CUTS_A_LOAD);
		run->seed++;
	}
}

static char *folder_make_temporary(void)
{
	char *folder;

	/* In memory where there is room: nothing here needs a real disk. */
	CHECK(asprintf(&folder, "%s/postern-powercut-XXXXXX",
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") > 0);
	CHECK(mkdtemp(folder) != NULL);
	return folder;
}

/* A store that forgets flushes must be found out, or the test proves nothing. */
static bool self_test(const char *recorder, const char *folder)
{
	static const char *const forgotten[] = {"store/index.mdb", "store/segments/"};
	bool is_good = true;

	for (size_t i = 0; i < 2; i++) {
		struct run run = {.recorder = recorder,
				  .folder = folder,
				  .ignored = forgotten[i],
				  .seed = 1,
				  .cuts = SELF_TEST_CUTS};
		run_cuts(&run);
		printf("without flushes of %s: %u of %u cuts found out\n", forgotten[i], run.bad,
		       run.made);
		is_good &= run.bad > 0;
	}
	return is_good;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--load") == 0)
		return load_main(argv[2], strtoull(argv[3], NULL, 10));
	if (argc < 2) {
		fprintf(stderr, "usage: crash_powercut RECORDER.so [CUTS [SEED] | --self-test]\n");
		return 2;
	}
	char *folder = folder_make_temporary();
	bool is_good;
	if (argc > 2 && strcmp(argv[2], "--self-test") == 0)
		is_good = self_test(argv[1], folder);
	else {
		struct run run = {.recorder = argv[1],
				  .folder = folder,
				  .cuts = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10)
						   : DEFAULT_CUTS,
				  .seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1};
		run_cuts(&run);
		printf("%u cuts, %u went wrong\n", run.made, run.bad);
		is_good = run.bad == 0;
	}
	/* Cuts that went wrong stay. */
	(void)rmdir(folder);
	free(folder);
	return is_good ? 0 : 1;
}
