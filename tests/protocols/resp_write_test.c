/* SPDX-License-Identifier: MIT
 * resp_write_test: every kind of reply in both versions, byte for byte, and read back. */
#include "tests/support.h"

#include <math.h>

#include "protocols/resp.h"
#include "protocols/resp_reply.h"

typedef void (*write_fn)(struct resp_writer *w);

/* The reply in version 2, then in version 3. Both must be exactly one reply, however many bytes of it are missing before. */
static void expect_bytes(write_fn write, int protocol, struct slice expected)
{
    struct buffer out = {0};
    struct resp_writer w = {.out = &out, .protocol = protocol};
    struct resp_reply reply = {0};
    write(&w);
    if (!slice_equal(buffer_slice(&out), expected))
        fail_msg("version %d: got %.*s", protocol, (int)out.size, out.base);
    for (size_t there = 0; there < out.size; there++)
        assert_int_equal(resp_reply_read(&reply, slice_of(out.base, there)), 0);
    buffer_append(&out, ":7", 2); /* what follows is not touched */
    assert_int_equal(resp_reply_read(&reply, buffer_slice(&out)), 1);
    assert_int_equal(reply.bytes, expected.size);
    assert_int_equal(reply.nodes[0].span, reply.size);
    resp_reply_free(&reply);
    buffer_free(&out);
}
#define EXPECT(write, two, three) (expect_bytes(write, 2, SLICE(two)), expect_bytes(write, 3, SLICE(three)))

static void write_simple(struct resp_writer *w) { resp_simple(w, "QUEUED"); }
static void write_ok(struct resp_writer *w) { resp_ok(w); }
static void write_error(struct resp_writer *w) { resp_error(w, "ERR a\r\nb\n"); }
static void write_errorf(struct resp_writer *w) { resp_errorf(w, "ERR no '%s' of %d", "x\ny", 7); }
static void write_integer(struct resp_writer *w) { resp_integer(w, -12345); }
static void write_smallest(struct resp_writer *w) { resp_integer(w, INT64_MIN); }
static void write_bulk(struct resp_writer *w) { resp_bulk(w, SLICE("a\0\r\nb")); }
static void write_empty(struct resp_writer *w) { resp_bulk(w, slice_of(NULL, 0)); }
static void write_bulk_integer(struct resp_writer *w) { resp_bulk_integer(w, 1000); }
static void write_double(struct resp_writer *w) { resp_double(w, 1.5); }
static void write_infinite(struct resp_writer *w) { resp_double(w, -INFINITY); }
static void write_human(struct resp_writer *w) { resp_bulk_human(w, 10.5L); }
static void write_big(struct resp_writer *w) { resp_big_number(w, SLICE("123456789012345678901234567890")); }
static void write_verbatim(struct resp_writer *w) { resp_verbatim(w, "txt", SLICE("a b")); }
static void write_true(struct resp_writer *w) { resp_bool(w, true); }
static void write_false(struct resp_writer *w) { resp_bool(w, false); }
static void write_null(struct resp_writer *w) { resp_null(w); }
static void write_null_array(struct resp_writer *w) { resp_null_array(w); }
static void write_set(struct resp_writer *w) { resp_set(w, 1), resp_integer(w, 1); }
static void write_push(struct resp_writer *w) { resp_push(w, 2), resp_integer(w, 1), resp_ok(w); }
static void write_map(struct resp_writer *w) { resp_map(w, 1), resp_bulk_string(w, "k"), resp_integer(w, 1); }

static void every_type_has_its_bytes(void **state)
{
    (void)state;
    EXPECT(write_simple, "+QUEUED\r\n", "+QUEUED\r\n");
    EXPECT(write_ok, "+OK\r\n", "+OK\r\n");
    EXPECT(write_error, "-ERR a  b\r\n", "-ERR a  b\r\n");
    EXPECT(write_errorf, "-ERR no 'x y' of 7\r\n", "-ERR no 'x y' of 7\r\n");
    EXPECT(write_integer, ":-12345\r\n", ":-12345\r\n");
    EXPECT(write_smallest, ":-9223372036854775808\r\n", ":-9223372036854775808\r\n");
    EXPECT(write_bulk, "$5\r\na\0\r\nb\r\n", "$5\r\na\0\r\nb\r\n");
    EXPECT(write_empty, "$0\r\n\r\n", "$0\r\n\r\n");
    EXPECT(write_bulk_integer, "$4\r\n1000\r\n", "$4\r\n1000\r\n");
    EXPECT(write_double, "$3\r\n1.5\r\n", ",1.5\r\n");
    EXPECT(write_infinite, "$4\r\n-inf\r\n", ",-inf\r\n");
    EXPECT(write_human, "$4\r\n10.5\r\n", "$4\r\n10.5\r\n");
    EXPECT(write_big, "$30\r\n123456789012345678901234567890\r\n", "(123456789012345678901234567890\r\n");
    EXPECT(write_verbatim, "$3\r\na b\r\n", "=7\r\ntxt:a b\r\n");
    EXPECT(write_true, ":1\r\n", "#t\r\n");
    EXPECT(write_false, ":0\r\n", "#f\r\n");
    EXPECT(write_null, "$-1\r\n", "_\r\n");
    EXPECT(write_null_array, "*-1\r\n", "_\r\n");
    EXPECT(write_set, "*1\r\n:1\r\n", "~1\r\n:1\r\n");
    EXPECT(write_push, "*2\r\n:1\r\n+OK\r\n", ">2\r\n:1\r\n+OK\r\n");
    EXPECT(write_map, "*2\r\n$1\r\nk\r\n:1\r\n", "%1\r\n$1\r\nk\r\n:1\r\n");
}

static void an_attribute_is_read_and_left_out(void **state)
{
    (void)state;
    struct buffer out = {0};
    struct resp_writer w = {.out = &out, .protocol = 3};
    struct resp_reply reply = {0};
    resp_array(&w, 2);
    resp_attribute(&w, 1), resp_ok(&w), resp_array(&w, 1), resp_ok(&w);
    resp_integer(&w, 1);
    resp_attribute(&w, 0);
    resp_integer(&w, 2);
    assert_int_equal(resp_reply_read(&reply, buffer_slice(&out)), 1);
    assert_int_equal(reply.size, 3);
    assert_int_equal(reply.nodes[1].integer, 1);
    assert_int_equal(reply.nodes[2].integer, 2);
    assert_int_equal(reply.bytes, out.size);
    resp_reply_free(&reply);
    buffer_free(&out);
}

static void counts_may_be_told_at_the_end(void **state)
{
    (void)state;
    uint64_t counts[] = {0, 1, 9, 10, 99, 100, 12345};
    for (int protocol = 2; protocol <= 3; protocol++) {
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            struct buffer late = {0}, known = {0};
            struct resp_writer a = {&late, protocol}, b = {&known, protocol};
            resp_ok(&a), resp_ok(&b);
            size_t outer = resp_array_begin(&a), inner = resp_map_begin(&a);
            resp_array(&b, 2), resp_map(&b, counts[c]);
            for (uint64_t i = 0; i < counts[c] * 2; i++)
                resp_integer(&a, (int64_t)i), resp_integer(&b, (int64_t)i);
            resp_map_end(&a, inner, counts[c]);
            inner = resp_set_begin(&a);
            resp_set(&b, 0);
            resp_set_end(&a, inner, 0);
            resp_array_end(&a, outer, 2);
            assert_true(slice_equal(buffer_slice(&late), buffer_slice(&known)));
            buffer_free(&late);
            buffer_free(&known);
        }
    }
}

static void integers_of_every_length_are_printed(void **state)
{
    (void)state;
    uint64_t seed = test_seed(1);
    struct test_random random = {seed};
    for (int i = 0; i < 20000; i++) {
        int64_t value = (int64_t)test_random_next(&random) >> test_random_below(&random, 64);
        char text[RESP_INTEGER_MAX + 1], expected[32];
        text[resp_format_integer(text, value)] = 0;
        snprintf(expected, sizeof expected, "%lld", (long long)value);
        assert_string_equal(text, expected);
        struct buffer out = {0};
        struct resp_writer w = {&out, 2};
        resp_integer(&w, value);
        assert_int_equal(out.size, strlen(expected) + 3);
        buffer_free(&out);
    }
}

static void expect_double(double value, const char *expected)
{
    char text[RESP_DOUBLE_MAX + 1];
    text[resp_format_double(text, value)] = 0;
    assert_string_equal(text, expected);
}

static void doubles_are_printed_as_redis_prints_them(void **state)
{
    (void)state;
    expect_double(0, "0");
    expect_double(-0.0, "-0");
    expect_double(NAN, "nan");
    expect_double(INFINITY, "inf");
    expect_double(3, "3");
    expect_double(0.1, "0.1");
    expect_double(-1.5, "-1.5");
    expect_double(0.1 + 0.2, "0.30000000000000004");
    expect_double(1.0 / 3, "0.3333333333333333");
    expect_double(123456.789, "123456.789");
    expect_double(1e18, "1000000000000000000");
    expect_double(1e20, "1e+20");
    expect_double(12345678901234567890.0, "12345678901234567000");
    expect_double(1.7976931348623157e308, "1.7976931348623157e+308");
    expect_double(5e-324, "5e-324");
    expect_double(1e-5, "0.00001");
    expect_double(1e-6, "0.000001");
    expect_double(1e-7, "1e-7");
    expect_double(1.5e-7, "1.5e-7");
    expect_double(0.0012345678901234567, "0.0012345678901234567");
    expect_double(0.00012345678901234567, "1.2345678901234567e-4");
}

static void a_printed_double_reads_back_and_is_short(void **state)
{
    (void)state;
    uint64_t seed = test_seed(2);
    struct test_random random = {seed};
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = test_random_next(&random);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (i % 2)
            value = (double)(int64_t)(bits >> 40) / 1000.0;
        if (!isfinite(value))
            continue;
        char text[RESP_DOUBLE_MAX + 1], shorter[40];
        size_t size = resp_format_double(text, value);
        assert_true(size <= RESP_DOUBLE_MAX);
        text[size] = 0;
        if (strtod(text, NULL) != value)
            fail_msg("seed %#llx: %s is not %.17g", (unsigned long long)seed, text, value);
        int digits = 0;
        for (const char *p = text; *p && *p != 'e'; p++)
            digits += (*p >= '1' && *p <= '9') || (*p == '0' && digits);
        if (digits < 2 || digits > 17 || !strpbrk(text, ".e"))
            continue;
        snprintf(shorter, sizeof shorter, "%.*g", digits - 1, value);
        if (text[strlen(text) - 1] != '0' && strtod(shorter, NULL) == value && !strchr(text, 'e'))
            fail_msg("seed %#llx: %s could be %s", (unsigned long long)seed, text, shorter);
    }
}

static void long_doubles_have_no_exponent(void **state)
{
    (void)state;
    static char text[RESP_HUMAN_MAX + 1];
    struct { long double value; const char *expected; } cases[] = {
        {0, "0"}, {-0.0L, "0"}, {10.5L, "10.5"}, {0.1L, "0.1"}, {5000, "5000"}, {1e20L, "100000000000000000000"},
        {-3.00000L, "-3"}, {1e-18L, "0"}, {-1e-18L, "0"}, /* "-0.000" shrinks to "-0" */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text[resp_format_human(text, cases[i].value)] = 0;
        assert_string_equal(text, cases[i].expected);
    }
    assert_true(resp_format_human(text, -1.18973149535723176502e+4932L) < RESP_HUMAN_MAX);
}

static void what_is_no_reply_is_refused(void **state)
{
    (void)state;
    const char *wrong[] = {"x\r\n", "\r\n", ":1a\r\n", "$-2\r\n", "*-2\r\n", "%-1\r\n", "#x\r\n", "_x\r\n", "$1\r\nabc", "+a\rb", "=3\r\ntxt\r\n", ":\r\n"};
    struct resp_reply reply = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_true(resp_reply_read(&reply, slice_from_string(wrong[i])) < 0);
    struct buffer deep = {0};
    for (int i = 0; i <= RESP_REPLY_DEPTH_MAX; i++)
        buffer_append(&deep, "*1\r\n", 4);
    assert_true(resp_reply_read(&reply, buffer_slice(&deep)) < 0);
    buffer_free(&deep);
    resp_reply_free(&reply);
}

static void a_reply_prints_on_one_line(void **state)
{
    (void)state;
    struct resp_reply reply = {0};
    struct buffer out = {0};
    struct slice bytes = SLICE("*5\r\n$2\r\na\n\r\n:2\r\n$-1\r\n%1\r\n+k\r\n-ERR no\r\n~1\r\n#t\r\n");
    assert_int_equal(resp_reply_read(&reply, bytes), 1);
    resp_node_print(&reply.nodes[0], &out);
    buffer_append_char(&out, 0);
    assert_string_equal(out.base, "[\"a\\n\", :2, nil, {+k: -ERR no}, (true)]");
    resp_reply_free(&reply);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_its_bytes),
        cmocka_unit_test(an_attribute_is_read_and_left_out),
        cmocka_unit_test(counts_may_be_told_at_the_end),
        cmocka_unit_test(integers_of_every_length_are_printed),
        cmocka_unit_test(doubles_are_printed_as_redis_prints_them),
        cmocka_unit_test(a_printed_double_reads_back_and_is_short),
        cmocka_unit_test(long_doubles_have_no_exponent),
        cmocka_unit_test(what_is_no_reply_is_refused),
        cmocka_unit_test(a_reply_prints_on_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
