/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record, sealed: version (u8), whether it is on (u8), the step of the last code that
 * served (u64), since when it is on (u64, real time in seconds; version 1 had no such number), the
 * secret. The lock makes finding a code and spending it one.
 */
#include "auth/second_factor.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "base/random.h"
#include "crypto/totp.h"

enum {
	RECORD_VERSION = 2,
	RECORD_VERSION_WITHOUT_SINCE = 1,
	RECORD_BYTES = 2 + 8 + 8 + TOTP_SECRET_BYTES,
	PURPOSE_MAX = 1024,
};

struct second_factors {
	struct credentials *credentials;
	const struct seal_key *key;
	pthread_mutex_t lock;
};

struct factor {
	bool is_on;
	uint64_t last_step;
	uint64_t since_s;
	char secret[TOTP_SECRET_BYTES];
};

static void factor_wipe(struct factor *factor)
{
	explicit_bzero(factor, sizeof(*factor));
}
#define CLEANUP_FACTOR __attribute__((cleanup(factor_wipe)))

struct second_factors *second_factors_new(struct credentials *credentials,
					  const struct seal_key *key)
{
	struct second_factors *factors = calloc(1, sizeof(*factors));

	CHECK(factors != NULL);
	factors->credentials = credentials;
	factors->key = key;
	CHECK(pthread_mutex_init(&factors->lock, NULL) == 0);
	return factors;
}

void second_factors_free(struct second_factors **factors)
{
	struct second_factors *freed = *factors;

	*factors = NULL;
	if (freed == NULL)
		return;
	pthread_mutex_destroy(&freed->lock);
	free(freed);
}

/* The blank keeps it apart from the names of passwords for other servers. */
static void purpose_append(struct buf *purpose, struct str account)
{
	buf_append_c(purpose, "totp ");
	buf_append_str(purpose, account);
}

static bool factor_decode(struct str record, struct factor *factor_out)
{
	struct cursor cursor = cursor_make(record);
	uint8_t version = cursor_u8(&cursor);

	factor_out->is_on = cursor_u8(&cursor) == 1;
	factor_out->last_step = cursor_u64(&cursor);
	factor_out->since_s = version == RECORD_VERSION_WITHOUT_SINCE ? 0 : cursor_u64(&cursor);
	struct str secret = cursor_rest(&cursor);
	if (cursor.failed || version < RECORD_VERSION_WITHOUT_SINCE || version > RECORD_VERSION ||
	    secret.len != TOTP_SECRET_BYTES)
		return false;
	memcpy(factor_out->secret, secret.ptr, TOTP_SECRET_BYTES);
	return true;
}

static enum fault factor_read(struct second_factors *factors, struct str account,
			      struct factor *factor_out)
{
	CLEANUP_BUF struct buf sealed = BUF_INIT(CREDENTIALS_KEPT_MAX);
	CLEANUP_BUF struct buf purpose = BUF_INIT(PURPOSE_MAX);
	struct buf record = BUF_INIT(RECORD_BYTES + 1);
	enum fault fault = credentials_kept_get(factors->credentials, CREDENTIALS_TOTP, account,
						&sealed);

	if (fault != FAULT_NONE)
		return fault;
	purpose_append(&purpose, account);
	if (!seal_open(factors->key, buf_str(&purpose), buf_str(&sealed), &record) ||
	    !factor_decode(buf_str(&record), factor_out))
		fault = FAULT_CORRUPT;
	buf_wipe(&record);
	return fault;
}

static void u64_append(struct buf *to, uint64_t value)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		buf_append_char(to, (char)(value >> shift & 0xff));
}

static enum fault factor_write(struct second_factors *factors, struct str account,
			       const struct factor *factor)
{
	CLEANUP_BUF struct buf sealed = BUF_INIT(CREDENTIALS_KEPT_MAX);
	CLEANUP_BUF struct buf purpose = BUF_INIT(PURPOSE_MAX);
	struct buf record = BUF_INIT(RECORD_BYTES + 1);

	buf_append_char(&record, RECORD_VERSION);
	buf_append_char(&record, factor->is_on ? 1 : 0);
	u64_append(&record, factor->last_step);
	u64_append(&record, factor->since_s);
	buf_append(&record, factor->secret, sizeof(factor->secret));
	purpose_append(&purpose, account);
	CHECK(!record.failed);
	if (purpose.failed) {
		buf_wipe(&record);
		return FAULT_INVALID;
	}
	seal_bytes(factors->key, buf_str(&purpose), buf_str(&record), &sealed);
	buf_wipe(&record);
	return credentials_kept_put(factors->credentials, CREDENTIALS_TOTP, account,
				    buf_str(&sealed));
}

enum fault second_factor_begin(struct second_factors *factors, struct str account,
			       struct buf *secret)
{
	CLEANUP_FACTOR struct factor factor = {0};

	pthread_mutex_lock(&factors->lock);
	enum fault fault = factor_read(factors, account, &factor);
	if (fault == FAULT_NONE && factor.is_on)
		fault = FAULT_EXISTS;
	else if (fault == FAULT_NONE || fault == FAULT_NOT_FOUND) {
		factor = (struct factor){0};
		random_bytes(factor.secret, sizeof(factor.secret));
		fault = factor_write(factors, account, &factor);
	}
	pthread_mutex_unlock(&factors->lock);
	if (fault == FAULT_NONE)
		buf_append(secret, factor.secret, sizeof(factor.secret));
	return fault;
}

/* With the lock held: a code that is right serves, and never again. */
static enum fault code_spend(struct second_factors *factors, struct str account, struct str code,
			     int64_t now_s, struct factor *factor)
{
	if (!totp_find(str_make(factor->secret, sizeof(factor->secret)), code, now_s,
		       factor->last_step, &factor->last_step))
		return FAULT_DENIED;
	if (!factor->is_on)
		factor->since_s = (uint64_t)now_s;
	factor->is_on = true;
	return factor_write(factors, account, factor);
}

/* Where the factor is on, or where it waits to be; `otherwise` where it is the other. */
static enum fault code_take(struct second_factors *factors, struct str account, struct str code,
			    int64_t now_s, bool is_on, enum fault otherwise)
{
	CLEANUP_FACTOR struct factor factor = {0};

	pthread_mutex_lock(&factors->lock);
	enum fault fault = factor_read(factors, account, &factor);
	if (fault == FAULT_NONE)
		fault = factor.is_on == is_on ? code_spend(factors, account, code, now_s, &factor)
					      : otherwise;
	pthread_mutex_unlock(&factors->lock);
	return fault;
}

enum fault second_factor_confirm(struct second_factors *factors, struct str account,
				 struct str code, int64_t now_s)
{
	return code_take(factors, account, code, now_s, false, FAULT_EXISTS);
}

enum fault second_factor_spend(struct second_factors *factors, struct str account,
			       struct str code, int64_t now_s)
{
	return code_take(factors, account, code, now_s, true, FAULT_NOT_FOUND);
}

enum fault second_factor_off(struct second_factors *factors, struct str account)
{
	pthread_mutex_lock(&factors->lock);
	enum fault fault = credentials_kept_put(factors->credentials, CREDENTIALS_TOTP, account,
						STR(""));
	pthread_mutex_unlock(&factors->lock);
	return fault;
}

enum fault second_factor_read(struct second_factors *factors, struct str account, bool *is_on_out,
			      int64_t *since_s_out)
{
	CLEANUP_FACTOR struct factor factor = {0};
	enum fault fault = factor_read(factors, account, &factor);

	*is_on_out = fault == FAULT_NONE && factor.is_on;
	*since_s_out = *is_on_out ? (int64_t)factor.since_s : 0;
	return fault == FAULT_NOT_FOUND ? FAULT_NONE : fault;
}

enum fault second_factor_is_on(struct second_factors *factors, struct str account,
			       bool *is_on_out)
{
	int64_t since_s;

	return second_factor_read(factors, account, is_on_out, &since_s);
}
