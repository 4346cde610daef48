/* SPDX-License-Identifier: MIT
 * crash_test: a short history on a simulated disk, cut at every operation under every policy, or with operation k failing.
 *
 * What must hold afterwards: the log opens; what it holds is a prefix of what was appended, its state the one that was live after
 * that prefix; every transaction released under `always` (and every one, when only the process died) is in it; opening again gives
 * the same; and it can be written to. */
#include "tests/support.h"

#include <errno.h>

#include "kernel/os_sim.h"
#include "services/txlog/reader.h"
#include "services/txlog/txlog.h"
#include "tests/txlog/ledger_service.h"

#define DIR "log"
#define TX_MAX 400
#define STEPS 26

struct history {
    struct os_sim *sim;
    struct os *os;
    struct ledger ledger;
    struct service service;
    struct txlog_options options;
    struct tx_digest after[TX_MAX]; /* the state after each transaction */
    uint64_t newest, released, durable;
    bool opened;
    uint64_t refused; /* commands turned away for want of room */
    struct buffer error;
    const char *what; /* for messages */
    uint64_t place, seed;
};

static void identify(void *context, uint64_t client, struct tx_identity *identity)
{
    (void)context, (void)client;
    identity->user = SLICE("default");
}

static void history_init(struct history *h, enum txlog_fsync policy, uint64_t seed)
{
    memset(h, 0, sizeof *h);
    h->sim = os_sim_new(seed);
    h->os = os_sim_os(h->sim);
    h->service = ledger_service(&h->ledger);
    h->options = (struct txlog_options){.policy = policy, .segment_bytes = 64 << 10, .identity = identify};
    h->options.retain_bytes = seed % 2 ? TXLOG_RETAIN_ALL : 1; /* even seeds drop what the checkpoint covers */
    h->seed = seed;
    ledger_init(&h->ledger);
    h->after[0] = ledger_digest(&h->ledger);
}

static void history_free(struct history *h)
{
    buffer_free(&h->error);
    os_sim_free(h->sim);
}

/* One transaction of a few commands, some of them long. */
static void commit(struct history *h, struct txlog *log, struct test_random *random)
{
    struct ledger_session session = {.client = 1 + test_random_below(random, 3)};
    struct tx_admission admission = txlog_admit(log, os_wall_us(h->os));
    static const char bytes[30000];
    size_t size = test_random_below(random, 4) ? 20 : test_random_below(random, sizeof bytes);
    if (txlog_reserve(log, size + 500)) {
        h->refused++;
        return;
    }
    ledger_deposit(&session, (unsigned)test_random_below(random, LEDGER_ACCOUNTS), 10);
    ledger_bonus(&session, (unsigned)test_random_below(random, LEDGER_ACCOUNTS), txlog_seed(log, admission.cmd_seq));
    ledger_note(&session, slice_of(bytes, size));
    uint64_t before = txlog_newest(log);
    struct tx_digest was = ledger_digest(&h->ledger);
    uint64_t tx = ledger_commit(&h->ledger, &session, admission, txlog_receiver(log));
    assert_true(tx < TX_MAX);
    for (uint64_t i = before + 1; i < tx; i++)
        h->after[i] = was; /* introductions */
    h->after[tx] = ledger_digest(&h->ledger);
    h->newest = tx;
    buffer_free(&session.staged);
}

/* The history: turns of up to three transactions, pauses, and a checkpoint in the middle. Runs on after failures. */
static void live(struct history *h)
{
    struct txlog *log;
    struct test_random random = {h->seed};
    if (txlog_open(h->os, DIR, &h->options, &h->service, 1, &h->error, &log))
        return;
    h->opened = true;
    for (int step = 0; step < STEPS && !txlog_failed(log); step++) {
        for (uint64_t n = test_random_below(&random, 3) + 1; n > 0 && !txlog_failed(log); n--)
            commit(h, log, &random);
        h->released = txlog_turn_end(log, step % 2);
        h->durable = txlog_durable(log);
        if (step % 5 == 4) {
            os_sim_advance(h->sim, 1200000000u);
            h->released = txlog_turn_end(log, true);
        }
        if (step == STEPS / 2)
            txlog_checkpoint_begin(log);
        if (txlog_checkpoint_running(log))
            txlog_checkpoint_step(log, 600);
    }
    h->durable = txlog_durable(log);
    txlog_close(log);
}

static void explain(struct history *h, const char *why)
{
    fail_msg("%s: %s %llu, policy %d, seed %llu: released %llu durable %llu newest %llu; %.*s", why, h->what,
             (unsigned long long)h->place, h->options.policy, (unsigned long long)h->seed, (unsigned long long)h->released,
             (unsigned long long)h->durable, (unsigned long long)h->newest, (int)h->error.size,
             h->error.base ? h->error.base : "");
}

static uint64_t open_and_check(struct history *h, uint64_t at_least)
{
    struct txlog *log;
    ledger_init(&h->ledger);
    if (txlog_open(h->os, DIR, &h->options, &h->service, 1, &h->error, &log))
        explain(h, "the log does not open");
    uint64_t newest = txlog_newest(log);
    struct tx_digest state = ledger_digest(&h->ledger);
    if (newest > h->newest || memcmp(&state, &h->after[newest], sizeof state) != 0)
        explain(h, "the state is not that of a prefix");
    if (newest < at_least)
        explain(h, "acknowledged transactions are lost");
    if (txlog_close(log))
        explain(h, "closing fails");
    return newest;
}

static void check_hashes(struct history *h)
{
    struct txlog_reader *reader;
    struct tx_record record;
    int got = txlog_reader_open(h->os, DIR, 0, &h->error, &reader);
    if (got)
        explain(h, "the log cannot be read");
    txlog_reader_verify_hashes(reader);
    while ((got = txlog_reader_next(reader, &record)) > 0)
        continue;
    if (got)
        explain(h, "the log does not verify");
    txlog_reader_close(reader);
}

/* After the loss: recover, perhaps interrupted once; twice the same; go on. */
static void recover_and_check(struct history *h, uint64_t at_least, enum os_sim_loss loss, struct test_random *random)
{
    if (test_random_below(random, 2)) {
        struct txlog *log;
        os_sim_cut(h->sim, 1 + test_random_below(random, 12));
        ledger_init(&h->ledger);
        if (txlog_open(h->os, DIR, &h->options, &h->service, 1, &h->error, &log) == 0)
            txlog_close(log);
        h->error.size = 0;
        os_sim_power_on(h->sim, loss, test_random_next(random));
    }
    uint64_t first = open_and_check(h, at_least);
    os_sim_power_on(h->sim, OS_SIM_LOSE_ALL, 0); /* what recovery has shown to anybody is on stable storage */
    if (open_and_check(h, first) != first)
        explain(h, "a second opening differs");
    check_hashes(h);
    h->newest = first;
    live(h);
    uint64_t all = h->newest;
    if (open_and_check(h, all) != all)
        explain(h, "what was written after recovery is lost");
    check_hashes(h);
}

static void cut_at(enum txlog_fsync policy, uint64_t place, enum os_sim_loss loss, uint64_t seed, bool *reached)
{
    struct history h;
    struct test_random random = {seed * 1000 + place};
    history_init(&h, policy, seed);
    h.what = "cut at operation";
    h.place = place;
    os_sim_cut(h.sim, place);
    live(&h);
    *reached = os_sim_is_cut(h.sim);
    h.error.size = 0;
    os_sim_power_on(h.sim, loss, test_random_next(&random));
    bool acknowledged = policy == TXLOG_ALWAYS || loss == OS_SIM_KEEP_ALL;
    recover_and_check(&h, acknowledged ? h.released : h.durable, loss, &random);
    history_free(&h);
}

static void cut_everywhere(enum txlog_fsync policy, enum os_sim_loss loss)
{
    unsigned seeds = 1 * test_long_factor();
    for (unsigned i = 0; i < seeds; i++) {
        bool reached = true;
        uint64_t seed = test_seed(1) + i + policy;
        for (uint64_t place = 1; reached; place++)
            cut_at(policy, place, loss, seed, &reached);
    }
}

static void always_survives_a_cut_anywhere(void **state)
{
    (void)state;
    cut_everywhere(TXLOG_ALWAYS, OS_SIM_MIX);
    cut_everywhere(TXLOG_ALWAYS, OS_SIM_LOSE_ALL);
    cut_everywhere(TXLOG_ALWAYS, OS_SIM_KEEP_ALL);
}

static void everysec_survives_a_cut_anywhere(void **state)
{
    (void)state;
    cut_everywhere(TXLOG_EVERYSEC, OS_SIM_MIX);
    cut_everywhere(TXLOG_EVERYSEC, OS_SIM_LOSE_ALL);
    cut_everywhere(TXLOG_EVERYSEC, OS_SIM_KEEP_ALL);
}

static void no_flush_survives_a_cut_anywhere(void **state)
{
    (void)state;
    cut_everywhere(TXLOG_NO, OS_SIM_MIX);
    cut_everywhere(TXLOG_NO, OS_SIM_KEEP_ALL);
}

/* ---- failing operations ---- */

static void fail_at(enum txlog_fsync policy, unsigned kinds, int error, uint64_t place, uint64_t times, bool *reached)
{
    struct history h;
    uint64_t seed = test_seed(7);
    struct test_random random = {seed + place};
    history_init(&h, policy, seed);
    h.what = error == ENOSPC ? "no space at operation" : "error at operation";
    h.place = place;
    os_sim_fail(h.sim, kinds, place, times, error);
    live(&h);
    *reached = os_sim_fail_hit(h.sim);
    h.error.size = 0;
    enum os_sim_loss loss = policy == TXLOG_ALWAYS ? OS_SIM_MIX : OS_SIM_KEEP_ALL;
    os_sim_power_on(h.sim, loss, test_random_next(&random));
    recover_and_check(&h, h.released, loss, &random);
    history_free(&h);
}

static void fail_everywhere(unsigned kinds, int error, uint64_t times)
{
    for (int policy = TXLOG_ALWAYS; policy <= TXLOG_EVERYSEC; policy++) {
        bool reached = true;
        for (uint64_t place = 1; reached; place++)
            fail_at(policy, kinds, error, place, times, &reached);
    }
}

static void a_failing_write_stops_the_log_and_loses_nothing_released(void **state)
{
    (void)state;
    fail_everywhere(OS_SIM_WRITE, EIO, 1);
}

static void a_failing_flush_stops_the_log_and_loses_nothing_released(void **state)
{
    (void)state;
    fail_everywhere(OS_SIM_SYNC, EIO, 1);
}

static void a_full_disk_refuses_commands_and_loses_nothing(void **state)
{
    (void)state;
    fail_everywhere(OS_SIM_FILL | OS_SIM_NAME, ENOSPC, 1);
    fail_everywhere(OS_SIM_FILL | OS_SIM_NAME, ENOSPC, UINT64_MAX);
}

static void a_failing_read_is_not_taken_for_the_end(void **state)
{
    (void)state;
    struct history h;
    history_init(&h, TXLOG_ALWAYS, test_seed(11));
    h.what = "failing read";
    live(&h);
    bool hit = true;
    for (h.place = 1; hit; h.place++) {
        struct txlog *log;
        ledger_init(&h.ledger);
        h.error.size = 0;
        os_sim_fail(h.sim, OS_SIM_READ, h.place, 1, EIO);
        int error = txlog_open(h.os, DIR, &h.options, &h.service, 1, &h.error, &log);
        hit = os_sim_fail_hit(h.sim);
        os_sim_fail(h.sim, 0, 0, 0, 0);
        if (error && !h.error.size)
            explain(&h, "refused without a word");
        if (!error && txlog_newest(log) != h.newest)
            explain(&h, "the log was cut short");
        if (!error)
            txlog_close(log);
    }
    h.error.size = 0;
    open_and_check(&h, h.newest);
    history_free(&h);
}

static void a_full_disk_is_refused_before_execution_and_recovers(void **state)
{
    (void)state;
    struct history h;
    struct txlog *log;
    struct test_random random = {3};
    history_init(&h, TXLOG_ALWAYS, 3);
    assert_int_equal(txlog_open(h.os, DIR, &h.options, &h.service, 1, &h.error, &log), 0);
    os_sim_fail(h.sim, OS_SIM_FILL | OS_SIM_NAME, 1, UINT64_MAX, ENOSPC);
    while (h.refused < 5) {
        commit(&h, log, &random);
        txlog_turn_end(log, true);
    }
    assert_int_equal(txlog_failed(log), 0);
    assert_int_equal(txlog_released(log), txlog_newest(log));
    uint64_t refused = h.refused;
    os_sim_fail(h.sim, 0, 0, 0, 0);
    for (int i = 0; i < 20; i++)
        commit(&h, log, &random);
    assert_int_equal(h.refused, refused);
    assert_int_equal(txlog_turn_end(log, true), txlog_newest(log));
    assert_int_equal(txlog_close(log), 0);
    open_and_check(&h, h.newest);
    history_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(always_survives_a_cut_anywhere),
        cmocka_unit_test(everysec_survives_a_cut_anywhere),
        cmocka_unit_test(no_flush_survives_a_cut_anywhere),
        cmocka_unit_test(a_failing_write_stops_the_log_and_loses_nothing_released),
        cmocka_unit_test(a_failing_flush_stops_the_log_and_loses_nothing_released),
        cmocka_unit_test(a_full_disk_refuses_commands_and_loses_nothing),
        cmocka_unit_test(a_failing_read_is_not_taken_for_the_end),
        cmocka_unit_test(a_full_disk_is_refused_before_execution_and_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
