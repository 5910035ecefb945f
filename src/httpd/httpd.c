/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd.h"

#include "base/clock.h"
#include "httpd/api.h"
#include "httpd/assets.h"
#include "httpd/page_fields.h"
#include "proto/http.h"
#include "session/front.h"
#include "session/mailq_metrics.h"

enum {
	IDLE_MS = 60 * 1000,
	METRICS_MAX = 4 * 1024 * 1024,
	HTTPS_PORT = 443,
	/* The only state of a session here. */
	STATE_ONLY = 0,
	/* Of a large body so much goes into the output at a time. */
	PIECE_BYTES = 32 * 1024
};

struct httpd {
	size_t scanned; /* of the head that is coming in: http_head_find */
	struct str rest; /* of a large body, static: what is not in the output yet */
	bool keep_alive; /* behind the answer at hand */
	struct api api;
};

static struct httpd *httpd_of(const struct session *session)
{
	return session->state;
}

struct answer {
	int status;
	struct str type;
	struct str body;
	bool is_static; /* the body stays as it is for ever */
	struct str fields;
};

static void answer_say(struct session *session, const struct answer *answer, bool has_body,
		       bool keep_alive)
{
	struct buf *out = session_out(session);

	http_response_head(out, answer->status, answer->type, answer->body.len, keep_alive,
			   answer->fields, clock_real_s());
	if (has_body)
		buf_append_str(out, answer->body);
}

/* A refusal ends the connection: where the next request begins is in doubt. */
static enum command_step refusal_end(struct session *session, int status)
{
	struct answer answer = {.status = status};

	answer_say(session, &answer, true, false);
	return COMMAND_END;
}

static void refusal_say(struct session *session, enum refusal refusal,
			const struct command *command)
{
	/* Between requests a connection may end without a word (RFC 9112 section 9.5). */
	bool is_between = stream_input(&session->stream).len == 0;

	if (refusal == REFUSAL_TOO_SLOW || (refusal == REFUSAL_IDLE_TOO_LONG && is_between))
		return;
	if (refusal == REFUSAL_STOPPING && is_between)
		return;
	refusal_end(session, refusal == REFUSAL_IDLE_TOO_LONG	? 408
			     : refusal == REFUSAL_LINE_TOO_LONG ? 431
								: 503);
}

static enum gather httpd_gather(struct session *session, struct str input, size_t *len_out)
{
	struct httpd *httpd = httpd_of(session);
	size_t len = http_head_find(input, &httpd->scanned);

	if (len == 0)
		return GATHER_PARTIAL;
	httpd->scanned = 0;
	if (len == STR_NONE) {
		refusal_end(session, input.len >= HTTP_HEAD_MAX ? 431 : 400);
		return GATHER_END;
	}
	*len_out = len;
	return GATHER_COMMAND;
}

/* The counters as text; empty with `status` 500 when they do not fit. */
static void metrics_answer(struct session *session, struct buf *text, struct answer *answer)
{
	struct snapshot *snapshot = session_snapshot_now(session);

	metrics_append_prometheus(session_metrics(session), text);
	metrics_append_disk(session_metrics(session)->shared, text);
	metrics_append_certificates(snapshot, clock_real_s(), text);
	mailq_metrics_append(session->front, text);
	snapshot_unref(&snapshot);
	answer->status = text->failed ? 500 : 200;
	answer->type = STR("text/plain; version=0.0.4; charset=utf-8");
	answer->body = text->failed ? str_make(NULL, 0) : buf_str(text);
}

/* Well is who can read the store: without it every other service fails too. */
static void health_answer(struct session *session, struct answer *answer)
{
	struct view *view CLEANUP_VIEW = NULL;
	enum fault fault = view_open(session_store(session), &view);

	answer->status = fault == FAULT_NONE ? 200 : 503;
	answer->body = fault == FAULT_NONE ? STR("ok\n") : STR("the store cannot be read\n");
}

/* ---- the service HTTP ---- */

static struct answer not_found(void)
{
	return (struct answer){
		.status = 404, .type = STR("text/plain"), .body = STR("Not found\n")};
}

/* RFC 8555 section 8.3. */
static struct answer challenge_answer(struct session *session, struct str token, struct buf *text)
{
	if (!session_challenge_answer(session, token, text))
		return not_found();
	return (struct answer){
		.status = 200, .type = STR("application/octet-stream"), .body = buf_str(text)};
}

static struct answer redirect_answer(struct session *session, const struct http_request *request,
				     struct buf *text)
{
	const struct service_config *https =
		&session->snapshot->config->services[SERVICE_HTTPS];
	struct str host = page_host_name(request->host);

	if (!https->enabled || str_is_empty(host) || request->path.ptr[0] != '/')
		return not_found();
	buf_printf(text, "Location: https://%.*s", STR_ARG(host));
	if (https->port != HTTPS_PORT)
		buf_printf(text, ":%u", https->port);
	buf_append_str(text, request->path);
	if (!str_is_empty(request->query)) {
		buf_append_char(text, '?');
		buf_append_str(text, request->query);
	}
	buf_append_c(text, "\r\n");
	return (struct answer){.status = 308, .fields = buf_str(text)};
}

/* Nothing is served in the clear but what a CA asks for. */
static struct answer plain_answer(struct session *session, const struct http_request *request,
				  struct buf *text)
{
	static const struct str challenges = STR_INIT("/.well-known/acme-challenge/");

	if (str_has_prefix(request->path, challenges) && request->method != HTTP_OTHER)
		return challenge_answer(session, str_from(request->path, challenges.len), text);
	return redirect_answer(session, request, text);
}

/* ---- the service HTTPS ---- */

/* RFC 9110 section 12.5.3. */
static bool accepts_gzip(const struct http_request *request)
{
	struct str codings = http_request_field(request, STR("Accept-Encoding"));

	for (struct str rest = codings; rest.ptr != NULL;) {
		struct str weight = str_cut(&rest, ',');
		struct str coding = str_trim(str_cut(&weight, ';'));
		if (str_equals_nocase(coding, STR("gzip")))
			return !str_has_prefix_nocase(str_trim(weight), STR("q=0")) ||
			       str_has_prefix_nocase(str_trim(weight), STR("q=0."));
	}
	return false;
}

static struct answer asset_answer(const struct session *session,
				  const struct http_request *request, const struct asset *asset,
				  struct buf *text)
{
	bool is_packed = accepts_gzip(request) && asset->gzip.len < asset->bytes.len;

	page_fields_append(session, request, text);
	buf_append_c(text, asset->is_immutable
				   ? "Cache-Control: public, max-age=31536000, immutable\r\n"
				   : "Cache-Control: no-store\r\n");
	buf_append_c(text, is_packed ? "Vary: Accept-Encoding\r\nContent-Encoding: gzip\r\n"
				     : "Vary: Accept-Encoding\r\n");
	return (struct answer){.status = 200,
			       .type = asset->type,
			       .body = is_packed ? asset->gzip : asset->bytes,
			       .is_static = true,
			       .fields = buf_str(text)};
}

static struct answer path_answer(struct session *session, const struct http_request *request,
				 struct buf *text)
{
	struct answer answer = not_found();
	struct asset asset;
	bool is_health = str_equals(request->path, STR("/healthz"));
	bool is_metrics = str_equals(request->path, STR("/metrics"));
	bool is_asset = asset_find(request->path, &asset);

	if (!is_health && !is_metrics && !is_asset)
		return answer;
	if (request->method == HTTP_OTHER)
		return (struct answer){.status = 405,
				       .type = STR("text/plain"),
				       .body = STR("Only GET and HEAD\n"),
				       .fields = STR("Allow: GET, HEAD\r\n")};
	if (is_asset)
		return asset_answer(session, request, &asset, text);
	if (is_metrics) {
		metrics_answer(session, text, &answer);
		return answer;
	}
	health_answer(session, &answer);
	return answer;
}

/* The next piece of a large body. */
static enum command_step request_more(struct session *session)
{
	struct httpd *httpd = httpd_of(session);

	if (api_is_active(&httpd->api))
		return api_more(session, &httpd->api);
	struct str piece = str_sub(httpd->rest, 0, PIECE_BYTES);

	buf_append_str(session_out(session), piece);
	httpd->rest = str_from(httpd->rest, piece.len);
	if (!str_is_empty(httpd->rest))
		return COMMAND_MORE;
	return httpd->keep_alive ? COMMAND_DONE : COMMAND_END;
}

static enum command_step request_run(struct session *session, void *arguments)
{
	const struct http_request *request = arguments;
	struct httpd *httpd = httpd_of(session);

	if (session->service->id == SERVICE_HTTPS && api_is_path(request->path))
		return api_begin(session, &httpd->api, request);
	struct buf text = BUF_INIT(METRICS_MAX);
	struct answer answer = session->service->id == SERVICE_HTTP
				       ? plain_answer(session, request, &text)
				       : path_answer(session, request, &text);
	/* Nothing here takes a body but the API: the connection ends behind the answer instead. */
	bool has_body = request->method != HTTP_HEAD;

	httpd->keep_alive = request->keep_alive && request->body_bytes == 0;
	httpd->rest = has_body && answer.is_static ? answer.body : str_make(NULL, 0);
	answer_say(session, &answer, has_body && !answer.is_static, httpd->keep_alive);
	buf_done(&text);
	return request_more(session);
}

static const struct command request_row = {.name = STR_INIT("REQUEST"),
					   .states = 1u << STATE_ONLY,
					   .run = request_run,
					   .more = request_more};

static enum command_step httpd_execute(struct session *session, struct str head)
{
	struct http_request *request = arena_new(&session->arena, struct http_request);

	CHECK(request != NULL);
	int status = http_request_parse(head, request);
	if (status != 0)
		return refusal_end(session, status);
	return command_run(session, &request_row, STATE_ONLY, request);
}

/* The client speaks first. */
static enum command_step httpd_greet(struct session *session)
{
	return COMMAND_DONE;
}

static void httpd_end(struct session *session)
{
	api_end(session, &httpd_of(session)->api);
}

const struct protocol httpd_protocol = {
	.name = STR_INIT("HTTP"),
	.state_size = sizeof(struct httpd),
	.input_max = HTTP_HEAD_MAX,
	.idle_before_login_ms = IDLE_MS,
	.idle_after_login_ms = IDLE_MS,
	.greet = httpd_greet,
	.gather = httpd_gather,
	.execute = httpd_execute,
	.refuse = refusal_say,
	.end = httpd_end,
};
