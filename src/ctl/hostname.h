/* SPDX-License-Identifier: Apache-2.0 */
/* The server's name: as configured, or the machine's own. */
#ifndef POSTERN_CTL_HOSTNAME_H
#define POSTERN_CTL_HOSTNAME_H

#include "config/config.h"

enum { HOSTNAME_BYTES = 256 };

/* Writes it, terminated; "localhost" where the machine has none. */
void hostname_of(const struct config *config, char hostname[HOSTNAME_BYTES]);

#endif
