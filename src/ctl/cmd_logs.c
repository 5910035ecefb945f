/* SPDX-License-Identifier: Apache-2.0 */
/* logs: prints a log file and follows it, over rotation too; or a page of it, going backwards. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "ctl/ctl.h"
#include "ctl/log_page.h"

enum {
	CHUNK = 64 * 1024,
	FOLLOW_LINES = 20,
	PAGE_LINES = 100,
	PAUSE_MS = 250,
	LINES_MAX = 1000000000,
	TEXT_MAX = 256 << 20
};

static bool log_is_known(struct str name)
{
	for (int i = 0; i < LOG_FILE_COUNT; i++)
		if (str_equals(name, str_from_c(log_file_name((enum log_file)i))))
			return true;
	return false;
}

static int name_fail(struct str name)
{
	struct buf names = BUF_INIT(1000);

	for (int i = 0; i < LOG_FILE_COUNT; i++)
		buf_printf(&names, "%s%s", i == 0 ? "" : ", ", log_file_name((enum log_file)i));
	int code =
		ctl_fail_field(FAULT_NOT_FOUND, "name", "there is no log %.*s; it is one of: %.*s",
			       STR_ARG(name), STR_ARG(buf_str(&names)));
	buf_done(&names);
	return code;
}

/* Where the last `lines` lines of the file begin. */
static off_t lines_begin(int fd, uint64_t lines)
{
	char bytes[CHUNK];
	off_t end = lseek(fd, 0, SEEK_END), at = end;
	uint64_t seen = 0;

	while (at > 0) {
		size_t len = at < (off_t)sizeof(bytes) ? (size_t)at : sizeof(bytes);
		if (pread(fd, bytes, len, at - (off_t)len) != (ssize_t)len)
			return 0;
		for (size_t i = len; i > 0; i--) {
			off_t place = at - (off_t)len + (off_t)i;
			/* The end of the last line begins no line. */
			if (bytes[i - 1] == '\n' && place < end && ++seen == lines)
				return place;
		}
		at -= (off_t)len;
	}
	return 0;
}

/* What goes to the reader: all of it, or the lines with a text in them, perhaps as JSON. */
struct printer {
	struct str filter;
	bool is_json;
	struct buf line; /* of which the end has not come */
	uint64_t inode;
	uint64_t offset; /* where that line begins */
};

static bool line_print(struct printer *printer, struct str line)
{
	struct str text = str_sub(line, 0, line.len - 1);

	if (!str_is_empty(printer->filter) && str_find_nocase(text, printer->filter) == STR_NONE)
		return true;
	if (!printer->is_json)
		return fd_write_all(STDOUT_FILENO, line.ptr, line.len);
	CLEANUP_BUF struct buf place = BUF_INIT(64);
	log_place_append(&place, printer->inode, printer->offset);
	json_t *object =
		json_pack("{s:o, s:o}", "at", json_text(buf_str(&place)), "text", json_text(text));
	char *json = json_dumps(object, JSON_COMPACT);
	CHECK(json != NULL);
	bool is_read = fd_write_all(STDOUT_FILENO, json, strlen(json)) &&
		       fd_write_all(STDOUT_FILENO, "\n", 1);
	free(json);
	json_decref(object);
	return is_read;
}

/* Whole lines go out; what is left waits for its end. */
static bool lines_print(struct printer *printer, struct str bytes)
{
	bool is_read = true;

	while (bytes.len > 0 && is_read) {
		size_t feed = str_find_char(bytes, '\n');
		size_t len = feed == STR_NONE ? bytes.len : feed + 1;
		buf_append_str(&printer->line, str_sub(bytes, 0, len));
		bytes = str_from(bytes, len);
		if (feed == STR_NONE && !printer->line.failed)
			break;
		if (!printer->line.failed)
			is_read = line_print(printer, buf_str(&printer->line));
		printer->offset += printer->line.len;
		buf_done(&printer->line);
		printer->line = BUF_INIT(CHUNK);
	}
	return is_read;
}

/* Prints from the file's place to its present end; false when nobody reads any more. */
static bool rest_print(struct printer *printer, int fd)
{
	bool is_plain = !printer->is_json && str_is_empty(printer->filter);
	char bytes[CHUNK];
	ssize_t got;

	while ((got = read(fd, bytes, sizeof(bytes))) > 0)
		if (is_plain ? !fd_write_all(STDOUT_FILENO, bytes, (size_t)got)
			     : !lines_print(printer, str_make(bytes, (size_t)got)))
			return false;
	return true;
}

/* From now on the lines are those of this file. */
static void printer_begin(struct printer *printer, int fd)
{
	struct stat status;

	buf_done(&printer->line);
	printer->line = BUF_INIT(CHUNK);
	printer->inode = fstat(fd, &status) == 0 ? status.st_ino : 0;
	printer->offset = (uint64_t)lseek(fd, 0, SEEK_CUR);
}

static bool is_same_file(int fd, const char *path)
{
	struct stat open_one, named;

	return fstat(fd, &open_one) == 0 &&
	       (stat(path, &named) != 0 ||
		(open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev));
}

/* Prints what is added until the reader goes or the command is interrupted. */
static void follow(struct printer *printer, int *fd, const char *path)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};

	while (rest_print(printer, *fd)) {
		nanosleep(&pause, NULL);
		if (is_same_file(*fd, path))
			continue;
		/* The file was rotated: first what was still written to the old one. */
		if (!rest_print(printer, *fd))
			return;
		int next = open(path, O_RDONLY | O_CLOEXEC);
		if (next >= 0) {
			fd_close(fd);
			*fd = next;
			printer_begin(printer, next);
		}
	}
}

static int log_print(const struct ctl *ctl, const char *path, uint64_t lines)
{
	struct printer printer = {.filter = str_from_c(ctl_value(ctl, OPTION_FILTER)),
				  .is_json = ctl_has(ctl, OPTION_BIT(JSON))};
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && !ctl_has(ctl, OPTION_BIT(FOLLOW)))
		return CTL_DONE;
	if (fd < 0)
		return ctl_fail(CTL_USAGE, "%s: %s", path, fault_text(fault_from_errno(errno)));
	if (lines < LINES_MAX)
		(void)lseek(fd, lines == 0 ? 0 : lines_begin(fd, lines), lines == 0 ? SEEK_END : SEEK_SET);
	printer_begin(&printer, fd);
	if (ctl_has(ctl, OPTION_BIT(FOLLOW)))
		follow(&printer, &fd, path);
	else
		(void)rest_print(&printer, fd);
	buf_done(&printer.line);
	return CTL_DONE;
}

/* ---- a page, going backwards ---- */

static json_t *place_json(uint64_t inode, uint64_t offset)
{
	CLEANUP_BUF struct buf place = BUF_INIT(64);

	log_place_append(&place, inode, offset);
	return json_text(buf_str(&place));
}

static void page_print_json(const struct log_parts *parts, const struct log_page *page,
			    struct str name)
{
	CLEANUP_BUF struct buf end = BUF_INIT(64);
	json_t *lines = json_array();

	for (size_t i = 0; i < page->count; i++)
		json_array_append_new(
			lines, json_pack("{s:o, s:o}", "at",
					 place_json(page->lines[i].inode, page->lines[i].offset),
					 "text", json_text(page->lines[i].text)));
	log_end_append(&end, parts);
	ctl_print_json(json_pack(
		"{s:o, s:o, s:o, s:o}", "log", json_text(name), "lines", lines, "before",
		page->has_more ? place_json(page->next_inode, page->next_offset) : json_null(),
		"end", end.len == 0 ? json_null() : json_text(buf_str(&end))));
}

static void page_print(const struct log_page *page)
{
	CLEANUP_BUF struct buf text = BUF_INIT(TEXT_MAX);

	for (size_t i = 0; i < page->count; i++) {
		buf_append_str(&text, page->lines[i].text);
		buf_append_char(&text, '\n');
	}
	ctl_print(buf_str(&text));
}

static int page_show(const struct ctl *ctl, struct str name, size_t lines)
{
	char *folder = ctl_path(ctl, "store/logs");
	struct log_parts parts;
	struct log_page page;

	log_parts_open(&parts, folder, name);
	enum fault fault = log_page_find(&parts, ctl_value(ctl, OPTION_BEFORE), lines,
					 str_from_c(ctl_value(ctl, OPTION_FILTER)), &page);
	if (fault == FAULT_NONE && ctl_has(ctl, OPTION_BIT(JSON)))
		page_print_json(&parts, &page, name);
	else if (fault == FAULT_NONE)
		page_print(&page);
	log_page_done(&page);
	log_parts_close(&parts);
	free(folder);
	return fault == FAULT_NONE
		       ? CTL_DONE
		       : ctl_fail_field(fault, "before",
					"--before %s: the log has no such place any more; begin at "
					"its end",
					ctl_value(ctl, OPTION_BEFORE));
}

int cmd_logs(struct ctl *ctl)
{
	struct str name = ctl->arguments->word_count > 0 ? ctl_word(ctl, 0) : STR("mail");
	bool is_page = !ctl_has(ctl, OPTION_BIT(FOLLOW)) &&
		       ctl_has(ctl, OPTION_BIT(JSON) | OPTION_BIT(BEFORE) | OPTION_BIT(FILTER));
	uint64_t lines = is_page			    ? PAGE_LINES
			 : ctl_has(ctl, OPTION_BIT(FOLLOW)) ? FOLLOW_LINES
							    : LINES_MAX;
	const char *wanted = ctl_value(ctl, OPTION_LINES);
	uint64_t most = is_page ? LOG_PAGE_LINES_MAX : LINES_MAX;
	char path[64];

	if (!log_is_known(name))
		return name_fail(name);
	if (wanted != NULL &&
	    (!str_parse_u64(str_from_c(wanted), most, &lines) || (is_page && lines == 0)))
		return ctl_fail_field(FAULT_INVALID, "lines",
				      "--lines %s: a number is wanted, at most %llu", wanted,
				      (unsigned long long)most);
	if (is_page)
		return page_show(ctl, name, (size_t)lines);
	snprintf(path, sizeof(path), "store/logs/%.*s.log", STR_ARG(name));
	char *whole = ctl_path(ctl, path);
	int code = log_print(ctl, whole, lines);
	free(whole);
	return code;
}
