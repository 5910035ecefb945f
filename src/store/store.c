/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <stdlib.h>

#include "base/random.h"
#include "store/embedded.h"
#include "store/store_internal.h"

enum { CLIENT_BITS = 28 };

struct store *store_new_over(struct index *index, const char *path, struct role_client *role)
{
	struct store *store = calloc(1, sizeof(*store));
	char *segments = embedded_segments_path(path);

	CHECK(store != NULL);
	store->index = index;
	store->role = role;
	store->segments = segment_cache_new(segments);
	free(segments);
	random_bytes(&store->client, sizeof(store->client));
	store->client &= (UINT64_C(1) << CLIENT_BITS) - 1;
	/* Serials begin anywhere, so that even two clients of one number do not meet. */
	random_bytes(store->serials, sizeof(store->serials));
	CHECK(pthread_mutex_init(&store->lock, NULL) == 0);
	CHECK(pthread_cond_init(&store->slot_freed, NULL) == 0);
	return store;
}

static enum fault version_check(struct index *index)
{
	struct index_read *read;
	enum fault fault = index_read_begin(index, &read);

	if (fault != FAULT_NONE)
		return fault;
	fault = embedded_version_check(index_read_map(read));
	index_read_end(&read);
	return fault;
}

enum fault store_open(const char *path, struct role_client *role, struct store **store_out)
{
	struct index *index = NULL;
	char *index_path = embedded_index_path(path);
	struct index_options options = {.path = index_path};

	enum fault fault = index_open(&options, &index);
	free(index_path);
	if (fault == FAULT_NONE)
		fault = version_check(index);
	if (fault != FAULT_NONE) {
		index_close(&index);
		return fault;
	}
	*store_out = store_new_over(index, path, role);
	(*store_out)->is_index_owned = true;
	return FAULT_NONE;
}

void store_close(struct store **store)
{
	struct store *open = *store;

	*store = NULL;
	if (open == NULL)
		return;
	segment_cache_free(&open->segments);
	if (open->is_index_owned)
		index_close(&open->index);
	pthread_cond_destroy(&open->slot_freed);
	pthread_mutex_destroy(&open->lock);
	free(open);
}

enum fault view_open(struct store *store, struct view **view_out)
{
	struct index_read *read;
	enum fault fault = index_read_begin(store->index, &read);

	if (fault != FAULT_NONE)
		return fault;
	struct view *view = malloc(sizeof(*view));
	CHECK(view != NULL);
	*view = (struct view){.store = store, .read = read};
	*view_out = view;
	return FAULT_NONE;
}

void view_close(struct view **view)
{
	struct view *open = *view;

	*view = NULL;
	if (open == NULL)
		return;
	index_read_end(&open->read);
	free(open);
}

uint64_t view_sequence(struct view *view, uint64_t account)
{
	struct account_record record;
	struct key key;
	struct str value;

	key_account_record(&key, account);
	if (!map_get(view_map(view), key_str(&key), &value) ||
	    account_record_take(value, &record) != FAULT_NONE)
		return 0;
	return record.sequence;
}
