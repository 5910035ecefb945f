/* SPDX-License-Identifier: Apache-2.0 */
/* tls history: the former versions of mailserver.cfg, and who made each a former one. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "config/change.h"
#include "config/file.h"
#include "ctl/origin.h"
#include "ctl/plan.h"

enum {
	TEXT_MAX = 16 << 20,
	TIME_MAX = 64,
	/* The version is kept first, the change recorded when it is in force. */
	RECORD_LATE_S = 2
};

struct history {
	struct page page;
	char *folder;
	char *path;	   /* of mailserver.cfg */
	json_t *entries;   /* of origin_entries */
	json_t *list;	   /* what is shown */
	unsigned newer;	   /* what came after the version looked at; 0: the present one */
	unsigned held;	   /* the version whose text `text` is; 0: the present one */
	bool is_held;
	struct buf text;
};

/* Reads a version, 0 being the present one, and since when it is a former one. */
static bool version_read(const struct history *history, unsigned number, struct buf *to,
			 int64_t *time_s_out)
{
	char *path = number == 0 ? NULL : config_history_path(history->folder, number);
	struct stat status = {0};
	CLEANUP_FD int fd = file_open(path == NULL ? history->path : path);

	free(path);
	if (fd < 0 || fstat(fd, &status) != 0 || fd_read_file(fd, to) != FAULT_NONE)
		return false;
	*time_s_out = status.st_mtime;
	return true;
}

/* The text of the version that came after is there when that one was looked at just before. */
static bool newer_hold(struct history *history)
{
	int64_t time_s;

	if (history->is_held && history->held == history->newer)
		return true;
	buf_reset(&history->text);
	history->held = history->newer;
	history->is_held = version_read(history, history->newer, &history->text, &time_s);
	return history->is_held;
}

static json_t *changes_json(struct str before, struct str after)
{
	struct config_differences differences;
	json_t *changes = json_array();

	config_differences_find(before, after, &differences);
	for (size_t i = 0; i < differences.count; i++)
		json_array_append_new(changes, plan_difference_json(&differences.items[i]));
	config_differences_done(&differences);
	return changes;
}

static json_t *version_json(const struct history *history, unsigned number, int64_t time_s,
			    struct str text)
{
	CLEANUP_BUF struct buf until = BUF_INIT(TIME_MAX);
	CLEANUP_BUF struct buf latest = BUF_INIT(TIME_MAX);
	json_t *changes = changes_json(text, buf_str(&history->text));

	clock_append_iso_date(&until, time_s);
	clock_append_iso_date(&latest, time_s + RECORD_LATE_S);
	json_t *entry = origin_of_changes(history->entries, changes, buf_str(&latest));
	return json_pack("{s:i, s:o, s:s?, s:s?, s:o}", "version", (int)number, "until",
			 json_text(buf_str(&until)), "who",
			 json_string_value(json_object_get(entry, "who")), "from",
			 json_string_value(json_object_get(entry, "from")), "changes", changes);
}

static bool version_is_found(const struct page *page, json_t *version)
{
	return page_finds_member(page, version, "until") ||
	       page_finds_member(page, version, "who") ||
	       page_finds_member(page, version, "from") ||
	       origin_changes_find(page, json_object_get(version, "changes"));
}

static void version_add(struct history *history, unsigned number)
{
	struct buf text = BUF_INIT(CONFIG_FILE_MAX);
	bool is_searched = !str_is_empty(history->page.search);
	int64_t time_s;

	if (newer_hold(history) && version_read(history, number, &text, &time_s)) {
		json_t *version = version_json(history, number, time_s, buf_str(&text));
		if (!is_searched || (version_is_found(&history->page, version) &&
				     page_takes_below(&history->page, number)))
			json_array_append(history->list, version);
		json_decref(version);
		buf_done(&history->text);
		history->text = text;
		history->held = number;
	} else
		buf_done(&text);
}

/*
 * From the newest to the oldest; each is compared with the one that came after it. Without a search
 * only those of this page are read.
 */
static void versions_add(struct history *history)
{
	for (unsigned number = config_history_last(history->folder); number > 0; number--) {
		char *path = config_history_path(history->folder, number);
		CLEANUP_FD int fd = file_open(path);
		free(path);
		if (fd < 0)
			continue;
		if (!str_is_empty(history->page.search) || page_takes_below(&history->page, number))
			version_add(history, number);
		history->newer = number;
	}
}

static void version_append(json_t *version, struct buf *to)
{
	json_t *changes = json_object_get(version, "changes"), *change;
	const char *who = json_string_value(json_object_get(version, "who"));
	size_t i;

	buf_printf(to, "%d  until %s; then%s%s:\n",
		   (int)json_integer_value(json_object_get(version, "version")),
		   json_string_value(json_object_get(version, "until")),
		   who == NULL ? "" : ", by ", who == NULL ? "" : who);
	json_array_foreach(changes, i, change)
	{
		const char *before = json_string_value(json_object_get(change, "old"));
		const char *after = json_string_value(json_object_get(change, "new"));
		buf_printf(to, "    %s: \"%s\" -> \"%s\"\n",
			   json_string_value(json_object_get(change, "variable")),
			   before == NULL ? "" : before, after == NULL ? "" : after);
	}
	if (json_array_size(changes) == 0)
		buf_append_c(to, "    no variable changed\n");
}

static void history_print(const struct ctl *ctl, const struct history *history)
{
	CLEANUP_BUF struct buf text = BUF_INIT(TEXT_MAX);
	json_t *version;
	size_t i;

	if (ctl_has(ctl, OPTION_BIT(JSON))) {
		json_t *document = json_pack("{s:O}", "versions", history->list);
		page_tell_json(&history->page, document);
		ctl_print_json(document);
		return;
	}
	json_array_foreach(history->list, i, version)
		version_append(version, &text);
	page_tell(&history->page, &text);
	ctl_print(history->page.total > 0 ? buf_str(&text)
					  : STR("There are no former versions.\n"));
}

int cmd_tls_history(struct ctl *ctl)
{
	struct history history = {.folder = ctl_path(ctl, "history"),
				  .path = ctl_path(ctl, "mailserver.cfg"),
				  .entries = origin_entries(ctl->home),
				  .list = json_array(),
				  .text = BUF_INIT(CONFIG_FILE_MAX)};
	int code = page_init(&history.page, ctl);

	if (code == CTL_DONE && !newer_hold(&history))
		code = ctl_fail(CTL_USAGE, "%s cannot be read", history.path);
	if (code == CTL_DONE) {
		versions_add(&history);
		history_print(ctl, &history);
	}
	page_done(&history.page);
	json_decref(history.list);
	json_decref(history.entries);
	buf_done(&history.text);
	free(history.folder);
	free(history.path);
	return code;
}
