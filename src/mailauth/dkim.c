/* SPDX-License-Identifier: Apache-2.0 */
#include "mailauth/dkim.h"

static const char *const algorithm_names[DKIM_ALGORITHM_COUNT] = {"rsa", "ed25519"};
static const char *const state_names[DKIM_STATE_COUNT] = {"waiting", "signing", "retiring",
							  "retired"};

/* The place of a word, or STR_NONE. */
static size_t word_find(const char *const *words, size_t count, struct str wanted)
{
	for (size_t i = 0; i < count; i++)
		if (str_equals(wanted, str_from_c(words[i])))
			return i;
	return STR_NONE;
}

const char *dkim_algorithm_name(enum dkim_algorithm algorithm)
{
	return algorithm_names[algorithm];
}

bool dkim_algorithm_parse(struct str name, enum dkim_algorithm *algorithm_out)
{
	size_t at = word_find(algorithm_names, DKIM_ALGORITHM_COUNT, name);

	if (at != STR_NONE)
		*algorithm_out = (enum dkim_algorithm)at;
	return at != STR_NONE;
}

const char *dkim_state_name(enum dkim_state state)
{
	return state_names[state];
}

bool dkim_state_parse(struct str name, enum dkim_state *state_out)
{
	size_t at = word_find(state_names, DKIM_STATE_COUNT, name);

	if (at != STR_NONE)
		*state_out = (enum dkim_state)at;
	return at != STR_NONE;
}

bool dkim_selector_check(struct str selector)
{
	if (selector.len == 0 || selector.len > DKIM_SELECTOR_MAX || selector.ptr[0] == '-' ||
	    selector.ptr[selector.len - 1] == '-')
		return false;
	for (size_t i = 0; i < selector.len; i++)
		if (!ascii_is_alnum(selector.ptr[i]) && selector.ptr[i] != '-')
			return false;
	return true;
}
