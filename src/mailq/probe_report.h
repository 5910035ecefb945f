/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a probe has seen, as JSON.
 */
#ifndef POSTERN_MAILQ_PROBE_REPORT_H
#define POSTERN_MAILQ_PROBE_REPORT_H

#include <jansson.h>

#include "deliver/client_contexts.h"
#include "deliver/pop3_client.h"
#include "deliver/route.h"
#include "deliver/smtp_client.h"

/* Begins a report on a destination as it was given. */
json_t *probe_report_new(struct str target, const char *service, uint16_t port);

void probe_report_route(json_t *report, const struct route *route);
void probe_report_rule(json_t *report, const struct client_rule *rule, struct str file_name);
/* The address that took the connection, or that was tried last. */
void probe_report_address(json_t *report, const uint8_t address[16]);
/* What an SMTP server said. */
void probe_report_smtp(json_t *report, const struct smtp_client *client);
/* What a POP3 server said. */
void probe_report_pop3(json_t *report, const struct pop3_client *client);
/* TLS, certificates and the failure of a connection; its outcome. */
void probe_report_outbound(json_t *report, const struct outbound *outbound);
/* A failure before there was a connection; `kind` is for programs. */
void probe_report_failure(json_t *report, const char *kind, struct str words);

#endif
