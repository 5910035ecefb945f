/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/mailq.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "mailq/dkim_watch.h"
#include "mailq/dns_requests.h"
#include "mailq/downloads.h"
#include "mailq/sender.h"
#include "mailq/probe.h"
#include "mailq/signing.h"

enum {
	/* More than may wait for one role at a time, so that one that hangs leaves some. */
	WORKERS = ROLE_CLIENT_CALLS + 16,
	SHARE_WORKERS = 16,
	LINGER_MS = 2,
	TICK_MS = 200,
	AUTH_PATIENCE_MS = 5 * 1000,
	KEYS_PATIENCE_MS = 5 * 1000,
	NOTES_MAX = 16 * 1024,
	METRICS_MAX = 32 * 1024,
};

/* The role stands in the home folder. */
#define OWN_ANCHORS "sslca"

static struct mailq *mailq_of(struct role_server *server)
{
	return list_entry(server, struct mailq, server);
}

static void parent_message(struct role_server *server, struct packet *packet)
{
	struct mailq *mailq = mailq_of(server);

	if (mailq->options.parent_message != NULL)
		mailq->options.parent_message(mailq, packet);
}

static void dns_metrics_append(const struct mailq *mailq, struct buf *to)
{
	struct resolver_counts dns = resolver_counts(mailq->resolver);

	buf_printf(to,
		   "# HELP postern_dns_queries_total Questions to DNS, and those without an answer in "
		   "time.\n# TYPE postern_dns_queries_total counter\n"
		   "postern_dns_queries_total %llu\n"
		   "# TYPE postern_dns_timeouts_total counter\npostern_dns_timeouts_total %llu\n"
		   "# HELP postern_dns_bogus Answers that DNSSEC proves wrong, since the last reload.\n"
		   "# TYPE postern_dns_bogus gauge\npostern_dns_bogus %llu\n",
		   (unsigned long long)dns.asked, (unsigned long long)dns.timeouts,
		   (unsigned long long)dns.bogus);
}

static void metrics_wanted(struct mailq *mailq, struct role_peer *peer, struct packet *packet)
{
	struct buf text = BUF_INIT(METRICS_MAX);

	counts_append_prometheus(mailq->counts, &text);
	if (mailq->sender != NULL)
		sender_append_prometheus(mailq->sender, &text);
	dns_metrics_append(mailq, &text);
	struct msg_metrics_given given = {.text = buf_str(&text)};
	role_peer_answer(peer, MSG_metrics_given, packet->header.id, &given);
	buf_done(&text);
}

/* What others may ask, and who answers it. */
static const struct {
	enum message_kind kind;
	void (*take)(struct mailq *mailq, struct role_peer *peer, struct packet *packet);
} requests[] = {
	{MSG_peer_name_wanted, peer_name_wanted},
	{MSG_dns_wanted, dns_wanted},
	{MSG_metrics_wanted, metrics_wanted},
	{MSG_queue_ordered, queue_ordered},
	{MSG_route_wanted, route_wanted},
	{MSG_acme_wanted, certificate_wanted},
	{MSG_probe_wanted, probe_wanted},
	{MSG_pop3_run_wanted, pop3_run_wanted},
	{MSG_dkim_look_wanted, dkim_look_wanted},
};

/* What the table of messages lets through and nobody here has a use for is refused: its sender waits. */
static void request(struct role_server *server, struct role_peer *peer, struct packet *packet)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (requests[i].kind == packet->header.kind) {
			requests[i].take(mailq_of(server), peer, packet);
			return;
		}
	log_printf(server->log, LOG_DEBUG, "mailq: %s of role %s is not for this role",
		   message_name(packet->header.kind), role_name(peer->channel.peer));
	if (packet->header.kind != MSG_done)
		role_peer_done(peer, packet->header.id, FAULT_UNSUPPORTED, STR(""));
}

static void status(struct role_server *server, struct buf *json)
{
	struct waiter_counts counts = waiter_counts(mailq_of(server)->waiter);
	struct resolver_counts dns = resolver_counts(mailq_of(server)->resolver);

	buf_printf(json,
		   ",\"sessions\":%u,\"running\":%u,\"dns_in_flight\":%u,\"dns_asked\":%llu,"
		   "\"dns_timeouts\":%llu,\"dns_bogus\":%llu",
		   counts.tasks, counts.running, dns.in_flight, (unsigned long long)dns.asked,
		   (unsigned long long)dns.timeouts, (unsigned long long)dns.bogus);
	if (mailq_of(server)->sender != NULL)
		sender_status(mailq_of(server)->sender, json);
	if (mailq_of(server)->downloads != NULL)
		downloads_status(mailq_of(server)->downloads, json);
}

static const struct role_server_ops ops = {
	.parent_message = parent_message,
	.request = request,
	.status = status,
};

static void stop_look(struct mailq *mailq)
{
	if (waiter_counts(mailq->waiter).tasks == 0 ||
	    clock_mono_ms() >= mailq->stop_deadline_ms)
		waiter_stop(mailq->waiter);
}

static void server_ready(struct watch *watch)
{
	struct mailq *mailq = list_entry(watch, struct mailq, server_watch);

	if (!role_server_take(&mailq->server)) {
		waiter_unwatch(mailq->waiter, watch);
		mailq->stop_deadline_ms = clock_mono_ms() + mailq->options.grace_ms;
		__atomic_store_n(&mailq->is_stopping, true, __ATOMIC_RELEASE);
		if (mailq->sender != NULL)
			sender_changed(mailq->sender);
		stop_look(mailq);
	}
}

bool mailq_is_stopping(const struct mailq *mailq)
{
	return __atomic_load_n(&mailq->is_stopping, __ATOMIC_ACQUIRE);
}

/* Once for the settings in force: a server on the way that takes signatures away makes all of it fail. */
static void bogus_look(struct mailq *mailq)
{
	struct resolver_counts counts = resolver_counts(mailq->resolver);

	if (mailq->bogus_is_told || counts.bogus == 0 || counts.secure > 0)
		return;
	mailq->bogus_is_told = true;
	log_printf(mailq->options.log, LOG_ERROR,
		   "DNS: %llu answers were bogus and none was proven; does the server that is asked hand "
		   "on signatures (DNSSEC)? See Resolver/Servers and FromRoot, and `postern dns lookup`",
		   (unsigned long long)counts.bogus);
}

static void tick(void *context)
{
	struct mailq *mailq = context;

	resolver_tick(mailq->resolver);
	bogus_look(mailq);
	dkim_watch_tick(mailq->dkim_watch);
	if (mailq->stop_deadline_ms != 0)
		stop_look(mailq);
}

struct mailq *mailq_new(const struct mailq_options *options)
{
	struct mailq *mailq = calloc(1, sizeof(*mailq));

	CHECK(mailq != NULL && pthread_mutex_init(&mailq->config_lock, NULL) == 0);
	mailq->options = *options;
	mailq->counts = options->counts != NULL ? options->counts : &mailq->own_counts;
	role_client_init(&mailq->auth, options->connector, ROLE_AUTH, AUTH_PATIENCE_MS);
	role_client_init(&mailq->keys_client, options->connector, ROLE_KEYS, KEYS_PATIENCE_MS);
	key_source_remote_init(&mailq->keys, &mailq->keys_client);
	mailq->signings = signings_new(&mailq->keys.source);
	role_server_init(&mailq->server, &ops, ROLE_MAILQ, options->parent_fd, options->log, mailq);
	mailq->waiter = waiter_new((struct waiter_limits){
		.workers = WORKERS, .share_workers = SHARE_WORKERS, .linger_ms = LINGER_MS});
	waiter_tick_set(mailq->waiter, TICK_MS, tick, mailq);
	mailq->resolver = resolver_new(mailq->waiter);
	mailq->peer_names = peer_names_new(mailq->resolver);
	mailq->dkim_watch = dkim_watch_new(mailq);
	list_init(&mailq->dns_requests);
	dns_files_init(&mailq->dns_files);
	mailq->server_watch = (struct watch){.fd = mailq->server.epoll_fd, .ready = server_ready};
	waiter_watch(mailq->waiter, &mailq->server_watch);
	return mailq;
}

void mailq_send(struct mailq *mailq, struct store *store)
{
	mailq->sender = sender_new(mailq, store);
	mailq->downloads = downloads_new(mailq, store);
}

void mailq_run(struct mailq *mailq)
{
	if (mailq->sender != NULL)
		sender_start(mailq->sender);
	if (mailq->downloads != NULL)
		downloads_start(mailq->downloads);
	waiter_run(mailq->waiter);
	if (mailq->sender != NULL)
		sender_stop(mailq->sender);
	if (mailq->downloads != NULL)
		downloads_stop(mailq->downloads);
}

enum fault mailq_remote_password(struct mailq *mailq, struct str name,
				 struct secret *password_out)
{
	struct msg_remote_password_wanted wanted = {.name = name};
	struct packet answer;

	packet_init(&answer);
	enum fault fault =
		role_client_call(&mailq->auth, MSG_remote_password_wanted, &wanted,
				 MSG_remote_password_given, &answer);
	if (fault == FAULT_NONE)
		fault = fault_from_number(answer.message.remote_password_given.fault);
	if (fault == FAULT_NONE &&
	    !secret_set(password_out, answer.message.remote_password_given.password))
		fault = FAULT_TOO_LARGE;
	packet_done(&answer);
	return fault;
}

struct str mailq_hostname(const struct config *config)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static char machine[256];

	if (!str_is_empty(config->server.hostname))
		return config->server.hostname;
	pthread_mutex_lock(&lock);
	if (machine[0] == '\0' && (gethostname(machine, sizeof(machine) - 1) != 0 ||
				  machine[0] == '\0'))
		CHECK(str_copy_c(STR("localhost"), machine, sizeof(machine)));
	pthread_mutex_unlock(&lock);
	return str_from_c(machine);
}

void mailq_free(struct mailq **mailq)
{
	struct mailq *old = *mailq;

	*mailq = NULL;
	certificate_job_free(&old->certificate_job);
	dns_requests_drop(old);
	dkim_watch_free(&old->dkim_watch);
	peer_names_free(&old->peer_names);
	waiter_free(&old->waiter);
	if (old->sender != NULL)
		sender_free(&old->sender);
	if (old->downloads != NULL)
		downloads_free(&old->downloads);
	resolver_free(&old->resolver);
	role_server_done(&old->server);
	dns_files_done(&old->dns_files);
	config_unref(&old->config);
	client_contexts_unref(&old->contexts);
	signings_free(&old->signings);
	role_client_done(&old->keys_client);
	role_client_done(&old->auth);
	pthread_mutex_destroy(&old->config_lock);
	free(old);
}

void mailq_dkim_set(struct mailq *mailq, struct dkim_table *table)
{
	signings_table_set(mailq->signings, table);
	dkim_watch_table_changed(mailq->dkim_watch);
}

void mailq_dns_files_set(struct mailq *mailq, struct str servers, struct str anchors)
{
	buf_reset(&mailq->dns_files.servers);
	buf_append_str(&mailq->dns_files.servers, servers);
	buf_reset(&mailq->dns_files.anchors);
	buf_append_str(&mailq->dns_files.anchors, anchors);
}

/* Those of /etc/resolv.conf, as many as there is room for. */
static size_t machine_servers(const struct mailq *mailq, struct str servers[RESOLVER_SERVERS_MAX])
{
	size_t count = 0;

	for (struct str rest = buf_str(&mailq->dns_files.servers);
	     rest.ptr != NULL && count < RESOLVER_SERVERS_MAX;) {
		struct str server = str_cut(&rest, '\n');
		if (server.len > 0)
			servers[count++] = server;
	}
	return count;
}

static void resolver_configure(struct mailq *mailq, const struct config_resolver *config)
{
	struct str servers[RESOLVER_SERVERS_MAX];
	struct resolver_stub *stubs = calloc(config->stub_count + 1, sizeof(*stubs));
	struct resolver_settings settings = {.servers = config->servers,
					     .server_count = config->server_count,
					     .stubs = stubs,
					     .stub_count = config->stub_count,
					     .anchors = buf_str(&mailq->dns_files.anchors)};
	struct buf why = BUF_INIT(LOG_LINE_MAX);

	CHECK(stubs != NULL);
	for (size_t i = 0; i < config->stub_count; i++)
		stubs[i] = (struct resolver_stub){.zone = config->stubs[i].name,
						  .servers = config->stubs[i].servers,
						  .server_count = config->stubs[i].server_count,
						  .is_unsigned = config->stubs[i].is_unsigned};
	if (config->from_root)
		settings.server_count = 0;
	else if (config->server_count == 0) {
		settings.servers = servers;
		settings.server_count = machine_servers(mailq, servers);
	}
	mailq->bogus_is_told = false;
	if (resolver_settings_set(mailq->resolver, &settings, &why) != FAULT_NONE)
		log_printf(mailq->options.log, LOG_ERROR, "DNS is not asked as configured: %.*s",
			   STR_ARG(buf_str(&why)));
	if (mailq->dns_files.anchors.len == 0)
		log_printf(mailq->options.log, LOG_WARNING,
			   "there is no trust anchor, so no answer of DNS is proven: install "
			   "unbound-anchor or dns-root-data, or name a file in Resolver/TrustAnchorFile");
	buf_done(&why);
	free(stubs);
}

/* Whose word on a server's certificate counts, read anew with each configuration. */
static struct tls_anchors *anchors_load(const struct mailq *mailq)
{
	struct tls_anchors *anchors = tls_anchors_new();
	struct buf notes = BUF_INIT(NOTES_MAX);

	tls_anchors_load(anchors, TLS_ANCHORS_SYSTEM_FILE, &notes);
	tls_anchors_load(anchors, OWN_ANCHORS, &notes);
	for (struct str rest = buf_str(&notes); rest.len > 0;) {
		struct str note = str_cut(&rest, '\n');
		log_printf(mailq->options.log, LOG_WARNING, "trust anchors: %.*s", STR_ARG(note));
	}
	buf_done(&notes);
	return anchors;
}

/* NULL, and why in error.log, when OpenSSL does not take what the file says. */
static struct client_contexts *contexts_make(const struct mailq *mailq, struct config *config)
{
	struct tls_anchors *anchors = anchors_load(mailq);
	struct client_contexts *contexts = NULL;
	struct buf why = BUF_INIT(NOTES_MAX);

	if (client_contexts_new(config_ref(config), anchors, &why, &contexts) != FAULT_NONE)
		log_printf(mailq->options.log, LOG_ERROR,
			   "the clients keep their former TLS policy: %.*s", STR_ARG(buf_str(&why)));
	tls_anchors_unref(&anchors);
	buf_done(&why);
	return contexts;
}

void mailq_config_set(struct mailq *mailq, struct config *config)
{
	struct client_contexts *contexts = contexts_make(mailq, config);

	resolver_configure(mailq, &config->resolver);
	pthread_mutex_lock(&mailq->config_lock);
	struct config *former = mailq->config;
	struct client_contexts *former_contexts = contexts == NULL ? NULL : mailq->contexts;
	mailq->config = config;
	if (contexts != NULL)
		mailq->contexts = contexts;
	pthread_mutex_unlock(&mailq->config_lock);
	config_unref(&former);
	client_contexts_unref(&former_contexts);
	if (mailq->certificate_job != NULL)
		certificate_job_config_changed(mailq->certificate_job);
	if (mailq->sender != NULL)
		sender_changed(mailq->sender);
}

struct client_contexts *mailq_contexts_get(struct mailq *mailq)
{
	pthread_mutex_lock(&mailq->config_lock);
	struct client_contexts *contexts =
		mailq->contexts == NULL ? NULL : client_contexts_ref(mailq->contexts);
	pthread_mutex_unlock(&mailq->config_lock);
	return contexts;
}

struct config *mailq_config_get(struct mailq *mailq)
{
	pthread_mutex_lock(&mailq->config_lock);
	struct config *config = mailq->config == NULL ? NULL : config_ref(mailq->config);
	pthread_mutex_unlock(&mailq->config_lock);
	return config;
}
