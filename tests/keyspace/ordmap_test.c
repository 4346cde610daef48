/* SPDX-License-Identifier: MIT
 * ordmap_test: the ordered map against a sorted array, with keys made to share chunks, prefixes and padding. */
#include "services/keyspace/entry.h"
#include "services/keyspace/ordmap.h"
#include "tests/support.h"

struct model {
    arena_ref *refs; /* in key order */
    size_t count;
    size_t capacity;
};

struct fixture {
    struct arena arena;
    struct ordmap map;
    struct model model;
    struct buffer path;
};

static void open_fixture(struct fixture *f, size_t capacity)
{
    *f = (struct fixture){.model = {.refs = calloc(capacity, sizeof(arena_ref)), .capacity = capacity}};
    assert_int_equal(arena_init(&f->arena), 0);
}

/* An entry that is nothing but its key. */
static arena_ref make_entry(struct fixture *f, struct slice key)
{
    bool is_long = key.size > ENTRY_KEY_INLINE_MAX;
    size_t field = is_long ? sizeof(struct entry_long_key) : key.size;
    arena_ref ref = arena_alloc(&f->arena, sizeof(struct entry) + field);
    struct entry *e = arena_at(&f->arena, ref);
    e->header = entry_header(VALUE_STRING, ENTRY_INLINE, is_long ? ENTRY_LONG_KEY : 0, is_long ? 0 : key.size, 0);
    if (is_long) {
        struct entry_long_key text = {malloc(key.size), key.size};
        memcpy(text.base, key.base, key.size);
        memcpy(e->bytes, &text, sizeof text);
    } else if (key.size) {
        memcpy(e->bytes, key.base, key.size);
    }
    return ref;
}

static void release_entry(struct fixture *f, arena_ref ref)
{
    struct entry *e = arena_at(&f->arena, ref);
    if (entry_has(e, ENTRY_LONG_KEY))
        free((char *)entry_text(e).base);
    arena_release(&f->arena, ref, entry_size(e));
}

static struct slice text_of(const struct fixture *f, arena_ref ref)
{
    return entry_text(arena_at(&f->arena, ref));
}

static void close_fixture(struct fixture *f)
{
    ordmap_free(&f->map, &f->arena);
    for (size_t i = 0; i < f->model.count; i++)
        release_entry(f, f->model.refs[i]);
    assert_int_equal(f->arena.bytes_used, 0);
    arena_deinit(&f->arena);
    buffer_free(&f->path);
    free(f->model.refs);
}

/* Where the key is in the model, or would be. */
static size_t model_position(const struct fixture *f, struct slice key)
{
    size_t low = 0, high = f->model.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (slice_compare(text_of(f, f->model.refs[middle]), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static arena_ref model_at(const struct fixture *f, size_t position)
{
    return position < f->model.count ? f->model.refs[position] : 0;
}

static bool model_has(const struct fixture *f, size_t position, struct slice key)
{
    return position < f->model.count && slice_equal(text_of(f, f->model.refs[position]), key);
}

static void insert(struct fixture *f, size_t position, struct slice key)
{
    struct model *m = &f->model;
    assert_true(m->count < m->capacity);
    arena_ref ref = make_entry(f, key);
    memmove(m->refs + position + 1, m->refs + position, (m->count - position) * sizeof *m->refs);
    m->refs[position] = ref;
    m->count++;
    ordmap_insert(&f->map, &f->arena, ref);
}

static void drop(struct fixture *f, size_t position)
{
    struct model *m = &f->model;
    arena_ref ref = m->refs[position];
    ordmap_remove(&f->map, &f->arena, text_of(f, ref));
    release_entry(f, ref);
    m->count--;
    memmove(m->refs + position, m->refs + position + 1, (m->count - position) * sizeof *m->refs);
}

static void move(struct fixture *f, size_t position)
{
    arena_ref old = f->model.refs[position], ref = make_entry(f, text_of(f, old));
    ordmap_replace(&f->map, &f->arena, text_of(f, ref), ref);
    release_entry(f, old);
    f->model.refs[position] = ref;
}

static void check_seek(struct fixture *f, struct slice key)
{
    size_t position = model_position(f, key);
    assert_int_equal(ordmap_seek(&f->map, &f->arena, key, &f->path), model_at(f, position));
    for (size_t i = 1; i <= 3 && position + i <= f->model.count; i++)
        assert_int_equal(ordmap_next(&f->map, &f->arena, &f->path), model_at(f, position + i));
    size_t last = model_has(f, position, key) ? position : position - 1; /* may wrap: then there is none */
    assert_int_equal(ordmap_seek_last(&f->map, &f->arena, key, &f->path), last == SIZE_MAX ? 0 : model_at(f, last));
    for (size_t i = 1; i <= 3 && last != SIZE_MAX && i <= last; i++)
        assert_int_equal(ordmap_previous(&f->map, &f->arena, &f->path), model_at(f, last - i));
}

static void check_walk(struct fixture *f)
{
    assert_int_equal(f->map.count, f->model.count);
    arena_ref ref = ordmap_seek(&f->map, &f->arena, SLICE(""), &f->path);
    for (size_t i = 0; i < f->model.count; i++, ref = ordmap_next(&f->map, &f->arena, &f->path))
        assert_int_equal(ref, f->model.refs[i]);
    assert_int_equal(ref, 0);
    assert_int_equal(ordmap_next(&f->map, &f->arena, &f->path), 0);
    if (f->model.count == 0)
        return;
    ref = ordmap_seek(&f->map, &f->arena, text_of(f, f->model.refs[f->model.count - 1]), &f->path);
    for (size_t i = f->model.count; i-- > 0; ref = ordmap_previous(&f->map, &f->arena, &f->path))
        assert_int_equal(ref, f->model.refs[i]);
    assert_int_equal(ref, 0);
}

/* ---- keys ---- */

#define KEY_MAX 4096

/* A key of one of several kinds, chosen so that chunks, prefixes and padding coincide often. */
static struct slice make_key(struct test_random *random, char *text)
{
    size_t size = 0;
    switch (test_random_below(random, 6)) {
    case 0: /* short, of two letters, one of them NUL */
        size = test_random_below(random, 12);
        for (size_t i = 0; i < size; i++)
            text[i] = test_random_below(random, 2) ? 'a' : 0;
        break;
    case 1: /* one letter, any length: each the prefix of all longer ones */
        size = test_random_below(random, 100);
        memset(text, test_random_below(random, 2) ? 'a' : 0, size);
        break;
    case 2: /* dense numbers */
        size = (size_t)snprintf(text, KEY_MAX, "key:%012d", (int)test_random_below(random, 2000));
        break;
    case 3: /* random bytes */
        size = test_random_below(random, 20);
        for (size_t i = 0; i < size; i++)
            text[i] = (char)test_random_next(random);
        break;
    case 4: /* a long shared prefix that ends anywhere, then a few bytes */
        size = 8 * test_random_below(random, 12) + test_random_below(random, 3);
        memset(text, 'p', size);
        for (uint64_t more = test_random_below(random, 4); more > 0; more--)
            text[size++] = (char)test_random_below(random, 3);
        break;
    default: /* longer than what entries keep inline */
        size = 2040 + test_random_below(random, 40);
        memset(text, 'q', size);
        text[test_random_below(random, size)] = (char)test_random_below(random, 3);
    }
    return slice_of(text, size);
}

static void random_histories_agree_with_a_sorted_array(void **state)
{
    (void)state;
    static char text[KEY_MAX];
    struct test_random random = {test_seed(31)};
    print_message("seed %llu\n", (unsigned long long)random.state);
    struct fixture f;
    open_fixture(&f, 100000);
    for (unsigned round = 0; round < 20 * test_long_factor(); round++) {
        unsigned bias = (unsigned)test_random_below(&random, 4); /* 0: mostly removals */
        for (unsigned step = 0; step < 2000; step++) {
            struct slice key = make_key(&random, text);
            size_t position = model_position(&f, key);
            bool adds = test_random_below(&random, 4) <= bias;
            if (!adds && f.model.count > 0)
                drop(&f, test_random_below(&random, f.model.count));
            else if (model_has(&f, position, key))
                move(&f, position);
            else
                insert(&f, position, key);
            check_seek(&f, make_key(&random, text));
        }
        check_walk(&f);
    }
    while (f.model.count > 0)
        drop(&f, test_random_below(&random, f.model.count));
    check_walk(&f);
    assert_null(f.map.root);
    assert_int_equal(f.map.bytes, 0);
    assert_int_equal(f.arena.bytes_used, 0);
    close_fixture(&f);
}

static void huge_shared_prefixes_cost_one_node(void **state)
{
    (void)state;
    size_t size = (size_t)8 << 20;
    char *text = malloc(size);
    memset(text, 'x', size);
    struct fixture f;
    open_fixture(&f, 10);
    insert(&f, 0, slice_of(text, size - 3));
    text[size - 5] = 'y';
    insert(&f, 1, slice_of(text, size));
    insert(&f, 0, SLICE("xxxxxxxxxx"));
    check_walk(&f);
    print_message("%zu bytes of levels\n", f.map.bytes);
    assert_true(f.map.bytes < 256);
    check_seek(&f, slice_of(text, size - 4));
    check_walk(&f);
    close_fixture(&f);
    free(text);
}

/* Each key the prefix of the next by 8 bytes: as many levels as keys. */
static void nesting_has_no_limit(void **state)
{
    (void)state;
    enum { LEVELS = 2000 };
    char *text = malloc(8 * LEVELS);
    memset(text, 'n', 8 * LEVELS);
    struct fixture f;
    open_fixture(&f, LEVELS);
    for (size_t i = 0; i < LEVELS; i++)
        insert(&f, i, slice_of(text, 8 * i));
    check_walk(&f);
    for (size_t i = LEVELS; i > 1; i -= 2)
        drop(&f, i - 2);
    check_walk(&f);
    close_fixture(&f);
    free(text);
}

static void dense_keys_cost_about_twenty_one_bytes(void **state)
{
    (void)state;
    enum { KEYS = 1000000 };
    char text[32];
    struct fixture f;
    open_fixture(&f, KEYS);
    for (uint64_t i = 0; i < KEYS; i++) {
        int size = snprintf(text, sizeof text, "key:%012d", (int)(i * 7919 % KEYS)); /* each once, in no order */
        ordmap_insert(&f.map, &f.arena, f.model.refs[i] = make_entry(&f, slice_of(text, (size_t)size)));
    }
    f.model.count = KEYS;
    double bytes = (double)f.map.bytes / KEYS;
    print_message("%.2f bytes a key\n", bytes);
    assert_true(bytes < 22);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories_agree_with_a_sorted_array),
        cmocka_unit_test(huge_shared_prefixes_cost_one_node),
        cmocka_unit_test(nesting_has_no_limit),
        cmocka_unit_test(dense_keys_cost_about_twenty_one_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
