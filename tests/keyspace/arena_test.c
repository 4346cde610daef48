/* SPDX-License-Identifier: MIT
 * arena_test: objects are aligned, never overlap, keep their bytes, and their memory comes back. */
#include "services/keyspace/arena.h"
#include "tests/support.h"

#define OBJECTS 20000u

struct object {
    arena_ref ref;
    uint32_t size;
    unsigned char mark;
};

static void classes_waste_at_most_an_eighth(void **state)
{
    (void)state;
    for (size_t size = 1; size <= ARENA_OBJECT_MAX; size++) {
        size_t rounded = arena_rounded(size);
        assert_true(rounded >= size);
        assert_int_equal(rounded % ARENA_UNIT, 0);
        assert_true(rounded - size < ARENA_UNIT || (rounded - size) * 8 <= size);
        assert_int_equal(arena_rounded(rounded), rounded);
    }
}

static void fill(const struct arena *arena, struct object *object, uint32_t size, unsigned char mark)
{
    object->size = size;
    object->mark = mark;
    memset(arena_at(arena, object->ref), mark, size);
}

static void check(const struct arena *arena, const struct object *object)
{
    const unsigned char *bytes = arena_at(arena, object->ref);
    for (uint32_t i = 0; i < object->size; i++)
        assert_int_equal(bytes[i], object->mark);
}

static void objects_keep_their_bytes_whatever_comes_and_goes(void **state)
{
    (void)state;
    struct test_random random = {test_seed(11)};
    print_message("seed %llu\n", (unsigned long long)random.state);
    struct arena arena;
    assert_int_equal(arena_init(&arena), 0);
    struct object *objects = calloc(OBJECTS, sizeof *objects);
    for (unsigned step = 0; step < 200000 * test_long_factor(); step++) {
        struct object *object = &objects[test_random_below(&random, OBJECTS)];
        if (object->ref) {
            check(&arena, object);
            arena_release(&arena, object->ref, object->size);
            object->ref = 0;
            continue;
        }
        uint32_t size = (uint32_t)(1 + test_random_below(&random, test_random_below(&random, 10) ? 128 : ARENA_OBJECT_MAX));
        object->ref = arena_alloc(&arena, size);
        assert_int_not_equal(object->ref, 0);
        assert_int_equal(arena_ref_of(&arena, arena_at(&arena, object->ref)), object->ref);
        assert_int_equal((uintptr_t)arena_at(&arena, object->ref) % (size % 64 ? 8 : 64), 0);
        assert_int_equal(arena_object_size(&arena, object->ref), arena_rounded(size));
        fill(&arena, object, size, (unsigned char)test_random_next(&random));
    }
    size_t used = 0;
    for (unsigned i = 0; i < OBJECTS; i++) {
        if (!objects[i].ref)
            continue;
        check(&arena, &objects[i]);
        used += arena_rounded(objects[i].size);
        arena_release(&arena, objects[i].ref, objects[i].size);
    }
    assert_true(used > 0);
    assert_int_equal(arena.bytes_used, 0);
    arena_deinit(&arena);
    free(objects);
}

static void memory_comes_back_and_serves_another_class(void **state)
{
    (void)state;
    struct arena arena;
    assert_int_equal(arena_init(&arena), 0);
    arena_ref *refs = calloc(OBJECTS, sizeof *refs);
    size_t first_peak = 0;
    for (size_t size = 64; size <= 1024; size *= 2) {
        for (unsigned i = 0; i < OBJECTS; i++)
            memset(arena_at(&arena, refs[i] = arena_alloc(&arena, size)), 1, size);
        assert_true(arena.bytes_held <= arena.bytes_used + 4 * ARENA_CHUNK + (17 * ARENA_CHUNK));
        if (!first_peak)
            first_peak = arena.bytes_held;
        for (unsigned i = 0; i < OBJECTS; i++)
            arena_release(&arena, refs[i], size);
        assert_int_equal(arena.bytes_used, 0);
        assert_true(arena.bytes_held <= 17 * ARENA_CHUNK);
    }
    assert_true(first_peak >= OBJECTS * (size_t)64);
    arena_deinit(&arena);
    free(refs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_waste_at_most_an_eighth),
        cmocka_unit_test(objects_keep_their_bytes_whatever_comes_and_goes),
        cmocka_unit_test(memory_comes_back_and_serves_another_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
