/* SPDX-License-Identifier: Apache-2.0 */
/* What commands print about keys of DKIM. */
#ifndef POSTERN_CTL_DKIM_SHOWN_H
#define POSTERN_CTL_DKIM_SHOWN_H

#include "mailauth/dkim_folder.h"

/* Prints what is to be published for keys that were just made: those from `first` on. */
void dkim_shown_publish(const struct dkim_keys *keys, size_t first);

#endif
