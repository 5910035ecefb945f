/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/page.h"

enum { KEY_MAX = 4096 };

int page_init(struct page *page, const struct ctl *ctl)
{
	const char *limit = ctl_value(ctl, OPTION_LIMIT);
	uint64_t number = 0;

	*page = (struct page){.search = str_from_c(ctl_value(ctl, OPTION_SEARCH)),
			      .after = str_from_c(ctl_value(ctl, OPTION_AFTER)),
			      .last = BUF_INIT(KEY_MAX)};
	if (limit != NULL &&
	    (!str_parse_u64(str_from_c(limit), PAGE_LIMIT_MAX, &number) || number == 0))
		return ctl_fail_field(FAULT_INVALID, "limit",
				      "--limit %s: a number from 1 to %d is wanted", limit,
				      PAGE_LIMIT_MAX);
	page->limit = (size_t)number;
	return CTL_DONE;
}

void page_done(struct page *page)
{
	buf_done(&page->last);
}

bool page_finds(const struct page *page, struct str text)
{
	return str_is_empty(page->search) || str_find_nocase(text, page->search) != STR_NONE;
}

bool page_finds_member(const struct page *page, json_t *object, const char *name)
{
	return page_finds(page, str_from_c(json_string_value(json_object_get(object, name))));
}

bool page_takes_at(struct page *page, struct str key, bool is_behind)
{
	page->total++;
	if (!is_behind)
		return false;
	if (page->limit > 0 && page->taken == page->limit) {
		page->has_more = true;
		return false;
	}
	page->taken++;
	buf_reset(&page->last);
	buf_append_str(&page->last, key);
	return true;
}

bool page_takes(struct page *page, struct str key)
{
	return page_takes_at(page, key,
			     str_is_empty(page->after) || str_compare(key, page->after) > 0);
}

bool page_takes_below(struct page *page, uint64_t number)
{
	CLEANUP_BUF struct buf key = BUF_INIT(KEY_MAX);
	uint64_t after = UINT64_MAX;

	if (!str_is_empty(page->after) && !str_parse_u64(page->after, UINT64_MAX, &after))
		after = 0;
	buf_printf(&key, "%llu", (unsigned long long)number);
	return page_takes_at(page, buf_str(&key), number < after);
}

void page_tell_json(const struct page *page, json_t *document)
{
	json_object_set_new(document, "total", json_integer((json_int_t)page->total));
	json_object_set_new(document, "next",
			    page->has_more ? json_text(buf_str(&page->last)) : json_null());
}

void page_tell(const struct page *page, struct buf *to)
{
	if (page->has_more)
		buf_printf(to, "%zu of %zu; go on with --after %.*s\n", page->taken, page->total,
			   STR_ARG(buf_str(&page->last)));
}
