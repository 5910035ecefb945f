/* SPDX-License-Identifier: Apache-2.0 */
#include "config/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "config/rewrite.h"

enum { NEW_FILE_MODE = 0600, HISTORY_FOLDER_MODE = 0700, HISTORY_NUMBER_MAX = 99999999 };

static enum fault text_load(const char *path, struct findings *findings, struct buf *to)
{
	enum fault fault = file_read(path, to);

	if (fault != FAULT_NONE)
		finding_add(findings, FINDING_ERROR, (struct finding_place){.line = 0},
			    "cannot read %s: %s", path, fault_text(fault));
	return fault;
}

/* What findings call the file: its name without the folders. */
static const char *file_name_of(const char *path)
{
	size_t slash = str_find_last_char(str_from_c(path), '/');

	return slash == STR_NONE ? path : path + slash + 1;
}

enum fault config_file_load(const char *path, const struct suite_catalog *catalog,
			    struct findings *findings, struct config **out)
{
	struct buf text = BUF_INIT(CONFIG_FILE_MAX);
	enum fault fault = text_load(path, findings, &text);

	if (fault == FAULT_NONE)
		fault = config_parse(buf_str(&text), file_name_of(path), catalog, findings, out);
	buf_done(&text);
	return fault;
}

char *config_history_path(const char *history_folder, unsigned number)
{
	char *path;

	CHECK(asprintf(&path, "%s/%08u.cfg", history_folder, number) > 0);
	return path;
}

/* The number in a name of the form 00000012.cfg; 0 in any other. */
static unsigned history_number(struct str name)
{
	uint64_t number;

	if (name.len != 12 || !str_has_suffix_nocase(name, STR(".cfg")) ||
	    !str_parse_u64(str_sub(name, 0, 8), HISTORY_NUMBER_MAX, &number))
		return 0;
	return (unsigned)number;
}

unsigned config_history_last(const char *history_folder)
{
	DIR *folder = folder_open(history_folder);
	unsigned last = 0;
	struct dirent *entry;

	if (folder == NULL)
		return 0;
	while ((entry = readdir(folder)) != NULL) {
		unsigned number = history_number(str_from_c(entry->d_name));
		if (number > last)
			last = number;
	}
	closedir(folder);
	return last;
}

static mode_t mode_of(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? status.st_mode & 0777 : NEW_FILE_MODE;
}

enum fault config_history_keep(const char *history_folder, struct str text)
{
	enum fault fault = folder_make(history_folder, HISTORY_FOLDER_MODE);

	if (fault != FAULT_NONE)
		return fault;
	char *numbered =
		config_history_path(history_folder, config_history_last(history_folder) + 1);
	fault = file_replace(numbered, text, NEW_FILE_MODE);
	free(numbered);
	return fault;
}

/* Keeps the version before, twice: beside the file, and in the history. */
static enum fault previous_keep(const char *path, const char *history_folder, struct str previous)
{
	enum fault fault = config_history_keep(history_folder, previous);

	if (fault != FAULT_NONE)
		return fault;
	char *backup;
	CHECK(asprintf(&backup, "%s.bak", path) > 0);
	fault = file_replace(backup, previous, mode_of(path));
	free(backup);
	return fault;
}

/* Writes the merged text, which was found valid. */
static enum fault text_save(const char *path, const char *history_folder, struct str theirs,
			    struct str merged, struct findings *findings)
{
	if (str_equals(theirs, merged))
		return FAULT_NONE;
	enum fault fault = previous_keep(path, history_folder, theirs);
	if (fault == FAULT_NONE)
		fault = file_replace(path, merged, mode_of(path));
	if (fault != FAULT_NONE)
		finding_add(findings, FINDING_ERROR, (struct finding_place){.line = 0},
			    "cannot write %s: %s", path, fault_text(fault));
	return fault;
}

enum fault config_file_save(const char *path, const char *history_folder, struct str base,
			    struct str ours, const struct suite_catalog *catalog,
			    struct findings *findings, struct config **out)
{
	struct buf theirs = BUF_INIT(CONFIG_FILE_MAX);
	struct buf merged = BUF_INIT(CONFIG_FILE_MAX);
	struct config *config = NULL;
	enum fault fault = text_load(path, findings, &theirs);

	if (fault == FAULT_NONE)
		fault = config_merge(base, ours, buf_str(&theirs), findings, &merged);
	if (fault == FAULT_NONE)
		fault = config_parse(buf_str(&merged), file_name_of(path), catalog, findings,
				     &config);
	if (fault == FAULT_NONE)
		fault = text_save(path, history_folder, buf_str(&theirs), buf_str(&merged),
				  findings);
	if (fault == FAULT_NONE)
		*out = config_ref(config);
	config_unref(&config);
	buf_done(&theirs);
	buf_done(&merged);
	return fault;
}
