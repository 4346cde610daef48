/* SPDX-License-Identifier: MIT
 * timer_test: deadlines against a simple model, lazy re-arming, and the histogram of latencies. */
#include "kernel/histogram.h"
#include "kernel/timer.h"
#include "tests/support.h"

enum { TIMERS = 300 };

struct model {
    struct timer timer;
    uint64_t deadline; /* 0: not armed */
    uint64_t *now, *last;
    int fired;
};

static void note_fired(void *context)
{
    struct model *m = context;
    assert_true(m->deadline != 0);
    assert_true(m->deadline <= *m->now);
    assert_true(m->deadline >= *m->last); /* in the order of deadlines */
    *m->last = m->deadline;
    m->deadline = 0;
    m->fired++;
}

static void timers_fire_once_in_order_and_never_early(void **state)
{
    (void)state;
    uint64_t seed = test_seed(5), now = 1, last = 0;
    struct test_random random = {seed};
    static struct model models[TIMERS];
    struct timers timers = {0};
    for (int i = 0; i < TIMERS; i++)
        models[i] = (struct model){.timer = {.fire = note_fired, .context = &models[i]}, .now = &now, .last = &last};
    for (int step = 0; step < 30000; step++) {
        struct model *m = &models[test_random_below(&random, TIMERS)];
        switch (test_random_below(&random, 4)) {
        case 0:
            timer_cancel(&timers, &m->timer);
            m->deadline = 0;
            break;
        case 1:
            now += test_random_below(&random, 50);
            last = 0;
            timers_run(&timers, now);
            for (int i = 0; i < TIMERS; i++)
                if ((models[i].deadline && models[i].deadline <= now) || timer_armed(&models[i].timer) != (models[i].deadline != 0))
                    fail_msg("timer %d in step %d, seed %llu", i, step, (unsigned long long)seed);
            break;
        default:
            m->deadline = now + 1 + test_random_below(&random, 1000);
            timer_set(&timers, &m->timer, m->deadline);
        }
        uint64_t earliest = UINT64_MAX;
        for (int i = 0; i < TIMERS; i++)
            if (models[i].deadline && models[i].deadline < earliest)
                earliest = models[i].deadline;
        int64_t wait = timers_wait_ns(&timers, now);
        assert_true(earliest == UINT64_MAX ? wait == -1 : wait >= 0 && (uint64_t)wait <= earliest - now);
    }
    timers_deinit(&timers);
}

static void pushing_a_deadline_back_touches_only_the_timer(void **state)
{
    (void)state;
    uint64_t now = 0, last = 0;
    struct model m = {.now = &now, .last = &last};
    m.timer = (struct timer){.fire = note_fired, .context = &m};
    struct timers timers = {0};
    m.deadline = 10;
    timer_set(&timers, &m.timer, 10);
    uint32_t position = m.timer.position;
    m.deadline = 1000;
    timer_set(&timers, &m.timer, 1000);
    assert_int_equal(m.timer.position, position);
    assert_int_equal(timers_wait_ns(&timers, 0), 10); /* early, and harmless */
    now = 10;
    assert_int_equal(timers_run(&timers, now), 0);
    assert_int_equal(timers_wait_ns(&timers, now), 990);
    now = 1000;
    assert_int_equal(timers_run(&timers, now), 1);
    assert_int_equal(m.fired, 1);
    assert_int_equal(timers_wait_ns(&timers, now), -1);
    timers_deinit(&timers);
}

struct again {
    struct timer timer;
    struct timers *timers;
    int fired;
};

static void set_again(void *context)
{
    struct again *a = context;
    a->fired++;
    timer_set(a->timers, &a->timer, 1);
}

static void a_timer_that_sets_itself_fires_once_per_run(void **state)
{
    (void)state;
    struct timers timers = {0};
    struct again a = {.timers = &timers};
    a.timer = (struct timer){.fire = set_again, .context = &a};
    timer_set(&timers, &a.timer, 1);
    timers_run(&timers, 100);
    timers_run(&timers, 100);
    assert_int_equal(a.fired, 2);
    timers_deinit(&timers);
}

static void every_value_lies_in_its_bucket(void **state)
{
    (void)state;
    struct test_random random = {test_seed(9)};
    for (int i = 0; i < 100000; i++) {
        uint64_t value = i < 2000 ? (uint64_t)i : test_random_next(&random) >> test_random_below(&random, 64);
        unsigned bucket = histogram_bucket(value);
        assert_true(bucket < HISTOGRAM_BUCKETS);
        assert_true(value <= histogram_bucket_max(bucket));
        assert_true(bucket == 0 || value > histogram_bucket_max(bucket - 1));
        assert_true(histogram_bucket_max(bucket) - value <= value / HISTOGRAM_PARTS);
    }
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void percentiles_are_right_to_the_bucket(void **state)
{
    (void)state;
    static struct histogram a, b;
    assert_int_equal(histogram_percentile(&a, 50), 0);
    for (uint64_t i = 1; i <= 1000; i++)
        histogram_record(i % 2 ? &a : &b, i * 1000);
    histogram_merge(&a, &b);
    assert_int_equal(a.count, 1000);
    assert_int_equal(a.sum, 500500000);
    assert_int_equal(a.max, 1000000);
    assert_in_range(histogram_percentile(&a, 50), 500000, 532000);
    assert_in_range(histogram_percentile(&a, 99), 990000, 1000000);
    assert_int_equal(histogram_percentile(&a, 100), 1000000);
    assert_in_range(histogram_percentile(&a, 0), 1000, 1100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_once_in_order_and_never_early),
        cmocka_unit_test(pushing_a_deadline_back_touches_only_the_timer),
        cmocka_unit_test(a_timer_that_sets_itself_fires_once_per_run),
        cmocka_unit_test(every_value_lies_in_its_bucket),
        cmocka_unit_test(percentiles_are_right_to_the_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
