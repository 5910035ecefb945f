/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of auth and what it answers, in terms of logins; the asking is ipc/asker's. */
#include "auth/auth.h"

/* How many logins wait at once. */
enum { OPEN_MAX = 8192 };

const char *login_verdict_text(enum login_verdict verdict)
{
	static const char *const texts[] = {
#define X(name, text) text,
		LOGIN_VERDICT_TABLE(X)
#undef X
	};

	CHECK(verdict < LOGIN_VERDICT_COUNT);
	return texts[verdict];
}

const char *login_role_text(uint32_t flags)
{
	return (flags & LOGIN_FLAG_ADMIN) != 0	    ? "administrator"
	       : (flags & LOGIN_FLAG_AUDITOR) != 0 ? "auditor"
						    : "user";
}

/* False when the role says what it cannot mean. */
static bool answer_read(const struct msg_login_answered *given, struct login_answer *answer_out)
{
	if (given->fault >= FAULT_COUNT || given->verdict >= LOGIN_VERDICT_COUNT ||
	    given->message.len > sizeof(answer_out->message) ||
	    (given->seal.len != 0 && given->seal.len != sizeof(answer_out->seal)))
		return false;
	*answer_out = (struct login_answer){.fault = given->fault,
					    .verdict = given->verdict,
					    .flags = given->flags,
					    .wait_s = given->wait_s,
					    .message_len = given->message.len};
	if (given->message.len > 0)
		memcpy(answer_out->message, given->message.ptr, given->message.len);
	if (given->seal.len > 0)
		memcpy(answer_out->seal, given->seal.ptr, given->seal.len);
	return true;
}

static enum asker_part answer_judge(const struct packet *packet)
{
	return packet->header.kind == MSG_login_answered ? ASKER_LAST : ASKER_BREACH;
}

struct asker *auth_client_new(struct connector *connector)
{
	return asker_new(&(struct asker_options){.connector = connector,
						 .role = ROLE_AUTH,
						 .open_max = OPEN_MAX,
						 .patience_ms = ASKER_PATIENCE_MS,
						 .judge = answer_judge});
}

/* The question as a message, which borrows its texts. */
static enum message_kind question_message(const struct login_question *asked,
					  union message_any *to)
{
	switch (asked->kind) {
	case LOGIN_BY_PASSWORD:
		to->login_check = (struct msg_login_check){.account = asked->account,
							   .password = asked->password,
							   .address = asked->address};
		return MSG_login_check;
	case LOGIN_BY_SCRAM_FIRST:
		to->scram_begin = (struct msg_scram_begin){.account = asked->account,
							   .first = asked->scram.first,
							   .address = asked->address};
		return MSG_scram_begin;
	case LOGIN_BY_SCRAM_LAST:
		to->scram_finish = (struct msg_scram_finish){.account = asked->account,
							     .first = asked->scram.first,
							     .challenge = asked->scram.challenge,
							     .seal = asked->scram.seal,
							     .last = asked->scram.last,
							     .binding = asked->scram.binding,
							     .address = asked->address};
		return MSG_scram_finish;
	case LOGIN_BY_CERTIFICATE:
		break;
	}
	to->certificate_login = (struct msg_certificate_login){
		.account = asked->account, .found = asked->found, .address = asked->address};
	return MSG_certificate_login;
}

enum fault auth_client_ask(struct asker *auth, const struct login_question *question,
			   asker_wake *wake, void *context, uint64_t *ticket_out)
{
	union message_any message;
	enum message_kind kind = question_message(question, &message);

	return asker_ask(auth,
			 &(struct asker_question){.kind = kind,
						  .message = &message,
						  .answer_ms = AUTH_ANSWER_MS,
						  .wake = wake,
						  .context = context},
			 ticket_out);
}

bool auth_client_take(struct asker *auth, uint64_t ticket, struct login_answer *answer_out)
{
	struct asker_answer answer;

	if (!asker_take(auth, ticket, &answer))
		return false;
	if (answer.fault != FAULT_NONE) {
		*answer_out = (struct login_answer){.fault = answer.fault};
		return true;
	}
	if (!answer_read(&answer.packet.message.login_answered, answer_out))
		*answer_out = (struct login_answer){.fault = FAULT_INVALID};
	packet_done(&answer.packet);
	return true;
}
