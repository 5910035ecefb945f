/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/pop3_reply.h"

/* The next line without its end; MORE without one, BROKEN past the bound or with a NUL. */
static enum pop3_reply_state line_cut(struct str *rest, struct str *line_out)
{
	size_t end = str_find_char(*rest, '\n');
	size_t len = end == STR_NONE ? rest->len : end;

	if (len > POP3_REPLY_LINE_MAX || str_find_char(str_sub(*rest, 0, len), '\0') != STR_NONE)
		return POP3_REPLY_BROKEN;
	if (end == STR_NONE)
		return POP3_REPLY_MORE;
	*line_out = str_sub(*rest, 0, end > 0 && rest->ptr[end - 1] == '\r' ? end - 1 : end);
	*rest = str_from(*rest, end + 1);
	return POP3_REPLY_WHOLE;
}

/* False for what cannot become "+OK" or "-ERR". */
static bool status_read(struct str line, struct pop3_reply *reply)
{
	static const struct str good = STR_INIT("+OK"), bad = STR_INIT("-ERR");

	reply->is_ok = str_has_prefix_nocase(line, good);
	if (!reply->is_ok && !str_has_prefix_nocase(line, bad))
		return false;
	struct str text = str_from(line, reply->is_ok ? good.len : bad.len);
	reply->text = str_trim(text);
	return text.len == 0 || ascii_is_blank(text.ptr[0]);
}

/* Takes lines up to the one that is a dot (RFC 1939 section 3). */
static enum pop3_reply_state list_read(struct str *rest, struct pop3_reply *reply)
{
	struct str begin = *rest, line;

	for (;;) {
		size_t read = begin.len - rest->len;
		enum pop3_reply_state state = line_cut(rest, &line);
		if (state != POP3_REPLY_WHOLE)
			return state;
		if (str_equals(line, STR("."))) {
			reply->list = str_sub(begin, 0, read);
			return POP3_REPLY_WHOLE;
		}
		if (read > POP3_REPLY_MAX)
			return POP3_REPLY_BROKEN;
	}
}

/* What stands there before its line end can be told to be no answer, too. */
static bool is_hopeless(struct str start)
{
	return start.len > 0 && start.ptr[0] != '+' && start.ptr[0] != '-';
}

enum pop3_reply_state pop3_reply_parse(struct str input, bool has_list,
				       struct pop3_reply *reply_out)
{
	struct pop3_reply reply = {.list = STR("")};
	struct str rest = input, line;
	enum pop3_reply_state state = line_cut(&rest, &line);

	if (is_hopeless(input) || (state == POP3_REPLY_WHOLE && !status_read(line, &reply)))
		return POP3_REPLY_BROKEN;
	if (state == POP3_REPLY_WHOLE && has_list && reply.is_ok)
		state = list_read(&rest, &reply);
	if (state != POP3_REPLY_WHOLE)
		return state;
	reply.len = input.len - rest.len;
	*reply_out = reply;
	return POP3_REPLY_WHOLE;
}

static const char *const keywords[POP3_CAPABILITY_COUNT] = {
#define X(id, keyword) keyword,
	POP3_CAPABILITY_TABLE(X)
#undef X
};

const char *pop3_capability_name(enum pop3_capability capability)
{
	CHECK(capability < POP3_CAPABILITY_COUNT);
	return keywords[capability];
}

unsigned pop3_capabilities_parse(const struct pop3_reply *reply)
{
	struct str rest = reply->list, line;
	unsigned capabilities = 0;

	while (line_cut(&rest, &line) == POP3_REPLY_WHOLE) {
		struct str word = str_cut(&line, ' ');
		for (int i = 0; i < POP3_CAPABILITY_COUNT; i++) {
			if (str_equals_nocase(word, str_from_c(keywords[i])))
				capabilities |= 1u << i;
		}
	}
	return capabilities;
}
