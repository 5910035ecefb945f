/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of TlsPolicy whose last day comes while the server runs: the parent says
 * it, in the log when it comes and in `status` from then on. That such a row does
 * not hold any more is seen to where rows are looked up.
 */
#ifndef POSTERN_PROC_PARTNERS_H
#define POSTERN_PROC_PARTNERS_H

#include <stdint.h>

#include "base/buf.h"

struct parent;

/* Looks once a second; a row that was over before the last look is not news. */
void partners_tick(struct parent *parent, int64_t real_s);

/* Appends the member `tls_policy` of `status`, led by a comma. */
void partners_append_status(const struct parent *parent, struct buf *json);

#endif
