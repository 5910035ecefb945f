/* SPDX-License-Identifier: Apache-2.0 */
#include "config/document.h"
#include "config/rewrite.h"

enum { TEXT_MAX = DOCUMENT_BYTES_MAX + (64 << 10) };

/* Three versions of one file, and the text that grows out of theirs. */
struct merger {
	struct document base;
	struct document ours;
	struct document theirs;
	struct findings *findings;
	struct buf result;
	enum fault fault;
};

static struct element *find_variable(const struct document *document,
				     const struct config_address *address)
{
	return document_variable(document, address->table, address->item, address->variable);
}

static bool variables_equal(const struct element *a, const struct element *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return str_equals(str_trim(a->value), str_trim(b->value));
}

static struct str value_shown(const struct element *variable)
{
	return variable == NULL ? STR("(not set)") : str_trim(variable->value);
}

static void conflict_report(struct merger *merger, const struct config_address *address,
			    const struct element *ours, const struct element *theirs)
{
	struct finding_place place = {.line = theirs == NULL ? 0 : theirs->line,
				      .table = address->table,
				      .variable = address->variable};

	merger->fault = FAULT_CONFLICT;
	finding_add(
		merger->findings, FINDING_ERROR, place,
		"was changed in the file to \"%.*s\" and here to \"%.*s\"%s%.*s; reload the file "
		"and decide",
		STR_ARG(value_shown(theirs)), STR_ARG(value_shown(ours)),
		str_is_empty(address->item) ? "" : ", service ", STR_ARG(address->item));
}

/* What was changed becomes the result, unless there was a fault; takes the text. */
static void result_take(struct merger *merger, enum fault fault, struct buf *changed)
{
	if (fault != FAULT_NONE) {
		merger->fault = fault;
		return;
	}
	buf_done(&merger->result);
	merger->result = *changed;
	*changed = BUF_INIT(TEXT_MAX);
}

/* Puts our value into the result. */
static void change_apply(struct merger *merger, const struct config_address *address,
			 const struct element *ours)
{
	struct buf changed = BUF_INIT(TEXT_MAX);
	enum fault fault = ours == NULL ? config_delete_variable(buf_str(&merger->result), address,
								 merger->findings, &changed)
					: config_set_variable(buf_str(&merger->result), address,
							      str_trim(ours->value),
							      merger->findings, &changed);

	result_take(merger, fault, &changed);
	buf_done(&changed);
}

static void variable_merge(struct merger *merger, const struct config_address *address)
{
	const struct element *base = find_variable(&merger->base, address);
	const struct element *ours = find_variable(&merger->ours, address);
	const struct element *theirs = find_variable(&merger->theirs, address);

	if (merger->fault != FAULT_NONE && merger->fault != FAULT_CONFLICT)
		return;
	if (variables_equal(base, ours) || variables_equal(ours, theirs))
		return;
	if (!variables_equal(base, theirs))
		conflict_report(merger, address, ours, theirs);
	else if (merger->fault == FAULT_NONE)
		change_apply(merger, address, ours);
}

/* Every variable of a table or item; those that `unless_in` has too are done already. */
static void variables_merge(struct merger *merger, struct config_address address,
			    const struct element *container, const struct document *unless_in)
{
	for (const struct element *at = container->first; at != NULL; at = at->next) {
		address.variable = at->name;
		if (at->kind != ELEMENT_VARIABLE || str_is_empty(at->name) ||
		    (unless_in != NULL && find_variable(unless_in, &address) != NULL))
			continue;
		variable_merge(merger, &address);
	}
}

static void document_merge(struct merger *merger, const struct document *document,
			   const struct document *unless_in)
{
	for (const struct element *at = document_next(document, NULL); at != NULL;
	     at = document_next(document, at)) {
		struct config_address address = {.table = at->name};
		if (at->kind == ELEMENT_TABLE) {
			variables_merge(merger, address, at, unless_in);
			continue;
		}
		for (const struct element *item = at->first; item != NULL; item = item->next) {
			const struct element *name =
				element_child(item, ELEMENT_VARIABLE, STR("Name"));
			if (item->kind != ELEMENT_ITEM || name == NULL ||
			    !str_equals_nocase(at->name, STR("Service")))
				continue;
			address.item = str_trim(name->value);
			variables_merge(merger, address, item, unless_in);
		}
	}
}

/* ---- lists whose items have no names: each as a whole ---- */

static bool lists_equal(struct str name, const struct document *a, const struct document *b)
{
	const struct element *first = document_find(a, ELEMENT_LIST, name);
	const struct element *second = document_find(b, ELEMENT_LIST, name);

	if (first == NULL || second == NULL)
		return first == second;
	return str_equals(str_sub(a->text, first->begin, first->end - first->begin),
			  str_sub(b->text, second->begin, second->end - second->begin));
}

static void list_conflict_report(struct merger *merger, struct str name)
{
	const struct element *theirs = document_find(&merger->theirs, ELEMENT_LIST, name);

	merger->fault = FAULT_CONFLICT;
	finding_add(
		merger->findings, FINDING_ERROR,
		(struct finding_place){.line = theirs == NULL ? 0 : theirs->line, .table = name},
		"rows were changed in the file and here; reload the file and decide");
}

static void list_merge(struct merger *merger, struct str name)
{
	struct buf changed = BUF_INIT(TEXT_MAX);

	if (merger->fault != FAULT_NONE && merger->fault != FAULT_CONFLICT)
		return;
	if (lists_equal(name, &merger->base, &merger->ours) ||
	    lists_equal(name, &merger->ours, &merger->theirs))
		return;
	if (!lists_equal(name, &merger->base, &merger->theirs))
		list_conflict_report(merger, name);
	else if (merger->fault == FAULT_NONE)
		result_take(merger,
			    config_list_replace(buf_str(&merger->result), name, merger->ours.text,
						merger->findings, &changed),
			    &changed);
	buf_done(&changed);
}

/* Each list of `document`; those that `unless_in` has too are done already. */
static void lists_merge(struct merger *merger, const struct document *document,
			const struct document *unless_in)
{
	for (const struct element *at = document_next(document, NULL); at != NULL;
	     at = document_next(document, at))
		if (at->kind == ELEMENT_LIST && !str_equals_nocase(at->name, STR("Service")) &&
		    !str_is_empty(at->name) &&
		    (unless_in == NULL || document_find(unless_in, ELEMENT_LIST, at->name) == NULL))
			list_merge(merger, at->name);
}

static bool merger_open(struct merger *merger, struct str base, struct str ours, struct str theirs)
{
	bool is_good = document_parse(&merger->base, base, merger->findings);

	is_good = document_parse(&merger->ours, ours, merger->findings) && is_good;
	return document_parse(&merger->theirs, theirs, merger->findings) && is_good;
}

enum fault config_merge(struct str base, struct str ours, struct str theirs,
			struct findings *findings, struct buf *to)
{
	struct merger merger = {.findings = findings, .result = BUF_INIT(TEXT_MAX)};

	if (merger_open(&merger, base, ours, theirs)) {
		buf_append_str(&merger.result, str_equals(base, theirs) ? ours : theirs);
		if (!str_equals(base, theirs)) {
			document_merge(&merger, &merger.base, NULL);
			document_merge(&merger, &merger.ours, &merger.base);
			lists_merge(&merger, &merger.base, NULL);
			lists_merge(&merger, &merger.ours, &merger.base);
		}
	} else {
		merger.fault = FAULT_INVALID;
	}
	if (merger.fault == FAULT_NONE)
		buf_append_str(to, buf_str(&merger.result));
	document_done(&merger.base);
	document_done(&merger.ours);
	document_done(&merger.theirs);
	buf_done(&merger.result);
	return merger.fault != FAULT_NONE ? merger.fault
	       : to->failed		  ? FAULT_TOO_LARGE
					  : FAULT_NONE;
}
