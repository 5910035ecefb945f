/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of mailserver.cfg from the command line: what it means is shown,
 * then the running server writes it, or, without one, we do under its lock.
 */
#ifndef POSTERN_CTL_PLAN_H
#define POSTERN_CTL_PLAN_H

#include "config/change.h"
#include "ctl/ctl.h"
#include "ctl/link.h"

/* Between plan_open and plan_close. */
struct plan {
	const struct ctl *ctl;
	struct link link; /* control.fd -1: no server runs */
	int lock_fd;	  /* the server's lock, when none runs */
	char *path;	  /* of mailserver.cfg */
	char *history;
	uint64_t generation;
	const struct suite_catalog *catalog;
	struct buf before; /* the text in force, or the file's */
	struct buf after;  /* what the caller makes of it */
	struct config *config_before;
	struct config *config_after;
};

/*
 * Reads what is in force; the exit code, what hinders being said: with --generation
 * also that it is another configuration, and who changed what.
 */
int plan_open(struct plan *plan, const struct ctl *ctl);
void plan_close(struct plan *plan);

/* Reads `after` and merges it with the file for trial; an exit code that is not 0 after it said why. */
int plan_check(struct plan *plan);

/*
 * {"generation":...,"changes":[...],"services":[...],"clients":[...]}: what it is a change of,
 * the variables, and what goes and comes per service and client; the caller frees.
 */
json_t *plan_json(const struct plan *plan);

/* {"variable":...,"old":...,"new":...}; null where it is not set. */
json_t *plan_difference_json(const struct config_difference *difference);

/* What the policy is at this moment: the day of its floor may have come. */
const struct tls_policy *plan_policy_now(const struct tls_policy *policy);

/* Appends what goes and comes: variables, and per service and client protocols and suites. */
void plan_append(const struct plan *plan, struct buf *to);

/* True when a service or client would admit an older protocol than now. */
bool plan_is_weaker(const struct plan *plan);

/* Writes it and puts it in force; says how it went. */
int plan_make(struct plan *plan, uint32_t confirm_s, bool is_revert);

#endif
