/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LIST and LSUB (RFC 3501 sections 6.3.8 and 6.3.9), with what SPECIAL-USE
 * (RFC 6154) takes over from LIST-EXTENDED (RFC 5258). In steps.
 */
#include "imapd/mailboxes.h"
#include "imapd/selected.h"
#include "proto/mailbox_name.h"

/* A name that outlives the view it came from. */
struct name_copy {
	size_t len;
	char bytes[MAILBOX_NAME_MAX];
};

struct listing {
	const struct imap_list *list;
	bool is_lsub;
	bool is_subscribed_only;
	struct imap_words patterns; /* whole, in UTF-8 */
	struct name_copy after;	    /* the name that was looked at last */
	struct name_copy parent;    /* the superior that LSUB told last */
};

static void name_copy_set(struct name_copy *copy, struct str name)
{
	CHECK(name.len <= sizeof(copy->bytes));
	memcpy(copy->bytes, name.ptr, name.len);
	copy->len = name.len;
}

static struct str name_copy_str(const struct name_copy *copy)
{
	return str_make(copy->bytes, copy->len);
}

static bool is_wanted(const struct listing *listing, struct str name)
{
	for (size_t i = 0; i < listing->patterns.count; i++)
		if (mailbox_name_matches(name, listing->patterns.items[i]))
			return true;
	return false;
}

struct attributes {
	struct buf *out;
	bool has_any;
};

static void attribute_append(struct attributes *attributes, const char *text)
{
	if (attributes->has_any)
		buf_append_char(attributes->out, ' ');
	buf_append_c(attributes->out, text);
	attributes->has_any = true;
}

static void line_begin(struct session *session, const struct listing *listing,
		       struct attributes *attributes)
{
	*attributes = (struct attributes){.out = session_out(session)};
	buf_append_c(attributes->out, listing->is_lsub ? "* LSUB (" : "* LIST (");
}

static void line_end(struct attributes *attributes, struct str name)
{
	buf_printf(attributes->out, ") \"%c\" ", MAILBOX_NAME_SEPARATOR);
	reply_append_mailbox(attributes->out, name);
	buf_append_c(attributes->out, "\r\n");
}

static void mailbox_write(struct session *session, const struct listing *listing,
			  const struct mailbox *mailbox)
{
	struct attributes attributes;
	bool with_subscribed = listing->is_subscribed_only ||
			       (listing->list->returns & IMAP_LIST_SUBSCRIBED) != 0;

	line_begin(session, listing, &attributes);
	if (mailbox->id == 0)
		attribute_append(&attributes, "\\Noselect");
	attribute_append(&attributes, mailbox->has_children ? "\\HasChildren" : "\\HasNoChildren");
	if (mailbox->is_subscribed && with_subscribed && !listing->is_lsub)
		attribute_append(&attributes, "\\Subscribed");
	if (mailbox->special_use != SPECIAL_USE_NONE)
		attribute_append(&attributes, special_use_attribute(mailbox->special_use));
	line_end(&attributes, mailbox->name);
}

/* A subscribed name whose mailbox was deleted, or (LSUB with %) a superior of a subscribed one. */
static void absent_write(struct session *session, const struct listing *listing, struct str name,
			 bool is_subscribed)
{
	struct attributes attributes;

	line_begin(session, listing, &attributes);
	attribute_append(&attributes, "\\Noselect");
	if (!listing->is_lsub) {
		attribute_append(&attributes, "\\NonExistent");
		if (is_subscribed)
			attribute_append(&attributes, "\\Subscribed");
	}
	line_end(&attributes, name);
}

/* RFC 3501 section 6.3.9: "%" tells foo where foo/bar is subscribed. */
static void superior_write(struct session *session, struct listing *listing, struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		struct str superior = str_sub(name, 0, i);
		if (name.ptr[i] != MAILBOX_NAME_SEPARATOR || !is_wanted(listing, superior))
			continue;
		if (str_equals(superior, name_copy_str(&listing->parent)))
			return;
		name_copy_set(&listing->parent, superior);
		absent_write(session, listing, superior, false);
		return;
	}
}

static void subscribed_tell(struct session *session, struct listing *listing, struct view *view,
			    struct str name)
{
	struct mailbox mailbox;

	if (!is_wanted(listing, name)) {
		if (listing->is_lsub)
			superior_write(session, listing, name);
		return;
	}
	if (mailbox_find(view, session->user.account, name, &mailbox) == FAULT_NONE)
		mailbox_write(session, listing, &mailbox);
	else
		absent_write(session, listing, name, true);
}

static void mailbox_tell(struct session *session, const struct listing *listing,
			 const struct mailbox *mailbox)
{
	bool is_special_only = (listing->list->selection & IMAP_LIST_SPECIAL_USE) != 0;

	if (is_special_only && mailbox->special_use == SPECIAL_USE_NONE)
		return;
	if (is_wanted(listing, mailbox->name))
		mailbox_write(session, listing, mailbox);
}

/* Tells the name behind `after`; false at the end. */
static bool name_tell(struct session *session, struct listing *listing, struct view *view)
{
	uint64_t account = session->user.account;
	struct mailbox mailbox;
	struct str name;

	if (listing->is_subscribed_only) {
		if (!mailbox_subscribed_next(view, account, name_copy_str(&listing->after), &name))
			return false;
		subscribed_tell(session, listing, view, name);
	} else {
		if (!mailbox_next(view, account, name_copy_str(&listing->after), &mailbox))
			return false;
		name = mailbox.name;
		mailbox_tell(session, listing, &mailbox);
	}
	name_copy_set(&listing->after, name);
	return true;
}

static enum command_step list_resume(struct session *session)
{
	struct listing *listing = imapd_of(session)->job.arguments;
	struct view *view;
	bool is_more = true;

	enum fault fault = view_open(session_store(session), &view);
	while (fault == FAULT_NONE && is_more && !stream_is_full(&session->stream))
		is_more = name_tell(session, listing, view);
	if (fault == FAULT_NONE)
		view_close(&view);
	if (fault == FAULT_NONE && is_more)
		return imapd_resume_by(session, list_resume);
	if (fault != FAULT_NONE)
		return reply_fault(session, fault);
	return selected_finish(session, true, "Listed");
}

/* Reference and pattern joined, in UTF-8; what is not well formed matches nothing. */
static bool patterns_make(struct session *session, struct listing *listing)
{
	const struct imap_list *list = listing->list;
	size_t count = 0;

	listing->patterns.items =
		arena_array(&session->arena, list->patterns.count, sizeof(struct str));
	if (listing->patterns.items == NULL)
		return false;
	for (size_t i = 0; i < list->patterns.count; i++) {
		struct buf whole = BUF_INIT(list->reference.len + list->patterns.items[i].len + 1);
		struct buf name = BUF_INIT(4 * whole.max);
		buf_append_str(&whole, list->reference);
		buf_append_str(&whole, list->patterns.items[i]);
		if (mailbox_name_decode(&name, buf_str(&whole)))
			listing->patterns.items[count++] =
				arena_dup(&session->arena, buf_str(&name));
		buf_done(&whole);
		buf_done(&name);
	}
	listing->patterns.count = count;
	return true;
}

/* LIST with an empty pattern asks for the separator (RFC 3501 section 6.3.8). */
static bool is_separator_asked(const struct imap_command *command)
{
	return command->verb == IMAP_LIST && command->list.patterns.count == 1 &&
	       command->list.patterns.items[0].len == 0;
}

enum command_step cmd_list(struct session *session, void *arguments)
{
	const struct imap_command *command = arguments;
	struct listing *listing = arena_new(&session->arena, struct listing);

	if (is_separator_asked(command)) {
		reply_untagged(session, "LIST (\\Noselect) \"%c\" \"\"", MAILBOX_NAME_SEPARATOR);
		return selected_finish(session, true, "Listed");
	}
	if (listing == NULL)
		return reply_fault(session, FAULT_TOO_LARGE);
	listing->list = &command->list;
	listing->is_lsub = command->verb == IMAP_LSUB;
	listing->is_subscribed_only = listing->is_lsub ||
				      (command->list.selection & IMAP_LIST_SUBSCRIBED) != 0;
	if (!patterns_make(session, listing))
		return reply_fault(session, FAULT_TOO_LARGE);
	imapd_of(session)->job.arguments = listing;
	return list_resume(session);
}
