/* SPDX-License-Identifier: Apache-2.0 */
/* connections: who is connected now. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "ctl/columns.h"
#include "ctl/link.h"
#include "ctl/page.h"

enum { ANSWER_MAX = 1 << 20, TEXT_MAX = 64 << 20, FRONTS_MAX = 64, ANSWER_MS = 10 * 1000 };

struct shown {
	struct page page;
	uint32_t after_front; /* of --after */
	uint64_t after_number;
	const char *service; /* NULL: all */
	json_t *list;
};

/* ---- asking ---- */

/* Reads what the front writes to the other end, until it closes it. */
static json_t *answer_read(int fd)
{
	CLEANUP_BUF struct buf text = BUF_INIT(ANSWER_MAX);
	const struct timeval patience = {.tv_sec = ANSWER_MS / 1000};

	/* A front that hangs is ended by the parent's watchdog; nobody waits for that here. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (fd_read_file(fd, &text) != FAULT_NONE)
		return NULL;
	return json_loadb(text.data, text.len, 0, NULL);
}

/* What is shown of a front. */
struct front_page {
	uint64_t after;
	uint32_t limit; /* 0: only counted */
	json_t *answer; /* {"total":N,"connections":[...]} */
};

/* NOT_FOUND: there is no such front. */
static enum fault front_ask(struct link *link, uint32_t front, const struct shown *shown,
			    struct front_page *page)
{
	int ends[2];
	struct packet answer;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return FAULT_IO;
	struct msg_connections_wanted wanted = {.front = front,
						.after = page->after,
						.limit = page->limit,
						.service = str_from_c(shown->service),
						.search = shown->page.search,
						.answer = ends[1]};
	packet_init(&answer);
	enum fault fault =
		link_ask_parent(link, MSG_connections_wanted, &wanted, MSG_done, &answer);
	fd_close(&ends[1]);
	if (fault == FAULT_NONE)
		fault = fault_from_number(answer.message.done.fault);
	if (fault == FAULT_NONE && (page->answer = answer_read(ends[0])) == NULL)
		fault = FAULT_UNAVAILABLE;
	fd_close(&ends[0]);
	packet_done(&answer);
	return fault;
}

/* ---- what is shown ---- */

static void connection_take(struct shown *shown, uint32_t front, json_t *connection)
{
	CLEANUP_BUF struct buf key = BUF_INIT(64);
	long long number = json_integer_value(json_object_get(connection, "number"));

	buf_printf(&key, "%u:%lld", front, number);
	if (!page_takes_at(&shown->page, buf_str(&key), true))
		return;
	json_object_del(connection, "number");
	json_object_set_new(connection, "id", json_text(buf_str(&key)));
	json_array_append(shown->list, connection);
}

/* How many of the next front are asked for: one more than the page takes tells whether there is more. */
static uint32_t front_limit(const struct shown *shown, uint32_t front)
{
	const struct page *page = &shown->page;

	if (front < shown->after_front || page->has_more)
		return 0;
	return page->limit == 0 ? UINT32_MAX : (uint32_t)(page->limit - page->taken + 1);
}

/* Takes a front's page; true when the front may have another one that is wanted. */
static bool page_take(struct shown *shown, uint32_t front, struct front_page *page)
{
	json_t *list = json_object_get(page->answer, "connections"), *connection;
	size_t i;

	json_array_foreach(list, i, connection)
	{
		page->after = (uint64_t)json_integer_value(json_object_get(connection, "number"));
		connection_take(shown, front, connection);
	}
	page->limit = front_limit(shown, front);
	return json_array_size(list) > 0 && page->limit > 0;
}

static enum fault front_take(struct shown *shown, struct link *link, uint32_t front)
{
	struct front_page page = {.after = front == shown->after_front ? shown->after_number : 0,
				  .limit = front_limit(shown, front)};
	size_t before = shown->page.total, total = 0;
	bool is_first = true, goes_on = true;

	while (goes_on) {
		enum fault fault = front_ask(link, front, shown, &page);
		if (fault != FAULT_NONE)
			return fault;
		if (is_first)
			total = (size_t)json_integer_value(json_object_get(page.answer, "total"));
		is_first = false;
		goes_on = page_take(shown, front, &page);
		json_decref(page.answer);
	}
	/* The front counted those that it did not show, too. */
	if (shown->page.total < before + total)
		shown->page.total = before + total;
	return FAULT_NONE;
}

static enum fault fronts_take(struct shown *shown, struct link *link)
{
	enum fault fault = FAULT_NONE;

	for (uint32_t front = 0; front < FRONTS_MAX && fault == FAULT_NONE; front++)
		fault = front_take(shown, link, front);
	return fault == FAULT_NOT_FOUND ? FAULT_NONE : fault;
}

static void connections_append(json_t *list, struct buf *to)
{
	static const char *const heads[] = {"SERVICE", "PEER", "USER", "SINCE", "TLS"};
	struct columns columns;
	json_t *connection;
	size_t i;

	columns_init(&columns, heads, 5);
	json_array_foreach(list, i, connection)
	{
		columns_add_c(&columns, json_member(connection, "service"));
		columns_add_c(&columns, json_member(connection, "peer"));
		columns_add_c(&columns, json_member(connection, "user"));
		columns_add_c(&columns, json_member(connection, "since"));
		columns_printf(&columns, "%s %s %s", json_member(connection, "version"),
			       json_member(connection, "suite"), json_member(connection, "group"));
	}
	columns_append(&columns, to);
	columns_done(&columns);
}

static void shown_print(const struct ctl *ctl, const struct shown *shown)
{
	CLEANUP_BUF struct buf text = BUF_INIT(TEXT_MAX);

	if (ctl_has(ctl, OPTION_BIT(JSON))) {
		json_t *document = json_pack("{s:O}", "connections", shown->list);
		page_tell_json(&shown->page, document);
		ctl_print_json(document);
		return;
	}
	connections_append(shown->list, &text);
	page_tell(&shown->page, &text);
	ctl_print(buf_str(&text));
}

/* ---- the command ---- */

/* "0:1234"; what is none stands behind everything. */
static void after_read(struct shown *shown)
{
	struct str rest = shown->page.after;
	struct str front_text = str_cut(&rest, ':');
	uint64_t front = 0, number = 0;

	if (!str_is_empty(shown->page.after) && (!str_parse_u64(front_text, FRONTS_MAX, &front) ||
						 !str_parse_u64(rest, UINT64_MAX, &number)))
		front = FRONTS_MAX;
	shown->after_front = (uint32_t)front;
	shown->after_number = number;
}

static int connections_show(struct ctl *ctl, struct shown *shown)
{
	struct link link;
	enum fault fault = link_open_control(&link, ctl->home);
	int code = CTL_DONE;

	if (fault != FAULT_NONE)
		code = link_control_fail(ctl->home, fault);
	else {
		fault = fronts_take(shown, &link);
		if (fault == FAULT_NONE)
			shown_print(ctl, shown);
		else
			code = ctl_fail_field(fault, NULL, "the server in %s does not tell: %s",
					      ctl->home, fault_text(fault));
	}
	link_close(&link);
	return code;
}

int cmd_connections(struct ctl *ctl)
{
	struct shown shown = {.service = ctl_value(ctl, OPTION_SERVICE), .list = json_array()};
	int code = page_init(&shown.page, ctl);

	after_read(&shown);
	if (code == CTL_DONE)
		code = connections_show(ctl, &shown);
	json_decref(shown.list);
	page_done(&shown.page);
	return code;
}
