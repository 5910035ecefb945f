/* SPDX-License-Identifier: Apache-2.0 */
/* dns records: what DNS has to have for a domain here, and whether it has it. */
#include <stdlib.h>
#include <unistd.h>

#include "ctl/columns.h"
#include "ctl/dns_wanted.h"
#include "ctl/hostname.h"
#include "ctl/in_force.h"

enum { PAGE_MAX = 1 << 20, FOUND_MAX = 64 * 1024, WHY_MAX = 4096 };

/* ---- one record ---- */

static json_t *found_json(struct str found)
{
	json_t *list = json_array();

	while (found.len > 0)
		json_array_append_new(list, json_text(str_cut(&found, '\n')));
	return list;
}

static json_t *record_json(const struct dns_wanted_record *record, enum dns_status status,
			   struct str found)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:o}", "name", record->name.text, "type",
			 dns_type_name(record->type), "value", record->value, "purpose",
			 record->purpose, "required", (int)record->is_required, "status",
			 dns_status_name(status), "found", found_json(found));
}

static json_t *records_look(struct link *link, const struct dns_wanted *wanted)
{
	json_t *list = json_array();
	bool is_silent = false;

	for (size_t i = 0; i < wanted->count; i++) {
		CLEANUP_BUF struct buf found = BUF_INIT(FOUND_MAX);
		enum dns_status status =
			dns_wanted_look(link, &wanted->items[i], &is_silent, &found);
		json_array_append_new(list,
				      record_json(&wanted->items[i], status, buf_str(&found)));
	}
	return list;
}

/* ---- all of them ---- */

/* A line of a zone file each, and behind it how it stands. */
static void records_append(json_t *records, struct buf *to)
{
	static const char *const heads[] = {"NAME", "TYPE", "DNS", "VALUE"};
	struct columns columns;
	json_t *record;
	size_t i;

	columns_init(&columns, heads, 4);
	json_array_foreach(records, i, record)
	{
		columns_add_c(&columns, json_member(record, "name"));
		columns_add_c(&columns, json_member(record, "type"));
		columns_add_c(&columns, json_member(record, "status"));
		columns_add_c(&columns, json_member(record, "value"));
	}
	columns_append(&columns, to);
	columns_done(&columns);
}

static bool has_finding(json_t *records)
{
	json_t *record;
	size_t i;

	json_array_foreach(records, i,
			   record) if (json_is_true(json_object_get(record, "required")) &&
				       strcmp(json_member(record, "status"), "published") !=
					       0) return true;
	return false;
}

static void records_print(const struct ctl *ctl, const struct dns_name *domain,
			  const char *hostname, json_t *records)
{
	CLEANUP_BUF struct buf text = BUF_INIT(PAGE_MAX);

	if (ctl_has(ctl, OPTION_BIT(JSON))) {
		ctl_print_json(json_pack("{s:s, s:s, s:O}", "domain", domain->text, "hostname",
					 hostname, "records", records));
		return;
	}
	records_append(records, &text);
	ctl_print(buf_str(&text));
}

static int domain_look(struct ctl *ctl, const struct dns_name *domain, const struct config *config,
		       const struct dkim_keys *keys)
{
	struct dns_wanted *wanted = malloc(sizeof(*wanted));
	char hostname[HOSTNAME_BYTES];
	struct link link;

	CHECK(wanted != NULL);
	hostname_of(config, hostname);
	dns_wanted_fill(wanted, domain, hostname, config, keys);
	enum fault fault = link_open(&link, ctl->home, LINK_MAILQ);
	int code = ctl_fault_code(fault);
	if (fault == FAULT_NONE) {
		json_t *records = records_look(&link, wanted);
		records_print(ctl, domain, hostname, records);
		code = has_finding(records) ? CTL_FINDING : CTL_DONE;
		json_decref(records);
	}
	link_close(&link);
	free(wanted);
	return code;
}

int cmd_dns_records(struct ctl *ctl)
{
	CLEANUP_BUF struct buf why = BUF_INIT(WHY_MAX);
	struct dkim_keys keys = {0};
	struct in_force in_force;
	struct dns_name domain;

	if (!dns_name_parse(ctl_word(ctl, 0), &domain) || domain.len == 0)
		return ctl_fail_field(FAULT_INVALID, "domain", "%.*s is no name of a domain",
				      STR_ARG(ctl_word(ctl, 0)));
	int code = in_force_load(&in_force, ctl);
	if (code == CTL_DONE &&
	    dkim_keys_read(ctl->home, dns_name_str(&domain), &keys, &why) != FAULT_NONE)
		code = ctl_fail(CTL_USAGE, "%.*s", STR_ARG(buf_str(&why)));
	if (code == CTL_DONE) {
		code = domain_look(ctl, &domain, in_force.config, &keys);
		dkim_keys_done(&keys);
	}
	in_force_done(&in_force);
	return code;
}
