/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration as the parent sends it, read in a role.
 */
#ifndef POSTERN_PROC_SNAPSHOT_READ_H
#define POSTERN_PROC_SNAPSHOT_READ_H

#include "base/log.h"
#include "config/config.h"
#include "ipc/channel.h"

/*
 * Reads the text that came with config_changed. The parent has found it good;
 * NULL, and a line in error.log, if this process does not.
 */
struct config *snapshot_config_read(struct packet *packet, const struct log *log);

#endif
