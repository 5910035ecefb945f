/* SPDX-License-Identifier: Apache-2.0 */
/* user show, user logout, user totp: what a login to the page is beside its password. */
#include "auth/auth.h"
#include "base/clock.h"
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "ctl/link.h"
#include "ctl/told.h"
#include "proto/address.h"

enum { NAME_MAX_BYTES = 1000, SECRET_TEXT_MAX = 100, URI_MAX = 4096, LOGIN_MAX = 64 * 1024 };

#define NO_LOGIN "has no login here; `postern user list` shows who has"

/* The session of the page that goes on; empty: none. */
static struct str session_kept(const struct ctl *ctl)
{
	return str_from_c(ctl_value(ctl, OPTION_SESSION));
}

/* ---- totp ---- */

/* What a fault of the role means here. */
static const char *fault_meaning(enum fault fault)
{
	switch (fault) {
	case FAULT_EXISTS:
		return "has a second factor already; `postern user totp off` forgets it";
	case FAULT_DENIED:
		return "is neither administrator nor auditor, and nobody else is asked for a code";
	default:
		return NULL;
	}
}

static int login_code(enum fault fault, struct str name, const char *not_found)
{
	const char *text = fault == FAULT_NOT_FOUND ? not_found : fault_meaning(fault);

	if (fault == FAULT_NONE)
		return CTL_DONE;
	if (text == NULL)
		return ctl_fail_field(fault, "address", "%.*s: %s", STR_ARG(name),
				      fault_text(fault));
	return ctl_fail_field(fault, "address", "%.*s %s", STR_ARG(name), text);
}

/* An address in a URI: only unreserved characters (RFC 3986 section 2.3) stand as they are. */
static void uri_append(struct buf *uri, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (ascii_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~')
			buf_append_char(uri, c);
		else
			buf_printf(uri, "%%%02X", (unsigned char)c);
	}
}

static void secret_print(const struct ctl *ctl, struct str name, struct str secret)
{
	struct buf uri = BUF_INIT(URI_MAX), text = BUF_INIT(2 * URI_MAX);

	buf_append_c(&uri, "otpauth://totp/Postern:");
	uri_append(&uri, name);
	buf_printf(&uri, "?secret=%.*s&issuer=Postern", STR_ARG(secret));
	if (ctl_has(ctl, OPTION_BIT(JSON)))
		ctl_print_json(json_pack("{s:o, s:o}", "secret", json_text(secret), "uri",
					 json_text(buf_str(&uri))));
	else {
		buf_printf(&text,
			   "secret: %.*s\n%.*s\nIt is on once `postern user totp confirm` has seen a code.\n",
			   STR_ARG(secret), STR_ARG(buf_str(&uri)));
		ctl_print(buf_str(&text));
	}
	buf_wipe(&uri);
	buf_wipe(&text);
}

static int totp_begin(struct ctl *ctl, struct link *link, struct str name)
{
	struct buf secret = BUF_INIT(SECRET_TEXT_MAX);
	int code = login_code(link_second_factor_begin(link, name, &secret), name,
			     NO_LOGIN);

	if (code == CTL_DONE)
		secret_print(ctl, name, buf_str(&secret));
	buf_wipe(&secret);
	return code;
}

static int totp_confirm(struct ctl *ctl, struct link *link, struct str name)
{
	enum fault fault = link_second_factor_confirm(link, name, ctl_word(ctl, 1), session_kept(ctl));

	if (fault == FAULT_DENIED)
		return ctl_fail_field(FAULT_INVALID, "code",
				      "that is not the code; take the present one, and see that the "
				      "clocks of server and telephone are right");
	return login_code(fault, name, "has begun no second factor; `postern user totp begin` does");
}

static int totp_off(struct ctl *ctl, struct link *link, struct str name)
{
	return login_code(link_second_factor_off(link, name, session_kept(ctl)), name,
			 "has no second factor");
}

/* ---- show and logout ---- */

/* The document of the command, from what the role said; `said` is freed. */
static json_t *login_document(const struct ctl *ctl, struct str name, json_t *said)
{
	uint32_t flags = (uint32_t)json_integer_value(json_object_get(said, "flags"));
	json_int_t since = json_integer_value(json_object_get(said, "totp_since"));
	json_t *sessions = json_object_get(said, "sessions"), *session;
	size_t i;

	json_array_foreach(sessions, i, session)
		json_object_set_new(session, "current",
				    json_boolean(str_equals(str_from_c(json_member(session, "name")),
							    session_kept(ctl))));
	json_t *document = json_pack(
		"{s:o, s:s, s:b, s:O, s:o, s:O}", "address", json_text(name), "role",
		login_role_text(flags), "disabled", (int)((flags & LOGIN_FLAG_DISABLED) != 0), "totp",
		json_object_get(said, "totp"), "totp_since",
		since > 0 ? json_integer(since) : json_null(), "sessions", sessions);
	json_decref(said);
	return document;
}

static void time_add(struct columns *columns, const json_t *session, const char *name)
{
	CLEANUP_BUF struct buf text = BUF_INIT(64);

	clock_append_iso_date(&text, json_integer_value(json_object_get(session, name)));
	columns_add(columns, buf_str(&text));
}

static void login_print(const json_t *document)
{
	static const char *const heads[] = {"SESSION", "FROM", "SINCE", "USED", "ENDS"};
	CLEANUP_BUF struct buf text = BUF_INIT(LOGIN_MAX);
	const json_t *sessions = json_object_get(document, "sessions"), *session;
	json_int_t since = json_integer_value(json_object_get(document, "totp_since"));
	struct columns columns;
	size_t i;

	buf_printf(&text, "%s: %s%s\nsecond factor: %s", json_member(document, "address"),
		   json_member(document, "role"),
		   json_is_true(json_object_get(document, "disabled")) ? ", disabled" : "",
		   json_is_true(json_object_get(document, "totp")) ? "on" : "none");
	if (since > 0) {
		buf_append_c(&text, " since ");
		clock_append_iso_date(&text, since);
	}
	buf_append_char(&text, '\n');
	columns_init(&columns, heads, sizeof(heads) / sizeof(heads[0]));
	json_array_foreach(sessions, i, session) {
		columns_add_c(&columns, json_member(session, "name"));
		columns_add_c(&columns, json_member(session, "address"));
		time_add(&columns, session, "created");
		time_add(&columns, session, "used");
		time_add(&columns, session, "ends");
	}
	columns_append(&columns, &text);
	columns_done(&columns);
	ctl_print(buf_str(&text));
}

static int login_show(struct ctl *ctl, struct link *link, struct str name)
{
	CLEANUP_BUF struct buf json = BUF_INIT(LOGIN_MAX);
	int code = login_code(link_login_read(link, name, &json), name, NO_LOGIN);

	if (code != CTL_DONE)
		return code;
	json_t *document =
		login_document(ctl, name, json_loadb(json.data, json.len, 0, NULL));
	if (ctl_has(ctl, OPTION_BIT(JSON)))
		ctl_print_json(document);
	else {
		login_print(document);
		json_decref(document);
	}
	return CTL_DONE;
}

static int login_logout(struct ctl *ctl, struct link *link, struct str name)
{
	return login_code(link_web_sessions_end(link, name, session_kept(ctl)), name, NO_LOGIN);
}

/* Runs one of the above for the address that is the first word, and tells config.log `told`, if any. */
static int login_change(struct ctl *ctl, const char *told,
		       int (*change)(struct ctl *ctl, struct link *link, struct str name))
{
	CLEANUP_BUF struct buf name = BUF_INIT(NAME_MAX_BYTES);
	CLEANUP_BUF struct buf line = BUF_INIT(2 * NAME_MAX_BYTES);
	struct link link;

	if (!address_append_account(&name, ctl_word(ctl, 0)) || name.failed)
		return ctl_fail_field(FAULT_INVALID, "address", "%.*s is no address",
				      STR_ARG(ctl_word(ctl, 0)));
	enum fault fault = link_open(&link, ctl->home, LINK_AUTH);
	int code = fault == FAULT_NONE ? change(ctl, &link, buf_str(&name)) : ctl_fault_code(fault);
	if (code == CTL_DONE && told != NULL) {
		buf_printf(&line, "%s {Name=\"%.*s\"}", told, STR_ARG(buf_str(&name)));
		config_change_tell(&link, buf_str(&line));
	}
	link_close(&link);
	return code;
}

int cmd_user_show(struct ctl *ctl)
{
	return login_change(ctl, NULL, login_show);
}

int cmd_user_logout(struct ctl *ctl)
{
	return login_change(ctl, "End Sessions of User", login_logout);
}

int cmd_user_totp_begin(struct ctl *ctl)
{
	return login_change(ctl, "Begin Second Factor of User", totp_begin);
}

int cmd_user_totp_confirm(struct ctl *ctl)
{
	return login_change(ctl, "Switch on Second Factor of User", totp_confirm);
}

int cmd_user_totp_off(struct ctl *ctl)
{
	return login_change(ctl, "Remove Second Factor of User", totp_off);
}
