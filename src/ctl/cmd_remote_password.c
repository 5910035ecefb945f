/* SPDX-License-Identifier: Apache-2.0 */
/* remote-password: what this server logs in at others with. */
#include "ctl/ctl.h"
#include "ctl/link.h"
#include "ctl/password.h"
#include "ctl/told.h"

/* One request to the auth role; `answer` holds the done. */
static enum fault auth_ask(struct link *link, enum message_kind kind, const void *request,
			   struct packet *answer)
{
	enum fault fault =
		role_client_call(&link->auth_role, kind, request, MSG_done, answer);

	return fault == FAULT_NONE ? fault_from_number(answer->message.done.fault) : fault;
}

static int set_code(enum fault fault, struct str name)
{
	if (fault == FAULT_NONE)
		return CTL_DONE;
	if (fault == FAULT_INVALID)
		return ctl_fail_field(
			FAULT_INVALID, "name",
			"%.*s is no name for a password: up to 200 characters, no blanks",
			STR_ARG(name));
	if (fault == FAULT_NOT_FOUND)
		return ctl_fail_field(
			FAULT_NOT_FOUND, "name",
			"there is no password %.*s; `postern remote-password list` shows them",
			STR_ARG(name));
	return ctl_fail_field(fault, "name", "%.*s: %s", STR_ARG(name), fault_text(fault));
}

static int password_send(struct ctl *ctl, struct str password, const char *what)
{
	struct msg_remote_password_set set = {.name = ctl_word(ctl, 0), .password = password};
	struct link link;
	struct packet answer;
	struct buf line = BUF_INIT(1024);
	int code;

	packet_init(&answer);
	enum fault fault = link_open(&link, ctl->home, LINK_AUTH);
	if (fault == FAULT_NONE)
		code = set_code(auth_ask(&link, MSG_remote_password_set, &set, &answer), set.name);
	else
		code = ctl_fault_code(fault);
	if (code == CTL_DONE) {
		buf_printf(&line, "%s {Name=\"%.*s\"}", what, STR_ARG(set.name));
		config_change_tell(&link, buf_str(&line));
	}
	buf_done(&line);
	packet_done(&answer);
	link_close(&link);
	return code;
}

int cmd_remote_password_set(struct ctl *ctl)
{
	struct secret password CLEANUP_SECRET = {0};
	int code = password_read(ctl, &password);

	return code == CTL_DONE
		       ? password_send(ctl, secret_reveal(&password), "Update Remote Password")
		       : code;
}

int cmd_remote_password_remove(struct ctl *ctl)
{
	return password_send(ctl, STR(""), "Remove Remote Password");
}

static void names_print(const struct ctl *ctl, struct str names)
{
	json_t *list = json_array();

	if (!ctl_has(ctl, OPTION_BIT(JSON))) {
		ctl_print(names);
		json_decref(list);
		return;
	}
	while (!str_is_empty(names))
		json_array_append_new(list, json_text(str_cut(&names, '\n')));
	ctl_print_json(json_pack("{s:o}", "names", list));
}

int cmd_remote_password_list(struct ctl *ctl)
{
	struct msg_remote_password_list list = {};
	struct link link;
	struct packet answer;
	int code;

	packet_init(&answer);
	enum fault fault = link_open(&link, ctl->home, LINK_AUTH);
	if (fault == FAULT_NONE)
		fault = auth_ask(&link, MSG_remote_password_list, &list, &answer);
	if (fault == FAULT_NONE) {
		names_print(ctl, answer.message.done.text);
		code = CTL_DONE;
	} else
		code = ctl_fault_code(fault);
	packet_done(&answer);
	link_close(&link);
	return code;
}
