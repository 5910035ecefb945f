/* SPDX-License-Identifier: Apache-2.0 */
#include "store/directory.h"

#include "base/clock.h"
#include "store/store_internal.h"
#include "store/wire.h"

/* What is longer is in no key. */
enum { TEXT_MAX = KEY_BYTES_MAX - KIND_PREFIX_BYTES - 1, TARGETS_BYTES_MAX = 48 * 1024 };

static void directory_key(struct key *key, char kind, struct str text)
{
	key_begin(key, ACCOUNT_DIRECTORY, kind);
	key_add_text(key, str_sub(text, 0, TEXT_MAX));
}

static enum fault address_find(struct view *view, struct str address,
			       struct address_record *record_out)
{
	struct key key;
	struct str value;

	directory_key(&key, 'A', address);
	if (address.len > TEXT_MAX || !map_get(view_map(view), key_str(&key), &value))
		return view_map(view)->fault != FAULT_NONE ? view_map(view)->fault
							   : FAULT_NOT_FOUND;
	return address_record_take(value, record_out);
}

/* The user of an address record, with what the account knows. */
static enum fault user_fill(struct view *view, struct str address,
			    const struct address_record *record, struct user *user_out)
{
	struct account_record account;
	struct key key;
	struct str value;

	key_account_record(&key, record->account);
	if (!map_get(view_map(view), key_str(&key), &value))
		return FAULT_CORRUPT;
	enum fault fault = account_record_take(value, &account);
	if (fault != FAULT_NONE)
		return fault;
	*user_out = (struct user){.account = record->account,
				  .address = address,
				  .quota_bytes = record->quota_bytes,
				  .used_bytes = account.used_bytes,
				  .is_admin = (record->rights & USER_RIGHT_ADMIN) != 0,
				  .is_auditor = (record->rights & USER_RIGHT_AUDITOR) != 0,
				  .created_s = record->created_s};
	return FAULT_NONE;
}

enum fault directory_user_get(struct view *view, uint64_t account, struct user *user_out)
{
	struct address_record record;
	struct key key;
	struct str address;

	key_begin(&key, ACCOUNT_DIRECTORY, 'P');
	key_add_u64(&key, account);
	if (!map_get(view_map(view), key_str(&key), &address))
		return FAULT_NOT_FOUND;
	enum fault fault = address_find(view, address, &record);
	return fault == FAULT_NONE ? user_fill(view, address, &record, user_out) : fault;
}

enum fault directory_user_find(struct view *view, struct str address, struct user *user_out)
{
	struct address_record record;
	enum fault fault = address_find(view, address, &record);

	if (fault == FAULT_NONE && record.kind != ADDRESS_USER)
		fault = FAULT_NOT_FOUND;
	/* By its number, so that `address` borrows the view and not the caller's text. */
	return fault == FAULT_NONE ? directory_user_get(view, record.account, user_out) : fault;
}

/* The entry of a kind whose text comes next behind `after`. */
static bool entry_next(struct view *view, char kind, struct str after, struct str *text_out,
		       struct str *value_out)
{
	struct key from;
	struct str key;

	directory_key(&from, kind, after);
	if (!str_is_empty(after))
		key_add_text(&from, str_make("", 1));
	if (!map_seek(view_map(view), key_str(&from), &key, value_out) ||
	    !key_is_beside(key, &from, KIND_PREFIX_BYTES))
		return false;
	*text_out = key_rest(key);
	return true;
}

/* The address of a kind that comes next behind `after`. */
static bool address_next(struct view *view, enum address_kind kind, struct str after,
			 struct str *address_out, struct address_record *record_out)
{
	struct str value;

	while (entry_next(view, 'A', after, address_out, &value)) {
		if (address_record_take(value, record_out) == FAULT_NONE &&
		    record_out->kind == kind)
			return true;
		after = *address_out;
	}
	return false;
}

bool directory_user_next(struct view *view, struct str after, struct user *user_out)
{
	struct address_record record;
	struct str address;

	while (address_next(view, ADDRESS_USER, after, &address, &record)) {
		if (user_fill(view, address, &record, user_out) == FAULT_NONE)
			return true;
		after = address;
	}
	return false;
}

bool directory_domain_is_local(struct view *view, struct str domain)
{
	struct key key;
	struct str value;

	directory_key(&key, 'D', domain);
	return domain.len > 0 && domain.len <= TEXT_MAX &&
	       map_get(view_map(view), key_str(&key), &value);
}

bool directory_domain_next(struct view *view, struct str after, struct str *domain_out)
{
	struct str value;

	return entry_next(view, 'D', after, domain_out, &value);
}

enum fault directory_alias_find(struct view *view, struct str address, struct alias *alias_out)
{
	struct address_record record;
	enum fault fault = address_find(view, address, &record);

	if (fault == FAULT_NONE && record.kind != ADDRESS_ALIAS)
		fault = FAULT_NOT_FOUND;
	if (fault == FAULT_NONE)
		*alias_out = (struct alias){.address = address, .targets = record.targets};
	return fault;
}

bool directory_alias_next(struct view *view, struct str after, struct alias *alias_out)
{
	struct address_record record;

	if (!address_next(view, ADDRESS_ALIAS, after, &alias_out->address, &record))
		return false;
	alias_out->targets = record.targets;
	return true;
}

bool directory_target_next(struct str *targets, struct str *target_out)
{
	struct cursor from = cursor_make(*targets);
	struct str target = wire_take_text(&from);

	if (from.failed)
		return false;
	*target_out = target;
	*targets = cursor_rest(&from);
	return true;
}

/* ---- routing ---- */

/* Addresses met on the way, each once; those behind `next` are still to be looked up. */
enum { MET_MAX = 2 * ROUTE_MAX };

struct routing {
	struct view *view;
	size_t count;
	size_t next;
	struct {
		struct str address;
		unsigned depth;
	} met[MET_MAX];
};

static enum fault address_meet(struct routing *routing, struct str address, unsigned depth)
{
	for (size_t i = 0; i < routing->count; i++)
		if (str_equals(routing->met[i].address, address))
			return FAULT_NONE;
	if (routing->count == MET_MAX || depth > ROUTE_DEPTH_MAX)
		return FAULT_TOO_LARGE;
	routing->met[routing->count].address = address;
	routing->met[routing->count++].depth = depth;
	return FAULT_NONE;
}

/* Keeps the accounts ascending, each once. */
static enum fault route_add(struct route *route, uint64_t account)
{
	size_t at = route->count;

	while (at > 0 && route->accounts[at - 1] > account)
		at--;
	if (at > 0 && route->accounts[at - 1] == account)
		return FAULT_NONE;
	if (route->count == ROUTE_MAX)
		return FAULT_TOO_LARGE;
	memmove(&route->accounts[at + 1], &route->accounts[at],
		(route->count - at) * sizeof(route->accounts[0]));
	route->accounts[at] = account;
	route->count++;
	return FAULT_NONE;
}

static enum fault met_follow(struct routing *routing, struct route *route)
{
	struct address_record record;
	struct str target;
	unsigned depth = routing->met[routing->next].depth;

	enum fault fault =
		address_find(routing->view, routing->met[routing->next++].address, &record);
	if (fault != FAULT_NONE)
		return fault;
	if (record.kind == ADDRESS_USER)
		return route_add(route, record.account);
	while (fault == FAULT_NONE && directory_target_next(&record.targets, &target))
		fault = address_meet(routing, target, depth + 1);
	return fault;
}

enum fault directory_route(struct view *view, struct str address, struct route *route_out)
{
	struct routing routing;
	struct route route;
	size_t at = str_find_last_char(address, '@');

	if (at == STR_NONE || !directory_domain_is_local(view, str_from(address, at + 1)))
		return FAULT_DENIED;
	routing.view = view;
	routing.count = routing.next = 0;
	route.count = 0;
	enum fault fault = address_meet(&routing, address, 0);
	while (fault == FAULT_NONE && routing.next < routing.count)
		fault = met_follow(&routing, &route);
	/* Aliases that name only each other lead nowhere. */
	if (fault == FAULT_NONE && route.count == 0)
		fault = FAULT_NOT_FOUND;
	if (fault == FAULT_NONE) {
		route_out->count = route.count;
		memcpy(route_out->accounts, route.accounts,
		       route.count * sizeof(route.accounts[0]));
	}
	return fault;
}

/* ---- changing ---- */

enum fault directory_domain_add(struct store *store, struct str domain)
{
	struct operation operation = {
		.kind = OP_domain_add,
		.domain_add = {.domain = domain, .now_s = (uint64_t)clock_real_s()}};

	return request_do(store, &operation);
}

enum fault directory_domain_remove(struct store *store, struct str domain)
{
	struct operation operation = {.kind = OP_domain_remove,
				      .domain_remove = {.domain = domain}};

	return request_do(store, &operation);
}

static uint32_t rights_of(const struct user *user)
{
	return (user->is_admin ? USER_RIGHT_ADMIN : 0u) |
	       (user->is_auditor ? USER_RIGHT_AUDITOR : 0u);
}

enum fault directory_user_add(struct store *store, const struct user *user, uint64_t *account_out)
{
	struct operation operation = {.kind = OP_user_add,
				      .user_add = {.address = user->address,
						   .quota_bytes = user->quota_bytes,
						   .rights = rights_of(user),
						   .now_s = (uint64_t)clock_real_s()}};
	struct packet answer;
	struct str result;

	enum fault fault = request_send(store, &operation, -1, &answer, &result);
	if (fault != FAULT_NONE)
		return fault;
	struct cursor from = cursor_make(result);
	uint64_t account = cursor_u64(&from);
	fault = cursor_is_done(&from) ? FAULT_NONE : FAULT_IO;
	packet_done(&answer);
	if (fault == FAULT_NONE)
		*account_out = account;
	return fault;
}

enum fault directory_user_change(struct store *store, const struct user *user)
{
	struct operation operation = {.kind = OP_user_change,
				      .user_change = {.address = user->address,
						      .quota_bytes = user->quota_bytes,
						      .rights = rights_of(user)}};

	return request_do(store, &operation);
}

enum fault directory_user_remove(struct store *store, struct str address)
{
	struct operation operation = {.kind = OP_user_remove, .user_remove = {.address = address}};

	return request_do(store, &operation);
}

/* Asks with a list of targets. */
static enum fault alias_ask(struct store *store, enum operation_kind kind, struct str address,
			    const struct str *targets, size_t count)
{
	struct buf list = BUF_INIT(TARGETS_BYTES_MAX);
	struct operation operation = {.kind = kind};

	wire_put_texts(&list, targets, count);
	if (kind == OP_alias_add)
		operation.alias_add = (struct op_alias_add){address, buf_str(&list)};
	else
		operation.alias_remove = (struct op_alias_remove){address, buf_str(&list)};
	enum fault fault = list.failed ? FAULT_TOO_LARGE : request_do(store, &operation);
	buf_done(&list);
	return fault;
}

enum fault directory_alias_add(struct store *store, struct str address, const struct str *targets,
			       size_t count)
{
	return alias_ask(store, OP_alias_add, address, targets, count);
}

enum fault directory_alias_remove(struct store *store, struct str address,
				  const struct str *targets, size_t count)
{
	return alias_ask(store, OP_alias_remove, address, targets, count);
}
