/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert import: a pair comes into sslcert/, in PEM form or PKCS#12. Its key stands in what is
 * brought, or is here already: that of the pair (a renewal), or one that waits since `cert csr`. A
 * key that is here is not read.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "ctl/certificate_json.h"
#include "ctl/home_pairs.h"
#include "ctl/pair_files.h"
#include "ctl/password.h"
#include "ctl/requests.h"
#include "ctl/server_status.h"
#include "tls/certificate_facts.h"
#include "tls/pair.h"
#include "tls/pem.h"
#include "tls/trust.h"

enum { WHY_MAX = 4096, TEXT_MAX = 256 * 1024, LINK_MAX = 2048 };

enum key_source { KEY_BROUGHT, KEY_OF_PAIR, KEY_THAT_WAITED };

struct import {
	const struct ctl *ctl;
	const char *name;
	struct buf certificates;
	struct buf key;
	struct buf more;
	struct buf spare;
	struct secret password;
	bool has_password;
	struct requests *requests;
	enum key_source source;
	const char *request; /* of KEY_THAT_WAITED; borrowed of `requests` */
	struct tls_pair pair;
};

/* ---- the parts ---- */

static const char *source_of(const struct import *import)
{
	const struct arguments *arguments = import->ctl->arguments;

	return arguments->word_count > 1 ? arguments->words[1] : "the standard input";
}

/* The password that opens it, from whoever is asked; not twice. */
static int password_want(struct import *import, const char *question)
{
	if (import->has_password) {
		bool is_empty = str_is_empty(secret_reveal(&import->password));
		return ctl_fail_field(FAULT_INVALID, "password", "%s: %s", source_of(import),
				      is_empty ? "it is protected by a password: give that, too"
					       : "the password does not open it");
	}
	int code = password_ask(import->ctl, question, &import->password);
	import->has_password = code == CTL_DONE;
	return code;
}

static int refuse(const struct import *import, const struct buf *why)
{
	return ctl_fail_field(FAULT_INVALID, "pem", "%.*s; sslcert/%s.crt and .key are as they were",
			      STR_ARG(buf_str(why)), import->name);
}

static enum fault pkcs12_open(struct import *import, struct buf *why)
{
	char text[SECRET_MAX + 1];
	enum fault fault = FAULT_DENIED;

	buf_reset(why);
	if (str_copy_c(secret_reveal(&import->password), text, sizeof(text)))
		fault = tls_pair_from_pkcs12(buf_str(&import->certificates), text, &import->pair, why);
	explicit_bzero(text, sizeof(text));
	return fault;
}

/* No password first, then what the administrator says. */
static int pkcs12_take(struct import *import)
{
	CLEANUP_BUF struct buf why = BUF_INIT(WHY_MAX);
	enum fault fault = tls_pair_from_pkcs12(buf_str(&import->certificates), "", &import->pair,
						&why);

	if (fault == FAULT_DENIED && !import->has_password) {
		int code = password_want(import, "Password of the file: ");
		if (code != CTL_DONE)
			return code;
	}
	if (fault == FAULT_DENIED)
		fault = pkcs12_open(import, &why);
	if (fault == FAULT_DENIED)
		return password_want(import, NULL);
	return fault == FAULT_NONE ? CTL_DONE : refuse(import, &why);
}

static struct tls_pair_parts parts_of(const struct import *import)
{
	return (struct tls_pair_parts){.key = buf_str(&import->key),
				       .certificates = buf_str(&import->certificates),
				       .more = buf_str(&import->more),
				       .spare = buf_str(&import->spare),
				       .password = import->has_password ? &import->password : NULL};
}

static int parts_assemble(struct import *import)
{
	CLEANUP_BUF struct buf why = BUF_INIT(WHY_MAX);
	struct tls_pair_parts parts = parts_of(import);
	enum fault fault = tls_pair_assemble(&parts, &import->pair, &why);

	if (fault == FAULT_DENIED && !import->has_password) {
		int code = password_want(import, "Password of the private key: ");
		if (code != CTL_DONE)
			return code;
		buf_reset(&why);
		parts = parts_of(import);
		fault = tls_pair_assemble(&parts, &import->pair, &why);
	}
	if (fault == FAULT_DENIED)
		return password_want(import, NULL);
	return fault == FAULT_NONE ? CTL_DONE : refuse(import, &why);
}

/* ---- a key that is here already ---- */

static bool fits_key(struct import *import, const unsigned char id[TLS_KEY_ID_BYTES])
{
	CLEANUP_BUF struct buf unsaid = BUF_INIT(WHY_MAX);
	struct tls_pair_parts parts = parts_of(import);

	return tls_chain_assemble(&parts, id, &import->pair, &unsaid) == FAULT_NONE;
}

static bool fits_pair(struct import *import)
{
	CLEANUP_BUF struct buf unsaid = BUF_INIT(WHY_MAX);
	struct tls_certificate *present = NULL;
	bool fits = tls_certificate_parse(buf_str(&import->spare), &unsaid, &present) == FAULT_NONE &&
		    fits_key(import, tls_certificate_key_id(present));

	import->source = KEY_OF_PAIR;
	tls_certificate_unref(&present);
	return fits;
}

static bool fits_request(struct import *import)
{
	import->source = KEY_THAT_WAITED;
	for (size_t i = 0; i < import->requests->count; i++) {
		import->request = import->requests->items[i].name;
		if (fits_key(import, import->requests->items[i].facts.key_id))
			return true;
	}
	return false;
}

/* A key whose certificate is gone can only be compared itself. */
static int lone_key_take(struct import *import)
{
	CLEANUP_BUF struct buf why = BUF_INIT(WHY_MAX);
	struct tls_certificate *certificates = NULL;
	char *path = pair_part_path(import->ctl, import->name, ".key");
	bool has_key = import->spare.len == 0 && file_read(path, &import->key) == FAULT_NONE;

	free(path);
	import->source = KEY_BROUGHT;
	if (has_key)
		return parts_assemble(import);
	bool is_readable =
		tls_chain_parse(buf_str(&import->certificates), &why, &certificates) == FAULT_NONE;
	tls_certificate_unref(&certificates);
	if (!is_readable)
		return refuse(import, &why);
	return ctl_fail_field(FAULT_INVALID, "pem",
			      "%s holds no private key, and none that is here belongs to it: neither that "
			      "of sslcert/%s nor one that waits for a certificate (`cert pending list`); "
			      "bring the key, too",
			      source_of(import), import->name);
}

static int present_key_find(struct import *import)
{
	import->requests = calloc(1, sizeof(*import->requests));
	CHECK(import->requests != NULL);
	requests_read(import->ctl, import->requests);
	if (fits_pair(import) || fits_request(import))
		return CTL_DONE;
	return lone_key_take(import);
}

/* The issuers that served before may serve the renewed certificate, too. */
static void spare_take(struct import *import)
{
	char *path = pair_part_path(import->ctl, import->name, ".crt");

	if (file_read(path, &import->spare) != FAULT_NONE)
		buf_reset(&import->spare);
	free(path);
}

/* ---- reading ---- */

/* The password comes before the file where both come through the standard input. */
static int input_take(struct import *import)
{
	const struct arguments *arguments = import->ctl->arguments;
	const char *file = arguments->word_count > 1 ? arguments->words[1] : NULL;
	int code = CTL_DONE;

	if (ctl_has(import->ctl, OPTION_BIT(PASSWORD_STDIN))) {
		code = password_ask(import->ctl, NULL, &import->password);
		import->has_password = code == CTL_DONE;
	}
	if (code == CTL_DONE)
		code = pair_file_take(file, &import->certificates);
	if (code == CTL_DONE && arguments->word_count > 2)
		code = pair_file_take(arguments->words[2], &import->key);
	if (code == CTL_DONE && arguments->word_count > 3)
		code = pair_file_take(arguments->words[3], &import->more);
	return code;
}

static int import_make(struct import *import)
{
	int code = input_take(import);

	if (code != CTL_DONE)
		return code;
	if (pem_is_pkcs12(buf_str(&import->certificates)))
		return pkcs12_take(import);
	spare_take(import);
	if (import->key.len == 0 && pem_has_private_key(buf_str(&import->certificates)))
		buf_append_str(&import->key, buf_str(&import->certificates));
	return import->key.len > 0 ? parts_assemble(import) : present_key_find(import);
}

/* ---- what it is ---- */

/* What was found out about the pair; `certificate` is NULL when it cannot be read. */
struct verdict {
	struct findings findings;
	struct tls_certificate *certificate;
	enum tls_trust_verdict trust;
	int64_t now_s;
	bool is_usable;
};

static void trust_judge(const struct import *import, struct verdict *verdict)
{
	char *roots = ctl_path(import->ctl, "sslca");
	struct tls_trust *trust = tls_trust_new(roots);

	verdict->trust = tls_trust_judge(trust, verdict->certificate);
	tls_trust_free(&trust);
	free(roots);
}

/* The key fits: the chain was made for it. */
static void verdict_make(const struct import *import, struct verdict *verdict)
{
	*verdict = (struct verdict){.now_s = clock_real_s()};
	findings_init(&verdict->findings);
	tls_chain_check(buf_str(&import->pair.chain), import->name, STR(""), verdict->now_s,
			&verdict->findings, &verdict->certificate);
	verdict->is_usable = !findings_has_errors(&verdict->findings);
	if (verdict->certificate != NULL)
		trust_judge(import, verdict);
}

static void verdict_done(struct verdict *verdict)
{
	findings_done(&verdict->findings);
	tls_certificate_unref(&verdict->certificate);
}

/* Where the chain leads, for people. */
static void trust_append(const struct verdict *verdict, struct buf *to)
{
	CLEANUP_BUF struct buf subject = BUF_INIT(LINK_MAX), issuer = BUF_INIT(LINK_MAX);
	size_t last = tls_certificate_link_count(verdict->certificate) - 1;

	(void)tls_certificate_append_link(verdict->certificate, last, &subject, &issuer);
	switch (verdict->trust) {
	case TLS_TRUST_PUBLIC:
		buf_append_c(to, "it leads to a public root, which clients know");
		break;
	case TLS_TRUST_HOUSE:
		buf_append_c(to, "it leads to a root in sslca/, which clients have to be told of");
		break;
	case TLS_TRUST_OWN_ROOT:
		buf_printf(to, "it ends with the root %.*s, which clients have to be told of",
			   STR_ARG(buf_str(&subject)));
		break;
	case TLS_TRUST_OPEN:
		buf_printf(to,
			   "it ends with %.*s, whose issuer %.*s is neither in it nor known to this "
			   "machine: bring the certificates that the CA calls intermediate, too, or "
			   "clients have to be told of that issuer",
			   STR_ARG(buf_str(&subject)), STR_ARG(buf_str(&issuer)));
		break;
	}
}

static json_t *trust_text_json(const struct verdict *verdict)
{
	CLEANUP_BUF struct buf text = BUF_INIT(TEXT_MAX);

	trust_append(verdict, &text);
	return json_text(buf_str(&text));
}

/* The pair of that name that is there now. */
static json_t *former_json(const struct import *import, int64_t now_s)
{
	CLEANUP_BUF struct buf pem = BUF_INIT(TLS_PEM_MAX), unsaid = BUF_INIT(WHY_MAX);
	struct tls_certificate *former = NULL;
	char *path = pair_part_path(import->ctl, import->name, ".crt");
	json_t *facts = NULL;

	if (file_read(path, &pem) == FAULT_NONE &&
	    tls_certificate_parse(buf_str(&pem), &unsaid, &former) == FAULT_NONE)
		facts = certificate_json(former, false, now_s);
	tls_certificate_unref(&former);
	free(path);
	return facts == NULL ? json_null() : facts;
}

/* Made before anything is written: it tells of the pair that is replaced. */
static json_t *import_json(const struct import *import, const struct verdict *verdict)
{
	static const char *const sources[] = {"brought", "of the pair", "waited"};
	static const char *const trusts[] = {"public", "house", "own root", "open"};
	bool is_public = verdict->trust == TLS_TRUST_PUBLIC;

	return json_pack("{s:s, s:b, s:o, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:b}", "name",
			 import->name, "is_default", (int)home_pair_is_default(import->name),
			 "services", certificate_services_json(import->ctl), "key",
			 sources[import->source], "certificate",
			 certificate_json(verdict->certificate, is_public, verdict->now_s), "chain",
			 certificate_chain_json(verdict->certificate), "trust",
			 trusts[verdict->trust], "trust_text", trust_text_json(verdict), "replaces",
			 former_json(import, verdict->now_s), "problems",
			 certificate_findings_json(&verdict->findings), "usable",
			 (int)verdict->is_usable);
}

/* ---- writing ---- */

static void findings_say(const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];
		if (finding->severity == FINDING_ERROR)
			ctl_fail_field(FAULT_INVALID, "pem", "error: %.*s: %.*s",
				       STR_ARG(finding->place.table), STR_ARG(finding->text));
		else
			ctl_fail(0, "%s: %.*s: %.*s", finding_severity_name(finding->severity),
				 STR_ARG(finding->place.table), STR_ARG(finding->text));
	}
}

static int pair_put(const struct import *import)
{
	CLEANUP_BUF struct buf what = BUF_INIT(WHY_MAX);
	int code = CTL_DONE;

	if (import->source == KEY_THAT_WAITED)
		code = request_key_take(import->ctl, import->request, import->name);
	if (code == CTL_DONE)
		code = pair_write(import->ctl, import->name, &import->pair);
	if (code != CTL_DONE)
		return code;
	if (!ctl_has(import->ctl, OPTION_BIT(JSON)))
		pair_describe(import->name, &import->pair);
	buf_printf(&what, "Import Certificate {Name=\"%s\"}", import->name);
	buf_append_char(&what, '\0');
	code = pair_announce(import->ctl, what.data);
	/* The key stands with its certificate now; before, it is not let go. */
	if (code == CTL_DONE && import->source == KEY_THAT_WAITED)
		code = request_remove(import->ctl, import->request);
	return code;
}

static void preview_print(const struct import *import, const struct verdict *verdict)
{
	CLEANUP_BUF struct buf text = BUF_INIT(TEXT_MAX);

	pair_describe(import->name, &import->pair);
	buf_append_c(&text, "  ");
	trust_append(verdict, &text);
	buf_append_c(&text, "\nNothing is written.\n");
	ctl_print(buf_str(&text));
}

static int warnings_code(const struct verdict *verdict)
{
	return verdict->findings.totals[FINDING_WARNING] > 0 ? CTL_FINDING : CTL_DONE;
}

static int import_show(const struct import *import, const struct verdict *verdict)
{
	if (ctl_has(import->ctl, OPTION_BIT(JSON)))
		ctl_print_json(import_json(import, verdict));
	else {
		findings_say(&verdict->findings);
		preview_print(import, verdict);
	}
	return verdict->is_usable ? warnings_code(verdict) : CTL_USAGE;
}

/* Checks, writes and announces; a pair with errors is refused, and what is there stays. */
static int import_put(const struct import *import, const struct verdict *verdict)
{
	findings_say(&verdict->findings);
	if (!verdict->is_usable)
		return ctl_fail(CTL_USAGE, "refused; sslcert/%s.crt and .key are as they were",
				import->name);
	json_t *document = ctl_has(import->ctl, OPTION_BIT(JSON)) ? import_json(import, verdict) : NULL;
	int code = pair_put(import);
	if (document != NULL && code == CTL_DONE)
		ctl_print_json(json_incref(document));
	json_decref(document);
	return code == CTL_DONE ? warnings_code(verdict) : code;
}

static int import_finish(const struct import *import)
{
	struct verdict verdict;
	bool is_asked = ctl_has(import->ctl, OPTION_BIT(DRY_RUN));

	verdict_make(import, &verdict);
	int code = is_asked && verdict.certificate != NULL ? import_show(import, &verdict)
							   : import_put(import, &verdict);
	verdict_done(&verdict);
	return code;
}

static void import_done(struct import *import)
{
	tls_pair_done(&import->pair);
	buf_wipe(&import->certificates);
	buf_wipe(&import->key);
	buf_done(&import->more);
	buf_done(&import->spare);
	secret_wipe(&import->password);
	if (import->requests != NULL)
		requests_done(import->requests);
	free(import->requests);
}

int cmd_cert_import(struct ctl *ctl)
{
	struct import import = {.ctl = ctl,
				.certificates = BUF_INIT(TLS_PEM_MAX),
				.key = BUF_INIT(TLS_PEM_MAX),
				.more = BUF_INIT(TLS_PEM_MAX),
				.spare = BUF_INIT(TLS_PEM_MAX)};
	int code = pair_name_read(ctl, &import.name);

	if (code == CTL_DONE)
		code = import_make(&import);
	if (code == CTL_DONE)
		code = import_finish(&import);
	import_done(&import);
	return code;
}
