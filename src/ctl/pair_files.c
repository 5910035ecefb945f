/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/pair_files.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "ctl/told.h"
#include "tls/certificate_facts.h"

enum { NAME_LEN_MAX = 200, WHY_MAX = 4096, TEXT_MAX = 256 * 1024, KEY_MODE = 0600, CHAIN_MODE = 0644 };

/* A word that becomes a file's name; "-ecdsa.crt" still has to fit behind it. */
static bool name_is_usable(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_alnum(name.ptr[i]) &&
		    str_find_char(STR("-._"), name.ptr[i]) == STR_NONE)
			return false;
	return name.len > 0 && name.len <= NAME_LEN_MAX && name.ptr[0] != '.' &&
	       !str_has_suffix_nocase(name, STR(".crt")) && !str_has_suffix_nocase(name, STR(".key"));
}

int pair_name_read(const struct ctl *ctl, const char **name_out)
{
	*name_out = ctl->arguments->words[0];
	if (name_is_usable(str_from_c(*name_out)))
		return CTL_DONE;
	return ctl_fail_field(FAULT_INVALID, "name",
			      "%s: the name of a pair is made of letters, digits, `-`, `_` and dots, "
			      "without .crt or .key; `server` is the one for clients that name no host",
			      *name_out);
}

int pair_file_take(const char *path, struct buf *to)
{
	bool is_input = path == NULL || str_equals(str_from_c(path), STR("-"));
	const char *shown = is_input ? "the standard input" : path;
	enum fault fault = is_input ? fd_read_file(STDIN_FILENO, to) : file_read(path, to);

	if (fault == FAULT_NONE)
		return CTL_DONE;
	if (fault == FAULT_TOO_LARGE)
		return ctl_fail(CTL_USAGE, "%s: it has more than %zu KiB, too much for a certificate",
				shown, to->max / 1024);
	return ctl_fail(CTL_USAGE, "%s: %s", shown, fault_text(fault));
}

char *pair_part_path(const struct ctl *ctl, const char *name, const char *suffix)
{
	struct buf path = BUF_INIT(PATH_MAX);

	buf_printf(&path, "%s/sslcert/%s%s", ctl->home, name, suffix);
	char *text = str_dup_c(buf_str(&path));
	buf_done(&path);
	return text;
}

/* ---- writing ---- */

/* Without a server. What root writes belongs to whom the folder belongs to: the server reads it. */
static enum fault file_put_here(const struct ctl *ctl, const char *place, struct str content)
{
	char *path = ctl_path(ctl, place);
	bool is_chain = str_has_suffix_nocase(str_from_c(place), STR(".crt"));
	enum fault fault = file_replace(path, content, is_chain ? CHAIN_MODE : KEY_MODE);

	if (fault == FAULT_NONE) {
		char *folder = str_dup_c(str_sub(str_from_c(path), 0, str_find_last_char(str_from_c(path), '/')));
		file_give(path, folder);
		free(folder);
	}
	free(path);
	return fault;
}

int pair_file_put(const struct ctl *ctl, struct link *link, const char *place, struct str content)
{
	enum fault fault = link->control.fd >= 0 ? link_file_put(link, place, content)
						 : file_put_here(ctl, place, content);

	return fault == FAULT_NONE ? CTL_DONE
				   : ctl_fail_field(fault, NULL, "%s cannot be written: %s", place,
						    fault_text(fault));
}

static int part_put(const struct ctl *ctl, struct link *link, const char *name, const char *suffix,
		    struct str content)
{
	CLEANUP_BUF struct buf place = BUF_INIT(NAME_LEN_MAX + 64);

	buf_printf(&place, "sslcert/%s%s", name, suffix);
	buf_append_char(&place, '\0');
	return pair_file_put(ctl, link, place.data, content);
}

int pair_write(const struct ctl *ctl, const char *name, const struct tls_pair *pair)
{
	struct link link;
	int code = CTL_DONE;

	/* Without one it writes by itself. */
	(void)!link_open_control(&link, ctl->home);
	if (pair->key.len > 0)
		code = part_put(ctl, &link, name, ".key", buf_str(&pair->key));
	if (code == CTL_DONE)
		code = part_put(ctl, &link, name, ".crt", buf_str(&pair->chain));
	link_close(&link);
	return code;
}

/* ---- putting it in force ---- */

int pair_announce(const struct ctl *ctl, const char *what)
{
	bool is_said = !ctl_has(ctl, OPTION_BIT(JSON));
	struct link link;
	int code = CTL_DONE;

	if (link_open_control(&link, ctl->home) == FAULT_NONE) {
		code = link_ask_in_force(
			&link, MSG_certificates_changed,
			&(struct msg_certificates_changed){.text = str_from_c(what)}, "the pair");
		if (code == CTL_DONE && is_said)
			ctl_print(STR("In force.\n"));
	} else {
		config_change_tell(&link, str_from_c(what));
		if (is_said)
			ctl_print(STR("Written; it is served when the server starts.\n"));
	}
	link_close(&link);
	return code;
}

void pair_describe(const char *name, const struct tls_pair *pair)
{
	struct tls_certificate *certificate = NULL;
	struct buf text = BUF_INIT(TEXT_MAX), why = BUF_INIT(WHY_MAX);

	if (tls_certificate_parse(buf_str(&pair->chain), &why, &certificate) == FAULT_NONE) {
		buf_printf(&text, "sslcert/%s: %s %d, ", name,
			   tls_key_kind_name(tls_certificate_kind(certificate)),
			   tls_certificate_bits(certificate));
		tls_certificate_describe(certificate, &text);
		buf_append_char(&text, '\n');
		ctl_print(buf_str(&text));
	}
	tls_certificate_unref(&certificate);
	buf_done(&text);
	buf_done(&why);
}
