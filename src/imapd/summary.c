/* SPDX-License-Identifier: Apache-2.0 */
#include "imapd/summary.h"

#include "imapd/fault_log.h"

struct mime_limits summary_limits(const struct session *session)
{
	return (struct mime_limits){.parts = session->limits->mime_parts,
				    .depth = session->limits->mime_depth,
				    .header_bytes = session->limits->header_bytes};
}

static bool summary_remake(struct session *session, struct view *view, const struct mail *mail,
			   struct buf *scratch, struct message_summary *summary_out)
{
	struct mime_limits limits = summary_limits(session);
	struct mail_content content;

	enum fault fault =
		mail_content_open(view, session->user.account, mail->message, &content);
	if (fault == FAULT_NONE) {
		buf_done(scratch);
		buf_init(scratch, MESSAGE_SUMMARY_MAX);
		fault = message_summary_make(content.body, &limits, scratch);
		mail_content_close(&content);
	}
	if (fault != FAULT_NONE && fault != FAULT_NOT_FOUND)
		fault_log(session, "a message could not be read", fault);
	return fault == FAULT_NONE && message_summary_read(buf_str(scratch), summary_out);
}

void summary_keep(struct session *session, uint64_t message, struct str summary)
{
	enum fault fault = mail_summary_keep(session_store(session), session->user.account,
					     message, summary);

	/* Expunged meanwhile: then nobody needs it. */
	if (fault != FAULT_NONE && fault != FAULT_NOT_FOUND)
		fault_log(session, "a summary could not be kept", fault);
}

bool summary_get(struct session *session, struct view *view, const struct mail *mail,
		 bool with_structure, struct buf *scratch, struct message_summary *summary_out)
{
	struct str kept = mail_summary(view, session->user.account, mail->message);
	struct message_summary summary;

	if (kept.len > 0 && message_summary_read(kept, &summary) &&
	    !(with_structure && summary.is_partial)) {
		*summary_out = summary;
		return true;
	}
	return summary_remake(session, view, mail, scratch, summary_out);
}

bool summary_is_wanted(struct session *session, struct view *view, const struct mail *mail,
		       const struct buf *scratch)
{
	return mail_summary(view, session->user.account, mail->message).len == 0 &&
	       scratch->len > 0 && scratch->len <= MAIL_SUMMARY_MAX;
}
