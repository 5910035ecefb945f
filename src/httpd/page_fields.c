/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/page_fields.h"

#include "session/front.h"

/*
 * Thirty days, and this host alone: long enough against whoever strips TLS on the way, short enough for an
 * administrator who has to go back to a certificate of his own.
 */
#define HSTS_FIELD "Strict-Transport-Security: max-age=2592000\r\n"
#define HSTS_FIELD_FORGET "Strict-Transport-Security: max-age=0\r\n"

static const char FIELDS[] =
	"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
	"img-src 'self' data:; connect-src 'self'; font-src 'self'; frame-ancestors 'none'; "
	"base-uri 'none'; form-action 'self'\r\n"
	"X-Content-Type-Options: nosniff\r\n"
	"Referrer-Policy: no-referrer\r\n"
	"Cross-Origin-Opener-Policy: same-origin\r\n"
	"Cross-Origin-Resource-Policy: same-origin\r\n";

/* Letters that no name has are refused by the parser. */
struct str page_host_name(struct str host)
{
	size_t colon = str_find_last_char(host, ':');
	size_t bracket = str_find_last_char(host, ']');

	if (colon == STR_NONE || (bracket != STR_NONE && colon < bracket))
		return host;
	return str_sub(host, 0, colon);
}

/*
 * Once a browser has been told, it lets nobody past a certificate that it does not trust: so it is told only of
 * hosts whose certificates any browser trusts, or where the administrator says so.
 */
static void hsts_append(const struct snapshot *snapshot, const struct http_request *request,
			struct buf *to)
{
	enum hsts hsts = snapshot->config->server.admin_hsts;

	if (hsts == HSTS_OFF)
		buf_append_c(to, HSTS_FIELD_FORGET);
	else if (hsts == HSTS_ON ||
		 (request != NULL && snapshot_is_public(snapshot, page_host_name(request->host))))
		buf_append_c(to, HSTS_FIELD);
}

void page_fields_append(const struct session *session, const struct http_request *request,
			struct buf *to)
{
	buf_append_c(to, FIELDS);
	hsts_append(session->snapshot, request, to);
}
