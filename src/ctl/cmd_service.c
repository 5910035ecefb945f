/* SPDX-License-Identifier: Apache-2.0 */
/* service list, set, start, stop: what listens where. */
#include <stdio.h>

#include "ctl/columns.h"
#include "ctl/in_force.h"
#include "ctl/plan_run.h"
#include "ctl/server_status.h"
#include "ctl/setting_json.h"

enum { PAGE_MAX = 1 << 20, PLACE_MAX = 64 };

/* ---- list ---- */

/* At which addresses it listens now. */
static json_t *listening_json(json_t *status, const char *name)
{
	json_t *list = json_array(), *listener;
	size_t i;

	json_array_foreach(json_object_get(status, "listeners"), i, listener)
	{
		const char *service = json_string_value(json_object_get(listener, "service"));
		if (service != NULL && strcmp(service, name) == 0)
			json_array_append(list, json_object_get(listener, "address"));
	}
	return list;
}

static json_t *addresses_json(const struct service_config *service)
{
	json_t *list = json_array();

	for (size_t i = 0; i < service->address_count; i++)
		json_array_append_new(list, json_text(service->addresses[i]));
	return list;
}

static json_t *service_json(const struct service_config *service, const struct document *document,
			    json_t *status)
{
	const char *name = service_name(service->id);
	const struct element *item = document_container(document, STR("Service"), str_from_c(name));

	return json_pack(
		"{s:s, s:b, s:i, s:o, s:s, s:b, s:b, s:I, s:b, s:b, s:s, s:o, s:o}", "name", name,
		"enabled", (int)service->enabled, "port", (int)service->port, "addresses",
		addresses_json(service), "tls", service_tls_name(service->tls), "allow_plain_login",
		(int)service->allow_plain_login, "require_tls", (int)service->require_tls,
		"max_connections", (json_int_t)service->max_connections, "client_certificates",
		(int)service->client_certificates, "session_tickets",
		(int)service->policy.session_tickets, "table",
		service_table(service->id) == CONFIG_SECURITY ? "Security" : "SmtpSecurity",
		"listening", listening_json(status, name), "values",
		setting_values_json("Service", item));
}

static json_t *services_json(const struct in_force *in_force, json_t *status)
{
	json_t *list = json_array();
	struct findings findings;
	struct document document;

	findings_init(&findings);
	CHECK(document_parse(&document, buf_str(&in_force->text), &findings));
	for (int i = 0; i < SERVICE_COUNT; i++)
		json_array_append_new(
			list, service_json(&in_force->config->services[i], &document, status));
	document_done(&document);
	findings_done(&findings);
	return list;
}

static void joined_add(struct columns *columns, json_t *list, const char *none)
{
	CLEANUP_BUF struct buf text = BUF_INIT(64 * 1024);
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		buf_printf(&text, "%s%s", i == 0 ? "" : ", ", json_string_value(item));
	columns_add(columns, text.len == 0 ? str_from_c(none) : buf_str(&text));
}

static void services_append(json_t *list, struct buf *to)
{
	static const char *const heads[] = {"SERVICE", "STATE",	    "PORT",
					    "TLS",     "ADDRESSES", "LISTENS AT"};
	struct columns columns;
	json_t *service;
	size_t i;

	columns_init(&columns, heads, 6);
	json_array_foreach(list, i, service)
	{
		bool is_enabled = json_is_true(json_object_get(service, "enabled"));
		columns_add_c(&columns, json_string_value(json_object_get(service, "name")));
		columns_add_c(&columns, is_enabled ? "enabled" : "off");
		columns_printf(&columns, "%lld",
			       json_integer_value(json_object_get(service, "port")));
		columns_add_c(&columns, json_string_value(json_object_get(service, "tls")));
		joined_add(&columns, json_object_get(service, "addresses"), "all");
		joined_add(&columns, json_object_get(service, "listening"), "-");
	}
	columns_append(&columns, to);
	columns_done(&columns);
}

static void services_print(const struct ctl *ctl, const struct in_force *in_force, json_t *list)
{
	CLEANUP_BUF struct buf text = BUF_INIT(PAGE_MAX);

	if (ctl_has(ctl, OPTION_BIT(JSON))) {
		ctl_print_json(json_pack("{s:o, s:b, s:o, s:O, s:o}", "generation",
					 generation_json(buf_str(&in_force->text)), "in_force",
					 (int)in_force->is_running, "edits",
					 in_force_edits_json(in_force), "services", list,
					 "settings", setting_rows_json("Service")));
		return;
	}
	services_append(list, &text);
	ctl_print(buf_str(&text));
}

int cmd_service_list(struct ctl *ctl)
{
	struct in_force in_force;
	int code = in_force_load(&in_force, ctl);

	if (code == CTL_DONE) {
		json_t *status = in_force.is_running ? server_status(ctl->home) : NULL;
		json_t *list = services_json(&in_force, status);
		services_print(ctl, &in_force, list);
		json_decref(list);
		json_decref(status);
	}
	in_force_done(&in_force);
	return code;
}

/* ---- changing one ---- */

/* "Service:IMAPS." of the first word. */
static int place_read(const struct plan *plan, char place[PLACE_MAX])
{
	struct str name = ctl_word(plan->ctl, 0);
	enum service_id id;

	if (!service_from_name(name, &id))
		return ctl_fail_field(FAULT_NOT_FOUND, "name",
				      "there is no service %.*s; `postern service list` shows them",
				      STR_ARG(name));
	snprintf(place, PLACE_MAX, "Service:%s.", service_name(id));
	return CTL_DONE;
}

static int variables_make(struct plan *plan, struct buf *text)
{
	char place[PLACE_MAX];
	int code = place_read(plan, place);

	return code == CTL_DONE ? plan_assign(plan, place, 1, text) : code;
}

static int enabled_make(struct plan *plan, struct buf *text, const char *value)
{
	CLEANUP_BUF struct buf word = BUF_INIT(PLACE_MAX + 16);
	char place[PLACE_MAX];
	int code = place_read(plan, place);

	if (code != CTL_DONE)
		return code;
	buf_printf(&word, "%sEnabled=%s", place, value);
	return plan_assign_one(buf_str(&word), text);
}

static int start_make(struct plan *plan, struct buf *text)
{
	return enabled_make(plan, text, "1");
}

static int stop_make(struct plan *plan, struct buf *text)
{
	return enabled_make(plan, text, "0");
}

int cmd_service_set(struct ctl *ctl)
{
	return plan_run(ctl, variables_make);
}

int cmd_service_start(struct ctl *ctl)
{
	return plan_run(ctl, start_make);
}

/* Whoever stops it from the page could not start it there again. */
static int page_stop_fail(void)
{
	return ctl_fail_field(FAULT_INVALID, "name",
			      "HTTPS carries the administration page, which nobody could reach any "
			      "more. Nothing was done; `postern service set HTTPS Enabled=0` stops "
			      "it, and `postern service start HTTPS` opens it again");
}

int cmd_service_stop(struct ctl *ctl)
{
	if (str_equals_nocase(ctl_word(ctl, 0), str_from_c(service_name(SERVICE_HTTPS))))
		return page_stop_fail();
	return plan_run(ctl, stop_make);
}
