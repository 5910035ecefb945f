/* SPDX-License-Identifier: Apache-2.0 */
/* dkim add, rotate, activate, remove: the keys that mail is signed with. */
#include <stdlib.h>

#include "base/clock.h"
#include "ctl/dkim_change.h"
#include "ctl/dkim_shown.h"
#include "store/directory.h"

enum { SELECTOR_TRIES = 100 };

/* ---- selectors ---- */

/* "20261122": what keys made today are called. */
static void day_append(struct buf *to)
{
	struct buf date = BUF_INIT(64);

	clock_append_iso_date(&date, clock_real_s());
	for (size_t i = 0; i < date.len && to->len < 8; i++)
		if (ascii_is_digit(date.data[i]))
			buf_append_char(to, date.data[i]);
	buf_done(&date);
}

/* The selector as it was given, or one of our own that is free. */
static int selector_choose(const struct dkim_change *change, enum dkim_algorithm algorithm,
			   bool is_one_of_two, struct buf *selector)
{
	const char *given = ctl_value(change->ctl, OPTION_SELECTOR);
	struct buf base = BUF_INIT(256);

	if (given != NULL)
		buf_append_c(&base, given);
	else
		day_append(&base);
	if (given == NULL || is_one_of_two)
		buf_printf(&base, "-%s", dkim_algorithm_name(algorithm));
	buf_append_str(selector, buf_str(&base));
	for (int i = 2; i < SELECTOR_TRIES && given == NULL &&
			dkim_keys_find(&change->keys, buf_str(&change->domain),
				       buf_str(selector)) != NULL;
	     i++) {
		buf_reset(selector);
		buf_printf(selector, "%.*s-%d", STR_ARG(buf_str(&base)), i);
	}
	buf_done(&base);
	if (!dkim_selector_check(buf_str(selector)))
		return ctl_fail_field(FAULT_INVALID, "selector",
				      "%.*s is no selector: it is made of letters, digits and inner "
				      "hyphens, 63 at most",
				      STR_ARG(buf_str(selector)));
	if (dkim_keys_find(&change->keys, buf_str(&change->domain), buf_str(selector)) != NULL)
		return ctl_fail_field(FAULT_EXISTS, "selector",
				      "%.*s has a key with the selector %.*s already",
				      STR_ARG(buf_str(&change->domain)), STR_ARG(buf_str(selector)));
	return CTL_DONE;
}

/* ---- making keys ---- */

static struct dkim_key *key_in_state(const struct dkim_change *change,
				     enum dkim_algorithm algorithm, enum dkim_state state)
{
	for (size_t i = 0; i < change->keys.count; i++)
		if (change->keys.items[i].algorithm == algorithm &&
		    change->keys.items[i].state == state)
			return &change->keys.items[i];
	return NULL;
}

static int key_make(struct dkim_change *change, enum dkim_algorithm algorithm, bool is_one_of_two)
{
	struct buf selector = BUF_INIT(256);
	int code = selector_choose(change, algorithm, is_one_of_two, &selector);

	if (code == CTL_DONE)
		code = dkim_change_add(change, algorithm, buf_str(&selector));
	if (code == CTL_DONE && ctl_has(change->ctl, OPTION_BIT(NOW)))
		dkim_change_activate(change, &change->keys.items[change->keys.count - 1]);
	buf_done(&selector);
	return code;
}

/* Makes a key of each algorithm of the set, puts it in force and shows what to publish. */
static int keys_make(struct dkim_change *change, const bool wanted[DKIM_ALGORITHM_COUNT])
{
	bool is_one_of_two = wanted[DKIM_RSA] && wanted[DKIM_ED25519];
	size_t first = change->keys.count;
	int code = CTL_DONE;

	for (int i = 0; i < DKIM_ALGORITHM_COUNT && code == CTL_DONE; i++)
		if (wanted[i])
			code = key_make(change, (enum dkim_algorithm)i, is_one_of_two);
	if (code == CTL_DONE)
		code = dkim_change_commit(change);
	if (code == CTL_DONE)
		dkim_shown_publish(&change->keys, first);
	return code;
}

static int algorithms_read(const struct ctl *ctl, bool wanted[DKIM_ALGORITHM_COUNT])
{
	struct str name = str_from_c(ctl_value(ctl, OPTION_ALGORITHM));
	enum dkim_algorithm one;

	if (name.len == 0 || str_equals(name, STR("both"))) {
		wanted[DKIM_RSA] = wanted[DKIM_ED25519] = true;
		return CTL_DONE;
	}
	if (!dkim_algorithm_parse(name, &one))
		return ctl_fail_field(FAULT_INVALID, "algorithm",
				      "%.*s: the algorithm is rsa, ed25519 or both", STR_ARG(name));
	wanted[one] = true;
	return CTL_DONE;
}

static int domain_check_local(struct dkim_change *change)
{
	struct view *view CLEANUP_VIEW = NULL;
	enum fault fault = view_open(change->link.store, &view);

	if (fault != FAULT_NONE)
		return ctl_fail(ctl_fault_code(fault), "%s", fault_text(fault));
	if (directory_domain_is_local(view, buf_str(&change->domain)))
		return CTL_DONE;
	return ctl_fail_field(FAULT_NOT_FOUND, "domain",
			      "%.*s is not one of our domains; `postern domain list` shows them",
			      STR_ARG(buf_str(&change->domain)));
}

/* There is to be one key of an algorithm at work, and one that follows it. */
static int none_check(const struct dkim_change *change, const bool wanted[DKIM_ALGORITHM_COUNT],
		      bool is_rotation)
{
	for (int i = 0; i < DKIM_ALGORITHM_COUNT; i++) {
		enum dkim_algorithm algorithm = (enum dkim_algorithm)i;
		const struct dkim_key *key = key_in_state(change, algorithm, DKIM_WAITING);
		if (key == NULL && !is_rotation)
			key = key_in_state(change, algorithm, DKIM_SIGNING);
		if (wanted[i] && key != NULL)
			return ctl_fail_field(
				FAULT_EXISTS, "domain", "%s has the %s key %s, which is %s; %s",
				key->domain, dkim_algorithm_name(algorithm), key->selector,
				dkim_state_name(key->state),
				key->state == DKIM_WAITING
					? "publish its record, or activate or remove it"
					: "`postern dkim rotate` makes the next");
	}
	return CTL_DONE;
}

int cmd_dkim_add(struct ctl *ctl)
{
	bool wanted[DKIM_ALGORITHM_COUNT] = {false};
	struct dkim_change change;
	int code = algorithms_read(ctl, wanted);

	if (code != CTL_DONE)
		return code;
	code = dkim_change_begin(&change, ctl, LINK_STORE);
	if (code == CTL_DONE)
		code = domain_check_local(&change);
	if (code == CTL_DONE)
		code = none_check(&change, wanted, false);
	if (code == CTL_DONE)
		code = keys_make(&change, wanted);
	dkim_change_end(&change);
	return code;
}

int cmd_dkim_rotate(struct ctl *ctl)
{
	bool wanted[DKIM_ALGORITHM_COUNT] = {false};
	struct dkim_change change;
	int code = dkim_change_begin(&change, ctl, 0);
	bool any = false;

	for (int i = 0; i < DKIM_ALGORITHM_COUNT && code == CTL_DONE; i++) {
		wanted[i] = key_in_state(&change, (enum dkim_algorithm)i, DKIM_SIGNING) != NULL;
		any |= wanted[i];
	}
	if (code == CTL_DONE && !any)
		code = ctl_fail_field(
			FAULT_NOT_FOUND, "domain",
			"%.*s has no key that signs; `postern dkim add` makes the first",
			STR_ARG(buf_str(&change.domain)));
	if (code == CTL_DONE)
		code = none_check(&change, wanted, true);
	if (code == CTL_DONE)
		code = keys_make(&change, wanted);
	dkim_change_end(&change);
	return code;
}

/* ---- activate and remove ---- */

/* True when the second word names the key, or names none. */
static bool is_named(const struct dkim_change *change, const struct dkim_key *key)
{
	return change->ctl->arguments->word_count < 2 ||
	       str_equals(ctl_word(change->ctl, 1), str_from_c(key->selector));
}

static int nothing_fail(const struct dkim_change *change, const char *what)
{
	return ctl_fail_field(FAULT_NOT_FOUND,
			      change->ctl->arguments->word_count < 2 ? "domain" : "selector",
			      "%.*s has no such key %s; `postern dkim show` lists them",
			      STR_ARG(buf_str(&change->domain)), what);
}

int cmd_dkim_activate(struct ctl *ctl)
{
	struct dkim_change change;
	int code = dkim_change_begin(&change, ctl, 0);

	for (size_t i = 0; i < change.keys.count && code == CTL_DONE; i++) {
		struct dkim_key *key = &change.keys.items[i];
		if (key->state == DKIM_WAITING && is_named(&change, key))
			dkim_change_activate(&change, key);
	}
	if (code == CTL_DONE)
		code = change.told.len == 0 ? nothing_fail(&change, "that waits")
					    : dkim_change_commit(&change);
	dkim_change_end(&change);
	return code;
}

int cmd_dkim_remove(struct ctl *ctl)
{
	struct dkim_change change;
	int code = dkim_change_begin(&change, ctl, 0);

	for (size_t i = change.keys.count; i-- > 0 && code == CTL_DONE;)
		if (is_named(&change, &change.keys.items[i]))
			dkim_change_remove(&change, &change.keys.items[i]);
	if (code == CTL_DONE)
		code = change.told.len == 0 ? nothing_fail(&change, "to remove")
					    : dkim_change_commit(&change);
	if (code == CTL_DONE)
		ctl_print(STR("Removed. Mail signed with it may still be on its way: leave the record in "
			      "DNS for seven days.\n"));
	dkim_change_end(&change);
	return code;
}
