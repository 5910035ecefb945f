/* SPDX-License-Identifier: Apache-2.0 */
/* init: a home from nothing. What was begun and failed is taken away again. */
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/system_user.h"
#include "config/file.h"
#include "config/initial.h"
#include "ctl/ctl.h"
#include "ctl/link.h"
#include "proto/address.h"
#include "tls/catalog.h"
#include "tls/certificate.h"

enum { HOSTNAME_MAX_BYTES = 256, ACCOUNT_MAX_BYTES = 1000, WALK_DEPTH = 16 };

struct setup {
	struct ctl *ctl;
	char hostname[HOSTNAME_MAX_BYTES];
	bool has_hostname; /* it was asked for, not guessed */
	enum config_ports ports;
	const struct suite_catalog *catalog;
	struct system_user user;
};

static bool folder_is_empty(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	bool is_empty = folder != NULL;

	while (is_empty && (entry = readdir(folder)) != NULL)
		is_empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	if (folder != NULL)
		closedir(folder);
	return is_empty;
}

/* The domain of --administrator, "" without that option; NULL, said so, when it is no address. */
static const char *administrator_domain(const struct ctl *ctl)
{
	const char *address = ctl_value(ctl, OPTION_ADMINISTRATOR);
	CLEANUP_BUF struct buf account = BUF_INIT(ACCOUNT_MAX_BYTES);

	if (address == NULL)
		return "";
	if (address_append_account(&account, str_from_c(address)))
		return strrchr(address, '@') + 1;
	ctl_fail(CTL_USAGE, "--administrator %s: it should look like root@example.org", address);
	return NULL;
}

static int options_read(struct setup *setup)
{
	const char *hostname = ctl_value(setup->ctl, OPTION_HOSTNAME);
	const char *ports = ctl_value(setup->ctl, OPTION_PORTS);

	if (administrator_domain(setup->ctl) == NULL)
		return CTL_USAGE;
	setup->has_hostname = hostname != NULL;
	if (hostname == NULL && gethostname(setup->hostname, sizeof(setup->hostname) - 1) != 0)
		setup->hostname[0] = '\0';
	if (hostname != NULL &&
	    !str_copy_c(str_from_c(hostname), setup->hostname, sizeof(setup->hostname)))
		return ctl_fail(CTL_USAGE, "--hostname: the name is too long");
	if (!domain_check(str_from_c(setup->hostname)))
		return ctl_fail(CTL_USAGE,
				"%s is no name that a server may have; give one with --hostname, "
				"such as mail.example.org", setup->hostname);
	if (ports == NULL || strcmp(ports, "standard") == 0)
		setup->ports = CONFIG_PORTS_STANDARD;
	else if (strcmp(ports, "unprivileged") == 0)
		setup->ports = CONFIG_PORTS_UNPRIVILEGED;
	else
		return ctl_fail(CTL_USAGE, "--ports %s: it is standard or unprivileged", ports);
	return CTL_DONE;
}

/* Makes the folders; the home itself last said, so that one that exists is told apart. */
static int folders_make(const char *home)
{
	static const char *const names[] = {"sslcert", "sslca", "store", "store/auth", "store/logs"};

	if (mkdir(home, 0700) != 0 && errno != EEXIST)
		return ctl_fail(CTL_USAGE, "%s cannot be made: %s", home, strerror(errno));
	if (!folder_is_empty(home))
		return ctl_fail(CTL_USAGE, "%s exists and is not empty; nothing is changed", home);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = path_join(home, names[i]);
		enum fault fault = folder_make(path, 0700);
		free(path);
		if (fault != FAULT_NONE)
			return ctl_fail(CTL_USAGE, "%s/%s cannot be made: %s", home, names[i],
					fault_text(fault));
	}
	return CTL_DONE;
}

static void findings_say(const struct findings *findings, const char *file)
{
	for (size_t i = 0; i < findings->count; i++) {
		struct buf line = BUF_INIT(64 * 1024);
		finding_append(&line, str_from_c(file), &findings->items[i]);
		if (findings->items[i].severity == FINDING_ERROR)
			ctl_fail(0, "%.*s", STR_ARG(str_trim(buf_str(&line))));
		else
			ctl_print(buf_str(&line));
		buf_done(&line);
	}
}

/* The text of the new file: our own, or the one given, with what it lacks. */
static int config_text_make(const struct setup *setup, struct findings *findings, struct buf *text)
{
	const char *from = ctl_value(setup->ctl, OPTION_FROM);
	struct str hostname = str_from_c(setup->hostname);
	struct buf given = BUF_INIT(CONFIG_FILE_MAX);

	if (from == NULL) {
		config_initial_append(text, hostname, setup->ports);
		return CTL_DONE;
	}
	enum fault fault = file_read(from, &given);
	if (fault == FAULT_NONE)
		fault = config_adopted_append(text, buf_str(&given),
					      setup->has_hostname ? hostname : STR(""),
					      setup->ports, findings);
	buf_done(&given);
	if (fault == FAULT_NONE)
		return CTL_DONE;
	findings_say(findings, from);
	return ctl_fail(CTL_USAGE, "%s cannot be taken over: %s", from, fault_text(fault));
}

/* Checks the text as the server will, and takes from it whom the server becomes. */
static int config_accept(struct setup *setup, struct str text)
{
	const char *from = ctl_value(setup->ctl, OPTION_FROM);
	struct buf message = BUF_INIT(1000);
	struct config *config = NULL;
	struct findings findings;
	int code = CTL_DONE;

	findings_init(&findings);
	enum fault fault = config_parse(text, from != NULL ? from : "mailserver.cfg",
					setup->catalog, &findings, &config);
	if (fault != FAULT_NONE || from != NULL)
		findings_say(&findings, from != NULL ? from : "mailserver.cfg");
	if (fault != FAULT_NONE)
		code = ctl_fail(CTL_USAGE, "this configuration has errors; no home was made");
	else if (system_user_choose(config->server.user, &setup->user, &message) != FAULT_NONE)
		code = CTL_USAGE;
	if (message.len > 0)
		ctl_fail(0, "%.*s", STR_ARG(buf_str(&message)));
	config_unref(&config);
	findings_done(&findings);
	buf_done(&message);
	return code;
}

static int config_write(struct setup *setup)
{
	struct buf text = BUF_INIT(CONFIG_FILE_MAX);
	char *path = ctl_path(setup->ctl, "mailserver.cfg");
	struct findings findings;

	findings_init(&findings);
	int code = config_text_make(setup, &findings, &text);
	if (code == CTL_DONE)
		code = config_accept(setup, buf_str(&text));
	if (code == CTL_DONE) {
		enum fault fault = file_replace(path, buf_str(&text), 0600);
		if (fault != FAULT_NONE)
			code = ctl_fail(CTL_USAGE, "%s: %s", path, fault_text(fault));
	}
	findings_done(&findings);
	buf_done(&text);
	free(path);
	return code;
}

static int certificates_make(const struct setup *setup)
{
	struct buf why = BUF_INIT(4096);
	char *folder = ctl_path(setup->ctl, "sslcert");
	enum fault fault = tls_pairs_create(folder, str_from_c(setup->hostname), &why);
	int code = CTL_DONE;

	if (fault != FAULT_NONE)
		code = ctl_fail(CTL_USAGE, "certificates cannot be made in %s: %s: %.*s", folder,
				fault_text(fault), STR_ARG(buf_str(&why)));
	buf_done(&why);
	free(folder);
	return code;
}

/* Opening makes it; the roles do that as the user whom the server becomes. */
static int store_make(const struct setup *setup)
{
	const char *home = setup->ctl->home;
	struct link link;
	enum fault fault = system_user_own_home(&setup->user, home);

	if (fault != FAULT_NONE)
		return ctl_fail(CTL_USAGE, "%s cannot be given to the user %s: %s", home,
				setup->user.name, fault_text(fault));
	fault = link_open(&link, home, LINK_STORE | LINK_AUTH);
	link_close(&link);
	return fault == FAULT_NONE ? CTL_DONE : CTL_USAGE;
}

/* Carries out a command with one word, as if it had been given, with our input and these options. */
static int command_run(const struct ctl *ctl, const char *name, const char *word, uint64_t options)
{
	struct arguments arguments = *ctl->arguments;
	struct ctl inner = {.home = ctl->home, .arguments = &arguments};

	for (size_t i = 0; i < ctl_commands.count; i++)
		if (strcmp(ctl_commands.rows[i].name, name) == 0)
			arguments.command = &ctl_commands.rows[i];
	arguments.words[0] = word;
	arguments.word_count = 1;
	arguments.given |= options;
	return arguments.command->run(&inner);
}

static int administrator_make(const struct ctl *ctl)
{
	if (ctl_value(ctl, OPTION_ADMINISTRATOR) == NULL)
		return CTL_DONE;
	int code = command_run(ctl, "domain add", administrator_domain(ctl), 0);
	return code == CTL_DONE ? command_run(ctl, "user add", ctl_value(ctl, OPTION_ADMINISTRATOR),
					      OPTION_BIT(ADMIN))
				: code;
}

static int entry_remove(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	/* The home itself stays if it was there before; an empty folder harms nobody. */
	return place->level == 0 ? 0 : remove(path);
}

static void home_clear(const char *home)
{
	if (nftw(home, entry_remove, WALK_DEPTH, FTW_DEPTH | FTW_PHYS) == 0)
		(void)rmdir(home);
}

static void next_steps_print(const struct setup *setup)
{
	const char *home = setup->ctl->home;
	struct buf text = BUF_INIT(8192);

	buf_printf(&text,
		   "%s is a home for %s now.\n"
		   "  mailserver.cfg  its configuration; `postern check --home %s` checks it\n"
		   "  sslcert/        certificates of its own making; put your own in their place\n"
		   "Next:\n",
		   home, setup->hostname, home);
	if (ctl_value(setup->ctl, OPTION_ADMINISTRATOR) == NULL)
		buf_printf(&text,
			   "  postern domain add example.org --home %s\n"
			   "  postern user add anna@example.org --home %s\n"
			   "  postern serve --home %s\n",
			   home, home, home);
	else
		buf_printf(&text,
			   "  postern serve --home %s\n"
			   "  and in a browser https://%s:4040/, as %s: First steps tells what is missing\n",
			   home, setup->hostname, ctl_value(setup->ctl, OPTION_ADMINISTRATOR));
	ctl_print(buf_str(&text));
	buf_done(&text);
}

int cmd_init(struct ctl *ctl)
{
	struct setup setup = {.ctl = ctl};
	int code = options_read(&setup);

	if (code == CTL_DONE)
		code = folders_make(ctl->home);
	if (code != CTL_DONE)
		return code;
	setup.catalog = tls_catalog_new();
	code = config_write(&setup);
	if (code == CTL_DONE)
		code = certificates_make(&setup);
	if (code == CTL_DONE)
		code = store_make(&setup);
	if (code == CTL_DONE)
		code = administrator_make(ctl);
	tls_catalog_free(&setup.catalog);
	if (code == CTL_DONE)
		next_steps_print(&setup);
	else
		home_clear(ctl->home);
	return code;
}
