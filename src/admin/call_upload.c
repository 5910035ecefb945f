/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/call.h"

#include <stdio.h>
#include <sys/stat.h>

static size_t uploads_count(struct admin *admin)
{
	size_t count = 0;

	list_each(node, next, &admin->calls)
		count += list_entry(node, struct call, node)->state == CALL_UPLOAD;
	return count;
}

static void upload_refuse(struct admin *admin, struct call *call, enum fault fault,
			  uint64_t limit_bytes)
{
	char text[200];

	if (fault == FAULT_TOO_LARGE) {
		snprintf(text, sizeof(text),
			 "at most %llu bytes are taken at once (Limits/ImportBytes); send it in "
			 "parts, or use `postern import` on the server",
			 (unsigned long long)limit_bytes);
		call_error(admin, call, 413, "too_large", text);
	} else if (fault == FAULT_NO_SPACE)
		call_error(admin, call, 507, "no_space",
			   "the server's disk has no room for it: twice its size is wanted");
	else
		call_error(admin, call, 503, "unavailable",
			   "there is no place for what is to be sent; error.log may tell why");
}

void call_upload_begin(struct admin *admin, struct call *call)
{
	uint64_t limit_bytes = 0;

	if (uploads_count(admin) >= ADMIN_UPLOADS_MAX) {
		call_error(admin, call, 503, "busy", "others send already; try again");
		return;
	}
	enum fault fault = admin->options.upload(admin->options.context,
						 asked_of(call)->upload_bytes, &limit_bytes,
						 &call->upload_fd);
	if (fault != FAULT_NONE) {
		upload_refuse(admin, call, fault, limit_bytes);
		return;
	}
	struct msg_api_upload_given given = {.file = call->upload_fd};
	role_peer_answer(call->peer, MSG_api_upload_given, call->id, &given);
	call_state_set(admin, call, CALL_UPLOAD);
}

/* Nothing of a body that is not whole is looked at. */
void calls_upload_end(struct admin *admin, const struct role_peer *peer, uint64_t id)
{
	struct stat status;

	list_each(node, next, &admin->calls) {
		struct call *call = list_entry(node, struct call, node);
		if (call->peer != peer || call->id != id || call->state != CALL_UPLOAD)
			continue;
		if (fstat(call->upload_fd, &status) == 0 &&
		    (uint64_t)status.st_size == asked_of(call)->upload_bytes)
			call_command_queue(admin, call);
		else
			call_error(admin, call, 400, "invalid",
				   "it did not come whole; nothing of it was done");
		return;
	}
}

