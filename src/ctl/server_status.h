/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a running server says of itself, for commands that work without one, too.
 */
#ifndef POSTERN_CTL_SERVER_STATUS_H
#define POSTERN_CTL_SERVER_STATUS_H

#include <jansson.h>

/* The document of `status --json`; NULL when no server answers. The caller frees. Blocks. */
json_t *server_status(const char *home);

/* What it says of the pair of that name, borrowed; NULL when it has none, or for a NULL status. */
json_t *server_status_certificate(json_t *status, const char *name);

#endif
