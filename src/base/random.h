/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes of the kernel.
 */
#ifndef POSTERN_BASE_RANDOM_H
#define POSTERN_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills `to` with bytes fit for keys. Blocks only before the kernel is seeded. */
void random_bytes(void *to, size_t len);

/* A uniform number below `limit`, which is not 0. */
uint32_t random_below(uint32_t limit);

#endif
