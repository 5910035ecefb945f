/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/help.h"

static bool is_in_group(const struct command *command, const char *group)
{
	struct str name = str_from_c(command->name);

	return group == NULL || str_equals(str_cut(&name, ' '), str_from_c(group));
}

static void append_padded(struct buf *to, const char *text, size_t width)
{
	buf_append_c(to, text);
	for (size_t i = strlen(text); i < width; i++)
		buf_append_char(to, ' ');
}

/* "user add ADDRESS [--admin] ..." without the program's name. */
static void append_synopsis(struct buf *to, const struct command *command)
{
	buf_append_c(to, command->name);
	if (command->arguments[0] != '\0')
		buf_printf(to, " %s", command->arguments);
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = option_row((enum option)i);
		if ((command->options & (UINT64_C(1) << i)) == 0)
			continue;
		buf_printf(to, row->value == NULL ? " [--%s" : " [--%s %s", row->name, row->value);
		buf_append_char(to, ']');
	}
}

static void append_option_name(struct buf *to, enum option option)
{
	const struct option_row *row = option_row(option);

	if (row->letter != 0)
		buf_printf(to, "-%c, ", row->letter);
	buf_printf(to, "--%s", row->name);
	if (row->value != NULL)
		buf_printf(to, " %s", row->value);
}

static void append_option_line(struct buf *to, enum option option)
{
	struct buf name = BUF_INIT(100);

	append_option_name(&name, option);
	buf_append_char(&name, '\0');
	buf_append_c(to, "  ");
	append_padded(to, name.data, 22);
	buf_printf(to, " %s\n", option_row(option)->help);
	buf_done(&name);
}

static void append_option_lines(struct buf *to, uint64_t options)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if ((options & (UINT64_C(1) << i)) != 0)
			append_option_line(to, (enum option)i);
}

static const char EXIT_CODES[] = "Exit codes: 0 done, 1 a finding or a warning, 2 wrong use or bad "
				 "configuration,\n3 the server is not running or unreachable.\n";

void help_append_table(struct buf *to, const struct command_table *table, const char *group)
{
	buf_append_c(to, "Usage: postern COMMAND [--home DIR] ...\n\nCommands:\n");
	for (size_t i = 0; i < table->count; i++) {
		const struct command *command = &table->rows[i];
		if (!is_in_group(command, group) || command->help[0] == '\0')
			continue;
		buf_append_c(to, "  ");
		append_padded(to, command->name, 14);
		buf_printf(to, " %s\n", command->help);
	}
	buf_append_c(to, "\nOptions of every command:\n");
	append_option_lines(to, OPTIONS_COMMON);
	buf_append_c(to, "\n`postern COMMAND --help` says more about each.\n");
	buf_append_c(to, EXIT_CODES);
}

void help_append_command(struct buf *to, const struct command *command)
{
	buf_append_c(to, "Usage: postern ");
	append_synopsis(to, command);
	buf_printf(to, "\n\n%s.\n", command->help);
	if (command->about[0] != '\0')
		buf_printf(to, "%s\n", command->about);
	buf_append_c(to, "\nOptions:\n");
	append_option_lines(to, command->options | OPTIONS_COMMON);
}

/* A hyphen of a name is no hyphen of a text, and no line may begin with a control character. */
static void append_roff(struct buf *to, const char *text)
{
	for (const char *at = text; *at != '\0'; at++) {
		if (*at == '\\')
			buf_append_c(to, "\\e");
		else if (*at == '-')
			buf_append_c(to, "\\-");
		else {
			if ((*at == '.' || *at == '\'') && (at == text || at[-1] == '\n'))
				buf_append_c(to, "\\&");
			buf_append_char(to, *at);
		}
	}
}

static void man_append_command(struct buf *to, const struct command *command)
{
	struct buf synopsis = BUF_INIT(1000);

	append_synopsis(&synopsis, command);
	buf_append_char(&synopsis, '\0');
	buf_append_c(to, ".TP\n.B postern ");
	append_roff(to, synopsis.data);
	buf_append_char(to, '\n');
	append_roff(to, command->help);
	buf_append_c(to, ".\n");
	if (command->about[0] != '\0') {
		append_roff(to, command->about);
		buf_append_char(to, '\n');
	}
	buf_done(&synopsis);
}

static void man_append_options(struct buf *to)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		struct buf name = BUF_INIT(100);
		append_option_name(&name, (enum option)i);
		buf_append_char(&name, '\0');
		buf_append_c(to, ".TP\n.B ");
		append_roff(to, name.data);
		buf_append_char(to, '\n');
		append_roff(to, option_row((enum option)i)->help);
		buf_append_c(to, ".\n");
		buf_done(&name);
	}
}

static const char MAN_END[] =
	".SH EXIT STATUS\n"
	".TP\n.B 0\ndone\n"
	".TP\n.B 1\na finding or a warning\n"
	".TP\n.B 2\nwrong use or bad configuration\n"
	".TP\n.B 3\nthe server is not running or unreachable\n"
	".SH FILES\n"
	".TP\n.I HOME/mailserver.cfg\nthe configuration; the file is the truth\n"
	".TP\n.I HOME/sslcert/\ncertificates and keys: server.crt and server.key, further pairs by "
	"name\n"
	".TP\n.I HOME/dkim/\nkeys that mail is signed with; DOMAIN/keys tells their states\n"
	".TP\n.I HOME/sslca/\nextra trust anchors; in clients/ those for certificates of users\n"
	".TP\n.I HOME/store/\nmail, indexes, accounts\n"
	".TP\n.I HOME/store/logs/\nmail.log, security.log, error.log and others\n"
	".TP\n.I HOME/run/control\nthe socket by which commands reach the running server\n"
	".SH SIGNALS\n"
	"The server stops on SIGTERM and SIGINT and reloads its configuration on SIGHUP.\n";

void help_append_man(struct buf *to, const struct command_table *table, const char *version)
{
	buf_append_c(to, ".\\\" SPDX-License-Identifier: Apache-2.0\n"
			 ".\\\" Made from the table of commands: postern print man\n");
	buf_printf(to, ".TH POSTERN 1 \"\" \"Postern %s\" \"Postern\"\n", version);
	buf_append_c(to, ".SH NAME\npostern \\- mail server whose TLS policy is one file\n"
			 ".SH SYNOPSIS\n.B postern\n.I COMMAND\n"
			 "[\\fB\\-\\-home\\fR \\fIDIR\\fR] ...\n"
			 ".SH DESCRIPTION\n"
			 "Postern takes, keeps and gives back mail over SMTP, IMAP and POP3. The file "
			 "mailserver.cfg in its home directory says which TLS protocols, cipher suites "
			 "and key exchanges each service admits. The options common to all commands may "
			 "stand before or behind the command's name. Errors go to standard error.\n"
			 ".SH COMMANDS\n");
	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].help[0] != '\0')
			man_append_command(to, &table->rows[i]);
	buf_append_c(to, ".SH OPTIONS\n");
	man_append_options(to);
	buf_append_c(to, MAN_END);
}

/* The first words of all commands, each once; those of a group stand together. */
static void bash_append_first_words(struct buf *to, const struct command_table *table)
{
	struct str before = {0};

	for (size_t i = 0; i < table->count; i++) {
		struct str rest = str_from_c(table->rows[i].name);
		struct str first = str_cut(&rest, ' ');
		if (table->rows[i].help[0] == '\0' || str_equals(first, before))
			continue;
		buf_printf(to, "%s%.*s", before.ptr == NULL ? "" : " ", STR_ARG(first));
		before = first;
	}
}

/* The second words of each group; a group within a group is one of them. */
static void bash_append_groups(struct buf *to, const struct command_table *table)
{
	struct str open = {0}, before = {0};

	for (size_t i = 0; i < table->count; i++) {
		struct str rest = str_from_c(table->rows[i].name);
		struct str first = str_cut(&rest, ' ');
		if (table->rows[i].help[0] == '\0' || rest.ptr == NULL)
			continue;
		struct str second = str_cut(&rest, ' ');
		if (str_equals(first, open) && str_equals(second, before))
			continue;
		before = second;
		if (!str_equals(first, open)) {
			if (open.ptr != NULL)
				buf_append_c(to, "\" ;;\n");
			buf_printf(to, "\t%.*s) subs=\"", STR_ARG(first));
			open = first;
		} else
			buf_append_char(to, ' ');
		buf_append_str(to, second);
	}
	if (open.ptr != NULL)
		buf_append_c(to, "\" ;;\n");
}

/* The third words of commands of three, whose first two then stand for the first. */
static void bash_append_inner_groups(struct buf *to, const struct command_table *table)
{
	struct str open = {0};

	for (size_t i = 0; i < table->count; i++) {
		struct str rest = str_from_c(table->rows[i].name), whole = rest;
		str_cut(&rest, ' ');
		str_cut(&rest, ' ');
		if (table->rows[i].help[0] == '\0' || rest.ptr == NULL)
			continue;
		struct str group = str_make(whole.ptr, whole.len - rest.len - 1);
		if (!str_equals(group, open))
			buf_printf(to, "%s\t\"%.*s\") first=\"%.*s\" second=$third subs=\"",
				   open.ptr == NULL ? "" : "\" ;;\n", STR_ARG(group),
				   STR_ARG(group));
		else
			buf_append_char(to, ' ');
		open = group;
		buf_append_str(to, rest);
	}
	if (open.ptr != NULL)
		buf_append_c(to, "\" ;;\n");
}

static void bash_append_options(struct buf *to, const struct command_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		uint64_t options = table->rows[i].options | OPTIONS_COMMON;
		if (table->rows[i].help[0] == '\0')
			continue;
		buf_printf(to, "\t\"%s\") options=\"", table->rows[i].name);
		for (int k = 0, count = 0; k < OPTION_COUNT; k++)
			if ((options & UINT64_C(1) << k) != 0)
				buf_printf(to, "%s--%s", count++ == 0 ? "" : " ",
					   option_row((enum option)k)->name);
		buf_append_c(to, "\" ;;\n");
	}
}

static void bash_append_valued(struct buf *to)
{
	for (int i = 0, count = 0; i < OPTION_COUNT; i++)
		if (option_row((enum option)i)->value != NULL)
			buf_printf(to, "%s--%s", count++ == 0 ? "" : "|",
				   option_row((enum option)i)->name);
}

void help_append_bash(struct buf *to, const struct command_table *table)
{
	buf_append_c(to, "# SPDX-License-Identifier: Apache-2.0\n"
			 "# Made from the table of commands: postern print bash\n"
			 "_postern()\n{\n"
			 "\tlocal current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
			 "\tlocal first= second= third= subs= options=\"--home --help\" i\n"
			 "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
			 "\t\tcase ${COMP_WORDS[i]} in\n\t\t");
	bash_append_valued(to);
	buf_append_c(to, ") ((i++)) ;;\n\t\t-*) ;;\n"
			 "\t\t*) if [[ -z $first ]]; then first=${COMP_WORDS[i]}\n"
			 "\t\t   elif [[ -z $second ]]; then second=${COMP_WORDS[i]}\n"
			 "\t\t   elif [[ -z $third ]]; then third=${COMP_WORDS[i]}; fi ;;\n"
			 "\t\tesac\n\tdone\n"
			 "\tcase $before in\n"
			 "\t--home) mapfile -t COMPREPLY < <(compgen -d -- \"$current\"); return ;;\n"
			 "\t--ports) mapfile -t COMPREPLY < <(compgen -W \"standard unprivileged\" -- "
			 "\"$current\"); return ;;\n"
			 "\t--from) mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); return ;;\n"
			 "\tesac\n"
			 "\tif [[ -z $first && $current != -* ]]; then\n"
			 "\t\tmapfile -t COMPREPLY < <(compgen -W \"");
	bash_append_first_words(to, table);
	buf_append_c(to, "\" -- \"$current\")\n\t\treturn\n\tfi\n\tcase $first in\n");
	bash_append_groups(to, table);
	buf_append_c(to, "\tesac\n\tcase \"$first $second\" in\n");
	bash_append_inner_groups(to, table);
	buf_append_c(to, "\tesac\n"
			 "\tif [[ -n $subs && -z $second && $current != -* ]]; then\n"
			 "\t\tmapfile -t COMPREPLY < <(compgen -W \"$subs\" -- \"$current\")\n"
			 "\t\treturn\n\tfi\n"
			 "\tif [[ -n $subs ]]; then first=\"$first $second\"; fi\n"
			 "\tcase $first in\n");
	bash_append_options(to, table);
	buf_append_c(to, "\tesac\n"
			 "\tif [[ $current == -* ]]; then\n"
			 "\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")\n"
			 "\telif [[ $first == logs ]]; then\n"
			 "\t\tmapfile -t COMPREPLY < <(compgen -W \"mail security error warning operations "
			 "audit config debug\" -- \"$current\")\n"
			 "\telse\n"
			 "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
			 "\tfi\n}\n"
			 "complete -o filenames -F _postern postern\n");
}
