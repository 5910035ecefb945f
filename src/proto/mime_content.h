/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Content-* fields of one header: type, parameters, encoding, disposition
 * and the rest that BODYSTRUCTURE tells (RFC 2045, 2183, 2231, 3066, 1864, 2557).
 *
 * Total and bounded: broken fields count as absent, at most
 * MIME_PARAMETERS_MAX parameters of a field are kept.
 */
#ifndef POSTERN_PROTO_MIME_CONTENT_H
#define POSTERN_PROTO_MIME_CONTENT_H

#include "base/arena.h"
#include "proto/mime_decode.h"

enum { MIME_PARAMETERS_MAX = 64, MIME_LANGUAGES_MAX = 32 };

/*
 * Continuations (RFC 2231 section 3) are joined; a name that ends with `*` has an
 * encoded value (section 4).
 */
struct mime_parameter {
	struct mime_parameter *next;
	struct str name;
	struct str value;
};

struct mime_language {
	struct mime_language *next;
	struct str tag;
};

/* A NULL ptr means that the field is absent. Views borrow the header or the arena. */
struct mime_content {
	struct str type; /* never absent; `text` by default */
	struct str subtype;
	struct mime_parameter *parameters;
	struct str id;
	struct str description;
	struct str encoding;
	struct str disposition;
	struct mime_parameter *disposition_parameters;
	struct mime_language *languages;
	struct str location;
	struct str md5;
	bool has_type; /* a Content-Type that could be read was there */
};

/*
 * Reads the fields of `header`; false when the arena's maximum is reached.
 * Where a field stands twice the first counts.
 */
must_check bool mime_content_parse(struct arena *arena, struct str header,
				   struct mime_content *content_out);

/* The first parameter of that name, without regard to case; ptr is NULL without one. */
struct str mime_parameter_find(const struct mime_parameter *parameters, struct str name);

/* True for that type and, unless it is empty, that subtype. */
bool mime_content_is(const struct mime_content *content, struct str type, struct str subtype);

#endif
