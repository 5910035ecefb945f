/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions of the administration page: who a token stands for, kept beside the credentials, so
 * that they outlive a restart.
 *
 * A token is WEB_TOKEN_BYTES random bytes in base64url; kept is its digest alone. A session ends
 * WEB_IDLE_S after its last use, WEB_LIFE_S after its beginning, when its user's password changes,
 * and when he is removed, is disabled or loses his role. At most WEB_SESSIONS_MAX of one account
 * live: the oldest gives way.
 */
#ifndef POSTERN_AUTH_WEB_SESSIONS_H
#define POSTERN_AUTH_WEB_SESSIONS_H

#include "auth/credentials.h"

enum {
	WEB_TOKEN_BYTES = 32,
	WEB_TOKEN_TEXT = 43, /* its length as text */
	WEB_IDLE_S = 30 * 60,
	WEB_LIFE_S = 12 * 3600,
	WEB_SESSIONS_MAX = 16,
	WEB_ACCOUNT_MAX = 320,
};

struct web_session {
	uint32_t flags; /* LOGIN_FLAG_... of its user, as they are now */
	int64_t created_s;
	int64_t ends_s; /* if it is not used before */
	size_t account_len;
	char account[WEB_ACCOUNT_MAX];
};

/*
 * Begins one for an account whose password was right, and appends its token. `now_s` is real time.
 * NOT_FOUND, INVALID, NO_SPACE, IO. Blocks.
 */
must_check enum fault web_session_begin(struct credentials *credentials, struct str account,
					int64_t now_s, struct buf *token);

/* Finds the session of a token and notes its use. NOT_FOUND: it does not live, or never did. Blocks. */
must_check enum fault web_session_use(struct credentials *credentials, struct str token,
				      int64_t now_s, struct web_session *session_out);

/* Ends it. NOT_FOUND. Blocks. */
must_check enum fault web_session_end(struct credentials *credentials, struct str token);

/* Forgets those whose time is over. Blocks. */
void web_sessions_expire(struct credentials *credentials, int64_t now_s);

#endif
