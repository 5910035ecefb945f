/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a command gets a password from.
 */
#ifndef POSTERN_CTL_PASSWORD_H
#define POSTERN_CTL_PASSWORD_H

#include "base/secret.h"
#include "ctl/ctl.h"

/*
 * Reads the password: with --password-stdin the first line of standard input,
 * else asked for twice on the terminal, unseen. Returns CTL_DONE, or the exit
 * code after it has said why not. An empty password is refused.
 */
must_check int password_read(const struct ctl *ctl, struct secret *password_out);

/*
 * Reads the password that opens something: as above, but asked for once, with the
 * given question, and it may be empty.
 */
must_check int password_ask(const struct ctl *ctl, const char *question,
			    struct secret *password_out);

#endif
