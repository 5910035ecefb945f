/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/dkim_desk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "evidence/entry.h"
#include "mailq/dkim.h"
#include "proc/parent.h"
#include "tls/key_ring.h"

enum { LOOK_EVERY_S = 60, WHY_MAX = 4096, ED25519_BYTES = 32 };

/* Tells the keys role's answers about DKIM from those about certificates. */
#define REQUEST_OF_DESK (UINT64_C(1) << 62)

static struct dkim_desk *desk_of(struct parent *parent)
{
	return &parent->dkim_desk;
}

/* ---- telling ---- */

static void table_append(struct buf *to, const struct dkim_desk *desk)
{
	for (size_t i = 0; i < desk->keys.count; i++) {
		const struct dkim_key *key = &desk->keys.items[i];
		const struct desk_number *number = &desk->numbers[i];
		if (key->state == DKIM_SIGNING)
			buf_printf(to, "sign %s %s %s %u %s\n", key->domain, key->selector,
				   dkim_algorithm_name(key->algorithm),
				   number->load == DESK_LOADED ? number->number : 0, key->record);
		else if (key->state == DKIM_WAITING)
			buf_printf(to, "await %s %s %s\n", key->domain, key->selector,
				   key->record);
	}
}

static void table_give(struct parent *parent)
{
	struct child *mailq = role_find(parent, ROLE_MAILQ);
	struct buf text = BUF_INIT(DKIM_TABLE_MAX);
	struct msg_dkim_given given = {.table = memfd_create("postern-dkim", MFD_CLOEXEC)};

	table_append(&text, desk_of(parent));
	if (given.table < 0 || !fd_write_all(given.table, text.data, text.len) ||
	    lseek(given.table, 0, SEEK_SET) != 0 ||
	    child_send(mailq, MSG_dkim_given, 0, &given) == FAULT_BUSY)
		log_printf(&parent->logs.log, LOG_ERROR,
			   "role mailq does not hear which keys of DKIM sign");
	fd_close(&given.table);
	buf_done(&text);
}

static bool is_settled(const struct dkim_desk *desk)
{
	for (size_t i = 0; i < desk->keys.count; i++)
		if (desk->keys.items[i].state == DKIM_SIGNING &&
		    desk->numbers[i].load <= DESK_ASKED)
			return false;
	return desk->is_read;
}

/* Which keys cannot be used, in words; NULL: none. The caller frees. */
static char *failures_tell(const struct dkim_desk *desk)
{
	struct buf text = BUF_INIT(WHY_MAX);
	char *told = NULL;

	for (size_t i = 0; i < desk->keys.count; i++)
		if (desk->keys.items[i].state == DKIM_SIGNING &&
		    desk->numbers[i].load == DESK_FAILED)
			buf_printf(&text, "%s%s/%s", text.len == 0 ? "" : ", ",
				   desk->keys.items[i].domain, desk->keys.items[i].selector);
	if (text.len > 0) {
		buf_append_c(&text, ": the private key cannot be used; see error.log");
		told = str_dup_c(buf_str(&text));
	}
	buf_done(&text);
	return told;
}

/* What follows when the keys role has answered about every key. */
static void settle(struct parent *parent)
{
	struct dkim_desk *desk = desk_of(parent);
	struct child *mailq = role_find(parent, ROLE_MAILQ);

	if (!is_settled(desk))
		return;
	if (mailq != NULL && mailq->state == CHILD_READY && !desk->is_told) {
		table_give(parent);
		desk->is_told = true;
	}
	if (parent->config != NULL)
		change_record_dkim(parent);
	char *failures = failures_tell(desk);
	control_dkim_done(parent, failures);
	free(failures);
}

/* ---- loading ---- */

static void load_failed(struct parent *parent, size_t at, struct str why)
{
	struct dkim_desk *desk = desk_of(parent);
	const struct dkim_key *key = &desk->keys.items[at];

	desk->numbers[at].load = DESK_FAILED;
	log_printf(&parent->logs.log, LOG_ERROR,
		   "dkim/%s/%s.key: %.*s; mail from %s waits until that is mended",
		   key->domain, key->selector, STR_ARG(why), key->domain);
}

static void key_load(struct parent *parent, size_t at)
{
	struct dkim_desk *desk = desk_of(parent);
	const struct dkim_key *key = &desk->keys.items[at];
	struct desk_number *number = &desk->numbers[at];
	char *path = dkim_key_path(parent->home, str_from_c(key->domain),
				   str_from_c(key->selector));
	struct msg_working_key_wanted wanted = {.users = 1u << ROLE_MAILQ};

	/* A keys role that was started again gets it under the number that mailq knows. */
	if (number->number == 0)
		number->number = desk->next_number++;
	wanted.key = number->number;
	wanted.file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (wanted.file < 0)
		load_failed(parent, at, str_from_c(fault_text(fault_from_errno(errno))));
	else if (child_send(role_find(parent, ROLE_KEYS), MSG_working_key_wanted,
			    REQUEST_OF_DESK | number->number, &wanted) == FAULT_NONE)
		number->load = DESK_ASKED;
	fd_close(&wanted.file);
	free(path);
}

static void keys_load(struct parent *parent)
{
	struct dkim_desk *desk = desk_of(parent);

	if (!roles_are_ready(parent, ROLE_KEYS))
		return;
	for (size_t i = 0; i < desk->keys.count; i++)
		if (desk->keys.items[i].state == DKIM_SIGNING &&
		    desk->numbers[i].load == DESK_NOT_LOADED)
			key_load(parent, i);
}

/* Whether it is the key whose record was made: nobody could verify what another signs. */
static bool fits_record(const struct dkim_key *key, struct str public_key)
{
	struct buf record = BUF_INIT(DKIM_RECORD_MAX);

	/* Of Ed25519 the record has the key's own bytes, which end its SubjectPublicKeyInfo. */
	if (key->algorithm == DKIM_ED25519 && public_key.len > ED25519_BYTES)
		public_key = str_from(public_key, public_key.len - ED25519_BYTES);
	dkim_record_append(&record, key->algorithm, public_key);
	bool fits = str_equals(buf_str(&record), str_from_c(key->record));
	buf_done(&record);
	return fits;
}

static void key_answered(struct parent *parent, uint64_t id,
			 const struct msg_working_key_given *given)
{
	struct dkim_desk *desk = desk_of(parent);

	for (size_t i = 0; i < desk->keys.count; i++) {
		struct desk_number *number = &desk->numbers[i];
		if (number->load != DESK_ASKED || (REQUEST_OF_DESK | number->number) != id)
			continue;
		if (given->fault != FAULT_NONE)
			load_failed(parent, i, given->text);
		else if (!fits_record(&desk->keys.items[i], given->public_key))
			load_failed(parent, i, STR("it is not the key of the record in the file keys"));
		else
			number->load = DESK_LOADED;
	}
	settle(parent);
}

/* ---- reading ---- */

/* One that has begun to retire stays: what is on its way may ask for its signature yet. */
static bool stays_loaded(const struct dkim_key *key)
{
	return key->state == DKIM_SIGNING || key->state == DKIM_RETIRING;
}

static void key_forget(struct parent *parent, const struct desk_number *number)
{
	struct msg_working_key_ended ended = {.key = number->number};

	if (child_send(role_find(parent, ROLE_KEYS), MSG_working_key_ended, 0, &ended) ==
	    FAULT_BUSY)
		log_printf(&parent->logs.log, LOG_ERROR,
			   "role keys does not hear that a key is not needed any more");
}

/* Hands the number on to the same key as it was read anew, or has the key forgotten. */
static void number_move(struct parent *parent, const struct dkim_key *key,
			const struct desk_number *number, const struct dkim_keys *next,
			struct desk_number *numbers)
{
	const struct dkim_key *same = dkim_keys_find(next, str_from_c(key->domain),
						     str_from_c(key->selector));

	if (number->load != DESK_LOADED && number->load != DESK_ASKED)
		return;
	if (same != NULL && stays_loaded(same) && strcmp(same->record, key->record) == 0)
		numbers[same - next->items] = *number;
	else
		key_forget(parent, number);
}

static void keys_take(struct parent *parent, struct dkim_keys next)
{
	struct dkim_desk *desk = desk_of(parent);
	struct desk_number *numbers = calloc(next.count + 1, sizeof(*numbers));

	CHECK(numbers != NULL);
	for (size_t i = 0; i < desk->keys.count; i++)
		number_move(parent, &desk->keys.items[i], &desk->numbers[i], &next, numbers);
	dkim_keys_done(&desk->keys);
	free(desk->numbers);
	desk->keys = next;
	desk->numbers = numbers;
	desk->is_told = false;
}

/* False, told in the log, when it cannot be read. */
static bool folder_read(struct parent *parent, struct buf *why)
{
	struct dkim_keys next;

	if (dkim_keys_read(parent->home, STR(""), &next, why) != FAULT_NONE) {
		log_printf(&parent->logs.log, LOG_ERROR, "%.*s; %s", STR_ARG(buf_str(why)),
			   desk_of(parent)->is_read
				   ? "keys of DKIM stay as they were before"
				   : "nobody knows what is to be signed, so no mail goes to other "
				     "servers until that is mended and `postern reload` was called");
		return false;
	}
	desk_of(parent)->is_read = true;
	keys_take(parent, next);
	return true;
}

void dkim_desk_read(struct parent *parent)
{
	struct buf why = BUF_INIT(WHY_MAX);

	if (folder_read(parent, &why)) {
		desk_of(parent)->looked_s = 0;
		keys_load(parent);
		settle(parent);
	} else {
		buf_append_char(&why, '\0');
		control_dkim_done(parent, why.data);
	}
	buf_done(&why);
}

void dkim_desk_open(struct parent *parent)
{
	struct buf why = BUF_INIT(WHY_MAX);

	parent->dkim_desk = (struct dkim_desk){.next_number = KEY_DKIM_FIRST};
	(void)!folder_read(parent, &why);
	buf_done(&why);
}

void dkim_desk_close(struct parent *parent)
{
	dkim_keys_done(&desk_of(parent)->keys);
	free(desk_of(parent)->numbers);
}

/* ---- states that change by themselves ---- */

/*
 * Reads the keys of a domain under the lock, has them changed, writes them back; nothing
 * when a command has the lock: there will be another time.
 */
static bool domain_change(struct parent *parent, struct str domain,
			  bool (*change)(struct parent *parent, struct dkim_keys *keys,
					 const void *context),
			  const void *context)
{
	struct buf why = BUF_INIT(WHY_MAX);
	struct dkim_keys keys = {0};
	CLEANUP_FD int lock = -1;
	bool is_changed = false;

	enum fault fault = dkim_folder_lock(parent->home, &lock);
	if (fault == FAULT_NONE)
		fault = dkim_keys_read(parent->home, domain, &keys, &why);
	if (fault == FAULT_NONE && change(parent, &keys, context)) {
		fault = dkim_keys_write(parent->home, domain, &keys);
		is_changed = fault == FAULT_NONE;
	}
	if (fault != FAULT_NONE && fault != FAULT_BUSY)
		log_printf(&parent->logs.log, LOG_ERROR, "dkim/%.*s: %s", STR_ARG(domain),
			   fault_text(fault));
	dkim_keys_done(&keys);
	buf_done(&why);
	return is_changed;
}

static void state_log(struct parent *parent, const struct dkim_key *key, const char *was)
{
	log_printf(&parent->logs.log, LOG_CONFIG,
		   "postern - Update Dkim {Domain=\"%s\", Selector=\"%s\", State=\"%s\", was=\"%s\"}",
		   key->domain, key->selector, dkim_state_name(key->state), was);
}

static bool seen_take(struct parent *parent, struct dkim_keys *keys, const void *context)
{
	const struct msg_dkim_seen *seen = context;
	struct dkim_key *key = dkim_keys_find(keys, seen->domain, seen->selector);

	if (key == NULL || key->state != DKIM_WAITING)
		return false;
	dkim_keys_activate(keys, key, clock_real_s());
	state_log(parent, key, dkim_state_name(DKIM_WAITING));
	return true;
}

static void key_seen(struct parent *parent, const struct msg_dkim_seen *seen)
{
	/* What mailq says becomes no path unless it is known here. */
	if (dkim_keys_find(&desk_of(parent)->keys, seen->domain, seen->selector) != NULL &&
	    domain_change(parent, seen->domain, seen_take, seen))
		dkim_desk_read(parent);
}

static bool is_over(const struct dkim_key *key, int64_t now_s)
{
	return key->state == DKIM_RETIRING && now_s - key->since_s >= DKIM_OVERLAP_S;
}

static bool overs_retire(struct parent *parent, struct dkim_keys *keys, const void *context)
{
	int64_t now_s = *(const int64_t *)context;
	bool any = false;

	for (size_t i = 0; i < keys->count; i++) {
		struct dkim_key *key = &keys->items[i];
		if (!is_over(key, now_s))
			continue;
		char *path = dkim_key_path(parent->home, str_from_c(key->domain),
					   str_from_c(key->selector));
		unlink(path);
		free(path);
		key->state = DKIM_RETIRED;
		key->since_s = now_s;
		state_log(parent, key, dkim_state_name(DKIM_RETIRING));
		log_printf(&parent->logs.log, LOG_WARNING,
			   "dkim: the record %s._domainkey.%s may be withdrawn from DNS",
			   key->selector, key->domain);
		any = true;
	}
	return any;
}

void dkim_desk_tick(struct parent *parent, int64_t now_s)
{
	struct dkim_desk *desk = desk_of(parent);
	bool is_changed = false;

	if (now_s - desk->looked_s < LOOK_EVERY_S && now_s >= desk->looked_s)
		return;
	desk->looked_s = now_s;
	for (size_t i = 0; i < desk->keys.count; i++)
		if (is_over(&desk->keys.items[i], now_s))
			is_changed |= domain_change(parent,
						    str_from_c(desk->keys.items[i].domain),
						    overs_retire, &now_s);
	if (is_changed)
		dkim_desk_read(parent);
}

/* ---- roles ---- */

bool dkim_desk_take(struct parent *parent, struct child *child, struct packet *packet)
{
	if (packet->header.kind == MSG_dkim_seen) {
		key_seen(parent, &packet->message.dkim_seen);
		return true;
	}
	if (packet->header.kind != MSG_working_key_given ||
	    (packet->header.id & REQUEST_OF_DESK) == 0)
		return false;
	key_answered(parent, packet->header.id, &packet->message.working_key_given);
	return true;
}

void dkim_desk_role_ready(struct parent *parent, struct child *child)
{
	if (child->role == ROLE_KEYS)
		keys_load(parent);
	else if (child->role == ROLE_MAILQ)
		desk_of(parent)->is_told = false;
	else
		return;
	settle(parent);
}

void dkim_desk_role_died(struct parent *parent, struct child *child)
{
	struct dkim_desk *desk = desk_of(parent);

	if (child->role != ROLE_KEYS)
		return;
	for (size_t i = 0; i < desk->keys.count; i++)
		desk->numbers[i].load = DESK_NOT_LOADED;
	desk->is_told = false;
}

void dkim_desk_append_list(const struct parent *parent, struct buf *to)
{
	const struct dkim_keys *keys = &parent->dkim_desk.keys;

	for (size_t i = 0; i < keys->count; i++) {
		const struct dkim_key *key = &keys->items[i];
		buf_printf(to, "dkim/%s/%s %s, %s, SHA-256 %s\n", key->domain, key->selector,
			   dkim_algorithm_name(key->algorithm), dkim_state_name(key->state),
			   evidence_hash_of(str_from_c(key->record)).text);
	}
}
