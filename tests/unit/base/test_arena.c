/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of base/arena. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"

static void test_memory_is_zeroed_aligned_and_apart(void **state)
{
	struct arena arena;
	char *last = NULL;

	arena_init(&arena, 100000);
	for (size_t size = 1; size < 300; size++) {
		char *at = arena_alloc(&arena, size);
		assert_non_null(at);
		assert_int_equal((uintptr_t)at % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(at[i], 0);
		memset(at, 'x', size);
		if (last != NULL)
			assert_int_equal(last[0], 'x');
		last = at;
	}
	arena_rewind(&arena);
}

static void test_maximum_holds_for_small_pieces_too(void **state)
{
	struct arena arena;
	size_t count = 0;

	arena_init(&arena, 16000);
	/* Each piece takes a whole alignment unit; the sum of memory is what is bounded. */
	while (count < 16000 && arena_alloc(&arena, 1) != NULL)
		count++;
	assert_int_equal(count, 16000 / _Alignof(max_align_t));
	assert_null(arena_alloc(&arena, 1));
	arena_rewind(&arena);
	assert_non_null(arena_alloc(&arena, 1));
	arena_rewind(&arena);
}

static void test_a_size_within_the_maximum_is_had(void **state)
{
	struct arena arena;

	arena_init(&arena, 9999);
	assert_null(arena_alloc(&arena, 10000));
	assert_non_null(arena_alloc(&arena, 9999));
	assert_null(arena_alloc(&arena, 1));
	assert_null(arena_alloc(&arena, SIZE_MAX));
	arena_rewind(&arena);
}

static void test_array_refuses_an_overflow(void **state)
{
	struct arena arena;

	arena_init(&arena, SIZE_MAX / 2);
	assert_null(arena_array(&arena, SIZE_MAX / 8 + 1, 8));
	assert_non_null(arena_array(&arena, 3, 8));
	arena_rewind(&arena);
}

static void test_dup_is_terminated(void **state)
{
	struct arena arena;

	arena_init(&arena, 32);
	struct str copy = arena_dup(&arena, STR("a\0b"));
	assert_true(str_equals(copy, STR("a\0b")));
	assert_int_equal(copy.ptr[3], '\0');
	assert_non_null(arena_dup(&arena, str_make(NULL, 0)).ptr);
	assert_null(arena_dup(&arena, STR("does not fit any more, not at all")).ptr);
	arena_rewind(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_zeroed_aligned_and_apart),
		cmocka_unit_test(test_maximum_holds_for_small_pieces_too),
		cmocka_unit_test(test_a_size_within_the_maximum_is_had),
		cmocka_unit_test(test_array_refuses_an_overflow),
		cmocka_unit_test(test_dup_is_terminated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
