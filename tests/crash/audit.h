/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks whether everything in an index agrees with everything else: the
 * invariants of store/layout.h (3, 4, 5) and store/embedded.c (4).
 */
#ifndef POSTERN_TESTS_CRASH_AUDIT_H
#define POSTERN_TESTS_CRASH_AUDIT_H

#include <stdbool.h>

#include "store/index.h"

/* Prints what is wrong to standard error; false when anything is. */
bool audit_index(struct index *index);

#endif
