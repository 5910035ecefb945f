/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/api.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "httpd/page_fields.h"
#include "session/admin_client.h"

enum { PIECE_BYTES = 32 * 1024 };

static const struct str COOKIE = STR_INIT("__Host-postern");

bool api_is_path(struct str path)
{
	return str_has_prefix(path, STR("/api/"));
}

bool api_is_active(const struct api *api)
{
	return api->state != API_NONE;
}

/* The one place where the state changes. */
static void state_set(struct api *api, enum api_state state)
{
	api->state = state;
}

static void map_drop(struct api *api)
{
	if (api->map != NULL)
		munmap(api->map, api->map_len);
	api->map = NULL;
	api->map_len = api->sent = 0;
}

static enum command_step answer_end(struct session *session, struct api *api)
{
	map_drop(api);
	body_drop(&session->body);
	state_set(api, API_NONE);
	return api->keep_alive ? COMMAND_DONE : COMMAND_END;
}

static bool wants_body(const struct api *api)
{
	return api->request->method != HTTP_HEAD;
}

static void head_say(struct session *session, const struct api *api, int status, struct str type,
		     uint64_t body_bytes, struct str fields)
{
	struct buf more = BUF_INIT(HTTP_HEAD_MAX);

	page_fields_append(session, api->request, &more);
	buf_append_c(&more, "Cache-Control: no-store\r\n");
	buf_append_str(&more, fields);
	http_response_head(session_out(session), status, type, body_bytes, api->keep_alive,
			   buf_str(&more), clock_real_s());
	buf_done(&more);
}

/* An answer of the front's own, in the form of the API's errors. */
static enum command_step refusal_answer(struct session *session, struct api *api, int status,
					const char *code, const char *text)
{
	struct buf body = BUF_INIT(1024);

	buf_printf(&body, "{\"error\":{\"code\":\"%s\",\"field\":null,\"text\":\"%s\"}}\n", code,
		   text);
	head_say(session, api, status, STR("application/json"), body.len, STR(""));
	if (wants_body(api))
		buf_append_str(session_out(session), buf_str(&body));
	buf_done(&body);
	return answer_end(session, api);
}

/* The role gave no answer, and gives none any more. */
static enum command_step answer_miss(struct session *session, struct api *api, bool was_asked)
{
	api->ticket = 0;
	return refusal_answer(session, api, 503, "unavailable",
			      was_asked ? "a part of the server was started again; what was asked may "
					  "be done or not: look, then try again"
					: "this part of the server does not answer now; try again");
}

/* ---- the request ---- */

static void api_wake(void *context)
{
	struct session *session = context;

	task_wake(&session->task);
}

/* What goes along inline, or else as a memory file. */
static enum fault body_attach(struct session *session, struct msg_api_asked *asked)
{
	struct body *body = &session->body;

	asked->file = -1;
	if (!body->is_active)
		return FAULT_NONE;
	if (body->spool.is_out_of_memory)
		return FAULT_MEMORY;
	enum fault fault = body_view(body, &asked->body);
	if (fault == FAULT_NONE && body->spool.fd >= 0) {
		asked->file = body->spool.fd;
		asked->body = str_make(NULL, 0);
	}
	return fault;
}

/* What a body held may be a password. */
static void body_forget(struct session *session)
{
	struct buf *head = &session->body.spool.head;

	if (head->data != NULL)
		explicit_bzero(head->data, head->len);
	body_drop(&session->body);
}

static enum command_step request_ask(struct session *session, struct api *api)
{
	const struct http_request *request = api->request;
	struct msg_api_asked asked = {
		.peer = str_from_c(session->peer_text),
		.method = request->method_name,
		.path = request->path,
		.query = request->query,
		.token = http_cookie_find(http_request_field(request, STR("Cookie")), COOKIE),
		.csrf = http_request_field(request, STR("X-Postern-Csrf")),
		.host = request->host,
		.origin = http_request_field(request, STR("Origin")),
		.fetch_site = http_request_field(request, STR("Sec-Fetch-Site")),
		.content_type = http_request_field(request, STR("Content-Type")),
		.accept = http_request_field(request, STR("Accept")),
		.upload_bytes = api->upload_bytes};
	struct asker *admin = session_admin(session);
	enum fault fault = admin == NULL ? FAULT_UNAVAILABLE : body_attach(session, &asked);

	if (fault == FAULT_NONE)
		fault = admin_client_ask(admin, &asked, api_wake, session, &api->ticket);
	body_forget(session);
	if (fault != FAULT_NONE)
		return answer_miss(session, api, false);
	state_set(api, API_ASKED);
	return COMMAND_WAIT;
}

/* The role is asked first; where it says no, nobody knows where the next request begins. */
static enum command_step upload_ask(struct session *session, struct api *api)
{
	api->upload_bytes = api->request->body_bytes;
	api->keep_alive = false;
	return request_ask(session, api);
}

enum command_step api_begin(struct session *session, struct api *api,
			    const struct http_request *request)
{
	struct str type = http_request_field(request, STR("Content-Type"));

	*api = (struct api){.request = request, .keep_alive = request->keep_alive};
	if (request->body_bytes > 0 && !str_is_empty(type) &&
	    !http_media_is(type, STR("application/json")))
		return upload_ask(session, api);
	if (request->body_bytes > API_BODY_MAX) {
		/* It is not read: where the next request begins nobody can know. */
		api->keep_alive = false;
		return refusal_answer(session, api, 413, "too_large",
				      "more than one MiB was sent");
	}
	if (request->body_bytes == 0)
		return request_ask(session, api);
	body_begin(&session->body, API_BODY_MAX);
	body_expect_chunk(&session->body, request->body_bytes);
	if (request->expects_continue)
		buf_append_c(session_out(session), "HTTP/1.1 100 Continue\r\n\r\n");
	state_set(api, API_BODY);
	return COMMAND_BODY;
}

/* The body is wanted. */
static enum command_step upload_begin(struct session *session, struct api *api,
				      struct packet *packet)
{
	int fd = packet_take_fd(packet);

	if (fd < 0 || api->upload_bytes == 0)
		return COMMAND_END;
	body_begin_file(&session->body, api->upload_bytes, API_UPLOAD_S, fd);
	api->upload_bytes = 0;
	if (api->request->expects_continue)
		buf_append_c(session_out(session), "HTTP/1.1 100 Continue\r\n\r\n");
	state_set(api, API_UPLOAD);
	return COMMAND_BODY;
}

/* ---- the answer ---- */

/* The answer's body from a memory file; false when it cannot be had. */
static bool file_map(struct api *api, struct packet *packet)
{
	CLEANUP_FD int fd = packet_take_fd(packet);
	struct stat status;

	if (fstat(fd, &status) != 0 || status.st_size <= 0)
		return false;
	void *map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return false;
	api->map = map;
	api->map_len = (size_t)status.st_size;
	return true;
}

static enum command_step pieces_send(struct session *session, struct api *api)
{
	struct str piece = str_sub(str_make(api->map, api->map_len), api->sent, PIECE_BYTES);

	buf_append_str(session_out(session), piece);
	api->sent += piece.len;
	return api->sent < api->map_len ? COMMAND_MORE : answer_end(session, api);
}

static enum command_step stream_begin(struct session *session, struct api *api,
				      const struct msg_api_answered *answered)
{
	/* Its end is the end of the connection. */
	api->keep_alive = false;
	head_say(session, api, (int)answered->status, answered->content_type, HTTP_LENGTH_UNKNOWN,
		 answered->fields);
	state_set(api, API_STREAM);
	api->is_flushed = true;
	return COMMAND_FLUSH;
}

static enum command_step answer_give(struct session *session, struct api *api,
				     struct packet *packet)
{
	const struct msg_api_answered *answered = &packet->message.api_answered;

	if (answered->is_stream)
		return stream_begin(session, api, answered);
	if (packet->fd >= 0 && !file_map(api, packet))
		return refusal_answer(session, api, 503, "unavailable",
				      "the answer could not be read; try again");
	uint64_t len = api->map != NULL ? api->map_len : answered->body.len;
	head_say(session, api, (int)answered->status, answered->content_type, len,
		 answered->fields);
	if (!wants_body(api) || api->map == NULL) {
		if (wants_body(api))
			buf_append_str(session_out(session), answered->body);
		return answer_end(session, api);
	}
	state_set(api, API_PIECES);
	return pieces_send(session, api);
}

/* Waits for the answer, or gives it. */
static enum command_step answer_await(struct session *session, struct api *api)
{
	struct asker_answer reply;

	if (!asker_take(session_admin(session), api->ticket, &reply))
		return COMMAND_WAIT;
	if (reply.fault != FAULT_NONE)
		return answer_miss(session, api, reply.was_asked);
	bool is_answer = reply.packet.header.kind == MSG_api_answered;
	if (is_answer && !reply.packet.message.api_answered.is_stream)
		api->ticket = 0;
	enum command_step step = COMMAND_END;
	if (reply.packet.header.kind == MSG_api_upload_given)
		step = upload_begin(session, api, &reply.packet);
	else if (is_answer)
		step = answer_give(session, api, &reply.packet);
	packet_done(&reply.packet);
	return step;
}

static enum command_step upload_end(struct session *session, struct api *api)
{
	enum fault fault = spool_settle(&session->body.spool);

	body_drop(&session->body);
	if (fault != FAULT_NONE) {
		admin_client_cancel(session_admin(session), api->ticket);
		api->ticket = 0;
		return refusal_answer(session, api, 507, "no_space",
				      "the server's disk is full: nothing of it is kept; make room, "
				      "then try again");
	}
	api->keep_alive = api->request->keep_alive;
	admin_client_uploaded(session_admin(session), api->ticket);
	state_set(api, API_ASKED);
	/* Whatever came while the body did has woken us already. */
	return answer_await(session, api);
}

/* ---- streams ---- */

static enum command_step part_await(struct session *session, struct api *api)
{
	struct asker_answer reply;

	if (!asker_take(session_admin(session), api->ticket, &reply))
		return COMMAND_LISTEN;
	if (reply.fault != FAULT_NONE || reply.packet.header.kind != MSG_api_part) {
		if (reply.fault == FAULT_NONE)
			packet_done(&reply.packet);
		return answer_end(session, api);
	}
	buf_append_str(session_out(session), reply.packet.message.api_part.bytes);
	api->is_last = reply.packet.message.api_part.is_last != 0;
	api->is_flushed = true;
	packet_done(&reply.packet);
	return COMMAND_FLUSH;
}

/* A part that has gone out lets the next one come; the admin role never has two on their way. */
static enum command_step stream_more(struct session *session, struct api *api)
{
	if (api->is_last || session_is_stopping(session))
		return answer_end(session, api);
	if (api->is_flushed) {
		api->is_flushed = false;
		admin_client_go_on(session_admin(session), api->ticket);
	}
	return part_await(session, api);
}

enum command_step api_more(struct session *session, struct api *api)
{
	switch (api->state) {
	case API_BODY:
		return request_ask(session, api);
	case API_UPLOAD:
		return upload_end(session, api);
	case API_ASKED:
		return answer_await(session, api);
	case API_PIECES:
		return pieces_send(session, api);
	case API_STREAM:
		return stream_more(session, api);
	case API_NONE:
		break;
	}
	return COMMAND_END;
}

void api_end(struct session *session, struct api *api)
{
	if (api->ticket != 0)
		admin_client_cancel(session_admin(session), api->ticket);
	api->ticket = 0;
	map_drop(api);
}
