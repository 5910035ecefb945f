/* SPDX-License-Identifier: Apache-2.0 */
/* tls probe: what a destination offers. */
#include "ctl/ctl.h"
#include "ctl/link.h"
#include "ctl/progress.h"

enum { PROBE_TEXT_MAX = 256 * 1024 };

/* ---- in words ---- */

static void line(struct buf *to, const char *name, const char *value)
{
	if (value[0] != '\0')
		buf_printf(to, "  %-12s %s\n", name, value);
}

static void joined_append(struct buf *to, const char *name, const json_t *list)
{
	const json_t *item;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	buf_printf(to, "  %-12s ", name);
	json_array_foreach(list, i, item)
		buf_printf(to, "%s%s", i == 0 ? "" : ", ", json_string_value(item));
	buf_append_char(to, '\n');
}

static void rule_append(struct buf *to, const json_t *rule)
{
	const char *row = json_member(rule, "row");

	if (rule == NULL)
		return;
	buf_printf(to, "  %-12s %s by %s%s\n", "rule", json_member(rule, "level"),
		   row[0] == '\0' ? "the table " : "TlsPolicy ",
		   row[0] == '\0' ? json_member(rule, "table") : row);
	joined_append(to, "offers", json_object_get(rule, "protocols"));
}

static void tls_append(struct buf *to, const json_t *tls)
{
	if (tls != NULL)
		buf_printf(to, "  %-12s %s %s %s%s\n", "TLS", json_member(tls, "version"),
			   json_member(tls, "suite"), json_member(tls, "group"),
			   json_is_true(json_object_get(tls, "below_floor")) ? ", below TlsFloor"
									     : "");
}

static void certificate_append(struct buf *to, const json_t *certificate)
{
	const json_t *shown;
	size_t i;

	if (certificate == NULL)
		return;
	line(to, "certificate", json_member(certificate, "result"));
	line(to, "", json_member(certificate, "words"));
	json_array_foreach(json_object_get(certificate, "chain"), i, shown)
	{
		buf_printf(to, "  %zu            %s, from %s\n", i, json_member(shown, "subject"),
			   json_member(shown, "issuer"));
		line(to, "", json_member(shown, "names"));
		buf_printf(to, "  %-12s %s, %s, %s to %s\n", "", json_member(shown, "key"),
			   json_member(shown, "signature"), json_member(shown, "not_before"),
			   json_member(shown, "not_after"));
		buf_printf(to, "  %-12s pin %s\n", "", json_member(shown, "pin"));
	}
}

static void hosts_append(struct buf *to, const json_t *report)
{
	const json_t *host;
	size_t i;

	if (!json_is_true(json_object_get(report, "mx")))
		return;
	json_array_foreach(json_object_get(report, "hosts"), i, host)
		buf_printf(to, "  %-12s %d %s\n", i == 0 ? "MX" : "",
			   (int)json_integer_value(json_object_get(host, "preference")),
			   json_member(host, "name"));
}

static void report_append(struct buf *to, const json_t *report)
{
	const json_t *failure = json_object_get(report, "failure");

	buf_printf(to, "%s, %s on port %d: %s\n", json_member(report, "target"), json_member(report, "service"),
		   (int)json_integer_value(json_object_get(report, "port")),
		   json_member(report, "outcome"));
	if (failure != NULL)
		line(to, "because", json_member(failure, "words"));
	hosts_append(to, report);
	line(to, "host", json_member(report, "host"));
	line(to, "address", json_member(report, "address"));
	rule_append(to, json_object_get(report, "rule"));
	line(to, "greeting", json_member(report, "greeting"));
	joined_append(to, "extensions", json_object_get(report, "extensions"));
	tls_append(to, json_object_get(report, "tls"));
	certificate_append(to, json_object_get(report, "certificate"));
}

/* ---- asking ---- */

static int report_print(const struct ctl *ctl, struct str json)
{
	json_t *report = json_loadb(json.ptr, json.len, 0, NULL);
	struct buf text = BUF_INIT(PROBE_TEXT_MAX);

	if (report == NULL)
		return ctl_fault_code(FAULT_INVALID);
	bool is_good = json_object_get(report, "failure") == NULL;
	if (ctl_has(ctl, OPTION_BIT(JSON))) {
		buf_append_str(&text, json);
		buf_append_char(&text, '\n');
	} else
		report_append(&text, report);
	ctl_print(buf_str(&text));
	buf_done(&text);
	json_decref(report);
	return is_good ? CTL_DONE : CTL_FINDING;
}

static int target_probe(const struct ctl *ctl, struct link *link, struct str target)
{
	const char *service = ctl_value(ctl, OPTION_SERVICE);
	struct msg_probe_wanted wanted = {.target = target,
					  .service = str_from_c(service == NULL ? "SMTP" : service)};
	struct packet answer;
	struct progress progress;
	int code;

	packet_init(&answer);
	progress_begin(&progress, ctl, "probe");
	enum fault fault = link_follow_mailq(link, MSG_probe_wanted, &wanted, &progress,
					     MSG_probe_given, &answer);
	progress_end(&progress);
	if (fault != FAULT_NONE)
		code = ctl_fail(CTL_NOT_RUNNING, "the server's role mailq does not answer: %s",
				fault_text(fault));
	else if (answer.message.probe_given.fault == FAULT_INVALID)
		code = ctl_fail(CTL_USAGE,
				"%.*s: write DOMAIN or HOST[:PORT]; --service is SMTP, Submission, "
				"SMTPS, POP3, POP3S, IMAPS or HTTPS",
				STR_ARG(target));
	else if (answer.message.probe_given.fault != FAULT_NONE)
		code = ctl_fail(CTL_NOT_RUNNING, "%.*s: %s", STR_ARG(target),
				fault_text((enum fault)answer.message.probe_given.fault));
	else
		code = report_print(ctl, answer.message.probe_given.json);
	packet_done(&answer);
	return code;
}

int cmd_tls_probe(struct ctl *ctl)
{
	struct link link;
	enum fault fault = link_open(&link, ctl->home, LINK_MAILQ);
	int code = fault == FAULT_NONE ? CTL_DONE : ctl_fault_code(fault);

	for (size_t i = 0; i < ctl->arguments->word_count && fault == FAULT_NONE; i++) {
		int one = target_probe(ctl, &link, ctl_word(ctl, i));
		code = one > code ? one : code;
	}
	link_close(&link);
	return code;
}
