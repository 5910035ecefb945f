/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/remembered.h"

#include "base/buf.h"
#include "base/secret.h"

enum { ACCOUNTS_MAX = 65536 };

struct success {
	struct lru_entry entry;
	int64_t at_ms;
	uint32_t flags;
	uint8_t mark[MAC_BYTES];
};

void remembered_init(struct remembered *remembered)
{
	lru_init(&remembered->table, ACCOUNTS_MAX, sizeof(struct success));
	hash_key_init(&remembered->hash_key);
	mac_key_init(&remembered->mark_key);
}

void remembered_done(struct remembered *remembered)
{
	lru_done(&remembered->table);
	mac_key_wipe(&remembered->mark_key);
}

/* HMAC over both; the length of the first keeps any two pairs apart. */
static void mark_compute(const struct remembered *remembered, struct str account,
			 struct str password, uint8_t mark_out[MAC_BYTES])
{
	struct buf both = BUF_INIT(sizeof(uint64_t) + account.len + password.len);
	uint64_t account_len = account.len;

	/* All at once: a buffer that grows leaves copies behind. */
	CHECK(buf_reserve(&both, both.max) != NULL);
	buf_append(&both, &account_len, sizeof(account_len));
	buf_append_str(&both, account);
	buf_append_str(&both, password);
	mac_compute(&remembered->mark_key, buf_str(&both), mark_out);
	buf_wipe(&both);
}

static struct success *success_find(struct remembered *remembered, struct str account)
{
	return lru_find(&remembered->table, hash_keyed(&remembered->hash_key, account));
}

bool remembered_check(struct remembered *remembered, struct str account, struct str password,
		      int64_t now_ms, uint32_t *flags_out)
{
	const struct success *success = success_find(remembered, account);
	uint8_t mark[MAC_BYTES];

	if (success == NULL || now_ms - success->at_ms >= REMEMBERED_MS)
		return false;
	mark_compute(remembered, account, password, mark);
	if (!secret_equals(str_make(mark, sizeof(mark)),
			   str_make(success->mark, sizeof(success->mark))))
		return false;
	*flags_out = success->flags;
	return true;
}

void remembered_add(struct remembered *remembered, struct str account, struct str password,
		    uint32_t flags, int64_t now_ms)
{
	remembered_forget(remembered, account);
	struct success *success =
		lru_add(&remembered->table, hash_keyed(&remembered->hash_key, account));
	success->at_ms = now_ms;
	success->flags = flags;
	mark_compute(remembered, account, password, success->mark);
}

void remembered_forget(struct remembered *remembered, struct str account)
{
	struct success *success = success_find(remembered, account);

	if (success != NULL)
		lru_remove(&remembered->table, &success->entry);
}

void remembered_expire(struct remembered *remembered, int64_t now_ms)
{
	struct success *oldest;

	while ((oldest = lru_oldest(&remembered->table)) != NULL &&
	       now_ms - oldest->at_ms >= REMEMBERED_MS)
		lru_remove(&remembered->table, &oldest->entry);
}
