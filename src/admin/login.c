/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/login.h"

#include <jansson.h>
#include <stdlib.h>

#include "admin/guard.h"
#include "auth/auth.h"
#include "auth/web_sessions.h"
#include "ctl/ctl.h"
#include "proto/address.h"

enum { BODY_MAX = 8192, TEXT_MAX = 4096 };

/* Prefix __Host-: no other host and no other path can have set it (RFC 6265bis section 4.1.3). */
#define COOKIE "Set-Cookie: __Host-postern=%.*s; Path=/; Secure; HttpOnly; SameSite=Strict%s\r\n"

void login_wipe(struct login *login)
{
	explicit_bzero(login, sizeof(*login));
}

/* ---- what a client sends ---- */

/* The form in which accounts are known; what is no address is unknown as it is. */
static bool account_set(struct login *login, struct str name)
{
	struct buf account = BUF_INIT(LOGIN_ACCOUNT_MAX);

	if (!address_append_account(&account, name))
		buf_append_str(&account, name);
	bool fits = !account.failed && account.len > 0 &&
		    str_copy_c(buf_str(&account), login->account, sizeof(login->account));
	buf_done(&account);
	return fits;
}

static struct str member(json_t *body, const char *name)
{
	json_t *value = json_object_get(body, name);

	return str_make(json_string_value(value), json_string_length(value));
}

static bool members_read(json_t *body, struct login *login)
{
	return json_is_string(json_object_get(body, "account")) &&
	       json_is_string(json_object_get(body, "password")) &&
	       account_set(login, member(body, "account")) &&
	       secret_set(&login->password, member(body, "password")) &&
	       str_copy_c(member(body, "code"), login->code, sizeof(login->code));
}

static void json_wipe(json_t *body, const char *name)
{
	struct str password = member(body, name);

	if (password.ptr != NULL)
		explicit_bzero((char *)(uintptr_t)password.ptr, password.len);
	json_decref(body);
}

/* NULL when it is none, or larger than it needs to be. */
static json_t *body_parse(struct str body)
{
	return body.len > BODY_MAX ? NULL
				   : json_loadb(body.ptr == NULL ? "" : body.ptr, body.len,
						JSON_REJECT_DUPLICATES, NULL);
}

bool login_read(struct str body, struct login *login, struct answer *answer)
{
	json_t *object = body_parse(body);

	*login = (struct login){0};
	bool is_good = json_is_object(object) && members_read(object, login);
	json_wipe(object, "password");
	if (!is_good)
		answer_error(answer, 400, "invalid", NULL,
			     "a login is {\"account\":...,\"password\":...}");
	return is_good;
}

bool proof_read(struct str body, const char *name, struct secret *password, struct answer *answer)
{
	json_t *object = body_parse(body);
	bool is_good = json_is_string(json_object_get(object, name)) &&
		       secret_set(password, member(object, name));

	json_wipe(object, name);
	if (!is_good)
		answer_error(answer, 400, "invalid", name, "your password is wanted for this");
	return is_good;
}

/* ---- what it is answered ---- */

static void session_append(struct answer *answer, const struct msg_web_session_given *given,
			   struct str token)
{
	struct buf csrf = BUF_INIT(TEXT_MAX);

	guard_csrf_append(&csrf, token);
	json_t *document = json_pack(
		"{s:o, s:s, s:o, s:I, s:I, s:i, s:I}", "account", json_text(given->account), "role",
		login_role_text(given->flags), "csrf", json_text(buf_str(&csrf)), "created",
		(json_int_t)given->created_s, "ends", (json_int_t)given->ends_s, "idle_s", WEB_IDLE_S,
		"ends_at_latest", (json_int_t)(given->created_s + WEB_LIFE_S));
	char *text = json_dumps(document, JSON_COMPACT);
	CHECK(text != NULL);
	buf_append_c(&answer->body, text);
	buf_append_char(&answer->body, '\n');
	free(text);
	json_decref(document);
	buf_wipe(&csrf);
}

void session_answer(struct answer *answer, const struct msg_web_session_given *given,
		    struct str token)
{
	session_append(answer, given, token);
}

void session_missing_answer(struct answer *answer)
{
	answer_error(answer, 401, "login", NULL, "log in first");
	buf_printf(&answer->fields, COOKIE, 0, "", "; Max-Age=0");
}

void session_end_answer(struct answer *answer)
{
	buf_append_c(&answer->body, "{}\n");
	buf_printf(&answer->fields, COOKIE, 0, "", "; Max-Age=0");
}

static void blocked_answer(struct answer *answer, const char *why, uint32_t wait_s)
{
	struct buf text = BUF_INIT(TEXT_MAX);

	buf_printf(&text, "%s; try again in %u seconds", why, wait_s);
	buf_append_char(&text, '\0');
	answer_error(answer, 429, "blocked", NULL, text.data);
	buf_printf(&answer->fields, "Retry-After: %u\r\n", wait_s);
	buf_done(&text);
}

/* True, with the answer made, when there were too many attempts. */
static bool blocked_is_answered(struct answer *answer, const struct msg_web_session_given *given)
{
	if (given->verdict == LOGIN_BLOCKED)
		blocked_answer(answer, "too many failed logins from your address", given->wait_s);
	else if (given->verdict == LOGIN_ACCOUNT_BLOCKED)
		blocked_answer(answer, "too many wrong codes or passwords for this account",
			       given->wait_s);
	else
		return false;
	return true;
}

static void verdict_answer(struct answer *answer, const struct msg_web_session_given *given)
{
	switch (given->verdict) {
	case LOGIN_GRANTED:
		session_append(answer, given, given->token);
		buf_printf(&answer->fields, COOKIE, STR_ARG(given->token), "");
		break;
	case LOGIN_NO_ROLE:
		answer_error(answer, 403, "no_role", "account",
			     "this user may read mail here, but not administer the server");
		break;
	case LOGIN_NEEDS_CODE:
		answer_error(answer, 401, "code_wanted", "code",
			     "the code of the second factor is wanted beside the password");
		break;
	case LOGIN_WRONG_CODE:
		answer_error(answer, 401, "code_wrong", "code",
			     "the code is wrong or was used already; wait for the next one");
		break;
	default:
		answer_error(answer, 401, "denied", "password", "the name or the password is wrong");
	}
}

void login_answer(struct answer *answer, const struct msg_web_session_given *given)
{
	if (given->fault != FAULT_NONE)
		answer_error(answer, 503, "unavailable", NULL,
			     "the login cannot be checked now; try again");
	else if (!blocked_is_answered(answer, given))
		verdict_answer(answer, given);
}

void proof_refuse(struct answer *answer, const struct msg_web_session_given *given, const char *name)
{
	if (given->fault != FAULT_NONE)
		answer_error(answer, 503, "unavailable", NULL,
			     "your password cannot be checked now; try again");
	else if (!blocked_is_answered(answer, given))
		answer_error(answer, 403, "denied", name, "that is not your password");
}

/* ---- what is logged ---- */

static const char *line_beginning(uint32_t verdict)
{
	switch (verdict) {
	case LOGIN_GRANTED:
	case LOGIN_NO_ROLE:
	case LOGIN_UNKNOWN_USER:
		return "HTTP/WebMail: User ";
	case LOGIN_WRONG_CODE:
		return "HTTP/WebMail: Invalid code for user ";
	case LOGIN_ACCOUNT_BLOCKED:
		return "HTTP/WebMail: Too many failed attempts for user ";
	default:
		return "HTTP/WebMail: Invalid password for user ";
	}
}

void login_log(const struct log *log, const struct msg_web_session_given *given, struct str account,
	       struct str peer)
{
	bool is_granted = given->verdict == LOGIN_GRANTED;
	struct log_line line;

	if (given->fault != FAULT_NONE || given->verdict == LOGIN_NEEDS_CODE)
		return;
	log_line_begin(&line, log, is_granted ? LOG_AUDIT : LOG_SECURITY);
	log_line_text(&line, "%s", line_beginning(given->verdict));
	log_line_word(&line, account);
	if (is_granted)
		log_line_text(&line, " authenticated from IP address %.*s", STR_ARG(peer));
	else if (given->verdict == LOGIN_NO_ROLE)
		log_line_text(&line, " is no administrator. Attempt from IP address %.*s",
			      STR_ARG(peer));
	else if (given->verdict == LOGIN_UNKNOWN_USER)
		log_line_text(&line, " doesn't exist. Attempt from IP address %.*s.", STR_ARG(peer));
	else
		log_line_text(&line, ". Attempt from IP address %.*s", STR_ARG(peer));
	log_line_end(&line);
}
