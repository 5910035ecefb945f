/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a command reaches the roles: through the running server, or by roles
 * that it starts for itself.
 *
 * With a server the control socket (HOME/run/control) gives channels to its
 * store, auth and mailq. Without one, private roles are forked, the store taking its
 * lock so that no server starts meanwhile; they are the same code and are sent
 * the same messages, and they end with the command.
 */
#ifndef POSTERN_CTL_LINK_H
#define POSTERN_CTL_LINK_H

#include <sys/types.h>

#include "ipc/client.h"
#include "store/store.h"

/*
 * The variable of the environment that holds the number of a control channel's descriptor: a command
 * that was started with one uses it in place of the socket. Commands of the administration page
 * are (admin/errand.h).
 */
#define LINK_CONTROL_VARIABLE "POSTERN_CONTROL"

/* A private role: ctl plays its parent. */
struct private_role {
	pid_t pid; /* 0: not started */
	struct channel channel;
};

struct link {
	struct connector connector;
	const char *home;
	pthread_mutex_t lock;	/* over the channels below */
	struct channel control; /* to the running server's parent; fd -1 without one */
	struct private_role roles[ROLE_COUNT];
	struct role_client store_role;
	struct role_client auth_role;
	struct role_client mailq_role;
	struct store *store; /* NULL without LINK_STORE */
};

enum { LINK_STORE = 1 << 0, LINK_AUTH = 1 << 1, LINK_MAILQ = 1 << 2 };

/*
 * Connects to what is asked for; prints what hinders. Faults: UNAVAILABLE (a
 * role does not answer), NOT_FOUND (no home), BUSY (another process has the
 * store, and no server answers), DENIED, VERSION and the store's. Blocks.
 * A process with threads must not call it.
 */
must_check enum fault link_open(struct link *link, const char *home, unsigned needs);

/* Ends private roles and waits for them. Safe after a fault of link_open, and twice. */
void link_close(struct link *link);

/*
 * Connects to the running server alone: only `control` is set. NOT_FOUND: none
 * runs, or DENIED; nothing is printed. To be closed with link_close.
 */
must_check enum fault link_open_control(struct link *link, const char *home);

/* Prints why there is no server, or why it cannot be reached; returns the exit code. */
int link_control_fail(const char *home, enum fault fault);

/* The server had the request and went away, or answered nonsense: prints that; returns the exit code. */
int link_answer_fail(const char *home, enum fault fault);

/* One request to the running server's parent and its answer. UNAVAILABLE, IO, INVALID. Blocks. */
must_check enum fault link_ask_parent(struct link *link, enum message_kind kind,
				      const void *request, enum message_kind expected,
				      struct packet *answer);

/*
 * Has the running server put in force what is written already, and waits for that; `written` begins what is
 * printed when it is not ("it", "the pair"). Returns the exit code. Blocks.
 */
int link_ask_in_force(struct link *link, enum message_kind kind, const void *request,
		      const char *written);

/*
 * Has the running server's parent replace a file of the home (proc/home_file.h); as it answers.
 * The content may be a secret: it goes in a memory file. Blocks.
 */
must_check enum fault link_file_put(struct link *link, const char *name, struct str content);

/* Has it make the key of a request that of a pair (proc/home_file.h); as it answers. Blocks. */
must_check enum fault link_request_key_take(struct link *link, const char *request, const char *name);

/* Has it remove a private key of DKIM, or a request; as it answers. Blocks. */
must_check enum fault link_file_remove(struct link *link, const char *name);

/* Has it take the lock over keys of DKIM, held until the descriptor is closed. BUSY. Blocks. */
must_check enum fault link_dkim_lock(struct link *link, int *fd_out);

/*
 * Calls `each` for every account that has a password and follows `after`, in the order of
 * their bytes, until one follows `until` (empty: to the end; some beyond it may come);
 * `flags` are those of auth/auth.h. Faults as the role answers.
 */
must_check enum fault
link_password_list(struct link *link, struct str after, struct str until,
		   void (*each)(void *context, const char *account, uint32_t flags), void *context);

/*
 * Tells the running server, if there is one, that an order about at most QUEUE_ORDER_MAX entries of
 * the queue stands in the store. A server that does not hear of it finds it at its next start.
 */
void link_queue_ordered(struct link *link, const uint64_t *entries, size_t count);

struct progress;

/*
 * Asks mailq for what takes its time, and tells each step_told; the answer of kind `expected` ends
 * it. UNAVAILABLE: the role could not be reached; IO: it went away. Blocks.
 */
must_check enum fault link_follow_mailq(struct link *link, enum message_kind kind,
					const void *request, struct progress *progress,
					enum message_kind expected, struct packet *answer);

/* Sets those of an account's flags that `mask` names; as the role answers. */
must_check enum fault link_login_flags_set(struct link *link, struct str account, uint32_t flags,
					   uint32_t mask);

/*
 * Sets (flags of auth/auth.h) or, with an empty password, removes a password; as the role answers. The
 * account's sessions of the page end, but for the one of that name, if any.
 */
must_check enum fault link_password_set(struct link *link, struct str account,
					struct str password, uint32_t flags, struct str session);

/* What the role answers to login_wanted: appends a JSON object. NOT_FOUND: the account has no password. */
must_check enum fault link_login_read(struct link *link, struct str account, struct buf *json);

/* Ends the account's sessions of the page, but for the one of that name, if any; as the role answers. */
must_check enum fault link_web_sessions_end(struct link *link, struct str account,
					    struct str session);

/*
 * The orders of auth/second_factor.h, as the role answers; begin appends the secret in base32, the
 * others end sessions as above.
 */
must_check enum fault link_second_factor_begin(struct link *link, struct str account,
					       struct buf *secret);
must_check enum fault link_second_factor_confirm(struct link *link, struct str account,
						 struct str code, struct str session);
must_check enum fault link_second_factor_off(struct link *link, struct str account,
					     struct str session);

#endif
