/* SPDX-License-Identifier: Apache-2.0 */
/* cert import, cert self-signed, cert csr: pairs come into sslcert/. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "ctl/home_pairs.h"
#include "ctl/link.h"
#include "ctl/password.h"
#include "ctl/told.h"
#include "tls/certificate_facts.h"
#include "tls/pair.h"
#include "tls/pem.h"

enum { NAME_LEN_MAX = 200, WHY_MAX = 4096, TEXT_MAX = 256 * 1024 };

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

static int name_read(const struct ctl *ctl, const char **name_out)
{
	*name_out = ctl->arguments->words[0];
	if (name_is_usable(str_from_c(*name_out)))
		return CTL_DONE;
	return ctl_fail(CTL_USAGE,
			"%s: the name of a pair is made of letters, digits, `-`, `_` and dots, without "
			".crt or .key; `server` is the one for clients that name no host",
			*name_out);
}

/* Reads a file that a word names, or the standard input; its exit code after it said why not. */
static int file_take(const char *path, struct buf *to)
{
	bool is_input = path == NULL || str_equals(str_from_c(path), STR("-"));
	enum fault fault = is_input ? fd_read_file(STDIN_FILENO, to) : file_read(path, to);

	if (fault == FAULT_NONE)
		return CTL_DONE;
	if (fault == FAULT_TOO_LARGE)
		return ctl_fail(CTL_USAGE, "%s: it has more than %zu KiB, too much for a certificate",
				path, to->max / 1024);
	return ctl_fail(CTL_USAGE, "%s: %s", path, fault_text(fault));
}

/* HOME/sslcert/NAME with a suffix; the caller frees. */
static char *part_path(const struct ctl *ctl, const char *name, const char *suffix)
{
	struct buf path = BUF_INIT(PATH_MAX);

	buf_printf(&path, "%s/sslcert/%s%s", ctl->home, name, suffix);
	char *text = str_dup_c(buf_str(&path));
	buf_done(&path);
	return text;
}

/* ---- writing a pair, and putting it in force ---- */

/* The server must be able to read what root writes for it. */
static void part_give(const struct ctl *ctl, const char *name, const char *suffix)
{
	char *path = part_path(ctl, name, suffix), *folder = ctl_path(ctl, "sslcert");

	file_give(path, folder);
	free(path);
	free(folder);
}

/* The running server's parent writes it: whoever runs this may not be allowed to. */
static int part_send(struct link *link, const char *name, const char *suffix, struct str content)
{
	CLEANUP_BUF struct buf place = BUF_INIT(NAME_LEN_MAX + 64);

	buf_printf(&place, "sslcert/%s%s", name, suffix);
	buf_append_char(&place, '\0');
	enum fault fault = link_file_put(link, place.data, content);
	return fault == FAULT_NONE ? CTL_DONE
				   : ctl_fail_field(fault, NULL, "%s cannot be written: %s",
						    place.data, fault_text(fault));
}

static int pair_send(struct link *link, const char *name, const struct tls_pair *pair)
{
	int code = part_send(link, name, ".key", buf_str(&pair->key));

	return code == CTL_DONE ? part_send(link, name, ".crt", buf_str(&pair->chain)) : code;
}

/* Without a server. */
static int pair_write_here(const struct ctl *ctl, const char *name, const struct tls_pair *pair)
{
	char *folder = ctl_path(ctl, "sslcert");
	struct buf why = BUF_INIT(WHY_MAX);
	int code = CTL_DONE;

	if (tls_pair_write(folder, name, pair, &why) != FAULT_NONE)
		code = ctl_fail(CTL_USAGE, "%.*s", STR_ARG(buf_str(&why)));
	part_give(ctl, name, ".key");
	part_give(ctl, name, ".crt");
	buf_done(&why);
	free(folder);
	return code;
}

static int pair_write(const struct ctl *ctl, const char *name, const struct tls_pair *pair)
{
	struct link link;
	bool is_running = link_open_control(&link, ctl->home) == FAULT_NONE;
	int code = is_running ? pair_send(&link, name, pair) : pair_write_here(ctl, name, pair);

	link_close(&link);
	return code;
}

/* What became of it when the server was asked. */
static int server_take(struct link *link, const char *what)
{
	struct msg_certificates_changed changed = {.text = str_from_c(what)};
	struct packet answer;
	int code = CTL_DONE;

	packet_init(&answer);
	enum fault fault = link_ask_parent(link, MSG_certificates_changed, &changed, MSG_done, &answer);
	if (fault != FAULT_NONE)
		code = ctl_fail(CTL_NOT_RUNNING, "the pair is written, but the server does not answer: %s",
				fault_text(fault));
	else if (answer.message.done.fault != FAULT_NONE)
		code = ctl_fail(CTL_FINDING, "the pair is written, but not in force: %.*s",
				STR_ARG(answer.message.done.text));
	packet_done(&answer);
	return code;
}

/* Tells the server, or config.log; says when it is served. */
static int pair_announce(const struct ctl *ctl, const char *what)
{
	struct link link;
	int code = CTL_DONE;

	if (link_open_control(&link, ctl->home) == FAULT_NONE) {
		code = server_take(&link, what);
		if (code == CTL_DONE)
			ctl_print(STR("In force.\n"));
	} else {
		config_change_tell(&link, str_from_c(what));
		ctl_print(STR("Written; it is served when the server starts.\n"));
	}
	link_close(&link);
	return code;
}

static void pair_describe(const char *name, const struct tls_pair *pair)
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

static void findings_say(const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		ctl_fail(0, "%s: %.*s: %.*s", finding_severity_name(findings->items[i].severity),
			 STR_ARG(findings->items[i].place.table), STR_ARG(findings->items[i].text));
}

/* Checks, writes and announces; a pair with errors is refused, and what is there stays. */
static int pair_put(const struct ctl *ctl, const char *name, const struct tls_pair *pair)
{
	struct findings findings;
	struct buf what = BUF_INIT(WHY_MAX);
	int code;

	findings_init(&findings);
	bool is_usable = tls_pair_check(buf_str(&pair->chain), buf_str(&pair->key), name, STR(""),
					clock_real_s(), &findings);
	findings_say(&findings);
	if (!is_usable)
		code = ctl_fail(CTL_USAGE, "refused; sslcert/%s.crt and .key are as they were", name);
	else {
		code = pair_write(ctl, name, pair);
		if (code == CTL_DONE)
			pair_describe(name, pair);
		buf_printf(&what, "Import Certificate {Name=\"%s\"}", name);
		buf_append_char(&what, '\0');
		if (code == CTL_DONE)
			code = pair_announce(ctl, what.data);
		if (code == CTL_DONE && findings.totals[FINDING_WARNING] > 0)
			code = CTL_FINDING;
	}
	buf_done(&what);
	findings_done(&findings);
	return code;
}

/* ---- import ---- */

struct import {
	const struct ctl *ctl;
	const char *name;
	struct buf certificates;
	struct buf key;
	struct buf more;
	struct buf spare;
};

static const char *source_of(const struct import *import)
{
	const struct arguments *arguments = import->ctl->arguments;

	return arguments->word_count > 1 ? arguments->words[1] : "the standard input";
}

/* The password that opens it: none first, then what the administrator says. */
static int pkcs12_take(const struct import *import, struct tls_pair *pair)
{
	struct str file = buf_str(&import->certificates);
	CLEANUP_SECRET struct secret password = {0};
	char text[SECRET_MAX + 1];
	struct buf why = BUF_INIT(WHY_MAX);
	int code = CTL_DONE;
	enum fault fault = tls_pair_from_pkcs12(file, "", pair, &why);

	if (fault == FAULT_DENIED) {
		buf_reset(&why);
		code = password_ask(import->ctl, "Password of the file: ", &password);
		if (code == CTL_DONE && !str_copy_c(secret_reveal(&password), text, sizeof(text)))
			code = ctl_fail(CTL_USAGE, "the password holds a NUL");
		if (code == CTL_DONE)
			fault = tls_pair_from_pkcs12(file, text, pair, &why);
		explicit_bzero(text, sizeof(text));
	}
	if (code == CTL_DONE && fault != FAULT_NONE)
		code = ctl_fail(CTL_USAGE, "%s: %.*s", source_of(import), STR_ARG(buf_str(&why)));
	buf_done(&why);
	return code;
}

static int parts_assemble(const struct import *import, struct tls_pair *pair)
{
	struct tls_pair_parts parts = {.key = buf_str(&import->key),
				       .certificates = buf_str(&import->certificates),
				       .more = buf_str(&import->more),
				       .spare = buf_str(&import->spare)};
	struct buf why = BUF_INIT(WHY_MAX);
	int code = CTL_DONE;

	if (tls_pair_assemble(&parts, pair, &why) != FAULT_NONE)
		code = ctl_fail(CTL_USAGE, "%.*s; sslcert/%s.crt and .key are as they were",
				STR_ARG(buf_str(&why)), import->name);
	buf_done(&why);
	return code;
}

/* The key: of its own file, out of the certificate's, or the one that is there already. */
static int key_take(struct import *import)
{
	if (import->ctl->arguments->word_count > 2)
		return file_take(import->ctl->arguments->words[2], &import->key);
	if (pem_has_private_key(buf_str(&import->certificates))) {
		buf_append_str(&import->key, buf_str(&import->certificates));
		return CTL_DONE;
	}
	char *path = part_path(import->ctl, import->name, ".key");
	int code = file_take(path, &import->key);
	if (code != CTL_DONE)
		ctl_fail(0, "%s holds no private key: name the file that does", source_of(import));
	free(path);
	return code;
}

/* The issuers that served before may serve the renewed certificate, too. */
static void spare_take(struct import *import)
{
	char *path = part_path(import->ctl, import->name, ".crt");

	if (file_read(path, &import->spare) != FAULT_NONE)
		buf_reset(&import->spare);
	free(path);
}

static int import_make(struct import *import, struct tls_pair *pair)
{
	const struct arguments *arguments = import->ctl->arguments;
	const char *file = arguments->word_count > 1 ? arguments->words[1] : NULL;
	int code = file_take(file, &import->certificates);

	if (code == CTL_DONE && pem_is_pkcs12(buf_str(&import->certificates)))
		return pkcs12_take(import, pair);
	if (code == CTL_DONE)
		code = key_take(import);
	if (code == CTL_DONE && arguments->word_count > 3)
		code = file_take(arguments->words[3], &import->more);
	if (code != CTL_DONE)
		return code;
	spare_take(import);
	return parts_assemble(import, pair);
}

int cmd_cert_import(struct ctl *ctl)
{
	struct import import = {.ctl = ctl,
				.certificates = BUF_INIT(TLS_PEM_MAX),
				.key = BUF_INIT(TLS_PEM_MAX),
				.more = BUF_INIT(TLS_PEM_MAX),
				.spare = BUF_INIT(TLS_PEM_MAX)};
	struct tls_pair pair = {};
	int code = name_read(ctl, &import.name);

	if (code == CTL_DONE)
		code = import_make(&import, &pair);
	if (code == CTL_DONE)
		code = pair_put(ctl, import.name, &pair);
	tls_pair_done(&pair);
	buf_wipe(&import.certificates);
	buf_wipe(&import.key);
	buf_done(&import.more);
	buf_done(&import.spare);
	return code;
}

/* ---- self-signed ---- */

/* Whether the certificate of that name came from somebody else: its key would be lost. */
static bool is_from_elsewhere(const struct ctl *ctl, const char *name)
{
	char *path = part_path(ctl, name, ".crt");
	struct buf pem = BUF_INIT(TLS_PEM_MAX), why = BUF_INIT(WHY_MAX), issuer = BUF_INIT(TEXT_MAX);
	struct tls_certificate *certificate = NULL;

	if (file_read(path, &pem) == FAULT_NONE &&
	    tls_certificate_parse(buf_str(&pem), &why, &certificate) == FAULT_NONE)
		tls_certificate_append_issuer(certificate, &issuer);
	bool is_from_elsewhere =
		certificate != NULL && !str_has_prefix(buf_str(&issuer), STR(TLS_LOCAL_ROOT_NAME));
	tls_certificate_unref(&certificate);
	buf_done(&pem);
	buf_done(&why);
	buf_done(&issuer);
	free(path);
	return is_from_elsewhere;
}

/* The names on the command line, or the pair's own as the only one. */
static size_t hosts_read(const struct ctl *ctl, struct str hosts[ARGUMENTS_MAX])
{
	size_t count = ctl->arguments->word_count - 1;

	for (size_t i = 0; i < count; i++)
		hosts[i] = ctl_word(ctl, i + 1);
	if (count > 0)
		return count;
	hosts[0] = ctl_word(ctl, 0);
	return 1;
}

static int self_signed_write(const struct ctl *ctl, const char *name, const struct tls_pair *rsa,
			     const struct tls_pair *ec)
{
	char ec_name[NAME_MAX + 1];
	struct buf what = BUF_INIT(WHY_MAX);

	(void)snprintf(ec_name, sizeof(ec_name), "%s-ecdsa", name);
	int code = pair_write(ctl, name, rsa);
	if (code == CTL_DONE)
		code = pair_write(ctl, ec_name, ec);
	if (code == CTL_DONE) {
		pair_describe(name, rsa);
		pair_describe(ec_name, ec);
		buf_printf(&what, "Make Certificate {Name=\"%s\"}", name);
		buf_append_char(&what, '\0');
		code = pair_announce(ctl, what.data);
	}
	buf_done(&what);
	return code;
}

int cmd_cert_self_signed(struct ctl *ctl)
{
	struct str hosts[ARGUMENTS_MAX];
	struct tls_pair rsa, ec;
	struct buf why = BUF_INIT(WHY_MAX);
	const char *name;
	int code = name_read(ctl, &name);

	if (code == CTL_DONE && is_from_elsewhere(ctl, name))
		code = ctl_fail(CTL_USAGE,
				"sslcert/%s.crt is not of our own making; move it and its key away first, "
				"or take another name",
				name);
	if (code != CTL_DONE)
		return code;
	size_t count = hosts_read(ctl, hosts);
	if (tls_pairs_make_for(hosts, count, &rsa, &ec, &why) != FAULT_NONE)
		code = ctl_fail(CTL_USAGE, "%.*s", STR_ARG(buf_str(&why)));
	else {
		code = self_signed_write(ctl, name, &rsa, &ec);
		tls_pair_done(&rsa);
		tls_pair_done(&ec);
	}
	buf_done(&why);
	return code;
}

/* ---- csr ---- */

/* The names of the certificate that the key has now, as far as a CA has a say; `text` holds them. */
static size_t names_of_present(const struct ctl *ctl, const char *name, struct buf *text,
			       struct str names[ARGUMENTS_MAX])
{
	char *path = part_path(ctl, name, ".crt");
	struct buf pem = BUF_INIT(TLS_PEM_MAX), why = BUF_INIT(WHY_MAX);
	struct tls_certificate *certificate = NULL;
	size_t count = 0;

	if (file_read(path, &pem) == FAULT_NONE &&
	    tls_certificate_parse(buf_str(&pem), &why, &certificate) == FAULT_NONE)
		for (size_t i = 0; i < tls_certificate_name_count(certificate); i++) {
			struct str one = tls_certificate_name(certificate, i);
			if (!str_equals(one, STR("localhost")))
				buf_printf(text, "%.*s\n", STR_ARG(one));
		}
	for (struct str rest = buf_str(text); rest.len > 0 && count < ARGUMENTS_MAX;)
		names[count++] = str_cut(&rest, '\n');
	tls_certificate_unref(&certificate);
	buf_done(&pem);
	buf_done(&why);
	free(path);
	return count;
}

int cmd_cert_csr(struct ctl *ctl)
{
	struct str names[ARGUMENTS_MAX];
	struct buf key = BUF_INIT(TLS_PEM_MAX), pem = BUF_INIT(TEXT_MAX), why = BUF_INIT(WHY_MAX);
	struct buf present = BUF_INIT(TEXT_MAX);
	const char *name;
	int code = name_read(ctl, &name);

	if (code == CTL_DONE) {
		char *path = part_path(ctl, name, ".key");
		code = file_take(path, &key);
		if (code != CTL_DONE)
			ctl_fail(0, "`postern cert self-signed %s` makes a key", name);
		free(path);
	}
	if (code == CTL_DONE) {
		size_t count = ctl->arguments->word_count > 1
				       ? hosts_read(ctl, names)
				       : names_of_present(ctl, name, &present, names);
		if (tls_request_make(buf_str(&key), names, count, &pem, &why) == FAULT_NONE)
			ctl_print(buf_str(&pem));
		else
			code = ctl_fail(CTL_USAGE, "%.*s", STR_ARG(buf_str(&why)));
	}
	buf_wipe(&key);
	buf_done(&pem);
	buf_done(&why);
	buf_done(&present);
	return code;
}
