/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/certificates.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "ipc/message.h"
#include "tls/certificate_facts.h"
#include "tls/pem.h"

enum { WHY_MAX = 4096, PEM_MAX = MESSAGE_INLINE_MAX - 1024 };

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
	to->chain = BUF_INIT(PEM_MAX);
	buf_append_str(&to->chain, buf_str(&from->chain));
	to->secret = BUF_INIT(TLS_PEM_MAX);
	to->certificate = tls_certificate_ref(from->certificate);
}

/* A fault is put into words with the name of the file. */
static enum fault part_read(const char *folder, const char *name, const char *suffix,
			    struct buf *to, struct buf *why)
{
	char *path;

	CHECK(asprintf(&path, "%s/%s.%s", folder, name, suffix) > 0);
	enum fault fault = file_read(path, to);
	free(path);
	if (fault == FAULT_NONE)
		return fault;
	buf_printf(why, "%s.%s: ", name, suffix);
	if (fault == FAULT_TOO_LARGE)
		buf_printf(why, "it has more than %d KiB, too much for a certificate or key",
			   TLS_PEM_MAX / 1024);
	else if (fault == FAULT_NOT_FOUND)
		buf_append_c(why, "the file is missing: a pair is NAME.crt and NAME.key");
	else
		buf_append_c(why, fault_text(fault));
	return fault;
}

/* Takes the certificates out of the file, and nothing else: a private key must not go to a front. */
static enum fault chain_parse(struct pair *pair, struct buf *why, const struct log *log)
{
	buf_printf(why, "%s.crt: ", pair->name);
	enum fault fault = tls_certificate_parse(buf_str(&pair->chain), why, &pair->certificate);
	if (fault != FAULT_NONE)
		return fault;
	if (pem_has_private_key(buf_str(&pair->chain)))
		log_printf(log, LOG_WARNING,
			   "certificate %s: a private key stands in sslcert/%s.crt, too, where "
			   "everybody may read it; delete that part",
			   pair->name, pair->name);
	buf_wipe(&pair->chain);
	buf_init(&pair->chain, PEM_MAX);
	tls_certificate_append_pem(pair->certificate, &pair->chain);
	CHECK(!pair->chain.failed);
	buf_reset(why);
	return FAULT_NONE;
}

/* What OpenSSL or every client would refuse is refused here, before a front is asked. */
static enum fault form_check(const struct pair *pair, const struct pair *old, int64_t now_s,
			     struct buf *why, const struct log *log)
{
	bool is_news = old == NULL || memcmp(tls_certificate_digest(old->certificate),
					     tls_certificate_digest(pair->certificate),
					     SHA256_BYTES) != 0;
	struct findings findings;

	findings_init(&findings);
	tls_certificate_check_form(pair->certificate, "", now_s, &findings);
	for (size_t i = 0; i < findings.count; i++) {
		const struct finding *finding = &findings.items[i];
		if (finding->severity == FINDING_ERROR && why->len == 0)
			buf_printf(why, "%s.crt: %.*s", pair->name, STR_ARG(finding->text));
		else if (finding->severity == FINDING_WARNING && is_news)
			log_printf(log, LOG_WARNING, "certificate %s: %.*s", pair->name,
				   STR_ARG(finding->text));
	}
	bool is_good = !findings_has_errors(&findings);
	findings_done(&findings);
	return is_good ? FAULT_NONE : FAULT_UNSUPPORTED;
}

static enum fault pair_read(struct pair *pair, const struct pairs_source *source,
			    const char *name, const struct pair *old, struct buf *why)
{
	*pair = (struct pair){.name = str_dup_c(str_from_c(name)),
			      .chain = BUF_INIT(TLS_PEM_MAX),
			      .secret = BUF_INIT(TLS_PEM_MAX)};
	pair->is_default = strcmp(name, "server") == 0 ||
			   str_has_prefix(str_from_c(name), STR("server-"));
	enum fault fault = part_read(source->folder, name, "crt", &pair->chain, why);
	if (fault == FAULT_NONE)
		fault = part_read(source->folder, name, "key", &pair->secret, why);
	if (fault == FAULT_NONE)
		fault = chain_parse(pair, why, source->log);
	if (fault == FAULT_NONE)
		fault = form_check(pair, old, source->now_s, why, source->log);
	if (fault == FAULT_NONE)
		pair->is_public = tls_trust_is_public(source->trust, pair->certificate);
	sha256(buf_str(&pair->secret), pair->secret_digest);
	return fault;
}

/* What is wrong with its dates, and what to do; false when nothing is. */
static bool pair_date_explain(const struct pair *pair, int64_t now_s, struct buf *why)
{
	int64_t from = tls_certificate_not_before(pair->certificate);
	int64_t until = tls_certificate_not_after(pair->certificate);

	if (until > now_s && from <= now_s)
		return false;
	buf_printf(why, "%s.crt: %s ", pair->name,
		   until <= now_s ? "it expired on" : "it is not valid before");
	clock_append_iso_date(why, until <= now_s ? until : from);
	buf_append_c(why, until <= now_s ? "; get a new one" : "; check the machine's clock");
	return true;
}

static void pair_number(struct pair *pair, const struct pair *old, uint32_t *next_key)
{
	if (old != NULL &&
	    memcmp(old->secret_digest, pair->secret_digest, sizeof(pair->secret_digest)) == 0)
		pair->key = old->key;
	else
		pair->key = (*next_key)++;
}

static void log_refusal(const struct log *log, const char *name, struct str why, bool has_old)
{
	log_printf(log, LOG_ERROR, "certificate %s refused: %.*s; %s", name, STR_ARG(why),
		   has_old ? "the pair before it stays in use" : "there is none before it to use");
}

static void pair_add(struct pairs *next, const struct pairs_source *source, const char *name,
		     const struct pairs *present, uint32_t *next_key)
{
	struct pair *pair = &next->items[next->count];
	const struct pair *old = pair_find(present, name);
	struct buf why = BUF_INIT(WHY_MAX);

	enum fault fault = pair_read(pair, source, name, old, &why);
	bool has_date_fault =
		fault == FAULT_NONE && pair_date_explain(pair, source->now_s, &why);
	if (fault != FAULT_NONE || (has_date_fault && old != NULL)) {
		log_refusal(source->log, name, buf_str(&why), old != NULL);
		pair_free(pair);
		if (old != NULL) {
			pair_copy(pair, old);
			next->count++;
		}
	} else {
		if (has_date_fault)
			log_printf(source->log, LOG_ERROR,
				   "certificate %s: %.*s; it is used because there is no other", name,
				   STR_ARG(buf_str(&why)));
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

enum fault pairs_read(struct pairs *next, const struct pairs_source *source,
		      const struct pairs *present, uint32_t *next_key)
{
	struct dirent **names;
	int count = scandir(source->folder, &names, is_part, alphasort);

	next->count = 0;
	if (count < 0)
		return FAULT_NOT_FOUND;
	for (int i = 0; i < count; i++) {
		if (!stands_for_pair(names, count, names[i]->d_name))
			continue;
		char *name = str_dup_c(str_make(names[i]->d_name, strlen(names[i]->d_name) - 4));
		if (next->count < PAIRS_MAX)
			pair_add(next, source, name, present, next_key);
		else
			log_printf(source->log, LOG_ERROR,
				   "certificate %s refused: there are more than %d pairs; take those "
				   "away that nobody asks for",
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

/* The key of another certificate in the chain means that the order is wrong. */
static void fit_explain(const struct pair *pair, struct str identity, struct buf *why)
{
	struct buf id = BUF_INIT(TLS_KEY_ID_BYTES);
	int number = 0;

	if (hex_decode(&id, identity) && id.len == TLS_KEY_ID_BYTES)
		number = tls_certificate_number_of_key(pair->certificate,
						       (const unsigned char *)id.data);
	if (number > 1)
		buf_printf(why,
			   "%s.key: it belongs to certificate number %d of %s.crt; put that first, then "
			   "its issuers",
			   pair->name, number, pair->name);
	else
		buf_printf(why, "%s.key is not the key of %s.crt", pair->name, pair->name);
	buf_done(&id);
}

void pair_key_answered(struct pair *pair, const struct pairs *present, enum fault fault,
		       struct str identity_or_reason, const struct log *log)
{
	struct buf why = BUF_INIT(WHY_MAX);

	pair->is_good = fault == FAULT_NONE && identity_fits(pair, identity_or_reason);
	if (fault != FAULT_NONE)
		buf_printf(&why, "%s.key: %.*s", pair->name, STR_ARG(identity_or_reason));
	else if (!pair->is_good)
		fit_explain(pair, identity_or_reason, &why);
	if (!pair->is_good)
		log_refusal(log, pair->name, buf_str(&why),
			    pair_find(present, pair->name) != NULL);
	buf_done(&why);
}

/* Drops what is not good, or puts the pair of that name that was there in its place. */
static void pairs_replace(struct pairs *next, const struct pairs *present)
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

static bool has_default(const struct pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++)
		if (pairs->items[i].is_default)
			return true;
	return false;
}

/* Without a default most clients would get nothing: what serves them goes on, whatever was deleted. */
static void defaults_keep(struct pairs *next, const struct pairs *present, const struct log *log)
{
	for (size_t i = 0; i < present->count && next->count < PAIRS_MAX; i++) {
		const struct pair *old = &present->items[i];
		if (!old->is_default || pair_find(next, old->name) != NULL)
			continue;
		log_printf(log, LOG_ERROR,
			   "certificate %s is gone, and none is there for clients that name no host; it "
			   "stays in use until the server ends: put sslcert/server.crt and .key there",
			   old->name);
		pair_copy(&next->items[next->count++], old);
	}
}

void pairs_settle(struct pairs *next, const struct pairs *present, const struct log *log)
{
	pairs_replace(next, present);
	if (!has_default(next))
		defaults_keep(next, present, log);
	if (has_default(next) || next->count == 0)
		return;
	next->items[0].is_default = true;
	log_printf(log, LOG_WARNING,
		   "there is no sslcert/server.crt: certificate %s serves clients that name no host",
		   next->items[0].name);
}
