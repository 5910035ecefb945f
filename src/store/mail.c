/* SPDX-License-Identifier: Apache-2.0 */
/* Reading messages; the changes are in mail_change.c. */
#include "store/mail.h"

#include <stdlib.h>

#include "store/embedded.h"
#include "store/store_internal.h"
#include "store/wire.h"

void mail_rows_open(struct view *view, uint64_t account, uint32_t mailbox, uint32_t from_uid,
		    struct mail_rows *rows_out)
{
	*rows_out = (struct mail_rows){.view = view,
				       .account = account,
				       .mailbox = mailbox,
				       .from_uid = from_uid,
				       .cursor = index_cursor_open(view->read)};
}

bool mail_rows_next(struct mail_rows *rows, struct mail *mail_out)
{
	struct key from;
	struct str key;
	struct str value;
	bool found;

	if (rows->cursor == NULL)
		return false;
	if (!rows->is_begun) {
		key_row(&from, rows->account, rows->mailbox, rows->from_uid);
		memcpy(rows->prefix, from.bytes, ROW_PREFIX_BYTES);
		rows->is_begun = true;
		found = index_cursor_next(rows->view->read, rows->cursor, &from, &key, &value);
	} else
		found = index_cursor_next(rows->view->read, rows->cursor, NULL, &key, &value);
	if (found && key.len == ROW_PREFIX_BYTES + sizeof(uint32_t) &&
	    memcmp(key.ptr, rows->prefix, ROW_PREFIX_BYTES) == 0 &&
	    row_take(wire_load_u32(key.ptr + ROW_PREFIX_BYTES), value, mail_out) == FAULT_NONE)
		return true;
	mail_rows_close(rows);
	return false;
}

void mail_rows_close(struct mail_rows *rows)
{
	if (rows->cursor != NULL)
		index_cursor_close(rows->cursor);
	rows->cursor = NULL;
}

enum fault mail_get(struct view *view, uint64_t account, uint32_t mailbox, uint32_t uid,
		    struct mail *mail_out)
{
	struct key key;
	struct str value;

	key_row(&key, account, mailbox, uid);
	if (!map_get(view_map(view), key_str(&key), &value))
		return view_map(view)->fault != FAULT_NONE ? view_map(view)->fault
							   : FAULT_NOT_FOUND;
	return row_take(uid, value, mail_out);
}

void mail_uids(struct view *view, uint64_t account, uint32_t mailbox, struct uid_set *set)
{
	struct mail_rows rows;
	struct mail mail;

	mail_rows_open(view, account, mailbox, 1, &rows);
	while (mail_rows_next(&rows, &mail))
		uid_set_add(set, mail.uid, mail.uid);
	mail_rows_close(&rows);
}

/*
 * Walks the entries of a kind ('C' or 'V') that are newer than `since`, and
 * collects the UIDs they name.
 */
static void newer_collect(struct view *view, uint64_t account, uint32_t mailbox, char kind,
			  uint64_t since, struct uid_set *set)
{
	void *cursor = index_cursor_open(view->read);
	struct key from;
	struct str key;
	struct str value;

	key_begin(&from, account, kind);
	key_add_u32(&from, mailbox);
	key_add_u64(&from, since + 1);
	bool found = index_cursor_next(view->read, cursor, &from, &key, &value);
	while (found && key_is_beside(key, &from, ROW_PREFIX_BYTES)) {
		uint32_t first = wire_load_u32(key.ptr + ROW_PREFIX_BYTES + sizeof(uint64_t));
		uint32_t last = value.len == sizeof(last) ? wire_load_u32(value.ptr) : first;
		if (last >= first)
			uid_set_collect(set, first, last);
		found = index_cursor_next(view->read, cursor, NULL, &key, &value);
	}
	index_cursor_close(cursor);
	uid_set_sort(set);
}

bool mail_changes(struct view *view, uint64_t account, uint32_t mailbox, uint64_t since,
		  struct uid_set *changed, struct uid_set *vanished)
{
	struct mailbox_record record;
	struct key key;
	struct str value;

	key_mailbox(&key, account, mailbox);
	if (!map_get(view_map(view), key_str(&key), &value) ||
	    mailbox_record_take(value, &record) != FAULT_NONE)
		return false;
	if (since < UINT64_MAX) {
		newer_collect(view, account, mailbox, 'C', since, changed);
		newer_collect(view, account, mailbox, 'V', since, vanished);
	}
	return since >= record.vanished_floor;
}

static enum fault message_find(struct view *view, uint64_t account, uint64_t message,
			       struct message_record *record_out)
{
	struct key key;
	struct str value;

	key_message(&key, account, message);
	if (!map_get(view_map(view), key_str(&key), &value))
		return view_map(view)->fault != FAULT_NONE ? view_map(view)->fault
							   : FAULT_NOT_FOUND;
	return message_record_take(value, record_out);
}

struct str mail_summary(struct view *view, uint64_t account, uint64_t message)
{
	struct message_record record;

	if (message_find(view, account, message, &record) != FAULT_NONE)
		return str_make(NULL, 0);
	return record.summary;
}

enum fault mail_quota_check(struct view *view, uint64_t account, uint64_t bytes)
{
	struct account_record record;
	struct key key;
	struct str value;

	key_account_record(&key, account);
	if (!map_get(view_map(view), key_str(&key), &value))
		return FAULT_NOT_FOUND;
	enum fault fault = account_record_take(value, &record);
	if (fault != FAULT_NONE || record.quota_bytes == 0)
		return fault;
	if (record.used_bytes > record.quota_bytes ||
	    bytes > record.quota_bytes - record.used_bytes)
		return FAULT_OVER_QUOTA;
	return FAULT_NONE;
}

/* ---- contents ---- */

struct content_hold {
	struct segment_mapping *segment;
	char prefix[];
};

/* Where the blob lies now, which may be later than the view. */
static enum fault blob_find_now(struct store *store, uint64_t blob, struct blob_place *place_out)
{
	struct index_read *read;
	enum fault fault = index_read_begin(store->index, &read);

	if (fault != FAULT_NONE)
		return fault;
	fault = embedded_blob_find(index_read_map(read), blob, place_out);
	index_read_end(&read);
	return fault;
}

/* Maps a blob; when its segment was rewritten since the view began, at its new place. */
static enum fault blob_map(struct view *view, uint64_t blob, struct str *bytes_out,
			   struct segment_mapping **mapping_out)
{
	enum { MOVES_MAX = 8 };
	struct blob_place place;

	enum fault fault = embedded_blob_find(view_map(view), blob, &place);
	for (int moves = 0; fault == FAULT_NONE && moves < MOVES_MAX; moves++) {
		fault = segment_map(view->store->segments, blob, &place, bytes_out, mapping_out);
		if (fault != FAULT_NOT_FOUND)
			return fault;
		fault = blob_find_now(view->store, blob, &place);
	}
	return fault == FAULT_NONE ? FAULT_CORRUPT : fault;
}

enum fault mail_content_open(struct view *view, uint64_t account, uint64_t message,
			     struct mail_content *content_out)
{
	struct message_record record;
	struct segment_mapping *segment;
	struct str body;

	enum fault fault = message_find(view, account, message, &record);
	if (fault == FAULT_NONE)
		fault = blob_map(view, record.blob, &body, &segment);
	if (fault != FAULT_NONE)
		return fault;
	struct content_hold *hold = malloc(sizeof(*hold) + record.prefix.len);
	CHECK(hold != NULL);
	hold->segment = segment;
	if (record.prefix.len > 0)
		memcpy(hold->prefix, record.prefix.ptr, record.prefix.len);
	*content_out = (struct mail_content){
		.prefix = str_make(hold->prefix, record.prefix.len), .body = body, .mapping = hold};
	return FAULT_NONE;
}

void mail_content_close(struct mail_content *content)
{
	struct content_hold *hold = content->mapping;

	*content = (struct mail_content){0};
	if (hold == NULL)
		return;
	segment_unmap(&hold->segment);
	free(hold);
}
