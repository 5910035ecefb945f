/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/acme_desk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "acme/order.h"
#include "base/clock.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "proc/json.h"
#include "proc/parent.h"
#include "tls/certificate_facts.h"

enum { CHALLENGE_MESSAGE_MAX = 96 * 1024 };

_Static_assert(CHILDREN_MAX <= 32, "a bit for each");

static struct acme_desk *desk_of(struct parent *parent)
{
	return &parent->acme_desk;
}

static void answer_done(struct parent *parent, uint64_t id, enum fault fault, struct str text)
{
	struct msg_done done = {.fault = fault, .text = text};
	struct child *mailq = role_find(parent, ROLE_MAILQ);

	if (child_send(mailq, MSG_done, id, &done) == FAULT_BUSY)
		log_printf(&parent->logs.log, LOG_ERROR, "role mailq does not take an answer");
}

/* ---- files ---- */

/* "FOLDER/PREFIXnameSUFFIX"; the caller frees. */
static char *file_path(const char *folder, const char *prefix, struct str name, const char *suffix)
{
	char *path;

	CHECK(asprintf(&path, "%s/%s%.*s%s", folder, prefix, STR_ARG(name), suffix) > 0);
	return path;
}

static char *new_key_path(struct parent *parent, struct str name)
{
	return file_path(parent->certificate_path, ".", name, ".key.new");
}

static char *new_chain_path(struct parent *parent, struct str name)
{
	return file_path(parent->certificate_path, ".", name, ".crt.new");
}

static enum fault file_move(const char *from, const char *to)
{
	return rename(from, to) == 0 ? FAULT_NONE : fault_from_errno(errno);
}

/* The key first: the chain's new file says that both are whole, and is there until the end. */
static enum fault pair_move(struct parent *parent, struct str name)
{
	char *new_key = new_key_path(parent, name), *new_chain = new_chain_path(parent, name);
	char *key = file_path(parent->certificate_path, "", name, ".key");
	char *chain = file_path(parent->certificate_path, "", name, ".crt");
	enum fault fault = file_move(new_key, key);

	/* Where the key is kept there is no new one. */
	if (fault == FAULT_NONE || fault == FAULT_NOT_FOUND)
		fault = file_move(new_chain, chain);
	if (fault == FAULT_NONE)
		fault = folder_sync(parent->certificate_path);
	free(new_key);
	free(new_chain);
	free(key);
	free(chain);
	return fault;
}

/* "server" of ".server.crt.new"; empty for other names. */
static struct str left_name(const char *file, const char *suffix)
{
	struct str name = str_from_c(file), end = str_from_c(suffix);

	if (name.len <= 1 + end.len || name.ptr[0] != '.' || !str_has_suffix_nocase(name, end))
		return STR("");
	name = str_sub(name, 1, name.len - 1 - end.len);
	return acme_name_is_valid(name) ? name : STR("");
}

static void left_finish(struct parent *parent, struct str name)
{
	enum fault fault = pair_move(parent, name);

	log_printf(&parent->logs.log, fault == FAULT_NONE ? LOG_WARNING : LOG_ERROR,
		   "certificate %.*s had come from the CA when the server died; it is %s%s",
		   STR_ARG(name),
		   fault == FAULT_NONE ? "put in place now" : "not put in place: ",
		   fault == FAULT_NONE ? "" : fault_text(fault));
}

static void lefts_each(struct parent *parent, const char *suffix,
		       void (*act)(struct parent *parent, struct str name))
{
	struct dirent **entries;
	int count = scandir(parent->certificate_path, &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		struct str name = left_name(entries[i]->d_name, suffix);
		if (!str_is_empty(name))
			act(parent, name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

static void left_key_drop(struct parent *parent, struct str name)
{
	char *path = new_key_path(parent, name);

	unlink(path);
	free(path);
}

void acme_desk_open(struct parent *parent)
{
	struct acme_desk *desk = desk_of(parent);

	*desk = (struct acme_desk){.next_key = KEY_WORKING_FIRST,
				   .challenge = BUF_INIT(CHALLENGE_MESSAGE_MAX)};
	lefts_each(parent, ".crt.new", left_finish);
	lefts_each(parent, ".key.new", left_key_drop);
}

/* ---- the end of an order ---- */

static void keys_forget(struct parent *parent)
{
	struct acme_desk *desk = desk_of(parent);
	struct child *keys = role_find(parent, ROLE_KEYS);

	while (desk->key_count > 0) {
		struct msg_working_key_ended ended = {.key = desk->keys[--desk->key_count]};
		if (keys->state == CHILD_READY &&
		    child_send(keys, MSG_working_key_ended, 0, &ended) == FAULT_BUSY)
			log_printf(&parent->logs.log, LOG_ERROR,
				   "role keys does not hear that a key is not needed any more");
	}
}

static void file_drop(char **path)
{
	if (*path != NULL)
		unlink(*path);
	free(*path);
	*path = NULL;
}

/* `id` is mailq's, where it waits for the front; else 0. */
static void challenge_send(struct parent *parent, struct child *front, uint64_t id,
			   const struct msg_acme_challenge *challenge)
{
	if (child_send(front, MSG_acme_challenge, id, challenge) != FAULT_NONE)
		log_printf(&parent->logs.log, LOG_ERROR,
			   "front %u does not take the challenge of a CA", front->index);
}

static void challenge_drop(struct parent *parent)
{
	const struct msg_acme_challenge nothing = {.key = 0};

	if (desk_of(parent)->challenge.len == 0)
		return;
	buf_reset(&desk_of(parent)->challenge);
	for (size_t i = 0; i < parent->child_count; i++)
		if (parent->children[i].role == ROLE_FRONT &&
		    parent->children[i].state == CHILD_READY)
			challenge_send(parent, &parent->children[i], 0, &nothing);
}

static void order_forget(struct parent *parent)
{
	struct acme_desk *desk = desk_of(parent);

	keys_forget(parent);
	challenge_drop(parent);
	file_drop(&desk->key_file);
	file_drop(&desk->pair_key_file);
	free(desk->key_place);
	desk->key_place = NULL;
	desk->key_asked = desk->pair_asked = desk->challenge_asked = 0;
	desk->has_pair_key = false;
}

void acme_desk_close(struct parent *parent)
{
	struct acme_desk *desk = desk_of(parent);

	file_drop(&desk->key_file);
	file_drop(&desk->pair_key_file);
	free(desk->key_place);
	buf_done(&desk->challenge);
	for (size_t i = 0; i < desk->state_count; i++)
		free(desk->states[i].text);
}

/* ---- keys ---- */

static void key_refuse(struct parent *parent, uint64_t id, enum fault fault, const char *text)
{
	struct msg_acme_key_given given = {.fault = fault, .text = str_from_c(text)};

	if (child_send(role_find(parent, ROLE_MAILQ), MSG_acme_key_given, id, &given) == FAULT_BUSY)
		log_printf(&parent->logs.log, LOG_ERROR, "role mailq does not take an answer");
}

/* A file that nobody else has open. */
static int file_new(const char *path)
{
	unlink(path);
	return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* The key of the pair as it is, where it may go on; -1 and errno. */
static int kept_key_open(struct parent *parent, struct str name, uint8_t kind)
{
	char *path = file_path(parent->certificate_path, "", name, ".key");
	int fd = -1;

	errno = ENOENT;
	for (size_t i = 0; i < parent->pairs.count; i++) {
		const struct pair *pair = &parent->pairs.items[i];
		bool is_rsa = tls_certificate_kind(pair->certificate) == TLS_KEY_RSA;
		if (str_equals(str_from_c(pair->name), name) && pair->is_good &&
		    is_rsa == (kind == KEY_KIND_RSA))
			fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	free(path);
	return fd;
}

/* Opens what the key is read from or written to; -1 with errno 0 where there is no file. */
static int key_open(struct parent *parent, const struct msg_acme_key_wanted *wanted, bool *is_new)
{
	struct acme_desk *desk = desk_of(parent);
	char *folder = path_join(parent->home, "acme");
	int fd = -1;

	*is_new = false;
	errno = 0;
	if (wanted->use == ACME_KEY_CHALLENGE)
		*is_new = true;
	else if (wanted->use == ACME_KEY_ACCOUNT && folder_make(folder, 0700) == FAULT_NONE) {
		desk->key_place = file_path(folder, "", wanted->name, ".key");
		fd = open(desk->key_place, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0 && errno == ENOENT)
			desk->key_file = file_path(folder, ".", wanted->name, ".key.new");
	} else if (wanted->use != ACME_KEY_ACCOUNT) {
		if (wanted->use == ACME_KEY_KEPT)
			fd = kept_key_open(parent, wanted->name, wanted->kind);
		if (fd < 0)
			desk->key_file = new_key_path(parent, wanted->name);
	}
	if (desk->key_file != NULL) {
		*is_new = true;
		fd = file_new(desk->key_file);
	}
	free(folder);
	return fd;
}

static void key_wanted(struct parent *parent, uint64_t id, const struct msg_acme_key_wanted *wanted)
{
	struct acme_desk *desk = desk_of(parent);
	struct child *keys = role_find(parent, ROLE_KEYS);
	bool is_new;

	if (wanted->use >= ACME_KEY_USES || !acme_name_is_valid(wanted->name) ||
	    desk->key_asked != 0 || desk->key_count == DESK_KEYS_MAX) {
		key_refuse(parent, id, FAULT_INVALID, "no key is given for this");
		return;
	}
	free(desk->key_place);
	desk->key_place = NULL;
	struct msg_working_key_wanted ask = {.key = desk->next_key++, .kind = wanted->kind};
	ask.users = 1u << ROLE_MAILQ | (wanted->use == ACME_KEY_CHALLENGE ? 1u << ROLE_FRONT : 0);
	ask.file = key_open(parent, wanted, &is_new);
	ask.is_new = is_new;
	if (ask.file < 0 && wanted->use != ACME_KEY_CHALLENGE) {
		key_refuse(parent, id, fault_from_errno(errno),
			   "the file of a private key cannot be opened");
		file_drop(&desk->key_file);
		return;
	}
	desk->keys[desk->key_count++] = ask.key;
	desk->key_asked = id;
	desk->key_use = wanted->use;
	if (wanted->use == ACME_KEY_NEW || wanted->use == ACME_KEY_KEPT)
		CHECK(str_copy_c(wanted->name, desk->pair_name, sizeof(desk->pair_name)));
	if (child_send(keys, MSG_working_key_wanted, id, &ask) != FAULT_NONE) {
		desk->key_asked = 0;
		file_drop(&desk->key_file);
		key_refuse(parent, id, FAULT_UNAVAILABLE, "the keys role does not answer");
	}
	fd_close(&ask.file);
}

/* What was written goes where it belongs, or waits for its certificate. */
static enum fault key_settle(struct acme_desk *desk, struct str public_key)
{
	enum fault fault = FAULT_NONE;

	if (desk->key_use == ACME_KEY_ACCOUNT) {
		if (desk->key_file != NULL)
			fault = file_move(desk->key_file, desk->key_place);
	} else if (desk->key_use != ACME_KEY_CHALLENGE) {
		file_drop(&desk->pair_key_file);
		desk->pair_key_file = desk->key_file;
		desk->key_file = NULL;
		sha256(public_key, desk->pair_key_id);
		desk->has_pair_key = true;
	}
	if (fault != FAULT_NONE)
		return fault;
	free(desk->key_file);
	desk->key_file = NULL;
	return FAULT_NONE;
}

static void key_answered(struct parent *parent, uint64_t id,
			 const struct msg_working_key_given *answer)
{
	struct acme_desk *desk = desk_of(parent);
	struct msg_acme_key_given given = {.fault = answer->fault,
					   .key = desk->next_key - 1,
					   .public_key = answer->public_key,
					   .text = answer->text};

	/* The order was given up meanwhile. */
	if (desk->key_asked == 0 || desk->key_asked != id)
		return;
	desk->key_asked = 0;
	if (given.fault == FAULT_NONE)
		given.fault = key_settle(desk, answer->public_key);
	if (given.fault != FAULT_NONE)
		file_drop(&desk->key_file);
	if (child_send(role_find(parent, ROLE_MAILQ), MSG_acme_key_given, id, &given) == FAULT_BUSY)
		log_printf(&parent->logs.log, LOG_ERROR, "role mailq does not take an answer");
}

/* ---- challenges ---- */

static void challenge_settle(struct parent *parent)
{
	struct acme_desk *desk = desk_of(parent);

	if (desk->challenge_asked == 0 || desk->fronts_awaited != 0)
		return;
	answer_done(parent, desk->challenge_asked, desk->challenge_fault,
		    desk->challenge_fault == FAULT_NONE ? STR("")
							: STR("a front does not take the challenge"));
	desk->challenge_asked = 0;
}

static void challenge_wanted(struct parent *parent, uint64_t id,
			     const struct msg_acme_challenge *challenge)
{
	struct acme_desk *desk = desk_of(parent);
	struct message_header header = {.kind = MSG_acme_challenge};
	int no_fd = -1;

	buf_reset(&desk->challenge);
	if (!str_is_empty(challenge->token))
		message_encode(&desk->challenge, header, challenge, &no_fd);
	desk->challenge_asked = id;
	desk->challenge_fault = desk->challenge.failed ? FAULT_TOO_LARGE : FAULT_NONE;
	desk->fronts_awaited = 0;
	for (size_t i = 0; i < parent->child_count; i++) {
		struct child *child = &parent->children[i];
		if (child->role != ROLE_FRONT || child->state != CHILD_READY)
			continue;
		desk->fronts_awaited |= 1u << i;
		challenge_send(parent, child, id, challenge);
	}
	/* While none serves, the first that does is waited for. */
	if (desk->fronts_awaited != 0 || desk->challenge.len == 0)
		challenge_settle(parent);
}

static void challenge_taken(struct parent *parent, const struct child *front, uint64_t id,
			    enum fault fault)
{
	struct acme_desk *desk = desk_of(parent);

	if (id != desk->challenge_asked)
		return;
	if (fault != FAULT_NONE)
		desk->challenge_fault = FAULT_INVALID;
	desk->fronts_awaited &= ~(1u << (front - parent->children));
	challenge_settle(parent);
}

/* One that starts later has to know it before it serves. */
static void challenge_remind(struct parent *parent, struct child *front)
{
	struct acme_desk *desk = desk_of(parent);
	struct message_header header;
	union message_any message;

	if (desk->challenge.len == 0 ||
	    message_decode(buf_str(&desk->challenge), -1, &header, &message) != FAULT_NONE)
		return;
	if (desk->challenge_asked != 0)
		desk->fronts_awaited |= 1u << (front - parent->children);
	challenge_send(parent, front, desk->challenge_asked, &message.acme_challenge);
}

/* ---- the pair ---- */

static bool form_is_good(const struct tls_certificate *certificate, struct buf *why)
{
	struct findings findings;

	findings_init(&findings);
	tls_certificate_check_form(certificate, "", clock_real_s(), &findings);
	for (size_t i = 0; i < findings.count && why->len == 0; i++)
		if (findings.items[i].severity == FINDING_ERROR)
			buf_append_str(why, findings.items[i].text);
	findings_done(&findings);
	return why->len == 0;
}

/* What comes in force is looked at once more when it is read; but then the old files are gone. */
static enum fault pair_check(struct acme_desk *desk, const struct msg_acme_pair *pair,
			     struct tls_certificate **certificate_out, struct buf *why)
{
	if (!desk->has_pair_key || !str_equals(pair->name, str_from_c(desk->pair_name))) {
		buf_append_c(why, "no key was made for this pair");
		return FAULT_INVALID;
	}
	enum fault fault = tls_certificate_parse(pair->chain, why, certificate_out);
	if (fault != FAULT_NONE)
		return fault;
	if (memcmp(tls_certificate_key_id(*certificate_out), desk->pair_key_id,
		   sizeof(desk->pair_key_id)) != 0)
		buf_append_c(why, "the certificate is for another key");
	else if (tls_certificate_not_after(*certificate_out) <= clock_real_s())
		buf_append_c(why, "the certificate has expired");
	else if (form_is_good(*certificate_out, why))
		return FAULT_NONE;
	tls_certificate_unref(certificate_out);
	return FAULT_INVALID;
}

static enum fault pair_write(struct parent *parent, struct str name,
			     const struct tls_certificate *certificate)
{
	char *path = new_chain_path(parent, name);
	struct buf chain = BUF_INIT(TLS_PEM_MAX);

	tls_certificate_append_pem(certificate, &chain);
	/* So the name of the key is durable before the file that speaks for both. */
	enum fault fault = folder_sync(parent->certificate_path);
	if (fault == FAULT_NONE)
		fault = file_replace(path, buf_str(&chain), 0644);
	if (fault == FAULT_NONE)
		fault = pair_move(parent, name);
	buf_done(&chain);
	free(path);
	return fault;
}

static void pair_given(struct parent *parent, uint64_t id, const struct msg_acme_pair *pair)
{
	struct acme_desk *desk = desk_of(parent);
	struct tls_certificate *certificate = NULL;
	struct buf why = BUF_INIT(4096);
	enum fault fault = pair_check(desk, pair, &certificate, &why);

	if (fault == FAULT_NONE) {
		fault = pair_write(parent, pair->name, certificate);
		if (fault != FAULT_NONE)
			buf_printf(&why, "%s: %s", parent->certificate_path, fault_text(fault));
	}
	if (fault != FAULT_NONE)
		answer_done(parent, id, fault, buf_str(&why));
	else {
		memcpy(desk->pair_digest, tls_certificate_digest(certificate),
		       sizeof(desk->pair_digest));
		desk->pair_asked = id;
		/* In place now: nothing is to be thrown away. */
		free(desk->pair_key_file);
		desk->pair_key_file = NULL;
		apply_pairs_begin(parent);
	}
	tls_certificate_unref(&certificate);
	buf_done(&why);
}

static bool pair_is_in_force(const struct parent *parent)
{
	const struct acme_desk *desk = &parent->acme_desk;

	for (size_t i = 0; i < parent->pairs.count; i++)
		if (strcmp(parent->pairs.items[i].name, desk->pair_name) == 0)
			return memcmp(tls_certificate_digest(parent->pairs.items[i].certificate),
				      desk->pair_digest, sizeof(desk->pair_digest)) == 0;
	return false;
}

void acme_desk_applied(struct parent *parent, const char *reason)
{
	struct acme_desk *desk = desk_of(parent);
	bool is_in_force = pair_is_in_force(parent);

	/* What was on its way when the pair came may have been read before. */
	if (desk->pair_asked == 0 ||
	    (!is_in_force && (parent->apply_again || parent->pairs_again)))
		return;
	if (is_in_force)
		answer_done(parent, desk->pair_asked, FAULT_NONE, STR(""));
	else
		answer_done(parent, desk->pair_asked, FAULT_INVALID,
			    reason == NULL ? STR("the pair is not in force; error.log says why")
					   : str_from_c(reason));
	desk->pair_asked = 0;
}

/* ---- standings ---- */

static void state_take(struct acme_desk *desk, const struct msg_acme_state *state)
{
	size_t i = 0;

	while (i < desk->state_count &&
	       !str_equals(str_from_c(desk->states[i].name), state->name))
		i++;
	if (i == ACME_CERTIFICATES_MAX || !acme_name_is_valid(state->name))
		return;
	if (i == desk->state_count) {
		desk->states[i] = (struct desk_state){.name = ""};
		CHECK(str_copy_c(state->name, desk->states[i].name, sizeof(desk->states[i].name)));
		desk->state_count++;
	}
	desk->states[i].failures = state->failures;
	desk->states[i].next_s = (int64_t)state->next_s;
	free(desk->states[i].text);
	desk->states[i].text = str_is_empty(state->text) ? NULL : str_dup_c(state->text);
}

void acme_desk_append_status(const struct parent *parent, struct buf *json)
{
	const struct acme_desk *desk = &parent->acme_desk;
	bool any = false;

	buf_append_c(json, ",\"acme\":[");
	for (size_t i = 0; i < desk->state_count; i++) {
		const struct desk_state *state = &desk->states[i];
		if (parent->config == NULL ||
		    acme_certificate_find(&parent->config->acme, str_from_c(state->name)) == NULL)
			continue;
		buf_printf(json, "%s{\"name\":\"%s\",\"failures\":%u,\"next\":%lld,\"why\":",
			   any ? "," : "", state->name, state->failures, (long long)state->next_s);
		append_json_string(json, str_from_c(state->text));
		buf_append_char(json, '}');
		any = true;
	}
	buf_append_char(json, ']');
}

/* ---- messages ---- */

bool acme_desk_take(struct parent *parent, struct child *child, struct packet *packet)
{
	const union message_any *message = &packet->message;
	uint64_t id = packet->header.id;

	switch (packet->header.kind) {
	case MSG_acme_key_wanted:
		key_wanted(parent, id, &message->acme_key_wanted);
		return true;
	case MSG_working_key_given:
		key_answered(parent, id, &message->working_key_given);
		return true;
	case MSG_acme_challenge:
		challenge_wanted(parent, id, &message->acme_challenge);
		return true;
	case MSG_acme_challenge_taken:
		challenge_taken(parent, child, id, message->acme_challenge_taken.fault);
		return true;
	case MSG_acme_pair:
		pair_given(parent, id, &message->acme_pair);
		return true;
	case MSG_acme_ended:
		order_forget(parent);
		return true;
	case MSG_acme_state:
		state_take(desk_of(parent), &message->acme_state);
		return true;
	default:
		return false;
	}
}

void acme_desk_role_ready(struct parent *parent, struct child *child)
{
	if (child->role == ROLE_FRONT)
		challenge_remind(parent, child);
}

void acme_desk_role_died(struct parent *parent, struct child *child)
{
	struct acme_desk *desk = desk_of(parent);

	if (child->role == ROLE_MAILQ)
		order_forget(parent);
	else if (child->role == ROLE_FRONT)
		challenge_taken(parent, child, desk->challenge_asked, FAULT_NONE);
	else if (child->role == ROLE_KEYS && desk->key_asked != 0) {
		uint64_t asked = desk->key_asked;
		desk->key_asked = 0;
		file_drop(&desk->key_file);
		key_refuse(parent, asked, FAULT_UNAVAILABLE, "the keys role has died");
	}
}
