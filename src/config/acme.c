/* SPDX-License-Identifier: Apache-2.0 */
#include "config/acme.h"

#include "config/row.h"
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

struct certificate_reader {
	struct row_reader row;
	struct acme_certificate *certificate;
};

static void name_read(struct certificate_reader *reader)
{
	struct str name = row_text(&reader->row, "Name");

	reader->certificate->name = name;
	if (!acme_name_is_valid(name))
		finding_add(reader->row.findings, FINDING_ERROR, reader->row.place,
			    "needs a Name of letters, digits, dots, hyphens: the pair becomes "
			    "sslcert/NAME.crt and NAME.key");
}

static void domains_read(struct certificate_reader *reader)
{
	struct acme_certificate *certificate = reader->certificate;
	struct buf why = BUF_INIT(1024);
	const struct element *variable;
	struct str value = row_value(&reader->row, "Domains", &variable);

	if (str_is_empty(value))
		finding_add(reader->row.findings, FINDING_ERROR, reader->row.place,
			    "needs Domains: the names that the certificate is for");
	else if (!acme_domains_read(value, reader->row.arena, &certificate->domains,
				    &certificate->domain_count, &why))
		finding_add(reader->row.findings, FINDING_ERROR,
			    row_place(&reader->row, variable), "%.*s", STR_ARG(buf_str(&why)));
	buf_done(&why);
}

static void key_type_read(struct certificate_reader *reader)
{
	const struct element *variable;
	struct str value = row_value(&reader->row, "KeyType", &variable);

	reader->certificate->is_rsa = str_equals_nocase(value, STR("rsa"));
	if (!str_is_empty(value) && !reader->certificate->is_rsa &&
	    !str_equals_nocase(value, STR("ecdsa")))
		finding_add(reader->row.findings, FINDING_ERROR,
			    row_place(&reader->row, variable), "\"%.*s\" is neither ecdsa nor rsa",
			    STR_ARG(value));
}

static void certificate_read(struct certificate_reader *reader)
{
	*reader->certificate = (struct acme_certificate){0};
	row_begin(&reader->row, "Name");
	reader->certificate->place = reader->row.place;
	name_read(reader);
	domains_read(reader);
	key_type_read(reader);
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
	const struct element *list;
	size_t count = row_list_find(document, LIST, ACME_CERTIFICATES_MAX, findings, &list);

	if (count == 0)
		return;
	struct acme_certificate *certificates = arena_array(arena, count, sizeof(*certificates));
	size_t read = 0;
	CHECK(certificates != NULL);
	for (const struct element *at = list_next(list, NULL); at != NULL;
	     at = list_next(list, at)) {
		struct certificate_reader reader = {
			.row = {.item = at, .list = LIST, .arena = arena, .findings = findings},
			.certificate = &certificates[read++]};
		certificate_read(&reader);
	}
	names_check(certificates, count, findings);
	config->acme.certificates = certificates;
	config->acme.certificate_count = count;
	table_check(config, (struct finding_place){.line = list->line, .table = STR(LIST)},
		    findings);
}
