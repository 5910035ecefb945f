/* SPDX-License-Identifier: Apache-2.0 */
/* queue: the messages that wait for other servers, and orders about them. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "ctl/link.h"
#include "ctl/page.h"
#include "ctl/progress.h"
#include "ctl/told.h"
#include "store/queue.h"

enum { TEXT_MAX = 64 << 20, LINE_MAX_BYTES = 8192 };

/* ---- for people ---- */

static void due_append(struct buf *to, const struct queue_recipient *recipient, int64_t now_s)
{
	if (recipient->is_held)
		buf_append_str(to, STR("held"));
	else if (recipient->next_s <= now_s)
		buf_append_str(to, STR("now"));
	else
		clock_append_iso_date(to, recipient->next_s);
}

static void recipient_row(struct columns *columns, const struct queue_entry *entry,
			  const struct queue_recipient *recipient, int64_t now_s)
{
	CLEANUP_BUF struct buf text = BUF_INIT(LINE_MAX_BYTES);

	columns_add(columns, entry->envelope.queue_id);
	buf_printf(&text, "<%.*s>", STR_ARG(entry->envelope.sender));
	columns_add(columns, buf_str(&text));
	buf_reset(&text);
	buf_printf(&text, "<%.*s>", STR_ARG(recipient->address));
	columns_add(columns, buf_str(&text));
	buf_reset(&text);
	size_append(&text, entry->size);
	columns_add(columns, buf_str(&text));
	columns_printf(columns, "%u", recipient->attempts);
	buf_reset(&text);
	due_append(&text, recipient, now_s);
	columns_add(columns, buf_str(&text));
	columns_add(columns, recipient->status);
}

static void entry_rows(struct columns *columns, struct view *view, const struct queue_entry *entry)
{
	struct queue_recipient recipient;
	int64_t now_s = clock_real_s();

	for (uint32_t from = 0; queue_recipient_next(view, entry->number, from, &recipient);
	     from = recipient.number + 1)
		recipient_row(columns, entry, &recipient, now_s);
}

/* Senders and servers have a say in what stands here: nothing of it commands the terminal. */
static void line_append(struct buf *to, const char *name, struct str value)
{
	if (str_is_empty(value))
		return;
	buf_printf(to, "%-12s ", name);
	text_append_phrase(to, value);
	buf_append_char(to, '\n');
}

static void address_append(struct buf *to, struct str address)
{
	buf_append_char(to, '<');
	text_append_phrase(to, address);
	buf_append_str(to, STR(">\n"));
}

static void date_line_append(struct buf *to, const char *name, int64_t real_s)
{
	CLEANUP_BUF struct buf date = BUF_INIT(64);

	clock_append_mail_date(&date, real_s);
	line_append(to, name, buf_str(&date));
}

static void recipient_append(struct buf *to, const struct queue_recipient *recipient)
{
	CLEANUP_BUF struct buf due = BUF_INIT(64);

	due_append(&due, recipient, clock_real_s());
	buf_append_char(to, '\n');
	address_append(to, recipient->address);
	buf_printf(to, "%-12s %u\n", "  attempts", recipient->attempts);
	line_append(to, "  next", buf_str(&due));
	line_append(to, "  server", recipient->host);
	line_append(to, "  why", recipient->status);
}

static void entry_append(struct buf *to, struct view *view, const struct queue_entry *entry)
{
	CLEANUP_BUF struct buf size = BUF_INIT(64);
	struct queue_recipient recipient;

	size_append(&size, entry->size);
	line_append(to, "Queue-ID", entry->envelope.queue_id);
	buf_printf(to, "%-12s ", "from");
	address_append(to, entry->envelope.sender);
	line_append(to, "user", entry->envelope.user);
	line_append(to, "Message-ID", entry->envelope.message_id);
	date_line_append(to, "received", entry->received_s);
	line_append(to, "size", buf_str(&size));
	for (uint32_t from = 0; queue_recipient_next(view, entry->number, from, &recipient);
	     from = recipient.number + 1)
		recipient_append(to, &recipient);
}

/* ---- as JSON ---- */

static json_t *date_json(int64_t real_s)
{
	CLEANUP_BUF struct buf text = BUF_INIT(64);

	clock_append_iso_date(&text, real_s);
	return json_text(buf_str(&text));
}

static json_t *recipient_json(const struct queue_recipient *recipient)
{
	return json_pack("{s:o, s:i, s:o, s:b, s:o, s:o}", "address", json_text(recipient->address),
			 "attempts", (int)recipient->attempts, "next",
			 date_json(recipient->next_s), "held", recipient->is_held, "host",
			 json_text(recipient->host), "status", json_text(recipient->status));
}

static json_t *entry_json(struct view *view, const struct queue_entry *entry)
{
	const struct queue_envelope *envelope = &entry->envelope;
	struct queue_recipient recipient;
	json_t *recipients = json_array();

	for (uint32_t from = 0; queue_recipient_next(view, entry->number, from, &recipient);
	     from = recipient.number + 1)
		json_array_append_new(recipients, recipient_json(&recipient));
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:o}", "id", json_text(envelope->queue_id),
			 "sender", json_text(envelope->sender), "user", json_text(envelope->user),
			 "message_id", json_text(envelope->message_id), "received",
			 date_json(entry->received_s), "size", (json_int_t)entry->size, "recipients",
			 recipients);
}

/* ---- list and show ---- */

/* Opens the store and a view of it; says why not. */
static int queue_open(const struct ctl *ctl, struct link *link, struct view **view_out)
{
	enum fault fault = link_open(link, ctl->home, LINK_STORE);

	if (fault != FAULT_NONE)
		return ctl_fault_code(fault);
	fault = view_open(link->store, view_out);
	if (fault == FAULT_NONE)
		return CTL_DONE;
	return ctl_fail_field(fault, NULL, "%s/store: %s", ctl->home, fault_text(fault));
}

static bool entry_is_found(const struct page *page, struct view *view,
			   const struct queue_entry *entry)
{
	struct queue_recipient recipient;

	if (page_finds(page, entry->envelope.queue_id) ||
	    page_finds(page, entry->envelope.sender) || page_finds(page, entry->envelope.user))
		return true;
	for (uint32_t from = 0; queue_recipient_next(view, entry->number, from, &recipient);
	     from = recipient.number + 1)
		if (page_finds(page, recipient.address) || page_finds(page, recipient.status) ||
		    page_finds(page, recipient.host))
			return true;
	return false;
}

/* Entries stand in the order of their numbers: a page's key is the number. */
static bool entry_is_taken(struct page *page, struct view *view, const struct queue_entry *entry)
{
	CLEANUP_BUF struct buf key = BUF_INIT(32);
	uint64_t after = 0;

	if (!str_is_empty(page->after) && !str_parse_u64(page->after, UINT64_MAX, &after))
		after = UINT64_MAX;
	buf_printf(&key, "%llu", (unsigned long long)entry->number);
	return entry_is_found(page, view, entry) &&
	       page_takes_at(page, buf_str(&key), entry->number > after);
}

static void list_print_json(struct view *view, struct page *page)
{
	json_t *list = json_array();
	struct queue_entry entry;

	for (uint64_t after = 0; queue_next(view, after, &entry); after = entry.number)
		if (entry_is_taken(page, view, &entry))
			json_array_append_new(list, entry_json(view, &entry));
	json_t *document = json_pack("{s:o}", "queue", list);
	page_tell_json(page, document);
	ctl_print_json(document);
}

static void list_print(struct view *view, struct page *page)
{
	static const char *const heads[] = {"QUEUE-ID", "FROM", "TO", "SIZE", "TRIES", "NEXT",
					    "WHY"};
	struct columns columns;
	struct queue_entry entry;
	CLEANUP_BUF struct buf text = BUF_INIT(TEXT_MAX);

	columns_init(&columns, heads, sizeof(heads) / sizeof(heads[0]));
	for (uint64_t after = 0; queue_next(view, after, &entry); after = entry.number)
		if (entry_is_taken(page, view, &entry))
			entry_rows(&columns, view, &entry);
	columns_append(&columns, &text);
	page_tell(page, &text);
	ctl_print(buf_str(&text));
	columns_done(&columns);
}

int cmd_queue_list(struct ctl *ctl)
{
	struct link link;
	struct view *view CLEANUP_VIEW = NULL;
	struct page page;
	int code = page_init(&page, ctl);

	if (code != CTL_DONE)
		return code;
	code = queue_open(ctl, &link, &view);
	if (code == CTL_DONE && ctl_has(ctl, OPTION_BIT(JSON)))
		list_print_json(view, &page);
	else if (code == CTL_DONE)
		list_print(view, &page);
	page_done(&page);
	view_close(&view);
	link_close(&link);
	return code;
}

/* Finds an entry by the ID that mail.log and the list show; says so if there is none. */
static bool entry_find(struct view *view, struct str id, struct queue_entry *entry_out)
{
	for (uint64_t after = 0; queue_next(view, after, entry_out); after = entry_out->number)
		if (str_equals_nocase(entry_out->envelope.queue_id, id))
			return true;
	ctl_fail_field(FAULT_NOT_FOUND, "id",
		       "%.*s is not in the queue; `postern queue list` shows what is", STR_ARG(id));
	return false;
}

static void entry_print(const struct ctl *ctl, struct view *view, const struct queue_entry *entry)
{
	CLEANUP_BUF struct buf text = BUF_INIT(TEXT_MAX);

	if (ctl_has(ctl, OPTION_BIT(JSON))) {
		ctl_print_json(entry_json(view, entry));
		return;
	}
	entry_append(&text, view, entry);
	ctl_print(buf_str(&text));
}

int cmd_queue_show(struct ctl *ctl)
{
	struct link link;
	struct view *view CLEANUP_VIEW = NULL;
	struct queue_entry entry;
	int code = queue_open(ctl, &link, &view);

	if (code == CTL_DONE && entry_find(view, ctl_word(ctl, 0), &entry))
		entry_print(ctl, view, &entry);
	else if (code == CTL_DONE)
		code = CTL_USAGE;
	view_close(&view);
	link_close(&link);
	return code;
}

/* ---- orders ---- */

/* The numbers that the words mean, "all" or IDs; what is no ID is said and counted. */
struct chosen {
	uint64_t *entries;
	size_t count;
	size_t capacity;
	json_t *ids; /* of the entries */
	json_t *unknown;
};

static void chosen_add(struct chosen *chosen, const struct queue_entry *entry)
{
	if (chosen->count == chosen->capacity) {
		chosen->capacity = chosen->capacity * 2 + 64;
		chosen->entries =
			reallocarray(chosen->entries, chosen->capacity, sizeof(*chosen->entries));
		CHECK(chosen->entries != NULL);
	}
	chosen->entries[chosen->count++] = entry->number;
	json_array_append_new(chosen->ids, json_text(entry->envelope.queue_id));
}

static void chosen_find(struct chosen *chosen, const struct ctl *ctl, struct view *view)
{
	struct queue_entry entry;

	if (str_equals_nocase(ctl_word(ctl, 0), STR("all"))) {
		for (uint64_t after = 0; queue_next(view, after, &entry); after = entry.number)
			chosen_add(chosen, &entry);
		return;
	}
	for (size_t i = 0; i < ctl->arguments->word_count; i++) {
		if (entry_find(view, ctl_word(ctl, i), &entry))
			chosen_add(chosen, &entry);
		else
			json_array_append_new(chosen->unknown, json_text(ctl_word(ctl, i)));
	}
}

/* Of each step the server hears at once: what was ordered is ordered, whatever comes of the rest. */
static enum fault step_order(struct link *link, const uint64_t *entries, size_t count,
			     enum queue_order order)
{
	size_t done;
	enum fault fault = queue_order(link->store, entries, count, order, &done);

	if (fault == FAULT_NONE)
		link_queue_ordered(link, entries, count);
	return fault;
}

/* One that was delivered meanwhile is no fault. `*ordered_out`: how far it came. */
static int chosen_order(struct link *link, const struct chosen *chosen, enum queue_order order,
			struct progress *progress, size_t *ordered_out)
{
	for (size_t at = 0, count; at < chosen->count; at += count) {
		count = chosen->count - at < QUEUE_ORDER_MAX ? chosen->count - at : QUEUE_ORDER_MAX;
		*ordered_out = at;
		progress_tell(progress, at, chosen->count, "%zu of %zu messages", at,
			      chosen->count);
		enum fault fault = step_order(link, chosen->entries + at, count, order);
		if (fault == FAULT_NONE)
			continue;
		progress_end(progress);
		return ctl_fail_field(fault, NULL,
					      "the queue: %s; %zu of %zu messages are ordered",
					      fault_text(fault), at, chosen->count);
	}
	*ordered_out = chosen->count;
	return json_array_size(chosen->unknown) > 0 ? CTL_USAGE : CTL_DONE;
}

/* How many only where it was not as many as were named. */
static void order_tell(struct link *link, const struct ctl *ctl, const char *what,
		       const struct chosen *chosen, size_t ordered)
{
	CLEANUP_BUF struct buf line = BUF_INIT(LINE_MAX_BYTES);

	buf_printf(&line, "%s {", what);
	for (size_t i = 0; i < ctl->arguments->word_count; i++)
		buf_printf(&line, "%s%.*s", i == 0 ? "" : ",", STR_ARG(ctl_word(ctl, i)));
	buf_append_char(&line, '}');
	if (ordered < chosen->count)
		buf_printf(&line, ", %zu of %zu", ordered, chosen->count);
	config_change_tell(link, buf_str(&line));
}

static int order_run(struct ctl *ctl, enum queue_order order, const char *what)
{
	struct link link;
	struct view *view CLEANUP_VIEW = NULL;
	struct chosen chosen = {.ids = json_array(), .unknown = json_array()};
	struct progress progress;
	size_t ordered = 0;
	int code = queue_open(ctl, &link, &view);

	if (code == CTL_DONE) {
		chosen_find(&chosen, ctl, view);
		view_close(&view);
		progress_begin(&progress, ctl, "queue");
		code = chosen_order(&link, &chosen, order, &progress, &ordered);
		progress_end(&progress);
		if (ordered > 0)
			order_tell(&link, ctl, what, &chosen, ordered);
		if (ctl_has(ctl, OPTION_BIT(JSON)))
			ctl_print_json(json_pack("{s:O, s:O}", "ordered", chosen.ids, "unknown",
						 chosen.unknown));
	}
	json_decref(chosen.ids);
	json_decref(chosen.unknown);
	free(chosen.entries);
	link_close(&link);
	return code;
}

int cmd_queue_retry(struct ctl *ctl)
{
	return order_run(ctl, QUEUE_RETRY, "Retry Queued");
}

int cmd_queue_hold(struct ctl *ctl)
{
	return order_run(ctl, QUEUE_HOLD, "Hold Queued");
}

int cmd_queue_release(struct ctl *ctl)
{
	return order_run(ctl, QUEUE_RELEASE, "Release Queued");
}

int cmd_queue_remove(struct ctl *ctl)
{
	return order_run(ctl, QUEUE_REMOVE, "Remove Queued");
}
