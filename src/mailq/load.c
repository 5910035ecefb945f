/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/load.h"

#include "base/check.h"

enum { ARENA_MAX = 8 << 20 };

static struct str keep(struct load *load, struct str text)
{
	struct str kept = arena_dup(&load->arena, text);

	CHECK(kept.ptr != NULL);
	return kept;
}

static void envelope_keep(struct load *load)
{
	struct queue_envelope *envelope = &load->entry.envelope;

	envelope->queue_id = keep(load, envelope->queue_id);
	envelope->sender = keep(load, envelope->sender);
	envelope->envid = keep(load, envelope->envid);
	envelope->user = keep(load, envelope->user);
	envelope->message_id = keep(load, envelope->message_id);
}

static void recipient_keep(struct load *load, const struct queue_recipient *recipient)
{
	struct queue_recipient *kept = &load->recipients[load->recipient_count++];

	*kept = *recipient;
	kept->address = keep(load, recipient->address);
	kept->original = keep(load, recipient->original);
	kept->status = keep(load, recipient->status);
	kept->host = keep(load, recipient->host);
}

static void recipients_load(struct load *load, struct view *view, const struct outbox_job *job)
{
	struct queue_recipient recipient;

	load->recipients = arena_alloc(&load->arena,
				       job->recipient_count * sizeof(*load->recipients));
	CHECK(load->recipients != NULL);
	for (uint32_t i = 0; i < job->recipient_count; i++)
		if (queue_recipient_next(view, job->entry, job->recipients[i], &recipient) &&
		    recipient.number == job->recipients[i] && !recipient.is_held)
			recipient_keep(load, &recipient);
}

static enum fault view_load(struct load *load, struct view *view, const struct outbox_job *job)
{
	enum fault fault = queue_get(view, job->entry, &load->entry);

	if (fault != FAULT_NONE)
		return fault;
	envelope_keep(load);
	recipients_load(load, view, job);
	if (load->recipient_count == 0)
		return FAULT_NOT_FOUND;
	return mail_content_open(view, ACCOUNT_QUEUE, job->entry, &load->content);
}

enum fault load_job(struct store *store, const struct outbox_job *job, struct load *load_out)
{
	struct view *view CLEANUP_VIEW = NULL;

	*load_out = (struct load){0};
	arena_init(&load_out->arena, ARENA_MAX);
	enum fault fault = view_open(store, &view);
	if (fault == FAULT_NONE)
		fault = view_load(load_out, view, job);
	if (fault != FAULT_NONE)
		arena_rewind(&load_out->arena);
	return fault;
}

void load_done(struct load *load)
{
	mail_content_close(&load->content);
	arena_rewind(&load->arena);
}
