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
	WEB_ADDRESS_MAX = 45, /* of a peer, as text */
	WEB_NAME_TEXT = 16,
};

struct web_session {
	uint32_t flags; /* LOGIN_FLAG_... of its user, as they are now */
	int64_t created_s;
	int64_t ends_s; /* if it is not used before */
	size_t account_len;
	char account[WEB_ACCOUNT_MAX];
};

/* Whose session begins, and where from. */
struct web_session_owner {
	struct str account;
	struct str hash;    /* what was kept of the password that was right: the session is bound to it */
	struct str address; /* the peer's, as text */
};

/*
 * Begins one and appends its token. `now_s` is real time. INVALID, NO_SPACE, IO. Blocks.
 */
must_check enum fault web_session_begin(struct credentials *credentials,
					const struct web_session_owner *owner, int64_t now_s,
					struct buf *token);

/* Finds the session of a token and notes its use. NOT_FOUND: it does not live, or never did. Blocks. */
must_check enum fault web_session_use(struct credentials *credentials, struct str token,
				      int64_t now_s, struct web_session *session_out);

/*
 * Appends the name by which a session can be spoken of: it says nothing of the token to whoever has
 * not got that.
 */
void web_session_append_name(struct buf *to, struct str token);

/* One of an account's sessions, in a list. */
struct web_session_row {
	char name[WEB_NAME_TEXT];
	struct str address; /* where it was begun; empty: that is not known */
	int64_t created_s;
	int64_t used_s; /* to about a minute */
	int64_t ends_s;
};

/* Calls `each` for those of an account that live; rows are borrowed for the call. Blocks. */
must_check enum fault
web_sessions_walk(struct credentials *credentials, struct str account, int64_t now_s,
		  void (*each)(void *context, const struct web_session_row *row), void *context);

/*
 * Ends all of an account but the one of that name, which goes on under the password that is kept
 * now; an empty name keeps none. NO_SPACE, IO. Blocks.
 */
must_check enum fault web_sessions_end(struct credentials *credentials, struct str account,
				       struct str kept_name);

/* Ends it. NOT_FOUND. Blocks. */
must_check enum fault web_session_end(struct credentials *credentials, struct str token);

/* Forgets those whose time is over. Blocks. */
void web_sessions_expire(struct credentials *credentials, int64_t now_s);

#endif
