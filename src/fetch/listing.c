/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/listing.h"

#include <stdlib.h>

#include "proto/pop3_reply.h"

enum { TEXTS_MAX = FETCH_LISTED_MAX * (POP3_UIDL_MAX + 64), CAPACITY_FIRST = 64 };

void fetch_listing_init(struct fetch_listing *listing)
{
	*listing = (struct fetch_listing){0};
	arena_init(&listing->texts, TEXTS_MAX);
}

void fetch_listing_done(struct fetch_listing *listing)
{
	arena_rewind(&listing->texts);
	free(listing->messages);
	free(listing->by_uidl);
	fetch_listing_init(listing);
}

static enum fetch_listing_state broken(struct fetch_listing *listing, const char *why)
{
	listing->why = why;
	return FETCH_LISTING_BROKEN;
}

/* ---- UIDL ---- */

static enum fetch_listing_state uidl_line(struct fetch_listing *listing, struct str line)
{
	struct fetch_message message = {0};
	struct str uidl;

	if (!pop3_uidl_line_parse(line, &message.number, &uidl))
		return broken(listing, "answered UIDL with a line that names no message");
	if (listing->count == FETCH_LISTED_MAX)
		return broken(listing, "lists more than a million messages");
	if (listing->count == listing->capacity) {
		listing->capacity = listing->capacity * 2 + CAPACITY_FIRST;
		listing->messages = reallocarray(listing->messages, listing->capacity,
						 sizeof(*listing->messages));
		CHECK(listing->messages != NULL);
	}
	message.uidl = arena_dup(&listing->texts, uidl);
	CHECK(message.uidl.ptr != NULL);
	listing->messages[listing->count++] = message;
	return FETCH_LISTING_MORE;
}

static int by_number(const void *a, const void *b)
{
	const struct fetch_message *one = a, *other = b;

	return one->number < other->number ? -1 : one->number > other->number;
}

static int by_uidl(const void *a, const void *b)
{
	const struct fetch_message *const *one = a, *const *other = b;
	int order = str_compare((*one)->uidl, (*other)->uidl);

	return order != 0 ? order : by_number(*one, *other);
}

static enum fetch_listing_state uidl_end(struct fetch_listing *listing)
{
	size_t count = listing->count;

	listing->by_uidl = calloc(count + 1, sizeof(struct fetch_message *));
	CHECK(listing->by_uidl != NULL);
	if (count == 0)
		return FETCH_LISTING_DONE;
	qsort(listing->messages, count, sizeof(*listing->messages), by_number);
	for (size_t i = 0; i < count; i++)
		listing->by_uidl[i] = &listing->messages[i];
	qsort(listing->by_uidl, count, sizeof(struct fetch_message *), by_uidl);
	for (size_t i = 1; i < count; i++) {
		if (listing->messages[i].number == listing->messages[i - 1].number)
			return broken(listing, "lists a message twice");
		if (str_equals(listing->by_uidl[i]->uidl, listing->by_uidl[i - 1]->uidl))
			listing->by_uidl[i]->is_copy = true;
	}
	return FETCH_LISTING_DONE;
}

/* ---- LIST ---- */

static struct fetch_message *number_find(struct fetch_listing *listing, uint32_t number)
{
	struct fetch_message wanted = {.number = number};

	/* Nearly always the next one. */
	if (listing->hint < listing->count && listing->messages[listing->hint].number == number)
		return &listing->messages[listing->hint++];
	return listing->count == 0 ? NULL
				   : bsearch(&wanted, listing->messages, listing->count,
					     sizeof(*listing->messages), by_number);
}

static enum fetch_listing_state size_line(struct fetch_listing *listing, struct str line)
{
	struct fetch_message *message;
	uint32_t number;
	uint64_t bytes;

	if (!pop3_list_line_parse(line, &number, &bytes))
		return broken(listing, "answered LIST with a line that names no message");
	message = number_find(listing, number);
	if (message == NULL || message->has_bytes)
		return broken(listing, "names other messages in LIST than in UIDL");
	message->bytes = bytes;
	message->has_bytes = true;
	listing->sized++;
	return FETCH_LISTING_MORE;
}

static enum fetch_listing_state sizes_end(struct fetch_listing *listing)
{
	return listing->sized == listing->count
		       ? FETCH_LISTING_DONE
		       : broken(listing, "names other messages in LIST than in UIDL");
}

/* ---- both ---- */

static enum fetch_listing_state
lines_take(struct fetch_listing *listing, struct str *input,
	   enum fetch_listing_state (*take)(struct fetch_listing *listing, struct str line),
	   enum fetch_listing_state (*end)(struct fetch_listing *listing))
{
	enum fetch_listing_state state = FETCH_LISTING_MORE;
	struct str line;

	while (state == FETCH_LISTING_MORE) {
		enum pop3_reply_state cut = pop3_line_cut(input, &line);
		if (cut == POP3_REPLY_MORE)
			return FETCH_LISTING_MORE;
		if (cut == POP3_REPLY_BROKEN)
			return broken(listing, "sent a line without an end in a list");
		if (str_equals(line, STR(".")))
			return end(listing);
		state = take(listing, line);
	}
	return state;
}

enum fetch_listing_state fetch_listing_uidl(struct fetch_listing *listing, struct str *input)
{
	return lines_take(listing, input, uidl_line, uidl_end);
}

enum fetch_listing_state fetch_listing_sizes(struct fetch_listing *listing, struct str *input)
{
	return lines_take(listing, input, size_line, sizes_end);
}

static int uidl_compare(const void *key, const void *member)
{
	const struct str *uidl = key;
	const struct fetch_message *const *message = member;

	return str_compare(*uidl, (*message)->uidl);
}

const struct fetch_message *fetch_listing_find(const struct fetch_listing *listing,
					       struct str uidl)
{
	struct fetch_message **found =
		listing->count == 0 ? NULL
				    : bsearch(&uidl, listing->by_uidl, listing->count,
					      sizeof(struct fetch_message *), uidl_compare);

	return found == NULL ? NULL : *found;
}
