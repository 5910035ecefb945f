/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HOME/evidence.key: the key that signs exports of evidence.log. The parent makes
 * it once and hands it to the keys role, which alone signs with it.
 */
#ifndef POSTERN_PROC_EVIDENCE_KEY_H
#define POSTERN_PROC_EVIDENCE_KEY_H

struct parent;

/* Gives it to a keys role that has just become ready, making it where there is none. */
void evidence_key_give(struct parent *parent);

#endif
