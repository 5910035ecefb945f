/* SPDX-License-Identifier: Apache-2.0 */
/* user totp: the second factor with which an administrator logs in to the page. */
#include "ctl/ctl.h"
#include "ctl/link.h"
#include "ctl/told.h"
#include "proto/address.h"

enum { NAME_MAX_BYTES = 1000, SECRET_TEXT_MAX = 100, URI_MAX = 4096 };

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

static int totp_code(enum fault fault, struct str name, const char *not_found)
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
	int code = totp_code(link_second_factor_begin(link, name, &secret), name,
			     "has no login here; `postern user list` shows who has");

	if (code == CTL_DONE)
		secret_print(ctl, name, buf_str(&secret));
	buf_wipe(&secret);
	return code;
}

static int totp_confirm(struct ctl *ctl, struct link *link, struct str name)
{
	enum fault fault = link_second_factor_confirm(link, name, ctl_word(ctl, 1));

	if (fault == FAULT_DENIED)
		return ctl_fail_field(FAULT_INVALID, "code",
				      "that is not the code; take the present one, and see that the "
				      "clocks of server and telephone are right");
	return totp_code(fault, name, "has begun no second factor; `postern user totp begin` does");
}

static int totp_off(struct ctl *ctl, struct link *link, struct str name)
{
	return totp_code(link_second_factor_off(link, name), name, "has no second factor");
}

/* Runs one of the above for the address that is the first word, and tells config.log. */
static int totp_change(struct ctl *ctl, const char *told,
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
	if (code == CTL_DONE) {
		buf_printf(&line, "%s {Name=\"%.*s\"}", told, STR_ARG(buf_str(&name)));
		config_change_tell(&link, buf_str(&line));
	}
	link_close(&link);
	return code;
}

int cmd_user_totp_begin(struct ctl *ctl)
{
	return totp_change(ctl, "Begin Second Factor of User", totp_begin);
}

int cmd_user_totp_confirm(struct ctl *ctl)
{
	return totp_change(ctl, "Switch on Second Factor of User", totp_confirm);
}

int cmd_user_totp_off(struct ctl *ctl)
{
	return totp_change(ctl, "Remove Second Factor of User", totp_off);
}
