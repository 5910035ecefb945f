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

/* With the front's lock held. */
static bool is_found(const struct session *session, const struct connections_query *query)
{
	const struct session_shown *shown = &session->shown;
	const char *service = service_name(session->service->id);
	const char *const texts[] = {service,	     session->peer_text, shown->user,
				     shown->version, shown->suite,	 shown->group};

	if (session->is_own || (!str_is_empty(query->service) &&
				!str_equals_nocase(query->service, str_from_c(service))))
		return false;
	if (str_is_empty(query->search))
		return true;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (str_find_nocase(str_from_c(texts[i]), query->search) != STR_NONE)
			return true;
	return false;
}

static size_t connections_copy(struct front *front, const struct connections_query *query,
			       struct connection *copies, size_t *total_out)
{
	size_t limit = query->limit < CONNECTIONS_PAGE_MAX ? query->limit : CONNECTIONS_PAGE_MAX;
	size_t count = 0, total = 0;

	pthread_mutex_lock(&front->lock);
	list_each(node, next, &front->sessions)
	{
		const struct session *session = list_entry(node, struct session, front_node);
		if (!is_found(session, query))
			continue;
		total++;
		if (session->shown.number > query->after && count < limit)
			connection_copy(session, &copies[count++]);
	}
	pthread_mutex_unlock(&front->lock);
	*total_out = total;
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

void connections_append(struct front *front, const struct connections_query *query,
			struct buf *json)
{
	struct connection *copies = calloc(CONNECTIONS_PAGE_MAX, sizeof(*copies));
	size_t total;

	CHECK(copies != NULL);
	size_t count = connections_copy(front, query, copies, &total);
	buf_printf(json, "{\"total\":%zu,\"connections\":[", total);
	for (size_t i = 0; i < count; i++) {
		buf_append_c(json, i == 0 ? "" : ",");
		connection_append(&copies[i], json);
	}
	buf_append_c(json, "]}");
	free(copies);
}
