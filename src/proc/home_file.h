/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the home that the parent opens for others to read: mailserver.cfg, its history,
 * evidence.log, certificates and trust anchors. Never a key, never what store/ holds.
 */
#ifndef POSTERN_PROC_HOME_FILE_H
#define POSTERN_PROC_HOME_FILE_H

#include "base/fault.h"
#include "base/str.h"

/* True for such a name, from the home: "mailserver.cfg", "sslcert", "sslcert/server.crt". Pure. */
bool home_file_is_open(struct str name);

/*
 * Opens it for reading; the caller closes. DENIED: another name, or a link; NOT_FOUND, IO. A folder's
 * descriptor lists its names and gives no right to what is in it.
 */
must_check enum fault home_file_open(const char *home, struct str name, int *fd_out);

#endif
