/* SPDX-License-Identifier: Apache-2.0 */
/* setup status: what a server still lacks before mail can come and go. */
#include <stdlib.h>

#include "auth/auth.h"
#include "base/clock.h"
#include "ctl/columns.h"
#include "ctl/dns_wanted.h"
#include "ctl/home_pairs.h"
#include "ctl/hostname.h"
#include "ctl/in_force.h"
#include "ctl/server_status.h"
#include "store/directory.h"
#include "tls/certificate_facts.h"

enum { PAGE_MAX = 1 << 20, FOUND_MAX = 64 * 1024, TEXT_MAX = 4096 };

struct setup {
	const struct ctl *ctl;
	struct link link;
	const struct config *config;
	char hostname[HOSTNAME_BYTES];
	char domain[DNS_NAME_MAX + 1]; /* the first one; empty: there is none */
	bool is_silent;		       /* DNS does not answer */
	json_t *steps;
	bool lacks_something;
};

static void format_printf(4, 5)
	step_add(struct setup *setup, const char *name, bool is_done, const char *format, ...)
{
	CLEANUP_BUF struct buf text = BUF_INIT(TEXT_MAX);
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	setup->lacks_something |= !is_done;
	json_array_append_new(setup->steps,
			      json_pack("{s:s, s:b, s:o}", "name", name, "done", (int)is_done,
					"text", json_text(buf_str(&text))));
}

/* ---- host name ---- */

static enum dns_status look(struct setup *setup, const char *name, enum dns_type type,
			    enum dns_compare compare, const char *value)
{
	CLEANUP_BUF struct buf found = BUF_INIT(FOUND_MAX);
	struct dns_wanted_record record = {.type = type, .compare = compare};

	if (!dns_name_parse(str_from_c(name), &record.name) ||
	    !str_copy_c(str_from_c(value), record.value, sizeof(record.value)))
		return DNS_STATUS_UNKNOWN;
	return dns_wanted_look(&setup->link, &record, &setup->is_silent, &found);
}

static void hostname_look(struct setup *setup)
{
	bool is_whole = str_find_char(str_from_c(setup->hostname), '.') != STR_NONE;

	if (!is_whole) {
		step_add(setup, "hostname", false,
			 "%s is no name that others can find: `postern settings set "
			 "Server.Hostname=mail.example.org`",
			 setup->hostname);
		return;
	}
	enum dns_status status = look(setup, setup->hostname, DNS_A, DNS_COMPARE_ANY, "");
	if (status == DNS_STATUS_MISSING)
		status = look(setup, setup->hostname, DNS_AAAA, DNS_COMPARE_ANY, "");
	step_add(setup, "hostname", status == DNS_STATUS_PUBLISHED, "%s: %s", setup->hostname,
		 status == DNS_STATUS_PUBLISHED ? "DNS knows it"
		 : status == DNS_STATUS_MISSING ? "DNS has no address for it: publish one"
						: "DNS does not answer now");
}

/* ---- domains and users ---- */

static void directory_look(struct setup *setup, struct view *view)
{
	struct str domain, after = STR("");
	struct user user;
	size_t users = 0, administrators = 0;

	if (directory_domain_next(view, STR(""), &domain) &&
	    str_copy_c(domain, setup->domain, sizeof(setup->domain)))
		step_add(setup, "domain", true, "mail for %s is taken", setup->domain);
	else
		step_add(setup, "domain", false,
			 "no mail is taken yet: `postern domain add example.org`");
	for (; directory_user_next(view, after, &user); after = user.address) {
		users++;
		administrators += user.is_admin;
	}
	step_add(setup, "user", users > 0,
		 users > 0 ? "%zu users have mail here" : "%zu users: `postern user add` makes one",
		 users);
	step_add(setup, "administrator", administrators > 0,
		 administrators > 0 ? "%zu administrators"
				    : "%zu administrators: `postern user set ADDRESS --role "
				      "administrator` makes one",
		 administrators);
}

/* ---- certificate ---- */

static bool is_of_local_root(const struct home_pair *pair)
{
	CLEANUP_BUF struct buf issuer = BUF_INIT(TEXT_MAX);

	tls_certificate_append_issuer(pair->certificate, &issuer);
	return str_has_prefix(buf_str(&issuer), STR(TLS_LOCAL_ROOT_NAME));
}

static void certificate_look(struct setup *setup)
{
	struct home_pairs *pairs = calloc(1, sizeof(*pairs));
	bool is_of_ca = false;

	CHECK(pairs != NULL);
	json_t *status = server_status(setup->ctl->home);
	(void)!home_pairs_read(setup->ctl->home, status, clock_real_s(), pairs);
	json_decref(status);
	for (size_t i = 0; i < pairs->count; i++)
		is_of_ca |=
			pairs->items[i].certificate != NULL && !is_of_local_root(&pairs->items[i]);
	home_pairs_done(pairs);
	free(pairs);
	step_add(setup, "certificate", is_of_ca, "%s",
		 is_of_ca ? "there is a certificate of a CA"
			  : "only certificates of this machine's own making, which mail programs "
			    "warn of: `postern cert request` or `postern cert import`");
}

/* ---- records ---- */

static void records_look(struct setup *setup)
{
	CLEANUP_BUF struct buf value = BUF_INIT(TEXT_MAX);

	if (setup->domain[0] == '\0')
		return;
	buf_printf(&value, "10 %s.", setup->hostname);
	buf_append_char(&value, '\0');
	enum dns_status mx = look(setup, setup->domain, DNS_MX, DNS_COMPARE_TARGET, value.data);
	step_add(setup, "records", mx == DNS_STATUS_PUBLISHED,
		 "%s: the MX record is %s; `postern dns records %s` shows all", setup->domain,
		 dns_status_name(mx), setup->domain);
}

/* ---- the command ---- */

static void setup_print(const struct setup *setup)
{
	static const char *const heads[] = {"STEP", "DONE", ""};
	CLEANUP_BUF struct buf text = BUF_INIT(PAGE_MAX);
	struct columns columns;
	json_t *step;
	size_t i;

	if (ctl_has(setup->ctl, OPTION_BIT(JSON))) {
		ctl_print_json(json_pack("{s:s, s:s, s:b, s:O}", "hostname", setup->hostname,
					 "domain", setup->domain, "done",
					 (int)!setup->lacks_something, "steps", setup->steps));
		return;
	}
	columns_init(&columns, heads, 3);
	json_array_foreach(setup->steps, i, step)
	{
		bool is_done = json_is_true(json_object_get(step, "done"));
		columns_add_c(&columns, json_string_value(json_object_get(step, "name")));
		columns_add_c(&columns, is_done ? "yes" : "no");
		columns_add_c(&columns, json_string_value(json_object_get(step, "text")));
	}
	columns_append(&columns, &text);
	ctl_print(buf_str(&text));
	columns_done(&columns);
}

static enum fault setup_look(struct setup *setup)
{
	struct view *view;
	enum fault fault = link_open(&setup->link, setup->ctl->home, LINK_STORE | LINK_MAILQ);

	if (fault == FAULT_NONE)
		fault = view_open(setup->link.store, &view);
	if (fault != FAULT_NONE)
		return fault;
	hostname_look(setup);
	directory_look(setup, view);
	view_close(&view);
	certificate_look(setup);
	records_look(setup);
	return FAULT_NONE;
}

int cmd_setup_status(struct ctl *ctl)
{
	struct setup setup = {.ctl = ctl, .steps = json_array()};
	struct in_force in_force;
	int code = in_force_load(&in_force, ctl);

	if (code == CTL_DONE) {
		setup.config = in_force.config;
		hostname_of(setup.config, setup.hostname);
		enum fault fault = setup_look(&setup);
		code = ctl_fault_code(fault);
		if (fault == FAULT_NONE) {
			setup_print(&setup);
			code = setup.lacks_something ? CTL_FINDING : CTL_DONE;
		}
		link_close(&setup.link);
	}
	json_decref(setup.steps);
	in_force_done(&in_force);
	return code;
}
