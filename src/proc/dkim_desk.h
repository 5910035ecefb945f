/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parent does for DKIM: it reads HOME/dkim, has the keys role load the private
 * keys that sign, and tells mailq which they are and whose records are awaited.
 *
 * 1. Key bytes never pass here: the keys role reads each file by a descriptor.
 * 2. mailq is told of a key when the keys role has it. One that cannot be loaded is
 *    told as such, so that mail of its domain waits and does not go out unsigned.
 * 3. Until HOME/dkim was read once, mailq is told nothing, and sends nothing.
 * 4. A key whose record mailq has seen begins to sign; those before it retire, and
 *    when their time is over their private keys are deleted.
 */
#ifndef POSTERN_PROC_DKIM_DESK_H
#define POSTERN_PROC_DKIM_DESK_H

#include "ipc/channel.h"
#include "mailauth/dkim_folder.h"

struct parent;
struct child;

enum desk_load { DESK_NOT_LOADED, DESK_ASKED, DESK_LOADED, DESK_FAILED };

/* Of the key at the same place in `keys`. */
struct desk_number {
	uint32_t number;
	enum desk_load load;
};

struct dkim_desk {
	struct dkim_keys keys; /* as they were read last */
	struct desk_number *numbers;
	uint32_t next_number;
	bool is_read; /* once */
	bool is_told; /* mailq has the table of `keys` */
	int64_t looked_s;
};

/* Reads what there is; nobody is told yet. */
void dkim_desk_open(struct parent *parent);
void dkim_desk_close(struct parent *parent);

/*
 * Reads anew and puts that in force; clients who wait for it are answered at the end,
 * perhaps before this returns. What cannot be read leaves what was read before.
 */
void dkim_desk_read(struct parent *parent);

/* True when the message, of keys or mailq, is for the desk. */
bool dkim_desk_take(struct parent *parent, struct child *child, struct packet *packet);

/* A role is ready, or died. */
void dkim_desk_role_ready(struct parent *parent, struct child *child);
void dkim_desk_role_died(struct parent *parent, struct child *child);

/* To be called from time to time: for keys whose overlap is over. */
void dkim_desk_tick(struct parent *parent, int64_t now_s);

/* Appends a line a key, what evidence.log compares: "dkim/DOMAIN/SELECTOR ALGORITHM, STATE, ...". */
void dkim_desk_append_list(const struct parent *parent, struct buf *to);

#endif
