/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands that change mailserver.cfg, from their words to what they say of the outcome.
 */
#ifndef POSTERN_CTL_PLAN_RUN_H
#define POSTERN_CTL_PLAN_RUN_H

#include "ctl/plan.h"

/* Reads --confirm-within; 0 without it. The exit code. */
int plan_confirm_read(const struct ctl *ctl, uint32_t *confirm_s_out);

/* Says why a text could not be changed; the exit code. */
int plan_edit_fail(enum fault fault, const struct findings *findings);

/*
 * Makes the assignments that stand in the words from `first` on, each behind `place`:
 * "" for TABLE.VARIABLE=VALUE, "Service:IMAPS." for VARIABLE=VALUE. The exit code.
 */
int plan_assign(struct plan *plan, const char *place, size_t first, struct buf *text);

/* Makes one assignment, TABLE.VARIABLE=VALUE. The exit code. */
int plan_assign_one(struct str word, struct buf *text);

/* Shows what the change means, and makes it unless it is a dry run. `after` is what the caller
 * made. */
int plan_carry_out(struct plan *plan, uint32_t confirm_s, bool is_revert);

/* A whole command: `make` changes the text that is in force and gives an exit code. */
int plan_run(struct ctl *ctl, int (*make)(struct plan *plan, struct buf *text));

#endif
