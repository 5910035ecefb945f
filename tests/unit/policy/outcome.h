/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What variables come to, as text: so that a case of a rule is a row of a table.
 */
#ifndef POSTERN_TESTS_OUTCOME_H
#define POSTERN_TESTS_OUTCOME_H

#include "policy/resolve.h"

enum {
	OUTCOME_VARIABLES_MAX = 32,
	OUTCOME_NOW_S = 1796040000 /* 30 November 2026, at noon */
};

struct outcome {
	struct arena arena;
	struct findings findings;
	struct raw_variable variables[OUTCOME_VARIABLES_MAX];
	struct tls_settings settings;
	struct tls_policy policy;
	bool has_policy;
	/* `warning:3 Security/EphemeralDHKeySize: ...` a line; then `protocols TLSv1.2, TLSv1.3`
	 * and so on. */
	struct buf text;
};

/*
 * Reads variables, a line each, `Name=value`, as the table `Security` (behind an
 * `@` as `SmtpSecurity`), and resolves the policy of a listener or client called
 * "the service", at OUTCOME_NOW_S.
 */
void outcome_make(struct outcome *outcome, const struct suite_catalog *catalog,
		  const char *variables, enum tls_direction direction);
void outcome_make_at(struct outcome *outcome, const struct suite_catalog *catalog,
		     const char *variables, enum tls_direction direction, int64_t now_s);
void outcome_done(struct outcome *outcome);

/* Splits `Name=value` lines; returns how many. */
size_t outcome_variables(const char *text, struct raw_variable variables[OUTCOME_VARIABLES_MAX]);

/* Appends each finding as a line. */
void outcome_append_findings(struct buf *to, const struct findings *findings);

/* Fails the test unless every part, separated by `|`, stands in the text; one that begins with `^`
 * must not. */
void outcome_expect(const char *what, const struct buf *text, const char *parts);

#endif
