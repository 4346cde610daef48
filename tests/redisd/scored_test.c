/* SPDX-License-Identifier: MIT
 * scored_test: members gathered with scores are found again, and come out in a sorted set's order. */
#include <math.h>

#include "redisd/commands/scored.h"
#include "tests/support.h"

static struct slice numbered(char *text, uint64_t number)
{
    return slice_of(text, (size_t)snprintf(text, 32, "member:%llu", (unsigned long long)number));
}

/* A poor hash on purpose: runs of occupied slots must not lose anybody. */
static uint64_t poor_hash(uint64_t number)
{
    return number / 8;
}

static void every_member_added_is_found_with_its_score(void **state)
{
    (void)state;
    struct scored scored = {0};
    char text[32];
    for (uint64_t i = 0; i < 3000; i++) {
        assert_null(scored_find(&scored, numbered(text, i), poor_hash(i)));
        scored_add(&scored, numbered(text, i), poor_hash(i), (double)i / 2);
    }
    for (uint64_t i = 0; i < 3000; i++) {
        const struct scored_row *row = scored_find(&scored, numbered(text, i), poor_hash(i));
        assert_non_null(row);
        assert_true(row->score == (double)i / 2);
    }
    assert_int_equal(scored.count, 3000);
    scored_free(&scored);
}

static void sorting_orders_by_score_then_bytes(void **state)
{
    (void)state;
    uint64_t seed = test_seed(42);
    struct test_random random = {seed};
    struct scored scored = {0};
    char text[32];
    for (int i = 0; i < 2000; i++)
        scored_append(&scored, numbered(text, test_random_below(&random, 1000)), (double)test_random_below(&random, 20) - 10);
    scored_append(&scored, SLICE(""), -INFINITY);
    scored_append(&scored, SLICE("\xff"), INFINITY);
    scored_sort(&scored);
    for (size_t i = 1; i < scored.count; i++) {
        const struct scored_row *a = &scored.rows[i - 1], *b = &scored.rows[i];
        bool ordered = a->score < b->score ||
                       (a->score == b->score && slice_compare(scored_member(&scored, a), scored_member(&scored, b)) <= 0);
        if (!ordered)
            fail_msg("rows %zu and %zu are out of order, seed %llu", i - 1, i, (unsigned long long)seed);
    }
    assert_true(isinf(scored.rows[0].score) && isinf(scored.rows[scored.count - 1].score));
    scored_free(&scored);
}

static void nothing_at_all_is_sorted_and_freed(void **state)
{
    (void)state;
    struct scored scored = {0};
    scored_sort(&scored);
    assert_null(scored_find(&scored, SLICE("a"), 1));
    scored_free(&scored);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_added_is_found_with_its_score),
        cmocka_unit_test(sorting_orders_by_score_then_bytes),
        cmocka_unit_test(nothing_at_all_is_sorted_and_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
