/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/origin.h"

#include <stdlib.h>

#include "base/file.h"
#include "evidence/record.h"

enum { ENTRIES_MAX = 20000, KEY_MAX = 4096 };

struct str origin_line_cut(struct str *text)
{
	bool has_end = text->ptr[text->len - 1] == '\n';
	struct str line = str_sub(*text, 0, text->len - has_end);
	size_t feed = str_find_last_char(line, '\n');

	if (feed != STR_NONE)
		line = str_from(line, feed + 1);
	*text = str_sub(*text, 0, text->len - has_end - line.len);
	return line;
}

json_t *origin_entries(const char *home)
{
	CLEANUP_BUF struct buf text = BUF_INIT(EVIDENCE_FILE_MAX);
	char *path = path_join(home, "evidence.log");
	json_t *entries = json_array();

	if (file_read(path, &text) != FAULT_NONE)
		buf_reset(&text);
	free(path);
	struct str rest = buf_str(&text);
	while (rest.len > 0 && json_array_size(entries) < ENTRIES_MAX) {
		struct str line = origin_line_cut(&rest);
		json_t *entry = json_loadb(line.ptr, line.len, 0, NULL);
		if (json_is_object(entry))
			json_array_append(entries, entry);
		json_decref(entry);
	}
	return entries;
}

/* The name in small letters, terminated. */
static void key_append(struct buf *key, const char *name)
{
	for (; *name != '\0'; name++)
		buf_append_char(key, ascii_lower(*name));
	buf_append_char(key, '\0');
}

static void entry_note(json_t *entry, json_t *open, json_t *found)
{
	json_t *change;
	size_t i;

	json_array_foreach(json_object_get(entry, "changes"), i, change)
	{
		CLEANUP_BUF struct buf key = BUF_INIT(KEY_MAX);
		key_append(&key, json_member(change, "variable"));
		if (key.failed || json_object_get(open, key.data) == NULL)
			continue;
		json_object_set(found, key.data, entry);
		json_object_del(open, key.data);
	}
}

json_t *origin_find(json_t *entries, json_t *wanted)
{
	json_t *open = json_object(), *found = json_object(), *entry, *value;
	const char *name;
	size_t i;

	json_object_foreach(wanted, name, value)
	{
		CLEANUP_BUF struct buf key = BUF_INIT(KEY_MAX);
		key_append(&key, name);
		if (!key.failed)
			json_object_set_new(open, key.data, json_null());
	}
	for (i = 0; i < json_array_size(entries) && json_object_size(open) > 0; i++) {
		entry = json_array_get(entries, i);
		entry_note(entry, open, found);
	}
	json_decref(open);
	return found;
}

json_t *origin_of_changes(json_t *entries, json_t *changes, struct str latest)
{
	json_t *entry;
	size_t i;

	json_array_foreach(entries, i, entry)
	{
		if (json_equal(json_object_get(entry, "changes"), changes) &&
		    str_compare(str_from_c(json_member(entry, "time")), latest) <= 0)
			return entry;
	}
	return NULL;
}

bool origin_changes_find(const struct page *page, json_t *changes)
{
	json_t *change;
	size_t i;

	json_array_foreach(changes, i, change)
	{
		if (page_finds_member(page, change, "variable") ||
		    page_finds_member(page, change, "old") ||
		    page_finds_member(page, change, "new"))
			return true;
	}
	return false;
}

const char *origin_way(json_t *entry)
{
	struct str who = str_from_c(json_member(entry, "who")), from = str_from_c(json_member(entry, "from"));

	if (str_equals(who, STR("hand edit")))
		return "file";
	if (str_equals(who, STR("postern")))
		return "server";
	return str_equals(from, STR("control socket")) || str_has_prefix(from, STR("command line"))
		       ? "command line"
		       : "page";
}

json_t *origin_since(json_t *entries, struct str generation)
{
	json_t *since = json_array(), *entry;
	size_t i;

	json_array_foreach(entries, i, entry)
	{
		if (str_has_prefix_nocase(str_from_c(json_member(entry, "file_sha256")), generation))
			return since;
		if (json_array_size(json_object_get(entry, "changes")) > 0 &&
		    !str_equals(str_from_c(json_member(entry, "kind")), STR("certificate change")))
			json_array_insert(since, 0, entry);
	}
	json_decref(since);
	return NULL;
}

static void value_append(struct buf *to, json_t *value)
{
	if (json_is_string(value))
		buf_printf(to, "\"%s\"", json_string_value(value));
	else
		buf_append_c(to, "(not set)");
}

void origin_append(struct buf *to, json_t *entry)
{
	json_t *change;
	size_t i;

	buf_printf(to, "%s (%s) at %s:", json_member(entry, "who"), json_member(entry, "from"),
		   json_member(entry, "time"));
	json_array_foreach(json_object_get(entry, "changes"), i, change)
	{
		buf_printf(to, "%s %s: ", i == 0 ? "" : ",", json_member(change, "variable"));
		value_append(to, json_object_get(change, "old"));
		buf_append_c(to, " -> ");
		value_append(to, json_object_get(change, "new"));
	}
}
