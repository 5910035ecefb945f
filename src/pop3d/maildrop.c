/* SPDX-License-Identifier: Apache-2.0 */
#include "pop3d/maildrop.h"

#include <stdlib.h>

#include "proto/pop3.h"
#include "store/mailbox.h"

static void message_add(struct maildrop *maildrop, size_t *capacity, const struct mail *mail)
{
	if (maildrop->count == *capacity) {
		*capacity = *capacity == 0 ? 64 : *capacity * 2;
		maildrop->messages =
			reallocarray(maildrop->messages, *capacity, sizeof(*maildrop->messages));
		CHECK(maildrop->messages != NULL);
	}
	maildrop->messages[maildrop->count++] = (struct maildrop_message){
		.message = mail->message, .size_bytes = mail->size, .uid = mail->uid};
	maildrop->left_count++;
	maildrop->left_bytes += mail->size;
}

static void messages_read(struct view *view, struct maildrop *maildrop)
{
	struct mail_rows rows;
	struct mail mail;
	size_t capacity = 0;

	mail_rows_open(view, maildrop->account, maildrop->mailbox, 1, &rows);
	while (maildrop->count < POP3_NUMBER_MAX && mail_rows_next(&rows, &mail))
		message_add(maildrop, &capacity, &mail);
	mail_rows_close(&rows);
}

enum fault maildrop_open(struct store *store, uint64_t account, struct maildrop *maildrop_out)
{
	struct view *view CLEANUP_VIEW = NULL;
	struct mailbox inbox;

	enum fault fault = view_open(store, &view);
	if (fault == FAULT_NONE)
		fault = mailbox_find(view, account, STR("INBOX"), &inbox);
	if (fault != FAULT_NONE)
		return fault;
	struct maildrop found = {
		.account = account, .mailbox = inbox.id, .uidvalidity = inbox.uidvalidity};
	messages_read(view, &found);
	*maildrop_out = found;
	return FAULT_NONE;
}

void maildrop_close(struct maildrop *maildrop)
{
	free(maildrop->messages);
	*maildrop = (struct maildrop){0};
}

struct maildrop_message *maildrop_get(const struct maildrop *maildrop, uint32_t number)
{
	if (number == 0 || number > maildrop->count || maildrop->messages[number - 1].is_deleted)
		return NULL;
	return &maildrop->messages[number - 1];
}

void maildrop_delete(struct maildrop *maildrop, struct maildrop_message *message)
{
	CHECK(!message->is_deleted);
	message->is_deleted = true;
	maildrop->left_count--;
	maildrop->left_bytes -= message->size_bytes;
}

void maildrop_reset(struct maildrop *maildrop)
{
	maildrop->left_bytes = 0;
	for (size_t i = 0; i < maildrop->count; i++) {
		maildrop->messages[i].is_deleted = false;
		maildrop->left_bytes += maildrop->messages[i].size_bytes;
	}
	maildrop->left_count = maildrop->count;
}

enum fault maildrop_commit(struct store *store, const struct maildrop *maildrop)
{
	struct uid_set doomed CLEANUP_UID_SET = {0};
	struct uid_set expunged CLEANUP_UID_SET = {0};

	if (maildrop->left_count == maildrop->count)
		return FAULT_NONE;
	for (size_t i = 0; i < maildrop->count; i++)
		if (maildrop->messages[i].is_deleted)
			uid_set_add(&doomed, maildrop->messages[i].uid, maildrop->messages[i].uid);
	return mail_expunge(store, maildrop->account, maildrop->mailbox, &doomed, false, &expunged);
}
