/* SPDX-License-Identifier: Apache-2.0 */
#include "session/connections.h"

#include <stdlib.h>

#include "base/clock.h"

enum { USER_BYTES = 320 };

/* A session as it is written: nothing in it belongs to the session. */
struct connection {
	struct session_shown shown; /* without its user */
	enum service_id service;
	uint16_t port;
	char peer[INET6_ADDRSTRLEN];
	char user[USER_BYTES]; /* empty: nobody */
};

static void connection_copy(const struct session *session, struct connection *copy)
{
	copy->shown = session->shown;
	copy->shown.user = NULL;
	copy->service = session->service->id;
	copy->port = ntohs(session->peer.sin6_port);
	CHECK(str_copy_c(str_from_c(session->peer_text), copy->peer, sizeof(copy->peer)));
	if (!str_copy_c(str_from_c(session->shown.user), copy->user, sizeof(copy->user)))
		copy->user[0] = '\0';
}

static size_t connections_copy(struct front *front, uint64_t after, struct connection *copies)
{
	size_t count = 0;

	pthread_mutex_lock(&front->lock);
	list_each(node, next, &front->sessions)
	{
		const struct session *session = list_entry(node, struct session, front_node);
		if (session->shown.number <= after || session->is_own)
			continue;
		if (count == CONNECTIONS_PAGE_MAX)
			break;
		connection_copy(session, &copies[count++]);
	}
	pthread_mutex_unlock(&front->lock);
	return count;
}

/* Accounts hold no character that JSON would have to escape but `"` and `\`, and controls. */
static void append_string(struct buf *json, const char *name, const char *text)
{
	buf_printf(json, ",\"%s\":", name);
	if (text == NULL || text[0] == '\0') {
		buf_append_c(json, "null");
		return;
	}
	buf_append_char(json, '"');
	for (const char *at = text; *at != '\0'; at++)
		if (*at == '"' || *at == '\\')
			buf_printf(json, "\\%c", *at);
		else if (ascii_is_control(*at))
			buf_printf(json, "\\u%04x", (unsigned char)*at);
		else
			buf_append_char(json, *at);
	buf_append_char(json, '"');
}

static void connection_append(const struct connection *connection, struct buf *json)
{
	const struct session_shown *shown = &connection->shown;

	buf_printf(json,
		   "{\"number\":%llu,\"service\":\"%s\",\"peer\":\"%s\",\"port\":%u,\"since\":\"",
		   (unsigned long long)shown->number, service_name(connection->service),
		   connection->peer, connection->port);
	clock_append_iso_date(json, shown->since_s);
	buf_append_char(json, '"');
	append_string(json, "user", connection->user);
	append_string(json, "version", shown->version);
	append_string(json, "suite", shown->suite);
	append_string(json, "group", shown->group);
	buf_printf(json, ",\"resumed\":%s}", shown->is_resumed ? "true" : "false");
}

void connections_append(struct front *front, uint64_t after, struct buf *json)
{
	struct connection *copies = calloc(CONNECTIONS_PAGE_MAX, sizeof(*copies));

	CHECK(copies != NULL);
	size_t count = connections_copy(front, after, copies);
	buf_append_char(json, '[');
	for (size_t i = 0; i < count; i++) {
		buf_append_c(json, i == 0 ? "" : ",");
		connection_append(&copies[i], json);
	}
	buf_append_char(json, ']');
	free(copies);
}
