/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "ctl/help.h"

enum { PAGE_MAX = 1 << 20, OPENAPI_BYTES_MAX = 4 << 20, LINE_MAX_BYTES = 16 * 1024 };

struct str ctl_word(const struct ctl *ctl, size_t index)
{
	return str_from_c(index < ctl->arguments->word_count ? ctl->arguments->words[index] : NULL);
}

/* What a program that started the command wants to read. */
static bool errors_are_json(void)
{
	const char *form = getenv(CTL_ERRORS_VARIABLE);

	return form != NULL && str_equals(str_from_c(form), STR("json"));
}

static json_t *lower_json(const char *name)
{
	struct buf lower = BUF_INIT(100);

	for (const char *at = name; *at != '\0'; at++)
		buf_append_char(&lower, ascii_lower(*at));
	json_t *json = json_text(buf_str(&lower));
	buf_done(&lower);
	return json;
}

static void error_print_json(const char *code, const char *field, struct str text)
{
	json_t *object = json_pack("{s:o, s:o, s:o}", "code", lower_json(code), "field",
				   field == NULL ? json_null() : json_text(str_from_c(field)),
				   "text", json_text(text));
	char *line = json_dumps(object, JSON_COMPACT);

	CHECK(line != NULL);
	(void)!fd_write_all(STDERR_FILENO, line, strlen(line));
	(void)!fd_write_all(STDERR_FILENO, "\n", 1);
	free(line);
	json_decref(object);
}

static void error_print(const char *code, const char *field, struct str text)
{
	struct buf line = BUF_INIT(LINE_MAX_BYTES + 64);

	if (errors_are_json()) {
		error_print_json(code, field, text);
		return;
	}
	buf_append_c(&line, "postern: ");
	buf_append_str(&line, text);
	buf_append_char(&line, '\n');
	(void)!fd_write_all(STDERR_FILENO, line.data, line.len);
	buf_done(&line);
}

int ctl_fail(int code, const char *format, ...)
{
	static const char *const codes[] = {
		[CTL_DONE] = "note",
		[CTL_FINDING] = "finding",
		[CTL_USAGE] = "invalid",
		[CTL_NOT_RUNNING] = "unavailable",
	};
	struct buf text = BUF_INIT(LINE_MAX_BYTES);
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	CHECK(code >= CTL_DONE && code <= CTL_NOT_RUNNING);
	error_print(codes[code], NULL, buf_str(&text));
	buf_done(&text);
	return code;
}

int ctl_fail_field(enum fault fault, const char *field, const char *format, ...)
{
	struct buf text = BUF_INIT(LINE_MAX_BYTES);
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	error_print(fault_name(fault), field, buf_str(&text));
	buf_done(&text);
	return ctl_fault_code(fault);
}

int ctl_fault_code(enum fault fault)
{
	switch (fault) {
	case FAULT_NONE:
		return CTL_DONE;
	case FAULT_UNAVAILABLE:
		return CTL_NOT_RUNNING;
	default:
		return CTL_USAGE;
	}
}

void ctl_print(struct str text)
{
	/* A reader that has gone (`postern logs | head`) is no fault of ours. */
	(void)!fd_write_all(STDOUT_FILENO, text.ptr, text.len);
}

void ctl_print_json(json_t *document)
{
	char *text = json_dumps(document, JSON_INDENT(2));

	CHECK(text != NULL);
	ctl_print(str_from_c(text));
	ctl_print(STR("\n"));
	free(text);
	json_decref(document);
}

const char *json_member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text == NULL ? "" : text;
}

json_t *json_text(struct str text)
{
	json_t *string = json_stringn(text.ptr == NULL ? "" : text.ptr, text.len);
	struct buf escaped = BUF_INIT(4 * text.len + 1);

	if (string == NULL) {
		text_append_phrase(&escaped, text);
		string = json_stringn(escaped.data, escaped.len);
	}
	buf_done(&escaped);
	CHECK(string != NULL);
	return string;
}

char *ctl_path(const struct ctl *ctl, const char *name)
{
	return path_join(ctl->home, name);
}

int cmd_print_man(struct ctl *ctl)
{
	struct buf page = BUF_INIT(PAGE_MAX);

	help_append_man(&page, &ctl_commands, POSTERN_VERSION);
	ctl_print(buf_str(&page));
	buf_done(&page);
	return CTL_DONE;
}

int cmd_print_bash(struct ctl *ctl)
{
	struct buf page = BUF_INIT(PAGE_MAX);

	help_append_bash(&page, &ctl_commands);
	ctl_print(buf_str(&page));
	buf_done(&page);
	return CTL_DONE;
}

int cmd_print_openapi(struct ctl *ctl)
{
	struct buf page = BUF_INIT(OPENAPI_BYTES_MAX);

	ctl->above->openapi(&page);
	ctl_print(buf_str(&page));
	buf_done(&page);
	return CTL_DONE;
}

static int help_print(const struct arguments *arguments)
{
	struct buf page = BUF_INIT(PAGE_MAX);

	if (arguments->command != NULL)
		help_append_command(&page, arguments->command);
	else if (arguments_has(arguments, OPTION_BIT(VERSION)))
		buf_append_c(&page, "postern " POSTERN_VERSION "\n");
	else
		help_append_table(&page, &ctl_commands, arguments->group);
	ctl_print(buf_str(&page));
	buf_done(&page);
	return CTL_DONE;
}

static int arguments_fail(const struct buf *error)
{
	return ctl_fail(CTL_USAGE, "%.*s\nTry `postern --help`.", STR_ARG(buf_str(error)));
}

int ctl_main(int argc, char **argv, const struct ctl_above *above)
{
	struct buf error = BUF_INIT(LINE_MAX_BYTES);
	struct arguments arguments;
	int code;

	signal(SIGPIPE, SIG_IGN);
	if (!arguments_parse(&ctl_commands, argc, argv, &arguments, &error))
		code = arguments_fail(&error);
	else if (arguments.command == NULL || arguments_has(&arguments, OPTION_BIT(HELP)))
		code = help_print(&arguments);
	else {
		const char *home = arguments.values[OPTION_HOME];
		struct ctl ctl = {.home = home != NULL ? home : CTL_HOME_DEFAULT,
				  .arguments = &arguments,
				  .above = above};
		code = arguments.command->run(&ctl);
	}
	buf_done(&error);
	return code;
}
