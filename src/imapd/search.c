/* SPDX-License-Identifier: Apache-2.0 */
#include "imapd/search.h"

#include "base/clock.h"
#include "imapd/rows.h"
#include "proto/imap_write.h"
#include "proto/message_text.h"

enum {
	STEP_MS = 10,
	ROWS_PER_LOOK = 64,
	NUMBERS_MAX = 16 * 1024 * 1024,
};

struct search {
	const struct imap_search *wanted;
	struct sequence_walk walk;
	struct imap_set_writer writer;
	uint32_t first;
	uint32_t last;
	uint64_t count;
	uint64_t modseq; /* the highest of those found */
};

struct search_step {
	struct session *session;
	struct search *search;
	struct view *view;
	int64_t until_ms;
	unsigned looked;
};

static void found_add(struct search_step *step, const struct mail *mail, uint32_t number)
{
	struct search *search = step->search;
	struct imapd *imapd = imapd_of(step->session);
	uint32_t value = imapd->command->is_uid ? mail->uid : number;

	search->count++;
	if (search->first == 0)
		search->first = value;
	search->last = value;
	if (mail->modseq > search->modseq)
		search->modseq = mail->modseq;
	if (!search->wanted->is_extended) {
		buf_append_char(session_out(step->session), ' ');
		buf_append_u64(session_out(step->session), value);
	} else if ((search->wanted->returns & IMAP_RETURN_ALL) != 0) {
		imap_set_write(&search->writer, &imapd->job.numbers, value);
	}
}

static bool search_visit(void *context, const struct mail *mail)
{
	struct search_step *step = context;
	struct candidate candidate = {
		.session = step->session, .view = step->view, .mail = mail};

	candidate.number = sequence_walk_number(&imapd_of(step->session)->selected.sequence,
						&step->search->walk, mail->uid);
	if (candidate.number != 0 && match_check(&candidate, step->search->wanted->root))
		found_add(step, mail, candidate.number);
	bool was_cheap = !candidate.has_content;
	candidate_done(&candidate);
	if (stream_is_full(&step->session->stream))
		return false;
	/* Where texts are read, each message counts. */
	return (was_cheap && ++step->looked % ROWS_PER_LOOK != 0) ||
	       clock_mono_ms() < step->until_ms;
}

static void extended_write(struct session *session, const struct search *search)
{
	struct imapd *imapd = imapd_of(session);
	struct buf *out = session_out(session);
	unsigned returns = search->wanted->returns;

	buf_append_c(out, "* ESEARCH (TAG ");
	imap_string_write(out, imapd->tag);
	buf_append_c(out, imapd->command->is_uid ? ") UID" : ")");
	/* RFC 4731 section 3.1: without a match there is no MIN, MAX or ALL. */
	if (search->count > 0 && (returns & IMAP_RETURN_MIN) != 0)
		buf_printf(out, " MIN %u", search->first);
	if (search->count > 0 && (returns & IMAP_RETURN_MAX) != 0)
		buf_printf(out, " MAX %u", search->last);
	if ((returns & IMAP_RETURN_COUNT) != 0)
		buf_printf(out, " COUNT %llu", (unsigned long long)search->count);
	if (search->count > 0 && (returns & IMAP_RETURN_ALL) != 0) {
		buf_append_c(out, " ALL ");
		buf_append_str(out, buf_str(&imapd->job.numbers));
	}
	if (search->count > 0 && search->wanted->has_modseq)
		buf_printf(out, " MODSEQ %llu", (unsigned long long)search->modseq);
	buf_append_c(out, "\r\n");
}

static enum command_step search_end(struct session *session, struct search *search)
{
	struct imapd *imapd = imapd_of(session);
	struct buf *out = session_out(session);

	if (search->wanted->is_extended) {
		imap_set_write_end(&search->writer, &imapd->job.numbers);
		if (imapd->job.numbers.failed)
			return reply_fault(session, FAULT_TOO_LARGE);
		extended_write(session, search);
	} else {
		if (search->count > 0 && search->wanted->has_modseq)
			buf_printf(out, " (MODSEQ %llu)", (unsigned long long)search->modseq);
		buf_append_c(out, "\r\n");
	}
	return selected_finish(session, imapd->command->is_uid, "Searched");
}

static enum command_step search_resume(struct session *session)
{
	struct search_step step = {.session = session,
				   .search = imapd_of(session)->job.arguments,
				   .until_ms = clock_mono_ms() + STEP_MS};

	enum fault fault = view_open(session_store(session), &step.view);
	if (fault != FAULT_NONE)
		return reply_fault(session, fault);
	bool is_done = rows_visit(session, step.view, search_visit, &step);
	view_close(&step.view);
	if (!is_done)
		return imapd_resume_by(session, search_resume);
	return search_end(session, step.search);
}

static enum fault search_prepare(struct session *session, const struct imap_search *wanted)
{
	struct imapd *imapd = imapd_of(session);
	struct mailbox mailbox;
	struct view *view;

	enum fault fault = view_open(session_store(session), &view);
	if (fault != FAULT_NONE)
		return fault;
	fault = mailbox_get(view, session->user.account, imapd->selected.mailbox, &mailbox);
	if (fault == FAULT_NONE &&
	    !match_prepare(session, wanted->root, wanted->charset, &mailbox))
		fault = FAULT_TOO_LARGE;
	view_close(&view);
	return fault;
}

enum command_step cmd_search(struct session *session, void *arguments)
{
	struct imap_command *command = arguments;
	struct imapd *imapd = imapd_of(session);
	struct search *search = arena_new(&session->arena, struct search);
	struct imap_range range = {1, UINT32_MAX};
	struct imap_set all = {&range, 1};

	if (search == NULL)
		return reply_fault(session, FAULT_TOO_LARGE);
	if (!message_charset_is_known(command->search.charset))
		return reply_no(session, "[BADCHARSET (US-ASCII UTF-8)] Unknown character set");
	if (command->search.has_modseq)
		selected_condstore_begin(session);
	search->wanted = &command->search;
	enum fault fault = search_prepare(session, search->wanted);
	if (fault == FAULT_NOT_FOUND)
		return selected_gone(session);
	if (fault != FAULT_NONE)
		return reply_fault(session, fault);
	sequence_select(&imapd->selected.sequence, &all, true, &imapd->job.uids);
	buf_init(&imapd->job.numbers, NUMBERS_MAX);
	imapd->job.arguments = search;
	if (!search->wanted->is_extended)
		buf_append_c(session_out(session), "* SEARCH");
	return search_resume(session);
}
