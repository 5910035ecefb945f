/* SPDX-License-Identifier: Apache-2.0 */
/* check: what a mailserver.cfg says, and, for the home's own, its certificates. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "config/file.h"
#include "ctl/ctl.h"
#include "ctl/effective.h"
#include "ctl/home_pairs.h"
#include "mailq/dns_files.h"
#include "ctl/server_status.h"
#include "tls/catalog.h"
#include "tls/user_anchors.h"

enum { CHECK_MAX = 16 << 20 };

struct check {
	const struct ctl *ctl;
	struct str file; /* as findings name it */
	const struct suite_catalog *catalog;
	struct findings findings;
	struct findings certificates; /* their places are files, not lines */
	struct findings users;	      /* of sslca/clients, so too */
	struct config *config;	      /* NULL: it has errors */
};

/* Takes over what there is to say about the pairs. */
static void certificates_check(struct check *check)
{
	struct home_pairs *pairs = calloc(1, sizeof(*pairs));

	CHECK(pairs != NULL);
	json_t *status = server_status(check->ctl->home);
	bool is_listed = home_pairs_read(check->ctl->home, status, clock_real_s(), pairs);
	json_decref(status);
	for (size_t i = 0; i < pairs->count; i++) {
		const struct findings *findings = &pairs->items[i].findings;
		for (size_t j = 0; j < findings->count; j++)
			finding_add(&check->certificates, findings->items[j].severity,
				    findings->items[j].place, "%.*s",
				    STR_ARG(findings->items[j].text));
	}
	if (is_listed && pairs->count == 0)
		finding_add(&check->certificates, FINDING_ERROR, (struct finding_place){0},
			    "%s/sslcert holds no certificate: put server.crt and server.key there",
			    check->ctl->home);
	home_pairs_done(pairs);
	free(pairs);
}

/* The files that the configuration names: without them it is not put in force either. */
static void files_check(struct check *check)
{
	struct buf why = BUF_INIT(1024);
	struct dns_files files;

	dns_files_init(&files);
	if (dns_files_read(&files, check->ctl->home, &check->config->resolver, &why) != FAULT_NONE)
		finding_add(&check->findings, FINDING_ERROR, (struct finding_place){0}, "%.*s",
			    STR_ARG(buf_str(&why)));
	dns_files_done(&files);
	buf_done(&why);
}

/* What users' certificates are judged by, where they are asked for. */
static void users_check(struct check *check)
{
	struct buf pem = BUF_INIT(TLS_USER_ANCHORS_MAX), why = BUF_INIT(1024);
	struct tls_user_anchors *anchors = NULL;
	char *folder = path_join(check->ctl->home, "sslca/clients");
	enum fault fault = tls_user_anchors_load(folder, &pem, &why);

	if (fault == FAULT_NONE)
		fault = tls_user_anchors_parse(buf_str(&pem), &why, &anchors);
	if (fault != FAULT_NONE)
		finding_add(&check->users, FINDING_ERROR, (struct finding_place){0}, "%.*s",
			    STR_ARG(buf_str(&why)));
	else if (tls_user_anchors_count(anchors) == 0)
		finding_add(&check->users, FINDING_WARNING, (struct finding_place){0},
			    "there is no certificate of an issuer (*.crt, *.pem), so nobody is asked "
			    "for one, which ClientCertificates 1 wants");
	else
		tls_user_anchors_check(anchors, &check->users);
	tls_user_anchors_unref(&anchors);
	free(folder);
	buf_done(&pem);
	buf_done(&why);
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
			    check->certificates.totals[severity] + check->users.totals[severity]);
}

static void check_print_json(const struct check *check, const struct effective *effective)
{
	json_t *list = json_array();

	findings_append_json(list, check->file, &check->findings);
	findings_append_json(list, STR("sslcert"), &check->certificates);
	findings_append_json(list, STR("sslca/clients"), &check->users);
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
	for (size_t i = 0; i < check->users.count; i++)
		finding_append(&text, STR("sslca/clients"), &check->users.items[i]);
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
		if (check->config != NULL)
			files_check(check);
		certificates_check(check);
		effective.certificates = effective_certificates(check->ctl->home);
		if (check->config != NULL && config_asks_for_certificates(check->config))
			users_check(check);
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
	findings_init(&check.users);
	int code = check_run(&check, path, is_home);
	config_unref(&check.config);
	findings_done(&check.findings);
	findings_done(&check.certificates);
	findings_done(&check.users);
	tls_catalog_free(&check.catalog);
	free(own);
	return code;
}
