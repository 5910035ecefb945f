/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a command line against the table of commands. Pure: nothing is
 * printed, nothing done.
 */
#ifndef POSTERN_CTL_ARGUMENTS_H
#define POSTERN_CTL_ARGUMENTS_H

#include "base/buf.h"
#include "ctl/command.h"

/* What was asked for. Texts are the caller's argv. */
struct arguments {
	const struct command *command; /* NULL: help or version without a command, or for a group */
	const char *group;	       /* with --help: "user" for the commands of that group */
	uint64_t given;		       /* OPTION_BIT of each option that stood there */
	const char *values[OPTION_COUNT];
	const char *words[ARGUMENTS_MAX]; /* behind the command's name */
	size_t word_count;
};

/*
 * Reads argv[1] and on. Options may stand anywhere, as `--name value` or
 * `--name=value`; `--` ends them. False, with what is wrong and what to do in
 * `error`, for anything that the table does not admit.
 */
must_check bool arguments_parse(const struct command_table *table, int argc, char **argv,
				struct arguments *out, struct buf *error);

static inline bool arguments_has(const struct arguments *arguments, uint64_t bit)
{
	return (arguments->given & bit) != 0;
}

/* Reads "500", "64K", "10M", "2G", "1T" (powers of 1024); false on anything else or an overflow. */
must_check bool size_parse(struct str text, uint64_t *bytes_out);

/* Reads "90", "90s", "10m", "2h", "1d" as seconds; false on anything else, on 0 and on an overflow. */
must_check bool duration_parse(struct str text, uint32_t *seconds_out);

#endif
