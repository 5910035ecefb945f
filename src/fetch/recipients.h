/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a fetched message is for. Reads the directory; does not block.
 *
 * With Sort the header is asked: of the fields that the row names, in its order, the
 * first with an address that has mail here decides. To and Cc count as one. An address
 * elsewhere is nobody's business here: others have their copies. When no field names
 * anybody, or without Sort, it is for DeliverTo.
 */
#ifndef POSTERN_FETCH_RECIPIENTS_H
#define POSTERN_FETCH_RECIPIENTS_H

#include "config/pop3_account.h"
#include "store/mail.h"

struct fetch_recipients {
	uint64_t accounts[MAIL_TARGETS_MAX]; /* each once */
	size_t count;
	bool is_sorted; /* by the header: DeliverTo's mailbox is not meant */
};

/* FAULT_NOT_FOUND: DeliverTo is nobody here. FAULT_TOO_LARGE: its list is. */
must_check enum fault fetch_recipients_find(struct view *view, const struct pop3_account *account,
					    struct str header,
					    struct fetch_recipients *recipients_out);

#endif
