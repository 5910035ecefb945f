/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/delivery.h"

#include <stdlib.h>

#include "base/clock.h"
#include "config/relay.h"
#include "deliver/own.h"
#include "deliver/route.h"
#include "deliver/smtp_login.h"
#include "deliver/source.h"
#include "mailq/settle.h"
#include "mailq/signing.h"
#include "mailq/way.h"
#include "net/dial.h"
#include "tls/failure_client.h"

enum {
	PORT = 25,
	NAME_MAX_BYTES = 512,
	TARGETS_MAX = 2 * ROUTE_ADDRESSES_MAX,
	REASON_MAX = 4096,
	SETTLE_AGAIN_MS = 5 * 1000,
	LEASE_AWAY_S = 60,
	TLS_TEXT_MAX = 256,
	DEMAND_ARENA_MAX = 64 * 1024,
};

enum stage {
	STAGE_BEGIN,
	STAGE_ROUTE,
	STAGE_DIAL,
	STAGE_OPEN,
	STAGE_LOGIN,
	STAGE_SEND,
	STAGE_GIVE_UP,
	STAGE_SETTLE /* what became of the job at hand is known, and to be stored */
};

struct delivery {
	struct task task;
	struct sender *sender;
	struct mailq *mailq;
	struct outbox_destination *destination;
	char domain[NAME_MAX_BYTES];
	struct client_contexts *contexts;
	struct own own;
	const struct relay *relay; /* of the contexts' configuration; NULL: by MX */
	const struct partner *row; /* of TlsPolicy, as the connection was made; likewise */
	struct arena demand_arena;
	enum stage stage;

	/* The job at hand; NULL between two. */
	struct outbox_job *job;
	struct load load;
	struct settle_fate *fates;
	struct settle_left left;
	bool is_unsettled; /* the store has not taken it yet */
	enum stage stage_settled; /* which stage comes then */
	enum step step_settled;
	struct signing *signing; /* NULL: not begun */

	/* The way. */
	struct route_find *find;
	const struct route *route;
	size_t host_at;
	char host[NAME_MAX_BYTES]; /* the one that is tried: its name, or its address */
	bool without_dhe;
	bool is_never; /* every host so far said that it takes no mail at all */
	struct dial_target targets[TARGETS_MAX];
	struct source source;
	struct dial dial;

	/* The session. */
	bool has_client;
	struct smtp_client client;
	struct smtp_login login;
	struct tls_demand demand;
	unsigned messages; /* sent through it */
	bool wants_reset;
	bool has_transaction;
	struct transaction transaction;
	bool is_idle;
	struct sender_idle idle;

	/* Why it could not go on, for every job. */
	enum transaction_fate reason_fate;
	char reason_status[16];
	struct buf reason;
	bool is_tls_reason;
	struct buf tls_left; /* of the session that was left, for mail.log */
	struct count_tls count_left; /* the same, for /metrics */
};

/* ---- jobs ---- */

static struct str address_text(const struct delivery *delivery, struct buf *to)
{
	/* With no address left that took the connection there is none. */
	if (delivery->stage >= STAGE_DIAL && delivery->dial.at < delivery->dial.options.target_count)
		dns_address_append(to, dial_target(&delivery->dial)->address);
	return buf_str(to);
}

/*
 * "verify TLSv1.3 TLS_AES_256_GCM_SHA384 x25519"; "may:none" for a downgrade to the clear;
 * "verify failed" where TLS did not come about.
 */
static void tls_text(const struct delivery *delivery, struct buf *to)
{
	const struct outbound *outbound = &delivery->client.outbound;
	struct tls_facts facts = outbound_facts(outbound);

	buf_append_c(to, tls_level_name(delivery->demand.level));
	if (outbound_fault_is_tls(outbound->fault)) {
		buf_append_str(to, STR(" failed"));
		return;
	}
	if (facts.is_active)
		buf_append_char(to, ' ');
	else if (delivery->demand.level != TLS_LEVEL_NONE)
		buf_append_str(to, STR(":none"));
	tls_facts_append(&facts, to);
}

static struct count_tls count_tls_of(const struct delivery *delivery)
{
	const struct outbound *outbound = &delivery->client.outbound;
	struct tls_facts facts = outbound_facts(outbound);

	return (struct count_tls){.is_reached = true,
				  .rule = delivery->demand.level,
				  .is_active = facts.is_active &&
					       !outbound_fault_is_tls(outbound->fault),
				  .version = facts.version};
}

/* Keeps what is to be said of the TLS of a session that is left; nothing where none was due yet. */
static void tls_keep(struct delivery *delivery)
{
	const struct outbound *outbound = &delivery->client.outbound;

	delivery->count_left = count_tls_of(delivery);
	buf_reset(&delivery->tls_left);
	if (outbound_fault_is_tls(outbound->fault) || outbound_facts(outbound).is_active ||
	    delivery->client.stage == SMTP_CLIENT_OPEN)
		tls_text(delivery, &delivery->tls_left);
}

static void transaction_drop(struct delivery *delivery)
{
	transaction_done(&delivery->transaction);
	delivery->has_transaction = false;
}

/* Gives the job at hand back with what is left of it. */
static void job_give_back(struct delivery *delivery)
{
	const struct settle_left *left = &delivery->left;

	if (left->count == 0)
		sender_job_done(delivery->sender, delivery->job);
	else
		sender_job_again(delivery->sender, delivery->job, left->recipients, left->count,
				 left->next_s);
	delivery->job = NULL;
	signing_free(&delivery->signing);
	load_done(&delivery->load);
	free(delivery->fates);
	delivery->fates = NULL;
}

/* Settles the job at hand with the fates as they stand. Blocks on the store. */
static enum fault job_settle(struct delivery *delivery)
{
	struct config *config = client_contexts_config(delivery->contexts);
	struct sender_lease lease = sender_lease(delivery->sender);
	struct buf address = BUF_INIT(256), tls = BUF_INIT(TLS_TEXT_MAX);

	if (delivery->has_client)
		tls_text(delivery, &tls);
	else
		buf_append_str(&tls, buf_str(&delivery->tls_left));
	struct settle settle = {
		.store = sender_store(delivery->sender),
		.log = delivery->mailq->options.log,
		.config = config,
		.hostname = mailq_hostname(config),
		.owner = lease.owner,
		.epoch = lease.epoch,
		.load = &delivery->load,
		.host = str_from_c(delivery->host),
		.address = address_text(delivery, &address),
		.tls = buf_str(&tls),
		.dkim = delivery->has_transaction ? signing_names(delivery->signing) : STR(""),
		.row = delivery->row,
		.counts = delivery->mailq->counts,
		.count_tls = delivery->has_client ? count_tls_of(delivery)
						  : delivery->count_left,
		.is_tls_reason = delivery->is_tls_reason,
		.knows_dsn = delivery->has_client &&
			     smtp_capabilities_has(&delivery->client.capabilities,
						   SMTP_CAPABILITY_DSN),
		.is_again = delivery->is_unsettled};
	enum fault fault = settle_run(&settle, delivery->fates, delivery->load.recipient_count,
				      &delivery->left);
	buf_done(&address);
	buf_done(&tls);
	return fault;
}

/* The queue is another's now, who sends what is left. */
static void job_leave(struct delivery *delivery)
{
	struct settle_left *left = &delivery->left;

	left->count = 0;
	left->next_s = clock_real_s() + LEASE_AWAY_S;
	for (size_t i = 0; i < delivery->load.recipient_count; i++)
		if (!delivery->fates[i].is_settled)
			left->recipients[left->count++] = delivery->fates[i].recipient->number;
}

/*
 * Stores what became of the job at hand. While that cannot be, the delivery waits with
 * what it knows: the message does not go out once more for it.
 */
static enum step settle_go(struct delivery *delivery)
{
	enum fault fault = job_settle(delivery);

	delivery->is_unsettled = fault != FAULT_NONE && fault != FAULT_DENIED;
	if (delivery->is_unsettled) {
		delivery->task.deadline_ms = clock_mono_ms() + SETTLE_AGAIN_MS;
		return STEP_WAIT_WAKE;
	}
	if (fault == FAULT_DENIED)
		job_leave(delivery);
	job_give_back(delivery);
	if (delivery->has_transaction) {
		delivery->wants_reset = delivery->transaction.wants_reset;
		transaction_drop(delivery);
		delivery->messages++;
	}
	delivery->stage = delivery->stage_settled;
	return delivery->step_settled;
}

/* Every recipient of the job at hand has his fate: stores it, and then goes on with `step`. */
static enum step settle_begin(struct delivery *delivery, enum step step)
{
	delivery->left.count = 0;
	delivery->stage_settled = delivery->stage;
	delivery->step_settled = step;
	delivery->stage = STAGE_SETTLE;
	return settle_go(delivery);
}

/* Every recipient of the job at hand has the reason of the whole for his own. */
static enum step job_settle_reason(struct delivery *delivery)
{
	for (size_t i = 0; i < delivery->load.recipient_count; i++)
		delivery->fates[i] =
			(struct settle_fate){.recipient = &delivery->load.recipients[i],
					     .fate = delivery->reason_fate,
					     .status = str_from_c(delivery->reason_status),
					     .text = buf_str(&delivery->reason)};
	return settle_begin(delivery, STEP_AGAIN);
}

/* True when the rules still lead each recipient of the job at hand this way. */
static bool job_is_on_its_way(const struct delivery *delivery)
{
	const struct load *load = &delivery->load;
	char name[WAY_NAME_MAX];

	for (size_t i = 0; i < load->recipient_count; i++)
		if (!way_name(client_contexts_config(delivery->contexts),
			      load->entry.envelope.sender, load->recipients[i].address, name) ||
		    strcasecmp(name, delivery->domain) != 0)
			return false;
	return true;
}

/* The job at hand goes another way since the configuration changed: its entry is looked at anew. */
static void job_turn(struct delivery *delivery)
{
	load_done(&delivery->load);
	sender_ordered(delivery->sender, delivery->job->entry);
	sender_job_again(delivery->sender, delivery->job, delivery->job->recipients,
			 delivery->job->recipient_count, clock_real_s());
	delivery->job = NULL;
}

/* Loads the job at hand; false when nothing of it is left to be sent here. */
static bool job_load(struct delivery *delivery)
{
	enum fault fault =
		load_job(sender_store(delivery->sender), delivery->job, &delivery->load);

	if (fault == FAULT_NONE && !job_is_on_its_way(delivery)) {
		job_turn(delivery);
		return false;
	}
	if (fault == FAULT_NONE) {
		delivery->fates =
			calloc(delivery->load.recipient_count, sizeof(*delivery->fates));
		CHECK(delivery->fates != NULL);
		return true;
	}
	if (fault == FAULT_NOT_FOUND)
		sender_job_done(delivery->sender, delivery->job);
	else {
		log_printf(delivery->mailq->options.log, LOG_ERROR,
			   "queue: an entry cannot be read (%s); it is looked at again in a minute",
			   fault_text(fault));
		sender_job_again(delivery->sender, delivery->job, delivery->job->recipients,
				 delivery->job->recipient_count, clock_real_s() + 60);
	}
	delivery->job = NULL;
	return false;
}

/* The next job for this connection, loaded; false when there is none. */
static bool job_next(struct delivery *delivery)
{
	while (delivery->job == NULL) {
		delivery->job = sender_take_next(delivery->sender, delivery->destination);
		if (delivery->job == NULL)
			return false;
		if (job_load(delivery))
			return true;
	}
	return true;
}

/* ---- reasons ---- */

static void reason_set(struct delivery *delivery, enum transaction_fate fate, const char *status,
		       struct str words)
{
	delivery->reason_fate = fate;
	CHECK(str_copy_c(str_from_c(status), delivery->reason_status,
			 sizeof(delivery->reason_status)));
	buf_reset(&delivery->reason);
	buf_append_str(&delivery->reason, str_sub(words, 0, REASON_MAX));
}

/* A host did not do; what was said of those before it stays. TLS is what weighs most. */
static void reason_add(struct delivery *delivery, bool is_tls, const char *status, struct str words)
{
	struct buf *reason = &delivery->reason;

	if (is_tls || !delivery->is_tls_reason)
		CHECK(str_copy_c(str_from_c(status), delivery->reason_status,
				 sizeof(delivery->reason_status)));
	delivery->is_tls_reason |= is_tls;
	if (reason->len >= REASON_MAX)
		return;
	buf_append_c(reason, reason->len > 0 ? "; " : "");
	buf_append_str(reason, str_sub(words, 0, REASON_MAX - reason->len));
}

/* Nothing goes to this destination now. */
static void give_up(struct delivery *delivery)
{
	delivery->stage = STAGE_GIVE_UP;
	if (delivery->reason_fate == TRANSACTION_LATER)
		sender_failed(delivery->sender, delivery->destination,
			      &(struct outbox_failure){buf_str(&delivery->reason),
						       delivery->is_tls_reason});
}

/* One job a run, so that many do not hold the worker. */
static enum step give_up_go(struct delivery *delivery)
{
	if (!job_next(delivery))
		return STEP_END;
	return job_settle_reason(delivery);
}

/* ---- the way ---- */

static void route_wake(void *context)
{
	struct delivery *delivery = context;

	task_wake(&delivery->task);
}

static uint16_t port_of(const struct delivery *delivery)
{
	return delivery->relay == NULL ? PORT : delivery->relay->port;
}

static void route_begin(struct delivery *delivery)
{
	struct str relay = delivery->relay == NULL ? STR("") : delivery->relay->host;
	struct route_request request = {.resolver = delivery->mailq->resolver,
					.domain = str_is_empty(relay) ? str_from_c(delivery->domain) : relay,
					.is_host = !str_is_empty(relay),
					.is_own_name = own_name_check,
					.is_own_address = own_address_check,
					.own_context = &delivery->own,
					.wake = route_wake,
					.wake_context = delivery};

	own_init(&delivery->own, client_contexts_config(delivery->contexts), port_of(delivery));
	source_init(&delivery->source, client_contexts_config(delivery->contexts));
	delivery->find = route_find_new(&request);
	delivery->stage = STAGE_ROUTE;
}

/* What a verdict means for the mail; FOUND is none. */
static const struct {
	enum route_verdict verdict;
	enum transaction_fate fate;
	const char *status;
} verdicts[] = {
	{ROUTE_INVALID, TRANSACTION_FAILED, "5.1.2"}, {ROUTE_NOWHERE, TRANSACTION_FAILED, "5.1.2"},
	{ROUTE_NULL, TRANSACTION_FAILED, "5.1.10"},   {ROUTE_LOOP, TRANSACTION_FAILED, "5.4.6"},
	{ROUTE_LATER, TRANSACTION_LATER, "4.4.3"},
};

static void route_refuse(struct delivery *delivery, const struct route *route)
{
	struct buf words = BUF_INIT(2 * REASON_MAX);

	buf_printf(&words, "%s: %s", delivery->domain, route_verdict_name(route->verdict));
	if (route->why.len > 0)
		buf_printf(&words, " (%.*s)", STR_ARG(buf_str(&route->why)));
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (verdicts[i].verdict == route->verdict)
			reason_set(delivery, verdicts[i].fate, verdicts[i].status,
				   buf_str(&words));
	buf_done(&words);
	give_up(delivery);
}

/* No host is left. RFC 7504 section 3: a domain whose hosts all take no mail gets none later either. */
static void hosts_end(struct delivery *delivery)
{
	if (delivery->reason.len == 0)
		reason_add(delivery, false, "4.4.1", STR("no host of the domain has an address"));
	else if (delivery->is_never) {
		delivery->reason_fate = TRANSACTION_FAILED;
		CHECK(str_copy_c(STR("5.3.2"), delivery->reason_status,
				 sizeof(delivery->reason_status)));
	}
	give_up(delivery);
}

/* Begins to connect to the host at hand; with none left, gives up. */
static void host_begin(struct delivery *delivery)
{
	struct buf name = BUF_INIT(NAME_MAX_BYTES);
	size_t count = 0;

	while (delivery->host_at < delivery->route->host_count &&
	       delivery->route->hosts[delivery->host_at].address_count == 0)
		delivery->host_at++;
	if (delivery->host_at == delivery->route->host_count) {
		hosts_end(delivery);
		return;
	}
	const struct route_host *host = &delivery->route->hosts[delivery->host_at];
	for (; count < host->address_count && count < TARGETS_MAX; count++) {
		memcpy(delivery->targets[count].address, host->addresses[count], 16);
		delivery->targets[count].port = port_of(delivery);
	}
	if (host->name.len > 0)
		buf_append_str(&name, dns_name_str(&host->name));
	else
		dns_address_append(&name, host->addresses[0]);
	CHECK(str_copy_c(buf_str(&name), delivery->host, sizeof(delivery->host)));
	buf_done(&name);
	dial_done(&delivery->dial);
	struct dial_options options = {.targets = delivery->targets, .target_count = count};
	source_apply(&delivery->source, &options);
	dial_init(&delivery->dial, &options);
	delivery->stage = STAGE_DIAL;
}

static bool route_go(struct delivery *delivery, enum step *step_out)
{
	const struct route *route = route_find_step(delivery->find);

	if (route == NULL) {
		*step_out = STEP_WAIT_WAKE;
		return false;
	}
	delivery->route = route;
	if (route->verdict != ROUTE_FOUND) {
		route_refuse(delivery, route);
		return true;
	}
	reason_set(delivery, TRANSACTION_LATER, "4.4.1", STR(""));
	delivery->is_never = true;
	host_begin(delivery);
	return true;
}

/* ---- the connection ---- */

static struct client_destination destination_of(const struct delivery *delivery)
{
	bool is_domain = delivery->domain[0] != '[' && delivery->relay == NULL;

	return (struct client_destination){.client = CLIENT_SMTP,
					   .domain = str_from_c(is_domain ? delivery->domain : ""),
					   .host = str_from_c(delivery->host),
					   .address = dial_target(&delivery->dial)->address};
}

static void client_begin(struct delivery *delivery)
{
	struct config *config = client_contexts_config(delivery->contexts);
	struct client_destination destination = destination_of(delivery);
	struct client_rule rule = client_contexts_rule(delivery->contexts, &destination);

	rule.demand.without_dhe |= delivery->without_dhe;
	if (delivery->relay != NULL) {
		struct tls_demand relay = relay_demand(delivery->relay);
		arena_rewind(&delivery->demand_arena);
		/* A level of none stands for itself, unless a row of TlsPolicy wants more. */
		rule.demand = rule.row == NULL ? relay
					       : demand_join(&rule.demand, &relay,
							     &delivery->demand_arena);
	}
	delivery->demand = rule.demand;
	delivery->row = rule.row;
	struct smtp_client_parts parts = {.outbound = {.fd = dial_take(&delivery->dial),
						       .context = rule.context,
						       .file_name = config->file_name,
						       .host = destination.host,
						       .demand = &delivery->demand,
						       .patience_ms = (int)config->queue.answer_s * 1000},
					  .helo = mailq_hostname(config),
					  .is_implicit = delivery->relay != NULL &&
							 delivery->relay->is_implicit};
	smtp_client_init(&delivery->client, &parts);
	delivery->has_client = true;
	delivery->messages = 0;
	delivery->wants_reset = false;
	delivery->stage = STAGE_OPEN;
}

static void client_end(struct delivery *delivery)
{
	if (delivery->has_client)
		smtp_client_done(&delivery->client);
	delivery->has_client = false;
}

/* The session is over, and the delivery goes on without it. */
static void client_leave(struct delivery *delivery)
{
	tls_keep(delivery);
	/* Out of the waiter's hands before the number can be somebody else's. */
	task_fd_set(&delivery->task, -1);
	client_end(delivery);
}

static bool dial_go(struct delivery *delivery, enum step *step_out)
{
	switch (dial_step(&delivery->dial, &delivery->task)) {
	case DIAL_WAIT_INPUT:
		*step_out = STEP_WAIT_INPUT;
		return false;
	case DIAL_CONNECTED:
		client_begin(delivery);
		return true;
	default:
		if (!delivery->is_tls_reason)
			buf_reset(&delivery->tls_left);
		delivery->is_never = false;
		reason_add(delivery, false, "4.4.1", buf_str(&delivery->dial.why));
		delivery->host_at++;
		host_begin(delivery);
		return true;
	}
}

static void security_log(const struct delivery *delivery)
{
	struct buf line = BUF_INIT(LOG_LINE_MAX), address = BUF_INIT(256);

	if (outbound_append_security(&delivery->client.outbound,
				     address_text(delivery, &address), &line))
		log_printf(delivery->mailq->options.log, LOG_SECURITY, "%.*s",
			   STR_ARG(buf_str(&line)));
	buf_done(&line);
	buf_done(&address);
}

static bool dh_was_too_small(const struct delivery *delivery)
{
	const struct outbound *outbound = &delivery->client.outbound;

	if (outbound->fault != OUTBOUND_TLS || outbound->tls == NULL)
		return false;
	enum tls_client_failure failure = tls_client_failure(outbound->tls);
	return failure == TLS_CLIENT_FAILURE_DH_SMALL || failure == TLS_CLIENT_FAILURE_DH_WEAK;
}

/* RFC 7504 section 3: a greeting of this kind speaks for the host, not for the moment. */
static bool takes_no_mail(const struct smtp_client *client)
{
	return client->stage == SMTP_CLIENT_GREETING &&
	       client->outbound.fault == OUTBOUND_REFUSED && client->outbound.reply_code == 521;
}

/* The session did not come about, or broke: the next host, or this one without DHE. */
static void open_failed(struct delivery *delivery)
{
	const struct outbound *outbound = &delivery->client.outbound;
	struct buf words = BUF_INIT(2 * REASON_MAX);
	bool is_dh = dh_was_too_small(delivery) && !delivery->without_dhe;
	bool is_tls = outbound_fault_is_tls(outbound->fault);

	security_log(delivery);
	delivery->is_never = delivery->is_never && takes_no_mail(&delivery->client);
	buf_printf(&words, "%s %.*s", delivery->host, STR_ARG(buf_str(&outbound->why)));
	reason_add(delivery, is_tls, is_tls ? "4.7.5" : "4.4.2", buf_str(&words));
	buf_done(&words);
	client_leave(delivery);
	delivery->without_dhe = is_dh;
	if (!is_dh)
		delivery->host_at++;
	host_begin(delivery);
}

static void opened(struct delivery *delivery)
{
	sender_succeeded(delivery->sender, delivery->destination);
	delivery->stage = STAGE_SEND;
}

/* Nothing goes to the relay host as nobody. */
static void login_refused(struct delivery *delivery, struct str words)
{
	struct buf reason = BUF_INIT(2 * REASON_MAX);

	buf_printf(&reason, "%s %.*s", delivery->host, STR_ARG(words));
	reason_set(delivery, TRANSACTION_LATER, "4.7.0", buf_str(&reason));
	log_printf(delivery->mailq->options.log, LOG_ERROR, "queue: %.*s",
		   STR_ARG(buf_str(&reason)));
	buf_done(&reason);
	client_leave(delivery);
	give_up(delivery);
}

static void login_begin(struct delivery *delivery)
{
	struct buf why = BUF_INIT(REASON_MAX);
	struct secret password CLEANUP_SECRET = {0};
	struct str name = delivery->relay->password;
	enum fault fault = mailq_remote_password(delivery->mailq, name, &password);

	if (fault != FAULT_NONE)
		buf_printf(&why, "is not logged in to: the password %.*s %s", STR_ARG(name),
			   fault == FAULT_NOT_FOUND ? "is not kept; see `postern remote-password set`"
						    : fault_text(fault));
	else if (smtp_login_begin(&delivery->login, &delivery->client, delivery->relay->user,
				  secret_reveal(&password), &why))
		delivery->stage = STAGE_LOGIN;
	if (why.len > 0)
		login_refused(delivery, buf_str(&why));
	buf_done(&why);
}

static bool login_go(struct delivery *delivery, enum step *step_out)
{
	struct buf why = BUF_INIT(REASON_MAX);
	bool goes_on = true;

	if (delivery->task.is_expired)
		smtp_client_expire(&delivery->client);
	enum smtp_login_step step = smtp_login_step(&delivery->login, &delivery->client, &why);
	delivery->task.deadline_ms = delivery->client.outbound.stream.deadline_ms;
	if (step == SMTP_LOGIN_DONE)
		opened(delivery);
	else if (step == SMTP_LOGIN_REFUSED)
		login_refused(delivery, buf_str(&why));
	else if (step == SMTP_LOGIN_BROKEN)
		open_failed(delivery);
	else {
		*step_out = step == SMTP_LOGIN_WAIT_INPUT ? STEP_WAIT_INPUT : STEP_WAIT_OUTPUT;
		goes_on = false;
	}
	buf_done(&why);
	return goes_on;
}

static bool open_go(struct delivery *delivery, enum step *step_out)
{
	if (delivery->task.is_expired)
		smtp_client_expire(&delivery->client);
	enum outbound_step step = smtp_client_step(&delivery->client);
	delivery->task.deadline_ms = delivery->client.outbound.stream.deadline_ms;
	switch (step) {
	case OUTBOUND_WAIT_INPUT:
		*step_out = STEP_WAIT_INPUT;
		return false;
	case OUTBOUND_WAIT_OUTPUT:
		*step_out = STEP_WAIT_OUTPUT;
		return false;
	case OUTBOUND_READY:
		delivery->is_tls_reason = false;
		if (delivery->relay != NULL && !str_is_empty(delivery->relay->user))
			login_begin(delivery);
		else
			opened(delivery);
		return true;
	default:
		open_failed(delivery);
		return true;
	}
}

/* ---- sending ---- */

static void transaction_begin(struct delivery *delivery)
{
	const struct config *config = client_contexts_config(delivery->contexts);
	struct transaction_parts parts = {
		.client = &delivery->client,
		.envelope = &delivery->load.entry.envelope,
		.recipients = delivery->load.recipients,
		.recipient_count = delivery->load.recipient_count,
		.pieces = {delivery->load.content.prefix, signing_text(delivery->signing),
			   delivery->load.content.body},
		.min_bytes_per_s = config->limits.min_bytes_per_second,
		.after_reset = delivery->wants_reset};

	transaction_init(&delivery->transaction, &parts);
	delivery->has_transaction = true;
}

static enum step transaction_end(struct delivery *delivery, enum step step)
{
	for (size_t i = 0; i < delivery->load.recipient_count; i++) {
		const struct transaction_recipient *recipient =
			&delivery->transaction.recipients[i];
		delivery->fates[i] = (struct settle_fate){
			.recipient = recipient->recipient,
			.fate = recipient->fate,
			.status = str_from_c(recipient->status),
			.text = str_from_c(recipient->text == NULL ? "" : recipient->text),
			.is_reply = recipient->is_reply};
	}
	return settle_begin(delivery, step);
}

/* The message cannot be signed, so this one is not sent; the next may. */
static enum step unsigned_settle(struct delivery *delivery, enum transaction_fate fate)
{
	struct str why = signing_text(delivery->signing);

	reason_set(delivery, fate, fate == TRANSACTION_LATER ? "4.7.0" : "5.6.0", why);
	log_printf(delivery->mailq->options.log, LOG_ERROR, "queue: %.*s: %.*s",
		   STR_ARG(delivery->load.entry.envelope.queue_id), STR_ARG(why));
	signing_free(&delivery->signing);
	return job_settle_reason(delivery);
}

/* Signs the job at hand; true when it may go. */
static bool sign_go(struct delivery *delivery, enum step *step_out)
{
	/* The server's time does not run meanwhile. */
	delivery->task.deadline_ms = 0;
	*step_out = STEP_AGAIN;
	if (delivery->signing == NULL)
		delivery->signing = signing_new(delivery->mailq->signings, &delivery->load,
						&delivery->task);
	switch (signing_step(delivery->signing)) {
	case SIGNING_DONE:
		return true;
	case SIGNING_AGAIN:
		break;
	case SIGNING_WAIT:
		*step_out = STEP_WAIT_WAKE;
		break;
	case SIGNING_LATER:
		*step_out = unsigned_settle(delivery, TRANSACTION_LATER);
		break;
	case SIGNING_REFUSED:
		*step_out = unsigned_settle(delivery, TRANSACTION_FAILED);
		break;
	}
	return false;
}

/* Its answer is not waited for. */
static enum step quit(struct delivery *delivery)
{
	smtp_client_say(&delivery->client, STR("QUIT"), SMTP_CLIENT_COMMAND_MS);
	(void)smtp_client_step(&delivery->client);
	return STEP_END;
}

/*
 * True while what holds for the host is what the connection was made under: no reload
 * came between, and no row's time is over.
 */
static bool is_rule_in_force(const struct delivery *delivery)
{
	struct client_destination destination = destination_of(delivery);
	struct client_contexts *now = mailq_contexts_get(delivery->mailq);
	bool is_same = now == delivery->contexts &&
		       client_contexts_rule(now, &destination).row == delivery->row;

	client_contexts_unref(&now);
	return is_same;
}

/* Gives back the job at hand, if there is one, for another connection. */
static void job_return(struct delivery *delivery)
{
	if (delivery->job == NULL)
		return;
	signing_free(&delivery->signing);
	if (delivery->fates != NULL)
		load_done(&delivery->load);
	free(delivery->fates);
	delivery->fates = NULL;
	sender_job_again(delivery->sender, delivery->job, delivery->job->recipients,
			 delivery->job->recipient_count, clock_real_s());
	delivery->job = NULL;
}

/*
 * The session broke amid a message. Where nothing came of it, a server that has had
 * enough of this connection is given another, and one that took nothing at all is
 * passed over for the next.
 */
static enum step session_broke(struct delivery *delivery)
{
	if (!transaction_is_untouched(&delivery->transaction))
		return transaction_end(delivery, STEP_END);
	transaction_drop(delivery);
	if (delivery->messages > 0) {
		job_return(delivery);
		return STEP_END;
	}
	open_failed(delivery);
	return STEP_AGAIN;
}

/*
 * Stands by for more to send: a handshake is dearer, for both. Who is woken without a job
 * has waited long enough, or the server has said or done something.
 */
static enum step idle_begin(struct delivery *delivery, uint32_t idle_s)
{
	delivery->job =
		sender_idle_begin(delivery->sender, delivery->destination, &delivery->idle);
	if (delivery->job != NULL) {
		(void)job_load(delivery);
		return STEP_AGAIN;
	}
	delivery->is_idle = true;
	delivery->task.deadline_ms = clock_mono_ms() + 1000 * (int64_t)idle_s;
	return STEP_WAIT_INPUT;
}

static void idle_end(struct delivery *delivery)
{
	if (!delivery->is_idle)
		return;
	delivery->is_idle = false;
	delivery->job = sender_idle_end(delivery->sender, &delivery->idle);
}

/* Nothing is ready: stands by, unless it has, or must not. */
static enum step nothing_go(struct delivery *delivery, bool was_idle)
{
	uint32_t idle_s = client_contexts_config(delivery->contexts)->queue.connection_idle_s;

	if (was_idle || idle_s == 0 || mailq_is_stopping(delivery->mailq))
		return quit(delivery);
	return idle_begin(delivery, idle_s);
}

/* Begins the next message; false when it cannot yet, or there is none. */
static bool next_go(struct delivery *delivery, enum step *step_out)
{
	const struct config_queue *queue = &client_contexts_config(delivery->contexts)->queue;
	bool was_idle = delivery->is_idle;

	idle_end(delivery);
	if (was_idle && delivery->job != NULL && !job_load(delivery)) {
		*step_out = STEP_AGAIN;
		return false;
	}
	if (!is_rule_in_force(delivery)) {
		job_return(delivery);
		*step_out = quit(delivery);
		return false;
	}
	if (delivery->messages >= queue->connection_messages) {
		*step_out = quit(delivery);
		return false;
	}
	if (!job_next(delivery)) {
		*step_out = nothing_go(delivery, was_idle);
		return false;
	}
	if (!sign_go(delivery, step_out))
		return false;
	transaction_begin(delivery);
	return true;
}

static enum step send_go(struct delivery *delivery)
{
	enum step step;

	if (!delivery->has_transaction) {
		if (!next_go(delivery, &step))
			return step;
	} else if (delivery->task.is_expired)
		transaction_expire(&delivery->transaction);
	enum transaction_step went = transaction_step(&delivery->transaction);
	delivery->task.deadline_ms = delivery->client.outbound.stream.deadline_ms;
	switch (went) {
	case TRANSACTION_WAIT_INPUT:
		return STEP_WAIT_INPUT;
	case TRANSACTION_WAIT_OUTPUT:
		return STEP_WAIT_OUTPUT;
	case TRANSACTION_DONE:
		return transaction_end(delivery, STEP_AGAIN);
	default:
		return session_broke(delivery);
	}
}

/* ---- the task ---- */

static void begin(struct delivery *delivery)
{
	/* The job that it was started with is loaded like any other. */
	if (!job_load(delivery) && !job_next(delivery)) {
		delivery->stage = STAGE_GIVE_UP;
		return;
	}
	delivery->is_tls_reason = sender_rest_append(delivery->sender, delivery->destination,
						     &delivery->reason);
	delivery->relay = relay_of_key(client_contexts_config(delivery->contexts),
				       str_from_c(delivery->domain));
	if (delivery->reason.len == 0) {
		route_begin(delivery);
		return;
	}
	delivery->reason_fate = TRANSACTION_LATER;
	CHECK(str_copy_c(delivery->is_tls_reason ? STR("4.7.5") : STR("4.4.1"),
			 delivery->reason_status, sizeof(delivery->reason_status)));
	delivery->stage = STAGE_GIVE_UP;
}

static enum step delivery_run(struct task *task)
{
	struct delivery *delivery = list_entry(task, struct delivery, task);
	enum step step;

	for (;;) {
		switch (delivery->stage) {
		case STAGE_BEGIN:
			begin(delivery);
			break;
		case STAGE_ROUTE:
			if (!route_go(delivery, &step))
				return step;
			break;
		case STAGE_DIAL:
			if (!dial_go(delivery, &step))
				return step;
			break;
		case STAGE_OPEN:
			if (!open_go(delivery, &step))
				return step;
			break;
		case STAGE_LOGIN:
			if (!login_go(delivery, &step))
				return step;
			break;
		case STAGE_SEND:
			return send_go(delivery);
		case STAGE_GIVE_UP:
			return give_up_go(delivery);
		case STAGE_SETTLE:
			return settle_go(delivery);
		}
	}
}

/* What was under way at the end of the process is as it was in the store. */
static void delivery_end(struct task *task)
{
	struct delivery *delivery = list_entry(task, struct delivery, task);
	struct sender *sender = delivery->sender;
	struct outbox_destination *destination = delivery->destination;

	if (delivery->has_transaction)
		transaction_drop(delivery);
	idle_end(delivery);
	job_return(delivery);
	client_end(delivery);
	dial_done(&delivery->dial);
	route_find_free(&delivery->find);
	client_contexts_unref(&delivery->contexts);
	buf_done(&delivery->reason);
	buf_done(&delivery->tls_left);
	smtp_login_done(&delivery->login);
	arena_rewind(&delivery->demand_arena);
	free(delivery);
	sender_closed(sender, destination);
}

static const struct task_ops delivery_ops = {.run = delivery_run, .end = delivery_end};

void delivery_start(struct sender *sender, struct outbox_job *job)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));

	CHECK(delivery != NULL);
	delivery->task = (struct task){.ops = &delivery_ops, .fd = -1};
	delivery->sender = sender;
	delivery->mailq = sender_mailq(sender);
	delivery->contexts = mailq_contexts_get(delivery->mailq);
	delivery->job = job;
	delivery->destination = job->destination;
	buf_init(&delivery->reason, REASON_MAX + 64);
	buf_init(&delivery->tls_left, TLS_TEXT_MAX);
	arena_init(&delivery->demand_arena, DEMAND_ARENA_MAX);
	delivery->idle.task = &delivery->task;
	CHECK(str_copy_c(outbox_destination_name(job->destination), delivery->domain,
			 sizeof(delivery->domain)));
	dial_init(&delivery->dial, &(struct dial_options){.targets = delivery->targets});
	task_start(delivery->mailq->waiter, &delivery->task);
}
