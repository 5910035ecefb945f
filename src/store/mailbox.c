/* SPDX-License-Identifier: Apache-2.0 */
#include "store/mailbox.h"

#include "base/clock.h"
#include "store/mailbox_name.h"
#include "store/store_internal.h"
#include "store/wire.h"

static const char *const attributes[SPECIAL_USE_COUNT] = {
#define X(name, attribute) attribute,
	SPECIAL_USE_TABLE(X)
#undef X
};

const char *special_use_attribute(enum special_use use)
{
	CHECK(use < SPECIAL_USE_COUNT);
	return attributes[use];
}

static bool has_children(struct map *map, uint64_t account, struct str name)
{
	struct key from;
	struct str key;
	struct str value;

	key_name(&from, account, name);
	key_add_text(&from, STR("/"));
	return map_seek(map, key_str(&from), &key, &value) && key_is_beside(key, &from, from.len);
}

static bool is_subscribed(struct map *map, uint64_t account, struct str name)
{
	struct key key;
	struct str value;

	key_begin(&key, account, 'S');
	key_add_text(&key, name);
	return map_get(map, key_str(&key), &value);
}

static enum fault record_get(struct map *map, uint64_t account, uint32_t id,
			     struct mailbox_record *record_out)
{
	struct key key;
	struct str value;

	key_mailbox(&key, account, id);
	if (!map_get(map, key_str(&key), &value))
		return map->fault != FAULT_NONE ? map->fault : FAULT_NOT_FOUND;
	record_out->mailbox.id = id;
	return mailbox_record_take(value, record_out);
}

/* What stands under a name: a mailbox, or only the name. */
static enum fault mailbox_fill(struct map *map, uint64_t account, struct str name, uint32_t id,
			       struct mailbox *mailbox_out)
{
	struct mailbox_record record;

	record.mailbox = (struct mailbox){.name = name};
	if (id != 0) {
		enum fault fault = record_get(map, account, id, &record);
		if (fault != FAULT_NONE)
			return fault;
	}
	record.mailbox.has_children = has_children(map, account, record.mailbox.name);
	record.mailbox.is_subscribed = is_subscribed(map, account, record.mailbox.name);
	*mailbox_out = record.mailbox;
	return FAULT_NONE;
}

enum fault mailbox_find(struct view *view, uint64_t account, struct str name,
			struct mailbox *mailbox_out)
{
	struct map *map = view_map(view);
	struct mailbox_name made;
	struct key from;
	struct str key;
	struct str value;

	if (mailbox_name_make(name, &made) != FAULT_NONE)
		return FAULT_NOT_FOUND;
	key_name(&from, account, mailbox_name_str(&made));
	/* Sought, not got: the name given out then borrows the view. */
	if (!map_seek(map, key_str(&from), &key, &value) || !str_equals(key, key_str(&from)))
		return map->fault != FAULT_NONE ? map->fault : FAULT_NOT_FOUND;
	if (value.len != sizeof(uint32_t))
		return FAULT_CORRUPT;
	return mailbox_fill(map, account, key_rest(key), wire_load_u32(value.ptr), mailbox_out);
}

enum fault mailbox_get(struct view *view, uint64_t account, uint32_t id,
		       struct mailbox *mailbox_out)
{
	return id == 0 ? FAULT_NOT_FOUND
		       : mailbox_fill(view_map(view), account, str_make(NULL, 0), id, mailbox_out);
}

/* The entry of a kind whose name comes next behind `after`. */
static bool name_next(struct view *view, uint64_t account, char kind, struct str after,
		      struct str *name_out, struct str *value_out)
{
	struct key from;
	struct str key;

	key_begin(&from, account, kind);
	key_add_text(&from, str_sub(after, 0, MAILBOX_NAME_MAX));
	if (!str_is_empty(after))
		key_add_text(&from, str_make("", 1));
	if (!map_seek(view_map(view), key_str(&from), &key, value_out) ||
	    !key_is_beside(key, &from, KIND_PREFIX_BYTES))
		return false;
	*name_out = key_rest(key);
	return true;
}

bool mailbox_next(struct view *view, uint64_t account, struct str after,
		  struct mailbox *mailbox_out)
{
	struct str name;
	struct str value;

	while (name_next(view, account, 'N', after, &name, &value)) {
		if (value.len == sizeof(uint32_t) &&
		    mailbox_fill(view_map(view), account, name, wire_load_u32(value.ptr),
				 mailbox_out) == FAULT_NONE)
			return true;
		after = name;
	}
	return false;
}

bool mailbox_subscribed_next(struct view *view, uint64_t account, struct str after,
			     struct str *name_out)
{
	struct str value;

	return name_next(view, account, 'S', after, name_out, &value);
}

uint32_t mailbox_recent_count(struct view *view, uint64_t account, const struct mailbox *mailbox)
{
	struct map *map = view_map(view);
	struct key from;
	struct str key;
	struct str value;
	uint32_t count = 0;

	key_row(&from, account, mailbox->id, mailbox->recent_uid);
	while (map_seek(map, key_str(&from), &key, &value) &&
	       key_is_beside(key, &from, ROW_PREFIX_BYTES)) {
		uint32_t uid = wire_load_u32(key.ptr + ROW_PREFIX_BYTES);
		count++;
		if (uid == UINT32_MAX)
			break;
		key_row(&from, account, mailbox->id, uid + 1);
	}
	return count;
}

/* ---- changing ---- */

/* Asks, and takes the one number that is the result. */
static enum fault ask_u32(struct store *store, const struct operation *operation,
			  uint32_t *number_out)
{
	struct packet answer;
	struct str result;

	enum fault fault = request_send(store, operation, -1, &answer, &result);
	if (fault != FAULT_NONE)
		return fault;
	struct cursor from = cursor_make(result);
	uint32_t number = cursor_u32(&from);
	fault = cursor_is_done(&from) ? FAULT_NONE : FAULT_IO;
	packet_done(&answer);
	if (fault == FAULT_NONE)
		*number_out = number;
	return fault;
}

enum fault mailbox_create(struct store *store, uint64_t account, struct str name,
			  enum special_use use, uint32_t *id_out)
{
	struct operation operation = {.kind = OP_mailbox_create,
				      .mailbox_create = {.account = account,
							 .name = name,
							 .special_use = use,
							 .now_s = (uint64_t)clock_real_s()}};
	uint32_t id;
	enum fault fault = ask_u32(store, &operation, &id);

	if (fault == FAULT_NONE && id_out != NULL)
		*id_out = id;
	return fault;
}

enum fault mailbox_delete(struct store *store, uint64_t account, struct str name)
{
	struct operation operation = {.kind = OP_mailbox_delete,
				      .mailbox_delete = {.account = account, .name = name}};

	return request_do(store, &operation);
}

enum fault mailbox_rename(struct store *store, uint64_t account, struct str from, struct str to)
{
	struct operation operation = {.kind = OP_mailbox_rename,
				      .mailbox_rename = {.account = account,
							 .from = from,
							 .to = to,
							 .now_s = (uint64_t)clock_real_s()}};

	return request_do(store, &operation);
}

enum fault mailbox_subscribe(struct store *store, uint64_t account, struct str name,
			     bool is_to_be_subscribed)
{
	struct operation operation = {.kind = OP_mailbox_subscribe,
				      .mailbox_subscribe = {.account = account,
							    .name = name,
							    .is_subscribed = is_to_be_subscribed}};

	return request_do(store, &operation);
}

enum fault mailbox_recent_take(struct store *store, uint64_t account, uint32_t id,
			       uint32_t *first_uid_out)
{
	struct operation operation = {.kind = OP_recent_take,
				      .recent_take = {.account = account, .mailbox = id}};
	struct view *view;
	struct mailbox mailbox;

	enum fault fault = view_open(store, &view);
	if (fault != FAULT_NONE)
		return fault;
	fault = mailbox_get(view, account, id, &mailbox);
	view_close(&view);
	if (fault != FAULT_NONE)
		return fault;
	if (mailbox.recent_uid < mailbox.uidnext)
		return ask_u32(store, &operation, first_uid_out);
	*first_uid_out = mailbox.uidnext;
	return FAULT_NONE;
}
