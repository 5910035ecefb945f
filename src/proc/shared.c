/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/shared.h"

#include <sys/mman.h>

#include "proc/role.h"

struct proc_shared *proc_shared_map(bool is_writer)
{
	void *shared = mmap(NULL, sizeof(struct proc_shared),
			    is_writer ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
			    ROLE_FD_METRICS, 0);

	return shared == MAP_FAILED ? NULL : shared;
}
