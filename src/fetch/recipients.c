/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/recipients.h"

#include <stdlib.h>

#include "proto/address.h"
#include "proto/message.h"
#include "proto/message_address.h"
#include "store/directory.h"

enum { ADDRESSES_MAX = 1000, PARSE_MAX = 1 << 20 };

static void account_add(struct fetch_recipients *recipients, uint64_t account)
{
	for (size_t i = 0; i < recipients->count; i++)
		if (recipients->accounts[i] == account)
			return;
	if (recipients->count < MAIL_TARGETS_MAX)
		recipients->accounts[recipients->count++] = account;
}

/* Adds the accounts behind an address. */
static enum fault address_add(struct view *view, const struct address *address,
			      struct fetch_recipients *recipients)
{
	struct route *route = calloc(1, sizeof(*route));
	struct buf key = BUF_INIT(ADDRESS_MAX);

	CHECK(route != NULL);
	address_append_key(&key, address);
	enum fault fault = directory_route(view, buf_str(&key), route);
	for (size_t i = 0; i < route->count && fault == FAULT_NONE; i++)
		account_add(recipients, route->accounts[i]);
	buf_done(&key);
	free(route);
	return fault;
}

/* ---- by the header ---- */

static void found_add(struct view *view, const struct message_address *found,
		      struct fetch_recipients *recipients)
{
	struct buf text = BUF_INIT(ADDRESS_MAX);
	struct address address;

	if (found->kind == MESSAGE_ADDRESS_MAILBOX && found->local.ptr != NULL &&
	    found->domain.ptr != NULL) {
		buf_printf(&text, "%.*s@%.*s", STR_ARG(found->local), STR_ARG(found->domain));
		/* Who is not here gets no copy from here. */
		if (!text.failed && address_parse(buf_str(&text), &address))
			(void)!address_add(view, &address, recipients);
	}
	buf_done(&text);
}

static void field_add(struct view *view, struct str header, struct str name,
		      struct fetch_recipients *recipients)
{
	struct message_field field;
	struct arena arena;

	arena_init(&arena, PARSE_MAX);
	while (message_field_next(&header, &field)) {
		if (!str_equals_nocase(field.name, name))
			continue;
		for (const struct message_address *at =
			     message_addresses_parse(&arena, field.value, ADDRESSES_MAX);
		     at != NULL; at = at->next)
			found_add(view, at, recipients);
	}
	arena_rewind(&arena);
}

static bool is_addressing(struct str name)
{
	return str_equals_nocase(name, STR("To")) || str_equals_nocase(name, STR("Cc"));
}

static void sorted_find(struct view *view, const struct pop3_account *account, struct str header,
			struct fetch_recipients *recipients)
{
	for (size_t i = 0; i < account->sort_count; i++) {
		/* The second of To and Cc adds to the first. */
		if (recipients->count > 0 && !(is_addressing(account->sort[i]) && i > 0 &&
					       is_addressing(account->sort[i - 1])))
			break;
		field_add(view, header, account->sort[i], recipients);
	}
	recipients->is_sorted = recipients->count > 0;
}

enum fault fetch_recipients_find(struct view *view, const struct pop3_account *account,
				 struct str header, struct fetch_recipients *recipients_out)
{
	struct address address;

	*recipients_out = (struct fetch_recipients){0};
	sorted_find(view, account, header, recipients_out);
	if (recipients_out->count > 0)
		return FAULT_NONE;
	if (!address_parse(account->deliver_to, &address))
		return FAULT_NOT_FOUND;
	enum fault fault = address_add(view, &address, recipients_out);
	return fault == FAULT_DENIED ? FAULT_NOT_FOUND : fault;
}
