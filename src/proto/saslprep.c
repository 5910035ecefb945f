/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/saslprep.h"

#include <stringprep.h>

enum {
	/* Compatibility forms expand: one ligature of Arabic is 18 characters (NFKC). */
	ROOM_BYTES = 18 * SASLPREP_MAX + 1,
};

/* Such a text is its own prepared form (RFC 4013 section 2.3 prohibits the controls). */
static bool is_plain(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < ' ' || text.ptr[i] > '~')
			return false;
	return text.len > 0 && text.len <= SASLPREP_MAX;
}

static bool prepared_append(struct buf *to, struct str prepared)
{
	if (str_is_empty(prepared) || buf_reserve(to, prepared.len) == NULL)
		return false;
	buf_append_str(to, prepared);
	return true;
}

bool saslprep(struct buf *to, struct str text)
{
	if (is_plain(text))
		return prepared_append(to, text);

	char room[ROOM_BYTES];
	bool is_prepared = false;

	if (str_copy_c(str_sub(text, 0, SASLPREP_MAX + 1), room, SASLPREP_MAX + 1) &&
	    stringprep(room, sizeof(room), (Stringprep_profile_flags)0, stringprep_saslprep) ==
		    STRINGPREP_OK)
		is_prepared = prepared_append(to, str_from_c(room));
	explicit_bzero(room, sizeof(room));
	return is_prepared;
}
