/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/probe.h"

#include <stdlib.h>

#include "deliver/source.h"
#include "mailq/probe_report.h"
#include "net/dial.h"
#include "tls/failure_client.h"

enum {
	/* Somebody sits before the command that asks. */
	STEP_MS = 15 * 1000,
	DIAL_MS = 20 * 1000,
	TARGET_MAX = 512,
	INPUT_MAX = 16 * 1024,
	TARGETS_MAX = 2 * ROUTE_ADDRESSES_MAX,
};

struct probe;

/* What is spoken: each begins, talks on, and is over. */
struct probe_speech {
	void (*begin)(struct probe *probe, const struct outbound_parts *parts);
	enum step (*talk)(struct probe *probe);
	void (*done)(struct probe *probe);
};

static const struct probe_speech smtp_speech, pop3_speech, bare_speech;

/* How a service is spoken to. */
struct probe_kind {
	const char *name;
	uint16_t port;
	enum client_id client;
	bool is_implicit;
	const struct probe_speech *speech;
};

static const struct probe_kind kinds[] = {
	{"SMTP", 25, CLIENT_SMTP, false, &smtp_speech},
	{"Submission", 587, CLIENT_SMTP, false, &smtp_speech},
	{"SMTPS", 465, CLIENT_SMTP, true, &smtp_speech},
	{"POP3", 110, CLIENT_POP3, false, &pop3_speech},
	{"POP3S", 995, CLIENT_POP3, true, &pop3_speech},
	{"IMAPS", 993, CLIENT_POP3, true, &bare_speech},
	{"HTTPS", 443, CLIENT_POP3, true, &bare_speech},
};

enum probe_stage { PROBE_ROUTE, PROBE_DIAL, PROBE_TALK };

struct probe {
	struct task task;
	struct mailq *mailq;
	struct role_peer *peer;
	uint64_t id;
	struct client_contexts *contexts;
	const struct probe_kind *kind;
	char host[TARGET_MAX]; /* as given, without the port; an address in brackets */
	uint16_t port;
	bool has_port;
	enum probe_stage stage;
	struct route_find *find;
	const struct route_host *destination; /* of the route */
	char name[TARGET_MAX];		      /* whom we mean: its name, or its address */
	struct dial_target targets[TARGETS_MAX];
	struct source source;
	struct dial dial;
	bool is_talking; /* the one of these that the service speaks is there */
	union {
		struct smtp_client smtp;
		struct pop3_client pop3;
		struct outbound bare;
	};
	json_t *report;
};

/* ---- what is wanted ---- */

static const struct probe_kind *kind_find(struct str name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (str_equals_nocase(name, str_from_c(kinds[i].name)))
			return &kinds[i];
	}
	return NULL;
}

/* True for an address of IPv6 without brackets, which has colons of its own. */
static bool is_bare_ipv6(struct str target)
{
	return str_find_char(target, ':') != str_find_last_char(target, ':') &&
	       (target.len == 0 || target.ptr[0] != '[');
}

static bool port_cut(struct probe *probe, struct str *target)
{
	size_t colon = str_find_last_char(*target, ':');
	uint64_t port = 0;

	if (is_bare_ipv6(*target) || colon == STR_NONE || target->ptr[target->len - 1] == ']')
		return true;
	if (!str_parse_u64(str_from(*target, colon + 1), UINT16_MAX, &port) || port == 0)
		return false;
	probe->port = (uint16_t)port;
	probe->has_port = true;
	*target = str_sub(*target, 0, colon);
	return true;
}

/* An address as routing wants it: in brackets, that of IPv6 behind its tag (RFC 5321 section 4.1.3). */
static bool host_keep(struct probe *probe, struct str host)
{
	bool is_bracketed = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
	struct str inner = is_bracketed ? str_sub(host, 1, host.len - 2) : host;
	struct network address;
	struct buf text = BUF_INIT(TARGET_MAX);

	if (str_find_char(inner, '/') == STR_NONE && network_parse(inner, &address))
		buf_printf(&text, "[%s%.*s]",
			   dns_address_is_ipv4(address.address) ? "" : "IPv6:", STR_ARG(inner));
	else
		buf_append_str(&text, host);
	bool is_good = !text.failed && text.len > 0 &&
		       str_copy_c(buf_str(&text), probe->host, sizeof(probe->host));
	buf_done(&text);
	return is_good;
}

static bool target_read(struct probe *probe, struct str target)
{
	probe->port = probe->kind->port;
	return !str_is_empty(target) && port_cut(probe, &target) && host_keep(probe, target);
}

/* ---- the end ---- */

/* Answers, and ends the task. */
static enum step finish(struct probe *probe)
{
	char *text = json_dumps(probe->report, JSON_COMPACT);

	CHECK(text != NULL);
	struct str json = str_from_c(text);
	struct msg_probe_given given = {.fault = FAULT_NONE, .json = json};
	if (json.len > MESSAGE_INLINE_MAX)
		given = (struct msg_probe_given){.fault = FAULT_TOO_LARGE};
	role_peer_answer(probe->peer, MSG_probe_given, probe->id, &given);
	free(text);
	return STEP_END;
}

static void probe_end(struct task *task)
{
	struct probe *probe = list_entry(task, struct probe, task);

	route_find_free(&probe->find);
	if (probe->is_talking)
		probe->kind->speech->done(probe);
	dial_done(&probe->dial);
	role_peer_release(&probe->peer);
	client_contexts_unref(&probe->contexts);
	json_decref(probe->report);
	free(probe);
}

static void security_log(const struct probe *probe, const struct outbound *outbound)
{
	const struct log *log = probe->mailq->options.log;
	struct buf line = BUF_INIT(LOG_LINE_MAX), address = BUF_INIT(256);
	struct tls_facts facts = outbound_facts(outbound);

	dns_address_append(&address, dial_target(&probe->dial)->address);
	if (outbound_append_security(outbound, buf_str(&address), &line))
		log_printf(log, LOG_SECURITY, "%.*s", STR_ARG(buf_str(&line)));
	else if (facts.below_floor != TLS_RUNG_NONE) {
		tls_floor_append(&line, outbound->tls, buf_str(&address));
		log_printf(log, LOG_SECURITY, "%.*s", STR_ARG(buf_str(&line)));
	}
	buf_done(&line);
	buf_done(&address);
}

/* True, and how, when a client's step is to wait for the server. */
static bool waits(struct probe *probe, const struct outbound *outbound, enum outbound_step step,
		  enum step *wait_out)
{
	probe->task.deadline_ms = outbound->stream.deadline_ms;
	*wait_out = step == OUTBOUND_WAIT_OUTPUT ? STEP_WAIT_OUTPUT : STEP_WAIT_INPUT;
	return step == OUTBOUND_WAIT_INPUT || step == OUTBOUND_WAIT_OUTPUT;
}

static void talked(struct probe *probe, const struct outbound *outbound)
{
	security_log(probe, outbound);
	probe_report_outbound(probe->report, outbound);
}

/* What is done now, for whoever waits. */
static void tell(const struct probe *probe, const char *format, ...) format_printf(2, 3);
static void tell(const struct probe *probe, const char *format, ...)
{
	CLEANUP_BUF struct buf text = BUF_INIT(2 * TARGET_MAX);
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	struct msg_step_told told = {.text = buf_str(&text)};
	role_peer_answer(probe->peer, MSG_step_told, probe->id, &told);
}

/* ---- talking: SMTP ---- */

static void smtp_begin(struct probe *probe, const struct outbound_parts *parts)
{
	const struct config *config = client_contexts_config(probe->contexts);
	struct str hostname = config->server.hostname;

	smtp_client_init(&probe->smtp,
			 &(struct smtp_client_parts){
				 .outbound = *parts,
				 .helo = str_is_empty(hostname) ? STR("localhost") : hostname,
				 .is_implicit = probe->kind->is_implicit});
}

static enum step smtp_talk(struct probe *probe)
{
	struct smtp_client *client = &probe->smtp;
	enum step wait;

	if (probe->task.is_expired)
		smtp_client_expire(client);
	enum outbound_step step = smtp_client_step(client);
	if (waits(probe, &client->outbound, step, &wait))
		return wait;
	probe_report_smtp(probe->report, client);
	talked(probe, &client->outbound);
	if (step == OUTBOUND_READY) {
		/* Its answer is not waited for, nor does it matter: we have seen enough. */
		smtp_client_say(client, STR("QUIT"), STEP_MS);
		(void)smtp_client_step(client);
	}
	return finish(probe);
}

static void smtp_done(struct probe *probe)
{
	smtp_client_done(&probe->smtp);
}

static const struct probe_speech smtp_speech = {smtp_begin, smtp_talk, smtp_done};

/* ---- talking: POP3 ---- */

static void pop3_begin(struct probe *probe, const struct outbound_parts *parts)
{
	pop3_client_init(&probe->pop3,
			 &(struct pop3_client_parts){.outbound = *parts,
						     .is_implicit = probe->kind->is_implicit});
}

static enum step pop3_talk(struct probe *probe)
{
	struct pop3_client *client = &probe->pop3;
	enum step wait;

	if (probe->task.is_expired)
		pop3_client_expire(client);
	enum outbound_step step = pop3_client_step(client);
	if (waits(probe, &client->outbound, step, &wait))
		return wait;
	probe_report_pop3(probe->report, client);
	talked(probe, &client->outbound);
	if (step == OUTBOUND_READY) {
		pop3_client_say(client, STR("QUIT"), false);
		(void)pop3_client_step(client);
	}
	return finish(probe);
}

static void pop3_done(struct probe *probe)
{
	pop3_client_done(&probe->pop3);
}

static const struct probe_speech pop3_speech = {pop3_begin, pop3_talk, pop3_done};

/* ---- talking: nothing but TLS ---- */

static void bare_begin(struct probe *probe, const struct outbound_parts *parts)
{
	outbound_init(&probe->bare, parts);
	/* What fails here is told by the next step. */
	(void)!outbound_tls_begin(&probe->bare);
}

static enum step bare_talk(struct probe *probe)
{
	struct outbound *outbound = &probe->bare;

	if (probe->task.is_expired)
		outbound_expire(outbound, "its part of the handshake");
	enum io io = outbound_shake(outbound);
	probe->task.deadline_ms = outbound->stream.deadline_ms;
	if (io == IO_WANT_INPUT)
		return STEP_WAIT_INPUT;
	if (io == IO_WANT_OUTPUT)
		return STEP_WAIT_OUTPUT;
	talked(probe, outbound);
	return finish(probe);
}

static void bare_done(struct probe *probe)
{
	outbound_done(&probe->bare);
}

static const struct probe_speech bare_speech = {bare_begin, bare_talk, bare_done};

/* ---- talking begins ---- */

static void talk_begin(struct probe *probe)
{
	struct config *config = client_contexts_config(probe->contexts);
	const uint8_t *address = dial_target(&probe->dial)->address;
	struct client_destination destination = {
		.client = probe->kind->client,
		.domain = probe->host[0] == '[' ? STR("") : str_from_c(probe->host),
		.host = str_from_c(probe->name),
		.address = address};
	struct client_rule rule = client_contexts_rule(probe->contexts, &destination);
	struct outbound_parts parts = {.fd = dial_take(&probe->dial),
				       .context = rule.context,
				       .file_name = config->file_name,
				       .host = destination.host,
				       .demand = &rule.demand,
				       .input_max = INPUT_MAX,
				       .patience_ms = STEP_MS};

	tell(probe, "%s is reached; speaking with it", probe->name);
	probe_report_rule(probe->report, &rule, config->file_name);
	probe->is_talking = true;
	probe->stage = PROBE_TALK;
	probe->kind->speech->begin(probe, &parts);
}

/* ---- connecting ---- */

static enum step failed(struct probe *probe, const char *kind, struct str words)
{
	probe_report_failure(probe->report, kind, words);
	return finish(probe);
}

/* The next stage, or what to wait for. */
static bool dial_go(struct probe *probe, enum step *step_out)
{
	switch (dial_step(&probe->dial, &probe->task)) {
	case DIAL_WAIT_INPUT:
		*step_out = STEP_WAIT_INPUT;
		return false;
	case DIAL_CONNECTED:
		probe_report_address(probe->report, dial_target(&probe->dial)->address);
		talk_begin(probe);
		return true;
	default:
		*step_out = failed(probe, "unreached", buf_str(&probe->dial.why));
		return false;
	}
}

static void dial_begin(struct probe *probe, const struct route_host *host)
{
	struct buf name = BUF_INIT(TARGET_MAX);
	size_t count = 0;

	for (; count < host->address_count && count < TARGETS_MAX; count++) {
		memcpy(probe->targets[count].address, host->addresses[count], 16);
		probe->targets[count].port = probe->port;
	}
	if (host->name.len > 0)
		buf_append_str(&name, dns_name_str(&host->name));
	else
		dns_address_append(&name, host->addresses[0]);
	CHECK(str_copy_c(buf_str(&name), probe->name, sizeof(probe->name)));
	json_object_set_new(probe->report, "host", json_string(probe->name));
	buf_done(&name);
	struct dial_options options = {.targets = probe->targets,
				       .target_count = count,
				       .attempt_ms = STEP_MS,
				       .all_ms = DIAL_MS};
	source_init(&probe->source, client_contexts_config(probe->contexts));
	if (probe->kind->speech != &bare_speech)
		source_apply(&probe->source, &options);
	tell(probe, "connecting to %s, port %u", probe->name, probe->port);
	dial_init(&probe->dial, &options);
	probe->stage = PROBE_DIAL;
}

static bool route_go(struct probe *probe, enum step *step_out)
{
	const struct route *route = route_find_step(probe->find);

	if (route == NULL) {
		*step_out = STEP_WAIT_WAKE;
		return false;
	}
	probe_report_route(probe->report, route);
	for (size_t i = 0; i < route->host_count; i++) {
		if (route->hosts[i].address_count == 0)
			continue;
		dial_begin(probe, &route->hosts[i]);
		return true;
	}
	struct buf words = BUF_INIT(4096);
	buf_printf(&words, "%s%s", route_verdict_name(route->verdict), route->why.len > 0 ? ": " : "");
	buf_append_str(&words, buf_str(&route->why));
	*step_out = failed(probe, "unrouted", buf_str(&words));
	buf_done(&words);
	return false;
}

static enum step probe_run(struct task *task)
{
	struct probe *probe = list_entry(task, struct probe, task);
	enum step step;

	if (probe->stage == PROBE_ROUTE && !route_go(probe, &step))
		return step;
	if (probe->stage == PROBE_DIAL && !dial_go(probe, &step))
		return step;
	return probe->kind->speech->talk(probe);
}

static const struct task_ops probe_ops = {.run = probe_run, .end = probe_end};

/* ---- the beginning ---- */

static void route_wake(void *context)
{
	struct probe *probe = context;

	task_wake(&probe->task);
}

/* MX records are for mail to a domain; who names a port, or another service, means the host. */
static void route_begin(struct probe *probe)
{
	struct route_request request = {.resolver = probe->mailq->resolver,
					.domain = str_from_c(probe->host),
					.is_host = probe->has_port || probe->kind != &kinds[0],
					.wake = route_wake,
					.wake_context = probe};

	tell(probe, "finding the hosts of %s", probe->host);
	probe->find = route_find_new(&request);
}

static void refuse(struct role_peer *peer, uint64_t id, enum fault fault)
{
	struct msg_probe_given given = {.fault = fault};

	role_peer_answer(peer, MSG_probe_given, id, &given);
}

void probe_wanted(struct mailq *mailq, struct role_peer *peer, struct packet *packet)
{
	const struct msg_probe_wanted *wanted = &packet->message.probe_wanted;
	struct probe *probe = calloc(1, sizeof(*probe));

	CHECK(probe != NULL);
	probe->kind = kind_find(wanted->service);
	probe->contexts = mailq_contexts_get(mailq);
	if (probe->kind == NULL || probe->contexts == NULL ||
	    !target_read(probe, wanted->target)) {
		refuse(peer, packet->header.id,
		       probe->contexts == NULL ? FAULT_UNAVAILABLE : FAULT_INVALID);
		client_contexts_unref(&probe->contexts);
		free(probe);
		return;
	}
	probe->task = (struct task){.ops = &probe_ops, .fd = -1};
	probe->mailq = mailq;
	role_peer_hold(peer);
	probe->peer = peer;
	probe->id = packet->header.id;
	probe->report = probe_report_new(wanted->target, probe->kind->name, probe->port);
	dial_init(&probe->dial, &(struct dial_options){.targets = probe->targets});
	route_begin(probe);
	task_start(mailq->waiter, &probe->task);
}
