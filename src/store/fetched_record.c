/* SPDX-License-Identifier: Apache-2.0 */
#include "store/fetched_record.h"

#include "store/wire.h"

static void key_source(struct key *key, char kind, struct str source)
{
	CHECK(source.len == FETCHED_SOURCE_BYTES);
	key_begin(key, ACCOUNT_FETCHED, kind);
	key_add_text(key, source);
}

void key_fetched(struct key *key, struct str source, struct str uidl)
{
	key_source(key, 'F', source);
	key_add_text(key, uidl);
}

void key_fetched_run(struct key *key, struct str source)
{
	key_source(key, 'T', source);
}

void fetched_put(struct buf *to, const struct fetched *fetched)
{
	wire_put_u8(to, (uint8_t)fetched->state);
	wire_put_u64(to, (uint64_t)fetched->at_s);
	wire_put_u64(to, (uint64_t)fetched->missing_s);
	wire_put_u64(to, fetched->bytes);
}

static void record_take(struct cursor *from, struct fetched *fetched_out)
{
	fetched_out->state = (enum fetched_state)cursor_u8(from);
	fetched_out->at_s = (int64_t)cursor_u64(from);
	fetched_out->missing_s = (int64_t)cursor_u64(from);
	fetched_out->bytes = cursor_u64(from);
	if ((int)fetched_out->state > FETCHED_LEFT)
		cursor_fail(from);
}

enum fault fetched_take(struct str uidl, struct str text, struct fetched *fetched_out)
{
	struct cursor from = cursor_make(text);

	fetched_out->uidl = uidl;
	record_take(&from, fetched_out);
	return cursor_is_done(&from) ? FAULT_NONE : FAULT_CORRUPT;
}

void fetched_change_put(struct buf *to, const struct fetched *fetched)
{
	wire_put_text(to, fetched->uidl);
	fetched_put(to, fetched);
}

static struct str uidl_take(struct cursor *from)
{
	struct str uidl = wire_take_text(from);

	if (!fetched_uidl_check(uidl))
		cursor_fail(from);
	return uidl;
}

void fetched_change_take(struct cursor *from, struct fetched *fetched_out)
{
	fetched_out->uidl = uidl_take(from);
	record_take(from, fetched_out);
}

void fetched_new_put(struct buf *to, const struct fetched_new *fetched)
{
	wire_put_text(to, fetched->source);
	wire_put_text(to, fetched->uidl);
}

void fetched_new_take(struct cursor *from, struct fetched_new *fetched_out)
{
	fetched_out->source = wire_take_text(from);
	fetched_out->uidl = uidl_take(from);
	if (fetched_out->source.len != FETCHED_SOURCE_BYTES)
		cursor_fail(from);
}
