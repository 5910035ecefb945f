/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the table of commands says to people and to shells. Pure: text in a
 * buffer.
 */
#ifndef POSTERN_CTL_HELP_H
#define POSTERN_CTL_HELP_H

#include "base/buf.h"
#include "ctl/command.h"

/* Appends the list of all commands, or, unless NULL, of those of a group. */
void help_append_table(struct buf *to, const struct command_table *table, const char *group);

/* Appends the help of one command: its line, its options, what it does. */
void help_append_command(struct buf *to, const struct command *command);

/* Appends the manual page postern(1), for man(7) macros. */
void help_append_man(struct buf *to, const struct command_table *table, const char *version);

/* Appends the completion for bash. */
void help_append_bash(struct buf *to, const struct command_table *table);

#endif
