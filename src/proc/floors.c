/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/floors.h"

#include "base/clock.h"
#include "proc/parent.h"

enum { LOOK_S = 1 };

/* What was over when the file was read has been told of then. */
static int64_t told_until_s(const struct parent *parent)
{
	return parent->floors_looked_s > parent->applied_s ? parent->floors_looked_s
							   : parent->applied_s;
}

static void move_log(struct parent *parent, const struct service_config *service)
{
	const struct tls_floor *before = &service->policy.floor;
	const struct tls_floor *now = &service->policy.later->floor;
	struct buf place = BUF_INIT(1024), date = BUF_INIT(40);

	finding_place_append(&place, &before->source);
	tls_floor_date_append(&date, before->date);
	log_printf(&parent->logs.log, LOG_WARNING,
		   "TlsFloorDate: %.*s has come: for %s the rung of %.*s (%.*s:%d) is %s now, no more %s",
		   STR_ARG(buf_str(&date)), service_name(service->id), STR_ARG(buf_str(&place)),
		   STR_ARG(parent->config->file_name), before->source.line,
		   tls_rung_name(now->rung), tls_rung_name(before->rung));
	buf_done(&place);
	buf_done(&date);
}

void floors_tick(struct parent *parent, int64_t real_s)
{
	const struct config *config = parent->config;

	/* A clock that was put back looks anew, too. */
	if (config == NULL ||
	    (real_s >= parent->floors_looked_s && real_s - parent->floors_looked_s < LOOK_S))
		return;
	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		const struct service_config *service = &config->services[i];
		const struct tls_policy *policy = &service->policy;
		if (service->enabled && policy->later != NULL && policy->later_at_s <= real_s &&
		    policy->later_at_s > told_until_s(parent))
			move_log(parent, service);
	}
	parent->floors_looked_s = real_s;
}

static void append_floor(struct buf *json, const struct service_config *service, int64_t now_s)
{
	const struct tls_policy *now = tls_policy_at(&service->policy, now_s);
	const struct tls_policy *later = now == &service->policy ? now->later : NULL;

	buf_printf(json,
		   "{\"service\":\"%s\",\"protocol\":\"%s\",\"mode\":\"%s\",\"date\":",
		   service_name(service->id), tls_protocol_name(now->floor.protocol),
		   tls_rung_name(now->floor.rung));
	if (later == NULL) {
		buf_append_c(json, "null,\"mode_later\":null}");
		return;
	}
	buf_append_char(json, '"');
	tls_floor_date_append(json, now->floor.date);
	buf_printf(json, "\",\"mode_later\":\"%s\"}", tls_rung_name(later->floor.rung));
}

void floors_append_status(const struct parent *parent, struct buf *json)
{
	int64_t now_s = clock_real_s();
	size_t count = 0;

	buf_append_c(json, ",\"floors\":[");
	for (size_t i = 0; parent->config != NULL && i < SERVICE_COUNT; i++) {
		const struct service_config *service = &parent->config->services[i];
		if (!service->enabled || service->policy.floor.rung == TLS_RUNG_NONE)
			continue;
		buf_append_c(json, count++ == 0 ? "" : ",");
		append_floor(json, service, now_s);
	}
	buf_append_char(json, ']');
}
