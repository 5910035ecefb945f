/* SPDX-License-Identifier: Apache-2.0 */
#include "store/embedded_internal.h"
#include "store/wire.h"

void embedded_key(struct key *key, char kind, uint64_t number)
{
	key_begin(key, ACCOUNT_BACKEND, kind);
	key_add_u64(key, number);
}

enum { BLOB_RECORD_BYTES = 28, SEGMENT_RECORD_BYTES = 16 };

enum fault blob_record_load(struct map *map, uint64_t blob, struct blob_record *record_out)
{
	struct key key;
	struct str value;

	embedded_key(&key, 'b', blob);
	if (!map_get(map, key_str(&key), &value))
		return map->fault != FAULT_NONE ? map->fault : FAULT_NOT_FOUND;
	struct cursor from = cursor_make(value);
	record_out->place.segment = cursor_u32(&from);
	record_out->place.offset = cursor_u64(&from);
	record_out->place.length = cursor_u64(&from);
	record_out->place.crc = cursor_u32(&from);
	record_out->references = cursor_u32(&from);
	return cursor_is_done(&from) ? FAULT_NONE : FAULT_CORRUPT;
}

enum fault blob_record_keep(struct embedded *store, uint64_t blob, const struct blob_record *record)
{
	struct key key;
	unsigned char raw[BLOB_RECORD_BYTES];

	wire_store_u32(raw, record->place.segment);
	wire_store_u64(raw + 4, record->place.offset);
	wire_store_u64(raw + 12, record->place.length);
	wire_store_u32(raw + 20, record->place.crc);
	wire_store_u32(raw + 24, record->references);
	embedded_key(&key, 'b', blob);
	return index_put(store->index, key_str(&key), str_make(raw, sizeof(raw)));
}

enum fault embedded_blob_find(struct map *map, uint64_t blob, struct blob_place *place_out)
{
	struct blob_record record;
	enum fault fault = blob_record_load(map, blob, &record);

	if (fault == FAULT_NONE)
		*place_out = record.place;
	return fault;
}

enum fault segment_record_decode(struct str value, struct segment_record *record_out)
{
	struct cursor from = cursor_make(value);

	record_out->committed = cursor_u64(&from);
	record_out->live = cursor_u64(&from);
	return cursor_is_done(&from) ? FAULT_NONE : FAULT_CORRUPT;
}

enum fault segment_record_load(struct map *map, uint32_t segment, struct segment_record *record_out)
{
	struct key key;
	struct str value;

	embedded_key(&key, 's', segment);
	*record_out = (struct segment_record){0};
	if (!map_get(map, key_str(&key), &value))
		return map->fault;
	return segment_record_decode(value, record_out);
}

enum fault segment_record_keep(struct embedded *store, uint32_t segment,
			       const struct segment_record *record)
{
	struct key key;
	unsigned char raw[SEGMENT_RECORD_BYTES];

	wire_store_u64(raw, record->committed);
	wire_store_u64(raw + 8, record->live);
	embedded_key(&key, 's', segment);
	return index_put(store->index, key_str(&key), str_make(raw, sizeof(raw)));
}

enum fault segment_live_add(struct embedded *store, const struct blob_place *place, int sign)
{
	struct segment_record record;
	enum fault fault =
		segment_record_load(index_write_map(store->index), place->segment, &record);

	if (fault != FAULT_NONE)
		return fault;
	store->may_be_half_dead |= sign < 0;
	record.live += (uint64_t)sign * segment_record_bytes(place->length);
	return segment_record_keep(store, place->segment, &record);
}
