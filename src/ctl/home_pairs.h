/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pairs in HOME/sslcert as a command sees them: each with what is wrong with
 * it. Private keys are read to see whether they fit, and wiped.
 */
#ifndef POSTERN_CTL_HOME_PAIRS_H
#define POSTERN_CTL_HOME_PAIRS_H

#include <jansson.h>

#include "tls/certificate.h"

enum { HOME_PAIRS_MAX = 256 };

struct home_pair {
	char *name;		    /* "server", "mail.example.org" */
	struct tls_certificate *certificate; /* NULL: unreadable, the findings say why */
	bool is_public;		    /* from a CA of the system's store */
	struct findings findings;   /* their places are files */
};

struct home_pairs {
	size_t count;
	struct home_pair items[HOME_PAIRS_MAX];
};

/*
 * Reads and checks all pairs, by name. Half a pair is one with an error. What this
 * user may not read gives a note. `status` is that of the running server, or NULL.
 * False when the folder cannot be listed. Blocks on the disk; the caller frees in any
 * case.
 */
bool home_pairs_read(const char *home, json_t *status, int64_t now_s, struct home_pairs *pairs);
void home_pairs_done(struct home_pairs *pairs);

/* "server" and "server-..." serve peers that name no host or an unknown one. */
bool home_pair_is_default(const char *name);

#endif
