/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that dies together: what one command allocates is freed with its
 * reply.
 *
 * An arena has a mandatory maximum; beyond it arena_alloc gives NULL, which is
 * the answer to a peer who asks for too much. Not thread safe: one owner.
 */
#ifndef POSTERN_BASE_ARENA_H
#define POSTERN_BASE_ARENA_H

#include "base/str.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used;
	size_t max;
};

void arena_init(struct arena *arena, size_t max);

/* Frees everything; the arena stays usable. */
void arena_rewind(struct arena *arena);

/* The same, and overwrites what was used first: for commands that may hold a password. */
void arena_wipe(struct arena *arena);

/* Zeroed, aligned for any type; NULL when the maximum is reached. Never NULL for a size within it. */
void *arena_alloc(struct arena *arena, size_t size);
#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
/* An array of `count`; NULL also when count * size overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* A terminated copy, as a view; ptr is NULL when the maximum is reached. */
struct str arena_dup(struct arena *arena, struct str text);

#endif
