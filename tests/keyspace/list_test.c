/* SPDX-License-Identifier: MIT
 * list_test: lists against a naive array, with node limits small and large, and the encodings' thresholds. */
#include "tests/support.h"

#include "kernel/buffer.h"
#include "services/keyspace/list.h"

#define MODEL_MAX 1200

/* Values are made from a number, so a model keeps numbers. */
struct model {
    uint32_t values[MODEL_MAX];
    size_t count;
};

static struct slice value_of(uint32_t number, struct buffer *to)
{
    to->size = 0;
    switch (number % 5) {
    case 0: buffer_format(to, "%u", number); break;
    case 1: buffer_format(to, "-%u00000", number); break;
    case 2: buffer_format(to, "value:%u", number); break;
    default:
        buffer_format(to, "%u%c", number, 0);
        for (uint32_t i = 0; i < number * 2654435761u >> 25; i++)
            buffer_append_char(to, (char)(i * number));
    }
    if (number % 97 == 3)
        memset(buffer_room(to, 100000), 'x', 100000), to->size += 100000;
    else if (number % 31 == 4)
        memset(buffer_room(to, 3000), 'y', 3000), to->size += 3000;
    return buffer_slice(to);
}

static void model_insert(struct model *m, size_t at, uint32_t value)
{
    memmove(m->values + at + 1, m->values + at, (m->count++ - at) * sizeof *m->values);
    m->values[at] = value;
}

static void model_erase(struct model *m, size_t at, size_t count)
{
    m->count -= count;
    memmove(m->values + at, m->values + at + count, (m->count - at) * sizeof *m->values);
}

static bool walk_agrees(const struct list *list, const struct model *m, size_t from, enum list_end towards)
{
    struct list_walk walk;
    struct item item;
    struct buffer text = {0};
    size_t at = from;
    bool same = true;
    list_walk_begin(list, &walk, from, towards);
    while (same && list_walk_next(&walk, &item)) {
        same = at < m->count && walk.position == at && slice_equal(item_slice(&item), value_of(m->values[at], &text));
        at += towards == LIST_TAIL ? 1 : (size_t)-1;
    }
    buffer_free(&text);
    return same && at == (towards == LIST_TAIL ? (from < m->count ? m->count : from) : from < m->count ? SIZE_MAX : from);
}

static void assert_same(const struct list *list, const struct model *m, size_t from, uint64_t seed)
{
    bool same = list_length(list) == m->count && walk_agrees(list, m, 0, LIST_TAIL) && walk_agrees(list, m, from, LIST_TAIL) &&
                walk_agrees(list, m, from, LIST_HEAD);
    if (!same)
        fail_msg("list differs from the model, LOCUS_SEED=%llu", (unsigned long long)seed);
}

static void random_change(struct list *list, struct model *m, struct test_random *r, struct buffer *text)
{
    uint32_t number = (uint32_t)test_random_below(r, 400);
    struct slice value = value_of(number, text);
    size_t at = test_random_below(r, m->count + 1);
    struct item item;
    switch (test_random_below(r, 12)) {
    case 0: case 1: case 2:
        if (m->count < MODEL_MAX - 1)
            list_push(list, LIST_HEAD, value), model_insert(m, 0, number);
        break;
    case 3: case 4: case 5:
        if (m->count < MODEL_MAX - 1)
            list_push(list, LIST_TAIL, value), model_insert(m, m->count, number);
        break;
    case 6:
        if (m->count < MODEL_MAX - 1)
            list_insert(list, at, value), model_insert(m, at, number);
        break;
    case 7:
        assert_int_equal(list_replace(list, at, value), at < m->count);
        if (at < m->count)
            m->values[at] = number;
        break;
    case 8: {
        size_t count = test_random_below(r, (m->count - at) / (test_random_below(r, 8) ? 20 : 1) + 1);
        list_erase(list, at, count), model_erase(m, at, count);
        break;
    }
    case 9: {
        size_t wanted = test_random_below(r, 3), removed = 0;
        for (size_t i = 0; i < m->count && (!wanted || removed < wanted);)
            m->values[i] == number ? model_erase(m, i, 1), removed++ : i++;
        assert_int_equal(list_remove(list, value, wanted, LIST_HEAD), removed);
        break;
    }
    case 10: {
        size_t wanted = test_random_below(r, 3), removed = 0;
        for (size_t i = m->count; i-- > 0 && (!wanted || removed < wanted);)
            if (m->values[i] == number)
                model_erase(m, i, 1), removed++;
        assert_int_equal(list_remove(list, value, wanted, LIST_TAIL), removed);
        break;
    }
    default: {
        enum list_end end = test_random_below(r, 2) ? LIST_HEAD : LIST_TAIL;
        bool some = list_peek(list, end, &item);
        assert_int_equal(some, m->count > 0);
        if (!some)
            break;
        size_t from = end == LIST_HEAD ? 0 : m->count - 1;
        number = m->values[from];
        assert_true(slice_equal(item_slice(&item), value_of(number, text)));
        list_push(list, end == LIST_HEAD ? LIST_TAIL : LIST_HEAD, item_slice(&item)); /* LMOVE on one list */
        list_drop(list, end);
        model_erase(m, from, 1);
        model_insert(m, end == LIST_HEAD ? m->count : 0, number);
    }
    }
    if (at < m->count) {
        assert_true(list_at(list, at, &item));
        assert_true(slice_equal(item_slice(&item), value_of(m->values[at], text)));
    }
}

static void every_change_agrees_with_a_naive_array(void **state)
{
    (void)state;
    static const int64_t settings[] = {-2, -1, -5, 1, 3, 128, 0, -9};
    for (unsigned run = 0; run < 16 * test_long_factor(); run++) {
        uint64_t seed = test_seed(500 + run);
        struct test_random r = {seed};
        struct keyspace_limits limits = {.list_max_listpack_size = settings[run % 8]};
        struct list *list = list_new(&limits);
        struct model *m = calloc(1, sizeof *m);
        struct buffer text = {0};
        for (int step = 0; step < 800; step++) {
            random_change(list, m, &r, &text);
            if (step % 50 == 0)
                assert_same(list, m, test_random_below(&r, m->count + 1), seed);
        }
        struct list *copy = list_copy(list);
        assert_same(copy, m, 0, seed);
        assert_string_equal(list_encoding(copy), list_encoding(list));
        assert_true(list_memory(copy) > m->count);
        list_free(copy);
        while (list_length(list) > 0)
            list_drop(list, test_random_below(&r, 2) ? LIST_HEAD : LIST_TAIL);
        assert_false(list_peek(list, LIST_TAIL, &(struct item){0}));
        list_free(list);
        buffer_free(&text);
        free(m);
    }
}

static void a_list_becomes_a_quicklist_above_its_limit_and_returns_at_half(void **state)
{
    (void)state;
    struct keyspace_limits limits = {.list_max_listpack_size = 128};
    struct list *list = list_new(&limits);
    for (int i = 0; i < 128; i++)
        list_push(list, LIST_TAIL, SLICE("a"));
    assert_string_equal(list_encoding(list), "listpack");
    list_push(list, LIST_TAIL, SLICE("a"));
    assert_string_equal(list_encoding(list), "quicklist");
    list_erase(list, 0, 64);
    assert_string_equal(list_encoding(list), "quicklist");
    list_erase(list, 0, 1);
    assert_string_equal(list_encoding(list), "listpack");
    for (int i = 0; i < 65; i++)
        list_push(list, LIST_TAIL, SLICE("a"));
    while (list_length(list) > 65)
        list_drop(list, LIST_TAIL);
    assert_string_equal(list_encoding(list), "quicklist");
    list_drop(list, LIST_TAIL);
    assert_string_equal(list_encoding(list), "listpack");
    list_make_large(list);
    assert_string_equal(list_encoding(list), "quicklist");
    list_free(list);
}

/* The node before the gap is the last one, and its other neighbour takes it in. */
static void erasing_the_tail_may_merge_what_is_left(void **state)
{
    (void)state;
    struct keyspace_limits limits = {.list_max_listpack_size = 4};
    struct list *list = list_new(&limits);
    struct item item;
    char text[2] = "a";
    for (; text[0] < 'm'; text[0]++) /* three nodes of four */
        list_push(list, LIST_TAIL, slice_of(text, 1));
    list_erase(list, 1, 3);
    list_erase(list, 2, 7);
    assert_int_equal(list_length(list), 2);
    assert_true(list_at(list, 1, &item));
    assert_true(slice_equal(item_slice(&item), SLICE("e")));
    assert_string_equal(list_encoding(list), "listpack"); /* one node */
    list_free(list);
}

static void a_large_element_makes_a_quicklist(void **state)
{
    (void)state;
    struct keyspace_limits limits = {.list_max_listpack_size = -2};
    struct list *list = list_new(&limits);
    char *text = calloc(1, 9000);
    list_push(list, LIST_TAIL, slice_of(text, 8185));
    assert_string_equal(list_encoding(list), "listpack");
    list_drop(list, LIST_TAIL);
    list_push(list, LIST_TAIL, slice_of(text, 8186));
    assert_string_equal(list_encoding(list), "quicklist");
    assert_true(list_replace(list, 0, SLICE("small")));
    assert_string_equal(list_encoding(list), "listpack");
    free(text);
    list_free(list);
}

static void a_queue_takes_memory_for_what_it_holds(void **state)
{
    (void)state;
    struct keyspace_limits limits = {.list_max_listpack_size = -2};
    struct list *list = list_new(&limits);
    for (int i = 0; i < 100000; i++) {
        list_push(list, LIST_TAIL, SLICE("a job of some size, 37 bytes in length"));
        if (i >= 100)
            list_drop(list, LIST_HEAD);
    }
    assert_int_equal(list_length(list), 100);
    assert_true(list_memory(list) < 32768);
    for (int i = 0; i < 20000; i++)
        list_push(list, LIST_HEAD, SLICE("a job of some size, 37 bytes in length"));
    assert_true(list_memory(list) < 20100 * 44);
    list_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_agrees_with_a_naive_array),
        cmocka_unit_test(a_list_becomes_a_quicklist_above_its_limit_and_returns_at_half),
        cmocka_unit_test(erasing_the_tail_may_merge_what_is_left),
        cmocka_unit_test(a_large_element_makes_a_quicklist),
        cmocka_unit_test(a_queue_takes_memory_for_what_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
