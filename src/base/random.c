/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

#include "base/check.h"

void random_bytes(void *to, size_t len)
{
	char *at = to;

	while (len > 0) {
		ssize_t got = getrandom(at, len, 0);
		CHECK(got > 0 || (got < 0 && errno == EINTR));
		if (got > 0) {
			at += got;
			len -= (size_t)got;
		}
	}
}

uint32_t random_below(uint32_t limit)
{
	CHECK(limit > 0);
	/* Values past the last whole multiple would favour small results. */
	uint32_t usable = UINT32_MAX - UINT32_MAX % limit;
	uint32_t value;

	do
		random_bytes(&value, sizeof(value));
	while (value >= usable);
	return value % limit;
}
