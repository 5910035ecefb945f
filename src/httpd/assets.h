/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the administration page, which stand in the binary.
 *
 * embed.py makes the table from the files that web/ builds: each but index.html is named by its
 * content ("/assets/app-0123456789abcdef.js"), so that what a browser keeps of it never grows
 * old; index.html is found as "/" and names the others.
 */
#ifndef POSTERN_HTTPD_ASSETS_H
#define POSTERN_HTTPD_ASSETS_H

#include "base/str.h"

struct asset {
	struct str path; /* as it is asked for */
	struct str type; /* of its content (RFC 9110 section 8.3) */
	struct str bytes;
	struct str gzip;   /* the same, compressed (RFC 1952) */
	bool is_immutable; /* its name changes with its content */
};

/* Finds a file by the path of a request, which has to be its name to the letter; static. */
bool asset_find(struct str path, struct asset *out);

#endif
