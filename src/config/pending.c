/* SPDX-License-Identifier: Apache-2.0 */
#include "config/pending.h"

#include "base/encode.h"
#include "config/config.h"

enum { WHO_MAX = 256, FROM_MAX = 256 };

#define HEAD "postern change of mailserver.cfg, 2"
#define NOBODY "nobody"

void pending_init(struct pending_change *pending)
{
	*pending = (struct pending_change){.who = BUF_INIT(WHO_MAX),
					   .uid = -1,
					   .from = BUF_INIT(FROM_MAX),
					   .before = BUF_INIT(CONFIG_FILE_MAX),
					   .after = BUF_INIT(CONFIG_FILE_MAX)};
}

void pending_done(struct pending_change *pending)
{
	buf_done(&pending->who);
	buf_done(&pending->from);
	buf_done(&pending->before);
	buf_done(&pending->after);
	pending_init(pending);
}

void pending_append(struct buf *to, const struct pending_change *pending)
{
	buf_printf(to, HEAD "\nuntil %lld\nwithin %u\nwho ", (long long)pending->until_s,
		   pending->within_s);
	buf_append_str(to, buf_str(&pending->who));
	if (pending->uid < 0)
		buf_append_c(to, "\nuid " NOBODY);
	else
		buf_printf(to, "\nuid %lld", (long long)pending->uid);
	buf_append_c(to, "\nfrom ");
	buf_append_str(to, buf_str(&pending->from));
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

static bool uid_take(struct str *text, int64_t *out)
{
	struct str value;
	uint64_t uid;

	if (!line_take(text, STR("uid"), &value))
		return false;
	if (str_equals(value, STR(NOBODY)))
		return true;
	if (!str_parse_u64(value, UINT32_MAX, &uid))
		return false;
	*out = (int64_t)uid;
	return true;
}

static bool fields_read(struct str text, struct pending_change *pending)
{
	struct str head = STR(HEAD "\n"), who, from, before, after;
	uint64_t until, within;

	if (!str_has_prefix(text, head))
		return false;
	text = str_from(text, head.len);
	if (!number_take(&text, STR("until"), INT64_MAX, &until) ||
	    !number_take(&text, STR("within"), PENDING_SECONDS_MAX, &within) ||
	    !line_take(&text, STR("who"), &who) || !uid_take(&text, &pending->uid) ||
	    !line_take(&text, STR("from"), &from) || !line_take(&text, STR("before"), &before) ||
	    !line_take(&text, STR("after"), &after) || text.len > 0)
		return false;
	pending->until_s = (int64_t)until;
	pending->within_s = (uint32_t)within;
	buf_append_str(&pending->who, who);
	buf_append_str(&pending->from, from);
	return base64_decode(&pending->before, before) && base64_decode(&pending->after, after) &&
	       !pending->who.failed && !pending->from.failed &&
	       !pending->before.failed && !pending->after.failed;
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
