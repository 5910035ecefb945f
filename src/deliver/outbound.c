/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/outbound.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "tls/failure_client.h"

enum { WHY_MAX = 8 * 1024, HANDSHAKE_MS = 2 * 60 * 1000 };

const char *outbound_fault_name(enum outbound_fault fault)
{
	static const char *const names[OUTBOUND_FAULT_COUNT] = {
		[OUTBOUND_WHOLE] = "none",
		[OUTBOUND_TIMEOUT] = "timeout",	   [OUTBOUND_CLOSED] = "closed",
		[OUTBOUND_REFUSED] = "refused",	   [OUTBOUND_NONSENSE] = "nonsense",
		[OUTBOUND_NO_TLS] = "no-tls",	   [OUTBOUND_INJECTED] = "injected",
		[OUTBOUND_TLS] = "tls",		   [OUTBOUND_DEMAND] = "demand",
	};

	CHECK(fault < OUTBOUND_FAULT_COUNT);
	return names[fault];
}

bool outbound_fault_is_tls(enum outbound_fault fault)
{
	return fault == OUTBOUND_NO_TLS || fault == OUTBOUND_INJECTED || fault == OUTBOUND_TLS ||
	       fault == OUTBOUND_DEMAND;
}

void outbound_init(struct outbound *outbound, const struct outbound_parts *parts)
{
	*outbound = (struct outbound){
		.context = tls_context_ref(parts->context),
		.demand = *parts->demand,
		.patience_ms = parts->patience_ms,
		.why = BUF_INIT(WHY_MAX),
	};
	CHECK(str_copy_c(parts->host, outbound->host, sizeof(outbound->host)));
	CHECK(str_copy_c(str_sub(parts->file_name, 0, TLS_HOST_MAX - 1), outbound->file_name,
			 sizeof(outbound->file_name)));
	stream_init(&outbound->stream, parts->fd, parts->input_max);
}

void outbound_done(struct outbound *outbound)
{
	outbound->tls = NULL;
	stream_done(&outbound->stream);
	tls_context_unref(&outbound->context);
	buf_done(&outbound->why);
}

void outbound_expect(struct outbound *outbound, int ms)
{
	stream_expect(&outbound->stream, outbound->patience_ms > 0 ? outbound->patience_ms : ms);
}

void outbound_fail(struct outbound *outbound, enum outbound_fault fault, const char *format, ...)
{
	va_list args;

	if (!outbound_is_whole(outbound))
		return;
	outbound->fault = fault;
	va_start(args, format);
	buf_vprintf(&outbound->why, format, args);
	va_end(args);
}

void outbound_lost(struct outbound *outbound, const char *awaited)
{
	outbound_fail(outbound, OUTBOUND_CLOSED, "closed the connection instead of %s", awaited);
}

bool outbound_must_wait(struct outbound *outbound, enum io io, const char *awaited,
			enum outbound_step *step_out)
{
	switch (io) {
	case IO_DONE:
		return false;
	case IO_WANT_INPUT:
		*step_out = OUTBOUND_WAIT_INPUT;
		return true;
	case IO_WANT_OUTPUT:
		*step_out = OUTBOUND_WAIT_OUTPUT;
		return true;
	default:
		outbound_lost(outbound, awaited);
		*step_out = OUTBOUND_FAILED;
		return true;
	}
}

void outbound_expire(struct outbound *outbound, const char *awaited)
{
	bool is_shaking = outbound->tls != NULL && !outbound_facts(outbound).is_active;

	if (!is_shaking)
		outbound_fail(outbound, OUTBOUND_TIMEOUT, "did not give %s in time", awaited);
	else {
		tls_handshake_expire(outbound->tls);
		outbound_fail(outbound, OUTBOUND_TLS, "%s", "");
		tls_client_reason_append(&outbound->why, outbound->tls);
	}
}

/* Appends who demands TLS, as failures in words name it. */
static void demander_append(struct outbound *outbound)
{
	const struct finding_place *place = &outbound->demand.level_source;

	finding_place_append(&outbound->why, place);
	if (place->line > 0)
		buf_printf(&outbound->why, " (%s:%d)", outbound->file_name, place->line);
	buf_printf(&outbound->why, " demands %s", tls_level_name(outbound->demand.level));
}

enum outbound_upgrade outbound_upgrade_choose(struct outbound *outbound, bool is_offered,
					      const char *command)
{
	char how[64];

	if (outbound->tls != NULL || outbound->demand.level == TLS_LEVEL_NONE)
		return OUTBOUND_STAY;
	if (is_offered)
		return OUTBOUND_UPGRADE;
	if (outbound->demand.level == TLS_LEVEL_MAY)
		return OUTBOUND_STAY;
	snprintf(how, sizeof(how), "does not offer %s", command);
	outbound_no_tls(outbound, how);
	return OUTBOUND_LEAVE;
}

void outbound_no_tls(struct outbound *outbound, const char *how)
{
	bool is_demanded = outbound->demand.level > TLS_LEVEL_MAY;

	if (!outbound_is_whole(outbound))
		return;
	outbound_fail(outbound, OUTBOUND_NO_TLS, "%s; ", how);
	if (is_demanded)
		demander_append(outbound);
	else
		buf_append_c(&outbound->why, "what offers TLS and does not give it is not spoken to "
					     "in the clear");
}

/* ---- TLS ---- */

bool outbound_tls_begin(struct outbound *outbound)
{
	struct tls_client_parts parts = {.context = outbound->context,
					 .fd = outbound->stream.fd,
					 .host = str_from_c(outbound->host),
					 .demand = &outbound->demand};
	struct buf why = BUF_INIT(WHY_MAX / 2);
	size_t injected = stream_input_discard(&outbound->stream);

	CHECK(outbound->tls == NULL);
	if (injected > 0)
		outbound_fail(outbound, OUTBOUND_INJECTED,
			      "sent %zu bytes in the clear behind its consent to TLS; somebody on the "
			      "way may have put them there",
			      injected);
	else if (tls_client_new(&parts, &why, &outbound->tls) != FAULT_NONE)
		outbound_fail(outbound, OUTBOUND_DEMAND, "cannot be offered TLS: %.*s",
			      STR_ARG(buf_str(&why)));
	else {
		stream_transport_set(&outbound->stream, &transport_tls, outbound->tls);
		outbound_expect(outbound, HANDSHAKE_MS);
	}
	buf_done(&why);
	return outbound_is_whole(outbound);
}

enum io outbound_shake(struct outbound *outbound)
{
	if (!outbound_is_whole(outbound))
		return IO_BROKEN;
	enum io io = tls_handshake(outbound->tls);
	if (io == IO_BROKEN || io == IO_CLOSED) {
		outbound_fail(outbound, OUTBOUND_TLS, "%s", "");
		tls_client_reason_append(&outbound->why, outbound->tls);
		return IO_BROKEN;
	}
	return io;
}

struct tls_facts outbound_facts(const struct outbound *outbound)
{
	struct tls_facts facts = {.is_active = false};

	if (outbound->tls != NULL)
		tls_connection_facts(outbound->tls, &facts);
	return facts;
}

bool outbound_append_security(const struct outbound *outbound, struct str address, struct buf *to)
{
	if (!outbound_fault_is_tls(outbound->fault))
		return false;
	tls_client_line_begin(to, address, str_from_c(outbound->host));
	buf_append_str(to, buf_str(&outbound->why));
	return true;
}
