/* SPDX-License-Identifier: Apache-2.0 */
/* cert self-signed, cert csr, cert pending: keys that are made here, and what becomes of them. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "ctl/columns.h"
#include "ctl/pair_files.h"
#include "ctl/requests.h"
#include "ctl/told.h"
#include "tls/certificate_facts.h"

enum { WHY_MAX = 4096, TEXT_MAX = 256 * 1024 };

/* ---- self-signed ---- */

/* Whether the certificate of that name came from somebody else: its key would be lost. */
static bool is_from_elsewhere(const struct ctl *ctl, const char *name)
{
	char *path = pair_part_path(ctl, name, ".crt");
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
	int code = pair_name_read(ctl, &name);

	if (code == CTL_DONE && is_from_elsewhere(ctl, name))
		code = ctl_fail(CTL_USAGE,
				"sslcert/%s.crt is not of our own making; move it and its key away first, "
				"or take another name",
				name);
	if (code != CTL_DONE)
		return code;
	size_t count = hosts_read(ctl, hosts);
	if (tls_pairs_make_for(hosts, count, &rsa, &ec, &why) != FAULT_NONE)
		code = ctl_fail_field(FAULT_INVALID, "hosts", "%.*s", STR_ARG(buf_str(&why)));
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
	char *path = pair_part_path(ctl, name, ".crt");
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

/* Whom a request is for: the words, or the names of the present, or the pair's own if it is a host's. */
static size_t names_wanted(const struct ctl *ctl, const char *name, struct buf *present,
			   struct str names[ARGUMENTS_MAX])
{
	if (ctl->arguments->word_count > 1)
		return hosts_read(ctl, names);
	size_t count = names_of_present(ctl, name, present, names);
	if (count == 0 && str_find_char(str_from_c(name), '.') != STR_NONE)
		names[count++] = str_from_c(name);
	return count;
}

static int request_make(const struct ctl *ctl, const char *name, struct str key, struct buf *pem)
{
	struct str names[ARGUMENTS_MAX];
	struct buf present = BUF_INIT(TEXT_MAX), why = BUF_INIT(WHY_MAX);
	size_t count = names_wanted(ctl, name, &present, names);
	int code = CTL_DONE;

	if (tls_request_make(key, names, count, pem, &why) != FAULT_NONE)
		code = ctl_fail_field(FAULT_INVALID, "hosts", "%.*s", STR_ARG(buf_str(&why)));
	buf_done(&present);
	buf_done(&why);
	return code;
}

static void request_print(const struct ctl *ctl, const char *name, const struct buf *pem)
{
	struct request request = {.name = (char *)name,
				  .pem = *pem,
				  .names = BUF_INIT(TEXT_MAX),
				  .since_s = clock_real_s()};

	if (!ctl_has(ctl, OPTION_BIT(JSON)))
		ctl_print(buf_str(pem));
	else if (tls_request_read(buf_str(pem), &request.facts, &request.names))
		ctl_print_json(request_json(&request));
	buf_done(&request.names);
}

static void told_say(const struct ctl *ctl, const char *what, const char *name)
{
	CLEANUP_BUF struct buf text = BUF_INIT(WHY_MAX);
	struct link link;

	(void)!link_open_control(&link, ctl->home);
	buf_printf(&text, "%s {Name=\"%s\"}", what, name);
	config_change_tell(&link, buf_str(&text));
	link_close(&link);
}

static bool request_waits(const struct ctl *ctl, const char *name)
{
	struct requests *requests = calloc(1, sizeof(*requests));

	CHECK(requests != NULL);
	requests_read(ctl, requests);
	bool waits = requests_find(requests, str_from_c(name)) != NULL;
	requests_done(requests);
	free(requests);
	return waits;
}

/* With a new key, which waits for the certificate. */
static int csr_new(const struct ctl *ctl, const char *name, bool is_rsa, struct buf *pem)
{
	struct buf key = BUF_INIT(TLS_PEM_MAX);
	int code = CTL_DONE;

	if (request_waits(ctl, name))
		return ctl_fail_field(FAULT_EXISTS, "name",
				      "a request of the name %s waits already; its certificate is taken by "
				      "`cert import`, or `cert pending remove %s` gives it up",
				      name, name);
	if (tls_request_key_make(is_rsa, &key) != FAULT_NONE)
		code = ctl_fail(CTL_NOT_RUNNING, "no key can be made");
	if (code == CTL_DONE)
		code = request_make(ctl, name, buf_str(&key), pem);
	if (code == CTL_DONE)
		code = request_put(ctl, name, buf_str(&key), buf_str(pem));
	if (code == CTL_DONE)
		told_say(ctl, "Make Request", name);
	buf_wipe(&key);
	return code;
}

/* With the key of the pair. */
static int csr_of_pair(const struct ctl *ctl, const char *name, struct buf *pem)
{
	struct buf key = BUF_INIT(TLS_PEM_MAX);
	char *path = pair_part_path(ctl, name, ".key");
	int code = pair_file_take(path, &key);

	if (code != CTL_DONE)
		ctl_fail(0, "`--key-type ecdsa` makes a new key for it");
	else
		code = request_make(ctl, name, buf_str(&key), pem);
	buf_wipe(&key);
	free(path);
	return code;
}

int cmd_cert_csr(struct ctl *ctl)
{
	const char *kind = ctl_value(ctl, OPTION_KEY_TYPE), *name;
	struct buf pem = BUF_INIT(TEXT_MAX);
	int code = pair_name_read(ctl, &name);

	if (code == CTL_DONE && kind != NULL && strcmp(kind, "ecdsa") != 0 && strcmp(kind, "rsa") != 0)
		code = ctl_fail_field(FAULT_INVALID, "key_type", "--key-type is ecdsa or rsa");
	if (code == CTL_DONE)
		code = kind == NULL ? csr_of_pair(ctl, name, &pem)
				    : csr_new(ctl, name, strcmp(kind, "rsa") == 0, &pem);
	if (code == CTL_DONE)
		request_print(ctl, name, &pem);
	buf_done(&pem);
	return code;
}

/* ---- pending ---- */

static void requests_print(const struct requests *requests)
{
	static const char *const heads[] = {"NAME", "KEY", "SINCE", "HOSTS"};
	CLEANUP_BUF struct buf text = BUF_INIT(TEXT_MAX);
	struct columns columns;

	columns_init(&columns, heads, 4);
	for (size_t i = 0; i < requests->count; i++) {
		const struct request *request = &requests->items[i];
		CLEANUP_BUF struct buf cell = BUF_INIT(TEXT_MAX);
		columns_add_c(&columns, request->name);
		columns_printf(&columns, "%s %d", tls_key_kind_name(request->facts.kind),
			       request->facts.bits);
		clock_append_iso_date(&cell, request->since_s);
		columns_add(&columns, buf_str(&cell));
		buf_reset(&cell);
		for (struct str rest = buf_str(&request->names); rest.len > 0;) {
			struct str host = str_cut(&rest, '\n');
			buf_printf(&cell, "%s%.*s", cell.len == 0 ? "" : ", ", STR_ARG(host));
		}
		columns_add(&columns, buf_str(&cell));
	}
	columns_append(&columns, &text);
	ctl_print(buf_str(&text));
	columns_done(&columns);
}

int cmd_cert_pending_list(struct ctl *ctl)
{
	struct requests *requests = calloc(1, sizeof(*requests));

	CHECK(requests != NULL);
	requests_read(ctl, requests);
	if (ctl_has(ctl, OPTION_BIT(JSON))) {
		json_t *list = json_array();
		for (size_t i = 0; i < requests->count; i++)
			json_array_append_new(list, request_json(&requests->items[i]));
		ctl_print_json(json_pack("{s:o}", "requests", list));
	} else
		requests_print(requests);
	requests_done(requests);
	free(requests);
	return CTL_DONE;
}

int cmd_cert_pending_remove(struct ctl *ctl)
{
	const char *name;
	int code = pair_name_read(ctl, &name);

	if (code == CTL_DONE && !request_waits(ctl, name))
		code = ctl_fail_field(FAULT_NOT_FOUND, "name", "no request of the name %s waits", name);
	if (code == CTL_DONE)
		code = request_remove(ctl, name);
	if (code == CTL_DONE)
		told_say(ctl, "Remove Request", name);
	return code;
}
