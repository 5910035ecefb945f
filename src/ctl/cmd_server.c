/* SPDX-License-Identifier: Apache-2.0 */
/* serve, reload, stop, status: what concerns the running server as a whole. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "ctl/link.h"

enum { TEXT_MAX = 1 << 20, STOP_MS = 60 * 1000 };

int cmd_serve(struct ctl *ctl)
{
	return ctl->above->serve(ctl->home);
}

int cmd_reload(struct ctl *ctl)
{
	struct link link;
	struct packet answer;
	struct msg_reload_wanted wanted = {};
	int code = CTL_DONE;

	packet_init(&answer);
	enum fault fault = link_open_control(&link, ctl->home);
	if (fault != FAULT_NONE)
		code = link_control_fail(ctl->home, fault);
	else {
		fault = link_ask_parent(&link, MSG_reload_wanted, &wanted, MSG_done, &answer);
		const struct msg_done *done = &answer.message.done;
		if (fault != FAULT_NONE)
			code = link_answer_fail(ctl->home, fault);
		else if (done->fault != FAULT_NONE)
			code = ctl_fail(CTL_USAGE, "not in force: %.*s", STR_ARG(done->text));
	}
	packet_done(&answer);
	link_close(&link);
	return code;
}

/* A descriptor that becomes readable when the server's process has ended; -1 without. */
static int server_process_open(const struct link *link)
{
	struct ucred server;
	socklen_t len = sizeof(server);

	if (getsockopt(link->control.fd, SOL_SOCKET, SO_PEERCRED, &server, &len) != 0)
		return -1;
	return (int)syscall(SYS_pidfd_open, server.pid, 0);
}

static bool process_await_end(int process_fd)
{
	int64_t give_up = clock_mono_ms() + STOP_MS;
	struct pollfd waiting = {.fd = process_fd, .events = POLLIN};
	int ready;

	do {
		int64_t left = give_up - clock_mono_ms();
		ready = poll(&waiting, 1, left > 0 ? (int)left : 0);
	} while (ready < 0 && errno == EINTR);
	return ready == 1;
}

int cmd_stop(struct ctl *ctl)
{
	struct link link;
	struct packet answer;
	struct msg_stop_wanted wanted = {};
	int code = CTL_DONE;

	packet_init(&answer);
	enum fault fault = link_open_control(&link, ctl->home);
	if (fault != FAULT_NONE)
		code = link_control_fail(ctl->home, fault);
	else {
		CLEANUP_FD int process_fd = server_process_open(&link);
		fault = link_ask_parent(&link, MSG_stop_wanted, &wanted, MSG_done, &answer);
		if (fault != FAULT_NONE)
			code = link_answer_fail(ctl->home, fault);
		else if (process_fd >= 0 && !process_await_end(process_fd))
			code = ctl_fail(CTL_FINDING, "the server has not ended within %d seconds",
					STOP_MS / 1000);
	}
	packet_done(&answer);
	link_close(&link);
	return code;
}

/* ---- status ---- */

static const char *member_text(json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text == NULL ? "" : text;
}

static void append_time(struct buf *to, json_t *object, const char *name)
{
	clock_append_iso_date(to, json_integer_value(json_object_get(object, name)));
}

static void append_roles(struct buf *to, json_t *status)
{
	static const char *const heads[] = {"ROLE", "PROCESS", "STATE", "RESTARTS", "SANDBOX"};
	struct columns columns;
	json_t *role;
	size_t i;

	columns_init(&columns, heads, 5);
	json_array_foreach(json_object_get(status, "roles"), i, role) {
		columns_add_c(&columns, member_text(role, "name"));
		columns_printf(&columns, "%lld", json_integer_value(json_object_get(role, "pid")));
		columns_add_c(&columns, member_text(role, "state"));
		columns_printf(&columns, "%lld",
			       json_integer_value(json_object_get(role, "restarts")));
		columns_add_c(&columns, member_text(role, "sandbox"));
	}
	columns_append(&columns, to);
	columns_done(&columns);
}

static void append_listeners(struct buf *to, json_t *status)
{
	static const char *const heads[] = {"SERVICE", "ADDRESS"};
	struct columns columns;
	json_t *listener;
	size_t i;

	columns_init(&columns, heads, 2);
	json_array_foreach(json_object_get(status, "listeners"), i, listener) {
		columns_add_c(&columns, member_text(listener, "service"));
		columns_add_c(&columns, member_text(listener, "address"));
	}
	columns_append(&columns, to);
	columns_done(&columns);
}

static bool expires_soon(json_t *certificate)
{
	return json_is_true(json_object_get(certificate, "expires_soon"));
}

static void append_handshakes(struct buf *to, json_t *status)
{
	static const char *const heads[] = {"HANDSHAKES", "VERSION", "FULL", "RESUMED", "FAILED"};
	static const char *const counts[] = {"full", "resumed", "failed"};
	struct columns columns;
	json_t *row;
	size_t i;

	columns_init(&columns, heads, 5);
	json_array_foreach(json_object_get(status, "handshakes"), i, row) {
		columns_add_c(&columns, member_text(row, "service"));
		columns_add_c(&columns, member_text(row, "version"));
		for (size_t j = 0; j < sizeof(counts) / sizeof(counts[0]); j++)
			columns_printf(&columns, "%lld",
				       json_integer_value(json_object_get(row, counts[j])));
	}
	if (json_array_size(json_object_get(status, "handshakes")) > 0)
		buf_append_char(to, '\n');
	columns_append(&columns, to);
	columns_done(&columns);
}

/* What the certificate's CA says of it; empty when it was not asked. */
static const char *ocsp_state(json_t *certificate)
{
	const char *state = member_text(json_object_get(certificate, "ocsp"), "state");

	return strcmp(state, "none") == 0 ? "" : state;
}

static void append_certificates(struct buf *to, json_t *status)
{
	static const char *const heads[] = {"CERTIFICATE", "EXPIRES", "DAYS LEFT", "OCSP", "WHAT"};
	struct columns columns;
	json_t *certificate;
	size_t i;

	columns_init(&columns, heads, 5);
	json_array_foreach(json_object_get(status, "certificates"), i, certificate) {
		struct buf expires = BUF_INIT(64);
		append_time(&expires, certificate, "expires");
		columns_add_c(&columns, member_text(certificate, "name"));
		columns_add(&columns, buf_str(&expires));
		columns_printf(&columns, "%lld%s",
			       json_integer_value(json_object_get(certificate, "days_left")),
			       expires_soon(certificate) ? " (!)" : "");
		columns_add_c(&columns, ocsp_state(certificate));
		columns_add_c(&columns, member_text(certificate, "certificate"));
		buf_done(&expires);
	}
	columns_append(&columns, to);
	columns_done(&columns);
}

static void append_self_check(struct buf *to, json_t *status)
{
	json_t *check = json_object_get(status, "self_check"), *line;
	size_t i;

	buf_printf(to, "\nSelf-check %s: %lld handshakes with ourselves, ",
		   member_text(check, "state"),
		   json_integer_value(json_object_get(check, "handshakes")));
	append_time(to, check, "time");
	json_array_foreach(json_object_get(check, "differences"), i, line)
		buf_printf(to, "\n  %s", json_string_value(line));
	check = json_object_get(check, "ports");
	buf_printf(to, "\n  through the ports: %lld handshakes",
		   json_integer_value(json_object_get(check, "handshakes")));
	json_array_foreach(json_object_get(check, "differences"), i, line)
		buf_printf(to, "\n  %s", json_string_value(line));
	json_array_foreach(json_object_get(check, "unreached"), i, line)
		buf_printf(to, "\n  not reached: %s", json_string_value(line));
}

static void append_expired(struct buf *to, json_t *status)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(status, "tls_policy"), "expired"), i, row)
		buf_printf(to, "\nThe row of TlsPolicy for %s (mailserver.cfg:%lld) is not applied since %s",
			   member_text(row, "peer"),
			   json_integer_value(json_object_get(row, "line")),
			   member_text(row, "expires"));
}

/* "TLSv1.2: observe until 2026-12-01 00:00, then reply". */
static void append_floor_sentence(struct buf *to, json_t *floor)
{
	buf_printf(to, "%s: %s", member_text(floor, "protocol"), member_text(floor, "mode"));
	if (member_text(floor, "mode_later")[0] != '\0')
		buf_printf(to, " until %s 00:00, then %s", member_text(floor, "date"),
			   member_text(floor, "mode_later"));
}

static bool floors_are_alike(json_t *a, json_t *b)
{
	static const char *const members[] = {"protocol", "mode", "date", "mode_later"};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (strcmp(member_text(a, members[i]), member_text(b, members[i])) != 0)
			return false;
	}
	return true;
}

/* One line for all services of which the same holds. */
static void append_floors(struct buf *to, json_t *status)
{
	json_t *floors = json_object_get(status, "floors");
	struct buf names = BUF_INIT(TEXT_MAX);

	for (size_t i = 0; i < json_array_size(floors); i++) {
		json_t *floor = json_array_get(floors, i);
		bool has_next = i + 1 < json_array_size(floors) &&
				floors_are_alike(floor, json_array_get(floors, i + 1));
		buf_printf(&names, "%s%s", names.len == 0 ? "" : ", ", member_text(floor, "service"));
		if (has_next)
			continue;
		buf_append_c(to, "\nFloor ");
		append_floor_sentence(to, floor);
		buf_printf(to, " (%.*s)", STR_ARG(buf_str(&names)));
		buf_reset(&names);
	}
	buf_done(&names);
}

/* How the certificates stand that a CA is asked for. */
static void append_acme(struct buf *to, json_t *status)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(status, "acme"), i, row) {
		const char *why = member_text(row, "why");
		buf_printf(to, "\nCertificate %s is asked for from the CA next at ",
			   member_text(row, "name"));
		append_time(to, row, "next");
		if (why[0] != '\0')
			buf_printf(to, "; failed %lld times: %s",
				   json_integer_value(json_object_get(row, "failures")), why);
	}
}

static void append_awaiting(struct buf *to, json_t *status)
{
	json_t *awaiting = json_object_get(status, "awaiting_confirmation");

	if (!json_is_object(awaiting))
		return;
	buf_printf(to, "\nA change by %s is undone unless confirmed (postern tls confirm) until ",
		   member_text(awaiting, "who"));
	append_time(to, awaiting, "until");
}

static void append_disk(struct buf *to, json_t *status)
{
	json_t *disk = json_object_get(status, "disk");
	json_int_t size = json_integer_value(json_object_get(disk, "size_bytes"));
	json_int_t inodes = json_integer_value(json_object_get(disk, "inodes"));

	if (!json_is_object(disk))
		return;
	buf_append_c(to, "\nDisk of the store: ");
	size_append(to, (uint64_t)json_integer_value(json_object_get(disk, "free_bytes")));
	buf_append_c(to, " of ");
	size_append(to, (uint64_t)size);
	buf_append_c(to, " free");
	if (inodes > 0)
		buf_printf(to, ", %lld of %lld inodes",
			   json_integer_value(json_object_get(disk, "free_inodes")), inodes);
	if (json_is_true(json_object_get(disk, "is_low")))
		buf_append_c(to, ": too little, make room");
}

static void status_print(json_t *status)
{
	struct buf text = BUF_INIT(TEXT_MAX);
	const char *broken = member_text(status, "config_broken");

	buf_printf(&text, "Postern %s, process %lld, %s, started ", member_text(status, "version"),
		   json_integer_value(json_object_get(status, "pid")),
		   json_is_true(json_object_get(status, "ready")) ? "ready" : "not ready yet");
	append_time(&text, status, "started");
	buf_append_c(&text, "\nConfiguration in force since ");
	append_time(&text, status, "applied");
	if (broken[0] != '\0')
		buf_printf(&text, "\nThe file on disk is not in force: %s", broken);
	append_self_check(&text, status);
	append_awaiting(&text, status);
	append_acme(&text, status);
	append_expired(&text, status);
	append_floors(&text, status);
	append_disk(&text, status);
	if (json_is_false(json_object_get(json_object_get(status, "evidence"), "is_written")))
		buf_append_c(&text, "\nevidence.log cannot be written: changes are not recorded");
	buf_append_c(&text, "\n\n");
	append_roles(&text, status);
	buf_append_char(&text, '\n');
	append_listeners(&text, status);
	buf_append_char(&text, '\n');
	append_certificates(&text, status);
	append_handshakes(&text, status);
	ctl_print(buf_str(&text));
	buf_done(&text);
}

/*
 * 1 where the administrator should look: a role that is not ready, a file that is
 * not in force, a self-check that failed, a certificate that ends or was revoked.
 */
static int status_code(json_t *status)
{
	json_t *role, *certificate;
	size_t i;

	if (member_text(status, "config_broken")[0] != '\0' ||
	    strcmp(member_text(json_object_get(status, "self_check"), "state"), "failed") == 0)
		return CTL_FINDING;
	json_array_foreach(json_object_get(status, "roles"), i, role)
		if (strcmp(member_text(role, "state"), "ready") != 0)
			return CTL_FINDING;
	json_array_foreach(json_object_get(status, "certificates"), i, certificate)
		if (expires_soon(certificate) || strcmp(ocsp_state(certificate), "revoked") == 0)
			return CTL_FINDING;
	return CTL_DONE;
}

static int status_show(const struct ctl *ctl, struct str json)
{
	json_t *status = json_loadb(json.ptr, json.len, 0, NULL);

	if (!json_is_object(status)) {
		json_decref(status);
		return link_answer_fail(ctl->home, FAULT_INVALID);
	}
	int code = status_code(status);
	if (ctl_has(ctl, OPTION_BIT(JSON)))
		ctl_print_json(json_incref(status));
	else
		status_print(status);
	json_decref(status);
	return code;
}

int cmd_status(struct ctl *ctl)
{
	struct link link;
	struct packet answer;
	struct msg_status_wanted wanted = {};
	int code;

	packet_init(&answer);
	enum fault fault = link_open_control(&link, ctl->home);
	if (fault != FAULT_NONE)
		code = link_control_fail(ctl->home, fault);
	else {
		fault = link_ask_parent(&link, MSG_status_wanted, &wanted, MSG_status_given,
					&answer);
		code = fault != FAULT_NONE
			       ? link_answer_fail(ctl->home, fault)
			       : status_show(ctl, answer.message.status_given.json);
	}
	packet_done(&answer);
	link_close(&link);
	return code;
}
