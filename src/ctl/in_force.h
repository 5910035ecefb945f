/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration in force: that of the running server, or without one what
 * mailserver.cfg says; and by which sign a later change recognises it.
 */
#ifndef POSTERN_CTL_IN_FORCE_H
#define POSTERN_CTL_IN_FORCE_H

#include "config/config.h"
#include "ctl/ctl.h"

/* Between in_force_load and in_force_done. */
struct in_force {
	char *path; /* of mailserver.cfg */
	struct buf text;
	bool is_running; /* the text is the server's; else the file's */
	const struct suite_catalog *catalog;
	struct findings findings; /* about the text */
	struct config *config;
};

/*
 * Reads it; the exit code, CTL_USAGE after it said what is wrong with it.
 * in_force_done either way. Blocks.
 */
int in_force_load(struct in_force *in_force, const struct ctl *ctl);
void in_force_done(struct in_force *in_force);

/*
 * [{"variable","old","new"}]: what was edited in mailserver.cfg by hand and is not in
 * force; empty without a server, which has the file in force. The caller frees. Blocks.
 */
json_t *in_force_edits_json(const struct in_force *in_force);

/*
 * Appends the sign of a text, "4f1c9a0e82b3d657": the beginning of its SHA-256, as
 * evidence.log has it. --generation takes it back.
 */
void generation_append(struct buf *to, struct str text);
json_t *generation_json(struct str text);

/* True when the sign is that of the text. */
bool generation_is(struct str generation, struct str text);

#endif
