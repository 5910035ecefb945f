/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front: accepts, and runs the sessions of all services.
 *
 * The main thread is the waiter; it also hears the parent. One more thread
 * hears the store's change feed, one fetches ticket keys now and then, and one
 * shakes hands with ourselves when a configuration has come in force.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/condition.h"
#include "base/file.h"
#include "httpd/httpd.h"
#include "imapd/imapd.h"
#include "pop3d/pop3d.h"
#include "proc/broker.h"
#include "proc/descriptors.h"
#include "proc/role.h"
#include "proc/sandbox_role.h"
#include "proc/self_check.h"
#include "proc/snapshot_read.h"
#include "session/connections.h"
#include "session/front.h"
#include "smtpd/smtpd.h"
#include "store/feed.h"
#include "tls/catalog.h"
#include "tls/certificate_facts.h"

enum {
	/* More than may wait for one role at a time, so that one that hangs leaves some. */
	WORKERS = ROLE_CLIENT_CALLS + 32,
	SHARE_WORKERS = 16,
	LINGER_MS = 2,
	TICK_MS = 200,
	STOP_MS = 10 * 1000,
	/* How long a call waits for a role that is being restarted. */
	PATIENCE_MS = 10 * 1000,
	/* How long a handshake waits for a signature; its own deadline is later. */
	KEYS_ANSWER_MS = 10 * 1000,
	/* How long /metrics waits for mailq's counters. */
	MAILQ_ANSWER_MS = 2 * 1000,
	ACCEPTS_A_ROUND = 64,
	CHECK_SENDS = 50,
	CHECK_PAUSE_MS = 100,
	/* Of the contexts of single peers so many are checked: a long list must not hold the rest up. */
	CHECK_PARTNERS = 32,
	CHECK_TEXT_MAX = 16 * 1024,
};

static const struct protocol *const protocols[SERVICE_COUNT] = {
	[SERVICE_SMTP] = &smtpd_protocol,   [SERVICE_SUBMISSION] = &smtpd_protocol,
	[SERVICE_SMTPS] = &smtpd_protocol,  [SERVICE_IMAP] = &imapd_protocol,
	[SERVICE_IMAPS] = &imapd_protocol,  [SERVICE_POP3] = &pop3d_protocol,
	[SERVICE_POP3S] = &pop3d_protocol,  [SERVICE_HTTPS] = &httpd_protocol,
	[SERVICE_HTTP] = &httpd_protocol,
};

struct front_listener {
	struct watch watch;
	struct front_role *role;
	uint32_t number;
	uint64_t generation; /* the last one that named it */
	enum service_id service;
	bool is_watched;
	struct front_listener *next;
};

struct front_role {
	struct role_process *process;
	struct broker broker;
	struct role_client store_client;
	struct role_client keys_client;
	struct key_source_remote keys;
	struct tls_tickets *tickets;
	struct tls_staples *staples;
	struct tls_challenges *challenges;
	struct store *store;
	struct asker *auth;
	struct waiter *waiter;
	struct front front;
	struct metrics metrics;
	struct role_client mailq;
	struct feed *feed;
	pthread_t feed_thread;
	pthread_t ticket_thread;
	pthread_mutex_t ticket_lock;
	struct condition ticket_end;
	bool is_ending;
	pthread_t check_thread;
	pthread_mutex_t check_lock;
	struct condition check_wanted;
	uint64_t check_generation; /* to be checked; 0: none */
	struct front_ports *ports_next; /* sockets that the parent is still giving; the main thread's */
	struct front_ports *ports;	/* to be checked; under the lock; NULL: none */

	struct descriptors descriptors;
	struct watch parent_watch;
	struct channel parent;
	struct front_listener *listeners;
	struct tls_identity identities[TLS_IDENTITIES_MAX]; /* of the generation that comes */
	char *identity_names[TLS_IDENTITIES_MAX];
	bool identity_is_public[TLS_IDENTITIES_MAX];
	size_t identity_count;
	struct buf user_anchors; /* PEM, of the generation that comes */
	int64_t stop_deadline_ms; /* 0: not stopping */
};

/* Sockets to our own ports. */
enum { PORTS_MAX = 64, PLACE_MAX = 128 };

struct front_ports {
	uint64_t generation;
	size_t count;
	struct front_port {
		struct self_check_port port;
		enum service_id service;
		char place[PLACE_MAX];
		uint8_t address[16]; /* from which we come */
		/* Of its check. */
		pthread_t thread;
		const struct snapshot *snapshot;
		const struct suite_catalog *catalog;
		struct self_check check;
	} items[PORTS_MAX];
};

/* ---- accepting ---- */

static void peer_map(struct sockaddr_in6 *peer)
{
	if (peer->sin6_family != AF_INET)
		return;
	struct sockaddr_in four;
	memcpy(&four, peer, sizeof(four));
	*peer = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = four.sin_port};
	peer->sin6_addr.s6_addr[10] = peer->sin6_addr.s6_addr[11] = 0xff;
	memcpy(&peer->sin6_addr.s6_addr[12], &four.sin_addr, 4);
}

static void listener_ready(struct watch *watch)
{
	struct front_listener *listener = list_entry(watch, struct front_listener, watch);
	struct front_role *role = listener->role;

	for (int i = 0; i < ACCEPTS_A_ROUND; i++) {
		struct sockaddr_in6 peer = {0};
		socklen_t len = sizeof(peer);
		int fd = accept4(watch->fd, (struct sockaddr *)&peer, &len,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0) {
			/* Out of descriptors: the connection stays in the kernel's queue. */
			if (errno == EMFILE || errno == ENFILE)
				usleep(10 * 1000);
			return;
		}
		if (!descriptors_may_connect(&role->descriptors, fd, &role->process->log)) {
			close(fd);
			continue;
		}
		peer_map(&peer);
		front_accept(&role->front, listener->service, protocols[listener->service], fd,
			     &peer);
	}
}

static void listener_take(struct front_role *role, struct packet *packet)
{
	const struct msg_listener_given *given = &packet->message.listener_given;
	struct front_listener *listener = role->listeners;

	CHECK(given->service < SERVICE_COUNT);
	while (listener != NULL && listener->number != given->listener)
		listener = listener->next;
	if (listener == NULL) {
		listener = calloc(1, sizeof(*listener));
		CHECK(listener != NULL);
		*listener = (struct front_listener){
			.watch = {.fd = packet_take_fd(packet), .ready = listener_ready},
			.role = role,
			.number = given->listener,
			.service = given->service,
			.next = role->listeners};
		role->listeners = listener;
	}
	listener->generation = given->generation;
}

/* Begins to accept on what is new and closes what the generation does not name. */
static void listeners_settle(struct front_role *role, uint64_t generation)
{
	struct front_listener **at = &role->listeners;

	while (*at != NULL) {
		struct front_listener *listener = *at;
		if (listener->generation == generation) {
			if (!listener->is_watched) {
				waiter_watch(role->waiter, &listener->watch);
				listener->is_watched = true;
			}
			at = &listener->next;
			continue;
		}
		if (listener->is_watched)
			waiter_unwatch(role->waiter, &listener->watch);
		fd_close(&listener->watch.fd);
		*at = listener->next;
		free(listener);
	}
}

/* ---- the configuration ---- */

static void identities_drop(struct front_role *role)
{
	while (role->identity_count > 0) {
		size_t last = --role->identity_count;
		tls_certificate_unref(&role->identities[last].certificate);
		free(role->identity_names[last]);
	}
}

static void certificate_take(struct front_role *role, const struct msg_certificate_given *given)
{
	struct buf why = BUF_INIT(1024);
	struct tls_identity *identity = &role->identities[role->identity_count];

	CHECK(role->identity_count < TLS_IDENTITIES_MAX);
	if (tls_certificate_parse(given->chain, &why, &identity->certificate) == FAULT_NONE) {
		identity->key = given->key;
		identity->is_default = given->is_default;
		role->identity_is_public[role->identity_count] = given->is_public != 0;
		role->identity_names[role->identity_count++] = str_dup_c(given->name);
	} else
		log_printf(&role->process->log, LOG_ERROR, "certificate %.*s: %.*s",
			   STR_ARG(given->name), (int)why.len, why.data);
	buf_done(&why);
}

static void user_anchors_take(struct front_role *role, struct packet *packet)
{
	CLEANUP_FD int fd = packet_take_fd(packet);

	buf_done(&role->user_anchors);
	buf_init(&role->user_anchors, TLS_USER_ANCHORS_MAX);
	/* One that is cut short would judge otherwise than the administrator meant. */
	CHECK(fd >= 0 && fd_read_file(fd, &role->user_anchors) == FAULT_NONE);
}

/* NULL where nobody is asked for a certificate. */
static enum fault user_anchors_make(const struct front_role *role, struct buf *why,
				    struct tls_user_anchors **out)
{
	*out = NULL;
	if (role->user_anchors.len == 0)
		return FAULT_NONE;
	enum fault fault = tls_user_anchors_parse(buf_str(&role->user_anchors), why, out);
	if (fault == FAULT_NONE && tls_user_anchors_count(*out) == 0)
		tls_user_anchors_unref(out);
	return fault;
}

static void staple_take(struct front_role *role, const struct msg_staple_given *given)
{
	CHECK(given->certificate.len == TLS_STAPLE_ID_BYTES);
	tls_staples_set(role->staples, (const unsigned char *)given->certificate.ptr,
			given->response, (int64_t)given->until_s, clock_real_s());
}

/* One context a service; on a fault what was made is dropped and `why` says more. */
static enum fault contexts_make(struct front_role *role, const struct config *config,
				const struct tls_user_anchors *user_anchors,
				struct tls_context *contexts[SERVICE_COUNT], struct buf *why)
{
	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		const struct service_config *service = &config->services[i];
		struct tls_context_parts parts = {.policy = &service->policy,
						  .identities = role->identities,
						  .identity_count = role->identity_count,
						  .keys = &role->keys.source,
						  .tickets = role->tickets,
						  .staples = role->staples,
						  .challenges = i == SERVICE_HTTPS ? role->challenges
										   : NULL,
						  .user_anchors = service->client_certificates
									  ? user_anchors
									  : NULL,
						  .file_name = config->file_name};
		if (!service->enabled || service->tls == SERVICE_TLS_NONE ||
		    role->identity_count == 0)
			continue;
		buf_printf(why, "%s: ", service_name(service->id));
		enum fault fault = tls_context_new(&parts, why, &contexts[i]);
		if (fault != FAULT_NONE)
			return fault;
		buf_reset(why);
	}
	return FAULT_NONE;
}

/* A row whose policy, and whose words on it, are the same shares the context of the row before. */
static struct tls_context *context_share(const struct config *config,
					 struct tls_context *(*contexts)[SERVICE_COUNT], size_t row,
					 size_t service)
{
	const struct tls_policy *policy = config->partners[row].services[service];

	for (size_t i = 0; i < row; i++) {
		const struct tls_policy *other = config->partners[i].services[service];
		if (other != NULL && str_equals(other->text, policy->text) &&
		    (other->later == NULL) == (policy->later == NULL) &&
		    other->protocols_source.line == policy->protocols_source.line &&
		    other->ciphers_source.line == policy->ciphers_source.line)
			return tls_context_ref(contexts[i][service]);
	}
	return NULL;
}

static enum fault partner_context_make(struct front_role *role, const struct config *config,
				       const struct tls_user_anchors *user_anchors,
				       struct tls_context *(*contexts)[SERVICE_COUNT], size_t row,
				       size_t service, struct buf *why)
{
	struct tls_context_parts parts = {.policy = config->partners[row].services[service],
					  .identities = role->identities,
					  .identity_count = role->identity_count,
					  .keys = &role->keys.source,
					  .tickets = role->tickets,
					  .user_anchors =
						  config->services[service].client_certificates
							  ? user_anchors
							  : NULL,
					  .staples = role->staples,
					  .file_name = config->file_name};

	if (parts.policy == NULL || role->identity_count == 0)
		return FAULT_NONE;
	contexts[row][service] = context_share(config, contexts, row, service);
	if (contexts[row][service] != NULL)
		return FAULT_NONE;
	buf_printf(why, "%s, TlsPolicy ", service_name((enum service_id)service));
	partner_append(why, &config->partners[row], config->file_name);
	buf_append_c(why, ": ");
	enum fault fault = tls_context_new(&parts, why, &contexts[row][service]);
	if (fault == FAULT_NONE)
		buf_reset(why);
	return fault;
}

/* Of the rows of TlsPolicy, into the snapshot; on a fault `why` says more. */
static enum fault partner_contexts_make(struct front_role *role, struct snapshot *snapshot,
					const struct tls_user_anchors *user_anchors,
					struct buf *why)
{
	const struct config *config = snapshot->config;
	struct tls_context *(*contexts)[SERVICE_COUNT] =
		calloc(config->partner_count + 1, sizeof(*contexts));
	enum fault fault = FAULT_NONE;

	CHECK(contexts != NULL);
	snapshot_partners_set(snapshot, contexts);
	for (size_t i = 0; i < config->partner_count; i++)
		for (size_t j = 0; j < SERVICE_COUNT && fault == FAULT_NONE; j++)
			fault = partner_context_make(role, config, user_anchors, contexts, i, j,
						     why);
	return fault;
}

/* Has the other thread check the snapshot that is in force now. */
static void check_want(struct front_role *role, uint64_t generation)
{
	pthread_mutex_lock(&role->check_lock);
	role->check_generation = generation;
	condition_signal(&role->check_wanted);
	pthread_mutex_unlock(&role->check_lock);
}

static void certificates_describe(const struct front_role *role, struct snapshot *snapshot)
{
	for (size_t i = 0; i < role->identity_count; i++) {
		const struct tls_certificate *certificate = role->identities[i].certificate;
		struct snapshot_certificate row = {
			.name = role->identity_names[i],
			.kind = tls_key_kind_name(tls_certificate_kind(certificate)),
			.not_after_s = tls_certificate_not_after(certificate),
			.certificate = role->identities[i].certificate,
			.is_public = role->identity_is_public[i]};
		snapshot_certificate_add(snapshot, &row);
	}
}

static enum fault config_put_in_force(struct front_role *role, struct packet *packet,
				      struct buf *why)
{
	struct tls_context *contexts[SERVICE_COUNT] = {NULL};
	struct config *config = snapshot_config_read(packet, &role->process->log);
	uint64_t generation = packet->message.config_changed.generation;

	if (config == NULL) {
		buf_append_c(why, "the front cannot read the configuration");
		return FAULT_INVALID;
	}
	struct tls_user_anchors *user_anchors;
	enum fault fault = user_anchors_make(role, why, &user_anchors);
	if (fault == FAULT_NONE)
		fault = contexts_make(role, config, user_anchors, contexts, why);
	struct snapshot *snapshot = snapshot_new(config, contexts);
	if (fault == FAULT_NONE)
		fault = partner_contexts_make(role, snapshot, user_anchors, why);
	certificates_describe(role, snapshot);
	tls_user_anchors_unref(&user_anchors);
	identities_drop(role);
	buf_done(&role->user_anchors);
	if (fault != FAULT_NONE) {
		snapshot_unref(&snapshot);
		return fault;
	}
	front_snapshot_set(&role->front, snapshot);
	listeners_settle(role, generation);
	check_want(role, generation);
	return FAULT_NONE;
}

static void config_take(struct front_role *role, struct packet *packet)
{
	struct buf why = BUF_INIT(1024);
	uint64_t id = packet->header.id;
	struct msg_done done = {.fault = config_put_in_force(role, packet, &why)};

	done.text = buf_str(&why);
	(void)!channel_send(&role->parent, MSG_done, id, &done);
	buf_done(&why);
}

/* ---- challenges of a CA ---- */

static void challenge_take(struct front_role *role, uint64_t id, const struct msg_acme_challenge *given)
{
	struct tls_challenge_parts parts = {.domain = given->domain,
					    .token = given->token,
					    .authorization = given->authorization,
					    .chain = given->chain,
					    .key = given->key,
					    .keys = &role->keys.source};
	struct msg_acme_challenge_taken taken = {.fault = FAULT_NONE};

	if (str_is_empty(given->token))
		tls_challenges_clear(role->challenges);
	else
		taken.fault = tls_challenges_set(role->challenges, &parts);
	(void)!channel_send(&role->parent, MSG_acme_challenge_taken, id, &taken);
}

/* ---- the parent ---- */

static void stop_begin(struct front_role *role)
{
	if (role->stop_deadline_ms != 0)
		return;
	role->stop_deadline_ms = clock_mono_ms() + STOP_MS;
	waiter_unwatch(role->waiter, &role->parent_watch);
	listeners_settle(role, UINT64_MAX);
	front_stop(&role->front);
}

/* The parent's watchdog wants to hear that this thread lives. */
static void status_answer(struct front_role *role, uint64_t id)
{
	struct msg_status_given given = {.json = STR("{\"role\":\"front\"}")};

	(void)!channel_send(&role->parent, MSG_status_given, id, &given);
}

static void ports_free(struct front_ports **ports)
{
	struct front_ports *old = *ports;

	*ports = NULL;
	for (size_t i = 0; old != NULL && i < old->count; i++)
		for (size_t j = old->items[i].port.fds_used; j < old->items[i].port.fd_count; j++)
			fd_close(&old->items[i].port.fds[j]);
	free(old);
}

/* The place of the port that the message is about: the last one, or a new one. NULL: no room. */
static struct front_port *port_place(struct front_ports *ports,
				     const struct msg_port_check_given *given)
{
	struct front_port *port = ports->count == 0 ? NULL : &ports->items[ports->count - 1];

	if (port != NULL && str_equals(str_from_c(port->place), given->place))
		return port->port.fd_count < SELF_CHECK_SOCKETS ? port : NULL;
	if (ports->count == PORTS_MAX || given->address.len != sizeof(port->address))
		return NULL;
	port = &ports->items[ports->count];
	if (!str_copy_c(given->place, port->place, sizeof(port->place)))
		return NULL;
	ports->count++;
	port->port.place = port->place;
	port->service = (enum service_id)given->service;
	memcpy(port->address, given->address.ptr, sizeof(port->address));
	return port;
}

/* Collects the sockets of a generation; the last message sets the other thread to work. */
static void port_take(struct front_role *role, struct packet *packet)
{
	const struct msg_port_check_given *given = &packet->message.port_check_given;

	CHECK(given->service < SERVICE_COUNT);
	if (role->ports_next != NULL && role->ports_next->generation != given->generation)
		ports_free(&role->ports_next);
	if (role->ports_next == NULL) {
		role->ports_next = calloc(1, sizeof(*role->ports_next));
		CHECK(role->ports_next != NULL);
		role->ports_next->generation = given->generation;
	}
	if (!given->is_last) {
		struct front_port *port = port_place(role->ports_next, given);
		if (port != NULL && packet->fd >= 0)
			port->port.fds[port->port.fd_count++] = packet_take_fd(packet);
		return;
	}
	pthread_mutex_lock(&role->check_lock);
	ports_free(&role->ports);
	role->ports = role->ports_next;
	role->ports_next = NULL;
	condition_signal(&role->check_wanted);
	pthread_mutex_unlock(&role->check_lock);
}

/* A socket that is new takes a page without waiting; what it does not take is lost. */
static void connections_answer(struct front_role *role, struct packet *packet)
{
	CLEANUP_FD int fd = packet_take_fd(packet);
	CLEANUP_BUF struct buf json = BUF_INIT(CONNECTIONS_BYTES_MAX);
	const struct msg_connections_wanted *wanted = &packet->message.connections_wanted;
	struct connections_query query = {.after = wanted->after,
					  .limit = wanted->limit,
					  .service = wanted->service,
					  .search = wanted->search};

	connections_append(&role->front, &query, &json);
	if (fd >= 0 && !json.failed)
		(void)!send(fd, json.data, json.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void parent_packet(struct front_role *role, struct packet *packet)
{
	switch (packet->header.kind) {
	case MSG_port_check_given:
		port_take(role, packet);
		break;
	case MSG_certificate_given:
		certificate_take(role, &packet->message.certificate_given);
		break;
	case MSG_user_anchors_given:
		user_anchors_take(role, packet);
		break;
	case MSG_staple_given:
		staple_take(role, &packet->message.staple_given);
		break;
	case MSG_listener_given:
		listener_take(role, packet);
		break;
	case MSG_config_changed:
		config_take(role, packet);
		break;
	case MSG_acme_challenge:
		challenge_take(role, packet->header.id, &packet->message.acme_challenge);
		break;
	case MSG_connections_wanted:
		connections_answer(role, packet);
		break;
	case MSG_status_wanted:
		status_answer(role, packet->header.id);
		break;
	case MSG_log_rotated:
		CHECK(packet->message.log_rotated.file < LOG_FILE_COUNT);
		if (dup3(packet->fd, role->process->log.fds[packet->message.log_rotated.file],
			 O_CLOEXEC) < 0)
			log_printf(&role->process->log, LOG_ERROR,
				   "a rotated log could not be taken over");
		break;
	default:
		break;
	}
}

static void parent_ready(struct watch *watch)
{
	struct front_role *role = list_entry(watch, struct front_role, parent_watch);
	struct packet packet;
	enum fault fault;

	packet_init(&packet);
	descriptors_parent_begin(&role->descriptors);
	while ((fault = channel_receive(&role->parent, &packet)) == FAULT_NONE)
		parent_packet(role, &packet);
	descriptors_parent_end(&role->descriptors);
	packet_done(&packet);
	if (fault != FAULT_BUSY)
		stop_begin(role);
}

static void tick(void *context)
{
	struct front_role *role = context;

	if (role->stop_deadline_ms == 0)
		return;
	if (front_is_empty(&role->front) || clock_mono_ms() > role->stop_deadline_ms)
		waiter_stop(role->waiter);
}

/* ---- the other threads ---- */

static void *feed_run(void *argument)
{
	struct front_role *role = argument;
	struct feed_notice notice;

	while (feed_next(role->feed, &notice))
		front_feed_notify(&role->front, notice.sequence == 0 ? 0 : notice.account);
	return NULL;
}

static void *tickets_run(void *argument)
{
	struct front_role *role = argument;

	pthread_mutex_lock(&role->ticket_lock);
	while (!role->is_ending) {
		pthread_mutex_unlock(&role->ticket_lock);
		(void)!tls_tickets_refresh(role->tickets, &role->keys_client);
		pthread_mutex_lock(&role->ticket_lock);
		if (!role->is_ending)
			(void)condition_wait_until(&role->ticket_end, &role->ticket_lock,
						   clock_mono_ms() + TICKET_REFRESH_MS);
	}
	pthread_mutex_unlock(&role->ticket_lock);
	return NULL;
}

/* The socket is full only when the parent is stuck; it has more to say then. */
static void check_send(struct front_role *role, enum message_kind kind, const void *message)
{
	for (int i = 0;
	     i < CHECK_SENDS && channel_send(&role->parent, kind, 0, message) == FAULT_BUSY; i++)
		usleep(CHECK_PAUSE_MS * 1000);
}

static void partners_check(struct self_check *check, const struct snapshot *snapshot,
			   int64_t now_s, const struct suite_catalog *catalog)
{
	const struct config *config = snapshot->config;
	unsigned checked = 0;

	for (size_t i = 0; i < config->partner_count * SERVICE_COUNT; i++) {
		const struct partner *partner = &config->partners[i / SERVICE_COUNT];
		enum service_id service = (enum service_id)(i % SERVICE_COUNT);
		struct tls_context *context = snapshot_tls(snapshot, service, partner);
		if (context == snapshot->tls[service] || partner_is_expired(partner, now_s) ||
		    checked >= CHECK_PARTNERS)
			continue;
		checked++;
		struct buf name = BUF_INIT(1024);
		buf_printf(&name, "%s for ", service_name(service));
		partner_append(&name, partner, config->file_name);
		buf_append_char(&name, '\0');
		self_check_context(check, name.data,
				   tls_policy_at(partner->services[service], now_s),
				   tls_context_at(context, now_s), catalog);
		buf_done(&name);
	}
}

/* The snapshot's contexts and what they are meant to be; the parent is told. */
static void snapshot_check(struct front_role *role, uint64_t generation)
{
	const struct suite_catalog *catalog = tls_catalog_new();
	struct snapshot *snapshot = front_snapshot_get(&role->front);
	int64_t now_s = clock_real_s();
	struct self_check check;

	self_check_init(&check);
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		if (snapshot->tls[i] != NULL)
			self_check_context(
				&check, service_name((enum service_id)i),
				tls_policy_at(&snapshot->config->services[i].policy, now_s),
				tls_context_at(snapshot->tls[i], now_s), catalog);
	partners_check(&check, snapshot, now_s, catalog);
	struct msg_self_checked checked = {.generation = generation,
					   .handshakes = check.handshakes,
					   .differences = buf_str(&check.differences)};
	check_send(role, MSG_self_checked, &checked);
	self_check_done(&check);
	snapshot_unref(&snapshot);
	tls_catalog_free(&catalog);
}

static const struct self_check_dialogue *dialogue_of(const struct service_config *service)
{
	static const struct self_check_dialogue *const dialogues[SERVICE_COUNT] = {
		[SERVICE_SMTP] = &self_check_smtp,  [SERVICE_SUBMISSION] = &self_check_smtp,
		[SERVICE_SMTPS] = &self_check_smtp, [SERVICE_IMAP] = &self_check_imap,
		[SERVICE_IMAPS] = &self_check_imap, [SERVICE_POP3] = &self_check_pop3,
		[SERVICE_POP3S] = &self_check_pop3,
	};

	return service->tls == SERVICE_TLS_STARTTLS ? dialogues[service->id] : NULL;
}

/* One port; what is intended there for a peer of its own address. */
static void *port_run(void *argument)
{
	struct front_port *port = argument;
	const struct snapshot *snapshot = port->snapshot;
	const struct service_config *service = &snapshot->config->services[port->service];
	int64_t now_s = clock_real_s();
	struct partner_query query = {.direction = PARTNER_IN,
				      .service = port->service,
				      .address = port->address,
				      .now_s = now_s};
	const struct partner *partner = partner_find(snapshot->config, &query);
	const struct tls_policy *policy = &service->policy;
	struct tls_context *context = snapshot_tls(snapshot, port->service, partner);

	if (partner != NULL && partner->services[port->service] != NULL)
		policy = partner->services[port->service];
	port->port.dialogue = dialogue_of(service);
	if (context != NULL)
		self_check_through_port(&port->check, &port->port, tls_policy_at(policy, now_s),
					tls_context_at(context, now_s), port->catalog);
	return NULL;
}

/* All ports side by side: each waits for the server most of the time. */
static void ports_check(struct front_role *role, struct front_ports *ports)
{
	struct snapshot *snapshot = front_snapshot_get(&role->front);
	struct buf differences = BUF_INIT(CHECK_TEXT_MAX), unreached = BUF_INIT(CHECK_TEXT_MAX);
	const struct suite_catalog *catalog = tls_catalog_new();
	struct msg_ports_checked checked = {.generation = ports->generation};

	for (size_t i = 0; i < ports->count; i++) {
		struct front_port *port = &ports->items[i];
		port->snapshot = snapshot;
		port->catalog = catalog;
		port->port.is_given_up = &role->is_ending;
		self_check_init(&port->check);
		CHECK(pthread_create(&port->thread, NULL, port_run, port) == 0);
	}
	for (size_t i = 0; i < ports->count; i++) {
		struct front_port *port = &ports->items[i];
		CHECK(pthread_join(port->thread, NULL) == 0);
		checked.handshakes += port->check.handshakes;
		buf_append_str(&differences, buf_str(&port->check.differences));
		buf_append_str(&unreached, buf_str(&port->check.unreached));
		self_check_done(&port->check);
	}
	checked.differences = buf_str(&differences);
	checked.unreached = buf_str(&unreached);
	check_send(role, MSG_ports_checked, &checked);
	buf_done(&differences);
	buf_done(&unreached);
	snapshot_unref(&snapshot);
	tls_catalog_free(&catalog);
}

static void *checks_run(void *argument)
{
	struct front_role *role = argument;

	pthread_mutex_lock(&role->check_lock);
	while (!role->is_ending) {
		uint64_t generation = role->check_generation;
		struct front_ports *ports = generation == 0 ? role->ports : NULL;
		role->check_generation = 0;
		if (generation == 0 && ports == NULL) {
			condition_wait(&role->check_wanted, &role->check_lock);
			continue;
		}
		if (ports != NULL)
			role->ports = NULL;
		pthread_mutex_unlock(&role->check_lock);
		if (ports == NULL)
			snapshot_check(role, generation);
		else
			ports_check(role, ports);
		ports_free(&ports);
		pthread_mutex_lock(&role->check_lock);
	}
	pthread_mutex_unlock(&role->check_lock);
	return NULL;
}

static void threads_start(struct front_role *role)
{
	CHECK(pthread_mutex_init(&role->check_lock, NULL) == 0);
	condition_init(&role->check_wanted);
	CHECK(pthread_create(&role->check_thread, NULL, checks_run, role) == 0);
	CHECK(pthread_mutex_init(&role->ticket_lock, NULL) == 0);
	condition_init(&role->ticket_end);
	CHECK(pthread_create(&role->feed_thread, NULL, feed_run, role) == 0);
	CHECK(pthread_create(&role->ticket_thread, NULL, tickets_run, role) == 0);
}

static void threads_end(struct front_role *role)
{
	feed_stop(role->feed);
	pthread_join(role->feed_thread, NULL);
	pthread_mutex_lock(&role->ticket_lock);
	pthread_mutex_lock(&role->check_lock);
	__atomic_store_n(&role->is_ending, true, __ATOMIC_RELAXED);
	condition_signal(&role->check_wanted);
	pthread_mutex_unlock(&role->check_lock);
	condition_signal(&role->ticket_end);
	pthread_mutex_unlock(&role->ticket_lock);
	pthread_join(role->check_thread, NULL);
	pthread_join(role->ticket_thread, NULL);
}

/* ---- start and end ---- */

static enum fault metrics_map(struct front_role *role)
{
	void *shared = mmap(NULL, sizeof(struct metrics_shared), PROT_READ | PROT_WRITE, MAP_SHARED,
			    ROLE_FD_METRICS, 0);

	if (shared == MAP_FAILED)
		return FAULT_MEMORY;
	role->metrics.shared = shared;
	role->metrics.own = &role->metrics.shared->fronts[role->process->index % METRIC_FRONTS];
	/* A front that died had connections open which are not any more. */
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		role->metrics.own->counts[i][METRIC_CONNECTIONS_OPEN] = 0;
	role->metrics.own->started_s = (uint64_t)clock_real_s();
	return FAULT_NONE;
}

static int front_start(struct front_role *role)
{
	broker_init(&role->broker, ROLE_FRONT);
	role_client_init(&role->store_client, &role->broker.connector, ROLE_STORE, PATIENCE_MS);
	role_client_init(&role->keys_client, &role->broker.connector, ROLE_KEYS, PATIENCE_MS);
	role->keys_client.answer_ms = KEYS_ANSWER_MS;
	key_source_remote_init(&role->keys, &role->keys_client);
	role->tickets = tls_tickets_new();
	role->staples = tls_staples_new();
	role->challenges = tls_challenges_new();
	enum fault fault = metrics_map(role);
	if (fault == FAULT_NONE)
		fault = store_open("store", &role->store_client, &role->store);
	if (fault != FAULT_NONE)
		return role_fail(role->process, "%s cannot be opened: %s", role->process->store,
				 fault_text(fault));
	role->auth = auth_client_new(&role->broker.connector);
	role->feed = feed_new(role->store);
	role->waiter = waiter_new((struct waiter_limits){
		.workers = WORKERS, .share_workers = SHARE_WORKERS,
		.active = (unsigned)get_nprocs(), .linger_ms = LINGER_MS});
	waiter_tick_set(role->waiter, TICK_MS, tick, role);
	front_init(&role->front, role->waiter, role->store, role->auth, &role->metrics,
		   &role->process->log);
	role->front.challenges = role->challenges;
	role->front.admin = admin_client_new(&role->broker.connector);
	role->front.names = names_new(&role->broker.connector);
	role_client_init(&role->mailq, &role->broker.connector, ROLE_MAILQ, 0);
	role->mailq.answer_ms = MAILQ_ANSWER_MS;
	role->front.mailq = &role->mailq;
	return EXIT_DONE;
}

static void front_end(struct front_role *role)
{
	threads_end(role);
	waiter_free(&role->waiter);
	asker_free(&role->front.names);
	role_client_done(&role->mailq);
	asker_free(&role->front.admin);
	ports_free(&role->ports_next);
	ports_free(&role->ports);
	front_done(&role->front);
	asker_free(&role->auth);
	feed_free(&role->feed);
	store_close(&role->store);
	tls_tickets_free(&role->tickets);
	tls_staples_free(&role->staples);
	tls_challenges_free(&role->challenges);
	role_client_done(&role->keys_client);
	role_client_done(&role->store_client);
	broker_done(&role->broker);
}

int role_front(struct role_process *process)
{
	struct front_role *role = calloc(1, sizeof(*role));
	struct buf sandbox = BUF_INIT(1024);

	CHECK(role != NULL);
	role->process = process;
	descriptors_init(&role->descriptors);
	/* An arena a worker would keep each one's largest message. */
	mallopt(M_ARENA_MAX, 4);
	if (!sandbox_role_enter(process, &sandbox))
		return EXIT_USAGE;
	int code = front_start(role);
	if (code != EXIT_DONE)
		return code;
	role->parent = (struct channel){ROLE_FD_PARENT, ROLE_FRONT, ROLE_PARENT};
	fd_set_nonblocking(ROLE_FD_PARENT);
	role->parent_watch = (struct watch){.fd = ROLE_FD_PARENT, .ready = parent_ready};
	waiter_watch(role->waiter, &role->parent_watch);
	threads_start(role);
	role_ready(process, sandbox.data);
	waiter_run(role->waiter);
	front_end(role);
	buf_done(&role->user_anchors);
	buf_done(&sandbox);
	free(role);
	return EXIT_DONE;
}
