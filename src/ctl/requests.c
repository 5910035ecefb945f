/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/requests.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "ctl/certificate_json.h"
#include "ctl/pair_files.h"
#include "tls/certificate_facts.h"

#define FOLDER "sslcert/requests"

enum { PLACE_MAX = 300, FOLDER_MODE = 0700, KEY_MODE = 0600, NAMES_MAX = 64 * 1024 };

/* "sslcert/requests/NAME" with a suffix. */
static void place_write(char place[PLACE_MAX], const char *name, const char *suffix)
{
	CHECK(snprintf(place, PLACE_MAX, FOLDER "/%s%s", name, suffix) < PLACE_MAX);
}

static char *part_path(const struct ctl *ctl, const char *name, const char *suffix)
{
	char place[PLACE_MAX];

	place_write(place, name, suffix);
	return ctl_path(ctl, place);
}

/* ---- reading ---- */

static bool request_read(const struct ctl *ctl, struct str name, struct request *request)
{
	struct stat status;

	*request = (struct request){.name = str_dup_c(name),
				    .pem = BUF_INIT(TLS_PEM_MAX),
				    .names = BUF_INIT(NAMES_MAX)};
	char *path = part_path(ctl, request->name, ".csr");
	CLEANUP_FD int fd = file_open(path);
	free(path);
	if (fd < 0 || fstat(fd, &status) != 0 || fd_read_file(fd, &request->pem) != FAULT_NONE)
		return false;
	request->since_s = status.st_mtime;
	return tls_request_read(buf_str(&request->pem), &request->facts, &request->names);
}

static void request_done(struct request *request)
{
	free(request->name);
	buf_done(&request->pem);
	buf_done(&request->names);
}

static int request_compare(const void *first, const void *second)
{
	return strcmp(((const struct request *)first)->name, ((const struct request *)second)->name);
}

void requests_read(const struct ctl *ctl, struct requests *requests)
{
	char *path = ctl_path(ctl, FOLDER);
	DIR *folder = folder_open(path);
	const struct dirent *entry;
	const struct str suffix = STR(".csr");

	free(path);
	requests->count = 0;
	while (folder != NULL && requests->count < REQUESTS_MAX && (entry = readdir(folder)) != NULL) {
		struct str file = str_from_c(entry->d_name);
		struct request *request = &requests->items[requests->count];
		if (file.ptr[0] == '.' || file.len <= suffix.len || !str_has_suffix_nocase(file, suffix))
			continue;
		if (request_read(ctl, str_sub(file, 0, file.len - suffix.len), request))
			requests->count++;
		else
			request_done(request);
	}
	if (folder != NULL)
		closedir(folder);
	qsort(requests->items, requests->count, sizeof(requests->items[0]), request_compare);
}

void requests_done(struct requests *requests)
{
	while (requests->count > 0)
		request_done(&requests->items[--requests->count]);
}

const struct request *requests_find(const struct requests *requests, struct str name)
{
	for (size_t i = 0; i < requests->count; i++)
		if (str_equals(name, str_from_c(requests->items[i].name)))
			return &requests->items[i];
	return NULL;
}

json_t *request_json(const struct request *request)
{
	json_t *names = json_array();

	for (struct str rest = buf_str(&request->names); rest.len > 0;)
		json_array_append_new(names, json_text(str_cut(&rest, '\n')));
	return json_pack("{s:s, s:o, s:s, s:i, s:o, s:o, s:o}", "name", request->name, "names", names,
			 "kind", tls_key_kind_name(request->facts.kind), "bits", request->facts.bits,
			 "key_id", certificate_key_id_json(request->facts.key_id), "since",
			 certificate_date_json(request->since_s), "request",
			 json_text(buf_str(&request->pem)));
}

/* ---- writing ---- */

static enum fault folder_ready(const struct ctl *ctl)
{
	char *path = ctl_path(ctl, FOLDER);
	enum fault fault = folder_make(path, FOLDER_MODE);

	file_give(path, ctl->home);
	free(path);
	return fault;
}

int request_put(const struct ctl *ctl, const char *name, struct str key, struct str pem)
{
	char key_place[PLACE_MAX], pem_place[PLACE_MAX];
	struct link link;
	int code = CTL_DONE;

	place_write(key_place, name, ".key");
	place_write(pem_place, name, ".csr");
	if (link_open_control(&link, ctl->home) != FAULT_NONE && folder_ready(ctl) != FAULT_NONE)
		code = ctl_fail(CTL_USAGE, "%s/" FOLDER " cannot be made", ctl->home);
	if (code == CTL_DONE)
		code = pair_file_put(ctl, &link, key_place, key);
	if (code == CTL_DONE)
		code = pair_file_put(ctl, &link, pem_place, pem);
	link_close(&link);
	return code;
}

/* Without a server: copied by the kernel, as the parent does it. */
static enum fault key_take_here(const struct ctl *ctl, const char *request, const char *name)
{
	char *from = part_path(ctl, request, ".key"), *to = pair_part_path(ctl, name, ".key");
	CLEANUP_FD int fd = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	enum fault fault = fd < 0 ? fault_from_errno(errno)
				  : file_replace_from(to, fd, TLS_PEM_MAX, KEY_MODE);

	if (fault == FAULT_NONE)
		file_give(to, ctl->home);
	free(from);
	free(to);
	return fault;
}

int request_key_take(const struct ctl *ctl, const char *request, const char *name)
{
	struct link link;
	enum fault fault = link_open_control(&link, ctl->home) == FAULT_NONE
				   ? link_request_key_take(&link, request, name)
				   : key_take_here(ctl, request, name);

	link_close(&link);
	if (fault == FAULT_NONE)
		return CTL_DONE;
	return ctl_fail_field(fault, NULL, "the key " FOLDER "/%s.key cannot be taken: %s", request,
			      fault_text(fault));
}

static enum fault file_remove(const struct ctl *ctl, struct link *link, const char *name,
			      const char *suffix)
{
	char place[PLACE_MAX];

	place_write(place, name, suffix);
	if (link->control.fd >= 0)
		return link_file_remove(link, place);
	char *path = ctl_path(ctl, place);
	bool is_gone = unlink(path) == 0 || errno == ENOENT;
	free(path);
	return is_gone ? FAULT_NONE : fault_from_errno(errno);
}

/* The key goes first: a request without one would wait for a certificate that nobody could use. */
int request_remove(const struct ctl *ctl, const char *name)
{
	struct link link;

	(void)!link_open_control(&link, ctl->home);
	enum fault fault = file_remove(ctl, &link, name, ".key");
	if (fault == FAULT_NONE)
		fault = file_remove(ctl, &link, name, ".csr");
	link_close(&link);
	if (fault == FAULT_NONE)
		return CTL_DONE;
	return ctl_fail_field(fault, NULL, "the request %s cannot be removed: %s", name,
			      fault_text(fault));
}
