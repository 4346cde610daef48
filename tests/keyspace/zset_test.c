/* SPDX-License-Identifier: MIT
 * zset_test: sorted sets against a naive sorted array, across both encodings; scores as text; the tree's edges. */
#include "tests/support.h"

#include <math.h>

#include "kernel/buffer.h"
#include "services/keyspace/arena.h"
#include "services/keyspace/score.h"
#include "services/keyspace/zset.h"

#define NUMBERS 4000
#define HASH_KEY 0xfeedu

struct pair {
    double score;
    uint32_t number; /* the member's text is made from it */
};

struct model {
    struct pair pairs[NUMBERS]; /* in order */
    size_t count;
};

static struct slice member_of(uint32_t number, struct buffer *to)
{
    to->size = 0;
    if (number % 4 == 0)
        buffer_format(to, "%u", number);
    else
        buffer_format(to, "m%c%u", number % 4 == 1 ? 0 : 'x', number);
    if (number == 333)
        memset(buffer_room(to, 100000), 'z', 100000), to->size += 100000;
    return buffer_slice(to);
}

static struct slice member_text(const struct pair *pair)
{
    static struct buffer text; /* of the last one asked for; the test keeps it until the end */
    if (!pair) {
        buffer_free(&text);
        return (struct slice){0};
    }
    return member_of(pair->number, &text);
}

static int compare_pairs(const struct pair *a, const struct pair *b)
{
    struct buffer x = {0}, y = {0};
    if (a->score != b->score)
        return a->score < b->score ? -1 : 1;
    int order = slice_compare(member_of(a->number, &x), member_of(b->number, &y));
    buffer_free(&x), buffer_free(&y);
    return order;
}

static size_t model_find(const struct model *m, uint32_t number)
{
    size_t i = 0;
    while (i < m->count && m->pairs[i].number != number)
        i++;
    return i;
}

static void model_erase(struct model *m, size_t at, size_t count)
{
    m->count -= count;
    memmove(m->pairs + at, m->pairs + at + count, (m->count - at) * sizeof *m->pairs);
}

static enum zset_change model_set(struct model *m, uint32_t number, double score)
{
    size_t at = model_find(m, number);
    enum zset_change change = at == m->count ? ZSET_ADDED : ZSET_UPDATED;
    if (at < m->count && m->pairs[at].score == score)
        return ZSET_UNCHANGED;
    if (at < m->count)
        model_erase(m, at, 1);
    struct pair pair = {score, number};
    size_t low = 0, high = m->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare_pairs(&m->pairs[middle], &pair) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    memmove(m->pairs + low + 1, m->pairs + low, (m->count++ - low) * sizeof *m->pairs);
    m->pairs[low] = pair;
    return change;
}

static void walks_agree(const struct zset *zset, const struct model *m, size_t from, bool down, size_t steps, uint64_t seed)
{
    struct zset_walk walk;
    struct item item;
    double score;
    size_t at = from, seen = 0;
    zset_walk_begin(zset, &walk, from, down);
    while (seen < steps && zset_walk_next(&walk, &item, &score)) {
        if (at >= m->count || score != m->pairs[at].score || !slice_equal(item_slice(&item), member_text(&m->pairs[at])))
            fail_msg("the walk from %zu differs at %zu, LOCUS_SEED=%llu", from, at, (unsigned long long)seed);
        at += down ? (size_t)-1 : 1;
        seen++;
    }
    size_t expected = from >= m->count ? 0 : down ? from + 1 : m->count - from;
    assert_int_equal(seen, expected < steps ? expected : steps);
}

static void ranks_agree(const struct zset *zset, const struct model *m, struct test_random *r)
{
    size_t at = test_random_below(r, m->count + 1), rank, below = 0, up_to = 0;
    double score = at < m->count ? m->pairs[at].score : 7.25, found;
    for (size_t i = 0; i < m->count; i++) {
        below += m->pairs[i].score < score;
        up_to += m->pairs[i].score <= score;
    }
    assert_int_equal(zset_rank_of_score(zset, score, false), below);
    assert_int_equal(zset_rank_of_score(zset, score, true), up_to);
    assert_int_equal(zset_rank_of_score(zset, -INFINITY, false), 0);
    assert_int_equal(zset_rank_of_score(zset, INFINITY, true), m->count);
    zset_rank_of_member(zset, SLICE("m"), true); /* scores differ: any number, but no harm */
    if (at == m->count)
        return;
    assert_true(zset_rank(zset, member_text(&m->pairs[at]), &rank));
    assert_int_equal(rank, at);
    assert_true(zset_score(zset, member_text(&m->pairs[at]), &found));
    assert_true(found == score);
}

static void assert_same(const struct zset *zset, const struct model *m, struct test_random *r, uint64_t seed)
{
    assert_int_equal(zset_size(zset), m->count);
    walks_agree(zset, m, 0, false, SIZE_MAX, seed);
    walks_agree(zset, m, m->count - 1, true, SIZE_MAX, seed);
    for (int i = 0; i < 10; i++) {
        walks_agree(zset, m, test_random_below(r, m->count + 1), i % 2, 60, seed);
        ranks_agree(zset, m, r);
    }
}

/* Scores of a run: all different, few different, rising, falling, with fractions and infinities. */
static double score_of(unsigned kind, uint32_t number, int step, struct test_random *r)
{
    static const double odd[] = {INFINITY, -INFINITY, 1e300, -1e-300, 0.1, 1.0 / 3, 4.6e18, 5e18, -5e18, 1e15 + 0.5, 3.0};
    switch (kind) {
    case 0: return (double)test_random_below(r, 1000000);
    case 1: return (double)test_random_below(r, 4);
    case 2: return step;
    case 3: return -step / 8.0;
    case 4: return number % 2 ? (double)test_random_below(r, 100) / 10 : odd[test_random_below(r, sizeof odd / sizeof *odd)];
    default: return 0;
    }
}

static void random_changes(struct zset *zset, struct model *m, unsigned kind, struct test_random *r, uint64_t seed)
{
    for (int step = 0; step < 6000; step++) {
        bool filling = step % 3000 < 2000;
        uint32_t number = (uint32_t)test_random_below(r, step < 500 ? 60 : NUMBERS);
        struct pair pair = {score_of(kind, number, step, r), number};
        zset_prefetch(zset, member_text(&pair));
        if (test_random_below(r, 20) < (filling ? 18u : 4u)) {
            if (zset_set(zset, member_text(&pair), pair.score) != model_set(m, number, pair.score))
                fail_msg("a change was answered wrongly, LOCUS_SEED=%llu", (unsigned long long)seed);
        } else if (filling || test_random_below(r, 50)) {
            if (m->count && test_random_below(r, 3))
                pair = m->pairs[test_random_below(r, m->count)];
            size_t at = model_find(m, pair.number);
            assert_int_equal(zset_remove(zset, member_text(&pair)), at < m->count);
            if (at < m->count)
                model_erase(m, at, 1);
        } else {
            size_t rank = test_random_below(r, m->count + 1);
            size_t count = test_random_below(r, (m->count - rank) / 4 + 1);
            zset_erase(zset, rank, count);
            model_erase(m, rank, count);
        }
        if (step % 500 == 499)
            assert_same(zset, m, r, seed);
    }
}

static void every_change_agrees_with_a_sorted_array(void **state)
{
    (void)state;
    struct arena arena;
    struct model *m = malloc(sizeof *m);
    assert_int_equal(arena_init(&arena), 0);
    for (unsigned run = 0; run < 7 * test_long_factor(); run++) {
        uint64_t seed = test_seed(60 + run);
        struct test_random r = {seed};
        struct keyspace_limits limits = {.zset_max_listpack_entries = run == 6 ? 0 : 128, .zset_max_listpack_value = 64};
        struct zset *zset = zset_new(&arena, &limits, HASH_KEY);
        m->count = 0;
        random_changes(zset, m, run % 6, &r, seed);
        struct zset *copy = zset_copy(zset);
        assert_same(copy, m, &r, seed);
        assert_string_equal(zset_encoding(copy), zset_encoding(zset));
        while (m->count > 0) {
            size_t at = test_random_below(&r, m->count);
            assert_true(zset_remove(copy, member_text(&m->pairs[at])));
            model_erase(m, at, 1);
            if (m->count % 512 == 1)
                walks_agree(copy, m, 0, false, SIZE_MAX, seed);
        }
        zset_erase(zset, 0, zset_size(zset));
        assert_int_equal(zset_size(zset), 0);
        zset_free(copy), zset_free(zset);
    }
    assert_int_equal(arena.bytes_used, 0);
    arena_deinit(&arena);
    member_text(NULL);
    free(m);
}

static void small_sets_agree_in_both_forms(void **state)
{
    (void)state;
    struct arena arena;
    struct model *m = malloc(sizeof *m);
    assert_int_equal(arena_init(&arena), 0);
    struct keyspace_limits limits = {.zset_max_listpack_entries = 128, .zset_max_listpack_value = 64};
    for (unsigned run = 0; run < 40 * test_long_factor(); run++) {
        uint64_t seed = test_seed(800 + run);
        struct test_random r = {seed};
        struct zset *zset = zset_new(&arena, &limits, HASH_KEY);
        m->count = 0;
        for (int step = 0; step < 150; step++) {
            struct pair pair = {0, (uint32_t)test_random_below(&r, 100)};
            pair.score = score_of(run % 6, pair.number, step, &r);
            if (test_random_below(&r, 3)) {
                assert_int_equal(zset_set(zset, member_text(&pair), pair.score), model_set(m, pair.number, pair.score));
            } else {
                size_t at = model_find(m, pair.number);
                assert_int_equal(zset_remove(zset, member_text(&pair)), at < m->count);
                if (at < m->count)
                    model_erase(m, at, 1);
            }
        }
        assert_string_equal(zset_encoding(zset), "listpack");
        assert_same(zset, m, &r, seed);
        zset_make_large(zset);
        assert_string_equal(zset_encoding(zset), "skiplist");
        assert_same(zset, m, &r, seed);
        zset_free(zset);
    }
    assert_int_equal(arena.bytes_used, 0);
    arena_deinit(&arena);
    member_text(NULL);
    free(m);
}

static void ranks_by_bytes_agree_where_scores_are_equal(void **state)
{
    (void)state;
    struct arena arena;
    assert_int_equal(arena_init(&arena), 0);
    struct keyspace_limits limits = {.zset_max_listpack_entries = 128, .zset_max_listpack_value = 64};
    static const size_t counts[] = {1, 50, 128, 129, 1000, 10000};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        struct zset *zset = zset_new(&arena, &limits, HASH_KEY);
        char text[16];
        for (size_t i = counts[c]; i-- > 0;) /* falling, every second number */
            zset_set(zset, slice_of(text, (size_t)snprintf(text, sizeof text, "k%07zu", 2 * i + 1)), 1);
        for (size_t i = 0; i <= 2 * counts[c]; i += counts[c] / 50 + 1) {
            struct slice bound = slice_of(text, (size_t)snprintf(text, sizeof text, "k%07zu", i));
            assert_int_equal(zset_rank_of_member(zset, bound, false), i / 2);
            assert_int_equal(zset_rank_of_member(zset, bound, true), (i + 1) / 2);
        }
        zset_free(zset);
    }
    arena_deinit(&arena);
}

static void encodings_change_where_redis_changes_them(void **state)
{
    (void)state;
    struct arena arena;
    assert_int_equal(arena_init(&arena), 0);
    struct keyspace_limits limits = {.zset_max_listpack_entries = 128, .zset_max_listpack_value = 64};
    struct zset *zset = zset_new(&arena, &limits, HASH_KEY);
    char text[65];
    for (int i = 0; i < 128; i++)
        zset_set(zset, slice_of(text, (size_t)snprintf(text, sizeof text, "%d", i)), i);
    zset_set(zset, SLICE("5"), 1000);
    assert_string_equal(zset_encoding(zset), "listpack");
    zset_set(zset, SLICE("one more"), 1);
    assert_string_equal(zset_encoding(zset), "skiplist");
    zset_free(zset);
    zset = zset_new(&arena, &limits, HASH_KEY);
    memset(text, 'x', sizeof text);
    zset_set(zset, slice_of(text, 64), 1);
    assert_string_equal(zset_encoding(zset), "listpack");
    zset_set(zset, slice_of(text, 65), 1);
    assert_string_equal(zset_encoding(zset), "skiplist");
    zset_free(zset);
    arena_deinit(&arena);
}

static void scores_are_read_back_exactly_and_shortest(void **state)
{
    (void)state;
    uint64_t seed = test_seed(4711);
    struct test_random r = {seed};
    for (int i = 0; i < 20000; i++) {
        char text[SCORE_TEXT_MAX], plain[64];
        uint64_t bits = test_random_next(&r);
        double score;
        memcpy(&score, &bits, sizeof score);
        if (i % 2)
            score = (double)(int64_t)(bits >> (16 + bits % 40)) / (double[]){1, 10, 100, 1e5, 8, 3, 1e9, 7e3}[bits % 8];
        if (isnan(score))
            continue;
        struct slice printed = slice_of(text, score_print(text, score));
        int precision = 1;
        do
            snprintf(plain, sizeof plain, "%.*e", precision - 1, score);
        while (strtod(plain, NULL) != score && ++precision < 18);
        unsigned digits = 0, zeros = 0;
        for (const char *c = text; *c && *c != 'e'; c++)
            if (*c >= '0' && *c <= '9' && (digits || *c != '0'))
                digits++, zeros = *c == '0' ? zeros + 1 : 0;
        if (score_parse(printed) != score || strtod(text, NULL) != score ||
            (isfinite(score) && digits - zeros > (unsigned)precision))
            fail_msg("%s is not %.17g at its shortest, LOCUS_SEED=%llu", text, score, (unsigned long long)seed);
    }
    assert_true(score_parse(SLICE("0.1")) == 0.1);
    assert_true(score_parse(SLICE("-inf")) == -INFINITY);
    assert_true(score_parse(SLICE("123456.789")) == 123456.789);
    assert_true(score_parse(SLICE("9007199254740993.5")) == 9007199254740993.5);
    assert_true(score_parse(SLICE("")) == 0);
}

struct seen {
    unsigned times[NUMBERS];
    uint64_t order; /* a digest of the order of visits */
};

static void note(void *context, struct slice member, double score)
{
    struct seen *seen = context;
    char text[16] = {0};
    memcpy(text, member.base, member.size < 15 ? member.size : 15);
    seen->times[atoi(text + 1)]++;
    seen->order = seen->order * 31 + (uint64_t)atoi(text + 1) + (score != score);
}

static struct slice plain_member(char text[16], unsigned number)
{
    return slice_of(text, (size_t)snprintf(text, 16, "m%u", number));
}

static void a_scan_sees_what_stays_exactly_once(void **state)
{
    (void)state;
    struct arena arena;
    assert_int_equal(arena_init(&arena), 0);
    struct keyspace_limits limits = {0};
    struct seen *seen = malloc(sizeof *seen);
    char text[16];
    for (unsigned run = 0; run < 20; run++) {
        uint64_t seed = test_seed(140 + run);
        struct test_random r = {seed};
        struct zset *zset = zset_new(&arena, &limits, HASH_KEY);
        memset(seen, 0, sizeof *seen);
        for (unsigned i = 0; i < 2000; i++)
            zset_set(zset, plain_member(text, i), i);
        uint64_t cursor = 0;
        do { /* even numbers stay, with other scores */
            cursor = zset_scan(zset, cursor, 10, note, seen);
            assert_true(cursor < UINT64_C(1) << 53);
            for (int i = 0; i < 8; i++) {
                struct slice member = plain_member(text, (unsigned)test_random_below(&r, NUMBERS) | 1);
                test_random_below(&r, 3) ? (void)zset_remove(zset, member) : (void)zset_set(zset, member, 1);
                zset_set(zset, plain_member(text, (unsigned)test_random_below(&r, 2000) & ~1u), i);
            }
        } while (cursor);
        for (int i = 0; i < 2000; i += 2)
            if (seen->times[i] != 1)
                fail_msg("member %d was seen %u times, LOCUS_SEED=%llu", i, seen->times[i], (unsigned long long)seed);
        zset_free(zset);
    }
    free(seen);
    arena_deinit(&arena);
}

static void a_scan_does_not_depend_on_history(void **state)
{
    (void)state;
    struct arena arena;
    assert_int_equal(arena_init(&arena), 0);
    struct keyspace_limits limits = {0};
    struct seen *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
    struct zset *straight = zset_new(&arena, &limits, HASH_KEY), *devious = zset_new(&arena, &limits, HASH_KEY);
    char text[16];
    for (unsigned i = 0; i < NUMBERS; i++)
        zset_set(devious, plain_member(text, NUMBERS - 1 - i), i);
    for (unsigned i = 500; i < NUMBERS; i++)
        zset_remove(devious, plain_member(text, i));
    for (unsigned i = 0; i < 500; i++)
        zset_set(straight, plain_member(text, i), i);
    uint64_t x = 0, y = 0;
    do {
        x = zset_scan(straight, x, 10, note, a);
        y = zset_scan(devious, y, 10, note, b);
        assert_int_equal(x, y);
        assert_int_equal(a->order, b->order);
    } while (x);
    zset_free(straight), zset_free(devious);
    free(a), free(b);
    arena_deinit(&arena);
}

static void appended_leaves_are_full_and_removal_gives_memory_back(void **state)
{
    (void)state;
    struct arena arena;
    assert_int_equal(arena_init(&arena), 0);
    struct keyspace_limits limits = {0};
    struct zset *zset = zset_new(&arena, &limits, HASH_KEY);
    char text[16];
    for (unsigned i = 0; i < 50000; i++)
        zset_set(zset, plain_member(text, i), i);
    size_t full = zset_memory(zset);
    assert_true(full < 50000 * (24 + 13 + 10));
    for (unsigned i = 0; i < 50000; i++)
        if (i % 100)
            zset_remove(zset, plain_member(text, i));
    assert_int_equal(zset_size(zset), 500);
    assert_true(zset_memory(zset) < full / 30);
    zset_free(zset);
    assert_int_equal(arena.bytes_used, 0);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_agrees_with_a_sorted_array),
        cmocka_unit_test(small_sets_agree_in_both_forms),
        cmocka_unit_test(ranks_by_bytes_agree_where_scores_are_equal),
        cmocka_unit_test(encodings_change_where_redis_changes_them),
        cmocka_unit_test(scores_are_read_back_exactly_and_shortest),
        cmocka_unit_test(a_scan_sees_what_stays_exactly_once),
        cmocka_unit_test(a_scan_does_not_depend_on_history),
        cmocka_unit_test(appended_leaves_are_full_and_removal_gives_memory_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
