/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/finding.h"

#include <stdlib.h>

enum { FINDINGS_BYTES = 4 << 20, TEXT_BYTES = 2000, INITIAL_CAP = 16 };

void findings_init(struct findings *findings)
{
	*findings = (struct findings){.items = NULL};
	arena_init(&findings->arena, FINDINGS_BYTES);
}

void findings_done(struct findings *findings)
{
	free(findings->items);
	arena_rewind(&findings->arena);
	*findings = (struct findings){.items = NULL};
}

/* A copy cut to what one line can sensibly show. */
static struct str text_keep(struct findings *findings, struct str text)
{
	return arena_dup(&findings->arena, str_sub(text, 0, TEXT_BYTES));
}

static struct finding *finding_room(struct findings *findings)
{
	if (findings->count == FINDINGS_MAX)
		return NULL;
	if (findings->count == findings->cap) {
		size_t cap = findings->cap == 0 ? INITIAL_CAP : findings->cap * 2;
		struct finding *items = realloc(findings->items, cap * sizeof(*items));
		CHECK(items != NULL);
		findings->items = items;
		findings->cap = cap;
	}
	return &findings->items[findings->count++];
}

void finding_add(struct findings *findings, enum finding_severity severity,
		 struct finding_place place, const char *format, ...)
{
	struct buf text = BUF_INIT(TEXT_BYTES);
	va_list args;

	findings->totals[severity]++;
	struct finding *finding = finding_room(findings);
	if (finding == NULL)
		return;
	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	*finding = (struct finding){
		.severity = severity,
		.place = {.line = place.line,
			  .table = text_keep(findings, place.table),
			  .variable = text_keep(findings, place.variable)},
		.text = text.failed ? STR("a finding too long to show")
				    : text_keep(findings, buf_str(&text)),
	};
	buf_done(&text);
}

/* Insertion sort: stable, and findings come nearly in order of line. */
void findings_sort(struct findings *findings)
{
	for (size_t i = 1; i < findings->count; i++) {
		struct finding moving = findings->items[i];
		unsigned key = (unsigned)moving.place.line - 1; /* line 0 becomes the largest */
		size_t at = i;
		while (at > 0 && (unsigned)findings->items[at - 1].place.line - 1 > key) {
			findings->items[at] = findings->items[at - 1];
			at--;
		}
		findings->items[at] = moving;
	}
}

const char *finding_severity_name(enum finding_severity severity)
{
	static const char *const names[FINDING_SEVERITY_COUNT] = {"note", "warning", "error"};

	CHECK(severity < FINDING_SEVERITY_COUNT);
	return names[severity];
}

void finding_place_append(struct buf *to, const struct finding_place *place)
{
	buf_append_str(to, place->table);
	if (!str_is_empty(place->table) && !str_is_empty(place->variable))
		buf_append_char(to, '/');
	buf_append_str(to, place->variable);
}

void finding_append(struct buf *to, struct str file_name, const struct finding *finding)
{
	buf_append_str(to, file_name);
	if (finding->place.line > 0)
		buf_printf(to, ":%d", finding->place.line);
	buf_printf(to, ": %s: ", finding_severity_name(finding->severity));
	if (!str_is_empty(finding->place.table) || !str_is_empty(finding->place.variable)) {
		finding_place_append(to, &finding->place);
		buf_append_c(to, ": ");
	}
	buf_append_str(to, finding->text);
	buf_append_char(to, '\n');
}
