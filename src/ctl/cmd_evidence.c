/* SPDX-License-Identifier: Apache-2.0 */
/* evidence list, evidence verify: the record of changes. */
#include <stdlib.h>

#include "base/file.h"
#include "ctl/columns.h"
#include "ctl/origin.h"
#include "evidence/chain.h"
#include "evidence/head.h"
#include "evidence/record.h"

enum { TEXT_MAX = 64 << 20 };

/* False after it said why not. A home that has none yet has an empty one. */
static bool record_read(const struct ctl *ctl, struct buf *text)
{
	char *path = ctl_path(ctl, "evidence.log");
	enum fault fault = file_read(path, text);

	if (fault != FAULT_NONE)
		ctl_fail(0, "%s cannot be read: %s%s", path, fault_text(fault),
			 fault == FAULT_NOT_FOUND ? "; the server makes it when it starts" : "");
	free(path);
	return fault == FAULT_NONE;
}

static const char *member(json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text == NULL ? "-" : text;
}

/* "Security/ServerTlsProtocols: a -> b", each after the other; or the entry's text. */
static void what_append(struct buf *to, json_t *entry)
{
	json_t *change;
	size_t i;

	buf_append_c(to, member(entry, "text"));
	json_array_foreach(json_object_get(entry, "changes"), i, change) {
		const char *old_value = json_string_value(json_object_get(change, "old"));
		const char *new_value = json_string_value(json_object_get(change, "new"));
		buf_printf(to, "%s%s: %s -> %s", to->len > 0 ? "; " : "",
			   member(change, "variable"), old_value == NULL ? "(not set)" : old_value,
			   new_value == NULL ? "(not set)" : new_value);
	}
}

static void entry_add(struct columns *columns, json_t *entry)
{
	struct buf what = BUF_INIT(1 << 20);

	what_append(&what, entry);
	columns_printf(columns, "%lld",
		       (long long)json_integer_value(json_object_get(entry, "sequence")));
	columns_add_c(columns, member(entry, "time"));
	columns_add_c(columns, member(entry, "who"));
	columns_add_c(columns, member(entry, "kind"));
	columns_add(columns, buf_str(&what));
	buf_done(&what);
}

static bool entry_is_found(const struct page *page, json_t *entry)
{
	static const char *const names[] = {"time", "who", "from", "kind", "text", "hash"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (page_finds_member(page, entry, names[i]))
			return true;
	return origin_changes_find(page, json_object_get(entry, "changes"));
}

/* Reads a line only where it is shown, or searched. */
static void line_take(struct page *page, struct str line, uint64_t number, json_t *list)
{
	bool is_searched = !str_is_empty(page->search);

	if (!is_searched && !page_takes_below(page, number))
		return;
	json_t *entry = json_loadb(line.ptr, line.len, 0, NULL);
	if (!json_is_object(entry))
		ctl_fail(0, "a line is no entry; see `postern evidence verify`");
	else if (!is_searched || (entry_is_found(page, entry) && page_takes_below(page, number)))
		json_array_append(list, entry);
	json_decref(entry);
}

static size_t lines_count(struct str text)
{
	size_t count = 0;

	for (; !str_is_empty(text); (void)str_cut(&text, '\n'))
		count++;
	return count;
}

static void entries_print(const struct ctl *ctl, const struct page *page, json_t *list)
{
	static const char *const heads[] = {"ENTRY", "TIME", "WHO", "KIND", "WHAT"};
	CLEANUP_BUF struct buf text = BUF_INIT(TEXT_MAX);
	struct columns columns;
	json_t *entry;
	size_t i;

	if (ctl_has(ctl, OPTION_BIT(JSON))) {
		json_t *document = json_pack("{s:O}", "entries", list);
		page_tell_json(page, document);
		ctl_print_json(document);
		return;
	}
	columns_init(&columns, heads, 5);
	json_array_foreach(list, i, entry)
		entry_add(&columns, entry);
	columns_append(&columns, &text);
	page_tell(page, &text);
	ctl_print(buf_str(&text));
	columns_done(&columns);
}

int cmd_evidence_list(struct ctl *ctl)
{
	CLEANUP_BUF struct buf text = BUF_INIT(EVIDENCE_FILE_MAX);
	json_t *list = json_array();
	struct page page;
	int code = page_init(&page, ctl);

	if (code == CTL_DONE && !record_read(ctl, &text))
		code = CTL_USAGE;
	if (code == CTL_DONE) {
		struct str rest = buf_str(&text);
		/* A line's number is its entry's where the record is whole. */
		for (size_t number = lines_count(rest); !str_is_empty(rest); number--)
			line_take(&page, origin_line_cut(&rest), number, list);
		entries_print(ctl, &page, list);
	}
	json_decref(list);
	page_done(&page);
	return code;
}

static void fault_take(void *context, struct str what)
{
	json_array_append_new(context, json_text(what));
}

/* False when the log cannot be read. `faults` is made anew. */
static bool record_verify(const struct ctl *ctl, json_t *faults, struct evidence_verdict *verdict_out)
{
	struct buf text = BUF_INIT(EVIDENCE_FILE_MAX);
	bool is_read = record_read(ctl, &text);

	json_array_clear(faults);
	if (is_read) {
		*verdict_out = evidence_verify(buf_str(&text), fault_take, faults);
		verdict_out->fault_count +=
			evidence_head_check(ctl->home, buf_str(&text), fault_take, faults);
	}
	buf_done(&text);
	return is_read;
}

static void verdict_print(const struct ctl *ctl, const struct evidence_verdict *verdict,
			  json_t *faults)
{
	struct buf page = BUF_INIT(4096);
	json_t *fault;
	size_t i;

	if (ctl_has(ctl, OPTION_BIT(JSON))) {
		ctl_print_json(json_pack("{s:I, s:s, s:O}", "entries",
					 (json_int_t)verdict->entries, "hash", verdict->hash.text,
					 "faults", faults));
		return;
	}
	json_array_foreach(faults, i, fault)
		ctl_fail(0, "evidence.log: %s", json_string_value(fault));
	buf_printf(&page, "%llu entries, %s; the last has the hash %s\n",
		   (unsigned long long)verdict->entries,
		   verdict->fault_count == 0 ? "as they were written" : "not as they were written",
		   verdict->hash.text);
	ctl_print(buf_str(&page));
	buf_done(&page);
}

int cmd_evidence_verify(struct ctl *ctl)
{
	struct evidence_verdict verdict = {0};
	json_t *faults = json_array();
	bool is_read = record_verify(ctl, faults, &verdict);

	/* A head that was written between the reading of both files names an entry that is there now. */
	if (is_read && verdict.fault_count > 0)
		is_read = record_verify(ctl, faults, &verdict);
	if (is_read)
		verdict_print(ctl, &verdict, faults);
	json_decref(faults);
	if (!is_read)
		return CTL_USAGE;
	return verdict.fault_count == 0 ? CTL_DONE : CTL_FINDING;
}
