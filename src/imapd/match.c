/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holding messages against search keys.
 *
 * Texts are compared folded (proto/message_text.h), headers with their encoded
 * words decoded, bodies with their transfer encoding and character set decoded;
 * parts that are no text are not looked into. Of one message at most
 * BODY_TEXT_MAX bytes of text are read.
 */
#include <time.h>

#include "imapd/fault_log.h"
#include "imapd/search.h"
#include "proto/message.h"
#include "proto/message_text.h"

enum {
	BODY_TEXT_MAX = 4 * 1024 * 1024,
	FOLDED_MAX = 32 * 1024 * 1024,
	TREE_BYTES_MAX = 8 * 1024 * 1024,
	DAY_S = 24 * 60 * 60,
};

/* ---- making ready ---- */

static bool is_text_kind(enum imap_key_kind kind)
{
	return kind >= IMAP_KEY_SUBJECT;
}

/*
 * True where more than the row is needed; kept in `number` for inner nodes, which have
 * no other use for it.
 */
static bool is_costly(const struct imap_key *key)
{
	if (key->kind <= IMAP_KEY_NOT)
		return key->number != 0;
	return is_text_kind(key->kind) ||
	       (key->kind >= IMAP_KEY_SENT_BEFORE && key->kind <= IMAP_KEY_SENT_SINCE);
}

static bool text_prepare(struct session *session, struct imap_key *key, struct str charset)
{
	struct buf utf8 = BUF_INIT(4 * key->text.len + 16);
	struct buf folded = BUF_INIT(32 * key->text.len + 64);

	message_text_convert(&utf8, charset, key->text);
	message_text_fold(&folded, buf_str(&utf8));
	bool is_good = !utf8.failed && !folded.failed;
	key->text = arena_dup(&session->arena, buf_str(&folded));
	buf_done(&utf8);
	buf_done(&folded);
	return is_good && key->text.ptr != NULL;
}

/* The keyword's bit, 0 where the mailbox does not know it. */
static int64_t keyword_bit(const struct mailbox *mailbox, struct str name)
{
	for (size_t i = 0; i < mailbox->keyword_count; i++)
		if (mailbox->keywords[i].len > 0 && str_equals_nocase(mailbox->keywords[i], name))
			return (int64_t)(1ull << i);
	return 0;
}

bool match_prepare(struct session *session, struct imap_key *root, struct str charset,
		   const struct mailbox *mailbox)
{
	const struct sequence *sequence = &imapd_of(session)->selected.sequence;

	switch (root->kind) {
	case IMAP_KEY_KEYWORD:
	case IMAP_KEY_NOT_KEYWORD:
		root->number = keyword_bit(mailbox, root->text);
		return true;
	case IMAP_KEY_SEQUENCE:
		imap_set_resolve(&root->set, sequence_size(sequence));
		return true;
	case IMAP_KEY_UID:
		imap_set_resolve(&root->set, sequence_last_uid(sequence));
		return true;
	default:
		break;
	}
	if (is_text_kind(root->kind))
		return text_prepare(session, root, charset);
	for (struct imap_key *child = root->child; child != NULL; child = child->next) {
		if (!match_prepare(session, child, charset, mailbox))
			return false;
		root->number |= is_costly(child);
	}
	return true;
}

/* ---- what a candidate has ---- */

static const struct message_summary *candidate_summary(struct candidate *candidate)
{
	if (!candidate->has_summary && !candidate->is_summary_lost) {
		candidate->has_summary =
			summary_get(candidate->session, candidate->view, candidate->mail, false,
				    &imapd_of(candidate->session)->job.text, &candidate->summary);
		candidate->is_summary_lost = !candidate->has_summary;
	}
	return candidate->has_summary ? &candidate->summary : NULL;
}

static const struct mail_content *candidate_content(struct candidate *candidate)
{
	if (!candidate->has_content && !candidate->is_content_lost) {
		enum fault fault = mail_content_open(candidate->view,
						     candidate->session->user.account,
						     candidate->mail->message, &candidate->content);
		candidate->has_content = fault == FAULT_NONE;
		candidate->is_content_lost = !candidate->has_content;
		if (fault != FAULT_NONE && fault != FAULT_NOT_FOUND)
			fault_log(candidate->session, "a message could not be read", fault);
	}
	return candidate->has_content ? &candidate->content : NULL;
}

void candidate_done(struct candidate *candidate)
{
	if (candidate->has_content)
		mail_content_close(&candidate->content);
	candidate->has_content = false;
	buf_done(&candidate->header_text);
	buf_done(&candidate->body_text);
}

/* ---- texts ---- */

static bool folded_has(struct str utf8, struct str needle)
{
	struct buf folded = BUF_INIT(8 * utf8.len + 64);

	message_text_fold(&folded, utf8);
	bool is_found = str_find(buf_str(&folded), needle) != STR_NONE;
	buf_done(&folded);
	return is_found;
}

/* True if a field of that name has the needle; an empty needle: if it is there. */
static bool header_has(struct str header, struct str name, struct str needle)
{
	struct message_field field;
	bool is_found = false;

	while (!is_found && message_field_next(&header, &field)) {
		if (!str_equals_nocase(field.name, name))
			continue;
		struct buf decoded = BUF_INIT(8 * field.value.len + 64);
		message_words_decode(&decoded, field.value);
		is_found = needle.len == 0 || folded_has(buf_str(&decoded), needle);
		buf_done(&decoded);
	}
	return is_found;
}

static bool message_header_has(struct candidate *candidate, struct str name, struct str needle)
{
	const struct mail_content *content = candidate_content(candidate);
	size_t limit = candidate->session->limits->header_bytes;

	if (content == NULL)
		return false;
	struct str header = str_sub(content->body, 0, limit);
	return header_has(content->prefix, name, needle) ||
	       header_has(str_sub(header, 0, message_header_length(header)), name, needle);
}

/* A field whose folded text stands in the summary; the header decides only where that was cut. */
static bool key_has(struct candidate *candidate, enum message_key key, struct str name,
		    struct str needle)
{
	const struct message_summary *summary = candidate_summary(candidate);

	if (summary == NULL)
		return false;
	if (needle.len > 0 && str_find(summary->keys[key], needle) != STR_NONE)
		return true;
	if (needle.len > 0 && !summary->is_key_cut[key])
		return false;
	return message_header_has(candidate, name, needle);
}

static bool header_key_has(struct candidate *candidate, struct str name, struct str needle)
{
	static const struct str names[MESSAGE_KEY_COUNT] = {
		[MESSAGE_KEY_SUBJECT] = STR_INIT("Subject"),
		[MESSAGE_KEY_FROM] = STR_INIT("From"),
		[MESSAGE_KEY_TO] = STR_INIT("To"),
		[MESSAGE_KEY_CC] = STR_INIT("Cc"),
	};

	for (int key = 0; key < MESSAGE_KEY_COUNT; key++)
		if (str_equals_nocase(name, names[key]))
			return key_has(candidate, (enum message_key)key, names[key], needle);
	return message_header_has(candidate, name, needle);
}

/* Appends a text part, decoded and folded; counts what it read in `*left`. */
static void part_append(struct buf *to, const struct mime_part *part, struct str message,
			size_t *left)
{
	const struct mime_content *content = &part->content;

	if (!mime_content_is(content, STR("text"), STR("")))
		return;
	struct str raw = str_sub(mime_part_body(part, message), 0, *left);
	struct buf bytes = BUF_INIT(raw.len + 4);
	struct buf utf8 = BUF_INIT(4 * raw.len + 64);
	*left -= raw.len;
	mime_decode(&bytes, mime_encoding_from_name(content->encoding), raw);
	message_text_convert(&utf8, mime_parameter_find(content->parameters, STR("charset")),
			     buf_str(&bytes));
	message_text_fold(to, buf_str(&utf8));
	buf_append_char(to, '\n');
	buf_done(&bytes);
	buf_done(&utf8);
}

/* Appends all fields of a header, decoded and folded. */
static void header_append(struct buf *to, struct str header)
{
	struct message_field field;

	while (message_field_next(&header, &field)) {
		struct buf decoded = BUF_INIT(8 * field.whole.len + 64);
		message_words_decode(&decoded, field.whole);
		message_text_fold(to, buf_str(&decoded));
		buf_append_char(to, '\n');
		buf_done(&decoded);
	}
}

/* The folded text of all text parts, and of the headers of messages inside; made once a message. */
static struct str candidate_body_text(struct candidate *candidate)
{
	const struct mail_content *content = candidate_content(candidate);
	struct mime_limits limits = summary_limits(candidate->session);
	size_t left = BODY_TEXT_MAX;
	struct mime_part *part = NULL;
	struct arena arena;

	if (candidate->has_body_text || content == NULL)
		return buf_str(&candidate->body_text);
	candidate->has_body_text = true;
	buf_init(&candidate->body_text, FOLDED_MAX);
	arena_init(&arena, TREE_BYTES_MAX);
	if (mime_parse(&arena, content->body, &limits, &part) != FAULT_NONE)
		part = NULL;
	for (; part != NULL && left > 0; part = mime_part_next(part)) {
		if (part->parent != NULL && part->parent->kind == MIME_MESSAGE)
			header_append(&candidate->body_text,
				      mime_part_header(part, content->body));
		part_append(&candidate->body_text, part, content->body, &left);
	}
	arena_rewind(&arena);
	return buf_str(&candidate->body_text);
}

/* The folded text of the message's own header; made once a message. */
static struct str candidate_header_text(struct candidate *candidate)
{
	const struct mail_content *content = candidate_content(candidate);

	if (candidate->has_header_text || content == NULL)
		return buf_str(&candidate->header_text);
	candidate->has_header_text = true;
	buf_init(&candidate->header_text, FOLDED_MAX);
	struct str header = str_sub(content->body, 0, candidate->session->limits->header_bytes);
	header_append(&candidate->header_text, content->prefix);
	header_append(&candidate->header_text,
		      str_sub(header, 0, message_header_length(header)));
	return buf_str(&candidate->header_text);
}

static bool text_has(struct str text, struct str needle)
{
	return str_find(text, needle) != STR_NONE;
}

static bool text_match(struct candidate *candidate, const struct imap_key *key)
{
	switch (key->kind) {
	case IMAP_KEY_SUBJECT:
		return header_key_has(candidate, STR("Subject"), key->text);
	case IMAP_KEY_FROM:
		return header_key_has(candidate, STR("From"), key->text);
	case IMAP_KEY_TO:
		return header_key_has(candidate, STR("To"), key->text);
	case IMAP_KEY_CC:
		return header_key_has(candidate, STR("Cc"), key->text);
	case IMAP_KEY_BCC:
		return header_key_has(candidate, STR("Bcc"), key->text);
	case IMAP_KEY_HEADER:
		return header_key_has(candidate, key->name, key->text);
	case IMAP_KEY_BODY:
		return text_has(candidate_body_text(candidate), key->text);
	default:
		return text_has(candidate_header_text(candidate), key->text) ||
		       text_has(candidate_body_text(candidate), key->text);
	}
}

/* ---- dates ---- */

/* Days are compared, in the zone of the server for the date of arrival, of the sender for Date. */
static int64_t local_day_s(int64_t real_s)
{
	time_t seconds = (time_t)real_s;
	struct tm local;

	CHECK(localtime_r(&seconds, &local) != NULL);
	int64_t shifted = real_s + local.tm_gmtoff;
	int64_t within = shifted % DAY_S;
	return shifted - within - (within < 0 ? DAY_S : 0);
}

static bool date_match(enum imap_key_kind kind, int64_t day_s, int64_t wanted_s)
{
	switch (kind) {
	case IMAP_KEY_BEFORE:
	case IMAP_KEY_SENT_BEFORE:
		return day_s < wanted_s;
	case IMAP_KEY_ON:
	case IMAP_KEY_SENT_ON:
		return day_s == wanted_s;
	default:
		return day_s >= wanted_s;
	}
}

static bool sent_match(struct candidate *candidate, const struct imap_key *key)
{
	const struct message_summary *summary = candidate_summary(candidate);

	return summary != NULL && summary->has_sent &&
	       date_match(key->kind, message_date_day_s(&summary->sent), key->number);
}

/* ---- rows ---- */

static bool row_match(const struct candidate *candidate, const struct imap_key *key)
{
	const struct selected *selected = &imapd_of(candidate->session)->selected;
	const struct mail *mail = candidate->mail;
	unsigned flags = mail->flags;

	if (selected_is_recent(selected, mail->uid))
		flags |= IMAP_FLAG_RECENT;
	switch (key->kind) {
	case IMAP_KEY_FLAG:
		return (flags & key->flags) == key->flags;
	case IMAP_KEY_NOT_FLAG:
		return (flags & key->flags) == 0;
	case IMAP_KEY_NEW:
		return (flags & (IMAP_FLAG_RECENT | IMAP_FLAG_SEEN)) == IMAP_FLAG_RECENT;
	case IMAP_KEY_KEYWORD:
		return (mail->keywords & (uint64_t)key->number) != 0;
	case IMAP_KEY_NOT_KEYWORD:
		return (mail->keywords & (uint64_t)key->number) == 0;
	case IMAP_KEY_SEQUENCE:
		return imap_set_has(&key->set, candidate->number);
	case IMAP_KEY_UID:
		return imap_set_has(&key->set, mail->uid);
	case IMAP_KEY_LARGER:
		return mail->size > (uint64_t)key->number;
	case IMAP_KEY_SMALLER:
		return mail->size < (uint64_t)key->number;
	case IMAP_KEY_MODSEQ:
		return mail->modseq >= (uint64_t)key->number;
	case IMAP_KEY_BEFORE:
	case IMAP_KEY_ON:
	case IMAP_KEY_SINCE:
		return date_match(key->kind, local_day_s(mail->received_s), key->number);
	default:
		return true; /* ALL */
	}
}

/* ---- trees ---- */

/* All children hold; those that the row answers are asked first. */
static bool all_match(struct candidate *candidate, const struct imap_key *key)
{
	for (int costly = 0; costly < 2; costly++)
		for (const struct imap_key *child = key->child; child != NULL; child = child->next)
			if (is_costly(child) == (costly == 1) && !match_check(candidate, child))
				return false;
	return true;
}

static bool any_match(struct candidate *candidate, const struct imap_key *key)
{
	for (int costly = 0; costly < 2; costly++)
		for (const struct imap_key *child = key->child; child != NULL; child = child->next)
			if (is_costly(child) == (costly == 1) && match_check(candidate, child))
				return true;
	return false;
}

bool match_check(struct candidate *candidate, const struct imap_key *key)
{
	switch (key->kind) {
	case IMAP_KEY_AND:
		return all_match(candidate, key);
	case IMAP_KEY_OR:
		return any_match(candidate, key);
	case IMAP_KEY_NOT:
		return !match_check(candidate, key->child);
	case IMAP_KEY_SENT_BEFORE:
	case IMAP_KEY_SENT_ON:
	case IMAP_KEY_SENT_SINCE:
		return sent_match(candidate, key);
	default:
		return is_text_kind(key->kind) ? text_match(candidate, key)
					       : row_match(candidate, key);
	}
}
