/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/smtp_login.h"

#include "base/encode.h"
#include "base/log.h"

enum { COMMAND_MAX = 8 * 1024, SHOWN_MAX = 256 };

static void secret_say(struct smtp_client *client, const char *verb, struct str bytes)
{
	struct buf command = BUF_INIT(COMMAND_MAX);

	buf_append_c(&command, verb);
	base64_encode(&command, bytes);
	CHECK(!command.failed);
	smtp_client_say(client, buf_str(&command), SMTP_CLIENT_COMMAND_MS);
	buf_wipe(&command);
}

/* RFC 4616: authorization identity (none), user, password. */
static void plain_say(const struct smtp_login *login, struct smtp_client *client)
{
	struct buf message = BUF_INIT(COMMAND_MAX);

	buf_append_char(&message, '\0');
	buf_append_str(&message, secret_reveal(&login->user));
	buf_append_char(&message, '\0');
	buf_append_str(&message, secret_reveal(&login->password));
	secret_say(client, "AUTH PLAIN ", buf_str(&message));
	buf_wipe(&message);
}

static bool may_send(const struct smtp_client *client)
{
	return outbound_facts(&client->outbound).is_active ||
	       client->outbound.demand.level == TLS_LEVEL_NONE;
}

bool smtp_login_begin(struct smtp_login *login, struct smtp_client *client, struct str user,
		      struct str password, struct buf *why)
{
	unsigned mechanisms = client->capabilities.auth;

	*login = (struct smtp_login){.is_plain = (mechanisms & SMTP_AUTH_PLAIN) != 0};
	if (!may_send(client)) {
		buf_append_str(why, STR("is not logged in to: it gave no TLS, and a password is not "
					"sent in the clear"));
		return false;
	}
	if ((mechanisms & (SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN)) == 0) {
		buf_append_str(why, STR("offers neither AUTH PLAIN nor AUTH LOGIN"));
		return false;
	}
	if (!secret_set(&login->user, user) || !secret_set(&login->password, password)) {
		buf_append_str(why, STR("is not logged in to: user or password is too long"));
		return false;
	}
	if (login->is_plain)
		plain_say(login, client);
	else
		smtp_client_say(client, STR("AUTH LOGIN"), SMTP_CLIENT_COMMAND_MS);
	return true;
}

static void refusal_append(struct buf *to, const struct smtp_reply *reply)
{
	struct str rest = reply->lines, text;

	buf_printf(to, "refuses the login: %d", reply->code);
	while (smtp_reply_line(&rest, &text) && to->len < SHOWN_MAX) {
		buf_append_char(to, ' ');
		text_append_phrase(to, str_sub(text, 0, SHOWN_MAX));
	}
}

/* The two questions of LOGIN, whatever they are called. */
static bool challenge_answer(struct smtp_login *login, struct smtp_client *client)
{
	if (login->is_plain || login->sent == 2)
		return false;
	secret_say(client, "", secret_reveal(login->sent == 0 ? &login->user : &login->password));
	login->sent++;
	return true;
}

enum smtp_login_step smtp_login_step(struct smtp_login *login, struct smtp_client *client,
				     struct buf *why)
{
	for (;;) {
		switch (smtp_client_step(client)) {
		case OUTBOUND_WAIT_INPUT:
			return SMTP_LOGIN_WAIT_INPUT;
		case OUTBOUND_WAIT_OUTPUT:
			return SMTP_LOGIN_WAIT_OUTPUT;
		case OUTBOUND_REPLY:
			break;
		default:
			return SMTP_LOGIN_BROKEN;
		}
		if (client->reply.code == 334 && challenge_answer(login, client))
			continue;
		smtp_login_done(login);
		if (smtp_reply_class(&client->reply) == 2)
			return SMTP_LOGIN_DONE;
		refusal_append(why, &client->reply);
		return SMTP_LOGIN_REFUSED;
	}
}

void smtp_login_done(struct smtp_login *login)
{
	secret_wipe(&login->user);
	secret_wipe(&login->password);
}
