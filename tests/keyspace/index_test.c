/* SPDX-License-Identifier: MIT
 * index_test: what is in is found, walking is in hash order whatever the history, and a key costs about eight bytes. */
#include "services/keyspace/index.h"
#include "tests/support.h"

struct object {
    uint64_t key;
    uint64_t hash;
};

static uint64_t hash_of(uint64_t key)
{
    struct test_random random = {key * 0x2545f4914f6cdd1du};
    return index_spread(test_random_next(&random));
}

static uint64_t rehash(const void *context, arena_ref ref)
{
    return ((const struct object *)arena_at(context, ref))->hash;
}

static bool has_key(const void *context, const void *object)
{
    return ((const struct object *)object)->key == *(const uint64_t *)context;
}

struct fixture {
    struct arena arena;
    struct index index;
    arena_ref *refs; /* by key; 0 = not in the index */
    size_t keys;
};

static void open_fixture(struct fixture *f, size_t keys)
{
    *f = (struct fixture){.keys = keys, .refs = calloc(keys, sizeof(arena_ref))};
    assert_int_equal(arena_init(&f->arena), 0);
}

static void close_fixture(struct fixture *f)
{
    index_free(&f->index, &f->arena);
    arena_deinit(&f->arena);
    free(f->refs);
}

static arena_ref make_object(struct fixture *f, uint64_t key)
{
    arena_ref ref = arena_alloc(&f->arena, sizeof(struct object));
    *(struct object *)arena_at(&f->arena, ref) = (struct object){key, hash_of(key)};
    return ref;
}

static void add(struct fixture *f, uint64_t key)
{
    f->refs[key] = make_object(f, key);
    index_insert(&f->index, &f->arena, hash_of(key), f->refs[key], rehash, &f->arena);
}

static void drop(struct fixture *f, uint64_t key)
{
    index_remove(&f->index, &f->arena, hash_of(key), f->refs[key]);
    arena_release(&f->arena, f->refs[key], sizeof(struct object));
    f->refs[key] = 0;
}

/* The object moves: a new one under the same key. */
static void move(struct fixture *f, uint64_t key)
{
    arena_ref ref = make_object(f, key);
    index_replace(&f->index, &f->arena, hash_of(key), f->refs[key], ref);
    arena_release(&f->arena, f->refs[key], sizeof(struct object));
    f->refs[key] = ref;
}

static arena_ref find(const struct fixture *f, uint64_t key)
{
    return index_find(&f->index, &f->arena, hash_of(key), has_key, &key);
}

/* Walk all segments: each key once, in ascending ranges. */
static void check_walk(const struct fixture *f)
{
    uint64_t from = 0, next, seen = 0;
    arena_ref refs[INDEX_SEGMENT_MAX];
    do {
        unsigned count = index_gather(&f->index, &f->arena, from, refs, &next);
        for (unsigned i = 0; i < count; i++) {
            const struct object *object = arena_at(&f->arena, refs[i]);
            assert_int_equal(f->refs[object->key], refs[i]);
            assert_true(object->hash >= from && (next == 0 || object->hash < next));
        }
        seen += count;
        from = next;
    } while (next);
    assert_int_equal(seen, f->index.count);
}

static void check_all(const struct fixture *f)
{
    uint64_t count = 0;
    for (uint64_t key = 0; key < f->keys; key++) {
        assert_int_equal(find(f, key), f->refs[key]);
        count += f->refs[key] != 0;
    }
    assert_int_equal(f->index.count, count);
    check_walk(f);
}

static void random_histories_agree_with_a_table(void **state)
{
    (void)state;
    struct test_random random = {test_seed(21)};
    print_message("seed %llu\n", (unsigned long long)random.state);
    struct fixture f;
    open_fixture(&f, 20000);
    for (unsigned round = 0; round < 12 * test_long_factor(); round++) {
        unsigned bias = (unsigned)test_random_below(&random, 4); /* mostly removals, ..., mostly insertions */
        size_t range = 1 + test_random_below(&random, test_random_below(&random, 2) ? f.keys : 200);
        for (unsigned step = 0; step < 20000; step++) {
            uint64_t key = test_random_below(&random, range);
            bool insert = test_random_below(&random, 4) <= bias;
            if (f.refs[key] && insert)
                move(&f, key);
            else if (f.refs[key])
                drop(&f, key);
            else if (insert)
                add(&f, key);
        }
        check_all(&f);
    }
    for (uint64_t key = 0; key < f.keys; key++)
        if (f.refs[key])
            drop(&f, key);
    assert_int_equal(f.index.buckets, 0);
    assert_int_equal(f.index.depth, 0);
    assert_int_equal(f.arena.bytes_used, 0);
    check_all(&f);
    close_fixture(&f);
}

static void small_indexes_are_one_cache_line(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, 10);
    assert_int_equal(index_memory(&f.index), 0);
    for (uint64_t key = 0; key < 10; key++) {
        add(&f, key);
        assert_int_equal(index_memory(&f.index), 64);
    }
    check_all(&f);
    close_fixture(&f);
}

/* Arena pages held for the index alone, entries counted out, at every size from 1,000 to a million keys. */
static void a_key_costs_about_eight_bytes_at_any_size(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, 1000000);
    double worst = 0;
    for (uint64_t key = 0; key < f.keys; key++) {
        add(&f, key);
        size_t n = key + 1;
        if (n < 1000 || n % (n / 16) != 0)
            continue;
        double logical = (double)index_memory(&f.index) / (double)n;
        worst = logical > worst ? logical : worst;
        if (n == 1000000 || n == 750000 || n == 500000 || n == 300000 || n == 100000)
            print_message("%7zu keys: %.2f bytes a key, %.2f with the arena's holes\n", n, logical,
                          logical + (double)(f.arena.bytes_held - f.arena.bytes_used) / (double)n);
    }
    print_message("worst %.2f\n", worst);
    assert_true(worst < 8.2);
    assert_true((double)index_memory(&f.index) / 1e6 < 8.0);
    check_walk(&f);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories_agree_with_a_table),
        cmocka_unit_test(small_indexes_are_one_cache_line),
        cmocka_unit_test(a_key_costs_about_eight_bytes_at_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
