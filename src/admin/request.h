/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a request to the words and options of a command.
 *
 * It reads what a client sent (query, JSON body), strictly: a name that the row does not know, one
 * that stands twice, or a value of another type is refused, and the refusal names it as its field.
 */
#ifndef POSTERN_ADMIN_REQUEST_H
#define POSTERN_ADMIN_REQUEST_H

#include <jansson.h>

#include "admin/route.h"
#include "base/arena.h"
#include "base/buf.h"
#include "ctl/arguments.h"

/* The longest text of one parameter. */
enum { REQUEST_TEXT_MAX = 512 * 1024 };

enum { REQUEST_PLACES = PLACE_SESSION + 1 };

/* A request as a command takes it. What the arguments point to is the request's. */
struct admin_request {
	struct arguments arguments;
	struct buf input; /* what is to stand in the command's input */
	json_t *places[REQUEST_PLACES];
	struct arena texts;
	const char *refused_field; /* NULL: of no one parameter */
	const char *refused_text;  /* NULL: nothing is wrong */
};

/*
 * Reads it. False: the request tells what is wrong, with which parameter. In any case
 * admin_request_done is to be called. Pure.
 */
must_check bool admin_request_read(const struct route_match *match, struct str query,
				   struct str body, struct admin_request *request);

/* Frees, and overwrites the input. */
void admin_request_done(struct admin_request *request);

/* True when the route's command prints a JSON document. */
bool request_prints_json(const struct route *route);

/* Appends a piece of a path or query decoded (RFC 3986 section 2.1); false on bad digits and NUL. */
must_check bool request_text_decode(struct buf *to, struct str text, bool is_query);

#endif
