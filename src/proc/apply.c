/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting a configuration in force.
 *
 *   read and check the file, bind what is new          (fails: nothing changed)
 *   -> read the pairs, give each private key to keys, wait for its answers
 *   -> give certificates, sockets and text to auth and the fronts, wait
 *   -> in force; answer whoever asked for it
 *
 * Until the last step the former configuration serves, and a fault on the way
 * leaves it in force.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "config/file.h"
#include "proc/evidence_key.h"
#include "proc/notify.h"
#include "proc/parent.h"
#include "proc/role.h"
#include "tls/user_anchors.h"

static void findings_log(struct parent *parent, const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];
		struct buf line = BUF_INIT(LOG_LINE_MAX);
		finding_append(&line, STR("mailserver.cfg"), finding);
		struct str text = str_trim(buf_str(&line));
		if (finding->severity != FINDING_NOTE)
			log_printf(&parent->logs.log,
				   finding->severity == FINDING_ERROR ? LOG_ERROR : LOG_WARNING,
				   "%.*s", STR_ARG(text));
		buf_done(&line);
	}
}

static void broken_set(struct parent *parent, const struct findings *findings)
{
	struct buf text = BUF_INIT(LOG_LINE_MAX);

	for (size_t i = 0; i < findings->count && text.len == 0; i++)
		if (findings->items[i].severity == FINDING_ERROR)
			finding_append(&text, STR("mailserver.cfg"), &findings->items[i]);
	free(parent->broken);
	parent->broken = text.len == 0 ? NULL : str_dup_c(str_trim(buf_str(&text)));
	buf_done(&text);
}

bool apply_was_told(const struct parent *parent, struct str text)
{
	struct evidence_hash hash = evidence_hash_of(text);

	return parent->broken != NULL &&
	       str_equals(str_from_c(hash.text), str_from_c(parent->broken_text.text));
}

/* Before it is parsed: an edit between the two is noticed as another text. */
static void broken_text_keep(struct parent *parent)
{
	struct buf text = BUF_INIT(CONFIG_FILE_MAX);

	parent->broken_text = evidence_hash_none();
	if (file_read(parent->config_path, &text) == FAULT_NONE)
		parent->broken_text = evidence_hash_of(buf_str(&text));
	buf_done(&text);
}

struct config *apply_read(struct parent *parent)
{
	struct findings findings;
	struct config *config = NULL;

	findings_init(&findings);
	broken_text_keep(parent);
	enum fault fault =
		config_file_load(parent->config_path, parent->catalog, &findings, &config);
	findings_log(parent, &findings);
	broken_set(parent, &findings);
	if (fault != FAULT_NONE && parent->config != NULL)
		log_printf(&parent->logs.log, LOG_ERROR,
			   "mailserver.cfg is not put in force; the last good configuration stays");
	findings_done(&findings);
	return config;
}

static void apply_end(struct parent *parent, const char *reason)
{
	parent->apply = APPLY_NONE;
	config_unref(&parent->next_config);
	listeners_close(&parent->next_listeners);
	pairs_free(&parent->next_pairs);
	if (reason != NULL)
		change_failed(parent);
	if (reason != NULL && parent->config != NULL)
		log_printf(&parent->logs.log, LOG_ERROR, "reload failed: %s", reason);
	control_reload_done(parent, reason);
	acme_desk_applied(parent, reason);
	if (parent->apply_again)
		apply_begin(parent);
	else if (parent->pairs_again)
		apply_pairs_begin(parent);
}

/* ---- the keys ---- */

static bool pair_is_carried_over(const struct pair *pair)
{
	return pair->secret.len == 0;
}

/*
 * The last message of the generation lets keys destroy what it does not name;
 * a pair that was kept from before is not named, so then nothing is destroyed.
 */
static void keys_give(struct parent *parent)
{
	struct child *keys = role_find(parent, ROLE_KEYS);
	struct pairs *pairs = &parent->next_pairs;
	bool any_carried = false;

	parent->answers_awaited = 1;
	for (size_t i = 0; i < pairs->count; i++) {
		struct pair *pair = &pairs->items[i];
		if (pair_is_carried_over(pair)) {
			any_carried = true;
			continue;
		}
		struct msg_key_given given = {.generation = parent->generation + 1,
					      .key = pair->key,
					      .pem = buf_str(&pair->secret)};
		if (child_send(keys, MSG_key_given, i + 1, &given) == FAULT_NONE)
			parent->answers_awaited++;
		buf_wipe(&pair->secret);
	}
	struct msg_key_given last = {.generation = parent->generation + 1, .is_last = !any_carried};
	if (child_send(keys, MSG_key_given, 0, &last) != FAULT_NONE)
		log_printf(&parent->logs.log, LOG_ERROR, "the keys role takes no keys");
}

static void apply_keys(struct parent *parent)
{
	char *roots = path_join(parent->home, "sslca");
	struct tls_trust *trust = tls_trust_new(roots);
	struct pairs_source source = {.folder = parent->certificate_path,
				      .now_s = clock_real_s(),
				      .log = &parent->logs.log,
				      .trust = trust};

	pairs_free(&parent->next_pairs);
	if (pairs_read(&parent->next_pairs, &source, &parent->pairs, &parent->next_key) !=
	    FAULT_NONE)
		log_printf(&parent->logs.log, LOG_ERROR, "%s cannot be read",
			   parent->certificate_path);
	tls_trust_free(&trust);
	free(roots);
	parent->apply = APPLY_KEYS;
	keys_give(parent);
}

static enum fault user_anchors_read(struct parent *parent, struct buf *why)
{
	buf_reset(&parent->next_user_anchors);
	if (!config_asks_for_certificates(parent->next_config))
		return FAULT_NONE;
	enum fault fault =
		tls_user_anchors_load(parent->user_anchors_path, &parent->next_user_anchors, why);
	if (fault == FAULT_NONE && parent->next_user_anchors.len == 0)
		log_printf(&parent->logs.log, LOG_WARNING,
			   "ClientCertificates is 1, but %s holds no certificate of an issuer (*.crt, "
			   "*.pem): nobody is asked for one",
			   parent->user_anchors_path);
	return fault;
}

enum fault apply_files_check(struct parent *parent, struct buf *why)
{
	struct dns_files files;

	dns_files_init(&files);
	enum fault fault =
		dns_files_read(&files, parent->home, &parent->next_config->resolver, why);
	dns_files_done(&files);
	return fault == FAULT_NONE ? user_anchors_read(parent, why) : fault;
}

/* `next_config` is chosen: binds what is new, and goes on with the keys. */
static void apply_next(struct parent *parent)
{
	struct buf why = BUF_INIT(1024);

	listeners_close(&parent->next_listeners);
	if (apply_files_check(parent, &why) != FAULT_NONE ||
	    listeners_bind(&parent->next_listeners, parent->next_config, &parent->listeners,
			   &parent->next_listener, &why) != FAULT_NONE) {
		buf_append_char(&why, '\0');
		apply_end(parent, why.data);
	} else if (roles_are_ready(parent, ROLE_KEYS))
		apply_keys(parent);
	else
		/* It goes on when keys is ready. */
		parent->apply = APPLY_KEYS;
	buf_done(&why);
}

void apply_begin(struct parent *parent)
{
	parent->change_noticed_ms = 0;
	parent->pairs_noticed = false;
	/* Whoever put log files aside says so by a reload. */
	parent->logs_looked_ms = 0;
	dkim_desk_read(parent);
	if (parent->apply != APPLY_NONE) {
		parent->apply_again = true;
		return;
	}
	parent->apply_again = parent->pairs_again = false;
	config_unref(&parent->next_config);
	parent->next_config = apply_read(parent);
	if (parent->next_config == NULL)
		apply_end(parent, parent->broken == NULL ? "mailserver.cfg cannot be read"
							 : parent->broken);
	else
		apply_next(parent);
}

void apply_pairs_begin(struct parent *parent)
{
	parent->pairs_noticed = false;
	if (parent->apply != APPLY_NONE || parent->config == NULL) {
		parent->pairs_again = true;
		return;
	}
	parent->pairs_again = false;
	config_unref(&parent->next_config);
	parent->next_config = config_ref(parent->config);
	apply_next(parent);
}

/* ---- the fronts ---- */

static int memory_file(struct str text)
{
	int fd = memfd_create("postern-config", MFD_CLOEXEC);

	if (fd < 0 || !fd_write_all(fd, text.ptr, text.len) || lseek(fd, 0, SEEK_SET) != 0)
		fd_close(&fd);
	return fd;
}

static enum fault config_give(struct parent *parent, struct child *child,
			      const struct config *config)
{
	struct msg_config_changed changed = {.generation = parent->generation,
					     .text = memory_file(config->text)};
	enum fault fault = changed.text < 0
				   ? FAULT_IO
				   : child_send(child, MSG_config_changed, parent->generation,
						&changed);

	fd_close(&changed.text);
	return fault;
}

static enum fault user_anchors_give(struct parent *parent, struct child *child)
{
	struct msg_user_anchors_given given = {.generation = parent->generation,
					       .pem = memory_file(buf_str(&parent->user_anchors))};
	enum fault fault = given.pem < 0 ? FAULT_IO
					 : child_send(child, MSG_user_anchors_given, 0, &given);

	fd_close(&given.pem);
	return fault;
}

static enum fault certificates_give(struct parent *parent, struct child *child)
{
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; i < parent->pairs.count && fault == FAULT_NONE; i++) {
		const struct pair *pair = &parent->pairs.items[i];
		struct msg_certificate_given given = {.generation = parent->generation,
						      .key = pair->key,
						      .is_default = pair->is_default,
						      .is_public = pair->is_public,
						      .name = str_from_c(pair->name),
						      .chain = buf_str(&pair->chain)};
		fault = child_send(child, MSG_certificate_given, 0, &given);
	}
	return fault;
}

static enum fault front_give(struct parent *parent, struct child *child)
{
	enum fault fault = user_anchors_give(parent, child);

	if (fault == FAULT_NONE)
		fault = certificates_give(parent, child);
	if (fault == FAULT_NONE)
		fault = staples_give(&parent->staples, child);
	for (size_t i = 0; i < parent->listeners.count && fault == FAULT_NONE; i++) {
		const struct listener *listener = &parent->listeners.items[i];
		struct msg_listener_given given = {.generation = parent->generation,
						   .listener = listener->number,
						   .service = listener->service,
						   .fd = listener->fd};
		fault = child_send(child, MSG_listener_given, 0, &given);
	}
	return fault == FAULT_NONE ? config_give(parent, child, parent->config) : fault;
}

/*
 * Reads the files anew; true when they say something else than before. What cannot be
 * read leaves what was read last: without trust anchors nothing would be proven.
 */
static bool dns_files_reread(struct parent *parent)
{
	struct buf why = BUF_INIT(1024);
	struct dns_files files;

	dns_files_init(&files);
	enum fault fault =
		dns_files_read(&files, parent->home, &parent->config->resolver, &why);
	bool differs = fault == FAULT_NONE && !dns_files_equal(&files, &parent->dns_files);
	if (fault != FAULT_NONE)
		log_printf(&parent->logs.log, LOG_ERROR, "%.*s", STR_ARG(buf_str(&why)));
	if (differs) {
		dns_files_done(&parent->dns_files);
		parent->dns_files = files;
	} else
		dns_files_done(&files);
	buf_done(&why);
	return differs;
}

static enum fault mailq_give(struct parent *parent, struct child *child)
{
	(void)dns_files_reread(parent);
	struct msg_dns_files_given given = {.servers = buf_str(&parent->dns_files.servers),
					    .anchors = buf_str(&parent->dns_files.anchors)};
	enum fault fault = child_send(child, MSG_dns_files_given, 0, &given);
	/* So that it knows which of them end soon. */
	if (fault == FAULT_NONE)
		fault = certificates_give(parent, child);
	return fault == FAULT_NONE ? config_give(parent, child, parent->config) : fault;
}

static void child_give(struct parent *parent, struct child *child)
{
	enum fault fault = FAULT_NONE;

	if (child->role == ROLE_FRONT)
		fault = front_give(parent, child);
	else if (child->role == ROLE_MAILQ)
		fault = mailq_give(parent, child);
	else if (child->role == ROLE_AUTH)
		fault = config_give(parent, child, parent->config);
	if (fault != FAULT_NONE)
		log_printf(&parent->logs.log, LOG_ERROR,
			   "role %s does not take the configuration: %s", role_name(child->role),
			   fault_text(fault));
}

void apply_files_look(struct parent *parent)
{
	struct child *mailq = role_find(parent, ROLE_MAILQ);

	if (parent->config != NULL && mailq != NULL && mailq->state == CHILD_READY &&
	    dns_files_reread(parent))
		child_give(parent, mailq);
}

static void say_ready(struct parent *parent)
{
	if (parent->was_ready)
		return;
	parent->was_ready = true;
	puts("postern: ready");
	fflush(stdout);
	notify_service_manager("READY=1");
}

static void apply_done(struct parent *parent)
{
	char *reason = parent->apply_fault;

	parent->apply_fault = NULL;
	if (reason == NULL) {
		const char *unrecorded = change_in_force(parent);
		if (unrecorded != NULL)
			reason = str_dup_c(str_from_c(unrecorded));
		log_printf(&parent->logs.log, LOG_CONFIG, "configuration %llu is in force",
			   (unsigned long long)parent->generation);
		say_ready(parent);
	}
	apply_end(parent, reason);
	free(reason);
	if (parent->apply == APPLY_NONE)
		port_checks_begin(parent);
}

/* The keys have answered: from here on the new configuration is the one in force. */
static void apply_fronts(struct parent *parent)
{
	pairs_settle(&parent->next_pairs, &parent->pairs, &parent->logs.log);
	if (parent->next_pairs.count == 0 && parent->config == NULL) {
		parent_give_up(parent, EXIT_USAGE,
			       "there is no usable certificate in %s: put a chain into server.crt and its key"
			       " into server.key",
			       parent->certificate_path);
		return;
	}
	parent->generation++;
	if (parent->config == NULL ||
	    !str_equals(parent->config->text, parent->next_config->text))
		parent->text_generation = parent->generation;
	config_unref(&parent->config);
	parent->config = parent->next_config;
	parent->next_config = NULL;
	listeners_close(&parent->listeners);
	parent->listeners = parent->next_listeners;
	parent->next_listeners.count = 0;
	pairs_free(&parent->pairs);
	parent->pairs = parent->next_pairs;
	parent->next_pairs.count = 0;
	buf_reset(&parent->user_anchors);
	buf_append_str(&parent->user_anchors, buf_str(&parent->next_user_anchors));
	parent->applied_s = clock_real_s();
	parent->apply = APPLY_FRONTS;
	parent->answers_awaited = 0;
	parent->mailq_owes_answer = false;
	for (size_t i = 0; i < parent->child_count; i++) {
		struct child *child = &parent->children[i];
		/* Mail that goes out after a reload goes by it. One that is not there yet begins with it. */
		if (child->role == ROLE_MAILQ && child->state == CHILD_READY)
			parent->mailq_owes_answer = true;
		if (child->role == ROLE_FRONT)
			parent->answers_awaited++;
		if (child->state == CHILD_READY)
			child_give(parent, child);
	}
	roles_start_due(parent);
}

void apply_role_ready(struct parent *parent, struct child *child)
{
	if (child->role == ROLE_KEYS) {
		evidence_key_give(parent);
		/* A new keys process has no keys: whatever is in force is given anew, from the files. */
		if (parent->apply == APPLY_NONE && parent->config != NULL)
			apply_pairs_begin(parent);
		else if (parent->apply != APPLY_FRONTS)
			apply_keys(parent);
		else
			parent->apply_again = true;
	} else if (parent->config != NULL)
		child_give(parent, child);
	roles_start_due(parent);
}

/* Done when all have answered. */
static void fronts_look(struct parent *parent)
{
	if (parent->answers_awaited == 0 && !parent->mailq_owes_answer)
		apply_done(parent);
}

static void front_answered(struct parent *parent, const struct packet *packet)
{
	const struct msg_done *done = &packet->message.done;

	if (done->fault != FAULT_NONE && parent->apply_fault == NULL)
		parent->apply_fault = str_dup_c(done->text);
	/* A front that was started again: the check of the ports may have died with it. */
	if (parent->apply == APPLY_NONE && port_checks_are_running(parent))
		port_checks_begin(parent);
	if (parent->apply != APPLY_FRONTS || packet->header.id != parent->generation)
		return;
	parent->answers_awaited--;
	fronts_look(parent);
}

/* It has put the configuration in force; or has died, and will begin with it. */
static void mailq_answered(struct parent *parent)
{
	parent->mailq_owes_answer = false;
	if (parent->apply == APPLY_FRONTS)
		fronts_look(parent);
}

void apply_role_answered(struct parent *parent, struct child *child, struct packet *packet)
{
	const struct msg_done *done = &packet->message.done;
	uint64_t id = packet->header.id;

	if (packet->header.kind == MSG_staple_given)
		staples_take(&parent->staples, &parent->pairs, &packet->message.staple_given,
			     parent->children, parent->child_count);
	if (packet->header.kind == MSG_self_checked)
		self_checks_take(parent, child->index, &packet->message.self_checked);
	if (packet->header.kind == MSG_ports_checked)
		port_checks_take(parent, &packet->message.ports_checked);
	if (packet->header.kind == MSG_evidence_signed)
		evidence_heads_take(parent, id, &packet->message.evidence_signed);
	if (packet->header.kind != MSG_done)
		return;
	if (child->role == ROLE_FRONT) {
		front_answered(parent, packet);
	} else if (child->role == ROLE_MAILQ && id == parent->generation &&
		   parent->mailq_owes_answer) {
		mailq_answered(parent);
	} else if (child->role == ROLE_KEYS && parent->apply == APPLY_KEYS) {
		if (id > 0 && id <= parent->next_pairs.count)
			pair_key_answered(&parent->next_pairs.items[id - 1], &parent->pairs,
					  done->fault, done->text, &parent->logs.log);
		if (--parent->answers_awaited == 0)
			apply_fronts(parent);
	}
}

void apply_role_died(struct parent *parent, struct child *child)
{
	/* A front that dies before it answered is given the same when it is there again; its answer still counts. */
	if (child->role == ROLE_KEYS && parent->apply == APPLY_KEYS)
		parent->answers_awaited = 0;
	if (child->role == ROLE_MAILQ && parent->mailq_owes_answer)
		mailq_answered(parent);
}
