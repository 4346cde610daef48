/* SPDX-License-Identifier: MIT
 * collection_test: position ranges, key positions and random choice, which all collection commands share. */
#include "redisd/commands/collection.h"
#include "tests/support.h"

static void positions_clamp_to_the_collection(void **state)
{
    (void)state;
    static const struct {
        int64_t start, stop;
        size_t size;
        bool some;
        int64_t first, last;
    } cases[] = {
        {0, -1, 5, true, 0, 4},   {-3, -2, 5, true, 2, 3}, {-100, 100, 5, true, 0, 4}, {4, 4, 5, true, 4, 4},
        {5, 9, 5, false, 0, 0},   {3, 1, 5, false, 0, 0},  {0, -6, 5, false, 0, 0},    {INT64_MIN, INT64_MAX, 5, true, 0, 4},
        {0, 0, 0, false, 0, 0},   {-1, -1, 1, true, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t start = cases[i].start, stop = cases[i].stop;
        assert_int_equal(range_clamp(&start, &stop, cases[i].size), cases[i].some);
        if (!cases[i].some)
            continue;
        assert_int_equal(start, cases[i].first);
        assert_int_equal(stop, cases[i].last);
    }
}

static void chosen_positions_differ_and_descend(void **state)
{
    (void)state;
    uint64_t seed = test_seed(7);
    struct test_random random = {seed};
    for (int round = 0; round < 300; round++) {
        size_t size = 1 + test_random_below(&random, 400), count = test_random_below(&random, size + 1);
        struct call c = {.seeded = true, .seed = test_random_next(&random)};
        size_t *positions = random_positions(&c, size, count);
        for (size_t i = 0; i < count; i++) {
            if (positions[i] >= size || (i > 0 && positions[i] >= positions[i - 1]))
                fail_msg("position %zu of %zu out of %zu, seed %llu", i, count, size, (unsigned long long)seed);
        }
        assert_int_equal(c.random_draws, count);
        free(positions);
    }
}

static void every_position_is_chosen_about_as_often(void **state)
{
    (void)state;
    size_t hits[10] = {0};
    for (uint64_t round = 0; round < 10000; round++) {
        struct call c = {.seeded = true, .seed = round * 7919};
        size_t *positions = random_positions(&c, 10, 3);
        for (size_t i = 0; i < 3; i++)
            hits[positions[i]]++;
        free(positions);
    }
    /* 3000 expected each; the deviation allowed is six times the standard one. */
    for (size_t i = 0; i < 10; i++)
        assert_in_range(hits[i], 2725, 3275);
}

static void keys_are_found_behind_their_count(void **state)
{
    (void)state;
    const struct slice pop[] = {SLICE("LMPOP"), SLICE("2"), SLICE("a"), SLICE("b"), SLICE("LEFT")};
    const struct slice wait[] = {SLICE("BLMPOP"), SLICE("0"), SLICE("1"), SLICE("a"), SLICE("LEFT")};
    const struct slice store[] = {SLICE("ZUNIONSTORE"), SLICE("d"), SLICE("2"), SLICE("a"), SLICE("b")};
    int at[4];
    assert_int_equal(keys_after_count(pop, 5, at, 4), 2);
    assert_int_equal(at[0], 2);
    assert_int_equal(at[1], 3);
    assert_int_equal(keys_after_timeout_and_count(wait, 5, at, 4), 1);
    assert_int_equal(at[0], 3);
    assert_int_equal(keys_store_and_count(store, 5, at, 4), 3);
    assert_int_equal(at[0], 1);
    assert_int_equal(at[1], 3);
    assert_int_equal(at[2], 4);
}

static void malformed_key_counts_are_refused(void **state)
{
    (void)state;
    static const char *const counts[] = {"0", "-1", "x", "", "4", "9223372036854775807"};
    int at[4];
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        const struct slice argv[] = {SLICE("ZUNION"), slice_from_string(counts[i]), SLICE("a"), SLICE("b"), SLICE("c")};
        assert_int_equal(keys_after_count(argv, 5, at, 4), -1);
    }
    const struct slice bare[] = {SLICE("ZUNIONSTORE"), SLICE("d")};
    assert_int_equal(keys_store_and_count(bare, 2, at, 4), -1);
}

static void no_more_positions_are_written_than_there_is_room_for(void **state)
{
    (void)state;
    const struct slice argv[] = {SLICE("ZUNION"), SLICE("3"), SLICE("a"), SLICE("b"), SLICE("c")};
    int at[3] = {-1, -1, -1};
    assert_int_equal(keys_after_count(argv, 5, at, 2), 3);
    assert_int_equal(at[1], 3);
    assert_int_equal(at[2], -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_clamp_to_the_collection),
        cmocka_unit_test(chosen_positions_differ_and_descend),
        cmocka_unit_test(every_position_is_chosen_about_as_often),
        cmocka_unit_test(keys_are_found_behind_their_count),
        cmocka_unit_test(malformed_key_counts_are_refused),
        cmocka_unit_test(no_more_positions_are_written_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
