/* SPDX-License-Identifier: Apache-2.0 */
#include "imapd/mailboxes.h"

#include "imapd/fault_log.h"
#include "imapd/selected.h"
#include "proto/mailbox_name.h"

/* The store knows one special use a mailbox, and not all of RFC 6154. */
static bool special_use_from(unsigned uses, enum special_use *use_out)
{
	switch (uses) {
	case 0:
		*use_out = SPECIAL_USE_NONE;
		return true;
	case IMAP_USE_ARCHIVE:
		*use_out = SPECIAL_USE_ARCHIVE;
		return true;
	case IMAP_USE_DRAFTS:
		*use_out = SPECIAL_USE_DRAFTS;
		return true;
	case IMAP_USE_JUNK:
		*use_out = SPECIAL_USE_JUNK;
		return true;
	case IMAP_USE_SENT:
		*use_out = SPECIAL_USE_SENT;
		return true;
	case IMAP_USE_TRASH:
		*use_out = SPECIAL_USE_TRASH;
		return true;
	default:
		return false;
	}
}

/* RFC 3501 section 6.3.3: a separator at the end only declares that inferiors are to come. */
static struct str without_separator(struct str name)
{
	if (name.len > 0 && name.ptr[name.len - 1] == MAILBOX_NAME_SEPARATOR)
		name.len--;
	return name;
}

enum command_step cmd_create(struct session *session, void *arguments)
{
	const struct imap_command *command = arguments;
	enum special_use use;

	struct str name = reply_mailbox_read(session, command->mailbox.mailbox);
	if (name.ptr == NULL)
		return COMMAND_DONE;
	if (!special_use_from(command->mailbox.uses, &use))
		return reply_no(session, "[USEATTR] That special use is not available");
	name = without_separator(name);
	enum fault fault = mailbox_create(session_store(session), session->user.account, name, use,
					  NULL);
	if (fault != FAULT_NONE)
		return reply_fault(session, fault);
	operation_log(session, "created mailbox", name);
	return selected_finish(session, true, "Created");
}

/* Leaves the mailbox if it is the one of that name: what follows would have no ground. */
static void selected_leave_named(struct session *session, struct str name)
{
	struct imapd *imapd = imapd_of(session);
	struct mailbox mailbox;
	struct view *view;

	if (imapd->state != IMAPD_SELECTED ||
	    view_open(session_store(session), &view) != FAULT_NONE)
		return;
	bool is_selected = mailbox_find(view, session->user.account, name, &mailbox) ==
				   FAULT_NONE &&
			   mailbox.id == imapd->selected.mailbox;
	view_close(&view);
	if (is_selected)
		selected_leave(session, false);
}

enum command_step cmd_delete(struct session *session, void *arguments)
{
	const struct imap_command *command = arguments;

	struct str name = reply_mailbox_read(session, command->mailbox.mailbox);
	if (name.ptr == NULL)
		return COMMAND_DONE;
	if (!mailbox_name_is_inbox(name))
		selected_leave_named(session, name);
	enum fault fault = mailbox_delete(session_store(session), session->user.account, name);
	if (fault == FAULT_DENIED)
		return reply_no(session, "[CANNOT] That mailbox cannot be deleted");
	if (fault != FAULT_NONE)
		return reply_fault(session, fault);
	operation_log(session, "deleted mailbox", name);
	return selected_finish(session, true, "Deleted");
}

enum command_step cmd_rename(struct session *session, void *arguments)
{
	const struct imap_command *command = arguments;

	struct str from = reply_mailbox_read(session, command->rename.from);
	if (from.ptr == NULL)
		return COMMAND_DONE;
	struct str to = reply_mailbox_read(session, command->rename.to);
	if (to.ptr == NULL)
		return COMMAND_DONE;
	to = without_separator(to);
	enum fault fault = mailbox_rename(session_store(session), session->user.account, from, to);
	if (fault != FAULT_NONE)
		return reply_fault(session, fault);
	operation_log(session, "renamed a mailbox to", to);
	return selected_finish(session, true, "Renamed");
}

enum command_step cmd_subscribe(struct session *session, void *arguments)
{
	const struct imap_command *command = arguments;
	bool is_subscribed = command->verb == IMAP_SUBSCRIBE;

	struct str name = reply_mailbox_read(session, command->mailbox.mailbox);
	if (name.ptr == NULL)
		return COMMAND_DONE;
	enum fault fault = mailbox_subscribe(session_store(session), session->user.account, name,
					     is_subscribed);
	/* To take off what is not there is no mistake. */
	if (fault != FAULT_NONE && (is_subscribed || fault != FAULT_NOT_FOUND))
		return reply_fault(session, fault);
	return selected_finish(session, true, is_subscribed ? "Subscribed" : "Unsubscribed");
}

enum command_step cmd_namespace(struct session *session, void *arguments)
{
	reply_untagged(session, "NAMESPACE ((\"\" \"%c\")) NIL NIL", MAILBOX_NAME_SEPARATOR);
	return selected_finish(session, true, "Namespaces listed");
}

struct status_value {
	unsigned item;
	const char *name;
	uint64_t value;
};

static void status_write(struct session *session, struct view *view, const struct mailbox *mailbox,
			 unsigned items)
{
	struct buf *out = session_out(session);
	const struct status_value values[] = {
		{IMAP_STATUS_MESSAGES, "MESSAGES", mailbox->messages},
		{IMAP_STATUS_RECENT, "RECENT",
		 (items & IMAP_STATUS_RECENT) == 0
			 ? 0
			 : mailbox_recent_count(view, session->user.account, mailbox)},
		{IMAP_STATUS_UIDNEXT, "UIDNEXT", mailbox->uidnext},
		{IMAP_STATUS_UIDVALIDITY, "UIDVALIDITY", mailbox->uidvalidity},
		{IMAP_STATUS_UNSEEN, "UNSEEN", mailbox->unseen},
		{IMAP_STATUS_HIGHESTMODSEQ, "HIGHESTMODSEQ", mailbox->modseq},
	};
	char before = '(';

	buf_append_c(out, "* STATUS ");
	reply_append_mailbox(out, mailbox->name);
	buf_append_char(out, ' ');
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if ((items & values[i].item) == 0)
			continue;
		buf_append_char(out, before);
		buf_append_c(out, values[i].name);
		buf_append_char(out, ' ');
		buf_append_u64(out, values[i].value);
		before = ' ';
	}
	buf_append_c(out, ")\r\n");
}

enum command_step cmd_mailbox_status(struct session *session, void *arguments)
{
	const struct imap_command *command = arguments;
	struct mailbox mailbox;
	struct view *view;

	struct str name = reply_mailbox_read(session, command->mailbox.mailbox);
	if (name.ptr == NULL)
		return COMMAND_DONE;
	if ((command->mailbox.items & IMAP_STATUS_HIGHESTMODSEQ) != 0)
		selected_condstore_begin(session);
	enum fault fault = view_open(session_store(session), &view);
	if (fault != FAULT_NONE)
		return reply_fault(session, fault);
	fault = mailbox_find(view, session->user.account, name, &mailbox);
	if (fault == FAULT_NONE && mailbox.id == 0)
		fault = FAULT_NOT_FOUND;
	if (fault == FAULT_NONE)
		status_write(session, view, &mailbox, command->mailbox.items);
	view_close(&view);
	if (fault != FAULT_NONE)
		return reply_fault(session, fault);
	return selected_finish(session, true, "Status done");
}
