/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the home that the parent writes for a command: pairs of certificates, keys that wait
 * for their certificate, keys of DKIM and the lists of them. And those that it opens for others to
 * read: mailserver.cfg, its history, evidence.log, certificates, requests for some, trust anchors, and
 * what is known of keys of DKIM. Never a key, never what store/ holds.
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

enum { HOME_FILE_BYTES_MAX = 1 << 20 };

/*
 * True for a name that may be replaced: "sslcert/NAME.crt", "sslcert/NAME.key",
 * "sslcert/requests/NAME.key", "sslcert/requests/NAME.csr", "dkim/DOMAIN/SELECTOR.key", "dkim/DOMAIN/keys". Pure.
 */
bool home_file_may_be_put(struct str name);

/*
 * Replaces it by what stands in the memory file behind `content`, which does not pass through this
 * process: it may be a private key. It gets the owner of its folder; a domain's folder and that of
 * requests are made where there is none. DENIED: another name, or a link in the place of the folder; those of
 * file_replace_from. Blocks on the disk.
 */
must_check enum fault home_file_put(const char *home, struct str name, int content);

/*
 * Makes a file without a name in the home for `bytes` that are on their way to the store, where they
 * need the same room again; it goes with its last descriptor. NO_SPACE: twice as much is not free.
 */
must_check enum fault home_file_make_unnamed(const char *home, uint64_t bytes, int *fd_out);

/*
 * Copies a key that waits (sslcert/requests/REQUEST.key) to the place of a pair's (sslcert/NAME.key);
 * it stays where it was. NOT_FOUND, and as home_file_put. Blocks on the disk.
 */
must_check enum fault home_file_key_take(const char *home, struct str request, struct str name);

/*
 * True for a name that may be removed: "dkim/DOMAIN/SELECTOR.key", "sslcert/requests/NAME.key" and
 * ".csr". Pure.
 */
bool home_file_may_be_removed(struct str name);

/* Removes it; one that is not there is fine. DENIED as home_file_put; IO. Blocks on the disk. */
must_check enum fault home_file_remove(const char *home, struct str name);

#endif
