/* SPDX-License-Identifier: Apache-2.0 */
#include "imapd/reply.h"

#include "proto/imap_write.h"
#include "proto/mailbox_name.h"

static enum command_step reply_tagged(struct session *session, const char *word, const char *text)
{
	struct buf *out = session_out(session);
	struct str tag = imapd_of(session)->tag;

	buf_append_str(out, tag.len > 0 ? tag : STR("*"));
	buf_append_char(out, ' ');
	buf_append_c(out, word);
	buf_append_char(out, ' ');
	buf_append_c(out, text);
	buf_append_c(out, "\r\n");
	job_done(&imapd_of(session)->job);
	return COMMAND_DONE;
}

enum command_step reply_ok(struct session *session, const char *text)
{
	return reply_tagged(session, "OK", text);
}

enum command_step reply_no(struct session *session, const char *text)
{
	return reply_tagged(session, "NO", text);
}

enum command_step reply_mistake_count(struct session *session)
{
	if (!session_error_count(session))
		return COMMAND_DONE;
	session->protocol->refuse(session, REFUSAL_TOO_MANY_ERRORS, NULL);
	return COMMAND_END;
}

enum command_step reply_bad(struct session *session, const char *text)
{
	reply_tagged(session, "BAD", text);
	return reply_mistake_count(session);
}

/* Response codes of RFC 5530 and RFC 3501 section 7.1. */
enum command_step reply_fault(struct session *session, enum fault fault)
{
	switch (fault) {
	case FAULT_NOT_FOUND:
		return reply_no(session, "[NONEXISTENT] There is no such mailbox");
	case FAULT_EXISTS:
		return reply_no(session, "[ALREADYEXISTS] There is such a mailbox already");
	case FAULT_INVALID:
		return reply_no(session, "[CANNOT] The name cannot be used");
	case FAULT_DENIED:
		return reply_no(session, "[NOPERM] Not allowed");
	case FAULT_TOO_LARGE:
		return reply_no(session, "[LIMIT] Larger than the server allows");
	case FAULT_OVER_QUOTA:
		return reply_no(session, "[OVERQUOTA] The quota is used up");
	case FAULT_BUSY:
	case FAULT_CONFLICT:
		return reply_no(session, "[INUSE] Too busy now, try again");
	case FAULT_CORRUPT:
		return reply_no(session, "[SERVERBUG] Stored data is damaged");
	case FAULT_NO_SPACE:
		return reply_no(session, "[UNAVAILABLE] The server's disk is full");
	default:
		return reply_no(session, "[UNAVAILABLE] The store does not answer, try again");
	}
}

void reply_untagged(struct session *session, const char *format, ...)
{
	struct buf *out = session_out(session);
	va_list args;

	buf_append_c(out, "* ");
	va_start(args, format);
	buf_vprintf(out, format, args);
	va_end(args);
	buf_append_c(out, "\r\n");
}

void reply_append_capabilities(const struct session *session, struct buf *to)
{
	buf_append_c(to, "CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE IDLE");
	if (session->user.account != 0) {
		buf_append_c(to, " NAMESPACE UIDPLUS MOVE UNSELECT CHILDREN SPECIAL-USE "
				 "CREATE-SPECIAL-USE ESEARCH CONDSTORE");
		return;
	}
	buf_append_c(to, " SASL-IR");
	if (session_may_starttls(session))
		buf_append_c(to, " STARTTLS");
	sasl_append_mechanisms(to, session_mechanisms(session), STR(" AUTH="), STR(""));
	if (!session_may_login(session))
		buf_append_c(to, " LOGINDISABLED");
}

void reply_append_mailbox(struct buf *to, struct str name)
{
	struct buf wire = BUF_INIT(4 * name.len + 16);

	mailbox_name_encode(&wire, name);
	imap_astring_write(to, buf_str(&wire));
	buf_done(&wire);
}

struct str reply_mailbox_read(struct session *session, struct str wire)
{
	struct buf name = BUF_INIT(4 * wire.len + 1);
	struct str kept = {0};

	if (mailbox_name_decode(&name, wire))
		kept = arena_dup(&session->arena, buf_str(&name));
	buf_done(&name);
	if (kept.ptr == NULL)
		reply_no(session, "[CANNOT] The name is not well-formed modified UTF-7");
	return kept;
}
