/* SPDX-License-Identifier: Apache-2.0 */
#include "mailq/dkim.h"

#include <stdlib.h>

struct dkim_table {
	unsigned references; /* atomic */
	char *text;	     /* what the lines borrow */
	struct dkim_line *lines;
	size_t count;
};

/* Takes what a line about a key that signs has before the record. */
static bool signer_take(struct str *rest, struct dkim_line *line)
{
	struct str algorithm = str_cut(rest, ' ');
	uint64_t number;

	if (!dkim_algorithm_parse(algorithm, &line->algorithm) ||
	    !str_parse_u64(str_cut(rest, ' '), UINT32_MAX, &number))
		return false;
	line->number = (uint32_t)number;
	return true;
}

static bool line_read(struct str text, struct dkim_line *line)
{
	struct str kind = str_cut(&text, ' ');

	*line = (struct dkim_line){.domain = str_cut(&text, ' ')};
	line->selector = str_cut(&text, ' ');
	if (line->domain.len == 0 || !dkim_selector_check(line->selector))
		return false;
	line->is_awaited = str_equals(kind, STR("await"));
	if (!line->is_awaited && (!str_equals(kind, STR("sign")) || !signer_take(&text, line)))
		return false;
	line->record = text;
	return text.len > 0;
}

enum fault dkim_table_read(struct str text, struct dkim_table **table_out)
{
	struct dkim_table *table = calloc(1, sizeof(*table));

	CHECK(table != NULL);
	table->references = 1;
	table->text = str_dup_c(text);
	table->lines = calloc(DKIM_KEYS_MAX, sizeof(*table->lines));
	CHECK(table->lines != NULL);
	for (struct str rest = str_make(table->text, text.len); rest.len > 0; table->count++)
		if (table->count == DKIM_KEYS_MAX ||
		    !line_read(str_cut(&rest, '\n'), &table->lines[table->count])) {
			dkim_table_unref(&table);
			return FAULT_INVALID;
		}
	*table_out = table;
	return FAULT_NONE;
}

struct dkim_table *dkim_table_ref(struct dkim_table *table)
{
	__atomic_add_fetch(&table->references, 1, __ATOMIC_RELAXED);
	return table;
}

void dkim_table_unref(struct dkim_table **table)
{
	struct dkim_table *old = *table;

	*table = NULL;
	if (old == NULL || __atomic_sub_fetch(&old->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	free(old->lines);
	free(old->text);
	free(old);
}

size_t dkim_table_count(const struct dkim_table *table)
{
	return table->count;
}

const struct dkim_line *dkim_table_line(const struct dkim_table *table, size_t index)
{
	CHECK(index < table->count);
	return &table->lines[index];
}

static size_t signers_of(const struct dkim_table *table, struct str domain,
			 const struct dkim_line *lines_out[DKIM_SIGNERS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < table->count && count < DKIM_SIGNERS_MAX; i++)
		if (!table->lines[i].is_awaited &&
		    str_equals_nocase(table->lines[i].domain, domain))
			lines_out[count++] = &table->lines[i];
	return count;
}

size_t dkim_table_signers(const struct dkim_table *table, struct str domain,
			  const struct dkim_line *lines_out[DKIM_SIGNERS_MAX])
{
	size_t count = 0;

	while (domain.len > 0 && count == 0) {
		count = signers_of(table, domain, lines_out);
		(void)str_cut(&domain, '.');
	}
	return count;
}
