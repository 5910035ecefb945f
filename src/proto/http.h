/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 requests and the head of responses (RFC 9110, RFC 9112), strict.
 *
 * Whatever two readers might understand differently is refused (request
 * smuggling): a bare CR or LF, a folded field, blanks before the colon, more
 * or less than one Host, a Content-Length that is repeated or not of digits,
 * Transfer-Encoding beside Content-Length. Chunked requests are not taken:
 * 501. A body is counted by Content-Length; reading it is the caller's.
 */
#ifndef POSTERN_PROTO_HTTP_H
#define POSTERN_PROTO_HTTP_H

#include "base/buf.h"

enum { HTTP_HEAD_MAX = 16384, HTTP_TARGET_MAX = 4096, HTTP_FIELDS_MAX = 64 };

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_OTHER };

struct http_field {
	struct str name;
	struct str value; /* without blanks around it */
};

/* All views borrow from the head that was parsed. */
struct http_request {
	enum http_method method;
	struct str method_name;
	struct str path;  /* as sent, begins with "/"; "*" for OPTIONS */
	struct str query; /* behind "?", may be empty */
	struct str host;
	int minor_version; /* 0 or 1 */
	bool keep_alive;   /* what the peer wants */
	bool expects_continue;
	uint64_t body_bytes;
	size_t field_count;
	struct http_field fields[HTTP_FIELDS_MAX];
};

/*
 * Looks for the end of a head in what has come in so far. Returns its length
 * with the empty line; 0 when more must come; STR_NONE when a line end is bare
 * or the head would be longer than HTTP_HEAD_MAX. `*scanned` keeps what was
 * looked at between calls; begin with 0.
 */
size_t http_head_find(struct str input, size_t *scanned);

/* Parses a whole head; returns 0, or the status to refuse it with: 400, 414, 431, 501, 505. */
must_check int http_request_parse(struct str head, struct http_request *request_out);

#define HTTP_LENGTH_UNKNOWN UINT64_MAX

/* The first field of that name, or an empty view with a NULL pointer. */
struct str http_request_field(const struct http_request *request, struct str name);

/* Whether a field Content-Type names that type, whatever its parameters. */
bool http_media_is(struct str content_type, struct str type);

/*
 * The value of a cookie in the field Cookie (RFC 6265 section 4.2.1); empty when it is not there, or
 * there twice. Names are compared to the letter.
 */
struct str http_cookie_find(struct str cookies, struct str name);

/* The reason phrase of a status we use; static. */
const char *http_status_text(int status);

/*
 * Appends the head of a response: status line, Date, Content-Type (unless
 * empty), Content-Length (unless HTTP_LENGTH_UNKNOWN: the body ends with the
 * connection, RFC 9112 section 6.3), `Connection: close` unless `keep_alive`, the fields
 * in `more` (whole lines with CRLF, ours), the empty line.
 */
void http_response_head(struct buf *to, int status, struct str content_type, uint64_t body_bytes,
			bool keep_alive, struct str more, int64_t real_s);

#endif
