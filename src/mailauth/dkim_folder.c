/* SPDX-License-Identifier: Apache-2.0 */
#include "mailauth/dkim_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

#include "base/file.h"
#include "proto/address.h"

enum { FOLDER_MODE = 0700, FILE_MODE = 0600, DOMAINS_MAX = 4096 };

static char *folder_path(const char *home)
{
	return path_join(home, "dkim");
}

char *dkim_domain_path(const char *home, struct str domain)
{
	char *path;

	CHECK(asprintf(&path, "%s/dkim/%.*s", home, STR_ARG(domain)) > 0);
	return path;
}

char *dkim_key_path(const char *home, struct str domain, struct str selector)
{
	char *path;

	CHECK(asprintf(&path, "%s/dkim/%.*s/%.*s.key", home, STR_ARG(domain), STR_ARG(selector)) >
	      0);
	return path;
}

static char *list_path(const char *home, struct str domain)
{
	char *folder = dkim_domain_path(home, domain), *path = path_join(folder, "keys");

	free(folder);
	return path;
}

/* ---- reading ---- */

static bool line_read(struct str domain, struct str line, struct dkim_key *key)
{
	struct str selector = str_cut(&line, ' '), algorithm = str_cut(&line, ' ');
	struct str state = str_cut(&line, ' '), since = str_cut(&line, ' ');
	uint64_t since_s;

	*key = (struct dkim_key){.state = DKIM_WAITING};
	if (!dkim_selector_check(selector) || !dkim_algorithm_parse(algorithm, &key->algorithm) ||
	    !dkim_state_parse(state, &key->state) || !str_parse_u64(since, INT64_MAX, &since_s) ||
	    line.len == 0)
		return false;
	key->since_s = (int64_t)since_s;
	return str_copy_c(domain, key->domain, sizeof(key->domain)) &&
	       str_copy_c(selector, key->selector, sizeof(key->selector)) &&
	       str_copy_c(line, key->record, sizeof(key->record));
}

static enum fault lines_read(struct str domain, struct str text, struct dkim_keys *keys)
{
	struct dkim_key *key = calloc(1, sizeof(*key));
	enum fault fault = FAULT_NONE;

	CHECK(key != NULL);
	while (text.len > 0 && fault == FAULT_NONE) {
		struct str line = str_cut(&text, '\n');
		if (!line_read(domain, line, key) ||
		    dkim_keys_find(keys, domain, str_from_c(key->selector)) != NULL)
			fault = FAULT_INVALID;
		else if (!dkim_keys_add(keys, key))
			fault = FAULT_TOO_LARGE;
	}
	free(key);
	return fault;
}

static enum fault domain_read(const char *home, struct str domain, struct dkim_keys *keys,
			      struct buf *why)
{
	char *path = list_path(home, domain);
	struct buf text = BUF_INIT(DKIM_LIST_MAX);
	enum fault fault = file_read(path, &text);

	if (fault == FAULT_NONE)
		fault = lines_read(domain, buf_str(&text), keys);
	else if (fault == FAULT_NOT_FOUND)
		fault = FAULT_NONE;
	if (fault != FAULT_NONE)
		buf_printf(why, "%s: %s", path, fault_text(fault));
	buf_done(&text);
	free(path);
	return fault;
}

static int name_compare(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* The domains that have a folder, in their order, at most DOMAINS_MAX. */
static enum fault names_read(const char *path, char **names, size_t *count)
{
	DIR *folder = folder_open(path);
	const struct dirent *entry;
	enum fault fault = FAULT_NONE;

	if (folder == NULL)
		return errno == ENOENT ? FAULT_NONE : fault_from_errno(errno);
	while ((entry = readdir(folder)) != NULL && fault == FAULT_NONE) {
		if (!domain_check(str_from_c(entry->d_name)))
			continue;
		if (*count == DOMAINS_MAX)
			fault = FAULT_TOO_LARGE;
		else
			names[(*count)++] = str_dup_c(str_from_c(entry->d_name));
	}
	closedir(folder);
	qsort(names, *count, sizeof(*names), name_compare);
	return fault;
}

static enum fault domains_read(const char *home, struct dkim_keys *keys, struct buf *why)
{
	char *folder = folder_path(home), **names = calloc(DOMAINS_MAX, sizeof(*names));
	size_t count = 0;

	CHECK(names != NULL);
	enum fault fault = names_read(folder, names, &count);
	if (fault != FAULT_NONE)
		buf_printf(why, "%s: %s", folder, fault_text(fault));
	for (size_t i = 0; i < count; i++) {
		if (fault == FAULT_NONE)
			fault = domain_read(home, str_from_c(names[i]), keys, why);
		free(names[i]);
	}
	free(names);
	free(folder);
	return fault;
}

enum fault dkim_keys_read(const char *home, struct str domain, struct dkim_keys *keys_out,
			  struct buf *why)
{
	struct dkim_keys keys = {0};
	enum fault fault = str_is_empty(domain) ? domains_read(home, &keys, why)
						: domain_read(home, domain, &keys, why);

	if (fault == FAULT_NONE)
		*keys_out = keys;
	else
		dkim_keys_done(&keys);
	return fault;
}

void dkim_keys_done(struct dkim_keys *keys)
{
	free(keys->items);
	*keys = (struct dkim_keys){0};
}

/* ---- in memory ---- */

static bool is_of(const struct dkim_key *key, struct str domain)
{
	return str_equals(str_from_c(key->domain), domain);
}

struct dkim_key *dkim_keys_find(const struct dkim_keys *keys, struct str domain,
				struct str selector)
{
	for (size_t i = 0; i < keys->count; i++)
		if (is_of(&keys->items[i], domain) &&
		    str_equals(str_from_c(keys->items[i].selector), selector))
			return &keys->items[i];
	return NULL;
}

bool dkim_keys_add(struct dkim_keys *keys, const struct dkim_key *key)
{
	size_t of_domain = 0;

	for (size_t i = 0; i < keys->count; i++)
		of_domain += is_of(&keys->items[i], str_from_c(key->domain));
	if (of_domain == DKIM_DOMAIN_KEYS_MAX || keys->count == DKIM_KEYS_MAX)
		return false;
	keys->items = reallocarray(keys->items, keys->count + 1, sizeof(*keys->items));
	CHECK(keys->items != NULL);
	keys->items[keys->count++] = *key;
	return true;
}

void dkim_keys_remove(struct dkim_keys *keys, const struct dkim_key *key)
{
	size_t at = (size_t)(key - keys->items);

	CHECK(at < keys->count);
	memmove(&keys->items[at], &keys->items[at + 1],
		(keys->count - at - 1) * sizeof(*keys->items));
	keys->count--;
}

static void state_set(struct dkim_key *key, enum dkim_state state, int64_t now_s)
{
	key->state = state;
	key->since_s = now_s;
}

size_t dkim_keys_activate(struct dkim_keys *keys, struct dkim_key *key, int64_t now_s)
{
	size_t retired = 0;

	for (size_t i = 0; i < keys->count; i++) {
		struct dkim_key *other = &keys->items[i];
		if (other == key || other->state != DKIM_SIGNING ||
		    other->algorithm != key->algorithm || !is_of(other, str_from_c(key->domain)))
			continue;
		state_set(other, DKIM_RETIRING, now_s);
		retired++;
	}
	state_set(key, DKIM_SIGNING, now_s);
	return retired;
}

/* ---- writing ---- */

void dkim_keys_append(struct buf *to, struct str domain, const struct dkim_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		const struct dkim_key *key = &keys->items[i];
		if (is_of(key, domain))
			buf_printf(to, "%s %s %s %lld %s\n", key->selector,
				   dkim_algorithm_name(key->algorithm), dkim_state_name(key->state),
				   (long long)key->since_s, key->record);
	}
}

enum fault dkim_keys_write(const char *home, struct str domain, const struct dkim_keys *keys)
{
	char *path = list_path(home, domain);
	struct buf text = BUF_INIT(DKIM_LIST_MAX);

	dkim_keys_append(&text, domain, keys);
	enum fault fault =
		text.failed ? FAULT_TOO_LARGE : file_replace(path, buf_str(&text), FILE_MODE);
	buf_done(&text);
	free(path);
	return fault;
}

enum fault dkim_folder_lock(const char *home, int *fd_out)
{
	char *folder = folder_path(home), *path = path_join(folder, ".lock");
	enum fault fault = folder_make(folder, FOLDER_MODE);
	int fd = -1;

	if (fault == FAULT_NONE) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
		if (fd < 0)
			fault = fault_from_errno(errno);
	}
	if (fault == FAULT_NONE && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		fault = errno == EWOULDBLOCK ? FAULT_BUSY : fault_from_errno(errno);
		fd_close(&fd);
	}
	file_give(folder, home);
	file_give(path, home);
	if (fault == FAULT_NONE)
		*fd_out = fd;
	free(folder);
	free(path);
	return fault;
}
