/* SPDX-License-Identifier: MIT
 * hash_test: hashes against a naive array of pairs, in both encodings, with values that grow, shrink and leave the arena. */
#include "tests/support.h"

#include "kernel/buffer.h"
#include "services/keyspace/arena.h"
#include "services/keyspace/hash.h"

#define FIELDS_MAX 1000
#define HASH_KEY 99u

struct pair {
    uint32_t field, value; /* numbers that texts are made from */
};

struct model {
    struct pair pairs[FIELDS_MAX];
    size_t count;
};

static struct slice field_of(uint32_t number, struct buffer *to)
{
    to->size = 0;
    if (number % 3 == 0)
        buffer_format(to, "%u", number * 1000003u);
    else
        buffer_format(to, "field%c%u", 0, number);
    if (number == 501)
        memset(buffer_room(to, 5000), 'f', 5000), to->size += 5000;
    return buffer_slice(to);
}

static struct slice value_of(uint32_t number, struct buffer *to)
{
    static const size_t sizes[] = {0, 1, 5, 20, 60, 64, 65, 200, 1024, 1025, 4096, 100000};
    to->size = 0;
    if (number % 4 == 0) {
        buffer_format(to, "%d", (int)(number * 2654435761u));
        return buffer_slice(to);
    }
    size_t size = sizes[number % (number % 4 == 1 ? 6 : 12)];
    memset(buffer_room(to, size + 1), (int)number, size);
    to->size = size;
    return buffer_slice(to);
}

static size_t model_find(const struct model *m, uint32_t field)
{
    size_t i = 0;
    while (i < m->count && m->pairs[i].field != field)
        i++;
    return i;
}

static void assert_same(const struct hash *hash, const struct model *m, uint64_t seed)
{
    struct buffer text = {0};
    struct item field, value;
    struct hash_walk walk;
    bool same = hash_size(hash) == m->count;
    hash_walk_begin(hash, &walk);
    for (size_t i = 0; same && i < m->count; i++) {
        same = hash_walk_next(&walk, &field, &value) &&
               slice_equal(item_slice(&field), field_of(m->pairs[i].field, &text)) &&
               slice_equal(item_slice(&value), value_of(m->pairs[i].value, &text));
        hash_at(hash, i, NULL, &value);
        same = same && slice_equal(item_slice(&value), value_of(m->pairs[i].value, &text));
    }
    same = same && !hash_walk_next(&walk, &field, NULL);
    buffer_free(&text);
    if (!same)
        fail_msg("hash differs from the model, LOCUS_SEED=%llu, %s", (unsigned long long)seed, hash_encoding(hash));
}

static void set_one(struct hash *hash, struct model *m, uint32_t field, uint32_t value)
{
    struct buffer a = {0}, b = {0};
    size_t at = model_find(m, field);
    assert_int_equal(hash_set(hash, field_of(field, &a), value_of(value, &b)), at == m->count);
    m->pairs[at] = (struct pair){field, value};
    m->count += at == m->count;
    buffer_free(&a), buffer_free(&b);
}

static void remove_one(struct hash *hash, struct model *m, uint32_t field)
{
    struct buffer a = {0};
    size_t at = model_find(m, field);
    bool large = strcmp(hash_encoding(hash), "hashtable") == 0;
    assert_int_equal(hash_remove(hash, field_of(field, &a)), at < m->count);
    buffer_free(&a);
    if (at == m->count)
        return;
    m->count--;
    if (large)
        m->pairs[at] = m->pairs[m->count];
    else
        memmove(m->pairs + at, m->pairs + at + 1, (m->count - at) * sizeof *m->pairs);
}

static void every_change_agrees_with_a_naive_array(void **state)
{
    (void)state;
    struct arena arena;
    struct model *m = malloc(sizeof *m);
    assert_int_equal(arena_init(&arena), 0);
    for (unsigned run = 0; run < 12 * test_long_factor(); run++) {
        uint64_t seed = test_seed(700 + run);
        struct test_random r = {seed};
        struct keyspace_limits limits = {.hash_max_listpack_entries = run % 2 ? 128 : 20,
            .hash_max_listpack_value = run % 3 ? 64 : 1000000};
        struct hash *hash = hash_new(&arena, &limits, HASH_KEY);
        struct buffer text = {0};
        m->count = 0;
        for (int step = 0; step < 1500; step++) {
            uint32_t field = (uint32_t)test_random_below(&r, step < 300 ? 30 : 800);
            uint32_t value = (uint32_t)test_random_below(&r, 1000);
            if (step < 200)
                value &= ~3u; /* small ones first */
            hash_prefetch(hash, field_of(field, &text));
            if (test_random_below(&r, 10) < (step % 600 < 300 ? 8u : 3u))
                set_one(hash, m, field, value);
            else
                remove_one(hash, m, field);
            struct item item;
            size_t at = model_find(m, field);
            assert_int_equal(hash_get(hash, field_of(field, &text), &item), at < m->count);
            if (at < m->count)
                assert_true(slice_equal(item_slice(&item), value_of(m->pairs[at].value, &text)));
            if (step % 100 == 0)
                assert_same(hash, m, seed);
        }
        struct hash *copy = hash_copy(hash);
        assert_same(copy, m, seed);
        assert_string_equal(hash_encoding(copy), hash_encoding(hash));
        hash_make_large(hash);
        assert_same(hash, m, seed);
        while (m->count > 0)
            remove_one(hash, m, m->pairs[test_random_below(&r, m->count)].field);
        assert_int_equal(hash_size(hash), 0);
        hash_free(copy), hash_free(hash);
        buffer_free(&text);
    }
    assert_int_equal(arena.bytes_used, 0);
    arena_deinit(&arena);
    free(m);
}

static void encodings_change_where_redis_changes_them(void **state)
{
    (void)state;
    struct arena arena;
    assert_int_equal(arena_init(&arena), 0);
    struct keyspace_limits limits = {.hash_max_listpack_entries = 128, .hash_max_listpack_value = 64};
    struct hash *hash = hash_new(&arena, &limits, HASH_KEY);
    char text[65];
    for (int i = 0; i < 128; i++)
        hash_set(hash, slice_of(text, (size_t)snprintf(text, sizeof text, "%d", i)), SLICE("v"));
    hash_set(hash, SLICE("7"), SLICE("w"));
    assert_string_equal(hash_encoding(hash), "listpack");
    hash_set(hash, SLICE("128"), SLICE("v"));
    assert_string_equal(hash_encoding(hash), "hashtable");
    hash_free(hash);
    hash = hash_new(&arena, &limits, HASH_KEY);
    memset(text, 'x', sizeof text);
    hash_set(hash, slice_of(text, 64), slice_of(text, 64));
    assert_string_equal(hash_encoding(hash), "listpack");
    hash_set(hash, SLICE("f"), slice_of(text, 65));
    assert_string_equal(hash_encoding(hash), "hashtable");
    hash_free(hash);
    arena_deinit(&arena);
}

static void count_pair(void *context, struct slice field, struct slice value)
{
    unsigned *times = context;
    char text[16] = {0};
    assert_true(slice_equal(field, value));
    memcpy(text, field.base, field.size);
    times[atoi(text)]++;
}

static void a_scan_sees_every_field_that_stays(void **state)
{
    (void)state;
    struct arena arena;
    assert_int_equal(arena_init(&arena), 0);
    struct keyspace_limits limits = {.hash_max_listpack_entries = 128, .hash_max_listpack_value = 64};
    struct hash *hash = hash_new(&arena, &limits, HASH_KEY);
    unsigned *times = calloc(2000, sizeof *times);
    char text[16];
    for (int i = 0; i < 2000; i++) {
        struct slice s = slice_of(text, (size_t)snprintf(text, sizeof text, "%d", i));
        hash_set(hash, s, s);
    }
    struct test_random r = {test_seed(3)};
    uint64_t cursor = 0;
    do {
        cursor = hash_scan(hash, cursor, 7, count_pair, times);
        for (int i = 0; i < 5; i++)
            hash_remove(hash, slice_of(text, (size_t)snprintf(text, sizeof text, "%d", (int)test_random_below(&r, 2000) | 1)));
    } while (cursor);
    for (int i = 0; i < 2000; i += 2)
        assert_true(times[i] >= 1);
    free(times);
    hash_free(hash);
    arena_deinit(&arena);
}

static void a_value_of_the_same_size_stays_in_place(void **state)
{
    (void)state;
    struct arena arena;
    assert_int_equal(arena_init(&arena), 0);
    struct keyspace_limits limits = {0};
    struct hash *hash = hash_new(&arena, &limits, HASH_KEY);
    struct item before, after;
    hash_set(hash, SLICE("field"), SLICE("first"));
    hash_get(hash, SLICE("field"), &before);
    hash_set(hash, SLICE("field"), SLICE("again"));
    hash_get(hash, SLICE("field"), &after);
    assert_ptr_equal(before.base, after.base);
    hash_free(hash);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_agrees_with_a_naive_array),
        cmocka_unit_test(encodings_change_where_redis_changes_them),
        cmocka_unit_test(a_scan_sees_every_field_that_stays),
        cmocka_unit_test(a_value_of_the_same_size_stays_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
