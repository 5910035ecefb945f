/* SPDX-License-Identifier: Apache-2.0 */
#include "store/fetched.h"

#include "store/fetched_record.h"
#include "store/store_internal.h"

enum { PREFIX_BYTES = KIND_PREFIX_BYTES + FETCHED_SOURCE_BYTES };

enum fault fetched_get(struct view *view, struct str source, struct str uidl,
		       struct fetched *fetched_out)
{
	struct key key;
	struct str value;

	if (!fetched_uidl_check(uidl))
		return FAULT_NOT_FOUND;
	key_fetched(&key, source, uidl);
	if (!map_get(view_map(view), key_str(&key), &value))
		return view_map(view)->fault != FAULT_NONE ? view_map(view)->fault
							   : FAULT_NOT_FOUND;
	return fetched_take(uidl, value, fetched_out);
}

bool fetched_next(struct view *view, struct str source, struct str after,
		  struct fetched *fetched_out)
{
	struct key from;
	struct str key;
	struct str value;

	key_fetched(&from, source, str_sub(after, 0, FETCHED_UIDL_MAX));
	/* The least that is greater: the same with a NUL behind it. */
	key_add_text(&from, STR("\0"));
	return map_seek(view_map(view), key_str(&from), &key, &value) && key.len > PREFIX_BYTES &&
	       key_is_beside(key, &from, PREFIX_BYTES) &&
	       fetched_take(str_from(key, PREFIX_BYTES), value, fetched_out) == FAULT_NONE;
}

struct str fetched_run(struct view *view, struct str source)
{
	struct key key;
	struct str value;

	key_fetched_run(&key, source);
	return map_get(view_map(view), key_str(&key), &value) ? value : str_make(NULL, 0);
}

enum fault fetched_change(struct store *store, const struct fetched_changes *changes)
{
	struct buf messages = BUF_INIT(MESSAGE_MAX);

	if (changes->message_count > FETCHED_CHANGES_MAX)
		return FAULT_TOO_LARGE;
	for (size_t i = 0; i < changes->message_count; i++)
		fetched_change_put(&messages, &changes->messages[i]);
	struct operation operation = {.kind = OP_fetched_change,
				      .fetched_change = {.source = changes->source,
							 .messages = buf_str(&messages),
							 .run = changes->run}};
	enum fault fault = messages.failed ? FAULT_TOO_LARGE : request_do(store, &operation);
	buf_done(&messages);
	return fault;
}
