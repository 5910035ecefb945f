/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/dkim_change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "ctl/told.h"
#include "proto/address.h"
#include "tls/dkim_key.h"
#include "tls/key_ring.h"

enum { FOLDER_MODE = 0700, FILE_MODE = 0600, WHY_MAX = 4096, TOLD_MAX = 64 * 1024 };

int dkim_domain_read(struct str typed, struct buf *domain)
{
	if (domain_append_ascii(domain, typed) && !domain->failed && domain_check(buf_str(domain)))
		return CTL_DONE;
	return ctl_fail_field(FAULT_INVALID, "domain", "%.*s is no name of a domain",
			      STR_ARG(typed));
}

static bool has_server(const struct dkim_change *change)
{
	return change->link.control.fd >= 0;
}

static int folder_lock(struct dkim_change *change)
{
	enum fault fault = has_server(change) ? link_dkim_lock(&change->link, &change->lock)
					      : dkim_folder_lock(change->ctl->home, &change->lock);

	if (fault == FAULT_BUSY)
		return ctl_fail_field(fault, NULL,
				      "another command is changing keys of DKIM; try again");
	if (fault != FAULT_NONE)
		return ctl_fail_field(fault, NULL, "%s/dkim: %s", change->ctl->home, fault_text(fault));
	return CTL_DONE;
}

static int keys_read(struct dkim_change *change)
{
	struct buf why = BUF_INIT(WHY_MAX);
	int code = CTL_DONE;

	if (dkim_keys_read(change->ctl->home, buf_str(&change->domain), &change->keys, &why) !=
	    FAULT_NONE)
		code = ctl_fail(CTL_USAGE, "%.*s", STR_ARG(buf_str(&why)));
	buf_done(&why);
	return code;
}

int dkim_change_begin(struct dkim_change *change, const struct ctl *ctl, unsigned needs)
{
	*change = (struct dkim_change){.ctl = ctl,
				       .domain = BUF_INIT(DKIM_DOMAIN_MAX),
				       .told = BUF_INIT(TOLD_MAX),
				       .removed = BUF_INIT(TOLD_MAX),
				       .lock = -1};
	enum fault fault = link_open_control(&change->link, ctl->home);
	if (needs != 0) {
		link_close(&change->link);
		fault = link_open(&change->link, ctl->home, needs);
		if (fault != FAULT_NONE)
			return ctl_fault_code(fault);
	}
	if (fault == FAULT_DENIED)
		return link_control_fail(ctl->home, fault);
	int code = dkim_domain_read(ctl_word(ctl, 0), &change->domain);
	if (code == CTL_DONE)
		code = folder_lock(change);
	return code == CTL_DONE ? keys_read(change) : code;
}

void dkim_change_end(struct dkim_change *change)
{
	fd_close(&change->lock);
	link_close(&change->link);
	dkim_keys_done(&change->keys);
	buf_done(&change->domain);
	buf_done(&change->told);
	buf_done(&change->removed);
}

/* ---- files ---- */

/* "dkim/DOMAIN/FILE", with a suffix; the caller frees. */
static char *name_make(const struct dkim_change *change, struct str file, const char *suffix)
{
	char *name;

	CHECK(asprintf(&name, "dkim/%.*s/%.*s%s", STR_ARG(buf_str(&change->domain)), STR_ARG(file),
		       suffix) > 0);
	return name;
}

/* The server must be able to read and change what root writes for it. */
static enum fault file_write_here(const struct dkim_change *change, const char *name,
				  struct str content)
{
	const char *home = change->ctl->home;
	char *folder = dkim_domain_path(home, buf_str(&change->domain));
	char *path = path_join(home, name);
	enum fault fault = folder_make(folder, FOLDER_MODE);

	if (fault == FAULT_NONE)
		fault = file_replace(path, content, FILE_MODE);
	file_give(folder, home);
	file_give(path, home);
	free(folder);
	free(path);
	return fault;
}

static enum fault file_write(struct dkim_change *change, struct str file, const char *suffix,
			     struct str content)
{
	char *name = name_make(change, file, suffix);
	enum fault fault = has_server(change) ? link_file_put(&change->link, name, content)
					      : file_write_here(change, name, content);

	free(name);
	return fault;
}

static enum fault file_remove_here(const struct dkim_change *change, const char *name)
{
	char *path = path_join(change->ctl->home, name);
	bool is_gone = unlink(path) == 0 || errno == ENOENT;
	enum fault fault = is_gone ? FAULT_NONE : fault_from_errno(errno);

	free(path);
	return fault;
}

/* Only now that the list does not have them: the server looks for those that it has. */
static int removed_take(struct dkim_change *change)
{
	struct str rest = buf_str(&change->removed);
	int code = CTL_DONE;

	while (rest.len > 0 && code == CTL_DONE) {
		char *name = name_make(change, str_cut(&rest, '\n'), ".key");
		enum fault fault = has_server(change) ? link_file_remove(&change->link, name)
						      : file_remove_here(change, name);
		if (fault != FAULT_NONE)
			code = ctl_fail_field(fault, NULL, "%s cannot be removed: %s; remove it by hand",
					      name, fault_text(fault));
		free(name);
	}
	return code;
}

/* ---- changes ---- */

static void tell(struct dkim_change *change, const char *what, const struct dkim_key *key)
{
	buf_printf(&change->told,
		   "%s%s Dkim {Domain=\"%s\", Selector=\"%s\", Algorithm=\"%s\", State=\"%s\"}",
		   change->told.len == 0 ? "" : ", ", what, key->domain, key->selector,
		   dkim_algorithm_name(key->algorithm), dkim_state_name(key->state));
}

static enum fault key_make(struct dkim_change *change, struct dkim_key *key)
{
	struct buf pem = BUF_INIT(KEY_PEM_MAX), public_key = BUF_INIT(KEY_PEM_MAX);
	struct buf record = BUF_INIT(DKIM_RECORD_MAX);
	enum dkim_key_kind kind =
		key->algorithm == DKIM_RSA ? DKIM_KEY_RSA : DKIM_KEY_ED25519;

	CHECK(dkim_key_make(kind, &pem, &public_key));
	dkim_record_append(&record, key->algorithm, buf_str(&public_key));
	CHECK(str_copy_c(buf_str(&record), key->record, sizeof(key->record)));
	enum fault fault =
		file_write(change, str_from_c(key->selector), ".key", buf_str(&pem));
	buf_wipe(&pem);
	buf_done(&public_key);
	buf_done(&record);
	return fault;
}

int dkim_change_add(struct dkim_change *change, enum dkim_algorithm algorithm,
		    struct str selector)
{
	struct str domain = buf_str(&change->domain);
	struct dkim_key *key = calloc(1, sizeof(*key));
	int code = CTL_DONE;

	CHECK(key != NULL && str_copy_c(domain, key->domain, sizeof(key->domain)));
	key->algorithm = algorithm;
	key->since_s = clock_real_s();
	enum fault fault = str_copy_c(selector, key->selector, sizeof(key->selector))
				   ? key_make(change, key)
				   : FAULT_TOO_LARGE;
	if (fault == FAULT_NONE && !dkim_keys_add(&change->keys, key))
		fault = FAULT_TOO_LARGE;
	if (fault == FAULT_NONE)
		tell(change, "Create", key);
	else
		code = ctl_fail(CTL_USAGE, "dkim/%.*s/%.*s: %s", STR_ARG(domain), STR_ARG(selector),
				fault_text(fault));
	free(key);
	return code;
}

void dkim_change_activate(struct dkim_change *change, struct dkim_key *key)
{
	dkim_keys_activate(&change->keys, key, clock_real_s());
	tell(change, "Update", key);
}

void dkim_change_remove(struct dkim_change *change, const struct dkim_key *key)
{
	tell(change, "Remove", key);
	buf_printf(&change->removed, "%s\n", key->selector);
	dkim_keys_remove(&change->keys, key);
}

static int list_write(struct dkim_change *change)
{
	struct buf text = BUF_INIT(DKIM_LIST_MAX);

	dkim_keys_append(&text, buf_str(&change->domain), &change->keys);
	enum fault fault = text.failed ? FAULT_TOO_LARGE
				       : file_write(change, STR("keys"), "", buf_str(&text));
	buf_done(&text);
	return fault == FAULT_NONE
		       ? CTL_DONE
		       : ctl_fail_field(fault, NULL, "dkim/%.*s/keys: %s",
					STR_ARG(buf_str(&change->domain)), fault_text(fault));
}

int dkim_change_commit(struct dkim_change *change)
{
	int code = list_write(change);

	if (code != CTL_DONE)
		return code;
	int removed = removed_take(change);
	/* The server may have to change the list itself from now on. */
	fd_close(&change->lock);
	if (has_server(change))
		code = link_ask_in_force(&change->link, MSG_dkim_changed,
					 &(struct msg_dkim_changed){.text = buf_str(&change->told)},
					 "it");
	else
		config_change_tell(&change->link, buf_str(&change->told));
	return removed == CTL_DONE ? code : removed;
}
