/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging in to the page and out again: what a client sends, what it is answered, what is logged. The
 * auth role checks and keeps (auth/web_sessions.h).
 */
#ifndef POSTERN_ADMIN_LOGIN_H
#define POSTERN_ADMIN_LOGIN_H

#include "admin/answer.h"
#include "base/log.h"
#include "base/secret.h"
#include "ipc/message.h"

enum { LOGIN_ACCOUNT_MAX = 320, LOGIN_CODE_MAX = 16 };

struct login {
	char account[LOGIN_ACCOUNT_MAX + 1]; /* in the form of address_append_account, if it is an address */
	char code[LOGIN_CODE_MAX + 1];
	struct secret password;
};

/* Reads {"account":...,"password":...,"code":...}; false, with the answer made, when it is not that. */
must_check bool login_read(struct str body, struct login *login, struct answer *answer);
/* Overwrites; safe as a cleanup handler. */
void login_wipe(struct login *login);

/*
 * Reads the password by which whoever is logged in proves a change of his login: the member of that name.
 * False, with the answer made, when there is none. Other members are the command's.
 */
must_check bool proof_read(struct str body, const char *name, struct secret *password,
			   struct answer *answer);
/* Makes the answer to one that is not right. */
void proof_refuse(struct answer *answer, const struct msg_web_session_given *given, const char *name);

/* Makes the answer to a login, with the cookie where it is right. */
void login_answer(struct answer *answer, const struct msg_web_session_given *given);
/* One line: audit.log, or security.log in the form that filters know. `peer` is an address. Of a proof too. */
void login_log(const struct log *log, const struct msg_web_session_given *given, struct str account,
	       struct str peer);

/* Makes the answer to GET /session; `token` is the session's. */
void session_answer(struct answer *answer, const struct msg_web_session_given *given,
		    struct str token);
/* Makes the answer for a request without a session, which takes the cookie away. */
void session_missing_answer(struct answer *answer);
/* Makes the answer to a logout. */
void session_end_answer(struct answer *answer);

#endif
