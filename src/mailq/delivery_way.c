/* SPDX-License-Identifier: Apache-2.0 */
/* The way to a destination: its hosts one after the other, and a session with one of them. */
#include "mailq/delivery_parts.h"
#include "tls/failure_client.h"

enum { PORT = 25 };

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

void delivery_route_begin(struct delivery *delivery)
{
	struct str relay = delivery->relay == NULL ? STR("") : delivery->relay->host;
	struct route_request request = {.resolver = delivery->mailq->resolver,
					.domain = str_is_empty(relay) ? str_from_c(delivery->domain)
								      : relay,
					.is_host = !str_is_empty(relay),
					.is_own_name = own_name_check,
					.is_own_address = own_address_check,
					.own_context = &delivery->own,
					.wake = route_wake,
					.wake_context = delivery};

	own_init(&delivery->own, client_contexts_config(delivery->contexts), port_of(delivery));
	source_init(&delivery->source, client_contexts_config(delivery->contexts));
	delivery->find = route_find_new(&request);
	delivery->stage = DELIVERY_ROUTE;
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
	struct buf words = BUF_INIT(2 * DELIVERY_REASON_MAX);

	buf_printf(&words, "%s: %s", delivery->domain, route_verdict_name(route->verdict));
	if (route->why.len > 0)
		buf_printf(&words, " (%.*s)", STR_ARG(buf_str(&route->why)));
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (verdicts[i].verdict == route->verdict)
			delivery_reason_set(delivery, verdicts[i].fate, verdicts[i].status,
					    buf_str(&words));
	buf_done(&words);
	delivery_give_up(delivery);
}

/* No host is left. RFC 7504 section 3: a domain whose hosts all take no mail gets none later
 * either. */
static void hosts_end(struct delivery *delivery)
{
	if (delivery->reason.len == 0)
		delivery_reason_add(delivery, false, "4.4.1",
				    STR("no host of the domain has an address"));
	else if (delivery->is_never) {
		delivery->reason_fate = TRANSACTION_FAILED;
		CHECK(str_copy_c(STR("5.3.2"), delivery->reason_status,
				 sizeof(delivery->reason_status)));
	}
	delivery_give_up(delivery);
}

/* Begins to connect to the host at hand; with none left, gives up. */
static void host_begin(struct delivery *delivery)
{
	struct buf name = BUF_INIT(DELIVERY_NAME_MAX);
	size_t count = 0;

	while (delivery->host_at < delivery->route->host_count &&
	       delivery->route->hosts[delivery->host_at].address_count == 0)
		delivery->host_at++;
	if (delivery->host_at == delivery->route->host_count) {
		hosts_end(delivery);
		return;
	}
	const struct route_host *host = &delivery->route->hosts[delivery->host_at];
	for (; count < host->address_count && count < DELIVERY_TARGETS_MAX; count++) {
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
	delivery->stage = DELIVERY_DIAL;
}

bool delivery_route_go(struct delivery *delivery, enum step *step_out)
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
	delivery_reason_set(delivery, TRANSACTION_LATER, "4.4.1", STR(""));
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
		rule.demand = rule.row == NULL
				      ? relay
				      : demand_join(&rule.demand, &relay, &delivery->demand_arena);
	}
	delivery->demand = rule.demand;
	delivery->row = rule.row;
	struct smtp_client_parts parts = {
		.outbound = {.fd = dial_take(&delivery->dial),
			     .context = rule.context,
			     .file_name = config->file_name,
			     .host = destination.host,
			     .demand = &delivery->demand,
			     .patience_ms = (int)config->queue.answer_s * 1000},
		.helo = mailq_hostname(config),
		.is_implicit = delivery->relay != NULL && delivery->relay->is_implicit};
	smtp_client_init(&delivery->client, &parts);
	delivery->has_client = true;
	delivery->messages = 0;
	delivery->wants_reset = false;
	delivery->stage = DELIVERY_OPEN;
}

void delivery_client_end(struct delivery *delivery)
{
	if (delivery->has_client)
		smtp_client_done(&delivery->client);
	delivery->has_client = false;
}

/* The session is over, and the delivery goes on without it. */
static void client_leave(struct delivery *delivery)
{
	delivery_tls_keep(delivery);
	/* Out of the waiter's hands before the number can be somebody else's. */
	task_fd_set(&delivery->task, -1);
	delivery_client_end(delivery);
}

bool delivery_dial_go(struct delivery *delivery, enum step *step_out)
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
		delivery_reason_add(delivery, false, "4.4.1", buf_str(&delivery->dial.why));
		delivery->host_at++;
		host_begin(delivery);
		return true;
	}
}

static void security_log(const struct delivery *delivery)
{
	struct buf line = BUF_INIT(LOG_LINE_MAX), address = BUF_INIT(256);

	if (outbound_append_security(&delivery->client.outbound,
				     delivery_address(delivery, &address), &line))
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

void delivery_open_failed(struct delivery *delivery)
{
	const struct outbound *outbound = &delivery->client.outbound;
	struct buf words = BUF_INIT(2 * DELIVERY_REASON_MAX);
	bool is_dh = dh_was_too_small(delivery) && !delivery->without_dhe;
	bool is_tls = outbound_fault_is_tls(outbound->fault);

	security_log(delivery);
	delivery->is_never = delivery->is_never && takes_no_mail(&delivery->client);
	buf_printf(&words, "%s %.*s", delivery->host, STR_ARG(buf_str(&outbound->why)));
	delivery_reason_add(delivery, is_tls, is_tls ? "4.7.5" : "4.4.2", buf_str(&words));
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
	delivery->stage = DELIVERY_SEND;
}

/* Nothing goes to the relay host as nobody. */
static void login_refused(struct delivery *delivery, struct str words)
{
	struct buf reason = BUF_INIT(2 * DELIVERY_REASON_MAX);

	buf_printf(&reason, "%s %.*s", delivery->host, STR_ARG(words));
	delivery_reason_set(delivery, TRANSACTION_LATER, "4.7.0", buf_str(&reason));
	log_printf(delivery->mailq->options.log, LOG_ERROR, "queue: %.*s",
		   STR_ARG(buf_str(&reason)));
	buf_done(&reason);
	client_leave(delivery);
	delivery_give_up(delivery);
}

static void login_begin(struct delivery *delivery)
{
	struct buf why = BUF_INIT(DELIVERY_REASON_MAX);
	struct secret password CLEANUP_SECRET = {0};
	struct str name = delivery->relay->password;
	enum fault fault = mailq_remote_password(delivery->mailq, name, &password);

	if (fault != FAULT_NONE)
		buf_printf(&why, "is not logged in to: the password %.*s %s", STR_ARG(name),
			   fault == FAULT_NOT_FOUND
				   ? "is not kept; see `postern remote-password set`"
				   : fault_text(fault));
	else if (smtp_login_begin(&delivery->login, &delivery->client, delivery->relay->user,
				  secret_reveal(&password), &why))
		delivery->stage = DELIVERY_LOGIN;
	if (why.len > 0)
		login_refused(delivery, buf_str(&why));
	buf_done(&why);
}

bool delivery_login_go(struct delivery *delivery, enum step *step_out)
{
	struct buf why = BUF_INIT(DELIVERY_REASON_MAX);
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
		delivery_open_failed(delivery);
	else {
		*step_out = step == SMTP_LOGIN_WAIT_INPUT ? STEP_WAIT_INPUT : STEP_WAIT_OUTPUT;
		goes_on = false;
	}
	buf_done(&why);
	return goes_on;
}

bool delivery_open_go(struct delivery *delivery, enum step *step_out)
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
		delivery_open_failed(delivery);
		return true;
	}
}

bool delivery_is_rule_in_force(const struct delivery *delivery)
{
	struct client_destination destination = destination_of(delivery);
	struct client_contexts *now = mailq_contexts_get(delivery->mailq);
	bool is_same = now == delivery->contexts &&
		       client_contexts_rule(now, &destination).row == delivery->row;

	client_contexts_unref(&now);
	return is_same;
}
