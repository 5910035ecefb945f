/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent: reads and alone writes mailserver.cfg, binds ports, opens key
 * files, rotates logs, starts and restarts the roles, answers the control
 * socket. It has one thread and never touches a byte that a peer sent.
 *
 * parent.c is the life of the process; roles.c starts the roles and hands out
 * channels; apply.c puts a configuration in force; change.c writes and records
 * changes; control.c serves the command line.
 */
#ifndef POSTERN_PROC_PARENT_H
#define POSTERN_PROC_PARENT_H

#include "base/list.h"
#include "base/system_user.h"
#include "config/config.h"
#include "mailq/dns_files.h"
#include "proc/acme_desk.h"
#include "proc/certificates.h"
#include "proc/change.h"
#include "proc/child.h"
#include "proc/disk.h"
#include "proc/dkim_desk.h"
#include "proc/evidence_heads.h"
#include "proc/expiry.h"
#include "proc/listeners.h"
#include "proc/logs.h"
#include "proc/port_checks.h"
#include "proc/self_checks.h"
#include "proc/shared.h"
#include "proc/staples.h"
#include "session/metrics.h"

enum { CHILDREN_MAX = 5 + 16, CONTROL_CLIENTS_MAX = 32 };

struct parent;

/* Something the parent's loop waits for. */
struct source {
	int fd;
	void (*ready)(struct parent *parent, struct source *source);
};

struct child_source {
	struct source channel;
	struct source broker;
};

/* A command line that is connected. */
struct control_client {
	struct source source;
	struct channel channel;
	struct list_node node;
	struct control_author author;
	uint64_t reload_id; /* waits for the end of a reload */
	bool waits_for_reload;
	bool skips_reload; /* the one on its way began before it asked: the next end is not its answer */
	uint64_t dkim_id; /* waits until keys of DKIM are in force */
	bool waits_for_dkim;
};

/* What is being put in force; see apply.c. */
enum apply_state {
	APPLY_NONE,
	APPLY_KEYS,  /* keys answers about each private key */
	APPLY_FRONTS /* fronts answer that the generation is in force */
};

struct parent {
	const char *home;
	char *config_path;
	char *store_path;
	char *certificate_path;
	char *user_anchors_path; /* HOME/sslca/clients */
	char *control_path;
	const struct suite_catalog *catalog;
	struct system_user user; /* whom the roles become */
	struct logs logs;
	int epoll_fd;
	struct source signals;
	struct source control;
	struct source changes; /* inotify */
	int home_watch;
	int certificate_watch;
	int lock_fd;
	int metrics_fd;
	struct proc_shared *shared; /* NULL: not there yet */
	struct disk disk;

	struct child children[CHILDREN_MAX];
	struct child_source child_sources[CHILDREN_MAX];
	size_t child_count;

	/* In force. */
	struct config *config;
	uint64_t generation;
	uint64_t text_generation; /* the first one that had the text of `config` */
	struct listeners listeners;
	struct pairs pairs;
	struct buf user_anchors; /* PEM: what users' certificates are judged by */
	int64_t applied_s;
	struct dns_files dns_files; /* as they were read last */
	char *broken; /* why the file on disk is not in force, or NULL */
	struct evidence_hash broken_text; /* the text of which that was said */

	/* On its way. */
	enum apply_state apply;
	bool apply_again; /* file and pairs */
	bool pairs_again; /* the pairs alone */
	struct config *next_config;
	struct listeners next_listeners;
	struct pairs next_pairs;
	struct buf next_user_anchors;
	uint32_t next_listener;
	uint32_t next_key;
	size_t answers_awaited;
	bool mailq_owes_answer; /* it was given the configuration, and is waited for as well */
	char *apply_fault;

	struct change change; /* what the command line changes, and the record of all changes */
	struct self_checks self_checks;
	struct port_checks port_checks;
	struct evidence_heads evidence_heads;
	struct acme_desk acme_desk; /* certificates from a CA */
	struct dkim_desk dkim_desk;
	struct expiry expiry;
	struct staples staples;
	struct list control_clients;
	size_t control_client_count;
	int64_t change_noticed_ms; /* 0: none */
	bool pairs_noticed;	   /* among it changes in sslcert */
	int64_t started_s;
	int64_t logs_looked_ms; /* and at files of others */
	int64_t floors_looked_s;   /* real time: for floors whose day comes */
	int64_t partners_looked_s; /* real time: for rows of TlsPolicy whose day comes */
	int64_t watchdog_ms; /* of the last round */
	bool was_ready;
	bool is_stopping;
	int64_t stop_deadline_ms;
	int exit_code;
};

/*
 * Runs a server in `home` until it is stopped; returns the product's exit
 * code. What stops it from starting stands in one line on standard error.
 */
int proc_serve(const char *home);

void parent_watch(struct parent *parent, struct source *source, int fd,
		  void (*ready)(struct parent *parent, struct source *source));
void parent_unwatch(struct parent *parent, struct source *source);

/* Says why and ends the server with `exit_code`. */
void parent_give_up(struct parent *parent, int exit_code, const char *format, ...)
	format_printf(3, 4);
void parent_stop(struct parent *parent);

/* ---- roles.c ---- */

/* Starts keys, auth and store; the fronts and mailq follow when these are ready. */
void roles_init(struct parent *parent);
void roles_start_due(struct parent *parent);
void roles_reap(struct parent *parent);
/* True for those that talk with peers and ask the others: they start last and end first. */
bool role_meets_peers(enum role role);
bool roles_all_gone(const struct parent *parent);
struct child *role_find(struct parent *parent, enum role role);
bool roles_are_ready(struct parent *parent, enum role role);
/* Makes a channel to a role for a client; the client's end comes back. */
must_check enum fault role_channel(struct parent *parent, enum role role, enum role client,
				   int *fd_out);
void roles_send_log(struct parent *parent, enum log_file file);

/* ---- apply.c ---- */

/* Reads and checks the file; findings go to the log. NULL when it is broken. */
struct config *apply_read(struct parent *parent);
/* Whether this text was read last, and what is wrong with it was said. */
bool apply_was_told(const struct parent *parent, struct str text);

/* Looks at the files that the next configuration names; a fault, and why, when one cannot be used. */
must_check enum fault apply_files_check(struct parent *parent, struct buf *why);
/* Hands on what such files say when that has changed. */
void apply_files_look(struct parent *parent);

/*
 * Begins to put the file and the certificates as they are now in force; while
 * one is on its way, another follows it. Whoever waits for a reload is answered
 * at the end.
 */
void apply_begin(struct parent *parent);
/*
 * Begins to put the pairs as they are now in force, with the configuration in force:
 * what waits in the file, or is broken there, hinders no certificate.
 */
void apply_pairs_begin(struct parent *parent);
void apply_role_ready(struct parent *parent, struct child *child);
void apply_role_answered(struct parent *parent, struct child *child, struct packet *packet);
void apply_role_died(struct parent *parent, struct child *child);

/* ---- control.c ---- */

void control_open(struct parent *parent);
void control_close(struct parent *parent);
/*
 * Makes a client as a command line is one, for a command that `author` gave on the page from
 * `address`; its end comes back. BUSY: too many are connected. INVALID: no name.
 */
must_check enum fault control_client_make(struct parent *parent, struct str author,
					  struct str address, int *fd_out);
/* Tells those who wait for a reload how it ended; `reason` NULL: well. */
void control_reload_done(struct parent *parent, const char *reason);
/* The same about keys of DKIM. */
void control_dkim_done(struct parent *parent, const char *reason);

/* Appends `status --json`. */
void status_append(const struct parent *parent, struct buf *json);

#endif
