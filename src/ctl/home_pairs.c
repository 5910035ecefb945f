/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/home_pairs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "ctl/server_status.h"
#include "tls/certificate_facts.h"
#include "tls/trust.h"

bool home_pair_is_default(const char *name)
{
	return strcmp(name, "server") == 0 || str_has_prefix(str_from_c(name), STR("server-"));
}

/* Reads one file of a pair; false with a finding, unless it is one that the server has judged. */
static bool part_read(struct home_pair *pair, const char *folder, const char *suffix,
		      bool is_judged, struct buf *to)
{
	char file[NAME_MAX + 8];

	(void)snprintf(file, sizeof(file), "%s%s", pair->name, suffix);
	struct finding_place place = {.table = str_from_c(file)};
	char *path = path_join(folder, file);
	enum fault fault = file_read(path, to);
	free(path);
	if (fault == FAULT_DENIED && is_judged)
		return false;
	if (fault == FAULT_DENIED)
		finding_add(&pair->findings, FINDING_NOTE, place,
			    "this user may not read it; it is not checked");
	else if (fault == FAULT_NOT_FOUND)
		finding_add(&pair->findings, FINDING_ERROR, place,
			    "the file is missing: a pair is NAME.crt and NAME.key");
	else if (fault == FAULT_TOO_LARGE)
		finding_add(&pair->findings, FINDING_ERROR, place,
			    "it has more than %d KiB, too much for a certificate or key",
			    TLS_PEM_MAX / 1024);
	else if (fault != FAULT_NONE)
		finding_add(&pair->findings, FINDING_ERROR, place, "it cannot be read: %s",
			    fault_text(fault));
	return fault == FAULT_NONE;
}

static void certificate_take(struct home_pair *pair, const struct tls_trust *trust,
			     struct str chain)
{
	struct buf why = BUF_INIT(1024);
	char file[NAME_MAX + 8];

	(void)snprintf(file, sizeof(file), "%s.crt", pair->name);
	if (tls_certificate_parse(chain, &why, &pair->certificate) == FAULT_NONE)
		pair->is_public =
			tls_trust_check(trust, pair->certificate, file, &pair->findings);
	buf_done(&why);
}

/* Where the key is not to be had, the chain is judged by itself. */
static void chain_check(struct home_pair *pair, struct str chain, int64_t now_s)
{
	struct tls_certificate *certificate = NULL;

	tls_chain_check(chain, pair->name, STR(""), now_s, &pair->findings, &certificate);
	tls_certificate_unref(&certificate);
}

/* The key of a pair that is in force fits: whoever may not read it need not know more. */
static void pair_take(struct home_pair *pair, const char *folder, const struct tls_trust *trust,
		      bool is_in_force, int64_t now_s)
{
	struct buf chain = BUF_INIT(TLS_PEM_MAX), key = BUF_INIT(TLS_PEM_MAX);
	bool has_chain = part_read(pair, folder, ".crt", false, &chain);
	bool has_key = part_read(pair, folder, ".key", is_in_force, &key);

	if (has_chain && has_key)
		(void)!tls_pair_check(buf_str(&chain), buf_str(&key), pair->name, STR(""), now_s,
				      &pair->findings);
	else if (has_chain)
		chain_check(pair, buf_str(&chain), now_s);
	if (has_chain)
		certificate_take(pair, trust, buf_str(&chain));
	buf_wipe(&chain);
	buf_wipe(&key);
}

/* A certificate that must be stapled, and is not by the server that runs. */
static void staple_check(struct home_pair *pair, json_t *in_force, int64_t now_s)
{
	json_t *ocsp = json_object_get(in_force, "ocsp");
	struct buf file = BUF_INIT(NAME_MAX + 8);

	if (pair->certificate == NULL || !json_is_object(ocsp) ||
	    !tls_certificate_must_staple(pair->certificate) ||
	    json_integer_value(json_object_get(ocsp, "until")) > now_s)
		return;
	buf_printf(&file, "%s.crt", pair->name);
	const char *why = json_string_value(json_object_get(ocsp, "text"));
	finding_add(&pair->findings, FINDING_WARNING,
		    (struct finding_place){.table = buf_str(&file)},
		    "nothing is stapled now, and it must be: clients refuse it (%s)",
		    why == NULL || why[0] == '\0' ? json_string_value(json_object_get(ocsp, "state"))
						  : why);
	buf_done(&file);
}

static bool has_suffix(const char *name, const char *suffix)
{
	return name[0] != '.' && strlen(name) > strlen(suffix) &&
	       str_has_suffix_nocase(str_from_c(name), str_from_c(suffix));
}

static bool is_part(const struct dirent *entry)
{
	return has_suffix(entry->d_name, ".crt") || has_suffix(entry->d_name, ".key");
}

static bool pairs_have(const struct home_pairs *pairs, struct str name)
{
	for (size_t i = 0; i < pairs->count; i++)
		if (str_equals(name, str_from_c(pairs->items[i].name)))
			return true;
	return false;
}

static void pair_add(struct home_pairs *pairs, struct str name)
{
	if (pairs->count == HOME_PAIRS_MAX || pairs_have(pairs, name))
		return;
	struct home_pair *pair = &pairs->items[pairs->count++];
	*pair = (struct home_pair){.name = str_dup_c(name)};
	findings_init(&pair->findings);
}

/* In the order of the files' names, which go on with a dot behind the pair's. */
static int pair_compare(const void *first, const void *second)
{
	const char *a = ((const struct home_pair *)first)->name;
	const char *b = ((const struct home_pair *)second)->name;

	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return (*a == '\0' ? '.' : (unsigned char)*a) - (*b == '\0' ? '.' : (unsigned char)*b);
}

static bool names_read(const char *path, struct home_pairs *pairs)
{
	DIR *folder = folder_open(path);
	const struct dirent *entry;

	pairs->count = 0;
	if (folder == NULL)
		return false;
	while ((entry = readdir(folder)) != NULL)
		if (is_part(entry))
			pair_add(pairs, str_make(entry->d_name, strlen(entry->d_name) - 4));
	closedir(folder);
	qsort(pairs->items, pairs->count, sizeof(pairs->items[0]), pair_compare);
	return true;
}

bool home_pairs_read(const char *home, json_t *status, int64_t now_s, struct home_pairs *pairs)
{
	char *folder = path_join(home, "sslcert"), *roots = path_join(home, "sslca");
	struct tls_trust *trust = tls_trust_new(roots);
	bool is_read = names_read(folder, pairs);

	for (size_t i = 0; i < pairs->count; i++) {
		struct home_pair *pair = &pairs->items[i];
		json_t *known = server_status_certificate(status, pair->name);
		pair_take(pair, folder, trust, known != NULL, now_s);
		staple_check(pair, known, now_s);
	}
	tls_trust_free(&trust);
	free(folder);
	free(roots);
	return is_read;
}

void home_pairs_done(struct home_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++) {
		struct home_pair *pair = &pairs->items[i];
		free(pair->name);
		tls_certificate_unref(&pair->certificate);
		findings_done(&pair->findings);
	}
	pairs->count = 0;
}
