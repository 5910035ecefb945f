/* SPDX-License-Identifier: Apache-2.0 */
#include "imapd/change.h"

#include "imapd/rows.h"
#include "imapd/selected.h"

enum { RESPONSE_CODE_MAX = 512 * 1024 };

static void ranges_append(struct buf *to, const struct uid_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (i > 0)
			buf_append_char(to, ',');
		buf_append_u64(to, set->ranges[i].first);
		if (set->ranges[i].last > set->ranges[i].first) {
			buf_append_char(to, ':');
			buf_append_u64(to, set->ranges[i].last);
		}
	}
}

/* Keeps a text in the arena, terminated; a plain one where it does not fit. */
static const char *text_keep(struct session *session, const struct buf *text, const char *plain)
{
	struct str kept = text->failed ? str_make(NULL, 0)
				       : arena_dup(&session->arena, buf_str(text));

	return kept.ptr == NULL ? plain : kept.ptr;
}

/* ---- STORE ---- */

struct store_job {
	const struct imap_store *wanted;
	struct sequence_walk walk;
	const char *done_text;
};

static bool is_store_told(const struct imapd *imapd, const struct store_job *store, uint32_t uid)
{
	bool is_changed = uid_set_has(&imapd->job.changed, uid);

	/* RFC 7162 section 3.1.3: the new mod-sequence is told even when silence was asked for. */
	return is_changed ? !store->wanted->is_silent || imapd->has_condstore
			  : !store->wanted->is_silent && !store->wanted->has_unchanged_since;
}

struct store_step {
	struct session *session;
	struct store_job *store;
	struct mailbox mailbox;
};

static void store_tell(struct store_step *step, const struct mail *mail)
{
	struct imapd *imapd = imapd_of(step->session);
	const struct imap_store *wanted = step->store->wanted;
	struct buf *out = session_out(step->session);
	uint32_t number =
		sequence_walk_number(&imapd->selected.sequence, &step->store->walk, mail->uid);

	if (number == 0 || !is_store_told(imapd, step->store, mail->uid))
		return;
	buf_printf(out, "* %u FETCH (", number);
	if (imapd->command->is_uid)
		buf_printf(out, "UID %u ", mail->uid);
	if (!wanted->is_silent)
		selected_append_flags(&imapd->selected, &step->mailbox, mail, out);
	if (imapd->has_condstore)
		buf_printf(out, "%sMODSEQ (%llu)", wanted->is_silent ? "" : " ",
			   (unsigned long long)mail->modseq);
	buf_append_c(out, ")\r\n");
}

static bool store_visit(void *context, const struct mail *mail)
{
	struct store_step *step = context;

	store_tell(step, mail);
	return !stream_is_full(&step->session->stream);
}

static enum command_step store_resume(struct session *session)
{
	struct imapd *imapd = imapd_of(session);
	struct store_step step = {.session = session, .store = imapd->job.arguments};
	struct view *view;
	bool is_done = true;

	enum fault fault = view_open(session_store(session), &view);
	if (fault != FAULT_NONE)
		return reply_fault(session, fault);
	fault = mailbox_get(view, session->user.account, imapd->selected.mailbox, &step.mailbox);
	if (fault == FAULT_NONE) {
		selected_keywords_tell(session, &step.mailbox);
		is_done = rows_visit(session, view, store_visit, &step);
	}
	view_close(&view);
	if (fault != FAULT_NONE)
		return selected_gone(session);
	if (!is_done)
		return imapd_resume_by(session, store_resume);
	return selected_finish(session, imapd->command->is_uid, step.store->done_text);
}

/* The numbers or UIDs that failed UNCHANGEDSINCE, as a response code (RFC 7162 section 3.1.3). */
static const char *modified_text(struct session *session, const struct uid_set *modified)
{
	struct imapd *imapd = imapd_of(session);
	struct buf text = BUF_INIT(RESPONSE_CODE_MAX);
	struct imap_set_writer writer = {0};
	struct sequence_walk walk = {0};

	buf_append_c(&text, "[MODIFIED ");
	for (size_t i = 0; i < modified->count; i++)
		for (uint64_t uid = modified->ranges[i].first; uid <= modified->ranges[i].last;
		     uid++) {
			uint32_t number = imapd->command->is_uid
						  ? (uint32_t)uid
						  : sequence_walk_number(&imapd->selected.sequence,
									 &walk, (uint32_t)uid);
			if (number != 0)
				imap_set_write(&writer, &text, number);
		}
	imap_set_write_end(&writer, &text);
	buf_append_c(&text, "] Some were changed meanwhile");
	const char *kept = text_keep(session, &text, "Some were changed meanwhile");
	buf_done(&text);
	return kept;
}

static enum fault store_change(struct session *session, const struct imap_store *wanted,
			       struct mail_flags_change *change)
{
	static const enum mail_flags_mode modes[] = {
		[IMAP_STORE_REPLACE] = MAIL_FLAGS_SET,
		[IMAP_STORE_ADD] = MAIL_FLAGS_ADD,
		[IMAP_STORE_REMOVE] = MAIL_FLAGS_REMOVE,
	};
	struct imapd *imapd = imapd_of(session);

	*change = (struct mail_flags_change){
		.mode = modes[wanted->mode],
		.flags = wanted->flags.system,
		.keywords = wanted->flags.keywords.items,
		.keyword_count = wanted->flags.keywords.count,
		.unchanged_since = wanted->has_unchanged_since ? wanted->unchanged_since
							       : UINT64_MAX};
	return mail_flags_change(session_store(session), session->user.account,
				 imapd->selected.mailbox, &imapd->job.uids, change);
}

enum command_step cmd_store(struct session *session, void *arguments)
{
	struct imap_command *command = arguments;
	struct imapd *imapd = imapd_of(session);
	struct store_job *store = arena_new(&session->arena, struct store_job);
	struct mail_flags_change change;
	enum command_step step;

	if (imapd->selected.is_read_only)
		return reply_no(session, "[READ-ONLY] The mailbox was opened with EXAMINE");
	if (command->store.has_unchanged_since)
		selected_condstore_begin(session);
	if (store == NULL)
		return reply_fault(session, FAULT_TOO_LARGE);
	if (!selected_set_take(session, &command->store.set, &step))
		return step;
	enum fault fault = store_change(session, &command->store, &change);
	imapd->job.changed = change.changed;
	imapd->job.changed_modseq = change.modseq;
	store->wanted = &command->store;
	store->done_text = fault == FAULT_NONE && change.modified.count > 0
				   ? modified_text(session, &change.modified)
				   : "Stored";
	uid_set_done(&change.modified);
	if (fault == FAULT_TOO_LARGE)
		return reply_no(session, "[LIMIT] The mailbox has no room for more keywords");
	if (fault != FAULT_NONE)
		return reply_fault(session, fault);
	imapd->job.arguments = store;
	return store_resume(session);
}

/* ---- EXPUNGE ---- */

enum command_step cmd_expunge(struct session *session, void *arguments)
{
	struct imap_command *command = arguments;
	struct imapd *imapd = imapd_of(session);
	struct selected *selected = &imapd->selected;
	struct imap_range range = {1, UINT32_MAX};
	struct imap_set all = {&range, 1};
	enum command_step step;

	if (selected->is_read_only)
		return reply_no(session, "[READ-ONLY] The mailbox was opened with EXAMINE");
	if (!command->is_uid)
		sequence_select(&selected->sequence, &all, true, &imapd->job.uids);
	else if (!selected_set_take(session, &command->expunge, &step))
		return step;
	enum fault fault =
		mail_expunge(session_store(session), session->user.account, selected->mailbox,
			     &imapd->job.uids, true, &imapd->job.changed);
	if (fault != FAULT_NONE)
		return reply_fault(session, fault);
	return selected_finish(session, true, "Expunged");
}

/* ---- COPY and MOVE ---- */

static enum fault target_find(struct session *session, struct str name, uint32_t *mailbox_out)
{
	struct mailbox mailbox;
	struct view *view;

	enum fault fault = view_open(session_store(session), &view);
	if (fault != FAULT_NONE)
		return fault;
	fault = mailbox_find(view, session->user.account, name, &mailbox);
	if (fault == FAULT_NONE && mailbox.id == 0)
		fault = FAULT_NOT_FOUND;
	if (fault == FAULT_NONE)
		*mailbox_out = mailbox.id;
	view_close(&view);
	return fault;
}

/* `[COPYUID validity from to] Done` (RFC 4315 section 3). */
static const char *copied_text(struct session *session, const struct mail_copied *copied)
{
	struct buf text = BUF_INIT(RESPONSE_CODE_MAX);
	uint64_t count = uid_set_size(&copied->from);

	if (count == 0)
		return "There was nothing to copy";
	buf_printf(&text, "[COPYUID %u ", copied->uidvalidity);
	ranges_append(&text, &copied->from);
	buf_printf(&text, " %u", copied->first_uid);
	if (count > 1)
		buf_printf(&text, ":%llu", (unsigned long long)(copied->first_uid + count - 1));
	buf_append_c(&text, "] Done");
	const char *kept = text_keep(session, &text, "Done");
	buf_done(&text);
	return kept;
}

static enum command_step copy_end(struct session *session, const struct imap_command *command,
				  struct mail_copied *copied)
{
	const char *text = copied_text(session, copied);
	bool has_any = copied->from.count > 0;

	uid_set_done(&copied->from);
	if (command->verb != IMAP_MOVE || !has_any)
		return selected_finish(session, true, text);
	/* RFC 6851 section 4.3: the code comes untagged, before the expunges. */
	reply_untagged(session, "OK %s", text);
	return selected_finish(session, true, "Moved");
}

enum command_step cmd_copy(struct session *session, void *arguments)
{
	struct imap_command *command = arguments;
	struct imapd *imapd = imapd_of(session);
	bool is_move = command->verb == IMAP_MOVE;
	struct mail_copied copied = {0};
	enum command_step step;
	uint32_t target;

	if (is_move && imapd->selected.is_read_only)
		return reply_no(session, "[READ-ONLY] The mailbox was opened with EXAMINE");
	struct str name = reply_mailbox_read(session, command->copy.mailbox);
	if (name.ptr == NULL)
		return COMMAND_DONE;
	if (!selected_set_take(session, &command->copy.set, &step))
		return step;
	enum fault fault = target_find(session, name, &target);
	if (fault == FAULT_NOT_FOUND)
		return reply_no(session, "[TRYCREATE] There is no such mailbox");
	if (fault == FAULT_NONE && imapd->job.uids.count == 0)
		return selected_finish(session, true, "There was nothing to copy");
	if (fault == FAULT_NONE)
		fault = (is_move ? mail_move : mail_copy)(
			session_store(session), session->user.account, imapd->selected.mailbox,
			&imapd->job.uids, target, &copied);
	if (fault != FAULT_NONE)
		return reply_fault(session, fault);
	return copy_end(session, command, &copied);
}
