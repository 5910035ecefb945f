/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a request to the words and options of a command.
 *
 * It reads what a client sent (query, JSON body), strictly: a name that the row does not know, one
 * that stands twice, or a value of another type is refused, and the error names it as its field.
 */
#ifndef POSTERN_ADMIN_REQUEST_H
#define POSTERN_ADMIN_REQUEST_H

#include "admin/route.h"
#include "base/buf.h"
#include "ctl/arguments.h"

/* The longest text of one parameter. */
enum { REQUEST_TEXT_MAX = 512 * 1024 };

/*
 * Fills the arguments in; what is to stand in the command's input is appended to `input`. Texts that
 * were made for it live as long as the process: it is called in one that ends with the command
 * (admin/errand.h). Returns 0, or the exit code after what is wrong was said (ctl/ctl.h).
 */
must_check int request_arguments(const struct route_match *match, struct str query, struct str body,
				 struct arguments *arguments, struct buf *input);

/* True when the route's command prints a JSON document. */
bool request_prints_json(const struct route *route);

/* Appends a piece of a path or query decoded (RFC 3986 section 2.1); false on bad digits and NUL. */
must_check bool request_text_decode(struct buf *to, struct str text, bool is_query);

#endif
