/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/arguments.h"

static const struct option_row option_rows[] = {
#define X(id, name, letter, value, help) {name, letter, value, help},
	OPTION_TABLE(X)
#undef X
};

const struct option_row *option_row(enum option option)
{
	CHECK(option < OPTION_COUNT);
	return &option_rows[option];
}

/* The words of a line as they are sorted: not yet told which of them name the command. */
struct reader {
	const struct command_table *table;
	int argc;
	char **argv;
	int at;
	struct arguments *out;
	struct buf *error;
};

static bool option_find(struct str name, enum option *option_out)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (str_equals(name, str_from_c(option_rows[i].name)) ||
		    (name.len == 1 && option_rows[i].letter == name.ptr[0])) {
			*option_out = (enum option)i;
			return true;
		}
	return false;
}

/* `text` is the option without its dashes. */
static bool option_read(struct reader *reader, const char *written, struct str text)
{
	struct str rest = text;
	struct str name = str_cut(&rest, '=');
	enum option option;

	if (!option_find(name, &option)) {
		buf_printf(reader->error, "there is no option %s", written);
		return false;
	}
	if (arguments_has(reader->out, UINT64_C(1) << option)) {
		buf_printf(reader->error, "--%s stands twice", option_rows[option].name);
		return false;
	}
	reader->out->given |= UINT64_C(1) << option;
	if (option_rows[option].value == NULL) {
		if (rest.ptr == NULL)
			return true;
		buf_printf(reader->error, "--%s takes no value", option_rows[option].name);
		return false;
	}
	if (rest.ptr != NULL)
		reader->out->values[option] = rest.ptr;
	else if (reader->at < reader->argc)
		reader->out->values[option] = reader->argv[reader->at++];
	else {
		buf_printf(reader->error, "--%s needs a value: %s", option_rows[option].name,
			   option_rows[option].value);
		return false;
	}
	return true;
}

static bool word_add(struct reader *reader, const char *word)
{
	if (reader->out->word_count == ARGUMENTS_MAX) {
		buf_printf(reader->error, "more than %d arguments", ARGUMENTS_MAX);
		return false;
	}
	reader->out->words[reader->out->word_count++] = word;
	return true;
}

static bool line_sort(struct reader *reader)
{
	bool has_ended = false;

	while (reader->at < reader->argc) {
		const char *word = reader->argv[reader->at++];
		struct str text = str_from_c(word);
		bool is_good;
		if (!has_ended && str_equals(text, STR("--"))) {
			has_ended = true;
			continue;
		}
		if (!has_ended && str_has_prefix(text, STR("--")))
			is_good = option_read(reader, word, str_from(text, 2));
		else if (!has_ended && text.len == 2 && text.ptr[0] == '-')
			is_good = option_read(reader, word, str_from(text, 1));
		else
			is_good = word_add(reader, word);
		if (!is_good)
			return false;
	}
	return true;
}

/* How many words of the line the command's name takes; 0: it is another command. */
static size_t name_match(const struct command *command, const struct arguments *arguments)
{
	size_t used = 0;

	for (struct str rest = str_from_c(command->name); rest.ptr != NULL; used++) {
		struct str part = str_cut(&rest, ' ');
		if (used >= arguments->word_count ||
		    !str_equals(part, str_from_c(arguments->words[used])))
			return 0;
	}
	return used;
}

static void words_drop(struct arguments *arguments, size_t count)
{
	arguments->word_count -= count;
	memmove(arguments->words, arguments->words + count,
		arguments->word_count * sizeof(arguments->words[0]));
}

static bool group_has(const struct command *command, struct str group)
{
	struct str name = str_from_c(command->name);

	return str_has_prefix(name, group) && name.len > group.len && name.ptr[group.len] == ' ';
}

/* The line names no command: says which there are. True when help for a group was asked for. */
static bool command_missing(struct reader *reader)
{
	struct arguments *out = reader->out;
	struct str group = str_from_c(out->word_count > 0 ? out->words[0] : NULL);
	const char *separator = "it is one of: ";
	struct buf *error = reader->error;
	size_t members = 0;

	for (size_t i = 0; i < reader->table->count && !str_is_empty(group); i++)
		members += group_has(&reader->table->rows[i], group);
	if (members == 0) {
		buf_printf(error, "there is no command %s", out->words[0]);
		return false;
	}
	if (arguments_has(out, OPTION_BIT(HELP))) {
		out->group = out->words[0];
		return true;
	}
	if (out->word_count > 1)
		buf_printf(error, "there is no command %s %s; ", out->words[0], out->words[1]);
	else
		buf_printf(error, "%s what? ", out->words[0]);
	for (size_t i = 0; i < reader->table->count; i++)
		if (group_has(&reader->table->rows[i], group)) {
			buf_printf(error, "%s%s", separator, reader->table->rows[i].name);
			separator = ", ";
		}
	return false;
}

static bool command_check(const struct arguments *arguments, struct buf *error)
{
	const struct command *command = arguments->command;
	uint64_t foreign = arguments->given & ~(command->options | OPTIONS_COMMON);

	if (arguments_has(arguments, OPTION_BIT(HELP)))
		return true;
	for (int i = 0; i < OPTION_COUNT; i++)
		if ((foreign & (UINT64_C(1) << i)) != 0) {
			buf_printf(error, "%s does not take --%s", command->name,
				   option_rows[i].name);
			return false;
		}
	if (arguments->word_count < command->arguments_min) {
		buf_printf(error, "%s needs %s", command->name, command->arguments);
		return false;
	}
	if (arguments->word_count > command->arguments_max) {
		buf_printf(error, "%s: %s is too much", command->name,
			   arguments->words[command->arguments_max]);
		return false;
	}
	return true;
}

bool arguments_parse(const struct command_table *table, int argc, char **argv,
		     struct arguments *out, struct buf *error)
{
	struct reader reader = {
		.table = table, .argc = argc, .argv = argv, .at = 1, .out = out, .error = error};
	const uint64_t alone = OPTION_BIT(HELP) | OPTION_BIT(VERSION);

	*out = (struct arguments){0};
	if (!line_sort(&reader))
		return false;
	if (out->word_count == 0) {
		if ((out->given & alone) != 0)
			return true;
		buf_append_c(error, "no command");
		return false;
	}
	for (size_t i = 0; i < table->count && out->command == NULL; i++) {
		size_t used = name_match(&table->rows[i], out);
		if (used > 0) {
			words_drop(out, used);
			out->command = &table->rows[i];
		}
	}
	return out->command == NULL ? command_missing(&reader) : command_check(out, error);
}

bool size_parse(struct str text, uint64_t *bytes_out)
{
	static const struct str units = STR_INIT("KMGT");
	unsigned shift = 0;
	uint64_t number;

	if (!str_is_empty(text)) {
		size_t unit = str_find_char(units, ascii_upper(text.ptr[text.len - 1]));
		if (unit != STR_NONE) {
			shift = 10 * ((unsigned)unit + 1);
			text = str_sub(text, 0, text.len - 1);
		}
	}
	if (!str_parse_u64(text, UINT64_MAX >> shift, &number))
		return false;
	*bytes_out = number << shift;
	return true;
}

bool duration_parse(struct str text, uint32_t *seconds_out)
{
	static const struct {
		char letter;
		uint32_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	uint32_t unit = 1;
	uint64_t number;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (text.len > 1 && ascii_lower(text.ptr[text.len - 1]) == units[i].letter) {
			unit = units[i].seconds;
			text = str_sub(text, 0, text.len - 1);
			break;
		}
	if (!str_parse_u64(text, UINT32_MAX / unit, &number) || number == 0)
		return false;
	*seconds_out = (uint32_t)number * unit;
	return true;
}
