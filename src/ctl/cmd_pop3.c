/* SPDX-License-Identifier: Apache-2.0 */
/* pop3: the mailboxes elsewhere that mail is fetched from, and fetching it now. */
#include "base/clock.h"
#include "config/pop3_account.h"
#include "ctl/columns.h"
#include "ctl/in_force.h"
#include "ctl/link.h"
#include "ctl/progress.h"
#include "fetch/run.h"
#include "tls/catalog.h"

enum { LIST_MAX = 4 << 20, CELL_MAX = 8 * 1024 };

#define CLEANUP_BUF __attribute__((cleanup(buf_done)))

/* ---- how the last visit went ---- */

/* False when there was none. */
static bool run_read(struct view *view, const struct pop3_account *account,
		     struct fetch_run *run_out)
{
	unsigned char source[FETCHED_SOURCE_BYTES];

	fetch_source_make(account, source);
	return fetch_run_take(fetched_run(view, str_make(source, sizeof(source))), run_out);
}

static json_t *date_json(int64_t real_s)
{
	CLEANUP_BUF struct buf text = BUF_INIT(64);

	if (real_s == 0)
		return json_null();
	clock_append_iso_date(&text, real_s);
	return json_text(buf_str(&text));
}

static json_t *run_json(const struct fetch_run *run)
{
	return json_pack("{s:o, s:o, s:b, s:i, s:o, s:I, s:I, s:I, s:I, s:o}", "begun",
			 date_json(run->begun_s), "ended", date_json(run->ended_s), "failed",
			 run->failures > 0, "failures", (int)run->failures, "why",
			 json_text(run->why), "fetched", (json_int_t)run->fetched, "bytes",
			 (json_int_t)run->bytes, "deleted", (json_int_t)run->deleted, "left",
			 (json_int_t)run->left, "tls", json_text(run->tls));
}

static json_t *account_json(struct view *view, const struct pop3_account *account)
{
	struct fetch_run run;
	bool has_run = run_read(view, account, &run);
	bool is_planned = has_run && account->is_enabled && account->interval_s > 0;

	return json_pack("{s:o, s:b, s:o, s:i, s:s, s:b, s:o, s:o, s:b, s:o, s:o}", "name",
			 json_text(account->name), "enabled", account->is_enabled, "host",
			 json_text(account->host), "port", (int)account->port, "tls",
			 pop3_account_tls_name(account->tls), "verify", account->verifies, "user",
			 json_text(account->user), "deliver_to", json_text(account->deliver_to),
			 "leaves", account->leaves, "last", has_run ? run_json(&run) : json_null(),
			 "next", is_planned ? date_json(run.next_s) : json_null());
}

/* ---- list ---- */

static void next_cell(struct columns *columns, const struct pop3_account *account,
		      const struct fetch_run *run)
{
	CLEANUP_BUF struct buf text = BUF_INIT(64);

	if (!account->is_enabled)
		buf_append_c(&text, "disabled");
	else if (account->interval_s == 0)
		buf_append_c(&text, "when asked");
	else if (run == NULL || run->next_s <= clock_real_s())
		buf_append_c(&text, "now");
	else
		clock_append_iso_date(&text, run->next_s);
	columns_add(columns, buf_str(&text));
}

static void result_cell(struct columns *columns, const struct fetch_run *run)
{
	CLEANUP_BUF struct buf text = BUF_INIT(CELL_MAX);

	if (run != NULL && run->failures > 0)
		buf_printf(&text, "failed: %.*s", STR_ARG(run->why));
	else if (run != NULL)
		buf_printf(&text, "fetched %llu, left %llu%s%.*s", (unsigned long long)run->fetched,
			   (unsigned long long)run->left, str_is_empty(run->why) ? "" : "; ",
			   STR_ARG(run->why));
	columns_add(columns, buf_str(&text));
}

static void account_row(struct columns *columns, struct view *view,
			const struct pop3_account *account)
{
	CLEANUP_BUF struct buf text = BUF_INIT(CELL_MAX);
	struct fetch_run run;
	bool has_run = run_read(view, account, &run);

	columns_add(columns, account->name);
	columns_printf(columns, "%.*s:%u", STR_ARG(account->host), account->port);
	columns_add(columns, account->deliver_to);
	if (has_run)
		clock_append_iso_date(&text, run.ended_s);
	columns_add(columns, has_run ? buf_str(&text) : STR("never"));
	columns_add(columns, has_run && !str_is_empty(run.tls) ? run.tls : STR("-"));
	next_cell(columns, account, has_run ? &run : NULL);
	result_cell(columns, has_run ? &run : NULL);
}

static void list_print(const struct ctl *ctl, const struct config *config, struct view *view)
{
	static const char *const heads[] = {"NAME", "SERVER", "FOR", "LAST", "TLS", "NEXT",
					    "RESULT"};
	struct columns columns;
	json_t *list = json_array();
	CLEANUP_BUF struct buf text = BUF_INIT(LIST_MAX);

	columns_init(&columns, heads, sizeof(heads) / sizeof(heads[0]));
	for (size_t i = 0; i < config->pop3_account_count; i++) {
		json_array_append_new(list, account_json(view, &config->pop3_accounts[i]));
		account_row(&columns, view, &config->pop3_accounts[i]);
	}
	columns_append(&columns, &text);
	columns_done(&columns);
	if (ctl_has(ctl, OPTION_BIT(JSON))) {
		ctl_print_json(json_pack("{s:o}", "accounts", list));
		return;
	}
	json_decref(list);
	ctl_print(buf_str(&text));
}

static int store_list(const struct ctl *ctl, const struct config *config)
{
	struct link link;
	struct view *view CLEANUP_VIEW = NULL;

	enum fault fault = link_open(&link, ctl->home, LINK_STORE);
	if (fault == FAULT_NONE)
		fault = view_open(link.store, &view);
	if (fault == FAULT_NONE)
		list_print(ctl, config, view);
	view_close(&view);
	link_close(&link);
	return fault == FAULT_NONE ? CTL_DONE : ctl_fault_code(fault);
}

int cmd_pop3_list(struct ctl *ctl)
{
	struct in_force in_force;
	int code = in_force_load(&in_force, ctl);

	if (code == CTL_DONE)
		code = store_list(ctl, in_force.config);
	in_force_done(&in_force);
	return code;
}

/* ---- run ---- */

static int done_tell(const struct ctl *ctl, const struct msg_done *done)
{
	struct str name = ctl_word(ctl, 0);
	CLEANUP_BUF struct buf line = BUF_INIT(CELL_MAX);

	switch (done->fault) {
	case FAULT_NONE:
		buf_printf(&line, "%.*s: ", STR_ARG(name));
		buf_append_str(&line, done->text);
		buf_append_char(&line, '\n');
		ctl_print(buf_str(&line));
		return CTL_DONE;
	case FAULT_NOT_FOUND:
		return ctl_fail(CTL_USAGE,
				"there is no account %.*s; `postern pop3 list` shows them",
				STR_ARG(name));
	case FAULT_DENIED:
		return ctl_fail(CTL_USAGE, "%.*s is disabled (Pop3Account/Enabled)", STR_ARG(name));
	default:
		return ctl_fail(CTL_FINDING, "%.*s: %.*s", STR_ARG(name),
				STR_ARG(str_is_empty(done->text) ? STR("the server is stopping")
								 : done->text));
	}
}

static enum fault run_ask(const struct ctl *ctl, struct link *link, struct packet *answer)
{
	struct msg_pop3_run_wanted wanted = {.name = ctl_word(ctl, 0)};
	struct progress progress;

	progress_begin(&progress, ctl, ctl->arguments->words[0]);
	enum fault fault = link_follow_mailq(link, MSG_pop3_run_wanted, &wanted, &progress, MSG_done,
					     answer);
	progress_end(&progress);
	return fault;
}

int cmd_pop3_run(struct ctl *ctl)
{
	struct link link;
	struct packet answer;
	enum fault fault = link_open_control(&link, ctl->home);
	int code;

	packet_init(&answer);
	if (fault != FAULT_NONE)
		code = link_control_fail(ctl->home, fault);
	else if ((fault = run_ask(ctl, &link, &answer)) == FAULT_NONE)
		code = done_tell(ctl, &answer.message.done);
	else
		code = ctl_fail(CTL_NOT_RUNNING,
				"the server in %s went away; `postern status` tells how it stands",
				ctl->home);
	packet_done(&answer);
	link_close(&link);
	return code;
}
