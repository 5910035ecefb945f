/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command changed, told in config.log: by the running server, or, without
 * one, by the command itself.
 */
#ifndef POSTERN_CTL_TOLD_H
#define POSTERN_CTL_TOLD_H

#include "ctl/link.h"

/* Appends lines to the config.log of a server that does not run; without a log nothing. */
void config_log_append(const char *home, struct str lines);

/* Tells `what`, such as `Create User {Name="anna@example.org"}`, behind the name of who runs this. */
void config_change_tell(struct link *link, struct str what);

#endif
