/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/server_status.h"

#include "ctl/link.h"

json_t *server_status(const char *home)
{
	struct link link;
	struct packet answer;
	struct msg_status_wanted wanted = {};
	json_t *status = NULL;

	packet_init(&answer);
	if (link_open_control(&link, home) == FAULT_NONE &&
	    link_ask_parent(&link, MSG_status_wanted, &wanted, MSG_status_given, &answer) ==
		    FAULT_NONE) {
		struct str text = answer.message.status_given.json;
		status = json_loadb(text.ptr, text.len, 0, NULL);
	}
	packet_done(&answer);
	link_close(&link);
	return status;
}

json_t *server_status_certificate(json_t *status, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(status, "certificates"), i, item) {
		const char *other = json_string_value(json_object_get(item, "name"));
		if (other != NULL && strcmp(other, name) == 0)
			return item;
	}
	return NULL;
}
