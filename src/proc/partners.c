/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/partners.h"

#include "base/clock.h"
#include "config/partner.h"
#include "proc/json.h"
#include "proc/parent.h"

enum { LOOK_S = 1 };

/* The reading of the file has told of rows that were over then. */
static int64_t told_until_s(const struct parent *parent)
{
	return parent->partners_looked_s > parent->applied_s ? parent->partners_looked_s
							     : parent->applied_s;
}

void partners_tick(struct parent *parent, int64_t real_s)
{
	const struct config *config = parent->config;

	/* A clock that was put back looks anew, too. */
	if (config == NULL ||
	    (real_s >= parent->partners_looked_s && real_s - parent->partners_looked_s < LOOK_S))
		return;
	for (size_t i = 0; i < config->partner_count; i++) {
		const struct partner *partner = &config->partners[i];
		struct buf name = BUF_INIT(1024);
		if (!partner_is_expired(partner, real_s) ||
		    partner_is_expired(partner, told_until_s(parent)))
			continue;
		partner_append(&name, partner, config->file_name);
		log_printf(&parent->logs.log, LOG_WARNING,
			   "TlsPolicy: the last day of the row for %.*s has come: it is not applied "
			   "any more; delete it, or give it a new day",
			   STR_ARG(buf_str(&name)));
		buf_done(&name);
	}
	parent->partners_looked_s = real_s;
}

void partners_append_status(const struct parent *parent, struct buf *json)
{
	const struct config *config = parent->config;
	size_t count = config == NULL ? 0 : config->partner_count, expired = 0;
	int64_t now_s = clock_real_s();

	buf_printf(json, ",\"tls_policy\":{\"rows\":%zu,\"expired\":[", count);
	for (size_t i = 0; i < count; i++) {
		const struct partner *partner = &config->partners[i];
		if (!partner_is_expired(partner, now_s))
			continue;
		buf_append_c(json, expired++ == 0 ? "{\"peer\":" : ",{\"peer\":");
		append_json_string(json, partner->peer);
		buf_printf(json, ",\"line\":%d,\"expires\":\"", partner->place.line);
		tls_floor_date_append(json, partner->expires);
		buf_append_c(json, "\"}");
	}
	buf_append_c(json, "]}");
}
