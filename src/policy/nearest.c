/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/nearest.h"

enum { TEXT_MAX = 64 };

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned text_distance(struct str a, struct str b, unsigned limit)
{
	unsigned row[TEXT_MAX + 1];

	if (a.len > TEXT_MAX || b.len > TEXT_MAX)
		return limit + 1;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; i < a.len; i++) {
		unsigned diagonal = row[0];
		row[0] = (unsigned)i + 1;
		for (size_t j = 0; j < b.len; j++) {
			unsigned replaced =
				diagonal + (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[j]));
			diagonal = row[j + 1];
			row[j + 1] = smaller(replaced, smaller(row[j], diagonal) + 1);
		}
	}
	return smaller(row[b.len], limit + 1);
}

void nearest_init(struct nearest *nearest, struct str wanted)
{
	unsigned quarter = (unsigned)smaller((unsigned)wanted.len, TEXT_MAX) / 4;

	*nearest = (struct nearest){.wanted = wanted, .distance = (quarter < 2 ? 2 : quarter) + 1};
}

void nearest_offer(struct nearest *nearest, struct str candidate)
{
	unsigned distance = text_distance(nearest->wanted, candidate, nearest->distance);

	if (distance < nearest->distance) {
		nearest->distance = distance;
		nearest->best = candidate;
	}
}
