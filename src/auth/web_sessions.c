/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kept under the digest of the token: version (u8), created (u64), used (u64), digest of the
 * password's hash, length of the address (u8), address, account. Version 1 had no address.
 * The name of a session is the beginning of that digest.
 */
#include "auth/web_sessions.h"

#include "auth/auth.h"
#include "base/cursor.h"
#include "base/encode.h"
#include "base/random.h"
#include "crypto/digest.h"
#include "crypto/password.h"

enum {
	RECORD_VERSION = 2,
	RECORD_VERSION_WITHOUT_ADDRESS = 1,
	RECORD_MAX = 1 + 8 + 8 + SHA256_BYTES + 1 + WEB_ADDRESS_MAX + WEB_ACCOUNT_MAX,
	/* A use is written down only so often: each costs the disk a flush. */
	USE_NOTED_S = 60,
	EXPIRED_MAX = 256,
	/* More than one account can have: others' are in no such list. */
	CROWD_MAX = 4 * WEB_SESSIONS_MAX,
};

struct record {
	int64_t created_s;
	int64_t used_s;
	struct str password; /* digest of its hash */
	struct str address;
	struct str account;
};

static void u64_append(struct buf *to, int64_t value)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		buf_append_char(to, (char)((uint64_t)value >> shift));
}

static void record_append(struct buf *to, const struct record *record)
{
	buf_append_char(to, RECORD_VERSION);
	u64_append(to, record->created_s);
	u64_append(to, record->used_s);
	buf_append_str(to, record->password);
	buf_append_char(to, (char)record->address.len);
	buf_append_str(to, record->address);
	buf_append_str(to, record->account);
}

static bool record_read(struct str bytes, struct record *out)
{
	struct cursor cursor = cursor_make(bytes);
	uint8_t version = cursor_u8(&cursor);

	*out = (struct record){.created_s = (int64_t)cursor_u64(&cursor),
			       .used_s = (int64_t)cursor_u64(&cursor),
			       .password = cursor_bytes(&cursor, SHA256_BYTES)};
	if (version != RECORD_VERSION_WITHOUT_ADDRESS)
		out->address = cursor_bytes(&cursor, cursor_u8(&cursor));
	out->account = cursor_rest(&cursor);
	return !cursor.failed && version >= RECORD_VERSION_WITHOUT_ADDRESS &&
	       version <= RECORD_VERSION && out->address.len <= WEB_ADDRESS_MAX &&
	       out->account.len <= WEB_ACCOUNT_MAX;
}

/* A clock that was set back ends no session early, and makes none live longer than its life. */
static int64_t end_of(const struct record *record)
{
	int64_t idle = record->used_s + WEB_IDLE_S, life = record->created_s + WEB_LIFE_S;

	return idle < life ? idle : life;
}

static bool is_over(const struct record *record, int64_t now_s)
{
	return now_s >= end_of(record) || now_s < record->created_s - WEB_LIFE_S;
}

/* The user's flags, and the digest of what his password is kept as. */
static enum fault user_read(struct credentials *credentials, struct str account, uint32_t *flags_out,
			    unsigned char digest_out[SHA256_BYTES])
{
	struct buf hash = BUF_INIT(PASSWORD_HASH_MAX);
	struct credential credential;
	enum fault fault = credentials_get(credentials, account, &hash, &credential);

	if (fault == FAULT_NONE) {
		*flags_out = credential.flags;
		sha256(credential.hash, digest_out);
	}
	buf_wipe(&hash);
	return fault;
}

/* ---- begin ---- */

struct crowd {
	struct str account;
	size_t count;
	int64_t oldest_s;
	unsigned char oldest[SHA256_BYTES];
};

static void crowd_count(void *context, struct str name, struct str value)
{
	struct crowd *crowd = context;
	struct record record;

	if (name.len != SHA256_BYTES || !record_read(value, &record) ||
	    !str_equals(record.account, crowd->account))
		return;
	if (crowd->count++ == 0 || record.created_s < crowd->oldest_s) {
		crowd->oldest_s = record.created_s;
		memcpy(crowd->oldest, name.ptr, SHA256_BYTES);
	}
}

static enum fault room_make(struct credentials *credentials, struct str account)
{
	struct crowd crowd = {.account = account};
	enum fault fault =
		credentials_kept_walk(credentials, CREDENTIALS_SESSIONS, crowd_count, &crowd);

	if (fault != FAULT_NONE || crowd.count < WEB_SESSIONS_MAX)
		return fault;
	return credentials_kept_put(credentials, CREDENTIALS_SESSIONS,
				    str_make(crowd.oldest, SHA256_BYTES), STR(""));
}

static enum fault session_keep(struct credentials *credentials, struct str token,
			       const struct record *record)
{
	struct buf bytes = BUF_INIT(RECORD_MAX);
	unsigned char name[SHA256_BYTES];

	record_append(&bytes, record);
	sha256(token, name);
	enum fault fault = bytes.failed ? FAULT_INVALID
					: credentials_kept_put(credentials, CREDENTIALS_SESSIONS,
							       str_make(name, sizeof(name)),
							       buf_str(&bytes));
	buf_done(&bytes);
	return fault;
}

enum fault web_session_begin(struct credentials *credentials, const struct web_session_owner *owner,
			     int64_t now_s, struct buf *token)
{
	unsigned char random[WEB_TOKEN_BYTES], password[SHA256_BYTES];
	struct record record = {.created_s = now_s,
				.used_s = now_s,
				.password = str_make(password, sizeof(password)),
				.address = str_sub(owner->address, 0, WEB_ADDRESS_MAX),
				.account = owner->account};
	struct buf made = BUF_INIT(2 * WEB_TOKEN_TEXT);
	enum fault fault = room_make(credentials, owner->account);

	sha256(owner->hash, password);
	random_bytes(random, sizeof(random));
	base64url_encode(&made, str_make(random, sizeof(random)));
	CHECK(made.len == WEB_TOKEN_TEXT);
	if (fault == FAULT_NONE)
		fault = session_keep(credentials, buf_str(&made), &record);
	if (fault == FAULT_NONE)
		buf_append_str(token, buf_str(&made));
	explicit_bzero(random, sizeof(random));
	buf_wipe(&made);
	return fault;
}

/* ---- use and end ---- */

/* What a record that is there is worth now. */
static enum fault record_judge(struct credentials *credentials, const struct record *record,
			       int64_t now_s, struct web_session *session_out)
{
	const uint32_t roles = LOGIN_FLAG_ADMIN | LOGIN_FLAG_AUDITOR;
	unsigned char password[SHA256_BYTES];
	uint32_t flags;

	if (is_over(record, now_s))
		return FAULT_NOT_FOUND;
	enum fault fault = user_read(credentials, record->account, &flags, password);
	if (fault != FAULT_NONE)
		return fault;
	if (!str_equals(record->password, str_make(password, sizeof(password))) ||
	    (flags & LOGIN_FLAG_DISABLED) != 0 || (flags & roles) == 0)
		return FAULT_NOT_FOUND;
	*session_out = (struct web_session){.flags = flags,
					    .created_s = record->created_s,
					    .account_len = record->account.len};
	memcpy(session_out->account, record->account.ptr, record->account.len);
	return FAULT_NONE;
}

static enum fault record_use(struct credentials *credentials, struct str token,
			     struct record *record, int64_t now_s, struct web_session *session_out)
{
	enum fault fault = record_judge(credentials, record, now_s, session_out);

	if (fault == FAULT_NOT_FOUND)
		(void)!web_session_end(credentials, token);
	if (fault != FAULT_NONE)
		return fault;
	if (now_s - record->used_s >= USE_NOTED_S || now_s < record->used_s) {
		record->used_s = now_s;
		fault = session_keep(credentials, token, record);
	}
	session_out->ends_s = end_of(record);
	return fault;
}

enum fault web_session_use(struct credentials *credentials, struct str token, int64_t now_s,
			   struct web_session *session_out)
{
	struct buf bytes = BUF_INIT(RECORD_MAX);
	unsigned char name[SHA256_BYTES];
	struct record record;

	if (token.len != WEB_TOKEN_TEXT)
		return FAULT_NOT_FOUND;
	sha256(token, name);
	enum fault fault = credentials_kept_get(credentials, CREDENTIALS_SESSIONS,
						str_make(name, sizeof(name)), &bytes);
	if (fault == FAULT_NONE && !record_read(buf_str(&bytes), &record))
		fault = FAULT_CORRUPT;
	if (fault == FAULT_NONE)
		fault = record_use(credentials, token, &record, now_s, session_out);
	buf_done(&bytes);
	return fault;
}

enum fault web_session_end(struct credentials *credentials, struct str token)
{
	unsigned char name[SHA256_BYTES];

	sha256(token, name);
	return credentials_kept_put(credentials, CREDENTIALS_SESSIONS,
				    str_make(name, sizeof(name)), STR(""));
}

/* ---- all of an account ---- */

static void name_append(struct buf *to, struct str digest)
{
	hex_encode(to, str_sub(digest, 0, WEB_NAME_TEXT / 2));
}

void web_session_append_name(struct buf *to, struct str token)
{
	unsigned char digest[SHA256_BYTES];

	sha256(token, digest);
	name_append(to, str_make(digest, sizeof(digest)));
}

struct walk {
	struct str account;
	int64_t now_s;
	void (*each)(void *context, const struct web_session_row *row);
	void *context;
};

static void walk_step(void *context, struct str digest, struct str value)
{
	const struct walk *walk = context;
	struct buf name = BUF_INIT(2 * WEB_NAME_TEXT);
	struct record record;

	if (digest.len != SHA256_BYTES || !record_read(value, &record) ||
	    !str_equals(record.account, walk->account) || is_over(&record, walk->now_s))
		return;
	struct web_session_row row = {.address = record.address,
				      .created_s = record.created_s,
				      .used_s = record.used_s,
				      .ends_s = end_of(&record)};
	name_append(&name, digest);
	CHECK(name.len == sizeof(row.name));
	memcpy(row.name, name.data, sizeof(row.name));
	buf_done(&name);
	walk->each(walk->context, &row);
}

enum fault web_sessions_walk(struct credentials *credentials, struct str account, int64_t now_s,
			     void (*each)(void *context, const struct web_session_row *row),
			     void *context)
{
	struct walk walk = {
		.account = account, .now_s = now_s, .each = each, .context = context};

	return credentials_kept_walk(credentials, CREDENTIALS_SESSIONS, walk_step, &walk);
}

struct ending {
	struct str account;
	struct str kept_name;
	struct buf ended; /* digests */
	struct buf kept;  /* digest of the one that goes on, and its record */
};

static void ending_collect(void *context, struct str digest, struct str value)
{
	struct ending *ending = context;
	struct buf name = BUF_INIT(2 * WEB_NAME_TEXT);
	struct record record;

	if (digest.len != SHA256_BYTES || !record_read(value, &record) ||
	    !str_equals(record.account, ending->account))
		return;
	name_append(&name, digest);
	if (!str_equals(buf_str(&name), ending->kept_name))
		buf_append_str(&ending->ended, digest);
	else if (ending->kept.len == 0) {
		buf_append_str(&ending->kept, digest);
		buf_append_str(&ending->kept, value);
	}
	buf_done(&name);
}

/* Binds the session that goes on to the password of now. */
static enum fault kept_renew(struct credentials *credentials, struct str kept)
{
	struct str digest = str_sub(kept, 0, SHA256_BYTES);
	unsigned char password[SHA256_BYTES];
	struct buf bytes = BUF_INIT(RECORD_MAX);
	struct record record;
	uint32_t flags;

	if (!record_read(str_from(kept, SHA256_BYTES), &record))
		return FAULT_CORRUPT;
	enum fault fault = user_read(credentials, record.account, &flags, password);
	record.password = str_make(password, sizeof(password));
	record_append(&bytes, &record);
	if (fault == FAULT_NONE)
		fault = credentials_kept_put(credentials, CREDENTIALS_SESSIONS, digest,
					     buf_str(&bytes));
	buf_done(&bytes);
	return fault;
}

enum fault web_sessions_end(struct credentials *credentials, struct str account,
			    struct str kept_name)
{
	struct ending ending = {.account = account,
				.kept_name = kept_name,
				.ended = BUF_INIT(CROWD_MAX * SHA256_BYTES),
				.kept = BUF_INIT(SHA256_BYTES + RECORD_MAX)};
	enum fault fault = credentials_kept_walk(credentials, CREDENTIALS_SESSIONS, ending_collect,
						 &ending);

	if (fault == FAULT_NONE && ending.kept.len > 0)
		fault = kept_renew(credentials, buf_str(&ending.kept));
	for (size_t at = 0; at < ending.ended.len && fault == FAULT_NONE; at += SHA256_BYTES) {
		fault = credentials_kept_put(credentials, CREDENTIALS_SESSIONS,
					     str_sub(buf_str(&ending.ended), at, SHA256_BYTES),
					     STR(""));
		if (fault == FAULT_NOT_FOUND)
			fault = FAULT_NONE;
	}
	buf_done(&ending.ended);
	buf_done(&ending.kept);
	return fault;
}

/* ---- those whose time is over ---- */

struct expired {
	int64_t now_s;
	struct buf names;
};

static void expired_collect(void *context, struct str name, struct str value)
{
	struct expired *expired = context;
	struct record record;

	if (name.len == SHA256_BYTES && (!record_read(value, &record) || is_over(&record, expired->now_s)))
		buf_append_str(&expired->names, name);
}

void web_sessions_expire(struct credentials *credentials, int64_t now_s)
{
	struct expired expired = {.now_s = now_s, .names = BUF_INIT(EXPIRED_MAX * SHA256_BYTES)};

	/* What cannot be forgotten now is next time; it lets nobody in. */
	(void)!credentials_kept_walk(credentials, CREDENTIALS_SESSIONS, expired_collect, &expired);
	for (size_t at = 0; at < expired.names.len; at += SHA256_BYTES)
		(void)!credentials_kept_put(credentials, CREDENTIALS_SESSIONS,
					    str_sub(buf_str(&expired.names), at, SHA256_BYTES),
					    STR(""));
	buf_done(&expired.names);
}
