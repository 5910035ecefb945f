/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/call.h"

#include "base/file.h"

enum { READ_BYTES = 8 * 1024 };

static void command_begin(struct admin *admin, struct call *call)
{
	const struct msg_api_asked *asked = asked_of(call);
	CLEANUP_FD int control = -1;
	enum fault fault = admin->options.control(admin->options.context,
						  str_from_c(call->account), asked->peer, &control);
	struct errand_start start = {.match = &call->match,
				  .query = asked->query,
				  .body = asked->body,
				  .body_fd = call->packet.fd,
				  .control_fd = control,
				  .upload_fd = call->upload_fd,
				  .home = admin->options.home,
				  .confine = admin->options.confine,
				  .is_followed = call->match.route->may_be_followed &&
						 events_are_wanted(asked->accept)};

	if (fault == FAULT_NONE)
		fault = errand_begin(&call->errand, &start);
	if (fault != FAULT_NONE) {
		call_error(admin, call, 503, "unavailable",
			   "the server is too busy for this now; try again");
		return;
	}
	call_state_set(admin, call, CALL_RUNNING);
	call->is_followed = start.is_followed;
	if (call->errand.is_stream || call->is_followed)
		call_stream_begin(call);
}

/* Those that run beside it; with `is_waiting_counted` those that wait for that or for their client, too. */
static void turns_count(struct admin *admin, const struct call *wanted, bool is_waiting_counted,
			struct turn_use *use_out)
{
	*use_out = (struct turn_use){0};
	list_each(node, next, &admin->calls) {
		const struct call *call = list_entry(node, struct call, node);
		bool waits = call->state == CALL_QUEUED || call->state == CALL_UPLOAD ||
			     call->state == CALL_ENDING;
		if (call != wanted &&
		    (call->state == CALL_RUNNING || (is_waiting_counted && waits)))
			turn_use_add(use_out, &wanted->turn, &call->turn);
	}
}

/* A stream waits for no place: those that run stay long. */
void call_command_queue(struct admin *admin, struct call *call)
{
	struct turn_use calls, running;

	turns_count(admin, call, true, &calls);
	turns_count(admin, call, false, &running);
	bool may_begin = turn_may_begin(&call->turn, &running);
	if (!turn_has_room(&call->turn, &calls.all, TURNS_CALLS_MAX))
		call_error(admin, call, 503, "busy", "too much is asked at once; try again");
	else if (may_begin)
		command_begin(admin, call);
	else if (call->turn.kind == TURN_STREAM)
		call_error(admin, call, 503, "busy", "too many watch already; try again");
	else
		call_state_set(admin, call, CALL_QUEUED);
}

/* Of the commands that wait and may begin, one of the account for which the fewest run; or NULL. */
static struct call *queue_next(struct admin *admin)
{
	struct call *chosen = NULL;
	size_t least = 0;

	list_each(node, next, &admin->calls) {
		struct call *call = list_entry(node, struct call, node);
		struct turn_use running;
		if (call->state != CALL_QUEUED)
			continue;
		turns_count(admin, call, false, &running);
		if (!turn_may_begin(&call->turn, &running) ||
		    (chosen != NULL && running.all.own >= least))
			continue;
		chosen = call;
		least = running.all.own;
	}
	return chosen;
}

void calls_go_on(struct admin *admin)
{
	for (struct call *call; (call = queue_next(admin)) != NULL;)
		command_begin(admin, call);
}

static void command_end(struct admin *admin, struct call *call)
{
	struct answer answer;
	int code = errand_reap(&call->errand);

	answer_init(&answer);
	answer_errand(&answer, &call->errand, code);
	if (answer.status == 500)
		log_printf(admin->options.log, LOG_ERROR,
			   "admin: the command %s of the page ended with code %d", call->match.route->command,
			   code);
	call_answer(admin, call, &answer);
}

/* ---- what it tells, and its end ---- */

/* Takes what the command told; true when it has ended. */
static bool command_read(struct call *call)
{
	char room[READ_BYTES];
	bool is_ended;

	for (struct str told = errand_read(&call->errand, room, sizeof(room), &is_ended);
	     told.len > 0;) {
		size_t end = str_find_char(told, '\n');
		buf_append_str(&call->line, str_sub(told, 0, end));
		if (end == STR_NONE)
			break;
		buf_reset(&call->latest);
		event_append(&call->latest, "progress", buf_str(&call->line));
		buf_reset(&call->line);
		told = str_from(told, end + 1);
	}
	return is_ended;
}

void call_command_look(struct admin *admin, struct call *call, bool is_readable, int64_t now_ms)
{
	if (is_readable && command_read(call)) {
		command_end(admin, call);
		return;
	}
	if (now_ms >= call->errand.deadline_ms) {
		errand_kill(&call->errand);
		command_end(admin, call);
		return;
	}
	call_follow_send(admin, call);
	if (call->wants_part && now_ms >= call->beat_ms)
		call_part_send(admin, call, STR(": \n\n"), false);
}

