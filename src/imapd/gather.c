/* SPDX-License-Identifier: Apache-2.0 */
#include "imapd/gather.h"

#include "imapd/fault_log.h"
#include "imapd/reply.h"

enum { SCRATCH_BYTES = 4 * 1024 * 1024 };

static enum gather gather_end(struct imapd *imapd, enum gather what)
{
	imapd->gathered = 0;
	imapd->asked_at = 0;
	return what;
}

static uint64_t literal_limit(const struct session *session)
{
	uint64_t limit = session->limits->literal_bytes;

	if (session->user.account == 0 && limit > GATHER_LITERAL_BEFORE_LOGIN)
		limit = GATHER_LITERAL_BEFORE_LOGIN;
	return limit;
}

/* How much input a command may take up with all its literals. */
static uint64_t input_limit(const struct session *session)
{
	return session->user.account == 0
		       ? (uint64_t)GATHER_INPUT_BEFORE_LOGIN + session->limits->line_bytes
		       : GATHER_INPUT_MAX;
}

static bool is_append_message(struct session *session, struct str text)
{
	struct arena scratch;

	if (session->user.account == 0)
		return false;
	arena_init(&scratch, SCRATCH_BYTES);
	bool is_message = imap_is_append_message(&scratch, text);
	arena_rewind(&scratch);
	return is_message;
}

/* Who announces too much and sends it unasked cannot be followed any more (RFC 7888 section 4). */
static enum gather literal_refuse(struct session *session, const struct imap_literal *literal)
{
	struct imapd *imapd = imapd_of(session);

	limit_log(session, "a literal is over Limits/LiteralBytes");
	if (literal->is_sync) {
		imapd->is_literal_refused = true;
		return gather_end(imapd, GATHER_COMMAND);
	}
	reply_untagged(session, "BYE [LIMIT] A literal is larger than %llu bytes",
		       (unsigned long long)literal_limit(session));
	return gather_end(imapd, GATHER_END);
}

/* Lets a client that waits send its literal; once. */
static void literal_ask(struct session *session, size_t line_end)
{
	struct imapd *imapd = imapd_of(session);

	if (imapd->asked_at == line_end)
		return;
	imapd->asked_at = line_end;
	buf_append_c(session_out(session), "+ OK\r\n");
}

/*
 * Looks at the line from imapd->gathered up to `line_end`. GATHER_COMMAND: it
 * is the last. GATHER_PARTIAL with imapd->gathered moved on: another follows.
 */
static enum gather line_look(struct session *session, struct str input, size_t line_end)
{
	struct imapd *imapd = imapd_of(session);
	struct str text = str_sub(input, 0, line_end - 1);
	struct imap_literal literal;

	if (text.len > imapd->gathered && text.ptr[text.len - 1] == '\r')
		text.len--;
	if (!imap_literal_announced(str_from(text, imapd->gathered), &literal))
		return gather_end(imapd, GATHER_COMMAND);
	if (is_append_message(session, text))
		return gather_end(imapd, GATHER_COMMAND);
	if (literal.bytes > literal_limit(session) ||
	    line_end + literal.bytes + session->limits->line_bytes > input_limit(session))
		return literal_refuse(session, &literal);
	if (literal.is_sync)
		literal_ask(session, line_end);
	if (input.len - line_end >= literal.bytes)
		imapd->gathered = line_end + (size_t)literal.bytes;
	return GATHER_PARTIAL;
}

/*
 * A line that is too long is skipped. If it ended with a literal, what follows
 * would be taken for commands: then the session ends.
 */
static enum gather line_too_long(struct session *session, struct str line, bool has_end)
{
	struct imapd *imapd = imapd_of(session);

	while (line.len > 0 &&
	       (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == '\n'))
		line.len--;
	if (line.len > 0)
		imapd->is_skipping_brace = line.ptr[line.len - 1] == '}';
	if (has_end && imapd->is_skipping_brace) {
		reply_untagged(session, "BYE [LIMIT] A line is too long, and a literal follows");
		return gather_end(imapd, GATHER_END);
	}
	return gather_end(imapd, GATHER_TOO_LONG);
}

enum gather imapd_gather(struct session *session, struct str input, size_t *len_out)
{
	struct imapd *imapd = imapd_of(session);

	for (;;) {
		struct str rest = str_from(input, imapd->gathered);
		size_t at = str_find_char(rest, '\n');
		size_t line_len = at == STR_NONE ? rest.len : at + 1;
		size_t before = imapd->gathered;
		*len_out = before + line_len;
		if (line_len > session->limits->line_bytes || session->line_was_too_long)
			return line_too_long(session, str_sub(rest, 0, line_len), at != STR_NONE);
		if (at == STR_NONE)
			return GATHER_PARTIAL;
		enum gather found = line_look(session, input, *len_out);
		if (found != GATHER_PARTIAL || imapd->gathered == before)
			return found;
	}
}
