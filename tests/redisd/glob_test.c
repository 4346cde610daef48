/* SPDX-License-Identifier: MIT
 * glob_test: patterns match as Redis's do, and no pattern makes matching slow. */
#include <time.h>

#include "redisd/command.h"
#include "tests/support.h"

static void expect(const char *pattern, const char *text, bool matches)
{
    if (glob_match(slice_from_string(pattern), slice_from_string(text), false) != matches)
        fail_msg("'%s' %s '%s'", pattern, matches ? "does not match" : "matches", text);
}

static void patterns_match_as_in_redis(void **state)
{
    (void)state;
    expect("", "", true);
    expect("", "a", false);
    expect("*", "", true);
    expect("**", "abc", true);
    expect("h?llo", "hallo", true);
    expect("h?llo", "hllo", false);
    expect("h*llo", "heeeello", true);
    expect("*a*b*c*", "xxaxxbxxcxx", true);
    expect("*a*b*c*", "xxaxxcxxbxx", false);
    expect("h[ae]llo", "hello", true);
    expect("h[ae]llo", "hillo", false);
    expect("h[^e]llo", "hallo", true);
    expect("h[^e]llo", "hello", false);
    expect("h[a-b]llo", "hbllo", true);
    expect("h[b-a]llo", "hbllo", true);
    expect("h[a-b]llo", "hcllo", false);
    expect("[\\]]", "]", true);
    expect("[a-", "-", true);
    expect("[abc", "b", true);
    expect("\\*", "*", true);
    expect("\\*", "a", false);
    expect("a\\", "a\\", true);
    expect("a", "A", false);
    expect("*.txt", "a.txt.txt", true);
}

static void case_is_ignored_when_asked(void **state)
{
    (void)state;
    assert_true(glob_match(SLICE("MAX*Y"), SLICE("maxmemory"), true));
    assert_true(glob_match(SLICE("[A-C]x"), SLICE("bX"), true));
    assert_false(glob_match(SLICE("MAX*Y"), SLICE("maxmemory"), false));
}

static void any_byte_matches_zero_and_high_ones_included(void **state)
{
    (void)state;
    assert_true(glob_match(slice_of("a?b", 3), slice_of("a\0b", 3), false));
    assert_true(glob_match(slice_of("\xff*", 2), slice_of("\xff\0\x80", 3), false));
    assert_true(glob_match(slice_of("[\x80-\xff]", 5), slice_of("\xc3", 1), false));
    assert_false(glob_match(slice_of("[\x80-\xff]", 5), slice_of("a", 1), false));
}

/* What backtracks without bound takes years for this. */
static void many_stars_take_no_time(void **state)
{
    (void)state;
    char pattern[200], text[1000];
    for (size_t i = 0; i < sizeof(pattern); i += 2)
        memcpy(pattern + i, "*a", 2);
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = 'b';
    clock_t begin = clock();
    assert_false(glob_match(slice_of(pattern, sizeof(pattern)), slice_of(text, sizeof(text)), false));
    assert_true(clock() - begin < CLOCKS_PER_SEC);
}

/* The plain definition, exponential: good for short texts. */
static bool matches_slowly(const char *p, const char *p_end, const char *t, const char *t_end)
{
    if (p == p_end)
        return t == t_end;
    if (*p == '*')
        return matches_slowly(p + 1, p_end, t, t_end) || (t < t_end && matches_slowly(p, p_end, t + 1, t_end));
    return t < t_end && (*p == '?' || *p == *t) && matches_slowly(p + 1, p_end, t + 1, t_end);
}

static void random_patterns_match_as_the_definition_says(void **state)
{
    (void)state;
    uint64_t seed = test_seed(7);
    struct test_random random = {seed};
    for (unsigned round = 0; round < 20000 * test_long_factor(); round++) {
        char pattern[8], text[10];
        size_t p = test_random_below(&random, sizeof(pattern) + 1), t = test_random_below(&random, sizeof(text) + 1);
        for (size_t i = 0; i < p; i++)
            pattern[i] = "ab?*"[test_random_below(&random, 4)];
        for (size_t i = 0; i < t; i++)
            text[i] = "ab"[test_random_below(&random, 2)];
        if (glob_match(slice_of(pattern, p), slice_of(text, t), false) != matches_slowly(pattern, pattern + p, text, text + t))
            fail_msg("'%.*s' and '%.*s', seed %llu", (int)p, pattern, (int)t, text, (unsigned long long)seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_as_in_redis),
        cmocka_unit_test(case_is_ignored_when_asked),
        cmocka_unit_test(any_byte_matches_zero_and_high_ones_included),
        cmocka_unit_test(many_stars_take_no_time),
        cmocka_unit_test(random_patterns_match_as_the_definition_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
