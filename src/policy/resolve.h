/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From settings to policy: rules 1, 2 and 4 to 10 of tls-policy.md section 3,
 * and the rungs of section 4.
 *
 * Nothing ever falls back to something weaker than what the file says: what
 * was named and cannot be had is an error; what is there only by default is
 * dropped with a warning.
 */
#ifndef POSTERN_POLICY_RESOLVE_H
#define POSTERN_POLICY_RESOLVE_H

#include "policy/settings.h"

struct policy_request {
	enum tls_direction direction;
	struct str who; /* for findings: "IMAP, IMAPS and HTTPS", "the SMTP client" */
	const struct tls_settings *settings; /* complete: of a table, or overridden by a service */
	bool session_tickets;
	bool without_hybrid; /* no post-quantum group */
	int64_t now_s; /* what TlsFloorDate is compared with */
};

/*
 * Computes the policy; texts are made in the arena. False when it added an
 * error: then there is no policy, and `*policy_out` is untouched.
 */
bool policy_resolve(const struct policy_request *request, const struct suite_catalog *catalog,
		    struct arena *arena, struct findings *findings, struct tls_policy *policy_out);

/* How one service or client differs from the table that governs it. */
struct policy_ends {
	bool session_tickets;
	bool has_reply; /* inbound SMTP on port 25; elsewhere the rung `reply` can but observe */
};

/* Makes a copy, with what is behind it, that fits one service or client. */
struct tls_policy policy_fit(const struct tls_policy *policy, struct policy_ends ends,
			     struct arena *arena);

#endif
