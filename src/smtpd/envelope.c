/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/envelope.h"

#include <stdlib.h>

#include "base/clock.h"
#include "session/front.h"
#include "smtpd/state.h"
#include "store/directory.h"
#include "store/mail.h"

static const struct smtp_status sender_foreign = {
	553, "5.7.1", "The sender address does not belong to the user who has logged in"};
static const struct smtp_status size_exceeded = {552, "5.3.4", "Message size exceeds the limit"};
static const struct smtp_status relay_denied = {550, "5.7.1", "Relaying denied"};
static const struct smtp_status user_unknown = {550, "5.1.1", "No such user here"};
static const struct smtp_status alias_too_large = {550, "5.2.4", "The list is too large"};
static const struct smtp_status over_quota = {552, "5.2.2", "The mailbox is full"};
static const struct smtp_status too_many = {452, "4.5.3", "Too many recipients"};
static const struct smtp_status utf8_unsaid = {553, "5.6.7",
					       "Such an address needs SMTPUTF8 with MAIL"};
static const struct smtp_status unavailable = {451, "4.3.0", "Temporary local problem, try later"};

void envelope_reset(struct envelope *envelope)
{
	free(envelope->sender);
	for (size_t i = 0; i < envelope->recipient_count; i++)
		free(envelope->recipients[i]);
	free(envelope->recipients);
	free(envelope->accounts);
	free(envelope->envid);
	for (size_t i = 0; i < envelope->queued_count; i++) {
		free((char *)(uintptr_t)envelope->queued[i].address.ptr);
		free((char *)(uintptr_t)envelope->queued[i].original.ptr);
	}
	free(envelope->queued);
	*envelope = (struct envelope){0};
}

/* logs.md: the line of a refusal, or under a floor's rung observe of what would be one. */
static void status_log(struct session *session, const char *verdict, struct str sender,
		       const struct smtp_status *status)
{
	struct log_line line;

	log_line_begin(&line, session_log(session), LOG_MAIL);
	log_line_text(&line, "%s: Service: %s, From: <", verdict,
		      service_name(session->service->id));
	log_line_word(&line, sender);
	log_line_text(&line, ">, Sender-Host: %s, Status: %d %s %s", session->peer_text,
		      status->code, status->enhanced, status->text);
	log_line_end(&line);
}

void envelope_reject_log(struct session *session, struct str sender,
			 const struct smtp_status *status)
{
	metric_add(session_metrics(session), session->service->id, METRIC_MESSAGES_REJECTED, 1);
	status_log(session, "Rejected", sender, status);
}

/* In words that the sender's administrator can read. */
static struct smtp_status floor_status(struct session *session)
{
	struct buf text = BUF_INIT(SMTP_LINE_MAX);

	buf_printf(&text,
		   "Sending server negotiated an old and insecure TLS version, %s, sending server "
		   "will need to be upgraded to support at least %s",
		   session->tls.version_name, tls_protocol_name(session->tls.floor));
	struct str kept = arena_dup(&session->arena, buf_str(&text));
	CHECK(kept.ptr != NULL);
	buf_done(&text);
	return (struct smtp_status){550, "5.7.10", kept.ptr};
}

bool envelope_floor_refuses(struct session *session, struct str sender,
			    struct smtp_status *status_out)
{
	struct smtpd *smtpd = smtpd_of(session);

	if (session->tls.below_floor == TLS_RUNG_NONE)
		return false;
	struct smtp_status status = floor_status(session);
	if (session->tls.below_floor == TLS_RUNG_REPLY) {
		*status_out = status;
		envelope_reject_log(session, sender, &status);
		return true;
	}
	if (!smtpd->is_observed)
		status_log(session, "Observed", sender, &status);
	smtpd->is_observed = true;
	return false;
}

/* ---- rows of TlsPolicy ---- */

static bool demand_is_met(const struct session *session, const struct partner *partner)
{
	if (!session->tls.is_active)
		return partner->level < TLS_LEVEL_ENCRYPT;
	return session->tls.version >= partner->min;
}

/* The row of the domain that the sender names; a row of networks cannot be meant. */
static const struct partner *sender_partner(const struct session *session,
					    const struct address *sender)
{
	struct partner_query query = {.direction = PARTNER_IN,
				      .service = session->service->id,
				      .names = sender->domain,
				      .now_s = clock_real_s()};

	return str_is_empty(sender->domain) ? NULL
					    : partner_find(session->snapshot->config, &query);
}

static struct smtp_status partner_status(struct session *session, const struct partner *partner)
{
	struct buf text = BUF_INIT(SMTP_LINE_MAX);

	buf_printf(&text,
		   "Encryption needed: mail of %.*s is taken over %s%s only, and this session ",
		   STR_ARG(str_sub(partner->peer, 0, 100)),
		   partner->min == TLS_PROTOCOL_SSLV3 ? "TLS" : tls_protocol_name(partner->min),
		   partner->min == TLS_PROTOCOL_SSLV3 || partner->min == TLS_PROTOCOL_1_3
			   ? ""
			   : " or newer");
	if (session->tls.is_active)
		buf_printf(&text, "uses %s", session->tls.version_name);
	else
		buf_append_c(&text, "is not encrypted");
	struct str kept = arena_dup(&session->arena, buf_str(&text));
	CHECK(kept.ptr != NULL);
	buf_done(&text);
	return (struct smtp_status){550, "5.7.10", kept.ptr};
}

static bool partner_refuses(struct session *session, const struct partner *partner,
			    struct str sender, struct smtp_status *status_out)
{
	struct smtpd *smtpd = smtpd_of(session);

	if (partner == NULL || demand_is_met(session, partner))
		return false;
	struct smtp_status status = partner_status(session, partner);
	metric_add(session_metrics(session), session->service->id, METRIC_BELOW_PARTNER, 1);
	if (partner->mode == TLS_RUNG_REPLY) {
		*status_out = status;
		envelope_reject_log(session, sender, &status);
		return true;
	}
	if (!smtpd->is_partner_observed)
		status_log(session, "Observed", sender, &status);
	smtpd->is_partner_observed = true;
	return false;
}

bool envelope_partner_refuses(struct session *session, const struct address *sender,
			      struct smtp_status *status_out)
{
	if (session->service->id != SERVICE_SMTP)
		return false;
	return partner_refuses(session, session->partner, sender->text, status_out) ||
	       partner_refuses(session, sender_partner(session, sender), sender->text, status_out);
}

static bool route_has(const struct route *route, uint64_t account)
{
	for (size_t i = 0; i < route->count; i++)
		if (route->accounts[i] == account)
			return true;
	return false;
}

static enum fault address_route(struct view *view, const struct address *address,
				struct route *route_out)
{
	struct buf key = BUF_INIT(ADDRESS_MAX);

	address_append_key(&key, address);
	enum fault fault = directory_route(view, buf_str(&key), route_out);
	buf_done(&key);
	return fault;
}

static const struct smtp_status *sender_check(struct session *session, struct view *view,
					      const struct smtp_path *path)
{
	struct route route;

	if (session->user.account == 0 || path->is_null)
		return NULL;
	enum fault fault = address_route(view, &path->address, &route);
	if (fault == FAULT_NONE && route_has(&route, session->user.account))
		return NULL;
	return fault == FAULT_IO || fault == FAULT_BUSY ? &unavailable : &sender_foreign;
}

const struct smtp_status *envelope_sender_set(struct session *session, struct envelope *envelope,
					      const struct smtp_mail *mail)
{
	struct view *view CLEANUP_VIEW = NULL;

	CHECK(envelope->sender == NULL);
	if (mail->has_size && mail->size_bytes > session->limits->message_bytes)
		return &size_exceeded;
	if (view_open(session_store(session), &view) != FAULT_NONE)
		return &unavailable;
	const struct smtp_status *refusal = sender_check(session, view, &mail->path);
	if (refusal != NULL)
		return refusal;
	envelope->sender = str_dup_c(mail->path.address.text);
	envelope->size_said = mail->size_bytes;
	envelope->is_utf8 = mail->is_utf8;
	envelope->returns = mail->returns;
	envelope->envid = str_is_empty(mail->envid) ? NULL : str_dup_c(mail->envid);
	return NULL;
}

/* Both lines are read by fail2ban: logs.md. A user's slip is no attack. */
static void refused_recipient_log(struct session *session, const struct envelope *envelope,
				  struct str recipient, bool is_relay)
{
	struct log_line line;

	metric_add(session_metrics(session), session->service->id, METRIC_MESSAGES_REJECTED, 1);
	if (session->user.account != 0)
		return;
	log_line_begin(&line, session_log(session), LOG_SECURITY);
	if (is_relay) {
		log_line_text(&line, "Relay attempt from IP address %s, mail from <",
			      session->peer_text);
		log_line_word(&line, str_from_c(envelope->sender));
		log_line_text(&line, "> to <");
		log_line_word(&line, recipient);
		log_line_text(&line, "> rejected");
	} else {
		log_line_text(&line, "Attempt to deliver to unknown recipient <");
		log_line_word(&line, recipient);
		log_line_text(&line, ">, from <");
		log_line_word(&line, str_from_c(envelope->sender));
		log_line_text(&line, ">, IP address %s", session->peer_text);
	}
	log_line_end(&line);
}

/*
 * RFC 5321 section 4.5.1: every domain has a postmaster; where nobody is named
 * so, it is the first administrator.
 */
static enum fault postmaster_route(struct view *view, struct route *route_out)
{
	struct user user;

	for (struct str after = {0}; directory_user_next(view, after, &user);
	     after = user.address) {
		if (user.is_admin) {
			route_out->count = 1;
			route_out->accounts[0] = user.account;
			return FAULT_NONE;
		}
	}
	return FAULT_NOT_FOUND;
}

static enum fault bare_postmaster_route(struct view *view, struct str hostname,
					struct route *route_out)
{
	struct buf key = BUF_INIT(ADDRESS_MAX);

	buf_append_str(&key, STR("postmaster@"));
	buf_append_str(&key, hostname);
	enum fault fault =
		key.failed ? FAULT_NOT_FOUND : directory_route(view, buf_str(&key), route_out);
	buf_done(&key);
	return fault == FAULT_NONE ? fault : postmaster_route(view, route_out);
}

static enum fault path_route(struct session *session, struct view *view,
			     const struct smtp_path *path, struct route *route_out)
{
	if (path->is_postmaster)
		return bare_postmaster_route(view, session_hostname(session), route_out);
	enum fault fault = address_route(view, &path->address, route_out);
	if (fault == FAULT_NOT_FOUND && str_equals_nocase(path->address.local, STR("postmaster")))
		fault = postmaster_route(view, route_out);
	return fault;
}

/* One full mailbox refuses the whole recipient: to leave it out in silence would lose mail. */
static enum fault quota_check(struct view *view, const struct route *route, uint64_t size_bytes)
{
	enum fault fault = FAULT_NONE;

	for (size_t i = 0; i < route->count && fault == FAULT_NONE; i++)
		fault = mail_quota_check(view, route->accounts[i], size_bytes);
	return fault;
}

static void account_add(struct envelope *envelope, uint64_t account)
{
	size_t at = 0;

	while (at < envelope->account_count && envelope->accounts[at] < account)
		at++;
	if (at < envelope->account_count && envelope->accounts[at] == account)
		return;
	envelope->accounts = reallocarray(envelope->accounts, envelope->account_count + 1,
					  sizeof(*envelope->accounts));
	CHECK(envelope->accounts != NULL);
	memmove(envelope->accounts + at + 1, envelope->accounts + at,
		(envelope->account_count - at) * sizeof(*envelope->accounts));
	envelope->accounts[at] = account;
	envelope->account_count++;
}

static void recipient_keep(struct envelope *envelope, struct str address)
{
	envelope->recipients = reallocarray(envelope->recipients, envelope->recipient_count + 1,
					    sizeof(*envelope->recipients));
	CHECK(envelope->recipients != NULL);
	envelope->recipients[envelope->recipient_count++] = str_dup_c(address);
}

static const struct smtp_status *route_status(struct session *session,
					      const struct envelope *envelope, struct str recipient,
					      enum fault fault)
{
	switch (fault) {
	case FAULT_NONE:
		return NULL;
	case FAULT_DENIED:
		refused_recipient_log(session, envelope, recipient, true);
		return &relay_denied;
	case FAULT_NOT_FOUND:
		refused_recipient_log(session, envelope, recipient, false);
		return &user_unknown;
	case FAULT_TOO_LARGE:
		return &alias_too_large;
	case FAULT_OVER_QUOTA:
		envelope_reject_log(session, str_from_c(envelope->sender), &over_quota);
		return &over_quota;
	default:
		return &unavailable;
	}
}

static struct str text_keep(struct str text)
{
	return str_is_empty(text) ? text : str_make(str_dup_c(text), text.len);
}

static void queued_keep(struct envelope *envelope, const struct smtp_rcpt *rcpt, bool is_delivered)
{
	envelope->queued = reallocarray(envelope->queued, envelope->queued_count + 1,
					sizeof(*envelope->queued));
	CHECK(envelope->queued != NULL);
	envelope->queued[envelope->queued_count++] =
		(struct queue_recipient){.address = text_keep(rcpt->path.address.text),
					 .original = text_keep(rcpt->original),
					 .notify = rcpt->notify,
					 .is_delivered = is_delivered};
}

/* One line of log for an envelope, however many recipients are too many. */
static const struct smtp_status *too_many_say(struct session *session, struct envelope *envelope)
{
	if (!envelope->is_overfull)
		session_limit_log(session, "too many recipients");
	envelope->is_overfull = true;
	return &too_many;
}

/* A recipient of another server: for who has logged in. */
static const struct smtp_status *remote_add(struct session *session, struct envelope *envelope,
					    const struct smtp_rcpt *rcpt)
{
	if (session->user.account == 0)
		return route_status(session, envelope, rcpt->path.address.text, FAULT_DENIED);
	if (envelope->queued_count == QUEUE_RECIPIENTS_MAX)
		return too_many_say(session, envelope);
	queued_keep(envelope, rcpt, false);
	return NULL;
}

static const struct smtp_status *local_add(struct session *session, struct envelope *envelope,
					   const struct smtp_rcpt *rcpt, const struct route *route)
{
	bool wants_notice = (rcpt->notify & SMTP_NOTIFY_SUCCESS) != 0 && !rcpt->path.is_postmaster &&
			    envelope->sender[0] != '\0';

	if (envelope->account_count + route->count > MAIL_TARGETS_MAX ||
	    (wants_notice && envelope->queued_count == QUEUE_RECIPIENTS_MAX))
		return too_many_say(session, envelope);
	for (size_t i = 0; i < route->count; i++)
		account_add(envelope, route->accounts[i]);
	if (wants_notice)
		queued_keep(envelope, rcpt, true);
	return NULL;
}

const struct smtp_status *envelope_recipient_add(struct session *session, struct envelope *envelope,
						 const struct smtp_rcpt *rcpt)
{
	struct view *view CLEANUP_VIEW = NULL;
	const struct smtp_path *path = &rcpt->path;
	const struct smtp_status *refusal;
	struct route route;
	struct str text = path->is_postmaster ? STR("postmaster") : path->address.text;

	if (path->address.has_utf8 && !envelope->is_utf8)
		return &utf8_unsaid;
	if (envelope->recipient_count >= session->limits->recipients)
		return too_many_say(session, envelope);
	if (view_open(session_store(session), &view) != FAULT_NONE)
		return &unavailable;
	enum fault fault = path_route(session, view, path, &route);
	if (fault == FAULT_NONE)
		fault = quota_check(view, &route, envelope->size_said);
	if (fault == FAULT_NONE)
		refusal = local_add(session, envelope, rcpt, &route);
	else if (fault == FAULT_DENIED)
		refusal = remote_add(session, envelope, rcpt);
	else
		refusal = route_status(session, envelope, text, fault);
	if (refusal == NULL)
		recipient_keep(envelope, text);
	return refusal;
}
