/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is to say about a configuration: errors, warnings and notes, each
 * with its place and with the cure.
 *
 * A set of findings is bounded: beyond FINDINGS_MAX the rest is counted by
 * severity but not kept. The set owns every text in it.
 */
#ifndef POSTERN_POLICY_FINDING_H
#define POSTERN_POLICY_FINDING_H

#include "base/arena.h"
#include "base/buf.h"

enum finding_severity {
	FINDING_NOTE,	 /* worth knowing; nothing to do */
	FINDING_WARNING, /* applied, yet perhaps not what was meant */
	FINDING_ERROR,	 /* the file is not applied */
	FINDING_SEVERITY_COUNT
};

enum { FINDINGS_MAX = 1000 };

/* Where something was said. Line 0: nowhere, it is a default or concerns the whole file. */
struct finding_place {
	int line;
	struct str table;    /* "Security", or "Service:IMAPS" for an item of the list */
	struct str variable; /* may be empty */
};

struct finding {
	enum finding_severity severity;
	struct finding_place place;
	struct str text; /* one sentence or two, without a full stop at the end */
};

struct findings {
	struct arena arena;
	struct finding *items;
	size_t count;
	size_t cap;
	size_t totals[FINDING_SEVERITY_COUNT]; /* kept or not */
};

void findings_init(struct findings *findings);
void findings_done(struct findings *findings);

/* Adds one; copies place and text. */
void finding_add(struct findings *findings, enum finding_severity severity,
		 struct finding_place place, const char *format, ...) format_printf(4, 5);

/* Orders by line, those without a line last; equal lines keep their order. */
void findings_sort(struct findings *findings);

/* "error", "warning", "note". */
const char *finding_severity_name(enum finding_severity severity);

/* Appends `mailserver.cfg:31: error: Security/ServerTlsProtocols: ...` and a line feed. */
void finding_append(struct buf *to, struct str file_name, const struct finding *finding);

/* Appends "Security/ServerTlsProtocols", or what there is of it. */
void finding_place_append(struct buf *to, const struct finding_place *place);

static inline bool findings_has_errors(const struct findings *findings)
{
	return findings->totals[FINDING_ERROR] > 0;
}

#endif
