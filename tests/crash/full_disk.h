/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exists where full_disk_preload.c is preloaded: from the `nth` write on that
 * would make a file longer, the disk is full; with 0 it has room again. Returns how
 * many such writes there were since the last call.
 */
#ifndef POSTERN_TESTS_CRASH_FULL_DISK_H
#define POSTERN_TESTS_CRASH_FULL_DISK_H

__attribute__((weak)) unsigned full_disk_set(unsigned nth);

#endif
