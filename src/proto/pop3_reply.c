/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/pop3_reply.h"

enum pop3_reply_state pop3_line_cut(struct str *rest, struct str *line_out)
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
		enum pop3_reply_state state = pop3_line_cut(rest, &line);
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
	enum pop3_reply_state state = pop3_line_cut(&rest, &line);

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

/* The number that begins a line, and the word behind it. */
static bool numbered_line_read(struct str line, uint32_t *number_out, struct str *word_out)
{
	uint64_t number;
	struct str rest = line, first = str_cut(&rest, ' ');

	if (!str_parse_u64(first, UINT32_MAX, &number) || number == 0)
		return false;
	rest = str_trim(rest);
	*word_out = str_cut(&rest, ' ');
	*number_out = (uint32_t)number;
	return word_out->len > 0;
}

bool pop3_list_line_parse(struct str line, uint32_t *number_out, uint64_t *bytes_out)
{
	struct str word;

	return numbered_line_read(line, number_out, &word) &&
	       str_parse_u64(word, UINT64_MAX, bytes_out);
}

bool pop3_uidl_line_parse(struct str line, uint32_t *number_out, struct str *uidl_out)
{
	struct str word;

	if (!numbered_line_read(line, number_out, &word))
		return false;
	bool is_usable = word.len <= POP3_UIDL_MAX;
	for (size_t i = 0; i < word.len && is_usable; i++)
		is_usable = word.ptr[i] > ' ' && word.ptr[i] <= '~';
	*uidl_out = is_usable ? word : str_make(NULL, 0);
	return true;
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

	while (pop3_line_cut(&rest, &line) == POP3_REPLY_WHOLE) {
		struct str word = str_cut(&line, ' ');
		for (int i = 0; i < POP3_CAPABILITY_COUNT; i++) {
			if (str_equals_nocase(word, str_from_c(keywords[i])))
				capabilities |= 1u << i;
		}
	}
	return capabilities;
}
