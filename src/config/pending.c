/* SPDX-License-Identifier: Apache-2.0 */
#include "config/pending.h"

#include "base/encode.h"
#include "config/config.h"

enum { WHO_MAX = 256 };

#define HEAD "postern change that waits for its confirmation, 1"

void pending_init(struct pending_change *pending)
{
	*pending = (struct pending_change){.who = BUF_INIT(WHO_MAX),
					   .before = BUF_INIT(CONFIG_FILE_MAX),
					   .after = BUF_INIT(CONFIG_FILE_MAX)};
}

void pending_done(struct pending_change *pending)
{
	buf_done(&pending->who);
	buf_done(&pending->before);
	buf_done(&pending->after);
	pending_init(pending);
}

void pending_append(struct buf *to, const struct pending_change *pending)
{
	buf_printf(to, HEAD "\nuntil %lld\nwithin %u\nwho ", (long long)pending->until_s,
		   pending->within_s);
	buf_append_str(to, buf_str(&pending->who));
	buf_append_c(to, "\nbefore ");
	base64_encode(to, buf_str(&pending->before));
	buf_append_c(to, "\nafter ");
	base64_encode(to, buf_str(&pending->after));
	buf_append_char(to, '\n');
}

/* Takes the line `NAME VALUE`; false when another one stands there. */
static bool line_take(struct str *text, struct str name, struct str *value_out)
{
	size_t end = str_find_char(*text, '\n');

	if (end == STR_NONE)
		return false;
	struct str line = str_sub(*text, 0, end);
	if (!str_has_prefix(line, name) || line.len <= name.len || line.ptr[name.len] != ' ')
		return false;
	*value_out = str_from(line, name.len + 1);
	*text = str_from(*text, end + 1);
	return true;
}

static bool number_take(struct str *text, struct str name, uint64_t max, uint64_t *out)
{
	struct str value;

	return line_take(text, name, &value) && str_parse_u64(value, max, out);
}

static bool fields_read(struct str text, struct pending_change *pending)
{
	struct str head = STR(HEAD "\n"), who, before, after;
	uint64_t until, within;

	if (!str_has_prefix(text, head))
		return false;
	text = str_from(text, head.len);
	if (!number_take(&text, STR("until"), INT64_MAX, &until) ||
	    !number_take(&text, STR("within"), PENDING_SECONDS_MAX, &within) ||
	    !line_take(&text, STR("who"), &who) || !line_take(&text, STR("before"), &before) ||
	    !line_take(&text, STR("after"), &after) || text.len > 0)
		return false;
	pending->until_s = (int64_t)until;
	pending->within_s = (uint32_t)within;
	buf_append_str(&pending->who, who);
	return base64_decode(&pending->before, before) && base64_decode(&pending->after, after) &&
	       !pending->who.failed && !pending->before.failed && !pending->after.failed;
}

bool pending_read(struct str text, struct pending_change *pending)
{
	bool is_good = fields_read(text, pending);

	if (!is_good)
		pending_done(pending);
	return is_good;
}

int64_t pending_left_ms(const struct pending_change *pending, int64_t now_s)
{
	int64_t left_s = pending->until_s - now_s;

	if (pending->until_s <= now_s)
		return 0;
	/* A clock that was put back must not make the wait longer than it was meant to be. */
	return 1000 * (left_s > pending->within_s ? (int64_t)pending->within_s : left_s);
}
