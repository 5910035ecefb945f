/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/log_page.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"

/* ---- the files ---- */

static void part_add(struct log_parts *parts, const char *folder, const char *name)
{
	char *path = path_join(folder, name);
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;

	free(path);
	if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
		return;
	struct log_part *part = &parts->items[parts->count];
	*part = (struct log_part){.inode = status.st_ino};
	if (status.st_size > 0) {
		void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (bytes == MAP_FAILED)
			return;
		part->text = str_make(bytes, (size_t)status.st_size);
	}
	part->name = str_dup_c(str_from_c(name));
	parts->count++;
}

static int names_descending(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*b)->d_name, (*a)->d_name);
}

void log_parts_open(struct log_parts *parts, const char *folder, struct str name)
{
	CLEANUP_BUF struct buf file = BUF_INIT(256);
	struct dirent **names;

	parts->count = 0;
	buf_printf(&file, "%.*s.log", STR_ARG(name));
	buf_append_char(&file, '\0');
	CHECK(!file.failed);
	part_add(parts, folder, file.data);
	/* "mail.log." and a stamp that sorts by time. */
	file.data[file.len - 1] = '.';
	int count = scandir(folder, &names, NULL, names_descending);
	for (int i = 0; i < count; i++) {
		if (parts->count < LOG_PAGE_FILES_MAX &&
		    str_has_prefix(str_from_c(names[i]->d_name), buf_str(&file)))
			part_add(parts, folder, names[i]->d_name);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
}

void log_parts_close(struct log_parts *parts)
{
	for (size_t i = 0; i < parts->count; i++) {
		struct log_part *part = &parts->items[i];
		if (part->text.len > 0)
			munmap((void *)(uintptr_t)part->text.ptr, part->text.len);
		free(part->name);
	}
	parts->count = 0;
}

/* ---- places ---- */

void log_place_append(struct buf *to, uint64_t inode, uint64_t offset)
{
	buf_printf(to, "%llu:%llu", (unsigned long long)inode, (unsigned long long)offset);
}

void log_end_append(struct buf *to, const struct log_parts *parts)
{
	if (parts->count > 0)
		log_place_append(to, parts->items[0].inode, parts->items[0].text.len);
}

static bool place_find(const struct log_parts *parts, const char *place, size_t *part_out,
		       size_t *offset_out)
{
	struct str offset_text = str_from_c(place);
	struct str inode_text = str_cut(&offset_text, ':');
	uint64_t inode, offset;

	if (!str_parse_u64(inode_text, UINT64_MAX, &inode) ||
	    !str_parse_u64(offset_text, SIZE_MAX, &offset))
		return false;
	for (size_t i = 0; i < parts->count; i++)
		if (parts->items[i].inode == inode) {
			size_t len = parts->items[i].text.len;
			*part_out = i;
			*offset_out = offset < len ? (size_t)offset : len;
			return true;
		}
	return false;
}

/* ---- going backwards ---- */

struct walk {
	const struct log_parts *parts;
	struct log_page *page;
	struct str filter;
	size_t limit;
	size_t part;
	size_t offset; /* lines before it are still to come */
	size_t scanned;
};

/* The last whole line before `end`, and where it begins; false when there is none. */
static bool line_before(struct str text, size_t end, struct str *line_out, size_t *begin_out)
{
	size_t feed = str_find_last_char(str_sub(text, 0, end), '\n');

	if (feed == STR_NONE)
		return false;
	size_t before = str_find_last_char(str_sub(text, 0, feed), '\n');
	*begin_out = before == STR_NONE ? 0 : before + 1;
	*line_out = str_sub(text, *begin_out, feed - *begin_out);
	return true;
}

static void line_take(struct walk *walk, struct str line, size_t begin)
{
	if (!str_is_empty(walk->filter) && str_find_nocase(line, walk->filter) == STR_NONE)
		return;
	walk->page->lines[walk->page->count++] = (struct log_line_found){
		.text = line, .inode = walk->parts->items[walk->part].inode, .offset = begin};
}

/* One step: a line, or the next older file. False at the end of the log, or of the page. */
static bool walk_step(struct walk *walk)
{
	struct str line;
	size_t begin;

	if (walk->page->count == walk->limit || walk->scanned >= LOG_PAGE_SCAN_MAX)
		return false;
	if (line_before(walk->parts->items[walk->part].text, walk->offset, &line, &begin)) {
		line_take(walk, line, begin);
		walk->scanned += walk->offset - begin;
		walk->offset = begin;
		return true;
	}
	if (walk->part + 1 == walk->parts->count)
		return false;
	walk->part++;
	walk->offset = walk->parts->items[walk->part].text.len;
	return true;
}

static void lines_reverse(struct log_page *page)
{
	for (size_t i = 0; i < page->count / 2; i++) {
		struct log_line_found line = page->lines[i];
		page->lines[i] = page->lines[page->count - 1 - i];
		page->lines[page->count - 1 - i] = line;
	}
}

enum fault log_page_find(const struct log_parts *parts, const char *before, size_t limit,
			 struct str filter, struct log_page *page_out)
{
	struct walk walk = {.parts = parts, .page = page_out, .filter = filter, .limit = limit};

	*page_out = (struct log_page){.count = 0};
	if (parts->count == 0)
		return before == NULL ? FAULT_NONE : FAULT_NOT_FOUND;
	if (before == NULL)
		walk.offset = parts->items[0].text.len;
	else if (!place_find(parts, before, &walk.part, &walk.offset))
		return FAULT_NOT_FOUND;
	page_out->lines = calloc(limit, sizeof(*page_out->lines));
	CHECK(page_out->lines != NULL);
	while (walk_step(&walk))
		;
	page_out->has_more = walk.offset > 0 || walk.part + 1 < parts->count;
	page_out->next_inode = parts->items[walk.part].inode;
	page_out->next_offset = walk.offset;
	lines_reverse(page_out);
	return FAULT_NONE;
}

void log_page_done(struct log_page *page)
{
	free(page->lines);
	page->lines = NULL;
	page->count = 0;
}
