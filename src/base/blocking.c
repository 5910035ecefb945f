/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeping threads and their owners: see blocking.h. */
#include "base/blocking.h"

#include <stddef.h>

static _Thread_local struct blocking *owner_of_thread;

void blocking_owner_set(struct blocking *owner)
{
	owner_of_thread = owner;
}

void blocking_begin(void)
{
	if (owner_of_thread != NULL)
		owner_of_thread->begin(owner_of_thread);
}

void blocking_end(void)
{
	if (owner_of_thread != NULL)
		owner_of_thread->end(owner_of_thread);
}
