/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/in_force.h"

#include <stdlib.h>

#include "base/file.h"
#include "config/file.h"
#include "ctl/link.h"
#include "ctl/plan.h"
#include "evidence/entry.h"
#include "tls/catalog.h"

enum { GENERATION_CHARS = 16 };

/* The text that the running server has in force; false when none answers. */
static bool server_text_read(const struct ctl *ctl, struct buf *text)
{
	struct link link;
	struct packet answer;
	struct msg_config_wanted wanted = {};
	bool is_given = false;

	packet_init(&answer);
	if (link_open_control(&link, ctl->home) == FAULT_NONE &&
	    link_ask_parent(&link, MSG_config_wanted, &wanted, MSG_config_changed, &answer) ==
		    FAULT_NONE) {
		CLEANUP_FD int fd = packet_take_fd(&answer);
		is_given = fd >= 0 && fd_read_file(fd, text) == FAULT_NONE;
	}
	packet_done(&answer);
	link_close(&link);
	return is_given;
}

static void errors_say(const struct in_force *in_force)
{
	for (size_t i = 0; i < in_force->findings.count; i++) {
		CLEANUP_BUF struct buf line = BUF_INIT(64 * 1024);
		if (in_force->findings.items[i].severity < FINDING_ERROR)
			continue;
		finding_append(&line, str_from_c(in_force->path), &in_force->findings.items[i]);
		ctl_fail(CTL_USAGE, "%.*s", STR_ARG(str_trim(buf_str(&line))));
	}
}

int in_force_load(struct in_force *in_force, const struct ctl *ctl)
{
	enum fault fault;

	*in_force = (struct in_force){.path = ctl_path(ctl, "mailserver.cfg"),
				      .text = BUF_INIT(CONFIG_FILE_MAX),
				      .catalog = tls_catalog_new()};
	findings_init(&in_force->findings);
	in_force->is_running = server_text_read(ctl, &in_force->text);
	if (in_force->is_running)
		fault = config_parse(buf_str(&in_force->text), in_force->path, in_force->catalog,
				     &in_force->findings, &in_force->config);
	else
		fault = config_file_load(in_force->path, in_force->catalog, &in_force->findings,
					 &in_force->config);
	if (fault != FAULT_NONE) {
		errors_say(in_force);
		return CTL_USAGE;
	}
	if (!in_force->is_running)
		buf_append_str(&in_force->text, in_force->config->text);
	return CTL_DONE;
}

void in_force_done(struct in_force *in_force)
{
	config_unref(&in_force->config);
	findings_done(&in_force->findings);
	tls_catalog_free(&in_force->catalog);
	buf_done(&in_force->text);
	free(in_force->path);
	in_force->path = NULL;
}

json_t *in_force_edits_json(const struct in_force *in_force)
{
	CLEANUP_BUF struct buf file = BUF_INIT(CONFIG_FILE_MAX);
	struct config_differences differences;
	json_t *list = json_array();

	if (!in_force->is_running || file_read(in_force->path, &file) != FAULT_NONE)
		return list;
	config_differences_find(buf_str(&in_force->text), buf_str(&file), &differences);
	for (size_t i = 0; i < differences.count; i++)
		json_array_append_new(list, plan_difference_json(&differences.items[i]));
	config_differences_done(&differences);
	return list;
}

void generation_append(struct buf *to, struct str text)
{
	struct evidence_hash hash = evidence_hash_of(text);

	buf_append_str(to, str_make(hash.text, GENERATION_CHARS));
}

json_t *generation_json(struct str text)
{
	CLEANUP_BUF struct buf sign = BUF_INIT(GENERATION_CHARS);

	generation_append(&sign, text);
	return json_text(buf_str(&sign));
}

bool generation_is(struct str generation, struct str text)
{
	CLEANUP_BUF struct buf sign = BUF_INIT(GENERATION_CHARS);

	generation_append(&sign, text);
	return str_equals_nocase(generation, buf_str(&sign));
}
