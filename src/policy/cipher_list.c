/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/cipher_list.h"

#include "base/cursor.h"
#include "policy/suite_names.h"

enum {
	PARTS_MAX = 8,	       /* names joined by + */
	ABSENT_SHOWN = 1000,   /* bytes of the list of names not in this build */
	LEVEL_SUFFICIENT = 112 /* bits: what OpenSSL's security level 2 asks of a suite */
};

enum cipher_action { CIPHER_ADD, CIPHER_MOVE, CIPHER_DELETE, CIPHER_KILL, CIPHER_COMMAND };

/* One rule of a string: an operator and one or more names joined by +. */
struct cipher_rule {
	enum cipher_action action;
	struct str whole; /* as written, operator included */
	struct str parts[PARTS_MAX];
	size_t part_count;
};

enum part_kind {
	PART_NATIVE, /* a suite or keyword that OpenSSL takes as it is */
	PART_IANA,   /* a suite under its IANA name */
	PART_TLS13,  /* a TLS 1.3 suite of this build */
	PART_ABSENT, /* known to the world, not to this build */
	PART_UNKNOWN
};

/* A string being read. */
struct reader {
	const struct suite_catalog *catalog;
	struct finding_place place;
	struct findings *findings;
	struct cipher_list *list;
	struct buf string; /* becomes list->string */
	struct buf absent; /* what is not in this build, for one note */
	uint16_t killed[TLS13_SUITES_MAX];
	size_t killed_count;
	bool refused;
};

static bool is_separator(char c)
{
	return c == ':' || c == ',' || c == ';' || ascii_is_space(c);
}

static bool is_name_char(char c)
{
	return ascii_is_alnum(c) || c == '-' || c == '.' || c == '=' || c == '_';
}

static enum cipher_action action_take(struct cursor *cursor)
{
	if (cursor_take_char(cursor, '!'))
		return CIPHER_KILL;
	if (cursor_take_char(cursor, '-'))
		return CIPHER_DELETE;
	if (cursor_take_char(cursor, '+'))
		return CIPHER_MOVE;
	if (cursor_take_char(cursor, '@'))
		return CIPHER_COMMAND;
	return CIPHER_ADD;
}

/* Takes one rule; as in OpenSSL, an operator may follow a name without a separator. */
static bool rule_take(struct cursor *cursor, struct cipher_rule *rule_out)
{
	struct cipher_rule rule = {.whole = {.ptr = cursor->at}};

	rule.action = action_take(cursor);
	do {
		struct str part = cursor_take_while(cursor, is_name_char);
		if (str_is_empty(part) || rule.part_count == PARTS_MAX)
			return false;
		rule.parts[rule.part_count++] = part;
	} while (rule.action != CIPHER_COMMAND && cursor_take_char(cursor, '+'));
	rule.whole.len = (size_t)(cursor->at - rule.whole.ptr);
	*rule_out = rule;
	return true;
}

static const struct suite *suite_by_any_name(const struct suite_catalog *catalog, struct str name)
{
	const struct suite *suite = suite_catalog_by_name(catalog, name);

	return suite != NULL ? suite : suite_catalog_by_iana_name(catalog, name);
}

/* Without authentication or without encryption. */
static bool suite_is_anonymous(const struct suite *suite)
{
	return suite->auth == SUITE_AUTH_NONE || suite->strength_bits == 0;
}

/* DEFAULT is a word for OpenSSL only at the very beginning of its string. */
static bool is_leading_default(const struct reader *reader, enum cipher_action action,
			       struct str name)
{
	return action == CIPHER_ADD && reader->string.len == 0 && str_equals(name, STR("DEFAULT"));
}

static enum part_kind part_classify(const struct reader *reader, enum cipher_action action,
				    struct str name)
{
	const struct suite *suite = suite_by_any_name(reader->catalog, name);

	if (suite != NULL && suite->min_protocol == TLS_PROTOCOL_1_3)
		return PART_TLS13;
	if (suite != NULL)
		return str_equals(suite->name, name) ? PART_NATIVE : PART_IANA;
	if (cipher_keyword_is_known(name) || is_leading_default(reader, action, name))
		return PART_NATIVE;
	if (suite_name_is_iana(name) || suite_name_is_historical(name) ||
	    cipher_keyword_is_historical(name))
		return PART_ABSENT;
	return PART_UNKNOWN;
}

static void refuse(struct reader *reader, const char *format, struct str shown)
{
	reader->refused = true;
	finding_add(reader->findings, FINDING_ERROR, reader->place, "\"%.*s\" %s", STR_ARG(shown),
		    format);
}

static struct str nearest_name(const struct reader *reader, struct str name)
{
	struct nearest nearest;

	nearest_init(&nearest, name);
	for (size_t i = 0; i < reader->catalog->suite_count; i++) {
		nearest_offer(&nearest, reader->catalog->suites[i].name);
		nearest_offer(&nearest, reader->catalog->suites[i].iana_name);
	}
	suite_names_offer(&nearest);
	return nearest.best;
}

/* A name nobody knows: OpenSSL would skip its rule. After ! or - the weak suite would then stay. */
static void unknown_report(struct reader *reader, const struct cipher_rule *rule, struct str name)
{
	bool removes = rule->action == CIPHER_KILL || rule->action == CIPHER_DELETE;
	struct str near = nearest_name(reader, name);

	reader->refused = reader->refused || removes;
	finding_add(reader->findings, removes ? FINDING_ERROR : FINDING_WARNING, reader->place,
		    "neither OpenSSL nor IANA knows the name \"%.*s\"%s%s%.*s%s", STR_ARG(name),
		    removes ? ", so what it should remove would stay" : "; it is skipped",
		    str_is_empty(near) ? "" : "; did you mean ", STR_ARG(near),
		    str_is_empty(near) ? "" : "?");
}

static void absent_record(struct reader *reader, const struct cipher_rule *rule)
{
	struct str name = rule->action == CIPHER_ADD ? rule->whole : str_from(rule->whole, 1);

	/* To remove what is not there is done already. */
	if (rule->action != CIPHER_ADD && rule->action != CIPHER_MOVE)
		return;
	if (reader->absent.len > 0)
		buf_append_c(&reader->absent, ", ");
	buf_append_str(&reader->absent, name);
}

static size_t id_find(const uint16_t *ids, size_t count, uint16_t id)
{
	size_t at = 0;

	while (at < count && ids[at] != id)
		at++;
	return at;
}

static void tls13_remove(struct cipher_list *list, uint16_t id)
{
	size_t at = id_find(list->suites13, list->suite13_count, id);

	if (at == list->suite13_count)
		return;
	list->suite13_count--;
	memmove(list->suites13 + at, list->suites13 + at + 1,
		(list->suite13_count - at) * sizeof(list->suites13[0]));
}

static void tls13_add(struct cipher_list *list, uint16_t id)
{
	if (list->suite13_count < TLS13_SUITES_MAX &&
	    id_find(list->suites13, list->suite13_count, id) == list->suite13_count)
		list->suites13[list->suite13_count++] = id;
}

/* The operators mean for the TLS 1.3 list what they mean for the other one. */
static void tls13_apply(struct reader *reader, enum cipher_action action, uint16_t id)
{
	struct cipher_list *list = reader->list;
	size_t count = list->suite13_count;

	if (action == CIPHER_ADD) {
		if (id_find(reader->killed, reader->killed_count, id) == reader->killed_count)
			tls13_add(list, id);
		return;
	}
	tls13_remove(list, id);
	if (action == CIPHER_MOVE && list->suite13_count < count)
		tls13_add(list, id);
	if (action == CIPHER_KILL && reader->killed_count < TLS13_SUITES_MAX)
		reader->killed[reader->killed_count++] = id;
}

/* Writes a rule as OpenSSL reads it. */
static void rule_write(struct reader *reader, const struct cipher_rule *rule)
{
	static const char *const operators[] = {"", "+", "-", "!", "@"};

	if (reader->string.len > 0)
		buf_append_char(&reader->string, ':');
	buf_append_c(&reader->string, operators[rule->action]);
	for (size_t i = 0; i < rule->part_count; i++) {
		const struct suite *suite =
			suite_catalog_by_iana_name(reader->catalog, rule->parts[i]);
		if (i > 0)
			buf_append_char(&reader->string, '+');
		buf_append_str(&reader->string, suite == NULL ? rule->parts[i] : suite->name);
	}
}

/* Names tell: nothing but these keywords and suites comes to anonymous suites alone. */
static bool rule_is_anonymous(const struct reader *reader, const struct cipher_rule *rule)
{
	for (size_t i = 0; i < rule->part_count; i++) {
		const struct suite *suite = suite_by_any_name(reader->catalog, rule->parts[i]);
		if (cipher_name_is_anonymous(rule->parts[i]) ||
		    (suite != NULL && suite_is_anonymous(suite)))
			return true;
	}
	return false;
}

/* @STRENGTH sorts and is fine; @SECLEVEL belongs to the product (rule 5). */
static void command_apply(struct reader *reader, const struct cipher_rule *rule)
{
	if (str_equals(rule->parts[0], STR("STRENGTH")))
		rule_write(reader, rule);
	else if (str_has_prefix_nocase(rule->parts[0], STR("SECLEVEL")))
		refuse(reader,
		       "is refused: lowering OpenSSL's security level admits anonymous suites and "
		       "1024-bit keys; Postern relaxes by itself exactly what the listed protocols "
		       "need, so take it out",
		       rule->whole);
	else
		refuse(reader, "is no command of a cipher string; only @STRENGTH is one",
		       rule->whole);
}

/* Counts the kinds of a rule's parts, reporting those nobody knows. */
static void parts_classify(struct reader *reader, const struct cipher_rule *rule,
			   size_t kinds_out[PART_UNKNOWN + 1])
{
	for (size_t i = 0; i < rule->part_count; i++) {
		enum part_kind kind = part_classify(reader, rule->action, rule->parts[i]);
		kinds_out[kind]++;
		if (kind == PART_UNKNOWN)
			unknown_report(reader, rule, rule->parts[i]);
	}
}

static bool rule_is_suite_b(const struct cipher_rule *rule)
{
	return str_has_prefix(rule->parts[0], STR("SUITEB"));
}

/* A keyword or old alias that stands for no suite here is "not in this build" too. */
static void native_apply(struct reader *reader, const struct cipher_rule *rule)
{
	uint16_t ids[SUITE_CATALOG_MAX];
	size_t count;
	struct buf alone = BUF_INIT(CIPHER_STRING_MAX);

	rule_write(reader, rule);
	if (rule->action != CIPHER_ADD && rule->action != CIPHER_MOVE)
		return;
	for (size_t i = 0; i < rule->part_count; i++) {
		const struct suite *suite =
			suite_catalog_by_iana_name(reader->catalog, rule->parts[i]);
		buf_append_c(&alone, i == 0 ? "" : "+");
		buf_append_str(&alone, suite == NULL ? rule->parts[i] : suite->name);
	}
	buf_append_char(&alone, '\0');
	if (!alone.failed && !reader->catalog->expand(reader->catalog, alone.data, ids, &count))
		absent_record(reader, rule);
	buf_done(&alone);
}

static void rule_apply(struct reader *reader, const struct cipher_rule *rule)
{
	size_t kinds[PART_UNKNOWN + 1] = {0};

	if (rule->action == CIPHER_COMMAND) {
		command_apply(reader, rule);
	} else if (rule_is_suite_b(rule)) {
		refuse(reader,
		       "is refused: it changes the rules for certificates as well; name the suites",
		       rule->whole);
	} else if (rule->action == CIPHER_ADD && rule_is_anonymous(reader, rule)) {
		refuse(reader,
		       "is refused: suites without authentication or encryption protect nothing; "
		       "take it out",
		       rule->whole);
	} else {
		parts_classify(reader, rule, kinds);
		if (kinds[PART_UNKNOWN] > 0)
			return;
		if (kinds[PART_TLS13] > 0 && rule->part_count > 1)
			refuse(reader, "joins a TLS 1.3 suite with something else; name it alone",
			       rule->whole);
		else if (kinds[PART_TLS13] > 0)
			tls13_apply(
				reader, rule->action,
				suite_catalog_by_iana_name(reader->catalog, rule->parts[0])->id);
		else if (kinds[PART_ABSENT] > 0)
			absent_record(reader, rule);
		else
			native_apply(reader, rule);
	}
}

/* Takes the next rule, past separators; false at the end or after a refusal. */
static bool rule_next(struct reader *reader, struct cursor *cursor, struct cipher_rule *rule_out)
{
	cursor_take_while(cursor, is_separator);
	struct str rest = cursor_rest(cursor);
	if (str_is_empty(rest))
		return false;
	if (rule_take(cursor, rule_out))
		return true;
	refuse(reader,
	       "is not understood: names stand between colons, joined by +, with !, - or + before",
	       str_sub(rest, 0, 32));
	return false;
}

/* Looks ahead for a TLS 1.3 suite without operator: then those make the list. */
static void tls13_begin(struct reader *reader, struct cursor cursor)
{
	struct cipher_rule rule;
	const struct suite_catalog *catalog = reader->catalog;

	for (;;) {
		cursor_take_while(&cursor, is_separator);
		if (cursor_left(&cursor) == 0 || !rule_take(&cursor, &rule))
			break;
		if (rule.action == CIPHER_ADD && rule.part_count == 1 &&
		    part_classify(reader, rule.action, rule.parts[0]) == PART_TLS13)
			return;
	}
	for (size_t i = 0; i < catalog->tls13_count; i++)
		tls13_add(reader->list, catalog->tls13[i]);
}

static void absent_report(struct reader *reader)
{
	if (reader->absent.len > 0 || reader->absent.failed)
		finding_add(reader->findings, FINDING_NOTE, reader->place,
			    "not in this OpenSSL build: %.*s%s", STR_ARG(buf_str(&reader->absent)),
			    reader->absent.failed ? ", ..." : "");
}

bool cipher_list_parse(struct str text, const struct suite_catalog *catalog,
		       struct finding_place place, struct arena *arena, struct findings *findings,
		       struct cipher_list *list_out)
{
	struct reader reader = {.catalog = catalog,
				.place = place,
				.findings = findings,
				.list = list_out,
				.string = BUF_INIT(2 * CIPHER_STRING_MAX),
				.absent = BUF_INIT(ABSENT_SHOWN)};
	struct cursor cursor = cursor_make(text);
	struct cipher_rule rule;

	*list_out = (struct cipher_list){.suite13_count = 0};
	if (text.len > CIPHER_STRING_MAX) {
		finding_add(findings, FINDING_ERROR, place,
			    "the cipher string is longer than %d bytes; keywords like HIGH say the same "
			    "shorter",
			    CIPHER_STRING_MAX);
		return false;
	}
	tls13_begin(&reader, cursor);
	while (rule_next(&reader, &cursor, &rule))
		rule_apply(&reader, &rule);
	absent_report(&reader);
	list_out->string = arena_dup(arena, buf_str(&reader.string));
	CHECK(list_out->string.ptr != NULL && !reader.string.failed);
	buf_done(&reader.string);
	buf_done(&reader.absent);
	return !reader.refused;
}

struct str cipher_list_expand(const struct cipher_list *list, struct cipher_limits limits,
			      const struct suite_catalog *catalog, struct arena *arena,
			      uint16_t ids_out[SUITE_CATALOG_MAX], size_t *count_out)
{
	struct buf text = BUF_INIT(3 * CIPHER_STRING_MAX);

	*count_out = 0;
	if (str_is_empty(list->string))
		return STR("");
	buf_append_str(&text, list->string);
	if (limits.without_dhe)
		buf_append_c(&text, ":!kDHE:!kDHEPSK");
	if (limits.without_ecdhe)
		buf_append_c(&text, ":!kECDHE:!kECDHEPSK");
	buf_append_c(&text, ":!aNULL:!eNULL");
	struct str string = arena_dup(arena, buf_str(&text));
	CHECK(string.ptr != NULL && !text.failed);
	buf_done(&text);
	if (!catalog->expand(catalog, string.ptr, ids_out, count_out))
		*count_out = 0;
	return string;
}

const char *suite_obstacle(const struct suite *suite)
{
	if (suite->auth == SUITE_AUTH_NONE)
		return "anonymous: nothing proves who the server is";
	if (suite->strength_bits == 0)
		return "does not encrypt";
	if (suite->kx == SUITE_KX_PSK || suite->auth == SUITE_AUTH_PSK)
		return "needs a pre-shared key, which mail does not use";
	if (suite->kx == SUITE_KX_SRP || suite->auth == SUITE_AUTH_SRP)
		return "needs SRP passwords, which mail does not use";
	if (suite->auth == SUITE_AUTH_DSS)
		return "needs a DSA certificate, which no authority issues";
	if (suite->kx == SUITE_KX_OTHER || suite->auth == SUITE_AUTH_OTHER)
		return "needs a kind of key that Postern does not hold";
	if (suite->strength_bits < LEVEL_SUFFICIENT)
		return "weaker than 112 bits";
	return NULL;
}
