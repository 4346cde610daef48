/* SPDX-License-Identifier: MIT
 * args_test: texts are numbers exactly when Redis takes them as such, and numbers become texts that read back. */
#include <math.h>

#include "redisd/command.h"
#include "tests/support.h"

static void integers_are_strict_decimals(void **state)
{
    (void)state;
    static const struct { const char *text; int64_t value; } good[] = {
        {"0", 0}, {"1", 1}, {"-1", -1}, {"42", 42}, {"9223372036854775807", INT64_MAX}, {"-9223372036854775808", INT64_MIN},
    };
    static const char *const bad[] = {"", "-", "+1", "01", "-0", "00", " 1", "1 ", "1x", "0x1", "1.0", "9223372036854775808", "-9223372036854775809", "99999999999999999999", "184467440737095516160"};
    int64_t value;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(slice_to_i64(slice_from_string(good[i].text), &value));
        assert_int_equal(value, good[i].value);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (slice_to_i64(slice_from_string(bad[i]), &value))
            fail_msg("'%s' is taken as an integer", bad[i]);
    assert_false(slice_to_i64(slice_of("1\0", 2), &value));
}

static void floats_may_be_infinite_but_not_padded(void **state)
{
    (void)state;
    static const char *const good[] = {"1.5", "-1.5", "+1", "1e3", "inf", "+inf", "-inf", "infinity", "0x10", ".5", "5."};
    static const char *const bad[] = {"", " 1", "1 ", "nan", "-nan", "abc", "1.2.3", "1e400", "-1e400", "1e-400", "--1"};
    double value;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!slice_to_double(slice_from_string(good[i]), &value))
            fail_msg("'%s' is not taken as a float", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (slice_to_double(slice_from_string(bad[i]), &value))
            fail_msg("'%s' is taken as a float", bad[i]);
    assert_false(slice_to_double(slice_of("1\0" "2", 3), &value));
}

static void integers_written_read_back(void **state)
{
    (void)state;
    uint64_t seed = test_seed(11);
    struct test_random random = {seed};
    for (unsigned i = 0; i < 20000; i++) {
        char scratch[32];
        int64_t value = (int64_t)(test_random_next(&random) >> test_random_below(&random, 64)), back;
        value = i == 0 ? INT64_MIN : i == 1 ? INT64_MAX : i % 2 ? value : -value;
        if (!slice_to_i64(slice_from_i64(scratch, value), &back) || back != value)
            fail_msg("%lld does not read back, seed %llu", (long long)value, (unsigned long long)seed);
    }
}

static void doubles_written_read_back(void **state)
{
    (void)state;
    uint64_t seed = test_seed(12);
    struct test_random random = {seed};
    for (unsigned i = 0; i < 20000; i++) {
        char scratch[64];
        uint64_t bits = test_random_next(&random);
        double value, back;
        memcpy(&value, &bits, sizeof(value));
        if (i % 2)
            value = (double)(int64_t)(bits >> 20) / 1000;
        if (!isfinite(value) || fpclassify(value) == FP_SUBNORMAL)
            continue;
        if (!slice_to_double(slice_from_double(scratch, value), &back) || back != value)
            fail_msg("%.17g does not read back, seed %llu", value, (unsigned long long)seed);
    }
}

static void doubles_are_written_with_few_digits(void **state)
{
    (void)state;
    static const struct { double value; const char *text; } cases[] = {{0, "0"}, {-0.0, "-0"}, {3, "3"}, {-17, "-17"}, {0.1, "0.1"}, {1e20, "1e+20"}, {3.14, "3.14"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char scratch[64];
        struct slice text = slice_from_double(scratch, cases[i].value);
        if (!slice_equal(text, slice_from_string(cases[i].text)))
            fail_msg("%g is written '%.*s'", cases[i].value, (int)text.size, text.base);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_strict_decimals),
        cmocka_unit_test(floats_may_be_infinite_but_not_padded),
        cmocka_unit_test(integers_written_read_back),
        cmocka_unit_test(doubles_written_read_back),
        cmocka_unit_test(doubles_are_written_with_few_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
