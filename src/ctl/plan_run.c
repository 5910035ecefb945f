/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/plan_run.h"

#include "config/pending.h"

enum { TEXT_MAX = 16 << 20, WORD_MAX = 64 * 1024 };

int plan_confirm_read(const struct ctl *ctl, uint32_t *confirm_s_out)
{
	const char *within = ctl_value(ctl, OPTION_CONFIRM_WITHIN);

	*confirm_s_out = 0;
	if (within == NULL || (duration_parse(str_from_c(within), confirm_s_out) &&
			       *confirm_s_out <= PENDING_SECONDS_MAX))
		return CTL_DONE;
	return ctl_fail_field(
		FAULT_INVALID, "confirm_within",
		"--confirm-within %s: write for example 90s, 10m or 2h; seven days at most",
		within);
}

/* What became of a change. */
struct outcome {
	bool is_same; /* nothing changes */
	bool is_dry;
	uint32_t confirm_s; /* 0: it holds, or nothing was done */
};

static bool is_written(const struct outcome *outcome)
{
	return !outcome->is_same && !outcome->is_dry;
}

static void outcome_append(const struct plan *plan, const struct outcome *outcome, struct buf *to)
{
	if (outcome->is_same)
		buf_append_c(to, "Nothing changes.\n");
	else if (outcome->is_dry)
		buf_append_c(to, "Nothing was written: a dry run.\n");
	else if (plan->link.control.fd < 0)
		buf_append_c(to, "Written; it comes in force when the server starts.\n");
	else
		buf_append_c(to, "In force.\n");
	if (outcome->confirm_s > 0)
		buf_printf(to,
			   "It is undone in %u seconds unless you say: postern tls confirm --home "
			   "%s\n",
			   outcome->confirm_s, plan->ctl->home);
}

static void outcome_print_json(const struct plan *plan, const struct outcome *outcome)
{
	json_t *document = plan_json(plan);

	json_object_set_new(document, "dry_run", json_boolean(outcome->is_dry));
	json_object_set_new(document, "written", json_boolean(is_written(outcome)));
	json_object_set_new(document, "in_force",
			    json_boolean(is_written(outcome) && plan->link.control.fd >= 0));
	json_object_set_new(document, "confirm_within_s", json_integer(outcome->confirm_s));
	ctl_print_json(document);
}

static void outcome_print(const struct plan *plan, const struct outcome *outcome)
{
	struct buf text = BUF_INIT(TEXT_MAX);

	if (ctl_has(plan->ctl, OPTION_BIT(JSON))) {
		outcome_print_json(plan, outcome);
		return;
	}
	plan_append(plan, &text);
	outcome_append(plan, outcome, &text);
	ctl_print(buf_str(&text));
	buf_done(&text);
}

int plan_carry_out(struct plan *plan, uint32_t confirm_s, bool is_revert)
{
	struct outcome outcome = {.is_same =
					  str_equals(buf_str(&plan->before), buf_str(&plan->after)),
				  .is_dry = ctl_has(plan->ctl, OPTION_BIT(DRY_RUN))};
	int code = plan_check(plan);

	if (code == CTL_DONE && is_written(&outcome)) {
		outcome.confirm_s = confirm_s;
		code = plan_make(plan, confirm_s, is_revert);
	}
	if (code == CTL_DONE)
		outcome_print(plan, &outcome);
	return code;
}

/* ---- assignments ---- */

int plan_edit_fail(enum fault fault, const struct findings *findings)
{
	const char *text = fault_text(fault);

	if (findings->count > 0)
		return ctl_fail_field(fault, NULL, "%.*s", STR_ARG(findings->items[0].text));
	return ctl_fail_field(fault, NULL, "%s", text);
}

/* Names the variable as findings do: "Security/ServerTlsProtocols". */
static int assignment_fail(struct str word, const struct buf *error)
{
	CLEANUP_BUF struct buf field = BUF_INIT(WORD_MAX);
	struct str place = str_cut(&word, '=');
	size_t dot = str_find_last_char(place, '.');

	buf_append_str(&field, place);
	buf_append_char(&field, '\0');
	if (dot != STR_NONE && !field.failed)
		field.data[dot] = '/';
	return ctl_fail_field(FAULT_INVALID, field.failed ? NULL : field.data, "%.*s",
			      STR_ARG(buf_str(error)));
}

int plan_assign_one(struct str word, struct buf *text)
{
	CLEANUP_BUF struct buf error = BUF_INIT(WORD_MAX);
	struct buf next = BUF_INIT(CONFIG_FILE_MAX);
	struct config_address address;
	struct findings findings;
	struct str value;

	if (!config_assignment_read(word, &address, &value, &error))
		return assignment_fail(word, &error);
	findings_init(&findings);
	enum fault fault = config_assign(buf_str(text), &address, value, &findings, &next);
	int code = fault == FAULT_NONE ? CTL_DONE : plan_edit_fail(fault, &findings);
	findings_done(&findings);
	buf_done(code == CTL_DONE ? text : &next);
	if (code == CTL_DONE)
		*text = next;
	return code;
}

int plan_assign(struct plan *plan, const char *place, size_t first, struct buf *text)
{
	int code = CTL_DONE;

	for (size_t i = first; i < plan->ctl->arguments->word_count && code == CTL_DONE; i++) {
		CLEANUP_BUF struct buf word = BUF_INIT(WORD_MAX);
		buf_append_c(&word, place);
		buf_append_str(&word, ctl_word(plan->ctl, i));
		code = plan_assign_one(buf_str(&word), text);
	}
	return code;
}

/* ---- a whole command ---- */

int plan_run(struct ctl *ctl, int (*make)(struct plan *plan, struct buf *text))
{
	uint32_t confirm_s;
	struct plan plan;
	int code = plan_confirm_read(ctl, &confirm_s);

	if (code != CTL_DONE)
		return code;
	code = plan_open(&plan, ctl);
	if (code == CTL_DONE) {
		buf_append_str(&plan.after, buf_str(&plan.before));
		code = make(&plan, &plan.after);
	}
	if (code == CTL_DONE)
		code = plan_carry_out(&plan, confirm_s, false);
	plan_close(&plan);
	return code;
}
