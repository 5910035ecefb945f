/* SPDX-License-Identifier: Apache-2.0 */
#include "session/login_scram.h"

#include <stdlib.h>

struct login_scram *login_scram_new(void)
{
	struct login_scram *scram = calloc(1, sizeof(*scram));

	CHECK(scram != NULL);
	buf_init(&scram->first, SASL_MESSAGE_MAX);
	buf_init(&scram->challenge, SCRAM_MESSAGE_MAX);
	buf_init(&scram->binding, TLS_BINDING_MAX);
	return scram;
}

void login_scram_free(struct login_scram **scram)
{
	struct login_scram *freed = *scram;

	*scram = NULL;
	if (freed == NULL)
		return;
	buf_done(&freed->first);
	buf_done(&freed->challenge);
	buf_wipe(&freed->binding);
	free(freed);
}

static bool is_offered(const struct session *session, enum sasl_mechanism mechanism)
{
	return (session_mechanisms(session) & SASL_BIT(mechanism)) != 0;
}

/* The form of RFC 5802 section 6: PLUS means "p", the plain one "n" or "y". Nobody acts for another. */
static bool form_check(const struct session *session, const struct scram_first *first)
{
	bool is_plus = session->sasl->mechanism == SASL_SCRAM_SHA_256_PLUS;

	return is_plus == (first->flag == SCRAM_BOUND) &&
	       (str_is_empty(first->authorisation) ||
		str_equals_nocase(first->authorisation, first->user));
}

/*
 * RFC 5802 section 6: a client that could bind and was not told that we can has been
 * lied to by somebody between.
 */
static bool downgrade_check(const struct session *session, const struct scram_first *first)
{
	if (first->flag != SCRAM_UNOFFERED || !is_offered(session, SASL_SCRAM_SHA_256_PLUS))
		return true;
	session_limit_log(session, "a SCRAM login was refused: the client believes that "
				   "SCRAM-SHA-256-PLUS is not offered, though it is; "
				   "somebody between may have removed it");
	return false;
}

static bool binding_take(struct session *session, const struct scram_first *first)
{
	struct log_line line;

	if (first->flag != SCRAM_BOUND ||
	    tls_connection_binding(session->stream.transport_state, first->binding_name,
				   &session->login_scram->binding))
		return true;
	log_line_begin(&line, session_log(session), LOG_WARNING);
	log_line_text(&line,
		      "%s: %s: a SCRAM login was refused: this connection (%s) does not give "
		      "the channel binding ",
		      service_name(session->service->id), session->peer_text,
		      session->tls.version_name);
	log_line_word(&line, first->binding_name);
	log_line_end(&line);
	return false;
}

bool login_scram_first(struct session *session, struct str message, struct buf *name,
		       struct login_question *question, enum login_outcome_kind *outcome_out)
{
	struct login_scram *scram = session->login_scram;
	struct scram_first first;

	*outcome_out = LOGIN_MALFORMED;
	buf_append_str(&scram->first, message);
	if (!scram_first_parse(buf_str(&scram->first), &first) || !form_check(session, &first) ||
	    !scram_name_append(name, first.user) || name->failed)
		return false;
	*outcome_out = LOGIN_REFUSED;
	if (!downgrade_check(session, &first) || !binding_take(session, &first))
		return false;
	question->kind = LOGIN_BY_SCRAM_FIRST;
	question->scram.first = buf_str(&scram->first);
	return true;
}

void login_scram_keep(struct login_scram *scram, const struct login_answer *answer)
{
	buf_append(&scram->challenge, answer->message, answer->message_len);
	memcpy(scram->seal, answer->seal, sizeof(scram->seal));
}

bool login_scram_last(const struct session *session, struct str message,
		      struct login_question *question)
{
	const struct login_scram *scram = session->login_scram;
	struct scram_final final;

	if (!scram_final_parse(message, &final))
		return false;
	question->kind = LOGIN_BY_SCRAM_LAST;
	question->scram = (struct scram_attempt){
		.first = buf_str(&scram->first),
		.challenge = buf_str(&scram->challenge),
		.seal = str_make(scram->seal, sizeof(scram->seal)),
		.last = message,
		.binding = buf_str(&scram->binding),
	};
	return true;
}
