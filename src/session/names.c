/* SPDX-License-Identifier: Apache-2.0 */
#include "session/names.h"

enum { OPEN_MAX = 1024 };

bool names_are_worth_asking(const uint8_t address[16])
{
	static const uint8_t own[2][16] = {{[15] = 1},
					   {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1}};

	return memcmp(address, own[0], 16) != 0 && memcmp(address, own[1], 16) != 0;
}

static enum asker_part answer_judge(const struct packet *packet)
{
	return packet->header.kind == MSG_peer_name_given ? ASKER_LAST : ASKER_BREACH;
}

struct asker *names_new(struct connector *connector)
{
	return asker_new(&(struct asker_options){.connector = connector,
						 .role = ROLE_MAILQ,
						 .open_max = OPEN_MAX,
						 .judge = answer_judge});
}

uint64_t names_ask(struct asker *names, const uint8_t address[16], int patience_ms,
		   asker_told *told, void *context)
{
	struct msg_peer_name_wanted wanted = {.address = str_make(address, 16)};
	struct asker_question question = {.kind = MSG_peer_name_wanted,
					  .message = &wanted,
					  .answer_ms = patience_ms,
					  .is_repeated = true,
					  .told = told,
					  .context = context};
	uint64_t ticket;

	return names != NULL && asker_ask(names, &question, &ticket) == FAULT_NONE ? ticket : 0;
}

enum fault names_read(const struct asker_answer *answer, struct str *names_out)
{
	/* Whoever asks is not interested in how far the question came. */
	if (answer->fault != FAULT_NONE)
		return FAULT_UNAVAILABLE;
	const struct msg_peer_name_given *given = &answer->packet.message.peer_name_given;
	if (given->fault == FAULT_NONE)
		*names_out = given->names;
	return fault_from_number(given->fault);
}
