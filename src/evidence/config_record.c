/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/config_record.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "config/change.h"
#include "config/file.h"
#include "config/pending.h"

enum { FOLDER_MODE = 0700, FILE_MODE = 0600, NAME_MAX_BYTES = 512 };

const struct config_author config_author_hand = {STR_INIT("hand edit"), -1,
						  STR_INIT("mailserver.cfg")};

enum fault config_record_open(struct config_record *record, const char *home, struct buf *note)
{
	char *evidence_path = path_join(home, "evidence.log");

	*record = (struct config_record){.evidence.fd = -1,
					 .history = path_join(home, "history"),
					 .text = BUF_INIT(CONFIG_FILE_MAX)};
	record->path = path_join(record->history, "recorded.cfg");
	record->intended_path = path_join(record->history, "intended");
	enum fault fault = folder_make(record->history, FOLDER_MODE);
	if (fault == FAULT_NONE)
		record->is_known = file_read(record->path, &record->text) == FAULT_NONE;
	if (fault == FAULT_NONE)
		fault = evidence_open(&record->evidence, evidence_path, note);
	free(evidence_path);
	return fault;
}

void config_record_close(struct config_record *record)
{
	evidence_close(&record->evidence);
	free(record->history);
	free(record->path);
	free(record->intended_path);
	record->history = record->path = record->intended_path = NULL;
	buf_done(&record->text);
}

/* The entry of all differences; their names are made in `names`. */
static enum fault entry_add(struct config_record *record, const struct evidence_entry *entry,
			    struct str text)
{
	struct evidence_change changes[EVIDENCE_CHANGES_MAX];
	struct buf names = BUF_INIT((size_t)EVIDENCE_CHANGES_MAX * NAME_MAX_BYTES);
	size_t ends[EVIDENCE_CHANGES_MAX + 1] = {0};
	struct config_differences differences;
	struct evidence_entry whole = *entry;
	size_t count = 0;

	config_differences_find(buf_str(&record->text), text, &differences);
	for (; count < differences.count && count < EVIDENCE_CHANGES_MAX; count++) {
		config_address_append(&names, &differences.items[count].address);
		ends[count + 1] = names.len;
	}
	for (size_t i = 0; i < count; i++)
		changes[i] = (struct evidence_change){
			.variable = str_sub(buf_str(&names), ends[i], ends[i + 1] - ends[i]),
			.old_value = differences.items[i].before,
			.new_value = differences.items[i].after};
	whole.changes = changes;
	whole.change_count = count;
	whole.file = text;
	enum fault fault = evidence_add(&record->evidence, &whole);
	config_differences_done(&differences);
	buf_done(&names);
	return fault;
}

/* From here on `text` is what the next one is compared with. */
static enum fault text_keep(struct config_record *record, struct str text)
{
	enum fault fault = file_replace(record->path, text, FILE_MODE);

	buf_reset(&record->text);
	buf_append_str(&record->text, text);
	record->is_known = true;
	return fault;
}

enum fault config_record_text(struct config_record *record, const struct config_author *author,
			      enum evidence_kind kind, struct str note, struct str text,
			      struct buf *lines)
{
	struct evidence_entry entry = {.who = author->who,
				       .uid = author->uid,
				       .from = author->from,
				       .kind = kind,
				       .text = note};
	enum fault fault = FAULT_NONE;

	if (record->is_known && str_equals(buf_str(&record->text), text))
		return FAULT_NONE;
	if (record->is_known) {
		config_record_lines(lines, author->who, buf_str(&record->text), text);
		if (kind == EVIDENCE_HAND_EDIT)
			fault = config_history_keep(record->history, buf_str(&record->text));
		enum fault entry_fault = entry_add(record, &entry, text);
		if (fault == FAULT_NONE)
			fault = entry_fault;
	}
	enum fault keep_fault = text_keep(record, text);
	if (kind != EVIDENCE_HAND_EDIT && keep_fault == FAULT_NONE)
		config_record_forget(record);
	return fault == FAULT_NONE ? keep_fault : fault;
}

/* ---- what is about to be written ---- */

enum fault config_record_intend(struct config_record *record, const struct config_author *author,
				struct str before, struct str after)
{
	struct buf text = BUF_INIT(PENDING_BYTES_MAX);
	struct pending_change intended;

	pending_init(&intended);
	buf_append_str(&intended.who, author->who);
	intended.uid = author->uid;
	buf_append_str(&intended.from, author->from);
	buf_append_str(&intended.before, before);
	buf_append_str(&intended.after, after);
	pending_append(&text, &intended);
	enum fault fault = file_replace(record->intended_path, buf_str(&text), FILE_MODE);
	pending_done(&intended);
	buf_done(&text);
	return fault;
}

void config_record_forget(struct config_record *record)
{
	unlink(record->intended_path);
}

static enum fault intended_record(struct config_record *record,
				  const struct pending_change *intended, struct buf *lines)
{
	struct config_author author = {buf_str(&intended->who), intended->uid,
				       buf_str(&intended->from)};
	enum fault fault = config_record_text(record, &config_author_hand, EVIDENCE_HAND_EDIT,
					      STR(""), buf_str(&intended->before), lines);
	enum fault own_fault = config_record_text(record, &author, EVIDENCE_CONFIG_CHANGE,
						  STR("recorded by the next start"),
						  buf_str(&intended->after), lines);

	return fault == FAULT_NONE ? own_fault : fault;
}

enum fault config_record_intended(struct config_record *record, struct str text,
				  struct buf *lines)
{
	struct buf form = BUF_INIT(PENDING_BYTES_MAX);
	struct pending_change intended;
	enum fault fault = file_read(record->intended_path, &form);
	bool is_any = fault == FAULT_NONE;

	pending_init(&intended);
	fault = FAULT_NONE;
	if (is_any && pending_read(buf_str(&form), &intended) &&
	    str_equals(buf_str(&intended.after), text))
		fault = intended_record(record, &intended, lines);
	if (is_any && fault == FAULT_NONE)
		config_record_forget(record);
	pending_done(&intended);
	buf_done(&form);
	return fault;
}

void config_record_lines(struct buf *to, struct str who, struct str before, struct str after)
{
	struct config_differences differences;

	config_differences_find(before, after, &differences);
	for (size_t i = 0; i < differences.count; i++) {
		const struct config_difference *at = &differences.items[i];
		text_append_phrase(to, who);
		buf_append_c(to, " - Update ");
		text_append_word(to, at->address.table);
		if (!str_is_empty(at->address.item)) {
			buf_append_char(to, ':');
			text_append_word(to, at->address.item);
		}
		buf_append_c(to, " {");
		text_append_word(to, at->address.variable);
		buf_append_c(to, "=\"");
		text_append_phrase(to, at->after);
		buf_append_c(to, "\", was=\"");
		text_append_phrase(to, at->before);
		buf_append_c(to, "\"}\n");
	}
	config_differences_done(&differences);
}
