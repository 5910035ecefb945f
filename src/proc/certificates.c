/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/certificates.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "crypto/digest.h"

static void pair_free(struct pair *pair)
{
	free(pair->name);
	buf_done(&pair->chain);
	buf_wipe(&pair->secret);
	tls_certificate_unref(&pair->certificate);
	*pair = (struct pair){0};
}

void pairs_free(struct pairs *pairs)
{
	while (pairs->count > 0)
		pair_free(&pairs->items[--pairs->count]);
}

static const struct pair *pair_find(const struct pairs *pairs, const char *name)
{
	for (size_t i = 0; i < pairs->count; i++)
		if (strcmp(pairs->items[i].name, name) == 0)
			return &pairs->items[i];
	return NULL;
}

/* A copy without the private key: the keys role has it. */
static void pair_copy(struct pair *to, const struct pair *from)
{
	*to = *from;
	to->name = str_dup_c(str_from_c(from->name));
	to->chain = BUF_INIT(TLS_PEM_MAX);
	buf_append_str(&to->chain, buf_str(&from->chain));
	to->secret = BUF_INIT(TLS_PEM_MAX);
	to->certificate = tls_certificate_ref(from->certificate);
}

static enum fault part_read(const char *folder, const char *name, const char *suffix,
			    struct buf *to, struct buf *why)
{
	char *path;

	CHECK(asprintf(&path, "%s/%s.%s", folder, name, suffix) > 0);
	enum fault fault = file_read(path, to);
	if (fault != FAULT_NONE)
		buf_printf(why, "%s: %s", path, fault_text(fault));
	free(path);
	return fault;
}

static enum fault pair_read(struct pair *pair, const char *folder, const char *name,
			    struct buf *why)
{
	*pair = (struct pair){.name = str_dup_c(str_from_c(name)),
			      .chain = BUF_INIT(TLS_PEM_MAX),
			      .secret = BUF_INIT(TLS_PEM_MAX)};
	pair->is_default = strcmp(name, "server") == 0 ||
			   str_has_prefix(str_from_c(name), STR("server-"));
	enum fault fault = part_read(folder, name, "crt", &pair->chain, why);
	if (fault == FAULT_NONE)
		fault = part_read(folder, name, "key", &pair->secret, why);
	if (fault != FAULT_NONE)
		return fault;
	size_t before = why->len;
	fault = tls_certificate_parse(buf_str(&pair->chain), why, &pair->certificate);
	if (fault != FAULT_NONE && why->len == before)
		buf_printf(why, "%s.crt: %s", name, fault_text(fault));
	sha256(buf_str(&pair->secret), pair->secret_digest);
	return fault;
}

/* What is wrong with its dates, or NULL. */
static const char *pair_date_fault(const struct pair *pair, int64_t now_s)
{
	if (tls_certificate_not_after(pair->certificate) <= now_s)
		return "it has expired";
	if (tls_certificate_not_before(pair->certificate) > now_s)
		return "it is not valid yet";
	return NULL;
}

static void pair_number(struct pair *pair, const struct pair *old, uint32_t *next_key)
{
	if (old != NULL &&
	    memcmp(old->secret_digest, pair->secret_digest, sizeof(pair->secret_digest)) == 0)
		pair->key = old->key;
	else
		pair->key = (*next_key)++;
}

static void pair_add(struct pairs *next, const char *folder, const char *name,
		     const struct pairs *present, uint32_t *next_key, const struct log *log)
{
	struct pair *pair = &next->items[next->count];
	const struct pair *old = pair_find(present, name);
	struct buf why = BUF_INIT(1024);

	enum fault fault = pair_read(pair, folder, name, &why);
	const char *date_fault =
		fault == FAULT_NONE ? pair_date_fault(pair, clock_real_s()) : NULL;
	if (fault != FAULT_NONE || (date_fault != NULL && old != NULL)) {
		log_printf(log, LOG_ERROR, "certificate %s refused: %.*s; %s", name,
			   date_fault != NULL ? (int)strlen(date_fault) : (int)why.len,
			   date_fault != NULL ? date_fault : why.data,
			   old != NULL ? "the one before it stays in use"
				       : "correct or replace sslcert/NAME.crt and NAME.key");
		pair_free(pair);
		if (old != NULL) {
			pair_copy(pair, old);
			next->count++;
		}
	} else {
		if (date_fault != NULL)
			log_printf(log, LOG_ERROR,
				   "certificate %s: %s; it is used because there is no other: "
				   "replace sslcert/%s.crt and .key",
				   name, date_fault, name);
		pair_number(pair, old, next_key);
		next->count++;
	}
	buf_done(&why);
}

static bool is_file_of(const char *name, const char *suffix)
{
	return name[0] != '.' && strlen(name) > strlen(suffix) &&
	       str_has_suffix_nocase(str_from_c(name), str_from_c(suffix));
}

static int is_part(const struct dirent *entry)
{
	return is_file_of(entry->d_name, ".crt") || is_file_of(entry->d_name, ".key");
}

static bool names_have(struct dirent *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i]->d_name, name) == 0)
			return true;
	return false;
}

/* A key stands for its pair only where there is no chain: half a pair is told, not passed over. */
static bool stands_for_pair(struct dirent *const *names, int count, const char *name)
{
	char chain[sizeof(names[0]->d_name)];

	if (is_file_of(name, ".crt"))
		return true;
	snprintf(chain, sizeof(chain), "%.*s.crt", (int)strlen(name) - 4, name);
	return !names_have(names, count, chain);
}

enum fault pairs_read(struct pairs *next, const char *folder, const struct pairs *present,
		      uint32_t *next_key, const struct log *log)
{
	struct dirent **names;
	int count = scandir(folder, &names, is_part, alphasort);

	next->count = 0;
	if (count < 0)
		return FAULT_NOT_FOUND;
	for (int i = 0; i < count; i++) {
		if (!stands_for_pair(names, count, names[i]->d_name))
			continue;
		char *name = str_dup_c(str_make(names[i]->d_name, strlen(names[i]->d_name) - 4));
		if (next->count < PAIRS_MAX)
			pair_add(next, folder, name, present, next_key, log);
		else
			log_printf(log, LOG_ERROR, "certificate %s refused: more than %d pairs",
				   name, PAIRS_MAX);
		free(name);
	}
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
	return FAULT_NONE;
}

static bool identity_fits(const struct pair *pair, struct str identity)
{
	struct buf expected = BUF_INIT(TLS_KEY_ID_BYTES * 2);

	hex_encode(&expected, str_make(tls_certificate_key_id(pair->certificate), TLS_KEY_ID_BYTES));
	bool fits = str_equals(buf_str(&expected), identity);
	buf_done(&expected);
	return fits;
}

void pair_key_answered(struct pair *pair, enum fault fault, struct str identity_or_reason,
		       const struct log *log)
{
	pair->is_good = fault == FAULT_NONE && identity_fits(pair, identity_or_reason);
	if (fault != FAULT_NONE)
		log_printf(log, LOG_ERROR, "certificate %s refused: its private key: %.*s",
			   pair->name, STR_ARG(identity_or_reason));
	else if (!pair->is_good)
		log_printf(log, LOG_ERROR,
			   "certificate %s refused: sslcert/%s.key is not the key of sslcert/%s.crt",
			   pair->name, pair->name, pair->name);
}

void pairs_settle(struct pairs *next, const struct pairs *present)
{
	size_t kept = 0;

	for (size_t i = 0; i < next->count; i++) {
		struct pair pair = next->items[i];
		const struct pair *old = pair_find(present, pair.name);
		if (!pair.is_good) {
			char *name = pair.name;
			pair.name = NULL;
			pair_free(&pair);
			if (old != NULL && old->is_good)
				pair_copy(&pair, old);
			free(name);
		}
		if (pair.name != NULL)
			next->items[kept++] = pair;
	}
	next->count = kept;
}
