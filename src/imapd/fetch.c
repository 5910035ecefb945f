/* SPDX-License-Identifier: Apache-2.0 */
#include "imapd/fetch.h"

#include "base/clock.h"
#include "imapd/fault_log.h"
#include "imapd/rows.h"

enum {
	STEP_MS = 10,
	/* After so many messages the clock is looked at. */
	ROWS_PER_LOOK = 64,
};

/* The items that need a summary with its structure. */
enum { STRUCTURE_ITEMS = IMAP_FETCH_ENVELOPE | IMAP_FETCH_BODY | IMAP_FETCH_BODYSTRUCTURE };

/* What one step works with. */
struct fetch_step {
	struct session *session;
	struct imapd *imapd;
	struct fetch *fetch;
	struct view *view;
	struct mailbox mailbox;
	struct buf *out;
	bool has_any; /* an item stands in the answer at hand */
	bool has_new_summary; /* in job->text; the store has none for that message */
	uint64_t new_summary_of;
	int64_t until_ms;
	unsigned looked;
};

/* The summary of a message; a new one is noted, and given to the store after the step. */
static bool summary_find(struct fetch_step *step, const struct mail *mail,
			 struct message_summary *summary)
{
	struct buf *scratch = &step->imapd->job.text;

	buf_reset(scratch);
	if (!summary_get(step->session, step->view, mail, true, scratch, summary))
		return false;
	if (scratch->len > 0 && summary_is_wanted(step->session, step->view, mail, scratch)) {
		step->has_new_summary = true;
		step->new_summary_of = mail->message;
	}
	return true;
}

static void item_begin(struct fetch_step *step, const char *name)
{
	if (step->has_any)
		buf_append_char(step->out, ' ');
	step->has_any = true;
	buf_append_c(step->out, name);
}

static void number_write(struct fetch_step *step, const char *name, uint64_t value)
{
	item_begin(step, name);
	buf_append_u64(step->out, value);
}

/* The items of the index row. */
static void row_items_write(struct fetch_step *step, const struct mail *mail)
{
	const struct fetch *fetch = step->fetch;
	unsigned items = fetch->wanted->items;
	bool is_changed = fetch->marks_seen && uid_set_has(&step->imapd->job.changed, mail->uid);

	if ((items & IMAP_FETCH_UID) != 0)
		number_write(step, "UID ", mail->uid);
	if ((items & IMAP_FETCH_FLAGS) != 0 || is_changed) {
		item_begin(step, "");
		selected_append_flags(&step->imapd->selected, &step->mailbox, mail, step->out);
	}
	if ((items & IMAP_FETCH_MODSEQ) != 0 || (is_changed && step->imapd->has_condstore)) {
		number_write(step, "MODSEQ (", mail->modseq);
		buf_append_char(step->out, ')');
	}
	if ((items & IMAP_FETCH_INTERNALDATE) != 0) {
		item_begin(step, "INTERNALDATE \"");
		clock_append_imap_date(step->out, mail->received_s);
		buf_append_char(step->out, '"');
	}
	if ((items & IMAP_FETCH_SIZE) != 0)
		number_write(step, "RFC822.SIZE ", mail->size);
}

static void text_write(struct fetch_step *step, const char *name, struct str text)
{
	item_begin(step, name);
	buf_append_str(step->out, text);
}

static void structure_items_write(struct fetch_step *step, const struct message_summary *summary)
{
	unsigned items = step->fetch->wanted->items;

	if ((items & IMAP_FETCH_ENVELOPE) != 0)
		text_write(step, "ENVELOPE ", summary->envelope);
	if ((items & IMAP_FETCH_BODY) != 0)
		text_write(step, "BODY ", summary->body);
	if ((items & IMAP_FETCH_BODYSTRUCTURE) != 0)
		text_write(step, "BODYSTRUCTURE ", summary->structure);
}

/*
 * Answers one message up to its texts. A message that was expunged meanwhile
 * has no answer (RFC 2180 section 4.1.2).
 */
static void message_begin(struct fetch_step *step, const struct mail *mail)
{
	struct fetch *fetch = step->fetch;
	struct message_summary summary;
	bool with_structure = (fetch->wanted->items & STRUCTURE_ITEMS) != 0;
	uint32_t number = sequence_walk_number(&step->imapd->selected.sequence, &fetch->walk,
					       mail->uid);

	if (number == 0)
		return;
	if (with_structure && !summary_find(step, mail, &summary))
		return;
	fetch->mail = *mail;
	if (fetch->wanted->sections != NULL &&
	    !fetch_texts_begin(step->session, fetch, step->view))
		return;
	buf_append_c(step->out, "* ");
	buf_append_u64(step->out, number);
	buf_append_c(step->out, " FETCH (");
	step->has_any = false;
	row_items_write(step, mail);
	if (with_structure)
		structure_items_write(step, &summary);
	if (fetch->in_texts && step->has_any)
		buf_append_char(step->out, ' ');
	if (!fetch->in_texts)
		buf_append_c(step->out, ")\r\n");
}

static bool fetch_visit(void *context, const struct mail *mail)
{
	struct fetch_step *step = context;
	const struct imap_fetch *wanted = step->fetch->wanted;

	if (!wanted->has_changed_since || mail->modseq > wanted->changed_since)
		message_begin(step, mail);
	return !step->fetch->in_texts && !stream_is_full(&step->session->stream) &&
	       !step->has_new_summary &&
	       (++step->looked % ROWS_PER_LOOK != 0 || clock_mono_ms() < step->until_ms);
}

static enum command_step fetch_resume(struct session *session);

static enum command_step fetch_step_run(struct fetch_step *step)
{
	struct session *session = step->session;

	enum fault fault = view_open(session_store(session), &step->view);
	if (fault != FAULT_NONE)
		return reply_fault(session, fault);
	fault = mailbox_get(step->view, session->user.account, step->imapd->selected.mailbox,
			    &step->mailbox);
	bool is_done = true;
	if (fault == FAULT_NONE) {
		selected_keywords_tell(session, &step->mailbox);
		is_done = rows_visit(session, step->view, fetch_visit, step);
	}
	view_close(&step->view);
	if (step->has_new_summary)
		summary_keep(session, step->new_summary_of, buf_str(&step->imapd->job.text));
	if (fault != FAULT_NONE)
		return selected_gone(session);
	if (!is_done)
		return imapd_resume_by(session, fetch_resume);
	return selected_finish(session, step->imapd->command->is_uid, "Fetched");
}

static enum command_step fetch_resume(struct session *session)
{
	struct imapd *imapd = imapd_of(session);
	struct fetch_step step = {.session = session,
				  .imapd = imapd,
				  .fetch = imapd->job.arguments,
				  .out = session_out(session),
				  .until_ms = clock_mono_ms() + STEP_MS};

	if (step.fetch->in_texts && !fetch_texts_send(session, step.fetch, step.until_ms))
		return imapd_resume_by(session, fetch_resume);
	return fetch_step_run(&step);
}

/*
 * RFC 3501 section 6.4.5: a text asked for without PEEK sets \Seen; all of them at once,
 * beforehand.
 */
static enum fault seen_mark(struct session *session, struct fetch *fetch)
{
	struct imapd *imapd = imapd_of(session);
	struct mail_flags_change change = {
		.mode = MAIL_FLAGS_ADD, .flags = MAIL_SEEN, .unchanged_since = UINT64_MAX};

	for (const struct imap_section *s = fetch->wanted->sections; s != NULL; s = s->next)
		fetch->marks_seen |= !s->is_peek;
	fetch->marks_seen = fetch->marks_seen && !imapd->selected.is_read_only;
	if (!fetch->marks_seen)
		return FAULT_NONE;
	enum fault fault =
		mail_flags_change(session_store(session), session->user.account,
				  imapd->selected.mailbox, &imapd->job.uids, &change);
	imapd->job.changed = change.changed;
	imapd->job.changed_modseq = change.modseq;
	uid_set_done(&change.modified);
	return fault;
}

enum command_step cmd_fetch(struct session *session, void *arguments)
{
	struct imap_command *command = arguments;
	struct imapd *imapd = imapd_of(session);
	struct fetch *fetch = arena_new(&session->arena, struct fetch);
	enum command_step step;

	if (fetch == NULL)
		return reply_fault(session, FAULT_TOO_LARGE);
	if ((command->fetch.items & IMAP_FETCH_MODSEQ) != 0)
		selected_condstore_begin(session);
	if (!selected_set_take(session, &command->fetch.set, &step))
		return step;
	fetch->wanted = &command->fetch;
	enum fault fault = seen_mark(session, fetch);
	if (fault != FAULT_NONE)
		return reply_fault(session, fault);
	imapd->job.arguments = fetch;
	return fetch_resume(session);
}
