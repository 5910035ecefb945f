/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record: version of the record (u8), flags (u32), the encoded hash. Record of a
 * verifier: version (u8), iterations (u32), salt, stored key, server key. The
 * unnamed database of LMDB holds the named ones: "meta" with the version of
 * the layout and the key of the salts, "credentials", "scram", "remote",
 * "sessions" and "totp".
 */
#include "auth/credentials.h"

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "base/file.h"
#include "crypto/password.h"

enum {
	LAYOUT_VERSION = 1,
	RECORD_VERSION = 1,
	KEY_MAX = 500,
	RECORD_MAX = PASSWORD_HASH_MAX + 16,
	VERIFIER_MAX = 5 + sizeof(struct scram_verifier),
};

/* Room for some two million accounts; only what is used takes space on disk. */
static const size_t MAP_BYTES = (size_t)1 << 30;

struct credentials {
	MDB_env *env;
	MDB_dbi meta;
	MDB_dbi records;
	MDB_dbi verifiers;
	MDB_dbi kept[CREDENTIALS_KEPT_COUNT];
	struct mac_key salt_key;
};

static const struct str VERSION_KEY = STR_INIT("version");
static const struct str SALT_KEY = STR_INIT("scram-salt");

static enum fault fault_from_lmdb(int result)
{
	switch (result) {
	case MDB_SUCCESS:
		return FAULT_NONE;
	case MDB_NOTFOUND:
		return FAULT_NOT_FOUND;
	case MDB_MAP_FULL:
		return FAULT_NO_SPACE;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_PANIC:
	case MDB_INVALID:
		return FAULT_CORRUPT;
	case MDB_VERSION_MISMATCH:
		return FAULT_VERSION;
	case MDB_BAD_VALSIZE:
		return FAULT_INVALID;
	default:
		return result > 0 ? fault_from_errno(result) : FAULT_IO;
	}
}

static MDB_val value_of(struct str text)
{
	return (MDB_val){.mv_size = text.len, .mv_data = (void *)(uintptr_t)text.ptr};
}

static struct str text_of(MDB_val value)
{
	return str_make(value.mv_data, value.mv_size);
}

/* Reads the layout's version, or writes it into a new environment. */
static enum fault version_settle(struct credentials *credentials, MDB_txn *txn)
{
	MDB_val key = value_of(VERSION_KEY), value;
	int result = mdb_get(txn, credentials->meta, &key, &value);

	if (result == MDB_NOTFOUND) {
		value = value_of(STR("1"));
		return fault_from_lmdb(mdb_put(txn, credentials->meta, &key, &value, 0));
	}
	uint64_t version;
	if (result != MDB_SUCCESS)
		return fault_from_lmdb(result);
	if (!str_parse_u64(text_of(value), UINT32_MAX, &version))
		return FAULT_CORRUPT;
	return version > LAYOUT_VERSION ? FAULT_VERSION : FAULT_NONE;
}

/* Reads the key of the salts, or makes it. */
static enum fault salt_key_settle(struct credentials *credentials, MDB_txn *txn)
{
	MDB_val key = value_of(SALT_KEY), value;
	struct mac_key *salt_key = &credentials->salt_key;
	int result = mdb_get(txn, credentials->meta, &key, &value);

	if (result == MDB_NOTFOUND) {
		mac_key_init(salt_key);
		value = value_of(str_make(salt_key->bytes, MAC_BYTES));
		return fault_from_lmdb(mdb_put(txn, credentials->meta, &key, &value, 0));
	}
	if (result != MDB_SUCCESS)
		return fault_from_lmdb(result);
	if (value.mv_size != MAC_BYTES)
		return FAULT_CORRUPT;
	memcpy(salt_key->bytes, value.mv_data, MAC_BYTES);
	return FAULT_NONE;
}

static int kept_open(struct credentials *credentials, MDB_txn *txn)
{
	static const char *const names[CREDENTIALS_KEPT_COUNT] = {
		[CREDENTIALS_REMOTE] = "remote",
		[CREDENTIALS_SESSIONS] = "sessions",
		[CREDENTIALS_TOTP] = "totp",
	};
	int result = MDB_SUCCESS;

	for (int i = 0; i < CREDENTIALS_KEPT_COUNT && result == MDB_SUCCESS; i++)
		result = mdb_dbi_open(txn, names[i], MDB_CREATE, &credentials->kept[i]);
	return result;
}

static enum fault databases_open(struct credentials *credentials)
{
	MDB_txn *txn;
	int result = mdb_txn_begin(credentials->env, NULL, 0, &txn);

	if (result != MDB_SUCCESS)
		return fault_from_lmdb(result);
	result = mdb_dbi_open(txn, "meta", MDB_CREATE, &credentials->meta);
	if (result == MDB_SUCCESS)
		result = mdb_dbi_open(txn, "credentials", MDB_CREATE, &credentials->records);
	if (result == MDB_SUCCESS)
		result = mdb_dbi_open(txn, "scram", MDB_CREATE, &credentials->verifiers);
	if (result == MDB_SUCCESS)
		result = kept_open(credentials, txn);
	enum fault fault = fault_from_lmdb(result);
	if (fault == FAULT_NONE)
		fault = version_settle(credentials, txn);
	if (fault == FAULT_NONE)
		fault = salt_key_settle(credentials, txn);
	if (fault == FAULT_NONE)
		return fault_from_lmdb(mdb_txn_commit(txn));
	mdb_txn_abort(txn);
	return fault;
}

enum fault credentials_open(const char *folder, struct credentials **out)
{
	struct credentials *opened = calloc(1, sizeof(*opened));
	enum fault fault = folder_make(folder, 0700);

	CHECK(opened != NULL);
	if (fault == FAULT_NONE)
		fault = fault_from_lmdb(mdb_env_create(&opened->env));
	if (fault == FAULT_NONE) {
		CHECK(mdb_env_set_mapsize(opened->env, MAP_BYTES) == MDB_SUCCESS);
		CHECK(mdb_env_set_maxdbs(opened->env, 3 + CREDENTIALS_KEPT_COUNT) == MDB_SUCCESS);
		fault = fault_from_lmdb(mdb_env_open(opened->env, folder, MDB_NOTLS, 0600));
	}
	if (fault == FAULT_NONE)
		fault = databases_open(opened);
	if (fault != FAULT_NONE)
		credentials_close(&opened);
	else
		*out = opened;
	return fault;
}

void credentials_close(struct credentials **credentials)
{
	struct credentials *closed = *credentials;

	*credentials = NULL;
	if (closed == NULL)
		return;
	if (closed->env != NULL)
		mdb_env_close(closed->env);
	mac_key_wipe(&closed->salt_key);
	free(closed);
}

static bool record_decode(struct str record, struct credential *credential_out)
{
	struct cursor cursor = cursor_make(record);
	uint8_t version = cursor_u8(&cursor);
	uint32_t flags = cursor_u32(&cursor);

	if (cursor.failed || version != RECORD_VERSION)
		return false;
	*credential_out = (struct credential){.flags = flags, .hash = cursor_rest(&cursor)};
	return true;
}

static enum fault record_read(struct credentials *credentials, MDB_txn *txn, struct str account,
			      struct buf *hash, struct credential *credential_out)
{
	MDB_val key = value_of(account), value;
	int result = mdb_get(txn, credentials->records, &key, &value);
	struct credential found;

	if (result != MDB_SUCCESS)
		return fault_from_lmdb(result);
	if (!record_decode(text_of(value), &found))
		return FAULT_CORRUPT;
	buf_reset(hash);
	buf_append_str(hash, found.hash);
	if (hash->failed)
		return FAULT_CORRUPT;
	*credential_out = (struct credential){.flags = found.flags, .hash = buf_str(hash)};
	return FAULT_NONE;
}

static bool account_check(struct str account)
{
	return account.len > 0 && account.len <= KEY_MAX;
}

enum fault credentials_get(struct credentials *credentials, struct str account, struct buf *hash,
			   struct credential *credential_out)
{
	MDB_txn *txn;

	if (!account_check(account))
		return FAULT_NOT_FOUND;
	int result = mdb_txn_begin(credentials->env, NULL, MDB_RDONLY, &txn);
	if (result != MDB_SUCCESS)
		return fault_from_lmdb(result);
	enum fault fault = record_read(credentials, txn, account, hash, credential_out);
	mdb_txn_abort(txn);
	return fault;
}

static void append_head(struct buf *record, uint32_t number)
{
	const unsigned char head[] = {RECORD_VERSION, (unsigned char)(number >> 24),
				      (unsigned char)(number >> 16), (unsigned char)(number >> 8),
				      (unsigned char)number};

	buf_append(record, head, sizeof(head));
}

/* A write transaction's end: committed, or undone where something failed. */
static enum fault txn_end(MDB_txn *txn, int result)
{
	if (result == MDB_SUCCESS)
		return fault_from_lmdb(mdb_txn_commit(txn));
	mdb_txn_abort(txn);
	return fault_from_lmdb(result);
}

static int verifier_delete(struct credentials *credentials, MDB_txn *txn, struct str account)
{
	MDB_val key = value_of(account);
	int result = mdb_del(txn, credentials->verifiers, &key, NULL);

	return result == MDB_NOTFOUND ? MDB_SUCCESS : result;
}

static int verifier_write(struct credentials *credentials, MDB_txn *txn, struct str account,
			  const struct scram_verifier *verifier)
{
	struct buf record = BUF_INIT(VERIFIER_MAX);

	append_head(&record, verifier->iterations);
	buf_append(&record, verifier->salt, sizeof(verifier->salt));
	buf_append(&record, verifier->stored_key, sizeof(verifier->stored_key));
	buf_append(&record, verifier->server_key, sizeof(verifier->server_key));
	CHECK(!record.failed);
	MDB_val key = value_of(account), value = value_of(buf_str(&record));
	int result = mdb_put(txn, credentials->verifiers, &key, &value, 0);
	buf_wipe(&record);
	return result;
}

static int record_write(struct credentials *credentials, MDB_txn *txn, struct str account,
			struct str record)
{
	MDB_val key = value_of(account), value = value_of(record);

	return mdb_put(txn, credentials->records, &key, &value, 0);
}

enum fault credentials_put(struct credentials *credentials, struct str account,
			   const struct credential *credential,
			   const struct scram_verifier *verifier)
{
	struct buf record = BUF_INIT(RECORD_MAX);
	MDB_txn *txn;

	append_head(&record, credential->flags);
	buf_append_str(&record, credential->hash);
	if (record.failed || !account_check(account)) {
		buf_done(&record);
		return FAULT_INVALID;
	}
	int result = mdb_txn_begin(credentials->env, NULL, 0, &txn);
	enum fault fault = fault_from_lmdb(result);
	if (fault == FAULT_NONE) {
		result = record_write(credentials, txn, account, buf_str(&record));
		if (result == MDB_SUCCESS)
			result = verifier == NULL
					 ? verifier_delete(credentials, txn, account)
					 : verifier_write(credentials, txn, account, verifier);
		fault = txn_end(txn, result);
	}
	buf_done(&record);
	return fault;
}

enum fault credentials_flags_set(struct credentials *credentials, struct str account,
				 uint32_t flags, uint32_t mask)
{
	struct buf hash = BUF_INIT(RECORD_MAX), record = BUF_INIT(RECORD_MAX);
	struct credential found;
	MDB_txn *txn;

	if (!account_check(account))
		return FAULT_NOT_FOUND;
	enum fault fault = fault_from_lmdb(mdb_txn_begin(credentials->env, NULL, 0, &txn));
	if (fault != FAULT_NONE)
		return fault;
	fault = record_read(credentials, txn, account, &hash, &found);
	if (fault != FAULT_NONE)
		mdb_txn_abort(txn);
	else {
		append_head(&record, (found.flags & ~mask) | (flags & mask));
		buf_append_str(&record, found.hash);
		CHECK(!record.failed);
		fault = txn_end(txn, record_write(credentials, txn, account, buf_str(&record)));
	}
	buf_wipe(&hash);
	buf_wipe(&record);
	return fault;
}

/* Else whoever gets the address next would be asked for codes that he has not. */
static int second_factor_delete(struct credentials *credentials, MDB_txn *txn, struct str account)
{
	MDB_val key = value_of(account);
	int result = mdb_del(txn, credentials->kept[CREDENTIALS_TOTP], &key, NULL);

	return result == MDB_NOTFOUND ? MDB_SUCCESS : result;
}

enum fault credentials_remove(struct credentials *credentials, struct str account)
{
	MDB_txn *txn;
	MDB_val key = value_of(account);

	if (!account_check(account))
		return FAULT_NOT_FOUND;
	int result = mdb_txn_begin(credentials->env, NULL, 0, &txn);
	if (result != MDB_SUCCESS)
		return fault_from_lmdb(result);
	result = mdb_del(txn, credentials->records, &key, NULL);
	if (result == MDB_SUCCESS)
		result = verifier_delete(credentials, txn, account);
	if (result == MDB_SUCCESS)
		result = second_factor_delete(credentials, txn, account);
	return txn_end(txn, result);
}

/* ---- verifiers ---- */

const struct mac_key *credentials_salt_key(const struct credentials *credentials)
{
	return &credentials->salt_key;
}

static void digest_read(struct cursor *cursor, uint8_t *to, size_t len)
{
	struct str bytes = cursor_bytes(cursor, len);

	if (bytes.len == len)
		memcpy(to, bytes.ptr, len);
}

static enum fault verifier_decode(struct str record, struct scram_verifier *verifier_out)
{
	struct cursor cursor = cursor_make(record);
	struct scram_verifier verifier;
	uint8_t version = cursor_u8(&cursor);

	verifier.iterations = cursor_u32(&cursor);
	digest_read(&cursor, verifier.salt, sizeof(verifier.salt));
	digest_read(&cursor, verifier.stored_key, sizeof(verifier.stored_key));
	digest_read(&cursor, verifier.server_key, sizeof(verifier.server_key));
	if (!cursor_is_done(&cursor) || version != RECORD_VERSION)
		return FAULT_CORRUPT;
	*verifier_out = verifier;
	scram_verifier_wipe(&verifier);
	return FAULT_NONE;
}

enum fault credentials_verifier_get(struct credentials *credentials, struct str account,
				    struct scram_verifier *verifier_out)
{
	MDB_txn *txn;
	MDB_val key = value_of(account), value;

	if (!account_check(account))
		return FAULT_NOT_FOUND;
	int result = mdb_txn_begin(credentials->env, NULL, MDB_RDONLY, &txn);
	if (result != MDB_SUCCESS)
		return fault_from_lmdb(result);
	result = mdb_get(txn, credentials->verifiers, &key, &value);
	enum fault fault = result == MDB_SUCCESS ? verifier_decode(text_of(value), verifier_out)
						 : fault_from_lmdb(result);
	mdb_txn_abort(txn);
	return fault;
}

/* NONE when the account's hash is still this one. */
static enum fault hash_compare(struct credentials *credentials, MDB_txn *txn, struct str account,
			       struct str hash)
{
	struct buf present = BUF_INIT(PASSWORD_HASH_MAX);
	struct credential credential;
	enum fault fault = record_read(credentials, txn, account, &present, &credential);

	if (fault == FAULT_NONE && !str_equals(credential.hash, hash))
		fault = FAULT_CONFLICT;
	buf_wipe(&present);
	return fault;
}

enum fault credentials_verifier_put(struct credentials *credentials, struct str account,
				    struct str hash, const struct scram_verifier *verifier)
{
	MDB_txn *txn;

	if (!account_check(account))
		return FAULT_NOT_FOUND;
	int result = mdb_txn_begin(credentials->env, NULL, 0, &txn);
	if (result != MDB_SUCCESS)
		return fault_from_lmdb(result);
	enum fault fault = hash_compare(credentials, txn, account, hash);
	if (fault == FAULT_NONE)
		return txn_end(txn, verifier_write(credentials, txn, account, verifier));
	mdb_txn_abort(txn);
	return fault;
}

enum fault credentials_verifiers_drop(struct credentials *credentials)
{
	MDB_txn *txn;
	int result = mdb_txn_begin(credentials->env, NULL, 0, &txn);

	if (result != MDB_SUCCESS)
		return fault_from_lmdb(result);
	return txn_end(txn, mdb_drop(txn, credentials->verifiers, 0));
}

/* ---- the list of accounts ---- */

static enum fault records_walk(MDB_cursor *cursor, struct str after,
			       bool (*each)(void *context, struct str account, uint32_t flags),
			       void *context)
{
	MDB_val key = value_of(after), value;
	int result = mdb_cursor_get(cursor, &key, &value,
				    str_is_empty(after) ? MDB_FIRST : MDB_SET_RANGE);

	if (result == MDB_SUCCESS && str_equals(text_of(key), after))
		result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	while (result == MDB_SUCCESS) {
		struct credential found;
		if (!record_decode(text_of(value), &found))
			return FAULT_CORRUPT;
		if (!each(context, text_of(key), found.flags))
			return FAULT_NONE;
		result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	return result == MDB_NOTFOUND ? FAULT_NONE : fault_from_lmdb(result);
}

enum fault credentials_walk(struct credentials *credentials, struct str after,
			    bool (*each)(void *context, struct str account, uint32_t flags),
			    void *context)
{
	MDB_txn *txn;
	MDB_cursor *cursor;
	int result = mdb_txn_begin(credentials->env, NULL, MDB_RDONLY, &txn);

	if (result != MDB_SUCCESS)
		return fault_from_lmdb(result);
	result = mdb_cursor_open(txn, credentials->records, &cursor);
	enum fault fault = fault_from_lmdb(result);
	if (fault == FAULT_NONE) {
		fault = records_walk(cursor, after, each, context);
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return fault;
}

/* ---- what others keep here ---- */

enum fault credentials_kept_get(struct credentials *credentials, enum credentials_kept what,
				struct str name, struct buf *to)
{
	MDB_txn *txn;
	MDB_val key = value_of(name), value;

	if (!account_check(name))
		return FAULT_NOT_FOUND;
	int result = mdb_txn_begin(credentials->env, NULL, MDB_RDONLY, &txn);
	if (result != MDB_SUCCESS)
		return fault_from_lmdb(result);
	result = mdb_get(txn, credentials->kept[what], &key, &value);
	if (result == MDB_SUCCESS)
		buf_append_str(to, text_of(value));
	mdb_txn_abort(txn);
	return fault_from_lmdb(result);
}

enum fault credentials_kept_put(struct credentials *credentials, enum credentials_kept what,
				struct str name, struct str value)
{
	MDB_txn *txn;
	MDB_val key = value_of(name), data = value_of(value);

	if (!account_check(name) || value.len > CREDENTIALS_KEPT_MAX)
		return FAULT_INVALID;
	int result = mdb_txn_begin(credentials->env, NULL, 0, &txn);
	if (result != MDB_SUCCESS)
		return fault_from_lmdb(result);
	if (value.len > 0)
		result = mdb_put(txn, credentials->kept[what], &key, &data, 0);
	else
		result = mdb_del(txn, credentials->kept[what], &key, NULL);
	return txn_end(txn, result);
}

enum fault credentials_kept_walk(struct credentials *credentials, enum credentials_kept what,
				 void (*each)(void *context, struct str name, struct str value),
				 void *context)
{
	MDB_txn *txn;
	MDB_cursor *cursor;
	MDB_val key, value;
	int result = mdb_txn_begin(credentials->env, NULL, MDB_RDONLY, &txn);

	if (result != MDB_SUCCESS)
		return fault_from_lmdb(result);
	result = mdb_cursor_open(txn, credentials->kept[what], &cursor);
	if (result == MDB_SUCCESS) {
		while ((result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == MDB_SUCCESS)
			each(context, text_of(key), text_of(value));
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return result == MDB_NOTFOUND ? FAULT_NONE : fault_from_lmdb(result);
}
