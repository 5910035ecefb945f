/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/descriptors.h"

#include <sys/resource.h>

#include "base/clock.h"

enum { PARENTS_PART = 32, LOG_PAUSE_MS = 60 * 1000 };

static void soft_limit_set(const struct descriptors *descriptors, uint64_t soft)
{
	struct rlimit limit;

	if (descriptors->all <= 2 * PARENTS_PART || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = soft;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

void descriptors_init(struct descriptors *descriptors)
{
	struct rlimit limit;

	*descriptors = (struct descriptors){.all = UINT64_MAX};
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		descriptors->all = limit.rlim_cur;
	descriptors_parent_end(descriptors);
}

void descriptors_parent_begin(const struct descriptors *descriptors)
{
	if (descriptors->all != UINT64_MAX)
		soft_limit_set(descriptors, descriptors->all);
}

void descriptors_parent_end(const struct descriptors *descriptors)
{
	if (descriptors->all != UINT64_MAX)
		soft_limit_set(descriptors, descriptors->all - PARENTS_PART);
}

bool descriptors_may_connect(struct descriptors *descriptors, int fd, const struct log *log)
{
	int64_t now_ms = clock_mono_ms();

	if ((uint64_t)fd < descriptors->all / 4 * 3)
		return true;
	if (descriptors->refused_log_ms == 0 ||
	    now_ms - descriptors->refused_log_ms >= LOG_PAUSE_MS) {
		descriptors->refused_log_ms = now_ms;
		log_printf(log, LOG_WARNING,
			   "connections are refused: the system grants this process %llu open files "
			   "(LimitNOFILE of the service, or ulimit -n)",
			   (unsigned long long)descriptors->all);
	}
	return false;
}
