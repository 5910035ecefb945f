/* SPDX-License-Identifier: Apache-2.0 */
/* check: what a mailserver.cfg says, and, for the home's own, its certificates. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/secret.h"
#include "config/file.h"
#include "ctl/ctl.h"
#include "ctl/effective.h"
#include "tls/catalog.h"
#include "tls/certificate.h"

enum { CHECK_MAX = 16 << 20 };

struct check {
	const struct ctl *ctl;
	struct str file; /* as findings name it */
	const struct suite_catalog *catalog;
	struct findings findings;
	struct findings certificates; /* their places are files, not lines */
	struct config *config;	      /* NULL: it has errors */
};

/* The name of the key that belongs to NAME.crt. */
static char *key_path(const char *certificate_path)
{
	struct buf path = BUF_INIT(8192);
	struct str certificate = str_from_c(certificate_path);

	buf_append_str(&path, str_sub(certificate, 0, certificate.len - 4));
	buf_append_c(&path, ".key");
	char *text = str_dup_c(buf_str(&path));
	buf_done(&path);
	return text;
}

static void pair_check(struct check *check, const char *path, const char *name)
{
	struct buf chain = BUF_INIT(TLS_PEM_MAX), key = BUF_INIT(TLS_PEM_MAX);
	struct finding_place nowhere = {0};
	char *secret = key_path(path);
	enum fault fault = file_read(path, &chain);

	if (fault == FAULT_NONE)
		fault = file_read(secret, &key);
	if (fault == FAULT_DENIED)
		finding_add(&check->certificates, FINDING_NOTE, nowhere,
			    "sslcert/%s and its key cannot be read by this user, and are not checked",
			    name);
	else if (fault != FAULT_NONE)
		finding_add(&check->certificates, FINDING_ERROR, nowhere,
			    "sslcert/%s or its .key: %s", name, fault_text(fault));
	else
		(void)!tls_pair_check(buf_str(&chain), buf_str(&key), name, STR(""),
				      clock_real_s(), &check->certificates);
	buf_done(&chain);
	buf_wipe(&key);
	free(secret);
}

static void certificates_check(struct check *check)
{
	char *path = ctl_path(check->ctl, "sslcert");
	DIR *folder = opendir(path);
	const struct dirent *entry;
	size_t pairs = 0;

	while (folder != NULL && (entry = readdir(folder)) != NULL)
		if (str_has_suffix_nocase(str_from_c(entry->d_name), STR(".crt"))) {
			char *file = path_join(path, entry->d_name);
			pair_check(check, file, entry->d_name);
			free(file);
			pairs++;
		}
	if (folder != NULL && pairs == 0)
		finding_add(&check->certificates, FINDING_ERROR, (struct finding_place){0},
			    "%s holds no certificate: put server.crt and server.key there", path);
	if (folder != NULL)
		closedir(folder);
	free(path);
}

static void findings_append_json(json_t *list, struct str file, const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];
		json_array_append_new(
			list, json_pack("{s:s, s:o, s:i, s:o, s:o, s:o}", "severity",
					finding_severity_name(finding->severity), "file",
					json_text(file), "line", finding->place.line, "table",
					json_text(finding->place.table), "variable",
					json_text(finding->place.variable), "text",
					json_text(finding->text)));
	}
}

static json_int_t total(const struct check *check, enum finding_severity severity)
{
	return (json_int_t)(check->findings.totals[severity] +
			    check->certificates.totals[severity]);
}

static void check_print_json(const struct check *check, const struct effective *effective)
{
	json_t *list = json_array();

	findings_append_json(list, check->file, &check->findings);
	findings_append_json(list, STR("sslcert"), &check->certificates);
	json_t *document = json_pack("{s:o, s:I, s:I, s:I, s:o}", "file", json_text(check->file),
				     "errors", total(check, FINDING_ERROR), "warnings",
				     total(check, FINDING_WARNING), "notes",
				     total(check, FINDING_NOTE), "findings", list);
	if (check->config != NULL) {
		json_t *policies = effective_json(effective);
		json_object_update(document, policies);
		json_decref(policies);
	}
	ctl_print_json(document);
}

static void check_print(const struct check *check, const struct effective *effective)
{
	struct buf text = BUF_INIT(CHECK_MAX);

	for (size_t i = 0; i < check->findings.count; i++)
		finding_append(&text, check->file, &check->findings.items[i]);
	for (size_t i = 0; i < check->certificates.count; i++)
		finding_append(&text, STR("sslcert"), &check->certificates.items[i]);
	if (text.len > 0)
		buf_append_char(&text, '\n');
	if (check->config != NULL) {
		effective_append(effective, true, &text);
		buf_append_char(&text, '\n');
	}
	buf_printf(&text, "%.*s: %lld errors, %lld warnings, %lld notes\n", STR_ARG(check->file),
		   total(check, FINDING_ERROR), total(check, FINDING_WARNING),
		   total(check, FINDING_NOTE));
	ctl_print(buf_str(&text));
	buf_done(&text);
}

static int check_run(struct check *check, const char *path, bool is_home)
{
	struct effective effective = {.certificates = {true, true}};

	(void)!config_file_load(path, check->catalog, &check->findings, &check->config);
	if (is_home) {
		certificates_check(check);
		effective.certificates = effective_certificates(check->ctl->home);
	}
	effective.config = check->config;
	effective.catalog = check->catalog;
	if (ctl_has(check->ctl, OPTION_BIT(JSON)))
		check_print_json(check, &effective);
	else
		check_print(check, &effective);
	if (total(check, FINDING_ERROR) > 0)
		return CTL_USAGE;
	return total(check, FINDING_WARNING) > 0 ? CTL_FINDING : CTL_DONE;
}

int cmd_check(struct ctl *ctl)
{
	bool is_home = ctl->arguments->word_count == 0;
	char *own = ctl_path(ctl, "mailserver.cfg");
	const char *path = is_home ? own : ctl->arguments->words[0];
	struct check check = {
		.ctl = ctl, .file = str_from_c(path), .catalog = tls_catalog_new()};

	findings_init(&check.findings);
	findings_init(&check.certificates);
	int code = check_run(&check, path, is_home);
	config_unref(&check.config);
	findings_done(&check.findings);
	findings_done(&check.certificates);
	tls_catalog_free(&check.catalog);
	free(own);
	return code;
}
