/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/chain.h"

enum { SENTENCE_MAX = 512 };

#define HEAD "{\"sequence\":"
#define BEFORE ",\"before\":\""
#define HASH ",\"hash\":\""

/* Takes `MEMBER<64 digits>"` from the end of the line; false when it does not stand there. */
static bool hash_take(struct str *line, struct str member, struct evidence_hash *out)
{
	size_t len = member.len + EVIDENCE_HASH_CHARS + 1;

	if (line->len < len)
		return false;
	struct str tail = str_from(*line, line->len - len);
	struct str digits = str_sub(tail, member.len, EVIDENCE_HASH_CHARS);
	if (!str_has_prefix(tail, member) || tail.ptr[len - 1] != '"')
		return false;
	for (size_t i = 0; i < digits.len; i++)
		if (!ascii_is_digit(digits.ptr[i]) && (digits.ptr[i] < 'a' || digits.ptr[i] > 'f'))
			return false;
	*line = str_sub(*line, 0, line->len - len);
	return str_copy_c(digits, out->text, sizeof(out->text));
}

static bool sequence_read(struct str line, uint64_t *out)
{
	struct str head = STR(HEAD);

	if (!str_has_prefix(line, head))
		return false;
	struct str rest = str_from(line, head.len);
	size_t comma = str_find_char(rest, ',');
	return comma != STR_NONE && str_parse_u64(str_sub(rest, 0, comma), INT64_MAX, out);
}

bool evidence_line_read(struct str line, struct evidence_line *out)
{
	struct evidence_line found = {0};

	if (line.len == 0 || line.ptr[line.len - 1] != '}')
		return false;
	struct str inner = str_sub(line, 0, line.len - 1);
	if (!hash_take(&inner, STR(HASH), &found.hash))
		return false;
	struct evidence_hash own = evidence_hash_of(inner);
	if (!hash_take(&inner, STR(BEFORE), &found.before) ||
	    !sequence_read(inner, &found.sequence) || found.sequence == 0)
		return false;
	found.is_own = strcmp(own.text, found.hash.text) == 0;
	*out = found;
	return true;
}

struct verifier {
	struct evidence_verdict verdict;
	size_t line;
	void (*report)(void *context, struct str what);
	void *context;
};

static void fault_report(struct verifier *verifier, const char *format, ...) format_printf(2, 3);
static void fault_report(struct verifier *verifier, const char *format, ...)
{
	struct buf sentence = BUF_INIT(SENTENCE_MAX);
	va_list args;

	verifier->verdict.fault_count++;
	if (verifier->report == NULL)
		return;
	va_start(args, format);
	buf_vprintf(&sentence, format, args);
	va_end(args);
	verifier->report(verifier->context, buf_str(&sentence));
	buf_done(&sentence);
}

/* An entry in its own hash's eyes; does it follow the one before? */
static void place_check(struct verifier *verifier, const struct evidence_line *entry)
{
	unsigned long long before = verifier->verdict.sequence, here = entry->sequence;

	if (here <= before)
		fault_report(verifier,
			     "line %zu: entry %llu stands behind entry %llu: entries were put "
			     "elsewhere or doubled",
			     verifier->line, here, before);
	else if (here == before + 2)
		fault_report(verifier, "line %zu: entry %llu is missing", verifier->line, before + 1);
	else if (here > before + 1)
		fault_report(verifier, "line %zu: entries %llu to %llu are missing", verifier->line,
			     before + 1, here - 1);
	else if (strcmp(entry->before.text, verifier->verdict.hash.text) != 0 && before == 0)
		fault_report(verifier, "line %zu: entry 1 names an entry before it", verifier->line);
	else if (strcmp(entry->before.text, verifier->verdict.hash.text) != 0)
		fault_report(verifier,
			     "line %zu: entry %llu was written after another entry %llu than "
			     "stands here: one of both was replaced",
			     verifier->line, here, before);
}

static void line_check(struct verifier *verifier, struct str line)
{
	struct evidence_line entry;

	verifier->line++;
	if (!evidence_line_read(line, &entry)) {
		fault_report(verifier, "line %zu is no entry: it was changed, and stood for entry %llu",
			     verifier->line, (unsigned long long)verifier->verdict.sequence + 1);
		return;
	}
	verifier->verdict.entries++;
	if (!entry.is_own)
		fault_report(verifier, "line %zu: entry %llu was changed", verifier->line,
			     (unsigned long long)entry.sequence);
	if (str_find(line, STR(",\"kind\":\"fault of the record\",")) != STR_NONE)
		fault_report(verifier, "line %zu: entry %llu tells of a fault that was found then",
			     verifier->line, (unsigned long long)entry.sequence);
	place_check(verifier, &entry);
	verifier->verdict.sequence = entry.sequence;
	verifier->verdict.hash = entry.hash;
}

struct evidence_verdict evidence_verify(struct str text,
					void (*report)(void *context, struct str what),
					void *context)
{
	struct verifier verifier = {
		.verdict = {.hash = evidence_hash_none()}, .report = report, .context = context};

	while (!str_is_empty(text)) {
		size_t end = str_find_char(text, '\n');
		if (end == STR_NONE) {
			verifier.verdict.unfinished_bytes = text.len;
			fault_report(&verifier, "%zu bytes behind line %zu are no whole entry",
				     text.len, verifier.line);
			break;
		}
		line_check(&verifier, str_sub(text, 0, end));
		text = str_from(text, end + 1);
	}
	return verifier.verdict;
}
