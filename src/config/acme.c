/* SPDX-License-Identifier: Apache-2.0 */
#include "config/acme.h"

#include "config/document.h"
#include "config/schema.h"

#define LIST "AcmeCertificate"

bool acme_name_is_valid(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_alnum(name.ptr[i]) && strchr(".-_", name.ptr[i]) == NULL)
			return false;
	return name.len > 0 && name.len <= ACME_NAME_MAX && name.ptr[0] != '.';
}

const struct acme_certificate *acme_certificate_find(const struct config_acme *acme,
						     struct str name)
{
	for (size_t i = 0; i < acme->certificate_count; i++)
		if (str_equals(acme->certificates[i].name, name))
			return &acme->certificates[i];
	return NULL;
}

/* ---- domains ---- */

/* Why no CA that looks by HTTP or TLS issues for such a name; NULL. */
static const char *domain_refusal(struct str domain)
{
	struct network network;

	if (str_has_prefix(domain, STR("*.")))
		return "is a wildcard, which CAs issue by DNS alone; name each host";
	if (network_parse(domain, &network))
		return "is an address; certificates are for names";
	if (!hostname_is_valid(domain) || str_find_char(domain, '.') == STR_NONE)
		return "is no name that a CA issues for; write for example mail.example.com (what "
		       "is not ASCII in its xn-- form)";
	return NULL;
}

static struct str lower_keep(struct arena *arena, struct str text)
{
	struct buf lower = BUF_INIT(256);

	for (size_t i = 0; i < text.len; i++)
		buf_append_char(&lower, ascii_lower(text.ptr[i]));
	struct str kept = arena_dup(arena, buf_str(&lower));
	CHECK(kept.ptr != NULL);
	buf_done(&lower);
	return kept;
}

static bool stands_before(const struct str *domains, size_t count, struct str domain)
{
	for (size_t i = 0; i < count; i++)
		if (str_equals_nocase(domains[i], domain))
			return true;
	return false;
}

bool acme_domains_read(struct str value, struct arena *arena, const struct str **domains_out,
		       size_t *count_out, struct buf *why)
{
	struct str *domains = arena_array(arena, ACME_NAMES_MAX, sizeof(*domains));
	size_t count = 0;

	CHECK(domains != NULL);
	for (struct str rest = value; rest.ptr != NULL;) {
		struct str domain = str_trim(str_cut(&rest, ','));
		const char *refusal = domain_refusal(domain);
		if (refusal == NULL && stands_before(domains, count, domain))
			refusal = "stands twice";
		if (refusal == NULL && count == ACME_NAMES_MAX)
			refusal = "is one too many: a certificate has at most 100 names";
		if (refusal != NULL) {
			buf_printf(why, "\"%.*s\" %s", STR_ARG(str_sub(domain, 0, 256)), refusal);
			return false;
		}
		domains[count++] = lower_keep(arena, domain);
	}
	*domains_out = domains;
	*count_out = count;
	return true;
}

/* ---- a row ---- */

struct row {
	struct arena *arena;
	struct findings *findings;
	struct acme_certificate *certificate;
	struct finding_place place; /* the row's own: table "AcmeCertificate:server" */
};

static struct finding_place place_of(const struct row *row, const struct element *variable)
{
	struct finding_place place = row->place;

	place.line = variable->line;
	place.variable = variable->name;
	return place;
}

static void domains_read(struct row *row, const struct element *variable)
{
	struct acme_certificate *certificate = row->certificate;
	struct buf why = BUF_INIT(1024);

	if (!acme_domains_read(variable->value, row->arena, &certificate->domains,
			       &certificate->domain_count, &why))
		finding_add(row->findings, FINDING_ERROR, place_of(row, variable), "%.*s",
			    STR_ARG(buf_str(&why)));
	buf_done(&why);
}

static void key_type_read(struct row *row, const struct element *variable)
{
	struct str value = str_trim(variable->value);

	if (str_equals_nocase(value, STR("rsa")))
		row->certificate->is_rsa = true;
	else if (!str_equals_nocase(value, STR("ecdsa")))
		finding_add(row->findings, FINDING_ERROR, place_of(row, variable),
			    "\"%.*s\" is neither ecdsa nor rsa", STR_ARG(value));
}

static void variable_read(struct row *row, const struct element *variable)
{
	if (element_child(variable->parent, ELEMENT_VARIABLE, variable->name) != variable)
		finding_add(row->findings, FINDING_ERROR, place_of(row, variable),
			    "stands twice in the row");
	else if (str_is_empty(str_trim(variable->value)) ||
		 str_equals_nocase(variable->name, STR("Name")) ||
		 str_equals_nocase(variable->name, STR("Comment")))
		return;
	else if (str_equals_nocase(variable->name, STR("Domains")))
		domains_read(row, variable);
	else if (str_equals_nocase(variable->name, STR("KeyType")))
		key_type_read(row, variable);
	else
		finding_add(row->findings, FINDING_WARNING, place_of(row, variable),
			    "not understood, not applied");
}

static void name_read(struct row *row, const struct element *item)
{
	const struct element *named = element_child(item, ELEMENT_VARIABLE, STR("Name"));
	struct str name = named == NULL ? STR("") : str_trim(named->value);
	struct buf table = BUF_INIT(512);

	buf_printf(&table, LIST "%s%.*s", str_is_empty(name) ? "" : ":",
		   STR_ARG(str_sub(name, 0, 256)));
	row->place = (struct finding_place){.line = item->line,
					    .table = arena_dup(row->arena, buf_str(&table))};
	buf_done(&table);
	row->certificate->place = row->place;
	row->certificate->name = arena_dup(row->arena, name);
	CHECK(row->place.table.ptr != NULL && row->certificate->name.ptr != NULL);
	if (!acme_name_is_valid(name))
		finding_add(row->findings, FINDING_ERROR, row->place,
			    "needs a Name of letters, digits, dots, hyphens: the pair becomes "
			    "sslcert/NAME.crt and NAME.key");
}

static void row_read(struct row *row, const struct element *item)
{
	*row->certificate = (struct acme_certificate){0};
	name_read(row, item);
	for (const struct element *at = item->first; at != NULL; at = at->next)
		if (at->kind == ELEMENT_VARIABLE)
			variable_read(row, at);
	const struct element *domains = element_child(item, ELEMENT_VARIABLE, STR("Domains"));
	if (domains == NULL || str_is_empty(str_trim(domains->value)))
		finding_add(row->findings, FINDING_ERROR, row->place,
			    "needs Domains: the names that the certificate is for");
}

/* ---- what else the file must say ---- */

static void challenge_check(const struct config *config, struct finding_place place,
			    struct findings *findings)
{
	bool is_http = config->acme.challenge == ACME_HTTP_01;
	const struct service_config *service =
		&config->services[is_http ? SERVICE_HTTP : SERVICE_HTTPS];
	uint16_t wanted = is_http ? 80 : 443;

	if (!service->enabled)
		finding_add(findings, FINDING_WARNING, place,
			    "Challenge %s needs the service %s, which is not enabled: no CA will "
			    "issue",
			    is_http ? "http-01" : "tls-alpn-01", service_name(service->id));
	else if (service->port != wanted)
		finding_add(findings, FINDING_NOTE, place,
			    "a CA connects to port %d, %s listens on %d: the one has to lead to "
			    "the other",
			    wanted, service_name(service->id), service->port);
}

static void table_check(const struct config *config, struct finding_place place,
			struct findings *findings)
{
	if (!config->acme.agree_terms)
		finding_add(findings, FINDING_WARNING, place,
			    "nothing is asked for before AgreeTerms in the table Acme is 1: read "
			    "the CA's terms of service");
	challenge_check(config, place, findings);
}

static void names_check(const struct acme_certificate *certificates, size_t count,
			struct findings *findings)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (str_equals(certificates[i].name, certificates[j].name))
				finding_add(findings, FINDING_ERROR, certificates[i].place,
					    "the name has two rows, on lines %d and %d",
					    certificates[j].place.line,
					    certificates[i].place.line);
}

void acme_list_read(const struct document *document, struct config *config, struct arena *arena,
		    struct findings *findings)
{
	const struct element *list = document_find(document, ELEMENT_LIST, STR(LIST));
	struct acme_certificate *certificates =
		arena_array(arena, ACME_CERTIFICATES_MAX, sizeof(*certificates));
	size_t count = 0;

	CHECK(certificates != NULL);
	for (const struct element *at = list == NULL ? NULL : list->first; at != NULL;
	     at = at->next) {
		struct row row = {.arena = arena, .findings = findings};
		if (at->kind != ELEMENT_ITEM)
			continue;
		if (count == ACME_CERTIFICATES_MAX) {
			finding_add(findings, FINDING_ERROR,
				    (struct finding_place){.line = at->line, .table = STR(LIST)},
				    "has more than %d rows", ACME_CERTIFICATES_MAX);
			return;
		}
		row.certificate = &certificates[count++];
		row_read(&row, at);
	}
	names_check(certificates, count, findings);
	config->acme.certificates = certificates;
	config->acme.certificate_count = count;
	if (count > 0)
		table_check(config,
			    (struct finding_place){.line = list->line, .table = STR(LIST)},
			    findings);
}
