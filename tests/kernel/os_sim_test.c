/* SPDX-License-Identifier: MIT
 * os_sim_test: the simulated machine keeps what was synced, loses and tears what was not, and fails when it is told to. */
#include "tests/support.h"

#include <errno.h>

#include "kernel/os_sim.h"

enum { PAGE = 4096, PIECE = 512, PAGES = 8 };

struct machine {
    struct os_sim *sim;
    struct os *os;
};

static struct machine machine_new(uint64_t seed)
{
    struct os_sim *sim = os_sim_new(seed);
    return (struct machine){sim, os_sim_os(sim)};
}

static int create(struct machine *m, const char *path)
{
    int fd = m->os->ops->open(m->os->self, path, OS_READ | OS_WRITE | OS_CREATE);
    assert_true(fd >= 0);
    return fd;
}

static void fill(struct machine *m, int fd, int page, char c)
{
    char bytes[PAGE];
    memset(bytes, c, sizeof bytes);
    assert_int_equal(os_pwrite_all(m->os, fd, bytes, sizeof bytes, (uint64_t)page * PAGE), 0);
}

static int create_synced(struct machine *m, const char *path)
{
    int fd = create(m, path);
    for (int page = 0; page < PAGES; page++)
        fill(m, fd, page, 'a');
    assert_int_equal(m->os->ops->datasync(m->os->self, fd), 0);
    assert_int_equal(m->os->ops->sync_dir(m->os->self, "d"), 0);
    return fd;
}

static void what_was_synced_survives(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct machine m = machine_new(seed);
        create_synced(&m, "d/f");
        os_sim_power_on(m.sim, OS_SIM_MIX, seed);
        uint64_t size;
        const uint8_t *bytes = os_sim_file(m.sim, "d/f", &size);
        assert_non_null(bytes);
        assert_int_equal(size, PAGES * PAGE);
        for (uint64_t i = 0; i < size; i++)
            assert_int_equal(bytes[i], 'a');
        os_sim_free(m.sim);
    }
}

/* Over many seeds, pages with an old and two newer contents come back in each of them, whole and mixed. */
static void what_was_not_synced_is_kept_dropped_torn_or_overtaken(void **state)
{
    (void)state;
    unsigned old = 0, middle = 0, newest = 0, torn = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct machine m = machine_new(seed);
        int fd = create_synced(&m, "d/f");
        for (int page = 0; page < PAGES; page++) {
            fill(&m, fd, page, 'b');
            fill(&m, fd, page, 'c');
        }
        os_sim_power_on(m.sim, OS_SIM_MIX, seed);
        const uint8_t *bytes = os_sim_file(m.sim, "d/f", NULL);
        for (int page = 0; page < PAGES; page++) {
            bool same = true;
            for (int i = 0; i < PAGE; i++) {
                uint8_t c = bytes[page * PAGE + i];
                assert_in_range(c, 'a', 'c');
                assert_int_equal(c, bytes[page * PAGE + i / PIECE * PIECE]);
                same = same && c == bytes[page * PAGE];
            }
            old += same && bytes[page * PAGE] == 'a';
            middle += same && bytes[page * PAGE] == 'b';
            newest += same && bytes[page * PAGE] == 'c';
            torn += !same;
        }
        os_sim_free(m.sim);
    }
    assert_true(old > 20 && middle > 20 && newest > 20 && torn > 20);
}

static void names_survive_in_order_once_the_directory_is_synced(void **state)
{
    (void)state;
    unsigned kept[4] = {0};
    for (uint64_t seed = 0; seed < 80; seed++) {
        struct machine m = machine_new(seed);
        create_synced(&m, "d/f");
        create(&m, "d/g");
        m.os->ops->rename(m.os->self, "d/g", "d/h");
        m.os->ops->unlink(m.os->self, "d/f");
        os_sim_power_on(m.sim, OS_SIM_MIX, seed);
        bool f = os_sim_file(m.sim, "d/f", NULL), g = false, h = false;
        struct os_stat stat;
        g = m.os->ops->stat(m.os->self, "d/g", &stat) == 0;
        h = m.os->ops->stat(m.os->self, "d/h", &stat) == 0;
        unsigned changes = !f ? 3 : h ? 2 : g ? 1 : 0;
        assert_true(changes < 3 || h);
        assert_false(g && h);
        kept[changes]++;
        os_sim_free(m.sim);
    }
    for (int i = 0; i < 4; i++)
        assert_true(kept[i] > 0);
}

static void a_failed_sync_is_not_made_good_by_a_second_one(void **state)
{
    (void)state;
    struct machine m = machine_new(1);
    int fd = create_synced(&m, "d/f");
    fill(&m, fd, 0, 'b');
    os_sim_fail(m.sim, OS_SIM_SYNC, 1, 1, EIO);
    assert_int_equal(m.os->ops->datasync(m.os->self, fd), -EIO);
    assert_int_equal(m.os->ops->datasync(m.os->self, fd), 0);
    char c;
    assert_int_equal(os_pread_all(m.os, fd, &c, 1, 0), 0);
    assert_int_equal(c, 'b');
    os_sim_power_on(m.sim, OS_SIM_LOSE_ALL, 0);
    assert_int_equal(os_sim_file(m.sim, "d/f", NULL)[0], 'a');
    os_sim_free(m.sim);
}

static void the_power_goes_at_the_operation_asked_for(void **state)
{
    (void)state;
    struct machine m = machine_new(1);
    int fd = create_synced(&m, "d/f");
    os_sim_cut(m.sim, 2);
    fill(&m, fd, 0, 'b');
    assert_int_equal(m.os->ops->datasync(m.os->self, fd), -EIO);
    assert_true(os_sim_is_cut(m.sim));
    assert_int_equal(os_pwrite_all(m.os, fd, "x", 1, 0), -EIO);
    os_sim_power_on(m.sim, OS_SIM_KEEP_ALL, 0);
    assert_int_equal(os_sim_file(m.sim, "d/f", NULL)[0], 'b');
    assert_true(m.os->ops->open(m.os->self, "d/f", OS_READ) >= 0);
    os_sim_free(m.sim);
}

static void locks_exclude_and_end_with_the_descriptor(void **state)
{
    (void)state;
    struct machine m = machine_new(1);
    int first = create(&m, "d/lock"), second = create(&m, "d/lock");
    assert_int_equal(m.os->ops->lock(m.os->self, first), 0);
    assert_int_equal(m.os->ops->lock(m.os->self, second), -EWOULDBLOCK);
    m.os->ops->close(m.os->self, first);
    assert_int_equal(m.os->ops->lock(m.os->self, second), 0);
    os_sim_free(m.sim);
}

static void the_clock_moves_when_it_is_told(void **state)
{
    (void)state;
    struct machine m = machine_new(1);
    uint64_t ns = os_monotonic_ns(m.os);
    int64_t us = os_wall_us(m.os);
    os_sim_advance(m.sim, 5000);
    os_sim_jump(m.sim, -100);
    assert_int_equal(os_monotonic_ns(m.os), ns + 5000);
    assert_int_equal(os_wall_us(m.os), us + 5 - 100);
    os_sim_free(m.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_synced_survives),
        cmocka_unit_test(what_was_not_synced_is_kept_dropped_torn_or_overtaken),
        cmocka_unit_test(names_survive_in_order_once_the_directory_is_synced),
        cmocka_unit_test(a_failed_sync_is_not_made_good_by_a_second_one),
        cmocka_unit_test(the_power_goes_at_the_operation_asked_for),
        cmocka_unit_test(locks_exclude_and_end_with_the_descriptor),
        cmocka_unit_test(the_clock_moves_when_it_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
