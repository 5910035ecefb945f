/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/http.h"

void acme_answer_init(struct acme_answer *answer)
{
	*answer = (struct acme_answer){.body = BUF_INIT(ACME_MESSAGE_MAX),
				       .nonce = BUF_INIT(ACME_NONCE_MAX),
				       .location = BUF_INIT(ACME_URL_MAX)};
}

void acme_answer_done(struct acme_answer *answer)
{
	buf_done(&answer->body);
	buf_done(&answer->nonce);
	buf_done(&answer->location);
}

/* RFC 8555 section 6.5.1: base64url; it goes into a signed text as it is. */
static void nonce_take(struct acme_answer *answer, struct str value)
{
	buf_reset(&answer->nonce);
	for (size_t i = 0; i < value.len; i++)
		if (!ascii_is_alnum(value.ptr[i]) && value.ptr[i] != '-' && value.ptr[i] != '_')
			return;
	buf_append_str(&answer->nonce, value);
}

static void field_take(void *context, struct str name, struct str value)
{
	struct acme_answer *answer = context;
	uint64_t seconds;

	if (str_equals_nocase(name, STR("Replay-Nonce")))
		nonce_take(answer, value);
	else if (str_equals_nocase(name, STR("Location")) && acme_url_is_good(value)) {
		buf_reset(&answer->location);
		buf_append_str(&answer->location, value);
	} else if (str_equals_nocase(name, STR("Retry-After")) &&
		   str_parse_u64(value, INT32_MAX, &seconds))
		answer->retry_after_s = (int64_t)seconds;
}

static void answer_reset(struct acme_answer *answer)
{
	answer->status = 0;
	answer->retry_after_s = 0;
	buf_reset(&answer->body);
	buf_reset(&answer->nonce);
	buf_reset(&answer->location);
}

enum fault acme_http_do(struct web_client *web, enum web_method method, struct str url,
			struct str body, struct acme_answer *answer, struct buf *why)
{
	struct web_request request = {.method = method,
				      .url = url,
				      .body = body,
				      .field_take = field_take,
				      .context = answer};

	if (method == WEB_POST)
		request.content_type = "application/jose+json";
	answer_reset(answer);
	buf_append_str(why, url);
	buf_append_c(why, ": ");
	enum fault fault = web_client_do(web, &request, &answer->body, &answer->status, why);
	if (fault == FAULT_NONE)
		buf_reset(why);
	return fault;
}
