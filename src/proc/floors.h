/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floors whose rung moves one day: the parent says it in `status` before, and once
 * in the log when the day comes. That the rung moves is seen to where hands are
 * shaken.
 */
#ifndef POSTERN_PROC_FLOORS_H
#define POSTERN_PROC_FLOORS_H

#include <stdint.h>

#include "base/buf.h"

struct parent;

/* Looks once a second; a rung that had moved before the last look is not news. */
void floors_tick(struct parent *parent, int64_t real_s);

/* Appends the member `floors` of `status`, led by a comma. */
void floors_append_status(const struct parent *parent, struct buf *json);

#endif
