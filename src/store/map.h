/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ordered map of all accounts, as operations and readers see it: look up a
 * key, or find the next one.
 *
 * Keys are whole keys of layout.h. Implemented by a read transaction, by the
 * write transaction of a group, and in memory by the tests.
 */
#ifndef POSTERN_STORE_MAP_H
#define POSTERN_STORE_MAP_H

#include "base/fault.h"
#include "base/str.h"

struct map {
	/* Finds the value; it lives until the map changes or is closed. */
	bool (*get)(struct map *map, struct str key, struct str *value_out);
	/* Finds the first key >= `key`; false when there is none. */
	bool (*seek)(struct map *map, struct str key, struct str *key_out, struct str *value_out);
	/* Set when a look-up failed for another reason than that there is nothing. */
	enum fault fault;
};

static inline bool map_get(struct map *map, struct str key, struct str *value_out)
{
	return map->get(map, key, value_out);
}

static inline bool map_seek(struct map *map, struct str key, struct str *key_out,
			    struct str *value_out)
{
	return map->seek(map, key, key_out, value_out);
}

#endif
