/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/dkim_change.h"

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

/* The server must be able to read and change what root writes for it. */
static void give(const struct dkim_change *change, char *path)
{
	file_give(path, change->ctl->home);
	free(path);
}

static int folder_lock(struct dkim_change *change)
{
	enum fault fault = dkim_folder_lock(change->ctl->home, &change->lock);

	if (fault == FAULT_BUSY)
		return ctl_fail_field(fault, NULL,
				      "another command is changing keys of DKIM; try again");
	if (fault != FAULT_NONE)
		return ctl_fail_field(fault, NULL, "%s/dkim: %s", change->ctl->home, fault_text(fault));
	give(change, ctl_path(change->ctl, "dkim"));
	give(change, ctl_path(change->ctl, "dkim/.lock"));
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
}

static void tell(struct dkim_change *change, const char *what, const struct dkim_key *key)
{
	buf_printf(&change->told,
		   "%s%s Dkim {Domain=\"%s\", Selector=\"%s\", Algorithm=\"%s\", State=\"%s\"}",
		   change->told.len == 0 ? "" : ", ", what, key->domain, key->selector,
		   dkim_algorithm_name(key->algorithm), dkim_state_name(key->state));
}

static enum fault key_write(struct dkim_change *change, const struct dkim_key *key,
			    struct str pem)
{
	struct str domain = buf_str(&change->domain);
	char *folder = dkim_domain_path(change->ctl->home, domain);
	char *path = dkim_key_path(change->ctl->home, domain, str_from_c(key->selector));
	enum fault fault = folder_make(folder, FOLDER_MODE);

	if (fault == FAULT_NONE)
		fault = file_replace(path, pem, FILE_MODE);
	give(change, folder);
	give(change, path);
	return fault;
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
	enum fault fault = key_write(change, key, buf_str(&pem));
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
	char *path = dkim_key_path(change->ctl->home, str_from_c(key->domain),
				   str_from_c(key->selector));

	tell(change, "Remove", key);
	unlink(path);
	free(path);
	dkim_keys_remove(&change->keys, key);
}

/* What became of it when the server was asked. */
static int server_take(struct dkim_change *change)
{
	struct msg_dkim_changed changed = {.text = buf_str(&change->told)};
	struct packet answer;
	int code = CTL_DONE;

	packet_init(&answer);
	enum fault fault =
		link_ask_parent(&change->link, MSG_dkim_changed, &changed, MSG_done, &answer);
	if (fault != FAULT_NONE)
		code = ctl_fail(CTL_NOT_RUNNING, "it is written, but the server does not answer: %s",
				fault_text(fault));
	else if (answer.message.done.fault != FAULT_NONE)
		code = ctl_fail(CTL_FINDING, "it is written, but not in force: %.*s",
				STR_ARG(answer.message.done.text));
	packet_done(&answer);
	return code;
}

int dkim_change_commit(struct dkim_change *change)
{
	struct str domain = buf_str(&change->domain);
	char *folder = dkim_domain_path(change->ctl->home, domain);
	enum fault fault = dkim_keys_write(change->ctl->home, domain, &change->keys);

	give(change, path_join(folder, "keys"));
	free(folder);
	if (fault != FAULT_NONE)
		return ctl_fail(CTL_USAGE, "dkim/%.*s/keys: %s", STR_ARG(domain),
				fault_text(fault));
	/* The server may have to change the list itself from now on. */
	fd_close(&change->lock);
	if (change->link.control.fd >= 0)
		return server_take(change);
	config_change_tell(&change->link, buf_str(&change->told));
	return CTL_DONE;
}
