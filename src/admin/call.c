/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/call.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "auth/web_sessions.h"
#include "base/file.h"

void call_state_set(struct admin *admin, struct call *call, enum call_state state)
{
	if (call->state == CALL_RUNNING)
		admin->running--;
	if (state == CALL_RUNNING)
		admin->running++;
	call->state = state;
}

struct call *call_new(struct admin *admin, struct role_peer *peer, struct packet *packet)
{
	struct call *call = calloc(1, sizeof(*call));

	CHECK(call != NULL);
	role_peer_hold(peer);
	call->peer = peer;
	call->id = packet->header.id;
	call->packet = *packet;
	packet_init(packet);
	call->upload_fd = -1;
	call->errand = (struct errand){.end_fd = -1, .out_fd = -1, .err_fd = -1, .write_fd = -1};
	buf_init(&call->session, WEB_NAME_TEXT);
	buf_init(&call->line, EVENTS_LINE_MAX);
	buf_init(&call->latest, EVENTS_PART_MAX);
	buf_init(&call->rest, CALL_REST_MAX);
	list_append(&admin->calls, &call->node);
	admin->call_count++;
	return call;
}

void call_free(struct admin *admin, struct call *call)
{
	call_state_set(admin, call, CALL_NEW);
	if (list_node_is_linked(&call->login_place))
		queue_drop(&admin->logins, &call->address, &call->login_place);
	errand_done(&call->errand);
	buf_done(&call->session);
	fd_close(&call->upload_fd);
	buf_done(&call->line);
	buf_done(&call->latest);
	buf_wipe(&call->rest);
	packet_done(&call->packet);
	role_peer_release(&call->peer);
	list_remove(&call->node);
	admin->call_count--;
	free(call);
}

/* ---- answers ---- */

/* A memory file of what is too long for a message; -1 when there is none to be had. */
static int body_file(struct str body)
{
	int fd = memfd_create("postern-answer", MFD_CLOEXEC);

	if (fd >= 0 && !fd_write_all(fd, body.ptr, body.len))
		fd_close(&fd);
	return fd;
}

static void answer_send(const struct call *call, const struct answer *answer)
{
	struct msg_api_answered answered = {.status = (uint32_t)answer->status,
					    .content_type = STR("application/json"),
					    .fields = buf_str(&answer->fields),
					    .body = buf_str(&answer->body),
					    .file = answer->file};
	CLEANUP_FD int made = -1;

	if (answered.file < 0 && answered.body.len > MESSAGE_INLINE_MAX) {
		made = answered.file = body_file(answered.body);
		answered.body = STR("");
	}
	role_peer_answer(call->peer, MSG_api_answered, call->id, &answered);
}

void call_answer(struct admin *admin, struct call *call, struct answer *answer)
{
	bool is_followed = call->is_followed && call->peer != NULL;

	if (is_followed)
		call_follow_end(admin, call, answer);
	else if (call->peer != NULL)
		answer_send(call, answer);
	answer_done(answer);
	if (!is_followed)
		call_free(admin, call);
}

void call_error(struct admin *admin, struct call *call, int status, const char *code,
		       const char *text)
{
	struct answer answer;

	answer_init(&answer);
	answer_error(&answer, status, code, NULL, text);
	call_answer(admin, call, &answer);
}

void call_refuse(struct admin *admin, struct call *call, const struct guard_refusal *refusal)
{
	call_error(admin, call, refusal->status, refusal->code, refusal->text);
}

/* ---- auth ---- */

void calls_auth_lose(struct admin *admin)
{
	channel_close(&admin->auth);
	list_each(node, next, &admin->calls) {
		struct call *call = list_entry(node, struct call, node);
		if (call->state == CALL_LOGIN || call->state == CALL_SESSION ||
		    call->state == CALL_PROOF || call->state == CALL_LOGOUT)
			call_error(admin, call, 503, "unavailable",
				   "sessions cannot be checked now; try again");
	}
}

static enum fault auth_open(struct admin *admin)
{
	int fd;

	if (admin->auth.fd >= 0)
		return FAULT_NONE;
	enum fault fault = admin->options.connector->connect(admin->options.connector, ROLE_AUTH, &fd);
	if (fault != FAULT_NONE)
		return fault;
	fd_set_nonblocking(fd);
	admin->auth = (struct channel){.fd = fd, .self = ROLE_ADMIN, .peer = ROLE_AUTH};
	return FAULT_NONE;
}

void call_auth_ask(struct admin *admin, struct call *call, enum call_state state,
		     enum message_kind kind, const void *message)
{
	enum fault fault = auth_open(admin);

	if (fault == FAULT_NONE)
		fault = channel_send(&admin->auth, kind, ++admin->next_auth_id, message);
	if (fault != FAULT_NONE) {
		call_error(admin, call, 503, "unavailable",
			   "sessions cannot be checked now; try again");
		return;
	}
	call->auth_id = admin->next_auth_id;
	call_state_set(admin, call, state);
}

