/* SPDX-License-Identifier: MIT
 * packed_test: the packed form against a naive array of strings, and its bytes against Redis's listpack. */
#include "tests/support.h"

#include <errno.h>

#include "services/keyspace/packed.h"

#define MODEL_MAX 200

struct model {
    char *texts[MODEL_MAX];
    size_t sizes[MODEL_MAX];
    size_t count;
};

static void model_insert(struct model *m, size_t at, struct slice value)
{
    memmove(m->texts + at + 1, m->texts + at, (m->count - at) * sizeof *m->texts);
    memmove(m->sizes + at + 1, m->sizes + at, (m->count - at) * sizeof *m->sizes);
    m->texts[at] = malloc(value.size + 1);
    memcpy(m->texts[at], value.base, value.size);
    m->sizes[at] = value.size;
    m->count++;
}

static void model_erase(struct model *m, size_t at)
{
    free(m->texts[at]);
    m->count--;
    memmove(m->texts + at, m->texts + at + 1, (m->count - at) * sizeof *m->texts);
    memmove(m->sizes + at, m->sizes + at + 1, (m->count - at) * sizeof *m->sizes);
}

static void assert_same(const struct packed *p, const struct model *m, uint64_t seed)
{
    uint32_t offset = 0;
    bool same = p->count == m->count;
    for (size_t i = 0; same && i < m->count; i++) {
        struct item item;
        struct slice text = slice_of(m->texts[i], m->sizes[i]);
        uint32_t next = packed_read(p, offset, &item);
        same = slice_equal(item_slice(&item), text) && packed_equal(p, offset, text) && packed_previous(p, next) == offset &&
               packed_offset(p, (uint32_t)i) == offset && packed_next(p, offset) == next;
        offset = next;
    }
    if (!same || offset != packed_size(p))
        fail_msg("packed differs from the model, LOCUS_SEED=%llu", (unsigned long long)seed);
}

static const int64_t boundaries[] = {
    0, 1, 127, 128, -1, 4095, 4096, -4096, -4097, 32767, 32768, -32768, -32769, 8388607, 8388608, -8388608, -8388609,
    2147483647, 2147483648, -2147483648, -2147483649, INT64_MAX, INT64_MIN, INT64_MAX - 1, INT64_MIN + 1};

/* A value of a random kind: integer at a boundary, almost an integer, text with any byte, rarely a huge one. */
static struct slice random_value(struct test_random *r, struct buffer *to)
{
    to->size = 0;
    unsigned kind = (unsigned)test_random_below(r, 16);
    if (kind < 6) {
        int64_t base = boundaries[test_random_below(r, sizeof boundaries / sizeof *boundaries)];
        buffer_format(to, "%lld", (long long)base);
    } else if (kind < 8) {
        buffer_format(to, "%s%llu", kind == 6 ? "0" : "-0", (unsigned long long)test_random_below(r, 100));
    } else {
        size_t bound = kind < 14 ? 70 : kind == 14 ? 5000 : 20000;
        size_t size = test_random_below(r, bound);
        for (size_t i = 0; i < size; i++)
            buffer_append_char(to, (char)test_random_next(r));
    }
    buffer_append_char(to, 0); /* so that base is never NULL */
    return slice_of(to->base, to->size - 1);
}

static void every_change_agrees_with_a_naive_array(void **state)
{
    (void)state;
    for (unsigned run = 0; run < 30 * test_long_factor(); run++) {
        uint64_t seed = test_seed(1000 + run);
        struct test_random r = {seed};
        struct packed p = {0};
        struct model m = {0};
        struct buffer text = {0};
        for (int step = 0; step < 300; step++) {
            struct slice value = random_value(&r, &text);
            size_t at = test_random_below(&r, m.count + 1);
            unsigned change = (unsigned)test_random_below(&r, 10);
            if (change < 2 && m.count < MODEL_MAX) {
                packed_append(&p, value), model_insert(&m, m.count, value);
            } else if (change < 4 && m.count < MODEL_MAX) {
                packed_prepend(&p, value), model_insert(&m, 0, value);
            } else if (change < 6 && m.count < MODEL_MAX) {
                uint32_t offset = packed_offset(&p, (uint32_t)at);
                uint32_t behind = packed_insert(&p, offset, value);
                assert_int_equal(behind, packed_next(&p, offset));
                model_insert(&m, at, value);
            } else if (change == 6 && at < m.count) {
                packed_replace(&p, packed_offset(&p, (uint32_t)at), value);
                model_erase(&m, at), model_insert(&m, at, value);
            } else if (change == 7 && at < m.count) {
                packed_fill_with_last(&p, packed_offset(&p, (uint32_t)at), 1);
                struct slice last = slice_of(m.texts[m.count - 1], m.sizes[m.count - 1]);
                if (at < m.count - 1)
                    model_insert(&m, at, last), model_erase(&m, at + 1);
                model_erase(&m, m.count - 1);
            } else if (at < m.count) {
                size_t count = 1 + test_random_below(&r, m.count - at < 4 ? m.count - at : 4);
                packed_erase(&p, packed_offset(&p, (uint32_t)at), (uint32_t)count);
                while (count-- > 0)
                    model_erase(&m, at);
            }
            if (step % 8 == 0)
                assert_same(&p, &m, seed);
        }
        struct packed copy = {0}, loaded = {0};
        packed_copy(&copy, &p);
        assert_same(&copy, &m, seed);
        assert_int_equal(packed_load(&loaded, packed_slice(&p)), 0);
        assert_same(&loaded, &m, seed);
        packed_trim(&p);
        assert_same(&p, &m, seed);
        while (m.count)
            model_erase(&m, 0);
        packed_free(&p), packed_free(&copy), packed_free(&loaded);
        buffer_free(&text);
    }
}

static void integers_take_the_bytes_that_listpack_gives_them(void **state)
{
    (void)state;
    static const struct { const char *text; const char *bytes; size_t size; } cases[] = {
        {"0", "\x00\x01", 2}, {"127", "\x7f\x01", 2}, {"128", "\xc0\x80\x02", 3}, {"-1", "\xdf\xff\x02", 3},
        {"-4096", "\xd0\x00\x02", 3}, {"4096", "\xf1\x00\x10\x03", 4}, {"-32768", "\xf1\x00\x80\x03", 4},
        {"32768", "\xf2\x00\x80\x00\x04", 5}, {"8388608", "\xf3\x00\x00\x80\x00\x05", 6},
        {"-2147483649", "\xf4\xff\xff\xff\x7f\xff\xff\xff\xff\x09", 10}, {"abc", "\x83" "abc\x04", 5}, {"", "\x80\x01", 2},
        {"-0", "\x82-0\x03", 4}, {"01", "\x82" "01\x03", 4}, {"9223372036854775808", "\x93" "9223372036854775808\x14", 21}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct packed p = {0};
        packed_append(&p, slice_from_string(cases[i].text));
        assert_int_equal(packed_size(&p), cases[i].size);
        assert_memory_equal(p.bytes + p.start, cases[i].bytes, cases[i].size);
        packed_free(&p);
    }
}

static void the_way_back_has_listpacks_bounds(void **state)
{
    (void)state;
    static const struct { size_t value; uint32_t entry; } cases[] = {
        {63, 65}, {64, 67}, {125, 128}, {126, 130}, {4095, 4099}, {4096, 4103}, {16377, 16384}, {16378, 16386}, {2097145, 2097153},
        {2097146, 2097155}};
    char *text = calloc(1, 2100000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct packed p = {0};
        packed_append(&p, slice_of(text, cases[i].value));
        assert_int_equal(packed_size(&p), cases[i].entry);
        assert_int_equal(packed_previous(&p, cases[i].entry), 0);
        packed_free(&p);
    }
    free(text);
}

static void find_sees_numbers_and_texts_and_skips_values(void **state)
{
    (void)state;
    struct packed p = {0};
    const char *texts[] = {"a", "7", "b", "a", "300", "b", "-5", "x", "c", "7"};
    for (size_t i = 0; i < 10; i++)
        packed_append(&p, slice_from_string(texts[i]));
    uint32_t offset = 0, position = 0;
    assert_true(packed_find(&p, &offset, SLICE("300"), 1, &position));
    assert_int_equal(position, 2);
    assert_int_equal(offset, packed_offset(&p, 4));
    offset = 0;
    assert_false(packed_find(&p, &offset, SLICE("7"), 1, NULL));
    assert_true(packed_find(&p, &offset, SLICE("7"), 0, &position));
    assert_int_equal(position, 1);
    offset = 0;
    assert_false(packed_find(&p, &offset, SLICE("07"), 0, NULL));
    packed_free(&p);
}

static void a_value_may_lie_in_the_block_that_it_is_pushed_to(void **state)
{
    (void)state;
    struct packed p = {0};
    char text[100];
    memset(text, 'q', sizeof text);
    packed_append(&p, slice_of(text, sizeof text));
    for (int i = 0; i < 200; i++) {
        struct item item;
        packed_read(&p, 0, &item);
        if (i % 3 == 0)
            packed_append(&p, item_slice(&item));
        else if (i % 3 == 1)
            packed_prepend(&p, item_slice(&item));
        else
            packed_insert(&p, packed_offset(&p, p.count / 2), item_slice(&item));
    }
    for (uint32_t i = 0; i < p.count; i++)
        assert_true(packed_equal(&p, packed_offset(&p, i), slice_of(text, sizeof text)));
    packed_free(&p);
}

static void foreign_bytes_are_taken_whole_or_refused(void **state)
{
    (void)state;
    struct packed p = {0};
    struct buffer text = {0};
    uint64_t seed = test_seed(77);
    struct test_random r = {seed};
    for (int i = 0; i < 12; i++)
        packed_append(&p, random_value(&r, &text));
    size_t size = packed_size(&p);
    char *bytes = malloc(size);
    memcpy(bytes, packed_slice(&p).base, size);
    for (size_t cut = 0; cut <= size && cut < 4000; cut++) { /* a copy of exactly that size, for the address sanitizer */
        char *part = malloc(cut ? cut : 1);
        memcpy(part, bytes, cut);
        struct packed loaded = {0};
        int error = packed_load(&loaded, slice_of(part, cut));
        assert_true(error == 0 || (error == -EINVAL && loaded.count == 0));
        packed_free(&loaded);
        free(part);
    }
    for (int i = 0; i < 3000; i++) { /* any damage: refused, or readable from end to end */
        size_t at = test_random_below(&r, size);
        char kept = bytes[at];
        bytes[at] = (char)test_random_next(&r);
        struct packed loaded = {0};
        if (packed_load(&loaded, slice_of(bytes, size)) == 0) {
            struct item item;
            uint32_t offset = 0;
            while (offset < packed_size(&loaded))
                offset = packed_read(&loaded, offset, &item);
            assert_int_equal(offset, size);
        }
        packed_free(&loaded);
        bytes[at] = kept;
    }
    free(bytes);
    packed_free(&p);
    buffer_free(&text);
}

static void integers_of_any_width_are_read_though_not_shortest(void **state)
{
    (void)state;
    struct packed p = {0};
    assert_int_equal(packed_load(&p, slice_of("\xf4\x05\0\0\0\0\0\0\0\x09\x81" "5\x02", 13)), 0);
    assert_int_equal(p.count, 2);
    assert_true(packed_equal(&p, 0, SLICE("5")));
    uint32_t offset = 1;
    offset = packed_next(&p, 0);
    assert_true(packed_find(&p, &offset, SLICE("5"), 0, NULL));
    packed_free(&p);
}

static void moving_a_tail_keeps_order(void **state)
{
    (void)state;
    struct packed a = {0}, b = {0};
    char text[2] = "a";
    for (int i = 0; i < 10; i++, text[0]++)
        packed_append(&a, slice_of(text, 1));
    packed_move_tail(&b, &a, packed_offset(&a, 4));
    assert_int_equal(a.count, 4);
    assert_int_equal(b.count, 6);
    assert_true(packed_equal(&b, 0, SLICE("e")));
    packed_move_tail(&a, &b, 0);
    assert_int_equal(b.count, 0);
    assert_true(packed_equal(&a, packed_offset(&a, 9), SLICE("j")));
    packed_free(&a), packed_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_agrees_with_a_naive_array),
        cmocka_unit_test(integers_take_the_bytes_that_listpack_gives_them),
        cmocka_unit_test(the_way_back_has_listpacks_bounds),
        cmocka_unit_test(find_sees_numbers_and_texts_and_skips_values),
        cmocka_unit_test(a_value_may_lie_in_the_block_that_it_is_pushed_to),
        cmocka_unit_test(foreign_bytes_are_taken_whole_or_refused),
        cmocka_unit_test(integers_of_any_width_are_read_though_not_shortest),
        cmocka_unit_test(moving_a_tail_keeps_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
