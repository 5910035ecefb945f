/* SPDX-License-Identifier: Apache-2.0 */
/* tls set, tls reset, tls confirm, tls revert: changing the policy. */
#include <errno.h>
#include <stdlib.h>

#include "base/file.h"
#include "config/change.h"
#include "config/file.h"
#include "ctl/plan_run.h"

enum { TEXT_MAX = 16 << 20 };

/* ---- set ---- */

struct settings {
	bool has_min;
	enum tls_protocol min;
	uint32_t confirm_s;
};

static int settings_read(const struct ctl *ctl, struct settings *settings)
{
	const char *min = ctl_value(ctl, OPTION_MIN);

	settings->has_min = min != NULL;
	if (min != NULL && (!tls_protocol_from_name(str_from_c(min), &settings->min) ||
			    settings->min == TLS_PROTOCOL_SSLV3))
		return ctl_fail_field(FAULT_INVALID, "min",
				      "--min %s: write TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3", min);
	if (min == NULL && ctl->arguments->word_count == 0)
		return ctl_fail(CTL_USAGE,
				"nothing to set: give --min VERSION or TABLE.VARIABLE=VALUE");
	return plan_confirm_read(ctl, &settings->confirm_s);
}

static int settings_make(struct plan *plan, const struct settings *settings)
{
	struct buf text = BUF_INIT(CONFIG_FILE_MAX);
	struct findings findings;
	enum fault fault = FAULT_NONE;

	findings_init(&findings);
	if (settings->has_min)
		fault = config_minimum_set(buf_str(&plan->before), settings->min, &findings,
					   &text);
	else
		buf_append_str(&text, buf_str(&plan->before));
	int code = fault == FAULT_NONE ? plan_assign(plan, "", 0, &text)
				       : plan_edit_fail(fault, &findings);
	findings_done(&findings);
	buf_done(&plan->after);
	plan->after = text;
	return code;
}

/* Names the services whose own variables admit older protocols than asked for. */
static int overrides_name(const struct plan *plan, enum tls_protocol min)
{
	int code = CTL_DONE;

	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		const struct tls_policy *policy =
			plan_policy_now(&plan->config_after->services[i].policy);
		if (tls_protocols_min(policy->protocols) >= min)
			continue;
		struct buf place = BUF_INIT(1024);
		finding_place_append(&place, &policy->protocols_source);
		code = ctl_fail(CTL_FINDING, "%s still admits %s: %.*s (mailserver.cfg:%d) overrides the table",
				service_name((enum service_id)i),
				tls_protocol_name(tls_protocols_min(policy->protocols)),
				STR_ARG(buf_str(&place)), policy->protocols_source.line);
		buf_done(&place);
	}
	return code;
}

int cmd_tls_set(struct ctl *ctl)
{
	struct settings settings = {0};
	struct plan plan;
	int code = settings_read(ctl, &settings);

	if (code != CTL_DONE)
		return code;
	code = plan_open(&plan, ctl);
	if (code == CTL_DONE)
		code = settings_make(&plan, &settings);
	if (code == CTL_DONE)
		code = plan_carry_out(&plan, settings.confirm_s, false);
	if (code == CTL_DONE && settings.has_min)
		code = overrides_name(&plan, settings.min);
	plan_close(&plan);
	return code;
}

/* ---- reset ---- */

static void minima_append(const struct plan *plan, struct buf *to)
{
	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		tls_protocols before =
			plan_policy_now(&plan->config_before->services[i].policy)->protocols;
		tls_protocols after =
			plan_policy_now(&plan->config_after->services[i].policy)->protocols;
		if (tls_protocols_min(before) != tls_protocols_min(after))
			buf_printf(to, "%s: the minimum goes from %s to %s\n",
				   service_name((enum service_id)i),
				   tls_protocol_name(tls_protocols_min(before)),
				   tls_protocol_name(tls_protocols_min(after)));
	}
}

/* Shows where the minimum falls; refuses that unless it was allowed. */
static int reset_allow(struct plan *plan)
{
	struct buf text = BUF_INIT(TEXT_MAX);
	int code = plan_check(plan);

	if (code == CTL_DONE)
		minima_append(plan, &text);
	if (!ctl_has(plan->ctl, OPTION_BIT(JSON)))
		ctl_print(buf_str(&text));
	if (code == CTL_DONE && plan_is_weaker(plan) &&
	    !ctl_has(plan->ctl, OPTION_BIT(ALLOW_WEAKER)) &&
	    !ctl_has(plan->ctl, OPTION_BIT(DRY_RUN)))
		code = ctl_fail(CTL_USAGE, "older protocols would be admitted than now; nothing was "
					   "changed. If you mean it, add --allow-weaker");
	buf_done(&text);
	config_unref(&plan->config_after);
	return code;
}

int cmd_tls_reset(struct ctl *ctl)
{
	struct plan plan;
	struct findings findings;
	uint32_t confirm_s;
	int code = plan_confirm_read(ctl, &confirm_s);

	if (code != CTL_DONE)
		return code;
	code = plan_open(&plan, ctl);
	findings_init(&findings);
	if (code == CTL_DONE) {
		enum fault fault = config_tls_reset(buf_str(&plan.before), &findings, &plan.after);
		if (fault != FAULT_NONE)
			code = plan_edit_fail(fault, &findings);
	}
	if (code == CTL_DONE)
		code = reset_allow(&plan);
	if (code == CTL_DONE)
		code = plan_carry_out(&plan, confirm_s, false);
	findings_done(&findings);
	plan_close(&plan);
	return code;
}

/* ---- confirm ---- */

int cmd_tls_confirm(struct ctl *ctl)
{
	struct msg_config_confirm confirm = {};
	struct packet answer;
	struct link link;
	int code = CTL_DONE;

	packet_init(&answer);
	enum fault fault = link_open_control(&link, ctl->home);
	if (fault != FAULT_NONE)
		code = link_control_fail(ctl->home, fault);
	else {
		fault = link_ask_parent(&link, MSG_config_confirm, &confirm, MSG_done, &answer);
		const struct msg_done *done = &answer.message.done;
		if (fault != FAULT_NONE)
			code = link_answer_fail(ctl->home, fault);
		else if (done->fault != FAULT_NONE)
			code = ctl_fail_field((enum fault)done->fault, NULL, "%.*s",
					      STR_ARG(done->text));
		else
			ctl_print(STR("The change is kept.\n"));
	}
	packet_done(&answer);
	link_close(&link);
	return code;
}

/* ---- revert ---- */

static int version_read(struct plan *plan)
{
	struct str word = ctl_word(plan->ctl, 0);
	uint64_t number = config_history_last(plan->history);

	if (!str_is_empty(word) && !str_parse_u64(word, 99999999, &number))
		return ctl_fail(CTL_USAGE, "%.*s is no number of `postern tls history`",
				STR_ARG(word));
	if (number == 0)
		return ctl_fail(CTL_USAGE, "there are no former versions");
	char *path = config_history_path(plan->history, (unsigned)number);
	enum fault fault = file_read(path, &plan->after);
	int code = fault == FAULT_NONE ? CTL_DONE
				       : ctl_fail(CTL_USAGE, "%s cannot be read: %s", path,
						  fault_text(fault));
	free(path);
	return code;
}

int cmd_tls_revert(struct ctl *ctl)
{
	struct plan plan;
	uint32_t confirm_s;
	int code = plan_confirm_read(ctl, &confirm_s);

	if (code != CTL_DONE)
		return code;
	code = plan_open(&plan, ctl);
	if (code == CTL_DONE)
		code = version_read(&plan);
	if (code == CTL_DONE)
		code = plan_carry_out(&plan, confirm_s, true);
	plan_close(&plan);
	return code;
}
