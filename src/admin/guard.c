/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/guard.h"

#include "auth/auth.h"
#include "base/encode.h"
#include "base/secret.h"
#include "crypto/digest.h"
#include "proto/http.h"

enum { CSRF_TEXT_MAX = 64 };

void guard_csrf_append(struct buf *to, struct str token)
{
	unsigned char digest[SHA256_BYTES];
	struct sha256 sha;

	sha256_init(&sha);
	sha256_update_framed(&sha, STR("postern csrf"));
	sha256_update_framed(&sha, token);
	sha256_final(&sha, digest);
	base64url_encode(to, str_make(digest, sizeof(digest)));
}

static bool is_safe(struct str method)
{
	return str_equals(method, STR("GET")) || str_equals(method, STR("HEAD"));
}

/* A browser says one of these of every request; other programs none. */
static bool is_same_origin(const struct msg_api_asked *asked)
{
	static const struct str https = STR_INIT("https://");
	struct str site = asked->fetch_site, origin = asked->origin;

	if (!str_is_empty(site) && !str_equals(site, STR("same-origin")) &&
	    !str_equals(site, STR("none")))
		return false;
	return str_is_empty(origin) ||
	       (str_has_prefix(origin, https) &&
		str_equals_nocase(str_from(origin, https.len), asked->host));
}

/* Of an upload; a form of another site cannot send these, either. */
static bool is_mail(struct str content_type)
{
	return http_media_is(content_type, STR("application/mbox")) ||
	       http_media_is(content_type, STR("message/rfc822"));
}

static bool body_is_right(const struct msg_api_asked *asked)
{
	bool has_body = !str_is_empty(asked->body) || asked->file >= 0;

	if (asked->upload_bytes > 0)
		return !has_body && is_mail(asked->content_type);
	return !has_body || http_media_is(asked->content_type, STR("application/json"));
}

static const struct guard_refusal media = {
	415, "media_type",
	"a body has to be application/json, and mail to be imported application/mbox or message/rfc822"};

const struct guard_refusal *guard_request_check(const struct msg_api_asked *asked)
{
	static const struct guard_refusal foreign = {
		403, "foreign", "the request comes from a page of another site"};

	if (!is_same_origin(asked))
		return &foreign;
	return body_is_right(asked) ? NULL : &media;
}

static bool csrf_is_right(const struct msg_api_asked *asked)
{
	struct buf wanted = BUF_INIT(CSRF_TEXT_MAX);

	guard_csrf_append(&wanted, asked->token);
	bool is_right = secret_equals(buf_str(&wanted), asked->csrf);
	buf_wipe(&wanted);
	return is_right;
}

const struct guard_refusal *guard_session_check(const struct msg_api_asked *asked,
						const struct route *route, uint32_t flags)
{
	static const struct guard_refusal csrf = {
		403, "csrf", "X-Postern-Csrf is missing or not that of the session; load the page anew"};
	static const struct guard_refusal role = {
		403, "read_only", "an auditor sees everything and changes nothing"};
	static const struct guard_refusal missing = {
		400, "invalid", "what is to be imported has to be sent as the request's body"};

	if (!is_safe(asked->method) && !csrf_is_right(asked))
		return &csrf;
	if (route->access == ACCESS_CHANGE && (flags & LOGIN_FLAG_ADMIN) == 0)
		return &role;
	if (route->takes_upload && asked->upload_bytes == 0)
		return &missing;
	if (!route->takes_upload && asked->upload_bytes > 0)
		return &media;
	return NULL;
}
