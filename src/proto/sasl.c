/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sasl.h"

#include "base/encode.h"

enum { RESPONSE_MAX = 2048 };

/* What the next line is. */
enum {
	WAIT_PLAIN,
	WAIT_LOGIN_USER,
	WAIT_LOGIN_PASSWORD,
	WAIT_EXTERNAL,
	WAIT_SCRAM_FIRST,
	WAIT_FIRST_ANSWER, /* ours */
	WAIT_SCRAM_FINAL,
	WAIT_FINAL_ANSWER, /* ours */
	WAIT_SCRAM_EMPTY,
	FINISHED
};

static const int first_stages[SASL_MECHANISM_COUNT] = {
	[SASL_EXTERNAL] = WAIT_EXTERNAL,
	[SASL_SCRAM_SHA_256_PLUS] = WAIT_SCRAM_FIRST,
	[SASL_SCRAM_SHA_256] = WAIT_SCRAM_FIRST,
	[SASL_PLAIN] = WAIT_PLAIN,
	[SASL_LOGIN] = WAIT_LOGIN_USER,
};

static const struct str mechanism_names[SASL_MECHANISM_COUNT] = {
	[SASL_EXTERNAL] = STR_INIT("EXTERNAL"),
	[SASL_SCRAM_SHA_256_PLUS] = STR_INIT("SCRAM-SHA-256-PLUS"),
	[SASL_SCRAM_SHA_256] = STR_INIT("SCRAM-SHA-256"),
	[SASL_PLAIN] = STR_INIT("PLAIN"),
	[SASL_LOGIN] = STR_INIT("LOGIN"),
};

bool sasl_mechanism_find(struct str name, enum sasl_mechanism *mechanism_out)
{
	for (enum sasl_mechanism at = 0; at < SASL_MECHANISM_COUNT; at++) {
		if (str_equals_nocase(name, mechanism_names[at])) {
			*mechanism_out = at;
			return true;
		}
	}
	return false;
}

const char *sasl_mechanism_name(enum sasl_mechanism mechanism)
{
	CHECK(mechanism < SASL_MECHANISM_COUNT);
	return mechanism_names[mechanism].ptr;
}

void sasl_append_mechanisms(struct buf *to, unsigned set, struct str before, struct str behind)
{
	for (enum sasl_mechanism at = 0; at < SASL_MECHANISM_COUNT; at++) {
		if ((set & SASL_BIT(at)) == 0)
			continue;
		buf_append_str(to, before);
		buf_append_str(to, mechanism_names[at]);
		buf_append_str(to, behind);
	}
}

static bool user_set(struct sasl *sasl, struct str user)
{
	if (user.len == 0 || user.len > SASL_USER_MAX || str_find_char(user, '\0') != STR_NONE)
		return false;
	memcpy(sasl->user_bytes, user.ptr, user.len);
	sasl->user_len = user.len;
	return true;
}

static bool password_set(struct sasl *sasl, struct str password)
{
	return password.len > 0 && str_find_char(password, '\0') == STR_NONE &&
	       secret_set(&sasl->password, password);
}

/* [authzid] NUL authcid NUL passwd (RFC 4616 section 2). Nobody may act for another. */
static enum sasl_step plain_read(struct sasl *sasl, struct str response)
{
	struct str rest = response;
	struct str authorisation = str_cut(&rest, '\0');
	struct str user = str_cut(&rest, '\0');

	sasl->stage = FINISHED;
	if (rest.ptr == NULL || !user_set(sasl, user) || !password_set(sasl, rest))
		return SASL_INVALID;
	if (!str_is_empty(authorisation) && !str_equals_nocase(authorisation, user))
		return SASL_INVALID;
	return SASL_DONE;
}

static enum sasl_step login_password_ask(struct sasl *sasl)
{
	sasl->stage = WAIT_LOGIN_PASSWORD;
	sasl->challenge = STR("UGFzc3dvcmQ6"); /* Password: */
	return SASL_CHALLENGE;
}

static enum sasl_step message_take(struct sasl *sasl, struct str response, int next_stage)
{
	if (str_is_empty(response) || response.len > SASL_MESSAGE_MAX)
		return SASL_INVALID;
	memcpy(sasl->message_bytes, response.ptr, response.len);
	sasl->message_len = response.len;
	sasl->stage = next_stage;
	return SASL_MESSAGE;
}

enum sasl_step sasl_answer(struct sasl *sasl, struct str answer)
{
	struct buf text = BUF_INIT(SASL_ANSWER_MAX);

	CHECK(sasl->stage == WAIT_FIRST_ANSWER || sasl->stage == WAIT_FINAL_ANSWER);
	base64_encode(&text, answer);
	CHECK(!text.failed);
	if (text.len > 0)
		memcpy(sasl->challenge_bytes, text.data, text.len);
	sasl->challenge = str_make(sasl->challenge_bytes, text.len);
	buf_done(&text);
	sasl->stage = sasl->stage == WAIT_FIRST_ANSWER ? WAIT_SCRAM_FINAL : WAIT_SCRAM_EMPTY;
	return SASL_CHALLENGE;
}

static enum sasl_step response_read(struct sasl *sasl, struct str response)
{
	switch (sasl->stage) {
	case WAIT_PLAIN:
		return plain_read(sasl, response);
	case WAIT_LOGIN_USER:
		return user_set(sasl, response) ? login_password_ask(sasl) : SASL_INVALID;
	case WAIT_LOGIN_PASSWORD:
		sasl->stage = FINISHED;
		return password_set(sasl, response) ? SASL_DONE : SASL_INVALID;
	case WAIT_EXTERNAL:
		sasl->stage = FINISHED;
		return str_is_empty(response) || user_set(sasl, response) ? SASL_DONE
									  : SASL_INVALID;
	case WAIT_SCRAM_FIRST:
		return message_take(sasl, response, WAIT_FIRST_ANSWER);
	case WAIT_SCRAM_FINAL:
		return message_take(sasl, response, WAIT_FINAL_ANSWER);
	case WAIT_SCRAM_EMPTY:
		sasl->stage = FINISHED;
		return str_is_empty(response) ? SASL_DONE : SASL_INVALID;
	default:
		return SASL_INVALID;
	}
}

static enum sasl_step base64_read(struct sasl *sasl, struct str text)
{
	struct buf bytes = BUF_INIT(RESPONSE_MAX);
	enum sasl_step step = SASL_INVALID;

	/* All the room at once: a buffer that grows leaves copies behind. */
	CHECK(buf_reserve(&bytes, RESPONSE_MAX) != NULL);
	if (text.len <= RESPONSE_MAX && base64_decode(&bytes, text))
		step = response_read(sasl, buf_str(&bytes));
	buf_wipe(&bytes);
	if (step == SASL_INVALID)
		sasl_wipe(sasl);
	return step;
}

enum sasl_step sasl_begin(struct sasl *sasl, enum sasl_mechanism mechanism, bool has_initial,
			  struct str initial)
{
	*sasl = (struct sasl){.mechanism = mechanism,
			      .stage = first_stages[mechanism]};
	if (mechanism == SASL_LOGIN)
		sasl->challenge = STR("VXNlcm5hbWU6"); /* Username: */
	if (!has_initial)
		return SASL_CHALLENGE;
	return base64_read(sasl, str_equals(initial, STR("=")) ? str_make(NULL, 0) : initial);
}

enum sasl_step sasl_respond(struct sasl *sasl, struct str line)
{
	if (str_equals(line, STR("*"))) {
		sasl_wipe(sasl);
		return SASL_CANCELLED;
	}
	return base64_read(sasl, line);
}

void sasl_wipe(struct sasl *sasl)
{
	secret_wipe(&sasl->password);
	explicit_bzero(sasl->user_bytes, sizeof(sasl->user_bytes));
	sasl->user_len = 0;
	explicit_bzero(sasl->message_bytes, sizeof(sasl->message_bytes));
	sasl->message_len = 0;
	sasl->stage = FINISHED;
}
