/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mailserver.cfg read for a test: the snapshot, and the findings as text.
 */
#ifndef POSTERN_TESTS_READING_H
#define POSTERN_TESTS_READING_H

#include "config/config.h"

struct reading {
	struct findings findings;
	struct config *config; /* NULL when there were errors */
	enum fault fault;
	struct buf text; /* a finding a line, as the command line prints them, file name `m.cfg` */
};

void reading_make(struct reading *reading, const struct suite_catalog *catalog, struct str text);
void reading_done(struct reading *reading);

/* Fails the test unless every part, separated by `|`, stands in the findings; one that begins with
 * `^` must not. */
void reading_expect(const struct reading *reading, const char *what, const char *parts);

#endif
