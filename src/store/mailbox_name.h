/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of mailboxes: which are allowed, and their one form.
 */
#ifndef POSTERN_STORE_MAILBOX_NAME_H
#define POSTERN_STORE_MAILBOX_NAME_H

#include "store/mailbox.h"

/* A name in the form in which it is kept. */
struct mailbox_name {
	size_t len;
	char bytes[MAILBOX_NAME_MAX];
};

/* Brings a name into its form ("inbox/a" is "INBOX/a"); FAULT_INVALID when it is not allowed. */
must_check enum fault mailbox_name_make(struct str name, struct mailbox_name *name_out);

static inline struct str mailbox_name_str(const struct mailbox_name *name)
{
	return str_make(name->bytes, name->len);
}

#define MAILBOX_INBOX STR("INBOX")

/* The name of the level above; empty at the top. */
struct str mailbox_name_superior(struct str name);

/* True when `name` lies below `superior`, at any depth. */
bool mailbox_name_is_inferior(struct str name, struct str superior);

#endif
