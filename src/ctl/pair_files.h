/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pairs in HOME/sslcert as commands write them: through the parent of a running server, or
 * themselves where none runs. Keys go in memory files, and are written first.
 */
#ifndef POSTERN_CTL_PAIR_FILES_H
#define POSTERN_CTL_PAIR_FILES_H

#include "ctl/ctl.h"
#include "ctl/link.h"
#include "tls/certificate.h"

/* The first word, as the name of a pair; its exit code after it said what is wrong with it. */
must_check int pair_name_read(const struct ctl *ctl, const char **name_out);

/* HOME/sslcert/NAME with a suffix; the caller frees. */
char *pair_part_path(const struct ctl *ctl, const char *name, const char *suffix);

/*
 * Reads a file that a word names, or the standard input (NULL, "-"); its exit code after it said
 * why not. Bounded by the buffer.
 */
must_check int pair_file_take(const char *path, struct buf *to);

/*
 * Writes one file of the home, "sslcert/server.key"; a running server's parent does it. Its exit
 * code after it said why not.
 */
must_check int pair_file_put(const struct ctl *ctl, struct link *link, const char *place,
			     struct str content);

/* Writes a pair, the key first; without a key the chain alone. Its exit code after it said why not. */
must_check int pair_write(const struct ctl *ctl, const char *name, const struct tls_pair *pair);

/*
 * Tells the server, or config.log, `what` was done, and prints when it is served (with --json
 * nothing). The exit code: FINDING when the server does not take it.
 */
must_check int pair_announce(const struct ctl *ctl, const char *what);

/* Prints which pair it is. */
void pair_describe(const char *name, const struct tls_pair *pair);

#endif
