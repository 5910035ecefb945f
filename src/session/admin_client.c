/* SPDX-License-Identifier: Apache-2.0 */
#include "session/admin_client.h"

enum { OPEN_MAX = 256 };

/* One that streams ends with the part that says so, any other with its answer. */
static enum asker_part reply_judge(const struct packet *packet)
{
	switch (packet->header.kind) {
	case MSG_api_answered:
		return packet->message.api_answered.is_stream != 0 ? ASKER_MORE : ASKER_LAST;
	case MSG_api_part:
		return packet->message.api_part.is_last != 0 ? ASKER_LAST : ASKER_MORE;
	case MSG_api_upload_given:
		return ASKER_MORE;
	default:
		return ASKER_BREACH;
	}
}

struct asker *admin_client_new(struct connector *connector)
{
	return asker_new(&(struct asker_options){.connector = connector,
						 .role = ROLE_ADMIN,
						 .open_max = OPEN_MAX,
						 .patience_ms = ASKER_PATIENCE_MS,
						 .judge = reply_judge});
}

enum fault admin_client_ask(struct asker *admin, const struct msg_api_asked *request,
			    asker_wake *wake, void *context, uint64_t *ticket_out)
{
	return asker_ask(admin,
			 &(struct asker_question){.kind = MSG_api_asked,
						  .message = request,
						  .wake = wake,
						  .context = context},
			 ticket_out);
}

void admin_client_go_on(struct asker *admin, uint64_t ticket)
{
	asker_tell(admin, ticket, MSG_api_part_taken, &(struct msg_api_part_taken){});
}

void admin_client_uploaded(struct asker *admin, uint64_t ticket)
{
	asker_tell(admin, ticket, MSG_api_uploaded, &(struct msg_api_uploaded){});
}

void admin_client_cancel(struct asker *admin, uint64_t ticket)
{
	asker_tell(admin, ticket, MSG_api_cancelled, &(struct msg_api_cancelled){});
	asker_cancel(admin, ticket);
}
