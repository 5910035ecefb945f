/* SPDX-License-Identifier: Apache-2.0 */
#include "imapd/selected.h"

#include "imapd/fault_log.h"

bool selected_set_take(struct session *session, struct imap_set *set, enum command_step *step_out)
{
	struct imapd *imapd = imapd_of(session);
	const struct sequence *sequence = &imapd->selected.sequence;
	bool is_uid = imapd->command->is_uid;
	uint32_t size = sequence_size(sequence);

	imap_set_resolve(set, is_uid ? sequence_last_uid(sequence) : size);
	if (!is_uid && set->count > 0 && set->ranges[set->count - 1].last > size) {
		*step_out = reply_bad(session, "There is no message of that number");
		return false;
	}
	sequence_select(sequence, set, is_uid, &imapd->job.uids);
	return true;
}

/* The names of a message's keywords; room for all. */
static size_t keywords_collect(const struct mailbox *mailbox, uint64_t bits,
			       struct str names[MAILBOX_KEYWORDS_MAX])
{
	size_t count = 0;

	for (; bits != 0; bits &= bits - 1) {
		struct str name = mailbox->keywords[__builtin_ctzll(bits)];
		if (name.len > 0)
			names[count++] = name;
	}
	return count;
}

void selected_append_flags(const struct selected *selected, const struct mailbox *mailbox,
			   const struct mail *mail, struct buf *to)
{
	struct str names[MAILBOX_KEYWORDS_MAX];
	size_t count = mail->keywords == 0 ? 0 : keywords_collect(mailbox, mail->keywords, names);
	unsigned system = mail->flags;

	/* enum mail_flag and enum imap_system_flag have the same bits. */
	if (selected_is_recent(selected, mail->uid))
		system |= IMAP_FLAG_RECENT;
	buf_append_c(to, "FLAGS (");
	imap_flags_write(to, system, names, count);
	buf_append_char(to, ')');
}

_Static_assert((int)IMAP_FLAG_SEEN == (int)MAIL_SEEN &&
		       (int)IMAP_FLAG_ANSWERED == (int)MAIL_ANSWERED &&
		       (int)IMAP_FLAG_FLAGGED == (int)MAIL_FLAGGED &&
		       (int)IMAP_FLAG_DELETED == (int)MAIL_DELETED &&
		       (int)IMAP_FLAG_DRAFT == (int)MAIL_DRAFT,
	       "flags of the wire and of the store are the same bits");

/* FLAGS and PERMANENTFLAGS with the keywords that the mailbox knows. */
static void flags_tell(struct session *session, const struct mailbox *mailbox)
{
	struct selected *selected = &imapd_of(session)->selected;
	struct buf *out = session_out(session);
	struct str names[MAILBOX_KEYWORDS_MAX];
	uint64_t all = mailbox->keyword_count >= 64 ? UINT64_MAX
						    : (1ull << mailbox->keyword_count) - 1;
	size_t count = keywords_collect(mailbox, all, names);

	buf_append_c(out, "* FLAGS (");
	imap_flags_write(out, MAIL_FLAGS_ALL, names, count);
	buf_append_c(out, ")\r\n* OK [PERMANENTFLAGS (");
	if (!selected->is_read_only) {
		imap_flags_write(out, MAIL_FLAGS_ALL, names, count);
		if (mailbox->keyword_count < MAILBOX_KEYWORDS_MAX)
			buf_append_c(out, " \\*");
	}
	buf_append_c(out, ")] Flags that are kept\r\n");
	selected->keyword_count = (uint32_t)mailbox->keyword_count;
}

void selected_keywords_tell(struct session *session, const struct mailbox *mailbox)
{
	if (mailbox->keyword_count > imapd_of(session)->selected.keyword_count)
		flags_tell(session, mailbox);
}

static uint32_t recent_count(const struct selected *selected)
{
	uint32_t below = 0;
	uint32_t size = sequence_size(&selected->sequence);

	if (size == 0 || sequence_last_uid(&selected->sequence) < selected->recent_from)
		return 0;
	/* How many are below: the number before the first that is not. */
	for (size_t i = 0; i < selected->sequence.count; i++) {
		const struct sequence_run *run = &selected->sequence.runs[i];
		if (run->last_uid >= selected->recent_from) {
			below = run->first_number - 1;
			if (run->first_uid < selected->recent_from)
				below += selected->recent_from - run->first_uid;
			break;
		}
	}
	return size - below;
}

/* ---- SELECT ---- */

static uint32_t first_unseen(struct view *view, uint64_t account, const struct mailbox *mailbox)
{
	struct mail_rows rows;
	struct mail mail;
	uint32_t number = 0;
	bool is_found = false;

	if (mailbox->unseen == 0)
		return 0;
	mail_rows_open(view, account, mailbox->id, 1, &rows);
	while (!is_found && mail_rows_next(&rows, &mail)) {
		number++;
		is_found = (mail.flags & MAIL_SEEN) == 0;
	}
	mail_rows_close(&rows);
	return is_found ? number : 0;
}

/* Loads what there is in the mailbox and writes the untagged replies of SELECT. */
static void mailbox_tell(struct session *session, struct view *view, const struct mailbox *mailbox)
{
	struct selected *selected = &imapd_of(session)->selected;
	uint64_t account = session->user.account;
	struct uid_set uids = {0};

	selected->sequence_seen = view_sequence(view, account);
	mail_uids(view, account, mailbox->id, &uids);
	for (size_t i = 0; i < uids.count; i++)
		sequence_add(&selected->sequence, uids.ranges[i].first, uids.ranges[i].last);
	uid_set_done(&uids);
	sequence_trim(&selected->sequence);
	selected->uidvalidity = mailbox->uidvalidity;
	selected->uid_next = mailbox->uidnext;
	selected->modseq = selected->flags_modseq = mailbox->modseq;
	flags_tell(session, mailbox);
	reply_untagged(session, "%u EXISTS", sequence_size(&selected->sequence));
	reply_untagged(session, "%u RECENT", recent_count(selected));
	uint32_t unseen = first_unseen(view, account, mailbox);
	if (unseen != 0)
		reply_untagged(session, "OK [UNSEEN %u] First unseen message", unseen);
	reply_untagged(session, "OK [UIDVALIDITY %u] UIDs are valid", mailbox->uidvalidity);
	reply_untagged(session, "OK [UIDNEXT %u] Predicted next UID", mailbox->uidnext);
	reply_untagged(session, "OK [HIGHESTMODSEQ %llu] Highest",
		       (unsigned long long)mailbox->modseq);
}

static enum fault mailbox_open(struct session *session, struct str name, bool is_read_only)
{
	struct selected *selected = &imapd_of(session)->selected;
	uint64_t account = session->user.account;
	struct mailbox mailbox;
	struct view *view;

	enum fault fault = view_open(session_store(session), &view);
	if (fault != FAULT_NONE)
		return fault;
	fault = mailbox_find(view, account, name, &mailbox);
	if (fault == FAULT_NONE && mailbox.id == 0)
		fault = FAULT_NOT_FOUND;
	if (fault == FAULT_NONE)
		*selected = (struct selected){.mailbox = mailbox.id,
					      .is_read_only = is_read_only,
					      .recent_from = mailbox.recent_uid};
	view_close(&view);
	if (fault != FAULT_NONE || is_read_only)
		return fault;
	/*
	 * RFC 3501 section 2.3.2: only one session sees a message as recent, unless it only
	 * looks.
	 */
	return mailbox_recent_take(session_store(session), account, selected->mailbox,
				   &selected->recent_from);
}

static enum fault mailbox_load_and_tell(struct session *session)
{
	struct selected *selected = &imapd_of(session)->selected;
	struct mailbox mailbox;
	struct view *view;

	enum fault fault = view_open(session_store(session), &view);
	if (fault != FAULT_NONE)
		return fault;
	fault = mailbox_get(view, session->user.account, selected->mailbox, &mailbox);
	if (fault == FAULT_NONE)
		mailbox_tell(session, view, &mailbox);
	view_close(&view);
	return fault;
}

enum command_step cmd_select(struct session *session, void *arguments)
{
	const struct imap_command *command = arguments;
	struct imapd *imapd = imapd_of(session);
	bool is_examine = command->verb == IMAP_EXAMINE;

	/* RFC 3501 section 6.3.1: what was selected is left even if this fails. */
	selected_leave(session, true);
	struct str name = reply_mailbox_read(session, command->mailbox.mailbox);
	if (name.ptr == NULL)
		return COMMAND_DONE;
	enum fault fault = mailbox_open(session, name, is_examine);
	if (fault == FAULT_NONE)
		fault = mailbox_load_and_tell(session);
	if (fault != FAULT_NONE)
		return reply_fault(session, fault);
	imapd->has_condstore |= command->mailbox.has_condstore;
	imapd_state_set(session, IMAPD_SELECTED);
	return reply_ok(session, is_examine ? "[READ-ONLY] Mailbox opened"
					    : "[READ-WRITE] Mailbox opened");
}

void selected_leave(struct session *session, bool is_orderly)
{
	struct imapd *imapd = imapd_of(session);
	struct selected *selected = &imapd->selected;
	uint32_t ignored;

	if (imapd->state != IMAPD_SELECTED)
		return;
	/* Messages that came meanwhile were recent here. */
	if (is_orderly && !selected->is_read_only &&
	    sequence_last_uid(&selected->sequence) >= selected->recent_from &&
	    mailbox_recent_take(session_store(session), session->user.account, selected->mailbox,
				&ignored) != FAULT_NONE)
		ignored = 0;
	sequence_done(&selected->sequence);
	*selected = (struct selected){0};
	imapd_state_set(session, IMAPD_AUTHENTICATED);
}

enum command_step cmd_close(struct session *session, void *arguments)
{
	const struct imap_command *command = arguments;
	struct imapd *imapd = imapd_of(session);
	struct selected *selected = &imapd->selected;
	enum fault fault = FAULT_NONE;

	/* RFC 3501 section 6.4.2: messages with \Deleted go, silently. */
	if (command->verb == IMAP_CLOSE && !selected->is_read_only) {
		struct imap_range all = {1, UINT32_MAX};
		struct imap_set set = {&all, 1};
		sequence_select(&selected->sequence, &set, true, &imapd->job.uids);
		fault = mail_expunge(session_store(session), session->user.account,
				     selected->mailbox, &imapd->job.uids, true,
				     &imapd->job.changed);
	}
	selected_leave(session, true);
	if (fault != FAULT_NONE && fault != FAULT_NOT_FOUND)
		return reply_fault(session, fault);
	return reply_ok(session, "Mailbox closed");
}

/* ---- telling changes ---- */

struct change {
	struct session *session;
	struct selected *selected;
	struct view *view;
	struct mailbox mailbox;
	struct uid_set changed;
	struct uid_set vanished;
};

/* Finds what happened since it was told last. */
static void change_collect(struct change *change)
{
	struct selected *selected = change->selected;
	uint64_t account = change->session->user.account;

	if (mail_changes(change->view, account, selected->mailbox, selected->modseq,
			 &change->changed, &change->vanished))
		return;
	/* Expunges that old are forgotten: what is not there now has vanished. */
	struct uid_set now = {0};
	struct sequence gone = {0};
	mail_uids(change->view, account, selected->mailbox, &now);
	for (size_t i = 0; i < selected->sequence.count; i++)
		sequence_add(&gone, selected->sequence.runs[i].first_uid,
			     selected->sequence.runs[i].last_uid);
	sequence_remove(&gone, &now);
	uid_set_done(&change->vanished);
	for (size_t i = 0; i < gone.count; i++)
		uid_set_add(&change->vanished, gone.runs[i].first_uid, gone.runs[i].last_uid);
	uid_set_done(&now);
	sequence_done(&gone);
}

/* Tells expunges; false when the output is full. */
static bool expunges_tell(struct change *change)
{
	struct selected *selected = change->selected;
	struct sequence_walk walk = {0};
	struct uid_set known = {0};
	struct uid_set told = {0};
	uint32_t removed = 0;
	bool is_full = false;

	sequence_intersect(&selected->sequence, &change->vanished, &known);
	for (size_t i = 0; i < known.count && !is_full; i++)
		for (uint64_t uid = known.ranges[i].first;
		     uid <= known.ranges[i].last && !is_full; uid++) {
			uint32_t number = sequence_walk_number(&selected->sequence, &walk,
							       (uint32_t)uid);
			/* Those before it are gone from the client's count already. */
			reply_untagged(change->session, "%u EXPUNGE", number - removed++);
			uid_set_add(&told, (uint32_t)uid, (uint32_t)uid);
			is_full = stream_is_full(&change->session->stream);
		}
	sequence_remove(&selected->sequence, &told);
	uid_set_done(&known);
	uid_set_done(&told);
	return !is_full;
}

/* True for a change that this session's own command has told of itself. */
static bool is_own_change(const struct imapd *imapd, const struct mail *mail)
{
	return mail->modseq <= imapd->job.changed_modseq &&
	       uid_set_has(&imapd->job.changed, mail->uid);
}

static void flag_change_tell(struct change *change, const struct mail *mail)
{
	struct imapd *imapd = imapd_of(change->session);
	struct buf *out = session_out(change->session);
	uint32_t number = sequence_number(&change->selected->sequence, mail->uid);

	if (number == 0 || mail->modseq <= change->selected->flags_modseq ||
	    is_own_change(imapd, mail))
		return;
	buf_printf(out, "* %u FETCH (", number);
	if (imapd->command != NULL && imapd->command->is_uid)
		buf_printf(out, "UID %u ", mail->uid);
	selected_append_flags(change->selected, &change->mailbox, mail, out);
	if (imapd->has_condstore)
		buf_printf(out, " MODSEQ (%llu)", (unsigned long long)mail->modseq);
	buf_append_c(out, ")\r\n");
}

/* Tells new flags; false when the output is full, with the place to go on kept. */
static bool flags_changes_tell(struct change *change)
{
	struct selected *selected = change->selected;
	struct mail mail;

	selected_keywords_tell(change->session, &change->mailbox);
	for (size_t i = 0; i < change->changed.count; i++) {
		const struct uid_range *range = &change->changed.ranges[i];
		uint64_t uid = range->first > selected->resume_uid ? range->first
								   : selected->resume_uid;
		for (; uid <= range->last; uid++) {
			if (stream_is_full(&change->session->stream)) {
				selected->resume_uid = (uint32_t)uid;
				return false;
			}
			if (uid < selected->uid_next &&
			    mail_get(change->view, change->session->user.account,
				     selected->mailbox, (uint32_t)uid, &mail) == FAULT_NONE)
				flag_change_tell(change, &mail);
		}
	}
	return true;
}

static void arrivals_tell(struct change *change)
{
	struct selected *selected = change->selected;
	struct mail_rows rows;
	struct mail mail;

	if (change->mailbox.uidnext <= selected->uid_next)
		return;
	mail_rows_open(change->view, change->session->user.account, selected->mailbox,
		       selected->uid_next, &rows);
	bool has_any = false;
	while (mail_rows_next(&rows, &mail)) {
		sequence_add(&selected->sequence, mail.uid, mail.uid);
		has_any = true;
	}
	mail_rows_close(&rows);
	selected->uid_next = change->mailbox.uidnext;
	if (!has_any)
		return;
	reply_untagged(change->session, "%u EXISTS", sequence_size(&selected->sequence));
	reply_untagged(change->session, "%u RECENT", recent_count(selected));
}

/* One step through all kinds of changes. */
static enum sync change_step(struct change *change, bool with_expunges)
{
	struct selected *selected = change->selected;

	if (selected->target_modseq == 0)
		selected->target_modseq = change->mailbox.modseq;
	change_collect(change);
	if (with_expunges && !expunges_tell(change))
		return SYNC_MORE;
	if (!flags_changes_tell(change))
		return SYNC_MORE;
	arrivals_tell(change);
	selected->flags_modseq = selected->target_modseq;
	if (with_expunges || change->vanished.count == 0)
		selected->modseq = selected->target_modseq;
	bool is_all = selected->modseq == change->mailbox.modseq;
	selected->target_modseq = 0;
	selected->resume_uid = 0;
	if (is_all)
		selected->sequence_seen = view_sequence(change->view,
							change->session->user.account);
	return SYNC_DONE;
}

static enum sync change_tell(struct change *change, bool with_expunges)
{
	struct selected *selected = change->selected;
	uint64_t account = change->session->user.account;

	if (view_sequence(change->view, account) == selected->sequence_seen)
		return SYNC_DONE;
	if (mailbox_get(change->view, account, selected->mailbox, &change->mailbox) != FAULT_NONE ||
	    change->mailbox.uidvalidity != selected->uidvalidity)
		return SYNC_GONE;
	if (change->mailbox.modseq == selected->modseq) {
		selected->sequence_seen = view_sequence(change->view, account);
		return SYNC_DONE;
	}
	return change_step(change, with_expunges);
}

enum sync selected_sync(struct session *session, bool with_expunges)
{
	struct imapd *imapd = imapd_of(session);
	struct change change = {.session = session, .selected = &imapd->selected};

	if (imapd->state != IMAPD_SELECTED)
		return SYNC_DONE;
	enum fault fault = view_open(session_store(session), &change.view);
	if (fault != FAULT_NONE) {
		/* Nothing is lost: the next command tells it. */
		fault_log(session, "changes could not be read", fault);
		return SYNC_DONE;
	}
	enum sync sync = change_tell(&change, with_expunges);
	view_close(&change.view);
	uid_set_done(&change.changed);
	uid_set_done(&change.vanished);
	return sync;
}

enum command_step selected_gone(struct session *session)
{
	reply_untagged(session, "BYE The selected mailbox was deleted");
	return COMMAND_END;
}

static enum command_step finish_resume(struct session *session)
{
	struct imapd *imapd = imapd_of(session);

	switch (selected_sync(session, imapd->is_syncing_all)) {
	case SYNC_GONE:
		return selected_gone(session);
	case SYNC_MORE:
		return imapd_resume_by(session, finish_resume);
	case SYNC_DONE:
		break;
	}
	return reply_ok(session, imapd->done_text.ptr);
}

enum command_step selected_finish(struct session *session, bool with_expunges, const char *text)
{
	struct imapd *imapd = imapd_of(session);

	imapd->is_syncing_all = with_expunges;
	imapd->done_text = str_from_c(text);
	return finish_resume(session);
}

void selected_condstore_begin(struct session *session)
{
	struct imapd *imapd = imapd_of(session);

	if (imapd->has_condstore)
		return;
	imapd->has_condstore = true;
	if (imapd->state == IMAPD_SELECTED)
		reply_untagged(session, "OK [HIGHESTMODSEQ %llu] Highest",
			       (unsigned long long)imapd->selected.modseq);
}
