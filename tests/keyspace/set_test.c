/* SPDX-License-Identifier: MIT
 * set_test: sets against a naive array that follows the positional rule, across all encodings. */
#include "tests/support.h"

#include "kernel/buffer.h"
#include "services/keyspace/arena.h"
#include "services/keyspace/set.h"

#define NUMBERS 3000
#define HASH_KEY 0x1234567890abcdefu

/* The positional rule in its plainest form. */
struct model {
    uint32_t members[NUMBERS];
    int32_t position[NUMBERS]; /* -1: not a member */
    size_t count;
};

static void model_init(struct model *m)
{
    m->count = 0;
    memset(m->position, 0xff, sizeof m->position);
}

static bool model_add(struct model *m, uint32_t number)
{
    if (m->position[number] >= 0)
        return false;
    m->position[number] = (int32_t)m->count;
    m->members[m->count++] = number;
    return true;
}

static bool model_remove(struct model *m, uint32_t number)
{
    int32_t hole = m->position[number];
    if (hole < 0)
        return false;
    uint32_t last = m->members[--m->count];
    m->members[hole] = last;
    m->position[last] = hole;
    m->position[number] = -1;
    return true;
}

/* What the members of one run look like. */
enum kind { SMALL_INTEGERS, WIDE_INTEGERS, INTEGERS_THEN_TEXTS, TEXTS, KINDS };

static struct slice member_of(enum kind kind, uint32_t number, struct buffer *to)
{
    static const int64_t edges[] = {INT16_MIN, INT16_MAX, INT16_MAX + 1, INT32_MIN, INT32_MAX, INT32_MIN - 1LL, INT64_MIN, INT64_MAX};
    to->size = 0;
    if (kind == SMALL_INTEGERS)
        buffer_format(to, "%d", (int)number - 1000);
    else if (kind == WIDE_INTEGERS && number < 8)
        buffer_format(to, "%lld", (long long)edges[number]);
    else if (kind == WIDE_INTEGERS || (kind == INTEGERS_THEN_TEXTS && number % 16))
        buffer_format(to, "%lld", number * (number % 3 == 0 ? 1 : number % 3 == 1 ? 100003 : 1000000000000LL));
    else if (number == 77)
        memset(buffer_room(to, 100000), 'x', 100000), to->size = 100000;
    else
        buffer_format(to, "%c%u%.*s", number % 2 ? 0 : 'm', number, (int)(number % 60), "............................................................");
    return buffer_slice(to);
}

static void assert_same(const struct set *set, const struct model *m, enum kind kind, uint64_t seed)
{
    struct buffer text = {0};
    struct item item;
    bool same = set_size(set) == m->count;
    for (size_t i = 0; same && i < m->count; i++) {
        set_at(set, i, &item);
        same = slice_equal(item_slice(&item), member_of(kind, m->members[i], &text));
    }
    for (uint32_t number = 0; same && number < NUMBERS; number += 7)
        same = set_contains(set, member_of(kind, number, &text)) == (m->position[number] >= 0);
    buffer_free(&text);
    if (!same)
        fail_msg("set differs from the model, LOCUS_SEED=%llu, kind %d, %s", (unsigned long long)seed, kind, set_encoding(set));
}

static void random_changes(struct set *set, struct model *m, enum kind kind, struct test_random *r, uint64_t seed)
{
    struct buffer text = {0};
    uint32_t span = kind == TEXTS || test_random_below(r, 2) ? NUMBERS : 400;
    for (unsigned phase = 0; phase < 6; phase++) {
        unsigned adds = phase % 2 ? 3 : 7; /* of ten */
        for (int step = 0; step < 400; step++) {
            uint32_t number = (uint32_t)test_random_below(r, span);
            if (kind == INTEGERS_THEN_TEXTS && phase < 2 && number % 16 == 0)
                number++;
            struct slice member = member_of(kind, number, &text);
            set_prefetch(set, member);
            bool changed = test_random_below(r, 10) < adds ? set_add(set, member) == model_add(m, number)
                                                           : set_remove(set, member) == model_remove(m, number);
            if (!changed)
                fail_msg("a change was answered wrongly, LOCUS_SEED=%llu", (unsigned long long)seed);
            if (step % 100 == 0)
                assert_same(set, m, kind, seed);
        }
    }
    buffer_free(&text);
}

static void every_change_agrees_with_the_positional_rule(void **state)
{
    (void)state;
    struct arena arena;
    struct model *m = malloc(sizeof *m);
    assert_int_equal(arena_init(&arena), 0);
    for (unsigned run = 0; run < 16 * test_long_factor(); run++) {
        uint64_t seed = test_seed(9000 + run);
        enum kind kind = run % KINDS;
        struct test_random r = {seed};
        struct keyspace_limits limits = {.set_max_intset_entries = run % 8 < 4 ? 512 : 20,
            .set_max_listpack_entries = run % 3 ? 128 : 10, .set_max_listpack_value = 64};
        struct set *set = set_new(&arena, &limits, HASH_KEY);
        model_init(m);
        random_changes(set, m, kind, &r, seed);
        struct set *copy = set_copy(set);
        assert_same(copy, m, kind, seed);
        assert_string_equal(set_encoding(copy), set_encoding(set));
        struct buffer text = {0};
        while (m->count > 0) {
            uint32_t number = m->members[test_random_below(&r, m->count)];
            assert_true(set_remove(copy, member_of(kind, number, &text)));
            model_remove(m, number);
        }
        assert_int_equal(set_size(copy), 0);
        buffer_free(&text);
        set_free(copy), set_free(set);
    }
    assert_int_equal(arena.bytes_used, 0);
    arena_deinit(&arena);
    free(m);
}

static const struct keyspace_limits defaults = {
    .set_max_intset_entries = 512, .set_max_listpack_entries = 128, .set_max_listpack_value = 64};

static void add_numbers(struct set *set, int from, int to)
{
    char text[16];
    for (int i = from; i < to; i++)
        set_add(set, slice_of(text, (size_t)snprintf(text, sizeof text, "%d", i)));
}

static void encodings_change_where_redis_changes_them(void **state)
{
    (void)state;
    struct arena arena;
    assert_int_equal(arena_init(&arena), 0);
    char large[65];
    memset(large, 'x', sizeof large);

    struct set *set = set_new(&arena, &defaults, HASH_KEY);
    add_numbers(set, 0, 512);
    assert_string_equal(set_encoding(set), "intset");
    add_numbers(set, 512, 513);
    assert_string_equal(set_encoding(set), "hashtable");
    set_free(set);

    set = set_new(&arena, &defaults, HASH_KEY);
    add_numbers(set, 0, 127);
    set_add(set, SLICE("text"));
    assert_string_equal(set_encoding(set), "listpack");
    set_add(set, SLICE("one more"));
    assert_string_equal(set_encoding(set), "hashtable");
    set_free(set);

    set = set_new(&arena, &defaults, HASH_KEY);
    add_numbers(set, 0, 128);
    set_add(set, SLICE("text"));
    assert_string_equal(set_encoding(set), "hashtable");
    set_free(set);

    set = set_new(&arena, &defaults, HASH_KEY);
    set_add(set, slice_of(large, 64));
    assert_string_equal(set_encoding(set), "listpack");
    set_add(set, slice_of(large, 65));
    assert_string_equal(set_encoding(set), "hashtable");
    set_free(set);

    struct keyspace_limits none = {0};
    set = set_new(&arena, &none, HASH_KEY);
    add_numbers(set, 0, 1);
    assert_string_equal(set_encoding(set), "hashtable");
    set_free(set);
    arena_deinit(&arena);
}

static void making_an_encoding_keeps_positions(void **state)
{
    (void)state;
    struct arena arena;
    assert_int_equal(arena_init(&arena), 0);
    struct set *set = set_new(&arena, &defaults, HASH_KEY);
    add_numbers(set, 0, 100);
    set_remove(set, SLICE("10"));
    for (int form = 0; form < 3; form++) {
        struct item item;
        set_at(set, 10, &item);
        assert_true(slice_equal(item_slice(&item), SLICE("99")));
        set_at(set, 98, &item);
        assert_true(slice_equal(item_slice(&item), SLICE("98")));
        form == 0 ? set_make_packed(set) : set_make_large(set);
        assert_string_equal(set_encoding(set), form == 0 ? "listpack" : "hashtable");
    }
    set_free(set);
    arena_deinit(&arena);
}

struct seen {
    unsigned times[NUMBERS];
};

static void note(void *context, struct slice member)
{
    struct seen *seen = context;
    char text[16] = {0};
    memcpy(text, member.base, member.size);
    seen->times[atoi(text)]++;
}

static void a_scan_sees_every_member_that_stays(void **state)
{
    (void)state;
    struct arena arena;
    assert_int_equal(arena_init(&arena), 0);
    struct seen *seen = malloc(sizeof *seen);
    for (unsigned run = 0; run < 20; run++) {
        uint64_t seed = test_seed(40 + run);
        struct test_random r = {seed};
        struct set *set = set_new(&arena, &defaults, HASH_KEY);
        memset(seen, 0, sizeof *seen);
        add_numbers(set, 0, 2000);
        uint64_t cursor = 0;
        do { /* even numbers stay */
            cursor = set_scan(set, cursor, 10, note, seen);
            for (int i = 0; i < 8; i++) {
                char text[16];
                uint32_t number = (uint32_t)test_random_below(&r, NUMBERS) | 1;
                struct slice member = slice_of(text, (size_t)snprintf(text, sizeof text, "%u", number));
                test_random_below(&r, 3) ? set_remove(set, member) : set_add(set, member);
            }
        } while (cursor);
        for (int i = 0; i < 2000; i += 2)
            if (!seen->times[i])
                fail_msg("a member that stayed was not seen, LOCUS_SEED=%llu", (unsigned long long)seed);
        set_free(set);
    }
    free(seen);
    arena_deinit(&arena);
}

static void memory_comes_back_with_the_members(void **state)
{
    (void)state;
    struct arena arena;
    assert_int_equal(arena_init(&arena), 0);
    struct set *set = set_new(&arena, &defaults, HASH_KEY);
    char text[32];
    for (int i = 0; i < 20000; i++)
        set_add(set, slice_of(text, (size_t)snprintf(text, sizeof text, "member:%08d", i)));
    size_t full = set_memory(set);
    assert_true(full > 20000 * 24 && full < 20000 * 45);
    for (int i = 0; i < 19900; i++)
        set_remove(set, slice_of(text, (size_t)snprintf(text, sizeof text, "member:%08d", i)));
    assert_true(set_memory(set) < full / 20);
    set_free(set);
    assert_int_equal(arena.bytes_used, 0);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_agrees_with_the_positional_rule),
        cmocka_unit_test(encodings_change_where_redis_changes_them),
        cmocka_unit_test(making_an_encoding_keeps_positions),
        cmocka_unit_test(a_scan_sees_every_member_that_stays),
        cmocka_unit_test(memory_comes_back_with_the_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
