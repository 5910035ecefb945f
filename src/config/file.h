/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailserver.cfg on the disk: read, and written so that neither a crash nor a
 * hand edit is lost. Only the parent and offline commands write.
 *
 * All functions block on the disk.
 */
#ifndef POSTERN_CONFIG_FILE_H
#define POSTERN_CONFIG_FILE_H

#include "config/config.h"

/*
 * Reads and parses. Faults: those of file_read (with a finding that names the
 * path) and of config_parse.
 */
must_check enum fault config_file_load(const char *path, const struct suite_catalog *catalog,
				       struct findings *findings, struct config **out);

/*
 * Writes a changed configuration: `ours` is the text that came out of `base`,
 * the text of the snapshot in force. What the file on disk holds meanwhile is
 * merged by variable; the result must be valid. The version before goes to
 * `path`.bak and into the history, a folder that is made when missing, under
 * the next number; the file is then replaced, its mode kept. A text that
 * changes nothing is not written. Gives the new snapshot, with one reference.
 *
 * Faults: CONFLICT (both changed a variable), INVALID, both with findings; or
 * those of base/file.h. After a fault the file is as it was.
 */
must_check enum fault config_file_save(const char *path, const char *history_folder,
				       struct str base, struct str ours,
				       const struct suite_catalog *catalog,
				       struct findings *findings, struct config **out);

/* Puts a version into the history, under the next number. */
must_check enum fault config_history_keep(const char *history_folder, struct str text);

/* The path of a version in the history, on the heap; the caller frees. */
char *config_history_path(const char *history_folder, unsigned number);

/* The highest number in the history; 0 when there is none. */
unsigned config_history_last(const char *history_folder);

#endif
