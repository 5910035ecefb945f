/* SPDX-License-Identifier: Apache-2.0 */
/* cert list: the pairs in sslcert/, what they are good for and what is wrong with them. */
#include <stdlib.h>

#include "base/clock.h"
#include "ctl/certificate_json.h"
#include "ctl/home_pairs.h"
#include "ctl/server_status.h"

enum { LIST_MAX = 16 << 20 };

/* ---- as JSON ---- */

/* Whether the server has this very chain in force; null when there is no server to ask. */
static json_t *in_force_json(const struct home_pair *pair, json_t *status)
{
	json_t *known = server_status_certificate(status, pair->name);

	if (status == NULL || pair->certificate == NULL)
		return json_null();
	json_t *own = certificate_digest_json(pair->certificate);
	bool is_same = json_equal(json_object_get(known, "sha256"), own) == 1;
	json_decref(own);
	return json_boolean(is_same);
}

static json_t *pair_json(const struct home_pair *pair, json_t *services, json_t *status,
			 int64_t now_s)
{
	bool is_default = home_pair_is_default(pair->name);
	json_t *object = json_pack("{s:s, s:b, s:O, s:o, s:o}", "name", pair->name, "is_default",
				   (int)is_default, "services", services, "in_force",
				   in_force_json(pair, status), "problems",
				   certificate_findings_json(&pair->findings));

	if (pair->certificate != NULL) {
		json_t *facts = certificate_json(pair->certificate, pair->is_public, now_s);
		json_object_update(object, facts);
		json_decref(facts);
	}
	json_t *ocsp = json_object_get(server_status_certificate(status, pair->name), "ocsp");
	json_object_set(object, "ocsp", ocsp == NULL ? json_null() : ocsp);
	return object;
}

/* ---- for people ---- */

static void append_list(struct buf *to, json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		buf_printf(to, "%s%s", i == 0 ? "" : ", ", json_string_value(item));
}

static void append_serves(struct buf *to, json_t *pair)
{
	bool is_default = json_is_true(json_object_get(pair, "is_default"));

	append_list(to, json_object_get(pair, "services"));
	buf_append_c(to, is_default ? "; where the client names no host, or an unknown one"
				    : "; where the client names one of its names");
}

static const char *in_force_words(json_t *pair)
{
	json_t *value = json_object_get(pair, "in_force");

	if (json_is_null(value))
		return "no server runs";
	return json_is_true(value) ? "yes" : "no: the server has another one of that name, or none";
}

/* The responder, what it says, and whether clients insist on it. */
static void append_ocsp(struct buf *to, json_t *pair)
{
	const char *responder = json_member(pair, "ocsp_responder");
	json_t *ocsp = json_object_get(pair, "ocsp");

	buf_printf(to, "  OCSP      %s",
		   responder[0] == '\0' ? "names no responder" : responder);
	if (json_is_object(ocsp) && responder[0] != '\0')
		buf_printf(to, ": %s", json_member(ocsp, "state"));
	if (json_is_true(json_object_get(pair, "must_staple")))
		buf_append_c(to, ", must be stapled");
	buf_append_char(to, '\n');
}

static void append_facts(struct buf *to, json_t *pair)
{

	buf_printf(to, ": %s %lld\n  names     ", json_member(pair, "kind"),
		   json_integer_value(json_object_get(pair, "bits")));
	append_list(to, json_object_get(pair, "names"));
	buf_printf(to, "\n  issuer    %s\n  valid     %s to %s, %lld days left\n",
		   json_member(pair, "issuer"), json_member(pair, "not_before"), json_member(pair, "not_after"),
		   json_integer_value(json_object_get(pair, "days_left")));
	buf_printf(to, "  key id    %s (TLSA 3 1 1)\n  SCTs      %s\n", json_member(pair, "key_id"),
		   json_member(pair, "scts"));
	append_ocsp(to, pair);
	buf_append_c(to, "  serves    ");
	append_serves(to, pair);
	buf_printf(to, "\n  in force  %s\n", in_force_words(pair));
}

static void append_pair(struct buf *to, json_t *pair)
{
	json_t *problem;
	size_t i;

	buf_printf(to, "sslcert/%s", json_member(pair, "name"));
	if (json_object_get(pair, "kind") != NULL)
		append_facts(to, pair);
	else
		buf_append_c(to, ": not usable\n");
	json_array_foreach(json_object_get(pair, "problems"), i, problem)
		buf_printf(to, "  %s: %s: %s\n", json_member(problem, "severity"),
			   json_member(problem, "file"), json_member(problem, "text"));
}

static void list_print(const struct ctl *ctl, json_t *list)
{
	struct buf text = BUF_INIT(LIST_MAX);
	json_t *pair;
	size_t i;

	if (ctl_has(ctl, OPTION_BIT(JSON))) {
		ctl_print_json(json_pack("{s:O}", "certificates", list));
		return;
	}
	json_array_foreach(list, i, pair) {
		buf_append_c(&text, i == 0 ? "" : "\n");
		append_pair(&text, pair);
	}
	ctl_print(buf_str(&text));
	buf_done(&text);
}

static int list_code(const struct home_pairs *pairs)
{
	int code = CTL_DONE;

	for (size_t i = 0; i < pairs->count; i++) {
		const struct findings *findings = &pairs->items[i].findings;
		if (findings->totals[FINDING_ERROR] > 0)
			return CTL_USAGE;
		if (findings->totals[FINDING_WARNING] > 0)
			code = CTL_FINDING;
	}
	return code;
}

static json_t *pairs_json(const struct ctl *ctl, const struct home_pairs *pairs, json_t *status,
			  int64_t now_s)
{
	json_t *list = json_array(), *services = certificate_services_json(ctl);

	for (size_t i = 0; i < pairs->count; i++)
		json_array_append_new(list, pair_json(&pairs->items[i], services, status, now_s));
	json_decref(services);
	return list;
}

int cmd_cert_list(struct ctl *ctl)
{
	struct home_pairs *pairs = calloc(1, sizeof(*pairs));
	json_t *status = server_status(ctl->home);
	int64_t now_s = clock_real_s();
	int code;

	CHECK(pairs != NULL);
	if (!home_pairs_read(ctl->home, status, now_s, pairs))
		code = ctl_fail(CTL_USAGE, "%s/sslcert cannot be read; `postern init` makes a home",
				ctl->home);
	else {
		json_t *list = pairs_json(ctl, pairs, status, now_s);
		list_print(ctl, list);
		json_decref(list);
		code = list_code(pairs);
	}
	json_decref(status);
	home_pairs_done(pairs);
	free(pairs);
	return code;
}
