/* SPDX-License-Identifier: Apache-2.0 */
/* cert request: has the running server ask a CA for a certificate, and tells how far it is. */
#include "ctl/ctl.h"
#include "ctl/link.h"
#include "ctl/progress.h"

enum { DOMAINS_MAX = 32 * 1024 };

static bool option_is_one_of(const struct ctl *ctl, enum option option, const char *first,
			     const char *second)
{
	const char *value = ctl_value(ctl, option);

	return value == NULL || strcmp(value, first) == 0 || strcmp(value, second) == 0;
}

static void domains_append(const struct ctl *ctl, struct buf *to)
{
	for (size_t i = 1; !str_is_empty(ctl_word(ctl, i)); i++) {
		buf_append_c(to, i == 1 ? "" : ",");
		buf_append_str(to, ctl_word(ctl, i));
	}
}

static void told_print(struct str text)
{
	struct buf line = BUF_INIT(64 * 1024);

	buf_append_str(&line, text);
	buf_append_char(&line, '\n');
	ctl_print(buf_str(&line));
	buf_done(&line);
}

static int done_tell(const struct ctl *ctl, const struct msg_done *done)
{
	struct str name = ctl_word(ctl, 0);

	if (done->fault != FAULT_NONE)
		return ctl_fail(done->fault == FAULT_INVALID ? CTL_USAGE : CTL_FINDING,
				"no certificate %.*s: %.*s", STR_ARG(name), STR_ARG(done->text));
	struct buf line = BUF_INIT(64 * 1024);
	buf_printf(&line, "certificate %.*s is in force\n", STR_ARG(name));
	ctl_print(buf_str(&line));
	if (!str_is_empty(done->text))
		told_print(done->text);
	buf_done(&line);
	return CTL_DONE;
}

/* Until the answer that ends it; the server sees to it that it comes. */
static int answers_follow(const struct ctl *ctl, const struct channel *channel)
{
	struct packet packet;
	struct progress progress;
	int code = CTL_NOT_RUNNING;
	enum fault fault;

	packet_init(&packet);
	progress_begin(&progress, ctl, "CA");
	while ((fault = channel_receive(channel, &packet)) == FAULT_NONE &&
	       packet.header.kind == MSG_acme_told) {
		told_print(packet.message.acme_told.text);
		progress_step(&progress, packet.message.acme_told.text);
	}
	progress_end(&progress);
	if (fault == FAULT_NONE && packet.header.kind == MSG_done)
		code = done_tell(ctl, &packet.message.done);
	else
		ctl_fail(code, "the server in %s went away; `postern status` tells how it stands",
			 ctl->home);
	packet_done(&packet);
	return code;
}

static int request_send(const struct ctl *ctl, struct link *link)
{
	struct buf domains = BUF_INIT(DOMAINS_MAX);
	struct channel channel;

	domains_append(ctl, &domains);
	struct msg_acme_wanted wanted = {
		.name = ctl_word(ctl, 0),
		.domains = buf_str(&domains),
		.challenge = str_from_c(ctl_value(ctl, OPTION_CHALLENGE)),
		.key_type = str_from_c(ctl_value(ctl, OPTION_KEY_TYPE))};
	enum fault fault = role_client_open(&link->mailq_role, &channel);
	if (fault == FAULT_NONE)
		fault = channel_send(&channel, MSG_acme_wanted, 1, &wanted);
	buf_done(&domains);
	if (fault != FAULT_NONE)
		return link_answer_fail(ctl->home, fault);
	int code = answers_follow(ctl, &channel);
	channel_close(&channel);
	return code;
}

int cmd_cert_request(struct ctl *ctl)
{
	struct link link;

	if (!option_is_one_of(ctl, OPTION_CHALLENGE, "http-01", "tls-alpn-01"))
		return ctl_fail(CTL_USAGE, "--challenge is http-01 or tls-alpn-01");
	if (!option_is_one_of(ctl, OPTION_KEY_TYPE, "ecdsa", "rsa"))
		return ctl_fail(CTL_USAGE, "--key-type is ecdsa or rsa");
	enum fault fault = link_open_control(&link, ctl->home);
	int code = fault == FAULT_NONE ? request_send(ctl, &link)
				       : link_control_fail(ctl->home, fault);
	link_close(&link);
	return code;
}
