/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a command of the page reads files of the home: its sandbox opens none, so it asks the parent,
 * who gives those that are no secret (proc/home_file.h).
 */
#ifndef POSTERN_ADMIN_HOME_FILES_H
#define POSTERN_ADMIN_HOME_FILES_H

/*
 * From here on file_read and its like (base/file.h) ask over the control channel `fd` for what lies
 * in `home`, which is borrowed. Once in a process, which has one thread.
 */
void home_files_ask(const char *home, int fd);

#endif
