/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/attempts.h"

#include <arpa/inet.h>

/* Bounds the memory at some 6 MiB; a flood of addresses pushes the oldest out. */
enum { ADDRESSES_MAX = 65536, IPV6_NETWORK_BYTES = 8 };

const struct attempt_limits attempt_limits_default = {
	.failures_per_address = 10, .window_s = 600, .delay_ms = 500, .delay_max_ms = 8000};

struct failures {
	struct lru_entry entry;
	int64_t first_ms;
	uint32_t count;
};

static const uint8_t MAPPED_PREFIX[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void peer_key_parse(struct str address, struct peer_key *key_out, uint8_t whole_out[16])
{
	char text[INET6_ADDRSTRLEN];
	struct in_addr v4;

	memset(whole_out, 0, 16);
	memset(key_out, 0, sizeof(*key_out));
	if (!str_copy_c(address, text, sizeof(text)))
		return;
	if (inet_pton(AF_INET, text, &v4) == 1) {
		memcpy(whole_out, MAPPED_PREFIX, sizeof(MAPPED_PREFIX));
		memcpy(whole_out + sizeof(MAPPED_PREFIX), &v4, sizeof(v4));
	} else if (inet_pton(AF_INET6, text, whole_out) != 1)
		return;
	bool is_mapped = memcmp(whole_out, MAPPED_PREFIX, sizeof(MAPPED_PREFIX)) == 0;
	memcpy(key_out->bytes, whole_out, is_mapped ? 16 : IPV6_NETWORK_BYTES);
}

void attempts_init(struct attempts *attempts)
{
	lru_init(&attempts->table, ADDRESSES_MAX, sizeof(struct failures));
	hash_key_init(&attempts->hash_key);
}

void attempts_done(struct attempts *attempts)
{
	lru_done(&attempts->table);
}

static uint64_t key_hash(const struct attempts *attempts, const struct peer_key *key)
{
	return hash_keyed(&attempts->hash_key, str_make(key->bytes, sizeof(key->bytes)));
}

/* The address's failures within the window, or NULL. */
static struct failures *failures_find(struct attempts *attempts,
				      const struct attempt_limits *limits,
				      const struct peer_key *key, int64_t now_ms)
{
	struct failures *failures = lru_find(&attempts->table, key_hash(attempts, key));

	if (failures != NULL && now_ms - failures->first_ms >= (int64_t)limits->window_s * 1000) {
		lru_remove(&attempts->table, &failures->entry);
		return NULL;
	}
	return failures;
}

uint32_t attempts_blocked_s(struct attempts *attempts, const struct attempt_limits *limits,
			    const struct peer_key *key, int64_t now_ms)
{
	const struct failures *failures = failures_find(attempts, limits, key, now_ms);

	if (failures == NULL || limits->failures_per_address == 0 ||
	    failures->count < limits->failures_per_address)
		return 0;
	int64_t left_ms = failures->first_ms + (int64_t)limits->window_s * 1000 - now_ms;
	return (uint32_t)((left_ms + 999) / 1000);
}

static uint32_t delay_after(const struct attempt_limits *limits, uint32_t count)
{
	uint64_t delay = limits->delay_ms;

	for (uint32_t i = 1; i < count && delay < limits->delay_max_ms; i++)
		delay *= 2;
	return delay < limits->delay_max_ms ? (uint32_t)delay : limits->delay_max_ms;
}

uint32_t attempts_fail(struct attempts *attempts, const struct attempt_limits *limits,
		       const struct peer_key *key, int64_t now_ms)
{
	struct failures *failures = failures_find(attempts, limits, key, now_ms);

	if (failures == NULL) {
		failures = lru_add(&attempts->table, key_hash(attempts, key));
		failures->first_ms = now_ms;
	} else
		lru_touch(&attempts->table, &failures->entry);
	if (failures->count < UINT32_MAX)
		failures->count++;
	return delay_after(limits, failures->count);
}
