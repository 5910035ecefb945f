/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "proc/floors.h"
#include "proc/home_file.h"
#include "proc/json.h"
#include "proc/parent.h"
#include "proc/partners.h"
#include "proc/watchdog.h"

enum { DAY_S = 24 * 3600 };

static void append_role(struct buf *json, const struct child *child)
{
	static const char *const states[] = {"down", "starting", "ready"};

	buf_printf(json, "{\"name\":\"%s\",\"index\":%u,\"pid\":%d,\"state\":\"%s\",\"restarts\":%u,\"sandbox\":",
		   role_name(child->role), child->index, (int)child->pid,
		   watchdog_is_silent(child) ? "silent" : states[child->state],
		   child->restarts);
	append_json_string(json, str_from_c(child->sandbox));
	buf_append_char(json, '}');
}

static void append_listener(struct buf *json, const struct listener *listener)
{
	buf_printf(json, "{\"service\":\"%s\",\"address\":\"", service_name(listener->service));
	listener_append_address(json, listener);
	buf_append_c(json, "\"}");
}

static void append_certificate(struct buf *json, const struct pair *pair,
			       const struct staples *staples)
{
	struct buf text = BUF_INIT(1024);

	tls_certificate_describe(pair->certificate, &text);
	buf_append_c(json, "{\"name\":");
	append_json_string(json, str_from_c(pair->name));
	buf_append_c(json, ",\"certificate\":");
	append_json_string(json, buf_str(&text));
	buf_printf(json, ",\"kind\":\"%s\",\"is_default\":%s,\"expires\":%lld,\"sha256\":\"",
		   tls_certificate_kind(pair->certificate) == TLS_KEY_RSA ? "rsa" : "ecdsa",
		   pair->is_default ? "true" : "false",
		   (long long)tls_certificate_not_after(pair->certificate));
	hex_encode(json, str_make(tls_certificate_digest(pair->certificate), SHA256_BYTES));
	int64_t left_s = tls_certificate_not_after(pair->certificate) - clock_real_s();
	buf_printf(json, "\",\"days_left\":%lld,\"expires_soon\":%s",
		   (long long)(left_s / DAY_S),
		   expiry_threshold(left_s) == EXPIRY_NEVER ? "false" : "true");
	staples_append_status(staples, pair->certificate, json);
	buf_append_char(json, '}');
	buf_done(&text);
}

void status_append(const struct parent *parent, struct buf *json)
{
	buf_printf(json, "{\"version\":\"%s\",\"pid\":%d,\"ready\":%s,\"started\":%lld,"
			 "\"generation\":%llu,\"applied\":%lld,\"config_broken\":",
		   POSTERN_VERSION, (int)getpid(), parent->was_ready ? "true" : "false",
		   (long long)parent->started_s, (unsigned long long)parent->generation,
		   (long long)parent->applied_s);
	if (parent->broken != NULL)
		append_json_string(json, str_from_c(parent->broken));
	else
		buf_append_c(json, "null");
	buf_append_c(json, ",\"roles\":[");
	for (size_t i = 0; i < parent->child_count; i++) {
		buf_append_c(json, i == 0 ? "" : ",");
		append_role(json, &parent->children[i]);
	}
	buf_append_c(json, "],\"listeners\":[");
	for (size_t i = 0; i < parent->listeners.count; i++) {
		buf_append_c(json, i == 0 ? "" : ",");
		append_listener(json, &parent->listeners.items[i]);
	}
	buf_append_c(json, "],\"certificates\":[");
	for (size_t i = 0; i < parent->pairs.count; i++) {
		buf_append_c(json, i == 0 ? "" : ",");
		append_certificate(json, &parent->pairs.items[i], &parent->staples);
	}
	buf_append_char(json, ']');
	change_append_status(parent, json);
	acme_desk_append_status(parent, json);
	self_checks_append_status(parent, json);
	partners_append_status(parent, json);
	floors_append_status(parent, json);
	disk_append_status(&parent->disk,
			   parent->config == NULL ? 0 : parent->config->limits.free_disk_bytes, json);
	if (parent->shared != NULL)
		metrics_append_status(&parent->shared->metrics, json);
	buf_append_char(json, '}');
}

static void client_free(struct parent *parent, struct control_client *client)
{
	parent_unwatch(parent, &client->source);
	list_remove(&client->node);
	parent->control_client_count--;
	channel_close(&client->channel);
	free(client);
}

static void answer_done(struct control_client *client, uint64_t id, enum fault fault,
			const char *text)
{
	struct msg_done done = {.fault = fault, .text = str_from_c(text)};

	(void)!channel_send(&client->channel, MSG_done, id, &done);
}

void control_reload_done(struct parent *parent, const char *reason)
{
	list_each(node, next, &parent->control_clients) {
		struct control_client *client = list_entry(node, struct control_client, node);
		bool is_early = client->skips_reload;
		client->skips_reload = false;
		if (!client->waits_for_reload || is_early)
			continue;
		client->waits_for_reload = false;
		answer_done(client, client->reload_id,
			    reason == NULL ? FAULT_NONE : FAULT_INVALID, reason);
	}
}

void control_dkim_done(struct parent *parent, const char *reason)
{
	list_each(node, next, &parent->control_clients) {
		struct control_client *client = list_entry(node, struct control_client, node);
		if (!client->waits_for_dkim)
			continue;
		client->waits_for_dkim = false;
		answer_done(client, client->dkim_id,
			    reason == NULL ? FAULT_NONE : FAULT_INVALID, reason);
	}
}

static void answer_status(struct parent *parent, struct control_client *client, uint64_t id)
{
	struct buf json = BUF_INIT(MESSAGE_INLINE_MAX);

	status_append(parent, &json);
	struct msg_status_given given = {.json = buf_str(&json)};
	(void)!channel_send(&client->channel, MSG_status_given, id, &given);
	buf_done(&json);
}

static void answer_config(struct parent *parent, struct control_client *client, uint64_t id)
{
	struct msg_config_changed given = {.generation = parent->generation, .text = -1};

	if (parent->config != NULL) {
		given.text = memfd_create("postern-config", MFD_CLOEXEC);
		if (given.text >= 0 && (!fd_write_all(given.text, parent->config->text.ptr,
						      parent->config->text.len) ||
					lseek(given.text, 0, SEEK_SET) != 0))
			fd_close(&given.text);
	}
	(void)!channel_send(&client->channel, MSG_config_changed, id, &given);
	fd_close(&given.text);
}

static void answer_channel(struct parent *parent, struct control_client *client,
			   const struct packet *packet)
{
	struct msg_channel_given given = {.fd = -1};

	given.fault = role_channel(parent, packet->message.channel_wanted.role, ROLE_CTL, &given.fd);
	(void)!channel_send(&client->channel, MSG_channel_given, packet->header.id, &given);
	fd_close(&given.fd);
}

/* What is on its way may have read the files before they were as they are now. */
static void reload_await(const struct parent *parent, struct control_client *client, uint64_t id)
{
	client->waits_for_reload = true;
	client->skips_reload = parent->apply != APPLY_NONE;
	client->reload_id = id;
}

/* Answered when the change is in force, or at once with what hinders. */
static void answer_change(struct parent *parent, struct control_client *client,
			  struct packet *packet)
{
	const struct msg_config_set *set = &packet->message.config_set;
	struct buf text = BUF_INIT(CONFIG_FILE_MAX), why = BUF_INIT(MESSAGE_INLINE_MAX);
	struct change_request request = {.generation = set->generation,
					 .confirm_s = set->confirm_s,
					 .is_revert = set->is_revert != 0,
					 .author = &client->author};
	enum fault fault = FAULT_INVALID;

	if (packet->fd >= 0)
		fault = fd_read_file(packet->fd, &text);
	request.text = buf_str(&text);
	/* The end of the reload may come before change_begin returns. */
	reload_await(parent, client, packet->header.id);
	if (fault == FAULT_NONE)
		fault = change_begin(parent, &request, &why);
	if (fault != FAULT_NONE) {
		client->waits_for_reload = false;
		buf_append_char(&why, '\0');
		answer_done(client, packet->header.id, fault, why.data);
	}
	buf_done(&text);
	buf_done(&why);
}

static void answer_confirm(struct parent *parent, struct control_client *client, uint64_t id)
{
	struct buf why = BUF_INIT(1024);
	enum fault fault = change_confirm(parent, &client->author, &why);

	buf_append_char(&why, '\0');
	answer_done(client, id, fault, why.data);
	buf_done(&why);
}

/* What the command line did, behind the name of who gave it. */
static void log_told(struct parent *parent, const struct control_client *client, struct str text)
{
	log_printf(&parent->logs.log, LOG_CONFIG, "%s - %.*s", client->author.name, STR_ARG(text));
}

static void answer_home_file(struct parent *parent, struct control_client *client,
			     const struct packet *packet)
{
	struct msg_home_file_given given = {.fd = -1};

	given.fault = home_file_open(parent->home, packet->message.home_file_wanted.name, &given.fd);
	(void)!channel_send(&client->channel, MSG_home_file_given, packet->header.id, &given);
	fd_close(&given.fd);
}

static void answer_home_file_put(struct parent *parent, struct control_client *client,
				 const struct packet *packet)
{
	enum fault fault = packet->fd < 0
				   ? FAULT_INVALID
				   : home_file_put(parent->home, packet->message.home_file_put.name,
						   packet->fd);

	answer_done(client, packet->header.id, fault, fault_text(fault));
}

static void answer_request_key(struct parent *parent, struct control_client *client,
			       const struct packet *packet)
{
	const struct msg_request_key_taken *taken = &packet->message.request_key_taken;
	enum fault fault = home_file_key_take(parent->home, taken->request, taken->name);

	answer_done(client, packet->header.id, fault, fault_text(fault));
}

static void answer_home_file_remove(struct parent *parent, struct control_client *client,
				    const struct packet *packet)
{
	enum fault fault = home_file_remove(parent->home, packet->message.home_file_remove.name);

	answer_done(client, packet->header.id, fault, fault_text(fault));
}

/* The lock goes with the descriptor: it ends with the command, however that ends. */
static void answer_dkim_lock(struct parent *parent, struct control_client *client, uint64_t id)
{
	struct msg_home_file_given given = {.fd = -1};

	given.fault = dkim_folder_lock(parent->home, &given.fd);
	(void)!channel_send(&client->channel, MSG_home_file_given, id, &given);
	fd_close(&given.fd);
}

static struct child *front_find(struct parent *parent, uint32_t index)
{
	for (size_t i = 0; i < parent->child_count; i++)
		if (parent->children[i].role == ROLE_FRONT && parent->children[i].index == index)
			return &parent->children[i];
	return NULL;
}

/* The front answers on the socket that came with the question. */
static void connections_hand_on(struct parent *parent, struct control_client *client,
				const struct packet *packet)
{
	struct msg_connections_wanted wanted = packet->message.connections_wanted;
	struct child *front = front_find(parent, wanted.front);
	enum fault fault = FAULT_INVALID;

	wanted.answer = packet->fd;
	if (front == NULL)
		fault = FAULT_NOT_FOUND;
	else if (front->state != CHILD_READY)
		fault = FAULT_UNAVAILABLE;
	else if (packet->fd >= 0)
		fault = child_send(front, MSG_connections_wanted, 0, &wanted);
	answer_done(client, packet->header.id, fault, fault_text(fault));
}

static void client_packet(struct parent *parent, struct control_client *client,
			  struct packet *packet)
{
	uint64_t id = packet->header.id;

	switch (packet->header.kind) {
	case MSG_channel_wanted:
		answer_channel(parent, client, packet);
		break;
	case MSG_status_wanted:
		answer_status(parent, client, id);
		break;
	case MSG_config_wanted:
		answer_config(parent, client, id);
		break;
	case MSG_reload_wanted:
		reload_await(parent, client, id);
		apply_begin(parent);
		break;
	case MSG_config_set:
		answer_change(parent, client, packet);
		break;
	case MSG_certificates_changed:
		log_told(parent, client, packet->message.certificates_changed.text);
		reload_await(parent, client, id);
		apply_pairs_begin(parent);
		break;
	case MSG_dkim_changed:
		log_told(parent, client, packet->message.dkim_changed.text);
		client->waits_for_dkim = true;
		client->dkim_id = id;
		dkim_desk_read(parent);
		break;
	case MSG_connections_wanted:
		connections_hand_on(parent, client, packet);
		break;
	case MSG_home_file_put:
		answer_home_file_put(parent, client, packet);
		break;
	case MSG_request_key_taken:
		answer_request_key(parent, client, packet);
		break;
	case MSG_home_file_remove:
		answer_home_file_remove(parent, client, packet);
		break;
	case MSG_dkim_lock_wanted:
		answer_dkim_lock(parent, client, id);
		break;
	case MSG_config_told:
		log_told(parent, client, packet->message.config_told.text);
		break;
	case MSG_home_file_wanted:
		answer_home_file(parent, client, packet);
		break;
	case MSG_config_confirm:
		answer_confirm(parent, client, id);
		break;
	case MSG_stop_wanted:
		answer_done(client, id, FAULT_NONE, NULL);
		parent_stop(parent);
		break;
	default:
		answer_done(client, id, FAULT_INVALID, "the parent does not know this request");
	}
}

static void client_ready(struct parent *parent, struct source *source)
{
	struct control_client *client = list_entry(source, struct control_client, source);
	struct packet packet;

	packet_init(&packet);
	enum fault fault = channel_receive(&client->channel, &packet);
	if (fault == FAULT_NONE)
		client_packet(parent, client, &packet);
	else if (fault != FAULT_BUSY)
		client_free(parent, client);
	packet_done(&packet);
}

/*
 * Root and the server's own user may command it; nobody else reaches the socket
 * anyway. Notes who it is.
 */
static bool peer_may_command(int fd, struct control_author *author)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 ||
	    (peer.uid != 0 && peer.uid != geteuid()))
		return false;
	const struct passwd *user = getpwuid(peer.uid);
	author->uid = peer.uid;
	if (user == NULL ||
	    !str_copy_c(str_from_c(user->pw_name), author->name, sizeof(author->name)))
		snprintf(author->name, sizeof(author->name), "user %u", (unsigned)peer.uid);
	snprintf(author->from, sizeof(author->from), "control socket");
	return true;
}

static void client_add(struct parent *parent, int fd, const struct control_author *author)
{
	struct control_client *client = calloc(1, sizeof(*client));

	CHECK(client != NULL);
	client->channel = (struct channel){fd, ROLE_PARENT, ROLE_CTL};
	client->author = *author;
	list_append(&parent->control_clients, &client->node);
	parent->control_client_count++;
	parent_watch(parent, &client->source, fd, client_ready);
}

enum fault control_client_make(struct parent *parent, struct str author, struct str address,
			       int *fd_out)
{
	struct control_author name = {.uid = -1};
	int fds[2];

	if (parent->control_client_count >= CONTROL_CLIENTS_MAX)
		return FAULT_BUSY;
	if (str_is_empty(author) || !str_copy_c(author, name.name, sizeof(name.name)) ||
	    address.len > INET6_ADDRSTRLEN)
		return FAULT_INVALID;
	snprintf(name.from, sizeof(name.from), "administration page, %.*s", STR_ARG(address));
	enum fault fault = channel_pair(fds);
	if (fault != FAULT_NONE)
		return fault;
	fd_set_nonblocking(fds[0]);
	client_add(parent, fds[0], &name);
	*fd_out = fds[1];
	return FAULT_NONE;
}

static void control_ready(struct parent *parent, struct source *source)
{
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct control_author author = {0};

	if (fd < 0)
		return;
	if (!peer_may_command(fd, &author) ||
	    parent->control_client_count >= CONTROL_CLIENTS_MAX) {
		fd_close(&fd);
		return;
	}
	client_add(parent, fd, &author);
}

void control_open(struct parent *parent)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CLEANUP_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* A left-over of a server that was killed; the lock says that none is alive. */
	unlink(parent->control_path);
	if (fd < 0 ||
	    !str_copy_c(str_from_c(parent->control_path), address.sun_path,
			sizeof(address.sun_path)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, CONTROL_CLIENTS_MAX) != 0) {
		log_printf(&parent->logs.log, LOG_ERROR,
			   "%s cannot be made (%s): the command line will not reach this server",
			   parent->control_path, strerror(errno));
		return;
	}
	int taken = fd;
	fd = -1;
	parent_watch(parent, &parent->control, taken, control_ready);
}

void control_close(struct parent *parent)
{
	list_each(node, next, &parent->control_clients)
		client_free(parent, list_entry(node, struct control_client, node));
	if (parent->control.fd >= 0)
		unlink(parent->control_path);
	fd_close(&parent->control.fd);
}
