/* SPDX-License-Identifier: Apache-2.0 */
#include "imapd/append.h"

#include "base/clock.h"
#include "imapd/fault_log.h"
#include "imapd/selected.h"
#include "imapd/summary.h"
#include "proto/mailbox_name.h"

/* A message of up to so many times the limit is read to its end before the refusal. */
enum { SKIP_FACTOR = 4 };

/* What keeps a message out before its bytes are seen: the size, the mailbox, the quota. */
static enum fault target_check(struct session *session, struct str name, uint64_t bytes,
			       uint32_t *mailbox_out)
{
	struct mailbox mailbox;
	struct view *view;

	if (bytes > session->limits->message_bytes)
		return FAULT_TOO_LARGE;
	enum fault fault = view_open(session_store(session), &view);
	if (fault != FAULT_NONE)
		return fault;
	fault = mailbox_find(view, session->user.account, name, &mailbox);
	if (fault == FAULT_NONE && mailbox.id == 0)
		fault = FAULT_NOT_FOUND;
	if (fault == FAULT_NONE) {
		*mailbox_out = mailbox.id;
		fault = mail_quota_check(view, session->user.account, bytes);
	}
	view_close(&view);
	return fault;
}

static enum command_step refusal_say(struct session *session, enum fault fault)
{
	if (fault == FAULT_NOT_FOUND)
		return reply_no(session, "[TRYCREATE] There is no such mailbox");
	if (fault == FAULT_TOO_LARGE) {
		limit_log(session, "a message is over Limits/MessageBytes");
		return reply_no(session, "[LIMIT] The message is larger than the server allows");
	}
	return reply_fault(session, fault);
}

struct append_job {
	uint32_t mailbox;
	enum fault refusal; /* said when the literal, which comes in any case, has been read */
};

/* RFC 7888 section 4: who sends more than we are willing to read in vain loses the connection. */
static enum command_step skip_refuse(struct session *session)
{
	limit_log(session, "a message is over Limits/MessageBytes");
	reply_untagged(session, "BYE [LIMIT] The message is larger than the server allows");
	return COMMAND_END;
}

static enum command_step append_resume(struct session *session)
{
	/* Behind the literal the command's line goes on: nothing may stand there but its end. */
	return COMMAND_LINE;
}

enum command_step cmd_append(struct session *session, void *arguments)
{
	const struct imap_command *command = arguments;
	const struct imap_literal *literal = &command->append.literal;
	struct imapd *imapd = imapd_of(session);
	struct append_job *append = arena_new(&session->arena, struct append_job);
	struct buf name = BUF_INIT(4 * command->append.mailbox.len + 1);

	if (append == NULL)
		return reply_fault(session, FAULT_TOO_LARGE);
	append->refusal = FAULT_NOT_FOUND;
	if (mailbox_name_decode(&name, command->append.mailbox))
		append->refusal = target_check(session, buf_str(&name), literal->bytes,
					       &append->mailbox);
	buf_done(&name);
	/* A client that waits for "+" is told at once, and sends nothing. */
	if (literal->is_sync && append->refusal != FAULT_NONE)
		return refusal_say(session, append->refusal);
	if (literal->is_sync)
		buf_append_c(session_out(session), "+ OK\r\n");
	else if (literal->bytes / SKIP_FACTOR > session->limits->message_bytes)
		return skip_refuse(session);
	imapd->job.arguments = append;
	imapd->resume = append_resume;
	body_begin(&session->body, append->refusal == FAULT_NONE ? literal->bytes : 0);
	body_expect_chunk(&session->body, literal->bytes);
	return COMMAND_BODY;
}

static void summary_make(struct session *session, struct str message, struct buf *summary)
{
	struct mime_limits limits = summary_limits(session);

	/* Without one the message is summarised when somebody asks. */
	if (message_summary_make(message, &limits, summary) != FAULT_NONE)
		buf_reset(summary);
}

static enum fault message_store(struct session *session, const struct imap_append *wanted,
				struct mail_target *target)
{
	struct buf summary = BUF_INIT(MAIL_SUMMARY_MAX);
	struct body *body = &session->body;
	struct str message;

	if (body->spool.is_out_of_memory)
		return FAULT_NO_SPACE;
	enum fault fault = body_view(body, &message);
	if (fault != FAULT_NONE)
		return fault;
	summary_make(session, message, &summary);
	struct mail_append append = {
		.body = spool_content(&body->spool),
		.summary = buf_str(&summary),
		.flags = wanted->flags.system,
		.keywords = wanted->flags.keywords.items,
		.keyword_count = wanted->flags.keywords.count,
		.received_s = wanted->has_date ? wanted->date_s : clock_real_s(),
		.targets = target,
		.target_count = 1,
	};
	fault = mail_append(session_store(session), &append);
	buf_done(&summary);
	return fault;
}

static enum command_step header_refuse(struct session *session)
{
	body_drop(&session->body);
	limit_log(session, "a message's header is over Limits/HeaderBytes");
	return reply_no(session, "[LIMIT] The header is larger than the server allows");
}

enum command_step append_line(struct session *session, struct str line)
{
	struct imapd *imapd = imapd_of(session);
	const struct imap_append *wanted = &imapd->command->append;
	struct append_job *append = imapd->job.arguments;
	struct mail_target target = {.account = session->user.account, .mailbox = append->mailbox};
	enum fault fault = append->refusal;

	if (line.len > 0) {
		body_drop(&session->body);
		return reply_bad(session, "Something stands behind the message");
	}
	if (fault == FAULT_NONE && wanted->literal.bytes == 0)
		fault = FAULT_INVALID;
	uint64_t header_bytes = session->body.smtp.lines.header_bytes;
	if (fault == FAULT_NONE && header_bytes > session->limits->header_bytes)
		return header_refuse(session);
	if (fault == FAULT_NONE)
		fault = message_store(session, wanted, &target);
	body_drop(&session->body);
	if (fault == FAULT_INVALID)
		return reply_no(session, "[CANNOT] An empty message cannot be stored");
	if (fault != FAULT_NONE)
		return refusal_say(session, fault);
	struct buf text = BUF_INIT(100);
	buf_printf(&text, "[APPENDUID %u %u] Stored", target.uidvalidity, target.uid);
	struct str kept = arena_dup(&session->arena, buf_str(&text));
	buf_done(&text);
	return selected_finish(session, true, kept.ptr == NULL ? "Stored" : kept.ptr);
}
