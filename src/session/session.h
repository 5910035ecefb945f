/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session: one connection of a peer to one service, from accept to close,
 * and what SMTP, IMAP and POP3 share: command tables, STARTTLS, logins, bodies,
 * limits, deadlines, wake-ups.
 *
 * A server supplies a `struct protocol`: how a complete command is found in the
 * input, how it is carried out, and how refusals are said in the protocol's
 * words. The runner (session.c) does the rest, in a worker, never blocking on
 * the peer. Handlers run one at a time per session and need no locks.
 *
 * The life of a session: handshake (implicit TLS) -> greet -> commands ... ->
 * end. A handler returns what it wants next (enum command_step).
 */
#ifndef POSTERN_SESSION_SESSION_H
#define POSTERN_SESSION_SESSION_H

#include <netinet/in.h>

#include "auth/auth.h"
#include "base/arena.h"
#include "base/log.h"
#include "config/partner.h"
#include "net/stream.h"
#include "net/waiter.h"
#include "proto/sasl.h"
#include "proto/smtp.h"
#include "session/body.h"
#include "session/metrics.h"
#include "store/store.h"
#include "tls/transport.h"

struct session;
struct front;
struct snapshot;
struct asker;

/* What a handler wants next. */
enum command_step {
	COMMAND_DONE,     /* the reply stands in the output; on to the next command */
	COMMAND_MORE,     /* call `more` again when the output has room */
	COMMAND_BODY,     /* session->body was begun: collect it, then call `more` */
	COMMAND_LINE,     /* hand the peer's next line to protocol->line (IDLE, challenges) */
	COMMAND_WAIT,     /* leave input alone until woken, then call `more` */
	COMMAND_LISTEN,   /* call `more` when woken; a peer that closes, or says anything, ends it */
	COMMAND_FLUSH,    /* send what stands in the output, then call `more` */
	COMMAND_STARTTLS, /* the reply stands in the output: send it, forget the input, shake hands */
	COMMAND_END       /* send what stands in the output and close */
};

/* Preconditions of a command, besides the states. */
enum {
	COMMAND_NEEDS_LOGIN = 1u << 0,
	COMMAND_NOT_AFTER_LOGIN = 1u << 1,
	COMMAND_NOT_IN_TLS = 1u << 2,    /* STARTTLS */
	COMMAND_TLS_IF_REQUIRED = 1u << 3, /* refused before TLS where the service's RequireTls is 1 */
	COMMAND_ENDS_GROUP = 1u << 4,    /* nothing may be pipelined behind it (RFC 2920): STARTTLS, DATA, AUTH */
};

/* One row of a server's table of commands. */
struct command {
	struct str name;
	unsigned states; /* bit 1 << protocol's own state */
	unsigned flags;
	/*
	 * Carries the command out. `arguments` is what protocol->execute parsed; it
	 * lives in session->arena, as does the command's text.
	 */
	enum command_step (*run)(struct session *session, void *arguments);
	/* Goes on after COMMAND_MORE, BODY, WAIT; at most 64 KiB of output or 10 ms a call. May be NULL. */
	enum command_step (*more)(struct session *session);
};

/*
 * Why the runner refuses or ends something; each protocol says it in its own
 * words. X(name, ends the session, text)
 */
#define REFUSAL_TABLE(X)                                                                           \
	X(IDLE_TOO_LONG, true, "idle for too long")                                                \
	X(TOO_SLOW, true, "the transfer is too slow")                                              \
	X(LINE_TOO_LONG, false, "the line is too long")                                            \
	X(TOO_MANY_CONNECTIONS, true, "too many connections from your address")                    \
	X(SERVICE_FULL, true, "too many connections to this service")                              \
	X(TOO_MANY_COMMANDS, true, "too many commands before login")                               \
	X(TOO_MANY_ERRORS, true, "too many errors")                                                \
	X(STOPPING, true, "the server is shutting down")                                           \
	X(STATE, false, "the command is not possible in this state")                               \
	X(NEEDS_LOGIN, false, "log in first")                                                      \
	X(LOGGED_IN, false, "logged in already")                                                   \
	X(NEEDS_TLS, false, "begin TLS first")                                                     \
	X(IN_TLS, false, "TLS is active already")                                                  \
	X(PIPELINED, true, "something was sent behind a command that must come last")              \
	X(PLAIN_LOGIN, false, "logins need TLS here")

enum refusal {
#define X(name, ends, text) REFUSAL_##name,
	REFUSAL_TABLE(X)
#undef X
	REFUSAL_COUNT
};

const char *refusal_text(enum refusal refusal);

/* What protocol->gather found in the input. */
enum gather {
	GATHER_COMMAND,  /* a complete command of `*len_out` bytes, line end included */
	GATHER_PARTIAL,  /* wants more input */
	/* Skip `*len_out` bytes (up to a line end, or all); LINE_TOO_LONG is said once per line. */
	GATHER_TOO_LONG,
	GATHER_END       /* the protocol has already said why: flush and close */
};

enum login_outcome_kind {
	LOGIN_ACCEPTED,
	LOGIN_REFUSED,   /* wrong, unknown, disabled: the peer is not told which */
	LOGIN_BLOCKED_ADDRESS, /* too many failures from this address */
	LOGIN_TEMPORARY, /* the server cannot tell now */
	LOGIN_CANCELLED, /* SASL "*" */
	LOGIN_MALFORMED  /* SASL data that is not of the mechanism's form */
};

struct protocol {
	/* How the logs name it: "SMTP", "IMAP", "POP3", "HTTP". */
	struct str name;
	/* Bytes of the protocol's own state behind session->state, zeroed at the start. */
	size_t state_size;
	/* Input that a command may take up, literals included; the configuration's limits apply within it. */
	size_t input_max;
	/*
	 * How long the peer may be silent before and after login, ms; never longer than
	 * Limits.IdleSeconds; 0: so long.
	 */
	int idle_before_login_ms;
	int idle_after_login_ms;

	/* Says hello. After STARTTLS it is called again with session->tls_started_here set. */
	enum command_step (*greet)(struct session *session);
	/* NULL: a line ended by CRLF or LF of at most Limits.LineBytes. May write continuations into the output. */
	enum gather (*gather)(struct session *session, struct str input, size_t *len_out);
	/* Parses and carries out one command (line end included), usually by command_run. */
	enum command_step (*execute)(struct session *session, struct str command);
	/* The line asked for with COMMAND_LINE, without its line end. */
	enum command_step (*line)(struct session *session, struct str line);
	/*
	 * The account under watch changed (session->feed_changed), while the
	 * session waited for a command or with COMMAND_LINE for a line. Returns
	 * DONE or LINE to stay as it was, or END. May be NULL.
	 */
	enum command_step (*woken)(struct session *session);
	/* Writes a challenge line ("334 ...", "+ ..."). */
	void (*challenge)(struct session *session, struct str base64);
	/* The login begun with session_login_* has an outcome; LOGIN_ACCEPTED: session->user is set. */
	enum command_step (*login_done)(struct session *session, enum login_outcome_kind outcome);
	/* Writes the refusal. `command` may be NULL. */
	void (*refuse)(struct session *session, enum refusal refusal, const struct command *command);
	/* Frees what the state owns; also after a broken connection. May be NULL. */
	void (*end)(struct session *session);
};

struct session_user {
	uint64_t account; /* the store's number; 0: nobody */
	char *name;       /* canonical address; owned by the session */
	bool is_admin;
};

/*
 * What others may read of a session while it runs: front_enter and front_show write it, with the
 * front's lock held, and whoever reads it holds that. Texts are static, or live as long as the
 * session.
 */
struct session_shown {
	uint64_t number; /* within the front; they ascend */
	int64_t since_s;
	const char *user;    /* NULL: nobody has logged in */
	const char *version; /* NULL: not secured; so the next two */
	const char *suite;
	const char *group;
	bool is_resumed;
};

enum session_phase {
	PHASE_BEGIN,
	PHASE_NAMING, /* the name may decide with what the handshake is made */
	PHASE_HANDSHAKE,
	PHASE_GREETING,
	PHASE_COMMAND,
	PHASE_LINE,
	PHASE_MORE,
	PHASE_BODY,
	PHASE_WAIT,
	PHASE_LISTEN,
	PHASE_FLUSH,
	PHASE_LOGIN,
	PHASE_STARTTLS,
	PHASE_CLOSING
};

struct session {
	struct task task;
	struct stream stream;
	const struct protocol *protocol;
	void *state; /* of protocol->state_size */

	struct front *front;        /* outlives the session */
	struct snapshot *snapshot;  /* a reference: the configuration it began with */
	const struct service_config *service;
	const struct config_limits *limits;

	enum session_phase phase; /* written by session_phase_set only */
	struct sockaddr_in6 peer; /* IPv4 in mapped form */
	struct sockaddr_in6 local;
	char peer_text[INET6_ADDRSTRLEN];
	bool is_exempt; /* from the limits per address */
	bool is_own;	/* the server shakes hands with itself: no limit, no count, no line of log */
	const struct partner *partner; /* its row of TlsPolicy, of the snapshot; NULL: none */
	/* Its confirmed names; session/peer.c alone. */
	uint64_t names_ticket; /* 0: none are awaited */
	char *names;	       /* separated by blanks; owned; NULL: none */
	enum fault names_fault;
	bool has_names;	       /* atomic: what there is to know of them stands above */
	const char *peer_said; /* how it calls itself (EHLO): foreign, the protocol's own; may be NULL */

	struct tls_facts tls; /* tls.is_active, version, suite, group ... */
	bool tls_started_here; /* by STARTTLS in this session */

	struct session_user user;
	struct arena arena; /* of the command at hand; rewound after it */
	const struct command *command;
	struct body body;

	unsigned commands_before_login;
	unsigned errors;
	unsigned failed_logins;
	bool line_was_too_long;

	/* A login under way. */
	struct sasl *sasl;
	struct login_scram *login_scram; /* of session/login_scram.h */
	uint64_t login_ticket;
	const char *login_method; /* "PLAIN", "LOGIN", "USER", ... static */
	char *login_name;

	/* The change feed. */
	bool feed_changed; /* atomic; cleared by the protocol with session_feed_take */
	uint64_t feed_account;
	struct list_node feed_node;
	struct list_node front_node;
	struct session_shown shown; /* under the front's lock */
};

/* ---- for the servers ---- */

/* The output, to append replies to. */
static inline struct buf *session_out(struct session *session)
{
	return stream_output(&session->stream);
}

/*
 * Checks a row's preconditions; then runs it, or says the refusal. `state` is
 * the protocol's present state. To be returned from protocol->execute.
 */
enum command_step command_run(struct session *session, const struct command *row, unsigned state,
			      void *arguments);

/* Finds a row by name, without regard to case; NULL when there is none. */
const struct command *command_find(const struct command *table, size_t count, struct str name);

/*
 * The SASL mechanisms that are offered to this session now, as bits (SASL_BIT): of
 * the state of TLS, of the service and of what the administrator allows.
 */
unsigned session_mechanisms(const struct session *session);

/* True where a login is possible now: TLS is active or the service allows plain-text logins. */
bool session_may_login(const struct session *session);

/* True when STARTTLS can be offered: there are certificates, and TLS is not active yet. */
bool session_may_starttls(const struct session *session);

/*
 * Says a refusal in the protocol's words, and to warning.log when a limit was
 * reached. Returns COMMAND_END or COMMAND_DONE, as the refusal's row wants it.
 */
enum command_step session_refuse(struct session *session, enum refusal refusal,
				 const struct command *command);

/* Writes "SMTP: 192.0.2.1: TEXT" to warning.log: a limit that only one protocol has was reached. */
void session_limit_log(const struct session *session, const char *text);

/* Counts a peer's mistake; true when they became too many (then session_refuse it). */
bool session_error_count(struct session *session);

/*
 * Begins a login with name and password (POP3 USER/PASS, IMAP LOGIN); the
 * outcome comes to protocol->login_done. Wipes nothing of the caller's.
 */
enum command_step session_login_password(struct session *session, const char *method, struct str name,
					 struct str password);

/* Finds a mechanism by its name in any case; false when it is not offered to this session. */
must_check bool session_mechanism_find(const struct session *session, struct str name,
				       enum sasl_mechanism *mechanism_out);

/*
 * Begins a SASL exchange by an offered mechanism; challenges go out by
 * protocol->challenge, the outcome comes to login_done.
 */
enum command_step session_login_sasl(struct session *session, enum sasl_mechanism mechanism,
				     bool has_initial, struct str initial);

/* Starts and ends watching an account; session_feed_take tells (and forgets) whether it changed. */
void session_feed_watch(struct session *session, uint64_t account);
void session_feed_unwatch(struct session *session);
bool session_feed_take(struct session *session);

/*
 * True once it is certain which row of TlsPolicy holds for the peer. False while
 * its name is awaited: the session is woken when it has come, or is not to be had
 * in time; return COMMAND_WAIT and ask again.
 */
must_check bool session_is_named(struct session *session);

/* The front's store handle, log and counters. */
struct store *session_store(const struct session *session);
const struct log *session_log(const struct session *session);
struct metrics *session_metrics(const struct session *session);
/*
 * A reference to the configuration that is in force now, which may be another one than
 * the session began with; to be given back.
 */
struct snapshot *session_snapshot_now(const struct session *session);

/* Who answers requests of the administration page; NULL: nobody does. */
struct asker *session_admin(const struct session *session);

/* True once the server is stopping: what could go on for ever ends. */
bool session_is_stopping(const struct session *session);

/* Appends what a CA's token is answered with (tls/challenge.h); false: it is not known. */
bool session_challenge_answer(const struct session *session, struct str token, struct buf *to);

/* A new Queue-ID, "65ee8b47-00000009": 8 hex of Unix time, 8 hex of a counter (of this front). */
enum { QUEUE_ID_BYTES = 18 };
void session_queue_id(struct session *session, char id_out[QUEUE_ID_BYTES]);

/* The server's host name as configured, or the machine's. */
struct str session_hostname(const struct session *session);

/* Appends "TLSv1.3 TLS_AES_256_GCM_SHA384 x25519", the TLS field of the logs; nothing without TLS. */
void session_append_tls(const struct session *session, struct buf *to);

#endif
