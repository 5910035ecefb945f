/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdlib.h>

enum { BLOCK_BYTES = 4096 };

struct arena_block {
	struct arena_block *next;
	size_t used;
	size_t cap;
	_Alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *arena, size_t max)
{
	*arena = (struct arena){.max = max};
}

void arena_rewind(struct arena *arena)
{
	while (arena->blocks != NULL) {
		struct arena_block *block = arena->blocks;
		arena->blocks = block->next;
		free(block);
	}
	arena->used = 0;
}

void arena_wipe(struct arena *arena)
{
	for (struct arena_block *block = arena->blocks; block != NULL; block = block->next)
		explicit_bzero(block->bytes, block->used);
	arena_rewind(arena);
}

void *arena_alloc(struct arena *arena, size_t size)
{
	size_t align = _Alignof(max_align_t);

	if (arena->used > arena->max || size > arena->max - arena->used)
		return NULL;
	size_t rounded = (size + align - 1) / align * align;
	struct arena_block *block = arena->blocks;
	if (block == NULL || rounded > block->cap - block->used) {
		size_t cap = BLOCK_BYTES - sizeof(*block);
		if (cap < rounded)
			cap = rounded;
		block = malloc(sizeof(*block) + cap);
		CHECK(block != NULL);
		block->used = 0;
		block->cap = cap;
		block->next = arena->blocks;
		arena->blocks = block;
	}
	void *at = block->bytes + block->used;
	block->used += rounded;
	/* What is taken counts, or many small pieces would take sixteen times the maximum. */
	arena->used += rounded;
	return memset(at, 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return arena_alloc(arena, bytes);
}

struct str arena_dup(struct arena *arena, struct str text)
{
	char *copy = text.len == SIZE_MAX ? NULL : arena_alloc(arena, text.len + 1);

	if (copy == NULL)
		return str_make(NULL, 0);
	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	return str_make(copy, text.len);
}
