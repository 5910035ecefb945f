/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a recipient: what goes the same way goes through the same connections.
 */
#ifndef POSTERN_MAILQ_WAY_H
#define POSTERN_MAILQ_WAY_H

#include "config/relay.h"

enum { WAY_NAME_MAX = RELAY_KEY_MAX + 1 };

/*
 * Names the way of mail from `sender` to `recipient` as the configuration has it: the
 * key of a relay host's rule, or the recipient's domain, in ASCII where it has such a
 * form. False when the name finds no room.
 */
must_check bool way_name(const struct config *config, struct str sender, struct str recipient,
			 char name[WAY_NAME_MAX]);

#endif
