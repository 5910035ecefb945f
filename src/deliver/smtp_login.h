/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging in at a server, as the client of SMTP AUTH (RFC 4954): PLAIN, or LOGIN
 * where that is all there is.
 *
 * A password is sent under TLS only, unless the demand on the connection is none:
 * then whoever wrote so knows. It is wiped as soon as it was sent.
 */
#ifndef POSTERN_DELIVER_SMTP_LOGIN_H
#define POSTERN_DELIVER_SMTP_LOGIN_H

#include "base/secret.h"
#include "deliver/smtp_client.h"

enum smtp_login_step {
	SMTP_LOGIN_WAIT_INPUT,
	SMTP_LOGIN_WAIT_OUTPUT,
	SMTP_LOGIN_DONE,
	SMTP_LOGIN_REFUSED, /* the server said no */
	SMTP_LOGIN_BROKEN   /* the session failed: outbound.why */
};

/* Zeroed, it is empty. */
struct smtp_login {
	bool is_plain;
	unsigned sent; /* answers to challenges */
	struct secret user;
	struct secret password;
};

/*
 * Begins, where the session is open. False, with the reason in words, when it cannot be
 * done: no TLS, or nothing in common.
 */
must_check bool smtp_login_begin(struct smtp_login *login, struct smtp_client *client,
				 struct str user, struct str password, struct buf *why);

/* Goes on; for REFUSED `why` is appended in words. */
enum smtp_login_step smtp_login_step(struct smtp_login *login, struct smtp_client *client,
				     struct buf *why);

/* Wipes. */
void smtp_login_done(struct smtp_login *login);

#endif
