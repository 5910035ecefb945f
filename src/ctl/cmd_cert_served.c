/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert served: which certificates the ports show, by the name that a client asks for. From what the
 * running server has in force, by the rule that its handshakes follow (tls/served.h).
 */
#include <stdlib.h>

#include "base/clock.h"
#include "config/config.h"
#include "ctl/certificate_json.h"
#include "ctl/columns.h"
#include "ctl/home_pairs.h"
#include "ctl/server_status.h"
#include "tls/certificate_facts.h"
#include "tls/served.h"

enum { NAMES_MAX = 1000, TEXT_MAX = 1 << 20, ROW_MAX = 64 * 1024, DAY_S = 24 * 3600 };

/* A pair as it is served; without a certificate when the file is another one by now. */
struct row {
	const char *name;
	const char *kind; /* "RSA", "ECDSA" */
	int64_t until_s;
	struct tls_served served;
	json_t *ocsp; /* borrowed of the status; NULL */
};

struct table {
	struct home_pairs pairs;
	json_t *status; /* NULL: no server runs */
	struct row rows[HOME_PAIRS_MAX];
	size_t count;
};

/* ---- what there is ---- */

static const struct home_pair *pair_find(const struct home_pairs *pairs, const char *name)
{
	for (size_t i = 0; i < pairs->count; i++)
		if (strcmp(pairs->items[i].name, name) == 0)
			return &pairs->items[i];
	return NULL;
}

/* The certificate of the file, if it is the one in force. */
static const struct tls_certificate *certificate_in_force(const struct home_pairs *pairs,
							  json_t *known, const char *name)
{
	const struct home_pair *pair = pair_find(pairs, name);

	if (pair == NULL || pair->certificate == NULL)
		return NULL;
	json_t *own = certificate_digest_json(pair->certificate);
	bool is_same = json_equal(json_object_get(known, "sha256"), own) == 1;
	json_decref(own);
	return is_same ? pair->certificate : NULL;
}

static void row_add_known(struct table *table, json_t *known)
{
	const char *name = json_string_value(json_object_get(known, "name"));
	const char *kind = json_string_value(json_object_get(known, "kind"));

	if (name == NULL || kind == NULL || table->count == HOME_PAIRS_MAX)
		return;
	table->rows[table->count++] = (struct row){
		.name = name,
		.kind = strcmp(kind, "rsa") == 0 ? "RSA" : "ECDSA",
		.until_s = json_integer_value(json_object_get(known, "expires")),
		.served = {.certificate = certificate_in_force(&table->pairs, known, name),
			   .is_default = json_is_true(json_object_get(known, "is_default"))},
		.ocsp = json_object_get(known, "ocsp")};
}

/* Without a server: what one would serve. */
static void row_add_pair(struct table *table, const struct home_pair *pair)
{
	if (pair->certificate == NULL || pair->findings.totals[FINDING_ERROR] > 0)
		return;
	table->rows[table->count++] = (struct row){
		.name = pair->name,
		.kind = tls_key_kind_name(tls_certificate_kind(pair->certificate)),
		.until_s = tls_certificate_not_after(pair->certificate),
		.served = {.certificate = pair->certificate,
			   .is_default = home_pair_is_default(pair->name)}};
}

static bool table_read(struct table *table, const struct ctl *ctl)
{
	json_t *known;
	size_t i;

	table->status = server_status(ctl->home);
	if (!home_pairs_read(ctl->home, table->status, clock_real_s(), &table->pairs))
		return false;
	json_array_foreach(json_object_get(table->status, "certificates"), i, known)
		row_add_known(table, known);
	for (i = 0; i < table->pairs.count && table->status == NULL; i++)
		row_add_pair(table, &table->pairs.items[i]);
	return true;
}

static void table_done(struct table *table)
{
	json_decref(table->status);
	home_pairs_done(&table->pairs);
}

/* ---- who gets what ---- */

static int best_rank(const struct table *table, struct str host)
{
	int best = 0;

	for (size_t i = 0; i < table->count; i++) {
		const struct tls_served *served = &table->rows[i].served;
		int rank = served->certificate == NULL ? 0 : tls_served_rank(served, host);
		if (rank > best)
			best = rank;
	}
	return best;
}

static bool is_chosen(const struct row *row, struct str host, int best)
{
	if (row->served.certificate == NULL)
		return row->served.is_default && tls_served_is_default(best);
	return tls_served_is_chosen(&row->served, host, best);
}

/* Of one kind of key the last pair is sent. */
static bool has_later(const struct table *table, size_t index, struct str host, int best)
{
	for (size_t i = index + 1; i < table->count; i++)
		if (strcmp(table->rows[i].kind, table->rows[index].kind) == 0 &&
		    is_chosen(&table->rows[i], host, best))
			return true;
	return false;
}

/* The names of the pairs for who asks for that host; empty: for none. */
static json_t *chosen_json(const struct table *table, struct str host)
{
	json_t *list = json_array();
	int best = best_rank(table, host);

	for (size_t i = 0; i < table->count; i++)
		if (is_chosen(&table->rows[i], host, best) && !has_later(table, i, host, best))
			json_array_append_new(list, json_string(table->rows[i].name));
	return list;
}

/* A wildcard answers for any host in its place. */
static json_t *chosen_for_name(const struct table *table, struct str name)
{
	CLEANUP_BUF struct buf host = BUF_INIT(ROW_MAX);

	if (!str_has_prefix(name, STR("*.")))
		return chosen_json(table, name);
	buf_printf(&host, "any-host%.*s", STR_ARG(str_from(name, 1)));
	return chosen_json(table, buf_str(&host));
}

static json_t *name_json(json_t *name, json_t *chosen)
{
	return json_pack("{s:o, s:o}", "name", name, "certificates", chosen);
}

/* The names of one certificate that are not in the list yet. */
static void names_add(const struct table *table, const struct tls_certificate *certificate,
		      json_t *seen, json_t *list)
{
	for (size_t i = 0; i < tls_certificate_name_count(certificate); i++) {
		struct str name = tls_certificate_name(certificate, i);
		json_t *text = json_text(name);
		if (json_array_size(list) < NAMES_MAX &&
		    json_object_get(seen, json_string_value(text)) == NULL) {
			json_object_set_new(seen, json_string_value(text), json_true());
			json_array_append_new(list,
					      name_json(json_incref(text), chosen_for_name(table, name)));
		}
		json_decref(text);
	}
}

static json_t *names_json(const struct table *table)
{
	json_t *list = json_array(), *seen = json_object();

	json_array_append_new(list, name_json(json_null(), chosen_json(table, STR(""))));
	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].served.certificate != NULL)
			names_add(table, table->rows[i].served.certificate, seen, list);
	json_decref(seen);
	return list;
}

/* ---- as JSON ---- */

static json_t *certificates_json(const struct table *table)
{
	json_t *list = json_array();
	int64_t now_s = clock_real_s();

	for (size_t i = 0; i < table->count; i++) {
		const struct row *row = &table->rows[i];
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:o, s:I, s:b, s:o}", "name", row->name, "kind",
					row->kind, "not_after", certificate_date_json(row->until_s),
					"days_left", (json_int_t)((row->until_s - now_s) / DAY_S),
					"on_disk", (int)(row->served.certificate != NULL), "ocsp",
					row->ocsp == NULL ? json_null() : json_incref(row->ocsp)));
	}
	return list;
}

/* The ports that listen and speak TLS, at once or after STARTTLS. */
static json_t *ports_json(json_t *status)
{
	json_t *list = json_array(), *listener;
	size_t i;

	json_array_foreach(json_object_get(status, "listeners"), i, listener)
	{
		json_t *service = json_object_get(listener, "service");
		enum service_id id;
		if (!service_from_name(str_from_c(json_string_value(service)), &id) ||
		    service_tls(id) == SERVICE_TLS_NONE)
			continue;
		json_array_append_new(list,
				      json_pack("{s:O, s:O, s:s}", "service", service, "address",
						json_object_get(listener, "address"), "tls",
						service_tls_name(service_tls(id))));
	}
	return list;
}

static json_t *table_json(const struct table *table)
{
	return json_pack("{s:b, s:o, s:o, s:o}", "in_force", (int)(table->status != NULL), "ports",
			 ports_json(table->status), "names", names_json(table), "certificates",
			 certificates_json(table));
}

/* ---- for people ---- */

static json_t *by_name(json_t *list, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0)
			return item;
	return NULL;
}

static void ports_append(json_t *ports, struct buf *to)
{
	json_t *port;
	size_t i;

	json_array_foreach(ports, i, port)
		buf_printf(to, "%s%s %s (%s)", i == 0 ? "ports: " : ", ",
			   json_string_value(json_object_get(port, "service")),
			   json_string_value(json_object_get(port, "address")),
			   json_string_value(json_object_get(port, "tls")));
	buf_append_c(to, json_array_size(ports) == 0 ? "no server runs\n" : "\n");
}

static void names_append(json_t *document, struct buf *to)
{
	static const char *const heads[] = {"ASKED FOR", "CERTIFICATE", "KEY", "UNTIL", "OCSP"};
	json_t *row, *name;
	struct columns columns;
	size_t i, j;

	columns_init(&columns, heads, 5);
	json_array_foreach(json_object_get(document, "names"), i, row)
		json_array_foreach(json_object_get(row, "certificates"), j, name) {
			json_t *pair = by_name(json_object_get(document, "certificates"),
					       json_string_value(name));
			json_t *asked = json_object_get(row, "name");
			const char *ocsp = json_string_value(
				json_object_get(json_object_get(pair, "ocsp"), "state"));
			columns_add_c(&columns, json_is_null(asked) ? "no name, or another"
								    : json_string_value(asked));
			columns_add_c(&columns, json_string_value(name));
			columns_add_c(&columns, json_string_value(json_object_get(pair, "kind")));
			columns_add_c(&columns, json_string_value(json_object_get(pair, "not_after")));
			columns_add_c(&columns, ocsp == NULL ? "" : ocsp);
		}
	columns_append(&columns, to);
	columns_done(&columns);
}

int cmd_cert_served(struct ctl *ctl)
{
	struct table *table = calloc(1, sizeof(*table));
	CLEANUP_BUF struct buf text = BUF_INIT(TEXT_MAX);
	int code = CTL_DONE;

	CHECK(table != NULL);
	if (!table_read(table, ctl))
		code = ctl_fail(CTL_USAGE, "%s/sslcert cannot be read; `postern init` makes a home",
				ctl->home);
	json_t *document = table_json(table);
	if (code == CTL_DONE && ctl_has(ctl, OPTION_BIT(JSON)))
		ctl_print_json(json_incref(document));
	else if (code == CTL_DONE) {
		ports_append(json_object_get(document, "ports"), &text);
		names_append(document, &text);
		ctl_print(buf_str(&text));
	}
	json_decref(document);
	table_done(table);
	free(table);
	return code;
}
