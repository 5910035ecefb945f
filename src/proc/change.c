/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "config/file.h"
#include "config/rewrite.h"
#include "proc/json.h"
#include "proc/parent.h"

enum { RETRY_MS = 30 * 1000, FILE_MODE = 0600, LINES_MAX = 8 << 20, LIST_MAX = PAIRS_MAX * 4096 };

static const struct config_author self = {STR_INIT("postern"), -1, STR_INIT("the server itself")};

/* ---- the record ---- */

/* One line of the log for each line of the text. */
static void lines_log(struct parent *parent, enum log_file file, const char *lead,
		      struct str lines)
{
	while (!str_is_empty(lines)) {
		struct str line = str_cut(&lines, '\n');
		if (line.len > 0)
			log_printf(&parent->logs.log, file, "%s%.*s", lead, STR_ARG(line));
	}
}

static void record_open(struct parent *parent)
{
	struct buf note = BUF_INIT(LOG_LINE_MAX * 4);
	enum fault fault = config_record_open(&parent->change.record, parent->home, &note);

	if (fault != FAULT_NONE)
		log_printf(&parent->logs.log, LOG_ERROR,
			   "evidence.log cannot be written (%s): changes are not recorded",
			   fault_text(fault));
	lines_log(parent, LOG_ERROR, "evidence.log: ", buf_str(&note));
	buf_done(&note);
}

static enum fault text_record(struct parent *parent, const struct config_author *author,
			      enum evidence_kind kind, const char *note, struct str text)
{
	struct buf lines = BUF_INIT(LINES_MAX);
	enum fault fault = config_record_text(&parent->change.record, author, kind,
					      str_from_c(note), text, &lines);

	lines_log(parent, LOG_CONFIG, "", buf_str(&lines));
	buf_done(&lines);
	return fault;
}

/* Whoever was killed before his change was recorded: it is his, and no hand edit. */
static enum fault intended_record(struct parent *parent, struct str text)
{
	struct buf lines = BUF_INIT(LINES_MAX);
	enum fault fault = config_record_intended(&parent->change.record, text, &lines);

	lines_log(parent, LOG_CONFIG, "", buf_str(&lines));
	buf_done(&lines);
	return fault;
}

static enum fault event_record(struct parent *parent, const struct config_author *author,
			       enum evidence_kind kind, struct str text)
{
	struct evidence_entry entry = {.who = author->who,
				       .uid = author->uid,
				       .from = author->from,
				       .kind = kind,
				       .text = text};

	if (parent->config != NULL)
		entry.file = parent->config->text;
	return evidence_add(&parent->change.record.evidence, &entry);
}

static struct config_author author_of(const struct control_author *author)
{
	return (struct config_author){str_from_c(author->name), author->uid,
				      str_from_c(author->from)};
}

void change_record_self_check(struct parent *parent, struct str differences)
{
	if (event_record(parent, &self, EVIDENCE_SELF_CHECK_FAILURE, differences) != FAULT_NONE)
		log_printf(&parent->logs.log, LOG_ERROR,
			   "evidence.log: the failed self-check could not be recorded");
}

/* ---- certificates, and keys of DKIM ---- */

/* A line a pair: its name, a blank, and what it is. */
static void pairs_append(struct buf *to, const struct pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++) {
		const struct pair *pair = &pairs->items[i];
		buf_printf(to, "%s ", pair->name);
		tls_certificate_describe(pair->certificate, to);
		buf_printf(to, ", SHA-256 %s\n",
			   evidence_hash_of(buf_str(&pair->chain)).text);
	}
}

/* What stands in a list under that name; no pointer when there is nothing. */
static struct str item_find(struct str list, struct str name)
{
	while (!str_is_empty(list)) {
		struct str line = str_cut(&list, '\n');
		if (str_equals(str_cut(&line, ' '), name))
			return line;
	}
	return (struct str){.ptr = NULL};
}

/* Adds what stands in `list` and is not the same in `other`; `is_new` says which is which. */
static size_t list_compare(struct str list, struct str other, bool is_new,
			    struct evidence_change *changes, size_t count)
{
	while (!str_is_empty(list) && count < EVIDENCE_CHANGES_MAX) {
		struct str line = str_cut(&list, '\n');
		struct str name = str_cut(&line, ' ');
		struct str there = item_find(other, name);
		if (name.len == 0 || (there.ptr != NULL && (!is_new || str_equals(there, line))))
			continue;
		changes[count++] = (struct evidence_change){.variable = name,
							    .old_value = is_new ? there : line};
		if (is_new)
			changes[count - 1].new_value = line;
	}
	return count;
}

/* Records how a list differs from the one in the file; `entry` tells what changed. */
static enum fault list_record(struct parent *parent, const char *path, struct str after,
			      struct evidence_entry entry)
{
	struct buf before = BUF_INIT(LIST_MAX);
	struct evidence_change changes[EVIDENCE_CHANGES_MAX];
	enum fault fault = FAULT_NONE;
	bool is_known = file_read(path, &before) == FAULT_NONE;

	entry.who = self.who;
	entry.uid = -1;
	entry.changes = changes;
	entry.file = parent->config->text;
	entry.change_count = list_compare(after, buf_str(&before), true, changes, 0);
	entry.change_count =
		list_compare(buf_str(&before), after, false, changes, entry.change_count);
	if (is_known && entry.change_count > 0)
		fault = evidence_add(&parent->change.record.evidence, &entry);
	if (fault == FAULT_NONE && (!is_known || entry.change_count > 0))
		fault = file_replace(path, after, FILE_MODE);
	buf_done(&before);
	return fault;
}

static enum fault certificates_record(struct parent *parent)
{
	struct buf after = BUF_INIT(LIST_MAX);

	pairs_append(&after, &parent->pairs);
	enum fault fault = list_record(parent, parent->change.certificates_path, buf_str(&after),
				       (struct evidence_entry){.from = STR("sslcert"),
							       .kind = EVIDENCE_CERTIFICATE_CHANGE});
	buf_done(&after);
	return fault;
}

static enum fault dkim_record(struct parent *parent)
{
	struct buf after = BUF_INIT(LIST_MAX);

	dkim_desk_append_list(parent, &after);
	enum fault fault = list_record(parent, parent->change.dkim_path, buf_str(&after),
				       (struct evidence_entry){.from = STR("dkim"),
							       .kind = EVIDENCE_DKIM_CHANGE});
	buf_done(&after);
	return fault;
}

void change_record_dkim(struct parent *parent)
{
	enum fault fault = dkim_record(parent);

	if (fault != FAULT_NONE)
		log_printf(&parent->logs.log, LOG_ERROR,
			   "evidence.log: a change of the keys of DKIM could not be recorded: %s",
			   fault_text(fault));
}

/* ---- in force, or not ---- */

static void own_forget(struct change *change)
{
	change->is_own = change->is_undo = false;
	change->note = NULL;
	buf_done(&change->before);
	buf_done(&change->after);
}

/* What somebody changed by hand first, then our own change. */
static enum fault config_record_now(struct parent *parent)
{
	struct change *change = &parent->change;
	struct config_author author = change->is_undo ? self : author_of(&change->author);
	enum fault fault = FAULT_NONE;

	/* A file that was edited again since is in force as it is now. */
	if (change->is_own && str_equals(buf_str(&change->after), parent->config->text)) {
		fault = text_record(parent, &config_author_hand, EVIDENCE_HAND_EDIT, "",
				    buf_str(&change->before));
		enum fault own_fault = text_record(parent, &author, EVIDENCE_CONFIG_CHANGE,
						   change->note, parent->config->text);
		fault = fault == FAULT_NONE ? own_fault : fault;
	} else {
		fault = intended_record(parent, parent->config->text);
		enum fault hand_fault = text_record(parent, &config_author_hand, EVIDENCE_HAND_EDIT,
						    "", parent->config->text);
		fault = fault == FAULT_NONE ? hand_fault : fault;
	}
	own_forget(change);
	return fault;
}

const char *change_in_force(struct parent *parent)
{
	enum fault fault = config_record_now(parent);
	enum fault certificate_fault = certificates_record(parent);
	enum fault dkim_fault = dkim_record(parent);

	if (fault == FAULT_NONE)
		fault = certificate_fault == FAULT_NONE ? dkim_fault : certificate_fault;
	if (!parent->change.was_started && fault == FAULT_NONE)
		fault = event_record(parent, &self, EVIDENCE_START,
				     STR("version " POSTERN_VERSION));
	parent->change.was_started = true;
	if (fault == FAULT_NONE)
		return NULL;
	log_printf(&parent->logs.log, LOG_ERROR, "evidence.log cannot be written: %s",
		   fault_text(fault));
	return "it is in force, but evidence.log or the history cannot be written; see error.log";
}

static void pending_drop(struct change *change)
{
	unlink(change->pending_path);
	pending_done(&change->pending);
	change->is_pending = false;
}

/*
 * Writes down who is about to put `ours`, made of `base`, into the file as it is
 * now. A merge that fails is for config_file_save to tell.
 */
static enum fault merge_intend(struct parent *parent, const struct config_author *author,
			       struct str base, struct str ours, struct str file)
{
	struct buf merged = BUF_INIT(CONFIG_FILE_MAX);
	struct findings findings;

	findings_init(&findings);
	enum fault fault = intended_record(parent, file);
	if (config_merge(base, ours, file, &findings, &merged) != FAULT_NONE) {
		buf_reset(&merged);
		buf_append_str(&merged, ours);
	}
	if (fault == FAULT_NONE)
		fault = config_record_intend(&parent->change.record, author, file,
					     buf_str(&merged));
	findings_done(&findings);
	buf_done(&merged);
	return fault;
}

/*
 * Puts the texts of a change back by variable, so that hand edits stay. Where
 * that cannot be, the former text returns as a whole: the edited one goes into
 * the history.
 */
static enum fault text_put_back(struct parent *parent, struct str before, struct str after)
{
	struct config *config = NULL;
	struct findings findings;

	findings_init(&findings);
	enum fault fault =
		config_file_save(parent->config_path, parent->change.record.history, after,
				 before, parent->catalog, &findings, &config);
	config_unref(&config);
	findings_done(&findings);
	if (fault != FAULT_CONFLICT && fault != FAULT_INVALID)
		return fault;
	struct buf edited = BUF_INIT(CONFIG_FILE_MAX);
	struct stat status;
	mode_t mode = stat(parent->config_path, &status) == 0 ? status.st_mode & 0777 : FILE_MODE;
	fault = file_read(parent->config_path, &edited);
	if (fault == FAULT_NONE)
		fault = config_history_keep(parent->change.record.history, buf_str(&edited));
	if (fault == FAULT_NONE)
		fault = file_replace(parent->config_path, before, mode);
	if (fault == FAULT_NONE)
		log_printf(&parent->logs.log, LOG_WARNING,
			   "mailserver.cfg was edited where a change is undone: the edited text is "
			   "version %u of the history",
			   config_history_last(parent->change.record.history));
	buf_done(&edited);
	return fault;
}

void change_failed(struct parent *parent)
{
	struct change *change = &parent->change;

	if (change->is_own && !change->is_undo) {
		if (change->is_pending)
			pending_drop(change);
		enum fault fault = text_put_back(parent, buf_str(&change->before),
						 buf_str(&change->after));
		if (fault != FAULT_NONE)
			log_printf(&parent->logs.log, LOG_ERROR,
				   "mailserver.cfg could not be given its former text: %s",
				   fault_text(fault));
		else
			config_record_forget(&change->record);
		/* Where a front has taken it already, it takes the former one again. */
		parent->apply_again = true;
	}
	own_forget(change);
}

/* ---- undoing ---- */

static void undo(struct parent *parent)
{
	struct change *change = &parent->change;

	own_forget(change);
	enum fault fault = file_read(parent->config_path, &change->before);
	if (fault == FAULT_NONE)
		fault = merge_intend(parent, &self, buf_str(&change->pending.after),
				     buf_str(&change->pending.before), buf_str(&change->before));
	if (fault == FAULT_NONE)
		fault = text_put_back(parent, buf_str(&change->pending.before),
				      buf_str(&change->pending.after));

	if (fault != FAULT_NONE) {
		log_printf(&parent->logs.log, LOG_ERROR,
			   "a change that was not confirmed could not be undone: %s; it is tried again",
			   fault_text(fault));
		change->pending_until_ms = clock_mono_ms() + RETRY_MS;
		return;
	}
	log_printf(&parent->logs.log, LOG_WARNING,
		   "the change by %.*s was not confirmed within %u seconds: it is undone",
		   STR_ARG(buf_str(&change->pending.who)), change->pending.within_s);
	change->is_own = change->is_undo = true;
	change->note = "not confirmed in time: undone";
	(void)!file_read(parent->config_path, &change->after);
	pending_drop(change);
}

void change_tick(struct parent *parent)
{
	if (!parent->change.is_pending || parent->apply != APPLY_NONE ||
	    clock_mono_ms() < parent->change.pending_until_ms)
		return;
	undo(parent);
	if (!parent->change.is_pending)
		apply_begin(parent);
}

static void pending_load(struct parent *parent)
{
	struct change *change = &parent->change;
	struct buf text = BUF_INIT(PENDING_BYTES_MAX);
	enum fault fault = file_read(change->pending_path, &text);

	if (fault == FAULT_NONE && pending_read(buf_str(&text), &change->pending)) {
		change->is_pending = true;
		change->pending_until_ms =
			clock_mono_ms() + pending_left_ms(&change->pending, clock_real_s());
	} else if (fault != FAULT_NOT_FOUND)
		log_printf(&parent->logs.log, LOG_ERROR,
			   "%s cannot be read: a change that waits for its confirmation holds for good",
			   change->pending_path);
	buf_done(&text);
	if (change->is_pending && clock_mono_ms() >= change->pending_until_ms)
		undo(parent);
}

/* What is wrong with the end of the log becomes an entry: the next head must not hide it. */
static void end_check(struct parent *parent)
{
	struct buf what = BUF_INIT(LOG_LINE_MAX * 4);

	evidence_heads_check(parent, &what);
	lines_log(parent, LOG_ERROR, "evidence.log: ", buf_str(&what));
	if (what.len > 0 && event_record(parent, &self, EVIDENCE_RECORD_FAULT,
					 str_trim(buf_str(&what))) != FAULT_NONE)
		log_printf(&parent->logs.log, LOG_ERROR,
			   "evidence.log: that could not be recorded");
	buf_done(&what);
}

void change_open(struct parent *parent)
{
	struct change *change = &parent->change;

	change->before = change->after = BUF_INIT(CONFIG_FILE_MAX);
	pending_init(&change->pending);
	record_open(parent);
	end_check(parent);
	change->pending_path = path_join(change->record.history, "pending");
	change->certificates_path = path_join(change->record.history, "recorded.certificates");
	change->dkim_path = path_join(change->record.history, "recorded.dkim");
	pending_load(parent);
}

void change_close(struct parent *parent)
{
	struct change *change = &parent->change;

	config_record_close(&change->record);
	own_forget(change);
	pending_done(&change->pending);
	free(change->pending_path);
	free(change->certificates_path);
	free(change->dkim_path);
}

/* ---- what the command line asks for ---- */

static void findings_say(const struct findings *findings, struct buf *why)
{
	for (size_t i = 0; i < findings->count; i++)
		if (findings->items[i].severity == FINDING_ERROR)
			finding_append(why, STR("mailserver.cfg"), &findings->items[i]);
	while (why->len > 0 && why->data[why->len - 1] == '\n')
		buf_truncate(why, why->len - 1);
}

static enum fault request_check(struct parent *parent, const struct change_request *request,
				struct buf *why)
{
	if (parent->apply != APPLY_NONE || parent->config == NULL) {
		buf_append_c(why, "another configuration is being put in force");
		return FAULT_BUSY;
	}
	/* Other certificates make another generation, too, but nobody's change. */
	if (request->generation < parent->text_generation) {
		buf_append_c(why, "another configuration came in force meanwhile; look at it and try again");
		return FAULT_CONFLICT;
	}
	if (parent->change.is_pending && (!request->is_revert || request->confirm_s > 0)) {
		buf_append_c(why, "a change waits for its confirmation: first `postern tls confirm`, "
				  "or `postern tls revert`");
		return FAULT_CONFLICT;
	}
	if (request->confirm_s > PENDING_SECONDS_MAX) {
		buf_append_c(why, "a confirmation can be awaited for seven days at most");
		return FAULT_INVALID;
	}
	return FAULT_NONE;
}

/* Durable before the change is: whoever comes after a crash finds it. */
static enum fault pending_write(struct parent *parent, const struct change_request *request,
				struct buf *why)
{
	struct change *change = &parent->change;
	struct buf text = BUF_INIT(PENDING_BYTES_MAX);

	pending_done(&change->pending);
	change->pending.until_s = clock_real_s() + request->confirm_s;
	change->pending.within_s = request->confirm_s;
	buf_append_c(&change->pending.who, request->author->name);
	change->pending.uid = request->author->uid;
	buf_append_str(&change->pending.from, author_of(request->author).from);
	buf_append_str(&change->pending.before, parent->config->text);
	buf_append_str(&change->pending.after, request->text);
	pending_append(&text, &change->pending);
	enum fault fault =
		file_replace(change->pending_path, buf_str(&text), FILE_MODE);
	buf_done(&text);
	if (fault == FAULT_NONE) {
		change->is_pending = true;
		change->pending_until_ms = clock_mono_ms() + 1000 * (int64_t)request->confirm_s;
	} else
		buf_printf(why, "%s: %s", change->pending_path, fault_text(fault));
	return fault;
}

static enum fault text_write(struct parent *parent, const struct change_request *request,
			     struct buf *why)
{
	struct change *change = &parent->change;
	struct config_author author = author_of(request->author);
	struct config *config = NULL;
	struct findings findings;

	findings_init(&findings);
	own_forget(change);
	enum fault fault = file_read(parent->config_path, &change->before);
	if (fault == FAULT_NONE)
		fault = merge_intend(parent, &author, parent->config->text, request->text,
				     buf_str(&change->before));
	if (fault == FAULT_NONE)
		fault = config_file_save(parent->config_path, change->record.history,
					 parent->config->text, request->text, parent->catalog,
					 &findings, &config);
	if (fault == FAULT_NONE)
		buf_append_str(&change->after, config->text);
	else
		config_record_forget(&change->record);
	findings_say(&findings, why);
	if (fault != FAULT_NONE && why->len == 0)
		buf_append_c(why, fault_text(fault));
	config_unref(&config);
	findings_done(&findings);
	return fault;
}

enum fault change_begin(struct parent *parent, const struct change_request *request,
			struct buf *why)
{
	struct change *change = &parent->change;
	enum fault fault = request_check(parent, request, why);

	if (fault != FAULT_NONE)
		return fault;
	if (request->confirm_s > 0)
		fault = pending_write(parent, request, why);
	if (fault == FAULT_NONE)
		fault = text_write(parent, request, why);
	if (fault != FAULT_NONE) {
		if (request->confirm_s > 0)
			pending_drop(change);
		own_forget(change);
		return fault;
	}
	if (request->confirm_s == 0 && change->is_pending)
		pending_drop(change);
	change->is_own = true;
	change->author = *request->author;
	change->note = request->confirm_s > 0 ? "waits for its confirmation" : "";
	apply_begin(parent);
	return FAULT_NONE;
}

enum fault change_confirm(struct parent *parent, const struct control_author *author,
			  struct buf *why)
{
	struct config_author who = author_of(author);

	if (!parent->change.is_pending) {
		buf_append_c(why, "no change waits for its confirmation");
		return FAULT_NOT_FOUND;
	}
	enum fault fault = event_record(parent, &who, EVIDENCE_CONFIRMATION, STR(""));
	if (fault != FAULT_NONE) {
		buf_printf(why, "evidence.log cannot be written: %s", fault_text(fault));
		return fault;
	}
	log_printf(&parent->logs.log, LOG_CONFIG, "%s - Confirm the change by %.*s", author->name,
		   STR_ARG(buf_str(&parent->change.pending.who)));
	pending_drop(&parent->change);
	return folder_sync(parent->change.record.history);
}

void change_append_status(const struct parent *parent, struct buf *json)
{
	const struct change *change = &parent->change;

	buf_printf(json, ",\"evidence\":{\"entries\":%llu,\"hash\":\"%s\",\"is_written\":%s}",
		   (unsigned long long)change->record.evidence.sequence,
		   change->record.evidence.hash.text,
		   change->record.evidence.fd >= 0 ? "true" : "false");
	buf_append_c(json, ",\"awaiting_confirmation\":");
	if (!change->is_pending) {
		buf_append_c(json, "null");
		return;
	}
	buf_append_c(json, "{\"who\":");
	append_json_string(json, buf_str(&change->pending.who));
	buf_printf(json, ",\"until\":%lld}", (long long)change->pending.until_s);
}
