/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/system_user.h"
#include "config/change.h"
#include "config/file.h"
#include "config/policy_difference.h"
#include "ctl/in_force.h"
#include "ctl/origin.h"
#include "ctl/told.h"
#include "evidence/config_record.h"
#include "evidence/head.h"
#include "tls/catalog.h"

enum { PATIENCE_MS = 30 * 1000, PAUSE_MS = 100, LINES_MAX = 8 << 20, GENERATION_TOLD_MAX = 8192 };

/* ---- what is in force ---- */

static int server_text_read(struct plan *plan)
{
	struct msg_config_wanted wanted = {};
	struct packet answer;
	int code = CTL_DONE;

	packet_init(&answer);
	enum fault fault = link_ask_parent(&plan->link, MSG_config_wanted, &wanted,
					   MSG_config_changed, &answer);
	if (fault == FAULT_NONE) {
		CLEANUP_FD int fd = packet_take_fd(&answer);
		plan->generation = answer.message.config_changed.generation;
		fault = fd < 0 ? FAULT_UNAVAILABLE : fd_read_file(fd, &plan->before);
	}
	if (fault != FAULT_NONE)
		code = ctl_fail(CTL_NOT_RUNNING,
				"the server in %s does not tell what is in force: %s",
				plan->ctl->home, fault_text(fault));
	packet_done(&answer);
	return code;
}

static void pause_shortly(void)
{
	nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000}, NULL);
}

/* Root works as whom the file belongs to, so that the server can write beside it later. */
static bool owner_become(const char *path)
{
	struct system_user user;
	struct stat status;

	if (geteuid() != 0 || stat(path, &status) != 0 || status.st_uid == 0)
		return true;
	return system_user_of_file(path, &user) == FAULT_NONE &&
	       system_user_become(&user) == FAULT_NONE;
}

/* Takes the server's lock, so that none starts meanwhile. */
static int file_text_read(struct plan *plan)
{
	char *run = ctl_path(plan->ctl, "run");
	char *lock = path_join(run, "lock");
	int64_t give_up = clock_mono_ms() + PATIENCE_MS;
	int code = CTL_DONE;

	if (file_read(plan->path, &plan->before) != FAULT_NONE)
		code = ctl_fail(CTL_USAGE, "%s cannot be read: %s", plan->path,
				strerror(errno));
	else if (!owner_become(plan->path) || folder_make(run, 0700) != FAULT_NONE)
		code = ctl_fail(CTL_USAGE, "%s: not allowed; run this as root", run);
	else
		plan->lock_fd =
			open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (code == CTL_DONE && plan->lock_fd < 0)
		code = ctl_fail(CTL_USAGE, "%s: %s", lock, strerror(errno));
	while (code == CTL_DONE && flock(plan->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		if (clock_mono_ms() > give_up)
			code = ctl_fail(CTL_NOT_RUNNING,
					"a server is starting or ending in %s; try again",
					plan->ctl->home);
		pause_shortly();
	}
	free(lock);
	free(run);
	return code;
}

/* Says the errors among the findings, each about its variable. */
static void errors_say(const struct findings *findings, enum fault fault)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];
		CLEANUP_BUF struct buf line = BUF_INIT(64 * 1024);
		CLEANUP_BUF struct buf field = BUF_INIT(4096);
		if (finding->severity != FINDING_ERROR)
			continue;
		finding_append(&line, STR("mailserver.cfg"), finding);
		finding_place_append(&field, &finding->place);
		buf_append_char(&field, '\0');
		ctl_fail_field(fault, field.len > 1 ? field.data : NULL, "%.*s",
			       STR_ARG(str_trim(buf_str(&line))));
	}
}

static int config_read(const struct plan *plan, const struct buf *text,
		       struct config **out)
{
	struct findings findings;

	findings_init(&findings);
	enum fault fault = config_parse(buf_str(text), "mailserver.cfg", plan->catalog,
					&findings, out);
	if (fault != FAULT_NONE)
		errors_say(&findings, fault);
	findings_done(&findings);
	return fault == FAULT_NONE ? CTL_DONE : CTL_USAGE;
}

/* Somebody else was quicker: says who, when and what. */
static int generation_fail(const struct plan *plan, struct str generation)
{
	CLEANUP_BUF struct buf what = BUF_INIT(GENERATION_TOLD_MAX);
	json_t *entries = origin_entries(plan->ctl->home);
	json_t *since = origin_since(entries, generation), *entry;
	size_t i;

	json_array_foreach(since, i, entry)
	{
		buf_append_c(&what, i == 0 ? ": " : "; ");
		origin_append(&what, entry);
	}
	int code = ctl_fail_field(
		FAULT_CONFLICT, "generation",
		"mailserver.cfg was changed meanwhile%.*s. Nothing was written: look "
		"at it and try again",
		STR_ARG(buf_str(&what)));
	json_decref(since);
	json_decref(entries);
	return code;
}

/* --generation: what the change was thought up for is what is in force. */
static int generation_check(const struct plan *plan)
{
	const char *generation = ctl_value(plan->ctl, OPTION_GENERATION);

	if (generation == NULL || generation_is(str_from_c(generation), buf_str(&plan->before)))
		return CTL_DONE;
	return generation_fail(plan, str_from_c(generation));
}

int plan_open(struct plan *plan, const struct ctl *ctl)
{
	*plan = (struct plan){.ctl = ctl,
				      .lock_fd = -1,
				      .path = ctl_path(ctl, "mailserver.cfg"),
				      .history = ctl_path(ctl, "history"),
				      .catalog = tls_catalog_new(),
				      .before = BUF_INIT(CONFIG_FILE_MAX),
				      .after = BUF_INIT(CONFIG_FILE_MAX)};
	enum fault fault = link_open_control(&plan->link, ctl->home);
	if (fault == FAULT_DENIED)
		return link_control_fail(ctl->home, fault);
	int code = fault == FAULT_NONE ? server_text_read(plan) : file_text_read(plan);
	if (code == CTL_DONE)
		code = generation_check(plan);
	if (code == CTL_DONE)
		code = config_read(plan, &plan->before, &plan->config_before);
	return code;
}

void plan_close(struct plan *plan)
{
	link_close(&plan->link);
	fd_close(&plan->lock_fd);
	config_unref(&plan->config_before);
	config_unref(&plan->config_after);
	tls_catalog_free(&plan->catalog);
	buf_done(&plan->before);
	buf_done(&plan->after);
	free(plan->path);
	free(plan->history);
}

/* ---- what it means ---- */

static int merge_fail(enum fault fault, const struct findings *findings)
{
	errors_say(findings, fault);
	return fault == FAULT_NONE ? CTL_DONE : CTL_USAGE;
}

int plan_check(struct plan *plan)
{
	struct buf file = BUF_INIT(CONFIG_FILE_MAX), merged = BUF_INIT(CONFIG_FILE_MAX);
	struct findings findings;
	int code = config_read(plan, &plan->after, &plan->config_after);

	findings_init(&findings);
	if (code == CTL_DONE && file_read(plan->path, &file) == FAULT_NONE) {
		enum fault fault = config_merge(buf_str(&plan->before), buf_str(&plan->after),
						buf_str(&file), &findings, &merged);
		code = merge_fail(fault, &findings);
	}
	findings_done(&findings);
	buf_done(&file);
	buf_done(&merged);
	return code;
}

const struct tls_policy *plan_policy_now(const struct tls_policy *policy)
{
	return tls_policy_at(policy, clock_real_s());
}

static void value_append(struct buf *to, struct str value)
{
	if (value.ptr == NULL)
		buf_append_c(to, "(not set)");
	else {
		buf_append_char(to, '"');
		text_append_phrase(to, value);
		buf_append_char(to, '"');
	}
}

static void variables_append(const struct plan *plan, struct buf *to)
{
	struct config_differences differences;

	config_differences_find(buf_str(&plan->before), buf_str(&plan->after), &differences);
	for (size_t i = 0; i < differences.count; i++) {
		const struct config_difference *at = &differences.items[i];
		config_address_append(to, &at->address);
		buf_append_c(to, ": ");
		value_append(to, at->before);
		buf_append_c(to, " -> ");
		value_append(to, at->after);
		buf_append_char(to, '\n');
	}
	config_differences_done(&differences);
}

static void suites_append(const struct plan *plan, const char *label,
			  const uint16_t *ids, size_t count, struct buf *to)
{
	if (count == 0)
		return;
	buf_printf(to, "  %s", label);
	for (size_t i = 0; i < count; i++) {
		const struct suite *suite = suite_catalog_by_id(plan->catalog, ids[i]);
		buf_append_c(to, i == 0 ? " " : ", ");
		if (suite != NULL)
			buf_append_str(to, suite->iana_name);
	}
	buf_append_char(to, '\n');
}

static void protocols_append(const char *label, tls_protocols protocols, struct buf *to)
{
	if (protocols == 0)
		return;
	buf_printf(to, "  %s ", label);
	tls_protocols_append(to, protocols);
	buf_append_char(to, '\n');
}

static void policy_append(const struct plan *plan, const char *kind, const char *name,
			  const struct tls_policy *before, const struct tls_policy *after,
			  struct buf *to)
{
	struct policy_difference difference;

	before = plan_policy_now(before);
	after = plan_policy_now(after);
	tls_policy_compare(before, after, &difference);
	if (!difference.is_any)
		return;
	buf_printf(to, "%s%s: ", name, kind);
	tls_protocols_append(to, before->protocols);
	buf_append_c(to, " -> ");
	tls_protocols_append(to, after->protocols);
	buf_append_char(to, '\n');
	protocols_append("protocols that go:  ", difference.gone, to);
	protocols_append("protocols that come:", difference.come, to);
	suites_append(plan, "suites that go:  ", difference.suites_gone,
		      difference.suites_gone_count, to);
	suites_append(plan, "suites that come:", difference.suites_come,
		      difference.suites_come_count, to);
}

void plan_append(const struct plan *plan, struct buf *to)
{
	const struct config *before = plan->config_before, *after = plan->config_after;

	variables_append(plan, to);
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		if (after->services[i].enabled)
			policy_append(plan, "", service_name((enum service_id)i),
				      &before->services[i].policy, &after->services[i].policy, to);
	for (size_t i = 0; i < CLIENT_COUNT; i++)
		policy_append(plan, " client", client_name((enum client_id)i),
			      &before->clients[i], &after->clients[i], to);
}

static bool policy_is_weaker(const struct tls_policy *before, const struct tls_policy *after)
{
	struct policy_difference difference;

	tls_policy_compare(plan_policy_now(before), plan_policy_now(after), &difference);
	return difference.minimum_falls;
}

bool plan_is_weaker(const struct plan *plan)
{
	const struct config *before = plan->config_before, *after = plan->config_after;

	for (size_t i = 0; i < SERVICE_COUNT; i++)
		if (policy_is_weaker(&before->services[i].policy, &after->services[i].policy))
			return true;
	for (size_t i = 0; i < CLIENT_COUNT; i++)
		if (policy_is_weaker(&before->clients[i], &after->clients[i]))
			return true;
	return false;
}

/* ---- doing it ---- */

static enum fault server_ask(struct plan *plan, uint32_t confirm_s, bool is_revert,
			     struct packet *answer)
{
	CLEANUP_FD int fd = memfd_create("postern-config", MFD_CLOEXEC);
	struct msg_config_set set = {.generation = plan->generation,
				     .confirm_s = confirm_s,
				     .is_revert = is_revert,
				     .text = fd};

	if (fd < 0 || !fd_write_all(fd, plan->after.data, plan->after.len) ||
	    lseek(fd, 0, SEEK_SET) != 0)
		return FAULT_IO;
	return link_ask_parent(&plan->link, MSG_config_set, &set, MSG_done, answer);
}

static int server_make(struct plan *plan, uint32_t confirm_s, bool is_revert)
{
	int64_t give_up = clock_mono_ms() + PATIENCE_MS;
	int code = CTL_DONE;

	for (;;) {
		struct packet answer;
		packet_init(&answer);
		enum fault fault = server_ask(plan, confirm_s, is_revert, &answer);
		const struct msg_done *done = &answer.message.done;
		bool is_busy = fault == FAULT_NONE && done->fault == FAULT_BUSY &&
			       clock_mono_ms() < give_up;
		if (fault != FAULT_NONE)
			code = link_answer_fail(plan->ctl->home, fault);
		else if (!is_busy && done->fault != FAULT_NONE)
			code = ctl_fail_field(fault_from_number(done->fault),
					      NULL, "%.*s", STR_ARG(done->text));
		packet_done(&answer);
		if (!is_busy)
			return code;
		pause_shortly();
	}
}

/* Without a server nobody else writes: the file is what the change was made of. */
static enum fault offline_save(struct plan *plan, struct config_record *record,
			       struct findings *findings, struct config **out)
{
	const struct passwd *user = getpwuid(getuid());
	struct config_author author = {str_from_c(user == NULL ? "unknown" : user->pw_name),
				       getuid(), STR("command line, without a server")};
	struct buf lines = BUF_INIT(LINES_MAX);

	enum fault fault = config_record_intended(record, buf_str(&plan->before), &lines);
	if (fault == FAULT_NONE)
		fault = config_record_intend(record, &author, buf_str(&plan->before),
					     buf_str(&plan->after));
	if (fault == FAULT_NONE)
		fault = config_file_save(plan->path, plan->history, buf_str(&plan->before),
					 buf_str(&plan->after), plan->catalog, findings, out);
	if (fault == FAULT_NONE)
		fault = config_record_text(record, &config_author_hand, EVIDENCE_HAND_EDIT,
					   STR(""), buf_str(&plan->before), &lines);
	else
		config_record_forget(record);
	if (fault == FAULT_NONE)
		fault = config_record_text(record, &author, EVIDENCE_CONFIG_CHANGE, STR(""),
					   (*out)->text, &lines);
	enum fault head_fault = evidence_head_sign(plan->ctl->home, &record->evidence);
	if (head_fault != FAULT_NONE)
		ctl_fail(0, "evidence.head cannot be written: %s", fault_text(head_fault));
	config_log_append(plan->ctl->home, buf_str(&lines));
	buf_done(&lines);
	return fault;
}

static int offline_make(struct plan *plan)
{
	struct buf note = BUF_INIT(LINES_MAX);
	struct config_record record;
	struct config *config = NULL;
	struct findings findings;

	findings_init(&findings);
	enum fault fault = config_record_open(&record, plan->ctl->home, &note);
	if (note.len > 0)
		ctl_fail(0, "evidence.log: %.*s", STR_ARG(str_trim(buf_str(&note))));
	if (fault == FAULT_NONE)
		fault = offline_save(plan, &record, &findings, &config);
	int code = merge_fail(fault, &findings);
	if (fault != FAULT_NONE)
		ctl_fail(0, "%s: %s", plan->path, fault_text(fault));
	config_record_close(&record);
	config_unref(&config);
	findings_done(&findings);
	buf_done(&note);
	return code;
}

int plan_make(struct plan *plan, uint32_t confirm_s, bool is_revert)
{
	if (plan->link.control.fd >= 0)
		return server_make(plan, confirm_s, is_revert);
	char *pending = path_join(plan->history, "pending");
	bool is_pending = access(pending, F_OK) == 0;
	free(pending);
	if (confirm_s > 0)
		return ctl_fail(CTL_NOT_RUNNING,
				"--confirm-within needs a running server, which would undo the change");
	if (is_pending)
		return ctl_fail_field(
			FAULT_CONFLICT, NULL,
			"a change waits for its confirmation: start the server first");
	return offline_make(plan);
}
